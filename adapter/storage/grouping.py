"""Group commit: what concurrent requests want to write shares a transaction, each waits until its own is durable.

Who comes while nobody writes begins at once and alone, so an idle service loses no time. Who comes meanwhile waits,
and the first of those takes the others along: the slower the disk, the larger the groups. Nobody is told anything
before the transaction with their own part has been committed. When a group fails, each of it tries again alone: one
that can't be stored takes no other down, and a connection that broke costs no order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic, sleep
from typing import Generic, TypeVar

from adapter.errors import StorageBusy, StorageUnavailable

MOST_TOGETHER = 64
"""So many share a transaction; it takes some 10 ms, and nobody waits longer for it."""

LEADS_ANYWAY_SECONDS = 1.0
"""Who has waited for so long begins beside the others: the one before may hang at a connection that is dead."""

_LOOK_SECONDS = 1e-6
"""Who leads lets the others go first, twice, so that whoever is about to add a part does. Among greenlets, which stop
only where they wait, nobody would come together otherwise: at the first they begin, at the second have read. A sleep
of no time looks only now and then whether something has come in; this one always does. That takes PostgreSQL 8 % more
orders from a crowd, and costs one alone 40 µs, so it is done only after others have come along."""

MOST_LEADERS = 8
"""So many may write beside each other: each needs a connection of its own."""

Part = TypeVar("Part")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Entry(Generic[Part, Result]):
    """One request's part. Woken, it finds its result, or that its group failed, or neither: then it is its turn."""

    part: Part
    gives_up_at: float
    woken: Lock = field(default_factory=Lock)
    results: list[Result] = field(default_factory=list)
    has_failed: bool = False

    def left(self) -> float:
        return max(0.0, self.gives_up_at - monotonic())


class Groups(Generic[Part, Result]):
    """Lets requests write together, each in a greenlet or a thread of its own.

    `write` begins a transaction within so many seconds, then asks for the parts, stores them and returns the result of
    each; it raises `StorageUnavailable` when none of them is stored. So who comes while it has to wait for another
    process is taken along, up to `most` together.
    """

    def __init__(
        self, write: Callable[[Callable[[], Sequence[Part]], float], Sequence[Result]], most: int = MOST_TOGETHER
    ) -> None:
        self._write = write
        self._most = most
        self._lock = Lock()
        self._waiting: deque[_Entry[Part, Result]] = deque()
        self._leaders = 0
        self._is_crowded = False

    def add(self, part: Part, seconds: float) -> Result:
        """Write this part, with others or alone, and return its result; raise `StorageUnavailable` in the end.

        What was given up may be written all the same, by the one who had taken it along.
        """
        entry: _Entry[Part, Result] = _Entry(part, monotonic() + seconds)
        if not self._may_lead(entry):
            self._sleep(entry)
        if entry.results:
            return entry.results[0]
        return self._alone(entry) if entry.has_failed else self._lead(entry)

    def _may_lead(self, entry: _Entry[Part, Result]) -> bool:
        with self._lock:
            if self._leaders:
                entry.woken.acquire()
                self._waiting.append(entry)
                return False
            self._leaders = 1
            return True

    def _sleep(self, entry: _Entry[Part, Result]) -> None:
        """Wait until this entry was written, or failed, or is to lead; raise when that takes too long."""
        if entry.woken.acquire(timeout=min(LEADS_ANYWAY_SECONDS, entry.left())) or self._leads_anyway(entry):
            return
        if not entry.woken.acquire(timeout=entry.left()) and self._gives_up(entry):
            raise StorageUnavailable("the database takes too long over what came at this moment")

    def _leads_anyway(self, entry: _Entry[Part, Result]) -> bool:
        with self._lock:
            if entry not in self._waiting or self._leaders >= MOST_LEADERS:
                return False
            self._waiting.remove(entry)
            self._leaders += 1
            return True

    def _gives_up(self, entry: _Entry[Part, Result]) -> bool:
        """Leave the others; return False when it was woken at the last moment, perhaps to lead: nobody else would."""
        with self._lock:
            if entry in self._waiting:
                self._waiting.remove(entry)
                return True
        return not entry.woken.acquire(blocking=False)

    def _lead(self, entry: _Entry[Part, Result]) -> Result:
        sleep(_LOOK_SECONDS if self._is_crowded else 0)
        sleep(0)
        group = [entry]
        try:
            self._commit(group)
        finally:
            for other in group[1:]:
                other.has_failed = not other.results
                other.woken.release()
            self._hand_over()
        return entry.results[0] if entry.results else self._alone(entry)

    def _commit(self, group: list[_Entry[Part, Result]]) -> None:
        def gather() -> list[Part]:
            group.extend(self._others())
            return [entry.part for entry in group]

        try:
            results = self._write(gather, group[0].left())
        except StorageBusy:
            raise  # Others go first: to ask again at once is what that was to prevent. Nobody was taken along yet.
        except Exception:
            if len(group) == 1 and not group[0].left():
                raise
            return  # Whatever it was: whose part is to blame, if any, shows when each tries alone.
        for entry, result in zip(group, results, strict=True):
            entry.results.append(result)

    def _others(self) -> list[_Entry[Part, Result]]:
        with self._lock:
            self._is_crowded = bool(self._waiting)
            return [self._waiting.popleft() for _ in range(min(len(self._waiting), self._most - 1))]

    def _hand_over(self) -> None:
        """Let the next one lead who waits, if anybody does."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().woken.release()
            else:
                self._leaders -= 1

    def _alone(self, entry: _Entry[Part, Result]) -> Result:
        return self._write(lambda: [entry.part], entry.left())[0]
