"""Sending: what is told of it."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs


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
