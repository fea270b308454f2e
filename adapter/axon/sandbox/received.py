"""Everything the sandbox got: each request, each event, the unique purchases and what they are worth."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from adapter.axon.sandbox.dedupe import Deduplication, Outcome, Sighting
from adapter.axon.sandbox.kinds import is_object
from adapter.axon.sandbox.reading import SubmittedEvent
from adapter.axon.sandbox.remarks import EXACT, event_remarks


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One request to /v1/event.

    `status` is the planned answer, None when the connection was dropped instead; `sha256` is that of the raw body,
    None when it was too large to read; `reason` says why it wasn't processed.
    """

    at: str
    pixel_id: str
    status: int | None
    count: int
    dedupe_ids: tuple[str | None, ...]
    sha256: str | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedEvent:
    """One processed event; `event` is its own bytes, so that it is shown exactly as it came."""

    dedupe_id: str | None
    outcome: Outcome
    at: str
    pixel_id: str
    event: msgspec.Raw
    sha256: str
    remarks: tuple[str, ...]


class Received:
    """The memory of the sandbox; not safe for threads by itself."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []
        self._events: list[ReceivedEvent] = []
        self._deduplication = Deduplication()
        self._purchases = 0
        self._value_by_currency: dict[str, Decimal] = {}

    def add_batch(self, batch: Batch) -> None:
        """Remember a request, processed or not."""
        self._batches.append(batch)

    def process(self, pixel_id: str, events: Sequence[SubmittedEvent], at: datetime) -> None:
        """Take in the valid events of one batch."""
        for submitted in events:
            self._process(pixel_id, submitted, at)

    def _process(self, pixel_id: str, submitted: SubmittedEvent, at: datetime) -> None:
        dedupe_id = dedupe_id_of(submitted.document)
        sighting = Sighting(at, _text(submitted.document, "name") or "", submitted.sha256)
        outcome, differences = self._deduplication.judge(pixel_id, dedupe_id, sighting)
        if outcome == "accepted" and sighting.name == "purchase":
            self._count_purchase(submitted.document)
        record = ReceivedEvent(
            dedupe_id=dedupe_id,
            outcome=outcome,
            at=at.isoformat(),
            pixel_id=pixel_id,
            event=submitted.source,
            sha256=submitted.sha256,
            remarks=(*event_remarks(submitted.document), *differences),
        )
        self._events.append(record)

    def _count_purchase(self, event: object) -> None:
        self._purchases += 1
        value, currency = amount_of(event)
        if value is not None and currency is not None:
            so_far = self._value_by_currency.get(currency, Decimal(0))
            self._value_by_currency[currency] = EXACT.add(so_far, value)

    def count(self) -> dict[str, int]:
        """Return how many requests, events and unique purchases came."""
        return {
            "requests": len(self._batches),
            "events": len(self._events),
            "purchases": self._purchases,
        }

    def as_json(self, since: int = 0) -> bytes:
        """Return everything as JSON, the events from index `since` on; the figures are always those of everything."""
        worth = {currency: format(value, "f") for currency, value in self._value_by_currency.items()}
        shown = {
            "requests": len(self._batches),
            "batches": self._batches,
            "events": self._events[since:],
            "purchases": self._purchases,
            "value_by_currency": worth,
        }
        return msgspec.json.encode(shown)


class Ledger:
    """A file that gets one JSON line per received batch, on disk before the batch is answered."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, batch: Batch, events: Sequence[SubmittedEvent]) -> None:
        """Write and fsync what came and how it is going to be answered."""
        line = {
            "received_at": batch.at,
            "pixel_id": batch.pixel_id,
            "sha256": batch.sha256,
            "status": batch.status,
            "events": [_ledger_entry(event) for event in events],
        }
        with self._path.open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def _ledger_entry(event: SubmittedEvent) -> list[str | None]:
    value, currency = amount_of(event.document)
    shown = None if value is None else format(value, "f")
    return [dedupe_id_of(event.document), shown, currency, event.sha256]


def dedupe_id_of(event: object) -> str | None:
    """Return the dedupe_id of an event that may be invalid."""
    return _text(event, "dedupe_id")


def amount_of(event: object) -> tuple[Decimal | None, str | None]:
    """Return value and currency of an event that may be invalid."""
    content = event.get("data") if is_object(event) else None
    value = content.get("value") if is_object(content) else None
    return (value if isinstance(value, Decimal) else None), _text(content, "currency")


def _text(value: object, name: str) -> str | None:
    found = value.get(name) if is_object(value) else None
    return found if isinstance(found, str) else None
