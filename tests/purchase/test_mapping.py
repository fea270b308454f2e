"""Compiling the expressions of a mapping file: every problem at once, each with its place."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapter.errors import Place
from adapter.purchase.mapping import MappingCompiler


def problems(document: dict[str, Any], tables: dict[str, Any] | None = None) -> list[str]:
    """Compile a document and return its problems as they are shown."""
    compiler = MappingCompiler(
        {"": Place("mappings/acme.toml"), "event.data.tax": Place("mappings/base.toml")}, tables or {}
    )
    compiler.compile(document)
    return [str(problem) for problem in compiler.problems]


def test_a_right_document(mapping_document: dict[str, Any]) -> None:
    """A document with every required field has no problem; every leaf is compiled."""
    compiler = MappingCompiler({"": Place("mappings/acme.toml")}, {"categories": {"1": 2}})
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


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ("orders", "paid"),
        ("orders", []),
        ("consent", True),
        ("clicks", "stored.aleid"),
        ("clicks", 5),
        ("tables", "x"),
    ],
)
def test_tables_of_the_wrong_kind(mapping_document: dict[str, Any], table: str, value: object) -> None:
    """A value in place of a table raises nothing here: the form says what is wrong with it, with everything else."""
    mapping_document[table] = value
    assert [] == problems(mapping_document)


def test_an_empty_document() -> None:
    """Without anything, every field that Axon requires is asked for by its name, with the line to write."""
    found = problems({})
    assert 14 == len(found)
    expected = (
        'mappings/acme.toml: event.dedupe_id: is required by Axon and not mapped (write dedupe_id = "…" in [event])'
    )
    assert expected == found[0]
    assert (
        'mappings/base.toml: event.data.tax: is required by Axon and not mapped (write tax = "…" in [event.data])'
        in found
    )


@pytest.mark.parametrize("value", [5, True, Decimal("1.5"), ["order.id"], {"deep": "order.id"}, None])
def test_leaves_are_texts(mapping_document: dict[str, Any], value: object) -> None:
    """A leaf that is no text gets one problem, which says how constants are written."""
    mapping_document["event"]["user_data"]["zip"] = value
    expected = (
        "mappings/acme.toml: event.user_data.zip: an expression is wanted"
        " (write it as text; a constant is a JMESPath literal: 'text', `604`)"
    )
    assert [expected] == problems(mapping_document)


def test_one_expression_is_a_chain(mapping_document: dict[str, Any]) -> None:
    """A click identifier takes one expression or a list of them; they come in the order of Axon's names."""
    mapping_document["clicks"] = {"sid": "stored.sid", "alart": [], "aleid": ["stored.aleid", "order.aleid"]}
    compiler = MappingCompiler({}, {})
    clicks = compiler.compile(mapping_document).clicks
    assert [] == compiler.problems
    assert [("aleid", 2), ("alart", 0), ("sid", 1)] == [(name, len(chain)) for name, chain in clicks.items()]


def test_a_bad_link_of_a_chain(mapping_document: dict[str, Any]) -> None:
    """Every wrong link of a chain is listed."""
    mapping_document["clicks"]["aleid"] = ["stored.alied", 5, "stored.aleid", "clicks.aleid"]
    found = problems(mapping_document)
    assert 3 == len(found)
    assert 'unknown name "stored.alied"' in found[0]
    assert 'did you mean "aleid"?' in found[0]
    assert "an expression is wanted" in found[1]
    assert 'unknown name "clicks"' in found[2]  # Nothing is found yet.


