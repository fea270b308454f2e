"""JMESPath that keeps money exact and is checked before it is used."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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
NUMBERS: dict[str, Any] = {
    "tenths": [Decimal("0.1")] * 10,
    "thirds": [Decimal(10), Decimal(5), Decimal(5)],
    "none": [],
    "debt": Decimal("-1.50"),
    "tiny": Decimal("1E-7"),
    "hundred": Decimal("1E+2"),
    "zero": Decimal("0.00"),
    "one": Decimal(1),
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
    with pytest.raises(ExpressionFailed, match=r"lookup\(\) asks for a table that isn't in the mapping file"):
        compiled("lookup(order.vendor, 'x')").evaluate(SCOPE)


def test_odd_failures_stay_inside() -> None:
    """Whatever goes wrong inside of the library is one kind of error, without its message."""
    with pytest.raises(ExpressionFailed, match="it can't be evaluated"):
        compiled("order.lines[?price > 'x']").evaluate({"order": {"lines": [{"price": Decimal(1)}]}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sum(order.tenths)", Decimal("1.0")),
        ("sum(order.none)", 0),
        ("sum([order.whole, order.total])", Decimal("22.90")),
        ("avg(order.thirds)", Decimal(20) / Decimal(3)),
        ("avg([order.whole])", Decimal(3)),
        ("avg(order.none)", None),
        ("max([order.whole, order.total])", Decimal("19.90")),
        ("min([order.whole, order.total])", 3),
        ("max(order.words)", "b"),
        ("max(order.none)", None),
        ("sort([order.total, order.whole, order.debt])", [Decimal("-1.50"), 3, Decimal("19.90")]),
        ("min_by(order.lines, &price).name", "y"),
        ("abs(order.debt)", Decimal("1.50")),
        ("ceil(order.debt)", -1),
        ("floor(order.debt)", -2),
        ("ceil(order.whole)", 3),
        ("to_number(' 12.50 ')", Decimal("12.50")),
        ("to_number(' -7 ')", -7),
        ("to_number('+5')", None),
        ("to_number('1,5')", None),
        ("to_number('.5')", None),
        ("to_number('5.')", None),
        ("to_number('')", None),
        ("to_number('Infinity')", None),
        ("to_number('٣')", None),
        ("to_number(order.nothing)", None),
        ("to_number(order)", None),
        ("to_number(order.whole)", 3),
        ("to_string(order.tiny)", "0.0000001"),
        ("to_string(order.hundred)", "100"),
        ("to_string(order.flag)", "true"),
        ("to_string(order.nothing)", "null"),
        ("to_string(order.tenths[:2])", "[0.1,0.1]"),
        ("to_string('ü')", "ü"),
        ("type(order.words)", "array"),
        ("type(order)", "object"),
        ("type(order.text)", "string"),
        ("type(order.whole)", "number"),
        ("type(purchase.placed_at)", "unknown"),
        ("not_null(order.absent, order.nothing, order.whole)", 3),
        ('merge(order.lines[0], `{"name": "z"}`).name', "z"),
        ("map(&price, order.lines)", [Decimal("2.5"), Decimal("1.5")]),
        ("contains(order.prices, `0.1`)", True),
        ("contains(order.prices, `0.3`)", False),
        ("length(order.prices)", 2),
        ("`-0.07`", Decimal("-0.07")),
        ("`1e2`", Decimal("100.0")),
        ("`true`", True),
        ("`null`", None),
        ("order.total < `19.91`", True),
        ("order.total >= `19.90`", True),
        ("order.total <= `19.89`", False),
        ("order.total != `19.9`", False),
        ("order.total == order.text", False),
        ("order.zero == `false`", False),
        ("order.one == order.flag", False),
        ("order.zero == `0`", True),
        ("!(order.zero)", False),
        ("!order", False),
        ("order.zero || 'x'", Decimal("0.00")),
        ("order.zero && 'x'", "x"),
        ("order.nothing > `1`", None),
        ("order.lines[].price", [Decimal("2.5"), Decimal("1.5")]),
        ("order.lines[?price > `2`].name", ["x"]),
        ("sum(order.lines[*].price)", Decimal("4.0")),
        ("order.lines[-1].price", Decimal("1.5")),
        ("order.lines[99].price", None),
    ],
)
def test_numbers_stay_exact(text: str, expected: object) -> None:
    """No function, literal or comparison turns a decimal into a float, and none takes a text for a number."""
    scope = {**SCOPE, "order": {**SCOPE["order"], **NUMBERS}}
    found = compiled(text).evaluate(scope)
    assert expected == found
    assert type(expected) is type(found)
    assert repr(expected) == repr(found)  # 19.90 is not 19.9.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("attribute(order, '')", None),
        ("attribute(order.lines, 'gift')", None),
        ("attribute(order.nothing, 'gift')", None),
        ("attribute(order.twice, 'a')", "second"),
        ("attribute(order.twice, 'zero')", 0),
        ("attribute(order.twice, 'no')", False),
        ("attribute(order.broken, 'a')", None),
        ("query('', 'a')", None),
        ("query('?', 'a')", None),
        ("query('a=1', 'a')", None),
        ("query('/?a=1&a=2', 'a')", "1"),
        ("query('/?a=', 'a')", None),
        ("query('/?a=%F0%9F%9B%92+b', 'a')", "🛒 b"),
        ("query('/?a=%zz%ff', 'a')", "%zz�"),
        ("query('//[::1/?a=1', 'a')", "1"),
        ("query('/#?a=1', 'a')", None),
        ("query(order.lines, 'a')", None),
        ("lookup('categories', `true`)", None),
        ("lookup('categories', order)", None),
        ("lookup('categories', order.words)", None),
        ("digits('')", ""),
        ("digits('٣ 3')", "3"),
        ("digits(order.whole)", None),
        ("digits(order.words)", None),
        ("unescape('&lt;b&gt; &#8211; &nosuch; &amp;amp;')", "<b> – &nosuch; &amp;"),
        ("unescape(order.lines)", None),
    ],
)
def test_our_functions_take_whatever_comes(text: str, expected: object) -> None:
    """Values of other kinds are nothing to our functions: they raise for none of them."""
    twice = [{"name": "a", "value": None}, {"name": "a", "value": "second"}, {"name": "zero", "value": 0}]
    orders = {
        "twice": {"note_attributes": twice, "meta_data": [{"key": "no", "value": False}]},
        "broken": {"note_attributes": "a", "meta_data": {"name": "a", "value": 1}},
    }
    assert expected == compiled(text).evaluate({**SCOPE, "order": {**SCOPE["order"], **orders}})


@pytest.mark.parametrize(
    "text",
    [
        "ordr",
        '"ordr"',
        "(ordr)",
        "ordr.total",
        "ordr[0]",
        "ordr[0:1].a",
        "ordr[*].a",
        "ordr[].a",
        "ordr.*",
        "ordr.*.a",
        "ordr[?a == `1`].b",
        "ordr | a",
        "ordr.a | b",
        "ordr.[a, b]",
        "ordr.{a: b}",
        "@.ordr",
        "@ | ordr",
        "order.a || ordr.a",
        "order.a && ordr.a",
        "!ordr",
        "ordr.a == order.a",
        "order.a > ordr.a",
        "[order.a, ordr.a]",
        "{a: ordr.a}",
        "to_string(ordr)",
        "join('-', [order.a, to_string(ordr.a)])",
        "sort_by(ordr.lines, &price)",
        "sort_by(order.lines, &price)[0] || ordr",
        "[ordr][0]",
        "[ordr][*].a",
        "to_array(ordr)[?a].b",
    ],
)
def test_an_unknown_root_is_found_anywhere(text: str) -> None:
    """However deep in an expression a path starts, its root is checked, with a suggestion."""
    with pytest.raises(ExpressionInvalid, match='unknown name "ordr"') as caught:
        compiled(text)
    assert 'did you mean "order"?' == caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "purchase.valeu",
        '"purchase"."valeu"',
        "(purchase).valeu",
        "@.purchase.valeu",
        "purchase.valeu.a",
        "purchase.valeu[0]",
        "purchase.valeu[*].a",
        "purchase.[value, valeu]",
        "purchase.{a: value, b: valeu}",
        "purchase.to_string(valeu)",
        "purchase | valeu",
        "purchase | [value, valeu]",
        "order.a || purchase.valeu",
        "sum([purchase.value, purchase.valeu])",
        "order.lines[?a] || [purchase.valeu]",
    ],
)
def test_an_unknown_name_below_a_root_is_found_anywhere(text: str) -> None:
    """Below a root whose names are all known a wrong one is found, with a suggestion."""
    with pytest.raises(ExpressionInvalid, match=r'unknown name "purchase\.valeu"') as caught:
        compiled(text)
    assert 'did you mean "value"?' == caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "order.zzz",
        "order.lines[?zzz > `1`].yyy",
        "order.lines[*].[zzz, yyy]",
        "order.*.zzz",
        "order | zzz",
        "order | @",
        "@",
        "@ | @",
        "*.zzz",
        "purchase",
        "purchase.*",
        "keys(purchase)",
        "purchase.value | zzz",
        "sort_by(order.lines, &zzz)",
        "map(&zzz, order.lines)",
        "order.{a: zzz}",
        "order.to_string(zzz)",
        "`{}`.zzz",
        "[order][0].zzz",
    ],
)
def test_what_is_evaluated_inside_is_free(text: str) -> None:
    """What a path finds inside of the platform's JSON isn't known before an order comes, and is left alone."""
    assert text == compiled(text).text


@pytest.mark.parametrize(
    "text",
    [
        "digts(order.a)",
        "order.lines[?digts(a) == 'x'].b",
        "map(&digts(@), order.lines)",
        "{a: digts(order.a)}",
        "[digts(order.a)]",
        "order.a | digts(@)",
        "to_string(digts(order.a))",
        "order.lines[*].digts(a)",
        "!digts(order.a)",
        "order.a || digts(order.b)",
    ],
)
def test_an_unknown_function_is_found_anywhere(text: str) -> None:
    """Functions are checked inside of filters, projections and arguments too."""
    with pytest.raises(ExpressionInvalid, match=r"unknown function digts\(\)") as caught:
        compiled(text)
    assert 'did you mean "digits"?' == caught.value.hint


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("   ", "the expression ends too early", 4),
        ("(order", "the expression ends too early", 7),
        ("order.*.", "the expression ends too early", 9),
        ("order.lines[?", "the expression ends too early", 14),
        ("order..total", "unexpected '.'", 7),
        ("order.{a}", "unexpected '}'", 9),
        ("order.a, order.b", "unexpected ','", 8),
        ("order.a = 'x'", "Unknown token '='", 9),
        ("order.a - 1", "Unknown token '-'", 9),
        ("order.a == 'x", "Unclosed ' delimiter", 12),
        ('order."a', 'Unclosed " delimiter', 7),
        ("order.a == `{`", "text between backticks", 0),
        ("order.a #", "Unknown token #", 9),
        ("order.x[1:2:3:4]", "unexpected ':'", 14),
    ],
)
def test_columns(text: str, message: str, column: int) -> None:
    """A mistake in the grammar has its column, counted from 1 as editors do."""
    with pytest.raises(ExpressionInvalid) as caught:
        compiled(text)
    assert (message, column) == (str(caught.value), caught.value.column)


@pytest.mark.parametrize(
    "text",
    [
        "sum(order.lines[*].name)",
        "sum(order.email)",
        "abs(order.email)",
        "join(order.whole, [order.email])",
        "join('-', [order.email, order.total])",
        "max([order.email, order.total])",
        "sort_by(order.people, &email)",
        "max_by(order.people, &[email])",
        "starts_with(order.people, 'a')",
        "contains(order.email, order.whole)",
        "order.email > order.total",
        "order.people[::0]",
        "keys(order.email)",
        "merge(order.people[0], order.email)",
        "lookup(order.email, 'x')",
        "to_string(&order.email)",
    ],
)
def test_no_failure_shows_a_value(text: str) -> None:
    """Whatever fails, the message holds nothing of the order: it ends up in logs and on pages."""
    people = [{"email": "ada@example.com"}, {"email": 5}]
    scope = {"order": {**SCOPE["order"], "email": "ada@example.com", "people": people}}
    with pytest.raises(ExpressionFailed) as caught:
        compiled(text).evaluate(scope)
    assert "ada" not in str(caught.value)


PIECES = (
    *(
        "order",
        "line",
        "purchase",
        ".",
        "[",
        "]",
        "[*]",
        "[]",
        "[?",
        "(",
        ")",
        "{",
        "}",
        ":",
        ",",
        "|",
        "||",
        "&",
        "&&",
    ),
    *(
        "!",
        "==",
        "<",
        "@",
        "*",
        "'x'",
        "`1.5`",
        "`",
        "'",
        '"a"',
        "-1",
        "0",
        " ",
        "a",
        "sum",
        "digits",
        "map",
        "lookup",
    ),
)


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@example("sum(order.lines[*].price)")
def test_any_text_is_an_expression_or_says_why_not(text: str) -> None:
    """Whatever stands in a mapping file compiles or raises the one error, and evaluates or raises the other."""
    try:
        expression = compiled(text)
    except ExpressionInvalid as error:
        invalid = error
    else:
        with suppress(ExpressionFailed):
            expression.evaluate(SCOPE)
        return
    assert 0 <= invalid.column <= len(text) + 1
    assert str(invalid)


@pytest.mark.parametrize(
    "text", ["!order.test", "!order.a[0]", "!order.lines[*].a", "order.a && !order.test", "!order.*"]
)
def test_a_negation_of_a_path_wants_parentheses(text: str) -> None:
    """The library reads !a.b as (!a).b, which is nothing for every order: a rule would never hold, in silence."""
    with pytest.raises(ExpressionInvalid, match="! takes only the name next to it") as caught:
        compiled(text)
    assert "write !(a.b), with parentheses" == caught.value.hint


def test_compiling_twice_is_the_same() -> None:
    """Two shops may write the same expression: the parser's cache hands both the same, exact literals."""
    assert [Decimal("0.1")] * 2 == [compiled("`0.1`").evaluate({}) for _ in range(2)]


def test_an_expression_shows_where_it_stands() -> None:
    """An expression knows its text and its file; two of the same text and file are equal."""
    expression = compiled("order.total")
    assert ("order.total", "mappings/acme.toml") == (expression.text, expression.origin)
    assert compiled("order.total") == expression
    assert "Expression(text='order.total', origin='mappings/acme.toml')" == repr(expression)
