"""How long PostgreSQL may take: whatever becomes of the network, a wait for it ends in time.

The server ends a slow statement by itself, and the kernel a connection whose other end acknowledges nothing. Neither
helps when something between acknowledges and passes nothing on: libpq would wait for ever.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from math import inf
from time import monotonic
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds the database may take: for each answer, and for a whole block of work.

    Who gives way begins only where shops don't wait: see `adapter.storage.queueing`. Who tries again when a connection
    turns out to be broken trusts one that was used just now: to ask each time takes a tenth of an order's time.
    """

    answer: float
    block: float = inf
    gives_way: bool = False
    trusts: bool = False

    def within(self, seconds: float) -> Patience:
        """Return the same, with so many seconds for the whole block at most."""
        return replace(self, block=min(self.block, seconds))


WHILE_A_SHOP_WAITS = Patience(answer=3.5, block=3.5, trusts=True)
"""WooCommerce and Shopify give up on us after five seconds, and a webhook may have waited to be let in before."""

WHILE_A_BROWSER_WAITS = Patience(answer=2, block=3, gives_way=True)
"""A click that comes too late is worth nothing, and its place is wanted."""

AT_WORK = Patience(answer=5)
"""A second more than the server gives a statement: when it is the server that is slow, it says why."""

ENDLESS = Patience(answer=inf)
"""For migrations, which wait for each other."""

_CHECK_SECONDS = 1.5
"""A pooled connection that doesn't answer so soon is given up for a new one, while there is time for that."""

_LONGEST_CONNECT = 3
_SHORTEST_CONNECT = 2
"""Seconds. libpq's timeout is never shorter, and psycopg does the same: who has a little less may still try."""

_TOO_SHORT_TO_CONNECT = 1.5


@dataclass(slots=True)
class Limit:
    """What the waits of one block may take: each of them, and together until `ends_at` of the monotonic clock."""

    answer: float
    ends_at: float
    trusts: bool = False

    def left(self) -> float:
        """Return how many seconds the next answer may take."""
        return max(0.0, min(self.answer, self.ends_at - monotonic()))

    def left_to_connect(self) -> int:
        """Return the whole seconds that a new connection may take; raise `psycopg.OperationalError` without any."""
        left = min(_LONGEST_CONNECT, self.ends_at - monotonic())
        if left < _TOO_SHORT_TO_CONNECT:
            raise psycopg.OperationalError("no answer from the database, and no time left to connect anew")
        return max(int(left), _SHORTEST_CONNECT)


_OUTSIDE = Limit(AT_WORK.answer, inf)
_limit: ContextVar[Limit | None] = ContextVar("limit", default=None)


@contextmanager
def limited(patience: Patience) -> Generator[Limit, None, None]:
    """Bound the waits of the `with` block: at first those until a connection is there, then `begins` sets the rest."""
    token = _limit.set(Limit(_CHECK_SECONDS, monotonic() + patience.block, patience.trusts))
    try:
        yield current()
    finally:
        _limit.reset(token)


def current() -> Limit:
    """Return the limit of the block that runs here."""
    return _limit.get() or _OUTSIDE


class PunctualConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes longer than it may.

    What was sent may have been done all the same, as with any connection that breaks.
    """

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401  # psycopg's own protocol.
        """Wait as psycopg does, and no longer than the limit says."""
        left = current().left() if timeout is None else timeout
        gives_up_at = monotonic() + left
        try:
            return super().wait(gen, interval, None if left == inf else left)
        except psycopg.OperationalError as error:
            if monotonic() < gives_up_at:
                raise
            self.close()
            raise psycopg.OperationalError(f"no answer from the database within {left:.1f} s") from error
