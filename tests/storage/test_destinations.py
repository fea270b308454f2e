"""The conditions of destinations at rest, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from adapter.storage.destinations import Condition, Destinations, DestinationState

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
MINUTE = timedelta(seconds=60)


def test_unknown_destinations_are_open(destinations: Destinations) -> None:
    """A destination that was never asked is open."""
    assert DestinationState(since=NOON) == destinations.state("d", NOON)


def test_saving(destinations: Destinations) -> None:
    """Every field comes back, and the newest state replaces the older."""
    state = DestinationState(
        condition=Condition.DOUBTFUL,
        reason="why",
        since=NOON,
        rest_until=NOON + MINUTE,
        failures=3,
        odd_answers=2,
        accepted_at=NOON,
        answered_at=NOON,
        answer="{}",
    )
    destinations.save("d", state)
    assert state == destinations.state("d", NOON + MINUTE)
    destinations.save("d", DestinationState(since=NOON))
    assert DestinationState(since=NOON) == destinations.state("d", NOON)
    assert DestinationState(since=NOON) == destinations.state("other", NOON)


def test_one_worker_takes_the_probe(destinations: Destinations, at_once: Callable[..., Any]) -> None:
    """Of several workers one gets the probe that is due; the next is due later; an open one has none."""
    destinations.save("d", DestinationState(condition=Condition.PAUSED, since=NOON, rest_until=NOON))
    taken = at_once(6, lambda _: destinations.take_probe("d", NOON, NOON + MINUTE))
    assert 1 == taken.count(True)
    assert not destinations.take_probe("d", NOON + MINUTE / 2, NOON + 2 * MINUTE)
    assert destinations.take_probe("d", NOON + MINUTE, NOON + 2 * MINUTE)
    destinations.save("d", DestinationState(since=NOON))
    assert not destinations.take_probe("d", NOON, NOON + MINUTE)


def test_resuming(destinations: Destinations) -> None:
    """Resuming opens a destination and forgets why it was closed."""
    destinations.save("d", DestinationState(condition=Condition.PAUSED, reason="401", since=NOON, failures=4))
    destinations.resume("d", NOON + MINUTE)
    assert DestinationState(since=NOON + MINUTE) == destinations.state("d", NOON)


@pytest.mark.parametrize("condition", [Condition.PAUSED, Condition.DOUBTFUL, Condition.DOWN])
def test_when_a_probe_is_due(destinations: Destinations, condition: Condition) -> None:
    """Whatever is wrong, a probe is due at its moment and not before, and at once when no moment is set."""
    destinations.save("d", DestinationState(condition=condition, since=NOON, rest_until=NOON + MINUTE))
    before = NOON + MINUTE - timedelta(microseconds=1)
    assert [False, True] == [destinations.take_probe("d", at, NOON + 2 * MINUTE) for at in (before, NOON + MINUTE)]
    assert NOON + 2 * MINUTE == destinations.state("d", NOON).rest_until
    destinations.save("d", DestinationState(condition=condition, since=NOON))
    assert destinations.take_probe("d", NOON, NOON + MINUTE)


def test_taking_a_probe_changes_nothing_else(destinations: Destinations) -> None:
    """Only the moment of the next probe moves; an unknown destination has none to take."""
    state = DestinationState(
        condition=Condition.PAUSED, reason="401", since=NOON, failures=3, odd_answers=1, answer="{}"
    )
    destinations.save("d", state)
    destinations.take_probe("d", NOON, NOON + MINUTE)
    assert replace(state, rest_until=NOON + MINUTE) == destinations.state("d", NOON)
    assert not destinations.take_probe("unknown", NOON, NOON + MINUTE)
    assert DestinationState(since=NOON) == destinations.state("unknown", NOON)


def test_two_workers_save_a_new_destination(destinations: Destinations, at_once: Callable[..., Any]) -> None:
    """The first answers of a destination may come to several workers at once; nobody fails, and one row stays."""
    at_once(6, lambda number: destinations.save("d", DestinationState(since=NOON, failures=number)))
    assert destinations.state("d", NOON).failures in range(6)
