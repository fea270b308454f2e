"""A Conversion API in this process, under a clock that is moved: it does with each batch what a script says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from campaigns.fake_api import read_events
from campaigns.received import Batch, Sent

from adapter.axon.outcome import Outcome, Verdict, verdict_of
from adapter.delivery.sending import Client

_OK = 200
_DEFINITE = (400, 401, 402, 403, 404, 405, 410, 413, 422)


class Clock:
    """The time of the simulation. Calling it gives what the machine's clock says, which may be wrong by `error`."""

    def __init__(self, start: datetime) -> None:
        self.true = start
        self.error = timedelta(0)

    def __call__(self) -> datetime:
        """Return what the machine believes."""
        return self.true + self.error

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self.true += by


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a scripted API does with a batch: `status` None means that no answer came.

    `processed` batches count at Axon; None: they do when the status is 200.
    """

    status: int | None = 200
    processed: bool | None = None
    seconds: float = 0.2
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A batch as it came in; `number` counts from 1."""

    number: int
    pixel: str
    key: str
    body: bytes
    events: int


Script = Callable[[Request], Reply]


class Scripted:
    """A Conversion API in this process: it writes every batch down, then does what the script says."""

    def __init__(self, clock: Clock) -> None:
        self.script: Script = lambda _request: Reply()
        self.batches: list[Batch] = []
        self._clock = clock

    def send(
        self, _api_url: str, pixel_id: str, api_key: str, events: Sequence[bytes], _envelope: str = "events"
    ) -> Outcome:
        """Take a batch and answer."""
        body = b'{"events":[' + b",".join(events) + b"]}"
        number = len(self.batches) + 1
        reply = self.script(Request(number=number, pixel=pixel_id, key=api_key, body=body, events=len(events)))
        began = self._clock.true
        self._clock.advance(timedelta(seconds=reply.seconds))
        self.batches.append(self._batch(pixel_id, body, reply, began))
        if reply.status is None:
            return Outcome(verdict=Verdict.UNKNOWN, problem="no answer in time")
        wait = None if reply.retry_after is None else timedelta(seconds=reply.retry_after)
        return Outcome(verdict=verdict_of(reply.status), status=reply.status, retry_after=wait)

    def _batch(self, pixel: str, body: bytes, reply: Reply, began: datetime) -> Batch:
        entries = [event.entry() for event in read_events(body)]
        return Batch(
            number=len(self.batches) + 1,
            at=began.timestamp(),
            status=reply.status or 0,
            processed=reply.status == _OK if reply.processed is None else reply.processed,
            refused=reply.status in _DEFINITE,
            problem=None,
            ending="whole" if reply.status else "never",
            events=tuple(
                Sent(key=(pixel, it["id"]), sha256=it["sha256"], value=it["value"], currency=it["currency"])
                for it in entries
            ),
            finished_at=self._clock.true.timestamp() if reply.status else None,
        )


class Watched:
    """A client that notes every request: when, to which pixel, how many events, how it ended.

    `sent_again` are the ids that were sent although the client had heard that they are accepted. What a real client
    takes in real time passes on the clock as well. `meanwhile` is called while a request is on its way.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self.requests: list[tuple[datetime, str, int, Outcome]] = []
        self.sent_again: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self._accepted: set[tuple[str, str]] = set()
        self._client = client
        self._clock = clock

    def send(
        self, api_url: str, pixel_id: str, api_key: str, events: Sequence[bytes], envelope: Any = "events"
    ) -> Outcome:
        """Send, and note it."""
        began, started = self._clock.true, monotonic()
        keys = {(pixel_id, str(json.loads(event)["dedupe_id"])) for event in events}
        self.sent_again += [id_ for _, id_ in keys & self._accepted]
        outcome = self._client.send(api_url, pixel_id, api_key, events, envelope)
        if self._clock.true == began:
            self._clock.advance(timedelta(seconds=monotonic() - started))
        self.meanwhile()
        self._accepted |= keys if outcome.verdict is Verdict.ACCEPTED else set()
        self.requests.append((began, pixel_id, len(events), outcome))
        return outcome
