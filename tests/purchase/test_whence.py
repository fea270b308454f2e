"""Where a cleaned name comes from: the place whose value is the same, and never another."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapter.purchase.reads import Read
from adapter.purchase.whence import whence

PLACES = {"purchase.x": ()} | {
    f"purchase.{name}": ("order.first", "order.second")
    for name in ("email", "phone", "tax", "placed_at", "zip", "ip", "user_id")
}


def found(name: str, value: Any, first: Any, second: Any = None) -> Any:
    """Say where this name comes from when these values stand in its two places."""
    scope = {"order": {"first": first, "second": second}, "purchase": {name: value, f"{name}_plain": value}}
    return whence(f"purchase.{name}", scope, PLACES)


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("email", "ada@example.com", " Ada@Example.com "),
        ("phone", "493415550142", "0341 555-0142"),
        ("phone", "493415550142", "+49 341 5550142"),
        ("tax", Decimal("8.55"), "8.550"),
        ("tax", Decimal("8.55"), Decimal("8.55")),
        ("placed_at", datetime(2026, 11, 20, 9, tzinfo=UTC), "2026-11-20T09:00:00"),
        ("placed_at", datetime(2026, 11, 20, 9, tzinfo=UTC), "2026-11-20T10:00:00+01:00"),
        ("zip", "97201", "97201-1234"),
        ("ip", "203.0.113.7", "::ffff:203.0.113.7"),
        ("user_id", "123456", 123456),
    ],
)
def test_the_place_that_says_the_same(name: str, value: Any, written: Any) -> None:
    """Another spelling of the same is recognised, in the second place too."""
    assert Read("order.first", written) == found(name, value, written)
    assert Read("order.second", written) == found(name, value, "other", written)


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("email", "ada@example.com", "eda@example.com"),
        ("phone", "493415550142", "0341 5550143"),
        ("phone", "493415550142", "142"),
        ("tax", Decimal("8.55"), "8.56"),
        ("tax", Decimal("8.55"), "none"),
        ("placed_at", datetime(2026, 11, 20, 9, tzinfo=UTC), "yesterday"),
        ("zip", "97201", "972012"),
        ("ip", "203.0.113.7", "203.0.113.77"),
    ],
)
def test_no_place_that_says_another(name: str, value: Any, written: Any) -> None:
    """What differs is not claimed to be the source: the name's own description is all there is."""
    assert isinstance(found(name, value, written), str)


def test_a_name_without_a_value() -> None:
    """What stands in the first place that isn't empty couldn't be used; without any the name is described."""
    assert Read("order.second", 17) == found("user_id", None, "", 17)
    assert "the shop's customer id, when it has the six characters that Axon asks for" == found("user_id", None, None)


def test_other_paths() -> None:
    """A path of the platform's own JSON says itself where it is."""
    assert whence("order.id", {"order": {"id": 1}}, PLACES) is None
