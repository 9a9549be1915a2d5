"""Writes the documents that are made from the code: ``python -m scripts.docs``.

A test compares them with what stands in the repository, so that they stay true.
"""

import inspect
import pkgutil
from collections.abc import Iterator
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any, get_args, get_origin
from uuid import UUID

import msgspec
from pydantic.fields import FieldInfo

import lacewing
from lacewing.accounts.settings import ProviderSettings
from lacewing.kernel.actor import Role
from lacewing.kernel.errors import Refusal
from lacewing.kernel.events import Event
from lacewing.kernel.events.event import kinds_of_events, name_of
from lacewing.kernel.transitions import next_states
from lacewing.kernel.web.problems import status_of
from lacewing.settings import WITHOUT_PREFIX, groups, variable_of
from lacewing.tracker.rules import STEPS, Status
from lacewing.wiring import PERMISSIONS

ROOT = Path(__file__).parents[1]
MADE = "<!-- Made by `python -m scripts.docs`; change the code instead. -->\n"


def documents() -> dict[Path, str]:
    """Every made document by its path below the repository."""
    return {
        Path(".env.example"): _env_example(),
        Path("deploy/helm/lacewing/files/settings.txt"): _names_of_settings(),
        Path("docs/settings.md"): _settings(),
        Path("docs/permissions.md"): _permissions(),
        Path("docs/problems.md"): _problems(),
        Path("docs/events.md"): _events(),
        **_rules_of_the_chart(),
    }


def _fields() -> Iterator[tuple[str, str, FieldInfo]]:
    for group, model in groups().items():
        for name, field in model.model_fields.items():
            yield group, variable_of(name), field
    for name, field in ProviderSettings.model_fields.items():
        yield "providers", variable_of(f"oidc_google_{name}"), field


def _names_of_settings() -> str:
    """What the Helm chart knows as settings; providers and ``AWS_…`` it knows by how they begin."""
    names = [name for group, name, _ in _fields() if group != "providers"]
    bare = [field.upper() for field in WITHOUT_PREFIX]
    return "\n".join(sorted(names + bare)) + "\n"


def _rules_of_the_chart() -> dict[Path, str]:
    """Prometheus' rules once more, as a chart holds all that it installs."""
    folder = ROOT / "deploy" / "monitoring" / "prometheus" / "rules"
    return {
        Path("deploy/helm/lacewing/files/rules") / file.name: file.read_text(encoding="utf-8")
        for file in folder.glob("*.yml")
    }


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if field.is_required():
        return ""
    if value is None or value == ():
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value) if isinstance(value, StrEnum) else str(value)


def _env_example() -> str:
    lines = ["# Every setting, with its default. Copy to .env and uncomment what you change."]
    last_group = ""
    for group, variable, field in _fields():
        if group != last_group:
            lines += ["", f"# --- {group}"]
            last_group = group
        lines += [f"# {field.description}", f"#{variable}={_default(field)}"]
    return "\n".join(lines) + "\n"


