"""Compiling the expressions of a mapping file: every problem at once, each with its place."""

from __future__ import annotations

from typing import Any

from adapter.purchase.mapping import MappingCompiler


def problems(document: dict[str, Any], tables: dict[str, Any] | None = None) -> list[str]:
    """Compile a document and return its problems as they are shown."""
    compiler = MappingCompiler({"": "mappings/acme.toml", "event.data.tax": "mappings/base.toml"}, tables or {})
    compiler.compile(document)
    return [str(problem) for problem in compiler.problems]


def test_a_right_document(mapping_document: dict[str, Any]) -> None:
    """A document with every required field has no problem; every leaf is compiled."""
    compiler = MappingCompiler({"": "mappings/acme.toml"}, {"categories": {"1": 2}})
    mapping = compiler.compile(mapping_document)
    assert [] == compiler.problems
    assert ["dedupe_id", "event_time", "event_source_url"] == [leaf.name for leaf in mapping.leaves["event"]]
    assert {"aleid", "axwrt"} == mapping.clicks.keys()
    assert {"1": 2} == mapping.categories
    assert mapping.skip_if is None


def test_every_kind_of_mistake(mapping_document: dict[str, Any]) -> None:
    """Unknown fields, missing ones, wrong kinds and wrong expressions are all listed, by the file that says so."""
    mapping_document["event"]["data"].update(valeu="purchase.total", tax="purchase.tx", shipping=5)
    del mapping_document["event"]["data"]["value"]
    mapping_document["clicks"]["alied"] = ["order.id"]
    mapping_document["clicks"]["sid"] = ["order.id", "line.id"]
    mapping_document["orders"] = {"skip_if": "contains(order.tags"}
    mapping_document["consent"] = {"granted_if": "attribut(order, 'x') == 'y'"}
    mapping_document["event"]["user_data"]["country_code"] = "item.id"
    expected = [
        "mappings/acme.toml: event.user_data.country_code: unknown name \"item\" in 'item.id'",
        'mappings/acme.toml: event.data.valeu: unknown field (did you mean "value"?)',
        'mappings/base.toml: event.data.tax: unknown name "purchase.tx" in \'purchase.tx\' (did you mean "tax"?)',
        "mappings/acme.toml: event.data.shipping: an expression is wanted",
        "mappings/acme.toml: event.data.value: is required by Axon and not mapped",
        "mappings/acme.toml: clicks.sid: unknown name \"line\" in 'line.id'",
        'mappings/acme.toml: clicks.alied: unknown identifier (did you mean "aleid"?)',
        "mappings/acme.toml: orders.skip_if: the expression ends too early at column 20",
        "mappings/acme.toml: consent.granted_if: unknown function attribut()",
    ]
    found = problems(mapping_document)
    for line in expected:
        assert any(problem.startswith(line) for problem in found), line
    assert len(expected) == len(found)


def test_partner_data_is_a_whole(mapping_document: dict[str, Any]) -> None:
    """Without the table nothing is missing; with one field of it all five required ones are wanted."""
    mapping_document["event"]["measurement_partner_data"] = {"is_claimable": "`true`"}
    missing = [line.split(": ")[1] for line in problems(mapping_document)]
    base = "event.measurement_partner_data."
    expected = ["accounting_mode", "attribution_lookback_window_hours", "attribution_model", "attribution_share"]
    assert [base + name for name in expected] == missing


def test_a_table_that_is_none(mapping_document: dict[str, Any]) -> None:
    """A text in place of a table counts as an empty table: the form says what is wrong with it."""
    mapping_document["event"]["user_data"] = "purchase.email"
    assert all("is required by Axon and not mapped" in problem for problem in problems(mapping_document))
