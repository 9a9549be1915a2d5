#!/bin/sh
# Locks requirements/*.in with hashes, for every platform; the files name no registry.
set -eu
cd "$(dirname "$0")/../requirements"
for kind in runtime dev bench semgrep delivery; do
    ../.venv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 \
        --no-emit-index-url --no-emit-find-links --no-header "$@" "$kind.in" -o "$kind.txt"
done
