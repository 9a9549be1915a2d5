"""Examples made from schemas: what a schema says of itself, else a plain value of its type."""

from typing import Any, Final

_DEPTH_MAX: Final = 8

_BY_FORMAT: Final = {
    "uuid": "0199f0c4-6a5e-7c3d-9d0e-0a1b2c3d4e5f",
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-02-28",
    "decimal": "9.99",
    "email": "maria@example.com",
    "password": "Correct-Horse-7",
}
_BY_TYPE: Final = {
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
    "object": {},
    "array": [],
}


def example_of(schema: dict[str, Any], schemas: dict[str, Any], depth: int = 0) -> Any:
    """One value that fits ``schema``; ``schemas`` are what its references point to."""
    if depth > _DEPTH_MAX:
        return None
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return example_of(schemas[name], schemas, depth + 1)
    told = _told(schema)
    if told:
        return told[0]
    for name in ("anyOf", "oneOf", "allOf"):
        if schema.get(name):
            return example_of(schema[name][0], schemas, depth)
    return _made(schema, schemas, depth)


def _told(schema: dict[str, Any]) -> list[Any]:
    """Values that the schema itself names, the best first."""
    told = [schema[name] for name in ("example", "const") if name in schema]
    told += [*schema.get("examples", ()), *schema.get("enum", ())]
    if schema.get("default") is not None:
        told.append(schema["default"])
    return told


def _made(schema: dict[str, Any], schemas: dict[str, Any], depth: int) -> Any:
    if properties := schema.get("properties"):
        return {name: example_of(each, schemas, depth + 1) for name, each in properties.items()}
    if schema.get("type") == "array" and schema.get("items"):
        return [example_of(schema["items"], schemas, depth + 1)]
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    return _BY_TYPE.get(schema.get("type", ""))
