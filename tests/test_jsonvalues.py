"""Telling JSON values apart."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapter.jsonvalues import is_list, is_object, kind_of, objects_in


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({}, "an object"),
        ([], "a list"),
        ("", "text"),
        (True, "true or false"),
        (None, "nothing"),
        (5, "a number"),
        (Decimal(5), "a number"),
        (datetime(2026, 5, 1, tzinfo=UTC), "a time"),
    ],
)
def test_kinds(value: object, kind: str) -> None:
    """Every JSON value, and a time, has a kind in words."""
    assert kind == kind_of(value)


def test_objects_and_lists() -> None:
    """Only dicts are objects and only lists are lists; of a list only its objects are taken."""
    assert is_object({})
    assert not is_object([])
    assert is_list([])
    assert not is_list("text")
    assert [{"a": 1}] == objects_in([{"a": 1}, 5, "x", None])
    assert [] == objects_in({"a": 1})


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1.5, "a number"),
        (False, "true or false"),
        ((), "something that isn't JSON"),
        (b"x", "something that isn't JSON"),
    ],
)
def test_kinds_at_the_edges(value: object, kind: str) -> None:
    """A boolean is no number, a float is one, and what JSON doesn't know is said to be no JSON."""
    assert kind == kind_of(value)


@pytest.mark.parametrize("value", [{}, "ada@example.com", 5, None, ({"a": 1},)])
def test_only_lists_hold_objects(value: object) -> None:
    """What isn't a list holds no objects, whatever it is."""
    assert [] == objects_in(value)
