"""Counting in memory: many threads, nothing lost, nothing counted twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from adapter.tally import Counted, Tally

TAKEN = Counted("webhooks", "acme", "200")


def test_what_is_counted_is_taken_once() -> None:
    """Taking gives everything since the last taking."""
    tally = Tally()
    tally.count(*TAKEN)
    tally.count(*TAKEN, by=4)
    tally.count("webhooks", "acme", "401")
    assert {TAKEN: 5, Counted("webhooks", "acme", "401"): 1} == tally.take()
    assert {} == tally.take()


def test_what_is_given_back_counts() -> None:
    """What couldn't be stored is added to what was counted meanwhile."""
    tally = Tally()
    tally.count(*TAKEN)
    taken = tally.take()
    tally.count(*TAKEN)
    tally.give_back(taken)
    assert {TAKEN: 2} == tally.take()


def test_many_threads() -> None:
    """Eight threads count while another takes: the sum is right."""
    tally, taken = Tally(), 0
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(lambda: [tally.count(*TAKEN) for _ in range(2_000)]) for _ in range(8)]
        while not all(future.done() for future in running):
            taken += tally.take().get(TAKEN, 0)
    assert 16_000 == taken + tally.take().get(TAKEN, 0)
