"""The import rules of ``.importlinter``: kept, and each able to catch what it is for."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.domain.contract import Contract

CONFIGURATION = Path(__file__).parents[2] / ".importlinter"
KINDS: dict[str, type[Contract]] = {
    "layers": LayersContract,
    "forbidden": ForbiddenContract,
    "acyclic_siblings": AcyclicSiblingsContract,
}


def _contracts() -> Iterator[tuple[str, Contract]]:
    read = read_configuration(str(CONFIGURATION))
    for options in read["contracts_options"]:
        kind = KINDS[options["type"]]
        yield options["id"], kind(options["name"], read["session_options"], deepcopy(options))


CONTRACTS = dict(_contracts())


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("lacewing", include_external_packages=True, cache_dir=None)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_contract_is_kept(imports: grimp.ImportGraph, name: str) -> None:
    """STYLE: an architecture is its import rule, and a rule is what is checked."""
    check = CONTRACTS[name].check(deepcopy(imports), verbose=False)

    assert check.kept, f"broken; .venv/bin/lint-imports tells where: {check.metadata}"
    assert not check.warnings


@pytest.mark.parametrize(
    ("contract", "importer", "imported"),
    [
        ("tiers", "lacewing.kernel.work", "lacewing.accounts.rules"),
        ("tiers", "lacewing.accounts.service.users", "lacewing.tracker.rules"),
        ("tiers", "lacewing.tracker.service.issues", "lacewing.accounts.store.users"),
        ("tiers", "lacewing.content.service.posts", "lacewing.tracker.public"),
        ("tiers", "lacewing.audit.store", "lacewing.accounts.public"),
        ("tiers", "lacewing.tracker.service.issues", "lacewing.settings"),
        ("tiers", "lacewing.settings", "lacewing.wiring"),
        ("tiers", "lacewing.wiring", "lacewing.main"),
        ("acyclic", "lacewing.kernel.errors", "lacewing.kernel.work"),
        ("acyclic", "lacewing.tracker.rules", "lacewing.tracker.service.issues"),
        ("acyclic", "lacewing.tracker.store.issues", "lacewing.tracker.http.issues"),
        ("sql", "lacewing.tracker.service.issues", "sqlalchemy"),
        ("sql", "lacewing.accounts.public", "sqlalchemy"),
        ("sql", "lacewing.cli.seed", "sqlalchemy"),
        ("web", "lacewing.tracker.service.issues", "fastapi"),
        ("web", "lacewing.accounts.schemas", "starlette"),
        ("web", "lacewing.kernel.errors", "fastapi"),
        ("web", "lacewing.worker", "fastapi"),
        ("inner", "lacewing.tracker.service.issues", "lacewing.kernel.web.answers"),
        ("inner", "lacewing.accounts.rules", "lacewing.accounts.http.auth"),
        ("inner", "lacewing.kernel.pagination", "lacewing.kernel.web.answers"),
        ("inner", "lacewing.kernel.markdown", "fastapi"),
        ("routes", "lacewing.tracker.http.issues", "lacewing.tracker.store.issues"),
        ("routes", "lacewing.audit.http", "lacewing.audit.store"),
        ("routes", "lacewing.accounts.http.users", "lacewing.accounts.tables"),
    ],
)
def test_a_contract_catches_a_forbidden_import(
    imports: grimp.ImportGraph, contract: str, importer: str, imported: str
) -> None:
    """A rule that never fails proves nothing: each is shown an import that breaks it."""
    broken = deepcopy(imports)
    assert importer in broken.modules
    broken.add_import(importer=importer, imported=imported, line_number=1, line_contents="")

    check = CONTRACTS[contract].check(broken, verbose=False)

    assert not check.kept


def test_every_folder_of_the_program_has_its_tier() -> None:
    """A new domain can't stand outside the rules: the tiers are exhaustive."""
    read: dict[str, Any] = read_configuration(str(CONFIGURATION))
    (tiers,) = [each for each in read["contracts_options"] if each["id"] == "tiers"]

    assert tiers["exhaustive"] == "True"
