"""What an alert says."""

from __future__ import annotations

from datetime import UTC, datetime

from adapter.alerts.message import message_of
from adapter.storage.alerts import Alert, Cause

SINCE = datetime(2026, 5, 1, 11, 58, 7, tzinfo=UTC)
DEAD = Cause(name="delivery_dead", since=SINCE, what="no worker looks", remedy="start one")


def silent(number: int, *, is_over: bool = False) -> Alert:
    """Return the alert on a shop."""
    return Alert(cause=Cause(name="shop_silent", shop=f"s{number}", what="silent", remedy="look"), is_over=is_over)


def test_one() -> None:
    """The subject names the cause; the text says since when, what is wrong and what to do."""
    message = message_of([Alert(cause=DEAD, is_over=False)])
    assert "order adapter: delivery_dead" == message.subject
    assert (
        "order adapter: delivery_dead\n"
        "• delivery_dead: no worker looks, since 2026-05-01 11:58 UTC. What to do: start one." == message.text
    )


def test_several() -> None:
    """What begins stands before what is over; the same name is counted."""
    message = message_of([silent(3, is_over=True), silent(1), silent(2), Alert(cause=DEAD, is_over=False)])
    assert "order adapter: shop_silent (2), delivery_dead; over: shop_silent" == message.subject
    assert [
        "• shop_silent (s1): silent. What to do: look.",
        "• shop_silent (s2): silent. What to do: look.",
        "• delivery_dead: no worker looks, since 2026-05-01 11:58 UTC. What to do: start one.",
        "• shop_silent (s3): over. It was: silent.",
    ] == message.text.splitlines()[1:]


def test_very_many() -> None:
    """Twenty are told one by one, the others counted: no channel is flooded."""
    lines = message_of([silent(number) for number in range(500)]).text.splitlines()
    assert 22 == len(lines)
    assert "… and 480 more: see `adapter status`" == lines[-1]
