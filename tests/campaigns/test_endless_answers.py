"""A4: answers that never end, drip, or are far too large: each try ends in time, needs no memory, and stops nobody."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from campaigns.databases import Database
from campaigns.nursery import Child, wait_until
from campaigns.orders import PIXELS
from campaigns.raw_api import HEAVY, SLOW, Pieces, RawApi
from campaigns.simulation import Simulation
from campaigns.table import Row
from campaigns.world import World

Scale = Callable[[int, int], int]

SHOP, OTHER = "shopify", "woocommerce"
LONGEST_SECONDS = 30
MOST_MEMORY = 20
"""Megabytes by which a worker may grow."""


@pytest.mark.databases(cut="sqlite", whole="sqlite")
def test_answers_without_an_end(
    world: World, row: Row, scale: Scale, database: Database, seed: int, tmp_path: Path
) -> None:
    """A4: a real worker leaves each of them within 30 s, and delivers the other shop's orders meanwhile."""
    row.named("A4 endless answers", "≤ 30 s a try, RSS +≤ 20 MB, the worker goes on")
    answers = HEAVY[:3] if scale(1, 0) else (*HEAVY, *SLOW)
    with RawApi() as api, Simulation(tmp_path, database, seed) as simulation:
        simulation.take(simulation.orders.next(OTHER))
        worker = world.start_worker(AXON_API_URL=api.url, LEASE_SECONDS="60", EMBEDDED_DELIVERY="false")
        _wait_for_delivery(simulation, OTHER)
        before = _peak_memory(worker)
        slowest = max(_one(simulation, api, worker, answer) for answer in answers)
        grown = _peak_memory(worker) - before
        api.answers.clear()
        _resume(simulation, api)
        assert wait_until(lambda: simulation.waiting() == 0, 60)
        assert worker.is_alive
        found = simulation.check(api.batches)
    assert LONGEST_SECONDS >= slowest
    assert MOST_MEMORY >= grown
    row.take(
        found,
        trials=len(simulation.acknowledged),
        faults=len(answers),
        scaled=f"{len(answers)} kinds, {slowest:.1f} s at most, +{grown:.0f} MB",
    )


def _one(simulation: Simulation, api: RawApi, worker: Child, answer: Pieces) -> float:
    """Let one shop's batch meet this answer; return how long it took to leave it."""
    api.answers = {PIXELS[SHOP]: answer}
    told, asked = len(_outcomes(worker)), _batches(api)
    _resume(simulation, api)  # From here on the worker may ask, for an order of before.
    simulation.take(simulation.orders.next(SHOP))
    assert wait_until(lambda: _batches(api) > asked, 10), answer.__name__
    began = api.batches[-1].at
    while len(_outcomes(worker)) == told:
        assert time.time() - began < LONGEST_SECONDS + 5, answer.__name__
        simulation.take(simulation.orders.next(OTHER))
        _wait_for_delivery(simulation, OTHER)
        time.sleep(0.2)
    return _outcomes(worker)[-1].timestamp() - began


def _batches(api: RawApi) -> int:
    return sum(batch.ending == "never" for batch in api.batches)


def _wait_for_delivery(simulation: Simulation, shop: str) -> None:
    order = next(order for key, order in reversed(simulation.acknowledged.items()) if key[0] == shop)
    assert wait_until(lambda: simulation.row(order)["state"] == "delivered", 10)


def _resume(simulation: Simulation, api: RawApi) -> None:
    """Let the destination be asked at once: the worker's own address makes it another than the simulation's."""
    simulation.shops = simulation.load(api_url=api.url)
    simulation.destinations.resume(simulation.destination_of(SHOP), datetime.now(simulation.clock().tzinfo))


def _outcomes(worker: Child) -> list[datetime]:
    """Return when the worker said that a batch wasn't accepted."""
    lines = [json.loads(line) for line in worker.log.read_text().splitlines() if line.endswith("}")]
    return [datetime.fromisoformat(line["at"]) for line in lines if line["event"] == "batch not accepted"]


def _peak_memory(worker: Child) -> float:
    """Return the most memory that the process has used, in megabytes."""
    status = Path(f"/proc/{worker.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
