"""Our image, and stand-ins for the public ones, on machines that can pull none.

The base of our image is stood in for by a Debian 12 with its Python and pip; the servers by
Debian's own, which start as the public images do as far as ``docker-compose.yml`` relies on it
(``standins/entrypoint.sh``). So the versions differ from the public images'; our files do not.
"""

import re
import shutil
import tempfile
from pathlib import Path

from tests.support.docker import Engine
from tests.support.locks import alone
from tests.support.tools import ROOT, TOOLS, debian_tool

HERE = Path(__file__).parent
IMAGE = "lacewing:test"
DEVELOPMENT_IMAGE = "lacewing:test-development"
BASE_PACKAGES = ("python3", "python3-venv", "python3-pip", "ca-certificates")
SERVER_PACKAGES = (
    "curl", "gettext-base", "nginx-light", "postgresql", "rabbitmq-server", "redis-server",
)  # fmt: skip
STOOD_IN_FOR = ("nginx", "postgres", "rabbitmq", "redis")
TRUSTED = Path("/etc/ssl/certs/ca-certificates.crt")
PIP_SETTINGS = Path("/etc/pip.conf")
DEFAULT_TAG = re.compile(r"\$\{LACEWING_\w+_IMAGE:-(?P<tag>[^}]+)\}")


def base_tag() -> str:
    """What the Dockerfile builds on."""
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)", _text("Dockerfile"), re.MULTILINE)
    assert found
    return found[1]


def server_tags() -> dict[str, str]:
    """The public images that Compose takes, by their short names."""
    tags = [match["tag"] for match in DEFAULT_TAG.finditer(_text("docker-compose.yml"))]
    return {tag.partition(":")[0]: tag for tag in tags}


def make_image(
    engine: Engine, context: Path = ROOT, tag: str = IMAGE, target: str = "program"
) -> str:
    """Build our image from ``context``, upon the stand-in of its base; its tag."""
    _make_base(engine)
    engine.docker(
        "build", "--network=host", "--target", target, "--tag", tag,
        "--build-arg", "VERSION=0.1.0", "--build-arg", "REVISION=0123456789abcdef", str(context),
    )  # fmt: skip
    return tag


def make_standins(engine: Engine) -> None:
    """The servers, tagged as Compose wants them."""
    tags = server_tags()
    assert sorted(tags) == sorted(STOOD_IN_FOR)
    if all(engine.has_image(tag) for tag in tags.values()):
        return
    engine.docker("import", str(_tree("servers", SERVER_PACKAGES)), "lacewing-test-servers")
    for name, tag in tags.items():
        engine.docker("build", "--target", name, "--tag", tag, str(HERE / "standins"))


def _make_base(engine: Engine) -> None:
    """With what this machine needs to reach its packages: whom it trusts, and pip's settings."""
    tag = base_tag()
    if engine.has_image(tag):
        return
    engine.docker("import", str(_tree("base", BASE_PACKAGES)), "lacewing-test-base")
    with tempfile.TemporaryDirectory() as name:
        context = Path(name)
        shutil.copy(TRUSTED, context / "trusted")
        (context / "pip.conf").write_text(
            PIP_SETTINGS.read_text(encoding="utf-8") if PIP_SETTINGS.exists() else "",
            encoding="utf-8",
        )
        (context / "Dockerfile").write_text(
            "FROM lacewing-test-base\n"
            f"COPY trusted {TRUSTED}\n"
            f"COPY pip.conf {PIP_SETTINGS}\n"
            # As in the public image: its pip may install beside Python.
            "RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED\n",
            encoding="utf-8",
        )
        engine.docker("build", "--tag", tag, str(context))


def _tree(name: str, packages: tuple[str, ...]) -> Path:
    """A Debian 12 with these packages, as a tar; kept among the tools, as it takes a minute."""
    tree = TOOLS / f"bookworm-{name}.tar"
    with alone(tree.stem):
        if not tree.exists():
            _make_tree(tree, packages)
    return tree


def _make_tree(tree: Path, packages: tuple[str, ...]) -> None:
    TOOLS.mkdir(parents=True, exist_ok=True)
    making = tree.with_suffix(".new.tar")
    debian_tool("mmdebstrap", "mmdebstrap")
    Engine("").run(
        ["mmdebstrap", "--variant=minbase", "--dpkgopt=force-unsafe-io",
         f"--include={','.join(packages)}", "bookworm", str(making)]
    )  # fmt: skip
    making.rename(tree)


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")
