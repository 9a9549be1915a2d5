#!/bin/sh
# Lists what the image is made of beside its base, in CycloneDX: `sbom.sh FILE`. Of the lock file, so with the hashes of what
# was installed. Released images carry a list of their own, in SPDX (docs/releasing.md).
set -eu
cd "$(dirname "$0")/.."
file="${1:?the file to write}"
about="$(mktemp)"
trap 'rm -f "$about"' EXIT
# Not our own pyproject.toml: the tool takes no licence as PEP 639 writes it.
cat >"$about" <<END
[project]
name = "lacewing"
version = "$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' src/lacewing/__init__.py)"
license = {text = "Apache-2.0"}
END
.venv/delivery/bin/cyclonedx-py requirements requirements/runtime.txt --pyproject "$about" \
    --mc-type application --output-reproducible --output-format JSON --outfile "$file"
