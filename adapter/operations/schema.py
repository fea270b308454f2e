"""`adapter schema`: the JSON Schema of a mapping file, with which an editor completes and checks it.

It is made from the form of the file, the contract with Axon and the names that expressions know: nothing in it can
fall behind these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapter.platforms.registry import PLATFORMS
from adapter.purchase.contract import SECTIONS, Field, Kind
from adapter.purchase.expressions import Names
from adapter.purchase.identity import CLICK_FIELDS
from adapter.purchase.mapping import (
    ITEMS_SECTION,
    NAMES_BEFORE_CLICKS,
    NAMES_OF_LINE,
    NAMES_OF_ORDER,
    OPTIONAL_SECTION,
)
from adapter.purchase.meanings import FIELDS, TABLES
from adapter.purchase.rules import SKIP_RULES
from adapter.shops.form import MappingForm

Schema = dict[str, Any]

_EXTENDS = 'The file that this one changes: a neighbour or a shipped one, like "shopify", without .toml.'


def mapping_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of a mapping file.

    What Axon requires is asked for in files without `extends` only: the others inherit it. Expressions are texts here;
    what is in them `adapter check` judges.
    """
    form = MappingForm.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mapping file of the order adapter",
        "description": form["description"],
        "type": "object",
        "properties": {
            "extends": {"type": "string", "description": _EXTENDS},
            **{name: _property(name, schema, form["$defs"]) for name, schema in form["properties"].items()},
        },
        "additionalProperties": False,
        "if": {"not": {"required": ["extends"]}},
        "then": {"required": form["required"], "properties": {"event": _required("event")}},
    }


def _property(name: str, schema: Schema, tables: Mapping[str, Schema]) -> Schema:
    match name:
        case "clicks":
            return _table(schema["description"], {field: _chain(field) for field in CLICK_FIELDS})
        case "event":
            return _section("event")
        case "tables":
            rows = {"type": ["object", "string"], "maxLength": 0, "additionalProperties": True}
            return {**_leaf(name, schema), "additionalProperties": rows}
        case _ if "$ref" in schema:
            table = tables[schema["$ref"].removeprefix("#/$defs/")]
            return _table(table["description"], {key: _leaf(key, leaf) for key, leaf in table["properties"].items()})
        case _:
            return _leaf(name, schema)


def _table(description: str, properties: Mapping[str, Schema]) -> Schema:
    return _removable(
        {"type": "object", "description": description, "properties": dict(properties), "additionalProperties": False}
    )


def _leaf(name: str, schema: Schema) -> Schema:
    leaf = _plain(schema)
    match name:
        case "platform":
            leaf["enum"] = sorted(PLATFORMS)
        case "webhook_secret":
            return {**leaf, "type": ["string", "array"]}
        case "skip":
            leaf["items"] = {"type": "string", "enum": list(SKIP_RULES)}
        case "skip_if" | "granted_if":
            leaf["description"] += f" {_names_in_words(NAMES_OF_ORDER)}"
        case _:
            pass
    return _removable(leaf)


def _plain(schema: Schema) -> Schema:
    """Return pydantic's schema without titles, without empty defaults and without null, which TOML doesn't have."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key not in ("title", "anyOf")}
    if kept.get("default") in (None, "", [], {}):
        kept.pop("default", None)
    return {**kept, **(choices[0] if choices else {})}


def _removable(schema: Schema) -> Schema:
    """Let "" stand in its place: it takes away what the base says."""
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], ""]}
    if schema["type"] == "string":
        return schema
    return {**schema, "type": [schema["type"], "string"], "maxLength": 0}


def _section(section: str) -> Schema:
    fields = {name: _field(section, name, field) for name, field in SECTIONS[section].items()}
    return _table(f"{TABLES[section]}.", {**fields, **{name: _section(path) for name, path in _below(section)}})


def _below(section: str) -> Iterator[tuple[str, str]]:
    """Yield name and path of each table right below this one."""
    for path in SECTIONS:
        above, _, name = path.rpartition(".")
        if above == section:
            yield name, path


def _field(section: str, name: str, field: Field) -> Schema:
    scope = NAMES_OF_LINE if section == ITEMS_SECTION else NAMES_OF_ORDER
    words = (
        f"{FIELDS[section][name]}.",
        f"Takes {_TAKES[field.kind]}.",
        "Required by Axon." if field.required else "",
        f"It {field.rule.words}." if field.rule else "",
        _names_in_words(scope),
    )
    return {"type": "string", "description": " ".join(filter(None, words))}


_TAKES: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.NUMBER: "a number",
    Kind.INTEGER: "a whole number",
    Kind.BOOLEAN: "true or false",
    Kind.TIME: "a time or epoch milliseconds",
    Kind.IP: "an IP address",
    Kind.PAGE: "a web address",
}


def _chain(field: str) -> Schema:
    description = (
        f"{FIELDS['event.user_data'][field]}. One expression, or a list: the first that finds something wins."
    )
    return {
        "type": ["string", "array"],
        "items": {"type": "string"},
        "description": f"{description} {_names_in_words(NAMES_BEFORE_CLICKS)}",
    }


def _names_in_words(scope: Names) -> str:
    below = (f"{root}.{{{', '.join(known)}}}" if known else f"{root}.…" for root, known in scope.items())
    return f"An expression of {', '.join(below)}; a constant is 'text' or `604`."


def _required(section: str) -> Schema:
    """Return what a file without a base must say; the partner's table isn't needed, but if it's there, it's whole."""
    inner = dict(_below(section))
    needed = [name for name, field in SECTIONS[section].items() if field.required]
    needed += [name for name, path in inner.items() if path != OPTIONAL_SECTION]
    below = {name: _required(path) for name, path in inner.items()}
    return {"required": needed, **({"properties": below} if below else {})}