def _settings() -> str:
    rows = [
        f"| `{variable}` | {f'`{_default(field)}`' if _default(field) else 'none'} | "
        f"{field.description} |"
        for _, variable, field in _fields()
    ]
    return "\n".join(
        [
            MADE,
            "# Settings",
            "",
            "From the environment, or from a file `.env` in the working folder; the environment",
            "wins. An empty variable counts as one that is not set. Each may stand in a file",
            "instead, as secrets of containers are handed over; the file is named by",
            "`LACEWING_SECRET_KEY_FILE=/run/secrets/secret_key`, say.",
            "",
            "| variable | default | what |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _permissions() -> str:
    head = " | ".join(role.value for role in Role)
    rows = [
        f"| `{permission}` | "
        + " | ".join("yes" if role in grant.roles else "no" for role in Role)
        + f" | {'none' if grant.scope is None else f'`{grant.scope}`'}"
        + f" | {'yes' if grant.in_projects else 'no'} |"
        for permission, grant in sorted(PERMISSIONS.grants.items())
    ]
    steps = [
        f"| `{state}` | {', '.join(f'`{each}`' for each in next_states(STEPS, state))} |"
        for state in Status
    ]
    return "\n".join(
        [
            MADE,
            "# Permissions",
            "",
            "What each role may try. Whether somebody may do so to this very thing is asked again",
            "beside the change: an issue is edited by its reporter and assignee, by managers and",
            "administrators; a project by its creator (while a manager) and administrators; a",
            "comment by its author alone; a post by its author and administrators; a product by",
            "who added it, managers and administrators. A collection is there for its owner alone.",
            "",
            "A personal access token may do what its owner may, of that what its scopes name, and",
            "with `none` never. One that is held to some projects has only what says so, and the",
            "rest of the world is not there for it.",
            "",
            f"| permission | {head} | scope | in held projects |",
            "|---|" + "---|" * (len(Role) + 2),
            *rows,
            "",
            "# Steps of an issue",
            "",
            "| from | to |",
            "|---|---|",
            *steps,
            "",
        ]
    )


def _load_everything() -> None:
    """Imports every module: a refusal is known once its module is loaded."""
    for module in pkgutil.walk_packages(lacewing.__path__, "lacewing."):
        import_module(module.name)


def _refusals(family: type[Refusal]) -> Iterator[type[Refusal]]:
    for kind in family.__subclasses__():
        yield kind
        yield from _refusals(kind)


def _problems() -> str:
    _load_everything()
    kinds = {kind.code: kind for kind in _refusals(Refusal)}
    rows = [
        f"| `{code}` | {status_of(kind)} | {kind.title} |"
        for code, kind in sorted(kinds.items(), key=lambda item: (status_of(item[1]), item[0]))
    ]
    return "\n".join(
        [
            MADE,
            "# Problems",
            "",
            "Every refusal is a problem document (RFC 9457). Its `type` is one of these, and it",
            "stays. Four more are told by their status alone: `method-not-allowed` (405),",
            "`internal-error` (500, a bug of ours, logged under its `request_id`), and of what is",
            "no HTTP request `malformed-request` (400) and `headers-too-large` (431).",
            "",
            "| type | status | title |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _events() -> str:
    _load_everything()
    # Tests derive some of their own.
    ours = (kind for kind in kinds_of_events() if kind.__module__.startswith("lacewing."))
    kinds = sorted(ours, key=name_of)
    return "\n".join(
        [
            MADE,
            "# Events",
            "",
            "Every change writes an event in its own transaction; after the commit it gets the",
            "next number of the log, without a gap. `GET /api/events/feed?after=` reads them in",
            "order; notifications and webhooks are fed from the same log. Events hold ids, and",
            "tell nobody what they may not see. Members may be added to a type of event; when one",
            "goes, or means something else, `version` grows. Whoever reads events passes over",
            "members and types that it does not know.",
            "",
            "```json",
            _FEED_EXAMPLE,
            "```",
            *(line for kind in kinds for line in _event(kind)),
            "",
        ]
    )


_FEED_EXAMPLE = """{
  "sequence": 1042,
  "event_id": "019c1b2e-7f3a-7b11-9c0e-1f2a3b4c5d6e",
  "event_type": "issue.assigned",
  "timestamp": "2026-01-31T12:00:00.000000Z",
  "user_id": "019c1b2e-0000-7b11-9c0e-1f2a3b4c5d6e",
  "data": {"issue_id": "…", "project_id": "…", "assignee_id": "…"},
  "metadata": {"source": "lacewing", "version": 1}
}"""


def _event(kind: type[Event]) -> Iterator[str]:
    yield ""
    yield f"## `{name_of(kind)}`, version {kind.version}"
    yield ""
    yield inspect.cleandoc(kind.__doc__ or "")
    yield ""
    yield "| member | type |"
    yield "|---|---|"
    for field in msgspec.structs.fields(kind):
        yield f"| `{field.name}` | {_type_name(field.type)} |"


def _type_name(kind: Any) -> str:
    """A type in the words of JSON."""
    members = get_args(kind)
    if type(None) in members:
        [other] = (each for each in members if each is not type(None))
        return f"{_type_name(other)}, or null"
    if get_origin(kind) is list:
        return f"list of {_type_name(members[0])}"
    names = {UUID: "UUID", str: "text", int: "integer", bool: "boolean"}
    return names.get(kind, "object")


def main() -> None:
    for path, text in documents().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text, encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