@pytest.mark.parametrize(
    ("path", "text", "known"),
    [
        (("event",), "order.id", True),
        (("event",), "shop.name", True),
        (("event",), "clicks.aleid", True),
        (("event",), "stored.page_url", True),
        (("event",), "line.id", False),
        (("event",), "item.id", False),
        (("event",), "shop.secret", False),
        (("event",), "clicks.consent", False),
        (("event", "user_data"), "line.id", False),
        (("event", "data"), "item.price", False),
        (("event", "data", "items"), "item.price", True),
        (("event", "data", "items"), "line.id", True),
        (("event", "data", "items"), "order.id", True),
        (("event", "data", "items"), "purchase.total", True),
        (("event", "data", "items"), "item.prise", False),
    ],
)
def test_which_names_are_known_where(
    mapping_document: dict[str, Any], path: tuple[str, ...], text: str, known: bool
) -> None:
    """A line and its item are known inside of the items alone, all other names everywhere in the event."""
    table = mapping_document
    for step in path:
        table = table[step]
    table[next(iter(table))] = text
    assert known is (problems(mapping_document) == [])


@pytest.mark.parametrize(("table", "name"), [("orders", "skip_if"), ("consent", "granted_if")])
def test_conditions_may_look_at_clicks(mapping_document: dict[str, Any], table: str, name: str) -> None:
    """A condition knows the whole order and the found identifiers, and no single line."""
    mapping_document[table] = {name: "clicks.aleid && purchase.total > `5`"}
    assert [] == problems(mapping_document)
    mapping_document[table] = {name: "line.id"}
    assert 'unknown name "line"' in problems(mapping_document)[0]
    mapping_document[table] = {name: True}
    assert "an expression is wanted" in problems(mapping_document)[0]


def test_an_unknown_table(mapping_document: dict[str, Any]) -> None:
    """A lookup in a table that the file doesn't hold is found before any order comes."""
    mapping_document["event"]["data"]["items"]["item_brand"] = "lookup('brand', line.vendor)"
    expected = (
        "mappings/acme.toml: event.data.items.item_brand: there is no table [tables.brand]"
        ' in "lookup(\'brand\', line.vendor)" (did you mean "brands"?)'
    )
    assert [expected] == problems(mapping_document, {"brands": {}})
    assert [] == problems(mapping_document, {"brand": {}})


@pytest.mark.parametrize("name", ["shopify", "woocommerce"])
def test_the_shipped_files(name: str) -> None:
    """Both shipped files compile without a problem and fill the same fields."""
    folder = Path(__file__).parents[2] / "mappings"
    compiler = MappingCompiler({"": Place(name)}, {})
    mapping = compiler.compile(tomllib.loads((folder / f"{name}.toml").read_text("utf-8")))
    assert [] == compiler.problems
    assert ("aleid", "alart", "axwrt", "client_id", "sid") == tuple(mapping.clicks)
    assert {"event": 3, "event.user_data": 13, "event.data": 6, "event.measurement_partner_data": 0} == {
        section: len(leaves) for section, leaves in mapping.leaves.items() if section != "event.data.items"
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("order..id", ["    order..id", "          ^"]),
        ("(order.id", ["    (order.id", "             ^"]),
        ("a\t.b..c\n|| x", ["    a .b..c", "         ^"]),
        ("x ||\n  ..c\n|| x", ["      ..c", "      ^"]),
        ("a" * 71 + "^", ["    " + "a" * 71 + "^", "    " + " " * 71 + "^"]),
        ("^" + "a" * 72, ["    ^" + "a" * 71 + "…", "    ^"]),
        ("a" * 200 + "^", ["    …" + "a" * 50 + "^", "    " + " " * 51 + "^"]),
        ("a" * 100 + "^" + "b" * 100, ["    …" + "a" * 50 + "^" + "b" * 21 + "…", "    " + " " * 51 + "^"]),
    ],
)
def test_the_caret(mapping_document: dict[str, Any], text: str, shown: list[str]) -> None:
    """The expression stands below its problem with a ^ under the column; of a long one the part around it."""
    mapping_document["event"]["user_data"]["zip"] = text
    (problem,) = problems(mapping_document)
    first, *below = problem.splitlines()
    assert shown == below
    assert f" in {text!r}" in first
