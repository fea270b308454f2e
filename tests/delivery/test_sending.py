"""Sending: what is told of it."""

from __future__ import annotations

from random import Random
from typing import Any

from sqlalchemy import select
from structlog.testing import capture_logs

from adapter.delivery import policy
from adapter.storage.tables import purchases


def test_a_delivered_batch_is_told_in_one_line(house: Any) -> None:
    """The line names every order of the shop, and how long the one took that came in first."""
    house.receive(1)
    house.clock.advance(1.5)
    house.receive(2, 3)
    house.receive(4, shop="other")
    with capture_logs() as logs:
        house.worker.drain()
    told = [(line["shop"], line["orders"], line["ms"]) for line in logs if line["event"] == "orders delivered"]
    assert [("acme", ["1", "2", "3"], 1500), ("other", ["4"], 0)] == sorted(told)


def test_a_batch_that_fails_again_and_again_parts(any_house: Any) -> None:
    """Three times its events wait for one moment, then for eight: a bad one keeps few of them, and few requests do."""
    house = any_house
    house.worker.jitter = Random(7).random  # noqa: S311  # Waits aren't secret.
    house.receive(*range(1, 61))
    house.api.answer = lambda _events: 503
    moments = []
    for _ in range(policy.TOGETHER_FOR + 1):
        house.worker.drain()
        moments.append(len(_due(house)))
        house.clock.advance(10)
    assert [*[1] * policy.TOGETHER_FOR, policy.PARTS] == moments


def test_a_clock_that_jumps_within_a_batch(house: Any) -> None:
    """What was accepted of a batch proves that the rest of it is to blame, though the clock went back in between."""
    house.receive(1, 2)

    def answer(events: list[dict[str, Any]]) -> int:
        if len(events) == 1 and "1" not in events[0]["dedupe_id"]:
            house.clock.advance(-10 * 365 * 86_400)
        return 400 if len(events) == 2 or "1" not in events[0]["dedupe_id"] else 200

    house.api.answer = answer
    house.worker.drain()
    assert {"1": "delivered", "2": "quarantined"} == house.states()


def _due(house: Any) -> set[Any]:
    with house.engine.connect() as connection:
        return set(connection.execute(select(purchases.c.due_at)).scalars())
