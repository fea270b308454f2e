"""Group commit: who writes meanwhile shares a transaction, nobody is told too early, one bad part harms no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from random import Random
from threading import Event, Lock
from time import monotonic, sleep

import pytest

from adapter.errors import StorageBusy, StorageUnavailable
from adapter.storage import grouping
from adapter.storage.grouping import MOST_LEADERS, MOST_TOGETHER, Groups

PATIENCE = 30.0


class Ledger:
    """A database with one transaction at a time; `bad` parts can't be stored.

    `begins` lets transactions begin, `open` lets them end.
    """

    def __init__(self) -> None:
        self.open = Event()
        self.open.set()
        self.entered, self.asked, self.begins = Event(), Event(), Event()
        self.begins.set()
        self.groups: list[list[int]] = []
        self.stored: list[int] = []
        self.bad: set[int] = set()
        self.takes = 0.0
        self.error: Callable[[], Exception] = lambda: StorageUnavailable("a bad part")
        self._lock = Lock()

    def write(self, gather: Callable[[], Sequence[int]], seconds: float) -> list[str]:
        """Store all of them or none, once the transaction may begin."""
        del seconds
        self.asked.set()
        self.begins.wait(PATIENCE)
        parts = gather()
        self.groups.append(list(parts))
        self.entered.set()
        self.open.wait(PATIENCE)
        sleep(self.takes)
        if self.bad.intersection(parts):
            raise self.error()
        with self._lock:
            self.stored += parts
        return [f"stored {part}" for part in parts]


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty one."""
    return Ledger()


@pytest.fixture
def groups(ledger: Ledger) -> Groups[int, str]:
    """Return what lets threads write to it together."""
    return Groups(ledger.write)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Return threads enough for every test."""
    with ThreadPoolExecutor(MOST_TOGETHER * 2) as threads:
        yield threads


def gather(
    groups: Groups[int, str], ledger: Ledger, pool: ThreadPoolExecutor, parts: Sequence[int], seconds: float = PATIENCE
) -> list[Future[str]]:
    """Hold the first part's transaction open until all others wait; return what will become of them."""
    ledger.open.clear()
    ledger.entered.clear()
    first = pool.submit(groups.add, parts[0], seconds)
    assert ledger.entered.wait(PATIENCE)
    others = [pool.submit(groups.add, part, seconds) for part in parts[1:]]
    ends_at = monotonic() + PATIENCE
    while len(groups._waiting) < len(others):
        assert monotonic() < ends_at
        sleep(0.001)
    return [first, *others]


def test_alone(groups: Groups[int, str], ledger: Ledger) -> None:
    """Who comes while nobody writes begins at once, and gets its own result."""
    assert ["stored 1", "stored 2"] == [groups.add(1, PATIENCE), groups.add(2, PATIENCE)]
    assert [[1], [2]] == ledger.groups


def test_together(groups: Groups[int, str], ledger: Ledger, pool: ThreadPoolExecutor) -> None:
    """Who comes while another writes shares the next transaction; each gets its own result, nobody before the end."""
    futures = gather(groups, ledger, pool, [1, 2, 3, 4])
    assert not any(future.done() for future in futures)
    ledger.open.set()
    assert [f"stored {part}" for part in (1, 2, 3, 4)] == [future.result(PATIENCE) for future in futures]
    assert [[1], [2, 3, 4]] == [sorted(group) for group in ledger.groups]


def test_taken_along_until_it_begins(groups: Groups[int, str], ledger: Ledger, pool: ThreadPoolExecutor) -> None:
    """Who comes while a transaction waits to begin, for another process, belongs to it."""
    ledger.begins.clear()
    futures = [pool.submit(groups.add, 1, PATIENCE)]
    assert ledger.asked.wait(PATIENCE)
    futures += [pool.submit(groups.add, part, PATIENCE) for part in (2, 3)]
    while len(groups._waiting) < 2:
        sleep(0.001)
    ledger.begins.set()
    assert ["stored 1", "stored 2", "stored 3"] == [future.result(PATIENCE) for future in futures]
    assert [[1, 2, 3]] == [sorted(group) for group in ledger.groups]


def test_not_more_than_that(groups: Groups[int, str], ledger: Ledger, pool: ThreadPoolExecutor) -> None:
    """A transaction holds no more than the most; the others are in the next."""
    futures = gather(groups, ledger, pool, range(MOST_TOGETHER + 6))
    ledger.open.set()
    assert MOST_TOGETHER + 6 == len({future.result(PATIENCE) for future in futures})
    assert [1, MOST_TOGETHER, 5] == [len(group) for group in ledger.groups]


@pytest.mark.parametrize("error", [lambda: StorageUnavailable("a bad part"), lambda: ValueError("a bug")])
@pytest.mark.parametrize("bad", [2, 3])
def test_a_bad_part(
    groups: Groups[int, str], ledger: Ledger, pool: ThreadPoolExecutor, bad: int, error: Callable[[], Exception]
) -> None:
    """A part that can't be stored takes nobody down, whoever had taken it along, and alone gets the error."""
    ledger.bad, ledger.error = {bad}, error
    futures = gather(groups, ledger, pool, [1, 2, 3, 4])
    ledger.open.set()
    refused = futures.pop(bad - 1)
    with pytest.raises(type(error())):
        refused.result(PATIENCE)
    good = [part for part in (1, 2, 3, 4) if part != bad]
    assert [f"stored {part}" for part in good] == [future.result(PATIENCE) for future in futures]
    assert good == sorted(ledger.stored)
    assert "stored 9" == groups.add(9, PATIENCE)


