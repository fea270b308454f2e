"""JMESPath that keeps money exact and is checked before it is used."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapter.purchase.expressions import Expression, ExpressionFailed, ExpressionInvalid, compile_expression

NAMES = {"order": None, "purchase": ("value", "tax", "placed_at"), "line": None}
TABLES = {"categories": {"Shoes": 187, "10": Decimal("1.50")}}
SCOPE: dict[str, Any] = {
    "order": {
        "prices": [Decimal("0.10"), Decimal("0.20")],
        "words": ["b", "a"],
        "total": Decimal("19.90"),
        "whole": 3,
        "text": "19.90",
        "vendor": "Shoes",
        "lines": [{"price": Decimal("2.5"), "name": "x"}, {"price": Decimal("1.5"), "name": "y"}],
        "note_attributes": [{"name": "empty", "value": ""}, {"name": "gift", "value": "yes"}, "odd"],
        "meta_data": [{"key": "_meta", "value": {"deep": 1}}],
        "flag": True,
        "nothing": None,
    },
    "purchase": {"value": Decimal("1.00"), "tax": Decimal(0), "placed_at": datetime(2026, 5, 1, tzinfo=UTC)},
    "line": {"vendor": "Shoes"},
}


def compiled(text: str) -> Expression:
    """Compile an expression of the tests' names and tables."""
    return compile_expression(text, NAMES, TABLES, "mappings/acme.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("order.total", Decimal("19.90")),
        ("sum(order.prices)", Decimal("0.30")),
        ("avg(order.prices)", Decimal("0.15")),
        ("avg(order.lines[?price > `99`].price)", None),
        ("max(order.prices)", Decimal("0.20")),
        ("min(order.prices)", Decimal("0.10")),
        ("sort(order.prices)[0]", Decimal("0.10")),
        ("sort_by(order.lines, &price)[0].name", "y"),
        ("max_by(order.lines, &price).name", "x"),
        ("abs(`-1.10`)", Decimal("1.1")),
        ("ceil(order.total)", 20),
        ("floor(order.total)", 19),
        ("to_number(order.text)", Decimal("19.90")),
        ("to_number(order.total)", Decimal("19.90")),
        ("to_number('12')", 12),
        ("to_number('1e3')", None),
        ("to_number('NaN')", None),
        ("to_number(order.flag)", None),
        ("to_number(order.words)", None),
        ("to_string(order.total)", "19.90"),
        ("to_string(order.whole)", "3"),
        ("to_string(order.text)", "19.90"),
        ("to_string(order.lines[0])", '{"price":2.5,"name":"x"}'),
        ("to_string(purchase.placed_at)", "2026-05-01T00:00:00Z"),
        ("type(order.total)", "number"),
        ("type(order.flag)", "boolean"),
        ("type(order.nothing)", "null"),
        ("`0.1`", Decimal("0.1")),
        ('`[0.1, {"a": 0.2}]`', [Decimal("0.1"), {"a": Decimal("0.2")}]),
        ("`604`", 604),
        ("'web'", "web"),
        ("order.total > `19.8`", True),
        ("order.total == `19.9`", True),
        ("order.lines[?price == `2.5`].name | [0]", "x"),
        ("attribute(order, 'gift')", "yes"),
        ("attribute(order, '_meta').deep", 1),
        ("attribute(order, 'empty')", None),
        ("attribute(order, 'absent')", None),
        ("attribute(order.text, 'gift')", None),
        ("query('/p?a=1&aleid=x%20y#aleid=z', 'aleid')", "x y"),
        ("query('https://s.example/', 'aleid')", None),
        ("query('http://[', 'a')", None),
        ("query(order.nothing, 'a')", None),
        ("lookup('categories', line.vendor)", 187),
        ("lookup('categories', `10`)", Decimal("1.50")),
        ("lookup('categories', 'absent')", None),
        ("lookup('categories', order.nothing)", None),
        ("digits('+49 (341) 55')", "4934155"),
        ("digits(order.nothing)", None),
        ("unescape('Cap &amp; Badge')", "Cap & Badge"),
        ("unescape(order.whole)", None),
        ("order.absent || order.text", "19.90"),
        ("join('-', ['a', to_string(order.whole)])", "a-3"),
        ("@.order.whole", 3),
        ("[order.whole, purchase.tax]", [3, Decimal(0)]),
        ("{a: order.whole}", {"a": 3}),
        ("order.words[0:1]", ["b"]),
    ],
)
def test_evaluating(text: str, expected: object) -> None:
    """Every function works on exact decimals, and ours do what the README says."""
    found = compiled(text).evaluate(SCOPE)
    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("text", "message", "column", "hint"),
    [
        ("", "the expression is empty", 0, ""),
        ("order.", "the expression ends too early", 7, ""),
        ("order.lines[", "the expression ends too early", 13, ""),
        ("order lines", "unexpected 'lines'", 7, ""),
        ("order.total = 1", "Unknown token", 0, ""),
        ("`text`", "text between backticks", 0, "write a constant text as 'text'"),
        ("ordr.total", 'unknown name "ordr"', 0, 'did you mean "order"?'),
        ("zzz", 'unknown name "zzz"', 0, "known here: line, order, purchase"),
        ("purchase.valeu", 'unknown name "purchase.valeu"', 0, 'did you mean "value"?'),
        ("purchase | valeu", 'unknown name "purchase.valeu"', 0, 'did you mean "value"?'),
        ("purchase.[valeu]", 'unknown name "purchase.valeu"', 0, 'did you mean "value"?'),
        ("order.a[?b == purchase.c]", None, 0, ""),
        ("sum([purchase.value, ordr.b])", 'unknown name "ordr"', 0, 'did you mean "order"?'),
        ("!ordr.a && order.b", 'unknown name "ordr"', 0, 'did you mean "order"?'),
        ("ordr.lines[*].a", 'unknown name "ordr"', 0, 'did you mean "order"?'),
        ("digts(order.a)", "unknown function digts()", 0, 'did you mean "digits"?'),
        ("digits()", "wrong number of arguments for digits(): 0 instead of 1", 0, ""),
        ("lookup('categoris', order.a)", "there is no table [tables.categoris]", 0, 'did you mean "categories"?'),
        ("`1e999`", "a number between backticks is infinite or none", 0, "JSON knows no such number"),
        ("not_null()", "too few arguments for not_null(): 0 instead of 1 or more", 0, ""),
    ],
)
def test_what_can_never_work_is_said_at_once(text: str, message: str | None, column: int, hint: str) -> None:
    """A mistake is named with its place and a way out; names inside of a filter belong to the list's elements."""
    if message is None:
        compiled(text)
        return
    with pytest.raises(ExpressionInvalid) as caught:
        compiled(text)
    assert message in str(caught.value)
    assert hint == caught.value.hint
    assert column in (0, caught.value.column)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sum(order.words)", "sum() wants array-number, and found text"),
        ("join('-', order.prices)", "join() wants array-string, and found a number"),
        ("length(order.whole)", "length() wants string or array or object, and found a number"),
        ("max_by(order.lines, &absent)", "max_by() wants number or string, and found nothing"),
    ],
)
def test_failing_on_one_order(text: str, message: str) -> None:
    """A failure names the function and the kinds, never the value: it may be personal."""
    with pytest.raises(ExpressionFailed) as caught:
        compiled(text).evaluate(SCOPE)
    assert message == str(caught.value)


def test_a_table_named_by_the_order_may_be_missing() -> None:
    """A table whose name only the order knows is looked for when the order comes."""
    with pytest.raises(ExpressionFailed, match=r"there is no table \[tables\.Shoes\]"):
        compiled("lookup(order.vendor, 'x')").evaluate(SCOPE)


def test_odd_failures_stay_inside() -> None:
    """Whatever goes wrong inside of the library is one kind of error, without its message."""
    with pytest.raises(ExpressionFailed, match="it can't be evaluated"):
        compiled("order.lines[?price > 'x']").evaluate({"order": {"lines": [{"price": Decimal(1)}]}})
