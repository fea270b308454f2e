"""A thread of every process that does its small duties every fifteen seconds, beside the work and never in its way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event, Thread

import structlog

from adapter.delivery.preparing import without_values
from adapter.errors import StorageUnavailable

EVERY_SECONDS = 15.0
"""What goes wrong is seen within a minute, at two looks, and told: in less than two minutes together."""

_log = structlog.get_logger()


@dataclass(kw_only=True)
class Watch:
    """Does its duties one after the other until `stop` is set, and then `at_end`."""

    duties: Sequence[Callable[[], None]]
    at_end: Callable[[], None]
    every: float = EVERY_SECONDS
    stop: Event = field(default_factory=Event)

    def start(self) -> Thread:
        """Run in a thread that ends with the process."""
        thread = Thread(target=self.run, name="watch", daemon=True)
        thread.start()
        return thread

    def run(self) -> None:
        """Do all duties from time to time until `stop` is set."""
        while not self.stop.wait(self.every):
            self.look()
        _safely(self.at_end)

    def look(self) -> None:
        """Do each duty once; none that fails keeps the others from being done."""
        for duty in self.duties:
            _safely(duty)


def _safely(duty: Callable[[], None]) -> None:
    try:
        duty()
    except StorageUnavailable as error:
        _log.warning("watch: storage unavailable", problem=str(error))
    except Exception as error:  # noqa: BLE001  # A watch that ends unseen would tell nobody anything any more.
        _log.error("watch failed", problem=type(error).__name__, exc_info=without_values(error))
