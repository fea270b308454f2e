"""The Conversion API without a socket: what becomes of a request, and what is remembered of it.

Source: the Conversion API page: 200 all events processed, 400 this batch was dropped, 401 authentication failed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from threading import Lock

from adapter.axon.sandbox.answer import Answer, Refusal, accepted, distorted, refused
from adapter.axon.sandbox.misbehaviour import Faults, Misbehaviour
from adapter.axon.sandbox.reading import BodyRefused, SubmittedEvent, read_events
from adapter.axon.sandbox.received import Batch, Ledger, Received, dedupe_id_of
from adapter.axon.sandbox.rules import event_violations

MOST_EVENTS = 100
"""Maximum batch size, from the page."""

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes; the page names no limit."""


@dataclass(frozen=True, slots=True)
class EventRequest:
    """One POST to /v1/event: its `pixel_id`, its Authorization header as it came, its body (None: too large)."""

    pixel_id: str
    key: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What the documented rules say about a request: its events, and why it is refused if it is."""

    events: tuple[SubmittedEvent, ...]
    refusal: Refusal | None

    @property
    def valid_documents(self) -> list[object]:
        """The events that the API would process, which is all or none of them."""
        return [] if self.refusal else [event.document for event in self.events]


class ConversionApi:
    """Judges, answers and remembers requests; safe to use from many threads.

    `credentials` maps pixel ids to keys; None accepts any pair without an empty part. `clock` returns aware UTC
    datetimes and decides deduplication. `seed` decides which requests a probability strikes.
    """

    def __init__(
        self,
        credentials: Mapping[str, str] | None,
        clock: Callable[[], datetime],
        ledger: Path | None,
        seed: int,
        misbehaviours: Sequence[Misbehaviour],
    ) -> None:
        self._credentials = credentials
        self._clock = clock
        self._ledger = Ledger(ledger) if ledger else None
        self._seed = seed
        self._first_misbehaviours = tuple(misbehaviours)
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Forget everything and behave as at the start; the ledger file is left alone."""
        with self._lock:
            self._received = Received()
            # Not cryptography: a campaign has to be repeatable from its seed.
            self._random = Random(self._seed)  # noqa: S311
            self._faults = Faults(self._first_misbehaviours, self._random)

    def misbehave(self, rules: Sequence[Misbehaviour]) -> None:
        """Put these misbehaviours in the place of those in force; none of them means good behaviour."""
        with self._lock:
            self._faults = Faults(rules, self._random)

    def received(self, since: int = 0) -> bytes:
        """Return the JSON of `GET /received`."""
        with self._lock:
            return self._received.as_json(since)

    def count(self) -> dict[str, int]:
        """Return the figures of `GET /received/count`."""
        with self._lock:
            return self._received.count()

    def receive(self, request: EventRequest) -> tuple[Answer | None, Misbehaviour]:
        """Return the planned answer (None: drop the connection) and what to do wrong while giving it."""
        judgement = _judge(request, self._credentials)
        with self._lock:
            fault = self._faults.strike(judgement.valid_documents)
            refusal = _told_refusal(fault) or judgement.refusal
            answer = self._plan(len(judgement.events), refusal, fault)
            self._remember(request, judgement.events, refusal, answer)
        return answer, fault

    def _plan(self, count: int, refusal: Refusal | None, fault: Misbehaviour) -> Answer | None:
        if fault.reset == "before":
            return None
        trace_id = f"sandbox-{self._received.count()['requests']:08d}"
        return distorted(refused(refusal, trace_id) if refusal else accepted(count), fault)

    def _remember(
        self,
        request: EventRequest,
        events: Sequence[SubmittedEvent],
        refusal: Refusal | None,
        answer: Answer | None,
    ) -> None:
        at = self._clock()
        batch = Batch(
            at=at.isoformat(),
            pixel_id=request.pixel_id,
            status=answer.status if answer else None,
            count=len(events),
            dedupe_ids=tuple(dedupe_id_of(event.document) for event in events),
            sha256=None if request.body is None else hashlib.sha256(request.body).hexdigest(),
            reason=str(refusal) if refusal else None,
        )
        if self._ledger:
            self._ledger.append(batch, events)
        self._received.add_batch(batch)
        if refusal is None:
            self._received.process(request.pixel_id, events, at)


def _judge(request: EventRequest, credentials: Mapping[str, str] | None) -> _Judgement:
    if request.body is None:
        return _Judgement((), Refusal(413, f"the body is larger than {LARGEST_BODY} bytes"))
    judgement = _judge_body(request.body)
    if _is_authentic(request, credentials):
        return judgement
    # Still with its events, so that the batch is remembered with what it held.
    refusal = Refusal(401, "the pixel_id and the Authorization header aren't a known pair")
    return _Judgement(judgement.events, refusal)


def _judge_body(body: bytes) -> _Judgement:
    try:
        events = read_events(body)
    except BodyRefused as error:
        return _Judgement((), Refusal(400, str(error)))
    return _Judgement(events, _batch_refusal(events))


def _is_authentic(request: EventRequest, credentials: Mapping[str, str] | None) -> bool:
    if not request.pixel_id or not request.key:
        return False
    return credentials is None or credentials.get(request.pixel_id) == request.key


def _batch_refusal(events: Sequence[SubmittedEvent]) -> Refusal | None:
    """Return why the batch is dropped: one invalid event is enough, and the first one found is named."""
    if not events:
        return Refusal(400, "there is no event in the list")
    if len(events) > MOST_EVENTS:
        return Refusal(400, f"there are {len(events)} events in the list; {MOST_EVENTS} are the most")
    for place, event in enumerate(events):
        for violation in event_violations(event.document):
            return Refusal(400, violation.message, place, violation.path)
    return None


def _told_refusal(fault: Misbehaviour) -> Refusal | None:
    """Return why a misbehaviour keeps the batch from being processed; None when it doesn't."""
    if fault.reset == "before":
        return Refusal(503, "misbehaviour: the connection is dropped before processing")
    if fault.status not in {None, 200}:
        return Refusal(fault.status or 0, f"misbehaviour: {fault.status} is answered, nothing is processed")
    if fault.poison:
        return Refusal(400, "misbehaviour: the batch holds a poison event")
    return None
