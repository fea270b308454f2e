"""Long work in stretches: in between, others have their turn.

The greenlets of a web process share one thread, and who waits for nothing is never interrupted: while a hundred orders
are prepared for Axon in one go, every webhook waits for the last of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import monotonic, sleep
from typing import Protocol, TypeVar

STRETCH_SECONDS = 0.002
"""So long one works before the others have their turn; then a webhook, which takes a few, is answered in some ms."""

_PAUSE_SECONDS = 1e-6
"""Not 0: after that gevent goes on with who is ready, and looks for what has come in at every fiftieth time only."""

Item = TypeVar("Item")


class Turns(Protocol):
    """What hands on the items of some work, and pauses in between."""

    def __call__(self, items: Iterable[Item], /) -> Iterator[Item]:
        """Yield the items."""
        ...


def in_turns(
    items: Iterable[Item],
    now: Callable[[], float] = monotonic,
    pause: Callable[[float], object] = sleep,
) -> Iterator[Item]:
    """Yield the items, with a pause between two of them when a stretch is over.

    `now` gives monotonic seconds. Who holds a lock or a transaction has no time for this.
    """
    ends_at = now() + STRETCH_SECONDS
    for item in items:
        if now() >= ends_at:
            pause(_PAUSE_SECONDS)
            ends_at = now() + STRETCH_SECONDS
        yield item
