"""Named points at which a process kills itself, put around the adapter's functions from outside.

No line of the adapter knows of them: the nursery calls `arm()` in a child before its command runs. The variable
CRASH_AT=name:n kills the process (SIGKILL) at the n-th passing of that point, and CRASH_MARK names a file that gets
one line just before, as proof that the point was reached. gunicorn's workers inherit the point from their master, so
each of them dies at its own n-th passing. A function that is no longer there is an error at once.
"""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Literal

When = Literal["before", "after", "after something", "half"]

WEB: Mapping[str, tuple[str, When]] = {
    "body read": ("adapter.web.webhooks:read_body", "after"),
    "signature compared": ("hmac:compare_digest", "after"),
    "the order written": ("adapter.storage.arrivals:Arrivals._upsert", "after"),
    "after the order's commit": ("adapter.storage.arrivals:Arrivals.store", "after"),
    "before the 200 leaves": ("gunicorn.http.wsgi:Response.start_response", "before"),
    "after the 200 left": ("adapter.web.connections:PunctualSocket.send_gathered", "after"),
}
"""Points of the web process: where, and whether before or after that function."""

WORKER: Mapping[str, tuple[str, When]] = {
    "claimed": ("adapter.storage.purchases:Purchases.claim", "after something"),
    "an event prepared": ("adapter.delivery.preparing:Preparer._decided", "after"),
    "clicks expected": ("adapter.storage.clicks:Clicks.expect", "after"),
    "before freezing": ("adapter.storage.purchases:Purchases.freeze", "before"),
    "frozen": ("adapter.storage.purchases:Purchases.freeze", "after"),
    "before connecting": ("adapter.axon.transport:_Connection._new_conn", "before"),
    "half sent": ("adapter.axon.transport:_Connection.send", "half"),
    "sent": ("urllib3.connection:HTTPConnection.request", "after"),
    "answer read": ("adapter.axon.client:AxonClient.send", "after"),
    "destination saved": ("adapter.storage.destinations:Destinations.save", "after"),
    "before the mark": ("adapter.storage.purchases:Purchases.settle", "before"),
    "inside the mark": ("adapter.storage.settling:settle", "after"),
    "after the mark": ("adapter.storage.purchases:Purchases.settle", "after something"),
}

POISONED: Mapping[str, tuple[str, When]] = {
    "in doubt": ("adapter.delivery.sending:Sender._doubt", "before"),
    "between halves": ("adapter.delivery.sending:Sender._send_piece", "after"),
    "before the quarantine": ("adapter.delivery.sending:Sender._quarantine", "before"),
    "after the quarantine": ("adapter.delivery.sending:Sender._quarantine", "after"),
}
"""Points that a worker passes only when the API refuses an event."""

SWEEP: Mapping[str, tuple[str, When]] = {
    "before a purge": ("adapter.storage.retention:Retention.purge_orders", "before"),
    "after a purge": ("adapter.storage.retention:Retention.purge_orders", "after something"),
    "before the log is emptied": ("adapter.delivery.sweeping:empty_log", "before"),
    "inside a purge": ("adapter.storage.retention:_forget_awaited", "after"),
}
"""Points of a worker that purges what is old."""

RETRY: Mapping[str, tuple[str, When]] = {
    "before a retry": ("adapter.storage.retries:Retries.retry_quarantined", "before"),
    "after a retry": ("adapter.storage.retries:Retries.retry_quarantined", "after something"),
}
"""Points of `adapter retry --all-quarantined`."""

RESEAL: Mapping[str, tuple[str, When]] = {
    "before a batch is read": ("adapter.storage.resealing:Resealing._read", "before"),
    "a value resealed": ("adapter.storage.resealing:Resealing._anew", "after something"),
    "before a batch is written": ("adapter.storage.resealing:Resealing._write", "before"),
    "after a batch was written": ("adapter.storage.resealing:Resealing._write", "after something"),
}
"""Points of `adapter reseal`."""

POINTS = {**WEB, **WORKER, **POISONED, **SWEEP, **RETRY, **RESEAL}


def arm(environment: Mapping[str, str]) -> None:
    """Put in the point that the environment names, if any."""
    named = environment.get("CRASH_AT")
    if not named:
        return
    name, _, passing = named.rpartition(":")
    place, when = POINTS[name]
    owner, attribute = _find(place)
    point = _Point(name, int(passing), Path(environment["CRASH_MARK"]))
    setattr(owner, attribute, _wrapped(getattr(owner, attribute), when, point))


def _find(place: str) -> tuple[Any, str]:
    module, _, path = place.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, attribute = path.split(".")
    for name in outer:
        owner = getattr(owner, name)
    return owner, attribute


class _Point:
    def __init__(self, name: str, passing: int, mark: Path) -> None:
        self._name = name
        self._left = passing
        self._mark = mark

    def comes(self) -> bool:
        """Count one passing; whether it is the one to end at."""
        self._left -= 1
        return self._left == 0

    def die(self) -> None:
        """Kill this process, as the kernel would: nothing is closed or flushed by Python."""
        with self._mark.open("a") as mark:
            mark.write(f"{self._name}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def _wrapped(function: Callable[..., Any], when: When, point: _Point) -> Callable[..., Any]:
    @wraps(function)
    def passing(*arguments: Any, **options: Any) -> Any:
        if when == "half" and point.comes():
            connection, content = arguments
            function(connection, content[: len(content) // 2], **options)
            point.die()
        if when == "before" and point.comes():
            point.die()
        result = function(*arguments, **options)
        if (when == "after" or (when == "after something" and result)) and point.comes():
            point.die()
        return result

    return passing
