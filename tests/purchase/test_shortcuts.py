"""The quick forms of expressions give what the library gives, and leave everything else to it."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.purchase.expressions import ExactFunctions
from adapter.purchase.shortcuts import is_false, shortcut

FUNCTIONS = ExactFunctions({})

_NAMES = st.sampled_from(["a", "b", "c"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map(".".join)
_CONSTANTS = st.sampled_from(["'text'", "''", "`0`", "`null`", "`false`", "`[1]`", "`{}`"])


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    either = st.tuples(inner, inner).map(lambda pair: f"{pair[0]} || {pair[1]}")
    called = st.one_of(
        inner.map(lambda text: f"attribute({text}, 'x')"),
        inner.map(lambda text: f"query({text}, 'x')"),
        inner.map(lambda text: f"to_string({text})"),
        inner.map(lambda text: f"digits({text})"),
        st.tuples(inner, inner).map(lambda pair: f"not_null({pair[0]}, {pair[1]})"),
    )
    return st.one_of(either, called, inner.map(lambda text: f"({text})"))


_EXPRESSIONS = st.recursive(st.one_of(_PATHS, _CONSTANTS), _combined, max_leaves=6)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["", "x", "12"])),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(_NAMES, inner, max_size=3)),
    max_leaves=8,
)


@given(text=_EXPRESSIONS, scope=st.dictionaries(_NAMES, _VALUES))
def test_it_finds_what_the_library_finds(text: str, scope: dict[str, Any]) -> None:
    """Paths, constants, `||` and calls in any combination give the library's own result."""
    parsed = jmespath.compile(text)
    find = shortcut(parsed.parsed, FUNCTIONS)

    expected = parsed.search(scope, options=jmespath.Options(custom_functions=FUNCTIONS))

    # A path that starts in parentheses is the library's own business.
    assert find is None or (type(expected), expected) == (type(find(scope)), find(scope))


@pytest.mark.parametrize("text", ["a", "a.b", "a.b.c.a", "a.b || c", "'x'", "digits(a.b || 'x')", "to_string(`1`)"])
def test_the_common_forms_are_quick(text: str) -> None:
    """What mapping files mostly say needs no walk of the tree."""
    assert shortcut(jmespath.compile(text).parsed, FUNCTIONS) is not None


@pytest.mark.parametrize(
    "text",
    ["a[0]", "a[*].b", "a[?b].c", "(a || b).c", "a && b", "!a", "a == b", "a | b", "@", "sort_by(a, &b)", "[a, b]"],
)
def test_the_others_are_left_to_the_library(text: str) -> None:
    """Every other form, also inside of a call or of a fallback, is no quick one."""
    assert shortcut(jmespath.compile(text).parsed, FUNCTIONS) is None
    assert shortcut(jmespath.compile(f"to_string({text})").parsed, FUNCTIONS) is None
    assert shortcut(jmespath.compile(f"c || ({text})").parsed, FUNCTIONS) is None


@pytest.mark.parametrize(("value", "expected"), [(0, False), ("", True), ([], True), ({}, True), (None, True)])
def test_zero_is_true_and_nothing_is_false(value: object, expected: bool) -> None:
    """JMESPath's truth: 0 holds, an empty text, list or object doesn't."""
    assert expected is is_false(value)
