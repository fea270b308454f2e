"""What the fake API has written down: the truth about what left the adapter."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

Key = tuple[str, str]
"""Pixel and dedupe_id: what Axon merges events by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One event of one batch."""

    key: Key
    sha256: str
    value: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One request, in the order of arrival. `processed` events count at Axon, also when nobody read the answer.

    `refused` says that the answer was definite: the batch was dropped. `finished_at` is None when it wasn't answered.
    """

    number: int
    at: float
    status: int
    processed: bool
    refused: bool
    problem: str | None
    ending: str
    events: tuple[Sent, ...]
    finished_at: float | None


_DEFINITE = (400, 401, 402, 403, 404, 405, 410, 413, 422)


def batches_in(ledger: Path) -> list[Batch]:
    """Read the ledger; a last line that was cut off by a kill wasn't answered, and doesn't count."""
    text = ledger.read_text() if ledger.exists() else ""
    lines = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]
    finished = {line["finished"]: line["at"] for line in lines if "finished" in line}
    return [_batch(line, finished.get(line["batch"])) for line in lines if "batch" in line]


def _batch(line: dict[str, object], finished_at: float | None) -> Batch:
    names = ("at", "status", "processed", "problem", "ending")
    events: list[dict[str, str]] = line["events"]  # type: ignore[assignment]  # JSON.
    pixel = str(line["pixel"])
    return Batch(
        **{name: line[name] for name in names},  # type: ignore[arg-type]  # As above.
        number=line["batch"],  # type: ignore[arg-type]  # As above.
        refused=line["status"] in _DEFINITE and finished_at is not None and line["ending"] == "whole",
        events=tuple(
            Sent(key=(pixel, event["id"]), sha256=event["sha256"], value=event["value"], currency=event["currency"])
            for event in events
        ),
        finished_at=finished_at,
    )


def purchases_in(batches: list[Batch]) -> dict[Key, Sent]:
    """Return what Axon counts: the first processed event of every id."""
    found: dict[Key, Sent] = {}
    for batch in batches:
        for event in batch.events if batch.processed else ():
            found.setdefault(event.key, event)
    return found


def revenue_of(purchases: dict[Key, Sent]) -> Counter[str]:
    """Return the sum of the values by currency, exact."""
    sums: Counter[str] = Counter()
    for event in purchases.values():
        sums[event.currency] += Decimal(event.value)  # type: ignore[assignment]  # Counter adds decimals as well.
    return sums


def resent_in(batches: list[Batch]) -> int:
    """Return how many times an event was sent after its first time."""
    times = Counter(event.key for batch in batches for event in batch.events)
    return times.total() - len(times)


def changed_in(batches: list[Batch]) -> set[Key]:
    """Return the ids whose bytes changed after a send that may have been accepted."""
    fixed: dict[Key, str] = {}
    changed: set[Key] = set()
    for batch in batches:
        for event in batch.events:
            if fixed.get(event.key, event.sha256) != event.sha256:
                changed.add(event.key)
            if not batch.refused:
                fixed.setdefault(event.key, event.sha256)
    return changed


def twice_in_one_batch(batches: list[Batch]) -> set[Key]:
    """Return the ids that stand twice in one request."""
    return {
        key for batch in batches for key, times in Counter(event.key for event in batch.events).items() if times > 1
    }


def at_once_in(batches: list[Batch]) -> set[Key]:
    """Return the ids that were sent again while an earlier request with them was still being answered."""
    busy_until: dict[Key, float] = {}
    overlapping: set[Key] = set()
    for batch in batches:
        keys = {event.key for event in batch.events}
        overlapping |= {key for key in keys if busy_until.get(key, 0) > batch.at}
        for key in keys:
            busy_until[key] = max(busy_until.get(key, 0), batch.finished_at or batch.at)
    return overlapping