def test_a_connection_that_broke(groups: Groups[int, str], ledger: Ledger) -> None:
    """Who writes alone tries once more, too: what broke may be the connection, and not the part."""
    ledger.bad = {1}

    def breaks_once(gather: Callable[[], Sequence[int]], seconds: float) -> list[str]:
        try:
            return ledger.write(gather, seconds)
        finally:
            ledger.bad.clear()

    groups._write = breaks_once
    assert "stored 1" == groups.add(1, PATIENCE)
    assert [[1], [1]] == ledger.groups


def test_a_bad_part_alone(groups: Groups[int, str], ledger: Ledger) -> None:
    """It is tried twice and no more; and once, with its own error, when no time is left."""
    ledger.bad = {1}
    with pytest.raises(StorageUnavailable, match="a bad part"):
        groups.add(1, PATIENCE)
    assert [[1], [1]] == ledger.groups
    with pytest.raises(StorageUnavailable, match="a bad part"):
        groups.add(1, 0)
    assert [[1]] * 3 == ledger.groups


def test_others_go_first(groups: Groups[int, str], ledger: Ledger) -> None:
    """Who gave way in vain doesn't try again at once: that is up to whoever sent it. The next one begins as ever."""
    ledger.bad, ledger.error = {1}, lambda: StorageBusy("orders go first")
    with pytest.raises(StorageBusy, match="orders go first"):
        groups.add(1, PATIENCE)
    assert [[1]] == ledger.groups
    assert "stored 2" == groups.add(2, PATIENCE)


def test_fewer_together(ledger: Ledger, pool: ThreadPoolExecutor) -> None:
    """A transaction holds no more than it was told."""
    groups = Groups(ledger.write, 3)
    futures = gather(groups, ledger, pool, range(6))
    ledger.open.set()
    assert 6 == len({future.result(PATIENCE) for future in futures})
    assert [1, 3, 2] == [len(group) for group in ledger.groups]


def test_a_hanging_transaction(
    groups: Groups[int, str], ledger: Ledger, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has waited long for another's transaction begins beside it, and takes those along who wait too."""
    monkeypatch.setattr(grouping, "LEADS_ANYWAY_SECONDS", 0.05)
    hanging, *others = gather(groups, ledger, pool, [1, 2, 3])
    while sum(map(len, ledger.groups)) < 3:
        sleep(0.001)
    assert not hanging.done()
    ledger.open.set()
    assert ["stored 2", "stored 3"] == [future.result(PATIENCE) for future in others]
    assert "stored 1" == hanging.result(PATIENCE)


def test_patience(groups: Groups[int, str], ledger: Ledger, pool: ThreadPoolExecutor) -> None:
    """Who was taken along by a transaction that doesn't end gives up when its own time is over."""
    gather(groups, ledger, pool, [1, 2])
    ledger.entered.clear()
    slow = Event()
    write = ledger.write

    def hang(gather: Callable[[], Sequence[int]], seconds: float) -> list[str]:
        parts = gather()
        ledger.entered.set()
        slow.wait(PATIENCE)
        return write(lambda: parts, seconds)

    groups._write = hang
    third = pool.submit(groups.add, 3, 0.2)
    while len(groups._waiting) < 2:
        sleep(0.001)
    ledger.open.set()
    assert ledger.entered.wait(PATIENCE)
    with pytest.raises(StorageUnavailable, match="takes too long"):
        third.result(PATIENCE)
    slow.set()
    assert "stored 9" == groups.add(9, PATIENCE)


def test_a_crowd_before_hanging_transactions(
    groups: Groups[int, str], ledger: Ledger, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many begin beside the hanging ones and no more; who gives up leaves, and nobody waits for it later."""
    monkeypatch.setattr(grouping, "LEADS_ANYWAY_SECONDS", 0.02)
    ledger.begins.clear()
    futures = [pool.submit(groups.add, part, 0.5) for part in range(MOST_LEADERS + 5)]
    assert 5 == len(wait(futures, 3).done)  # The others are in the hands of the database.
    assert MOST_LEADERS == groups._leaders
    ledger.begins.set()
    wait(futures, PATIENCE)
    assert (0, 0) == (groups._leaders, len(groups._waiting))
    began = monotonic()
    assert "stored 99" == groups.add(99, PATIENCE)
    assert monotonic() - began < 1


def test_a_crowd(groups: Groups[int, str], ledger: Ledger, pool: ThreadPoolExecutor) -> None:
    """Of a thousand parts from many threads each is stored once and gets its own result; the bad ones are refused."""
    random = Random(4)  # noqa: S311  # Repeatable on purpose.
    ledger.takes = 0.001
    ledger.bad = {part for part in range(1000) if random.random() < 0.02}

    def add(part: int) -> str:
        try:
            return groups.add(part, PATIENCE)
        except StorageUnavailable:
            return "refused"

    answers = list(pool.map(add, range(1000)))
    assert ["refused" if part in ledger.bad else f"stored {part}" for part in range(1000)] == answers
    assert sorted(set(range(1000)) - ledger.bad) == sorted(ledger.stored)
    assert max(map(len, ledger.groups)) > 1
    assert (0, 0) == (len(groups._waiting), groups._leaders)
