"""Sending prepared events to one destination: freeze, send, halve what was refused, settle by the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog

from adapter.axon.outcome import Outcome, Verdict
from adapter.delivery import durations, policy, settlements
from adapter.delivery.preparing import ToSend
from adapter.shops.shop import Destination
from adapter.storage.destinations import Condition, Destinations, DestinationState
from adapter.storage.purchases import Claim, Purchases
from adapter.tally import Tally

_log = structlog.get_logger()


class Client(Protocol):
    """What sends a batch; `adapter.axon.client.AxonClient` is the real one."""

    def send(
        self,
        api_url: str,
        pixel_id: str,
        api_key: str,
        events: Sequence[bytes],
        envelope: Literal["events", "list"] = "events",
    ) -> Outcome:
        """Send encoded events as one batch and return how it ended."""
        ...


@dataclass(slots=True)
class _Course:
    """How far one `send` is: pieces still to be sent, and the events refused alone that aren't judged yet.

    `refusals` counts requests refused in a row; `accepted` says that one was accepted.
    """

    waiting: list[list[ToSend]]
    alone: bool
    suspects: list[tuple[Claim, Outcome]] = field(default_factory=list[tuple[Claim, Outcome]])
    refusals: int = 0
    accepted: bool = False

    def unsettled(self) -> list[Claim]:
        """Return every claim that nothing was decided about."""
        return [event.claim for piece in self.waiting for event in piece] + [claim for claim, _ in self.suspects]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends events of one destination.

    `clock` gives aware UTC times, `jitter` numbers from 0 up to 1; when `stopping` holds, no new request begins.
    `tally` counts the requests, and how long the orders took.
    """

    destination: Destination
    client: Client
    purchases: Purchases
    destinations: Destinations
    clock: Callable[[], datetime]
    jitter: policy.Jitter
    lease: timedelta
    stopping: Callable[[], bool]
    tally: Tally = field(default_factory=Tally)

    def send(self, events: Sequence[ToSend]) -> None:
        """Deliver these events in as many requests as it takes, until an answer says to stop."""
        course = _Course([list(events)], alone=len(events) == 1)
        while course.waiting:
            if self.stopping() or not self._send_piece(course.waiting.pop(), course):
                self.release(course.unsettled())
                return
        self._judge(course)

    def release(self, claims: Sequence[Claim]) -> None:
        """Give rows back untried: they are due at once, when the destination lets anything through."""
        now = self.clock()
        self.purchases.settle([settlements.again(claim, now, now) for claim in claims])

    def _send_piece(self, piece: list[ToSend], course: _Course) -> bool:
        """Send these events as one batch and settle them; return whether to go on with what waits."""
        kept = set(self.purchases.freeze([(event.claim, event.event) for event in piece], self.clock(), self.lease))
        self.release([event.claim for event in piece if event.claim not in kept])
        batch = [event for event in piece if event.claim in kept]
        if not batch:
            return True
        target = self.destination
        encoded = [event.event for event in batch]
        outcome = self.client.send(target.api_url, target.pixel_id, target.api_key, encoded, target.envelope)
        return self._settle(batch, outcome, course)

    def _settle(self, batch: list[ToSend], outcome: Outcome, course: _Course) -> bool:
        now = self.clock()
        known = self.destinations.state(self.destination.id, now)
        state = policy.after(known, outcome, now, self.jitter)
        self.destinations.save(self.destination.id, state)
        self.tally.count("requests", self.destination.id, outcome.verdict.value)
        self._tell(outcome, batch, known, state)
        claims = [event.claim for event in batch]
        match outcome.verdict:
            case Verdict.ACCEPTED:
                self._accepted(claims, outcome, course, now)
            case Verdict.REFUSED:
                return self._refused(batch, outcome, known, course)
            case Verdict.TOO_LARGE if len(batch) > 1:
                course.waiting += _halves(batch)
            case Verdict.TOO_LARGE:
                self._quarantine([(claims[0], outcome)], now)
            case Verdict.UNAUTHORIZED:
                self.release(claims)
                return False
            case _:  # Unknown or unexpected: it may have been processed.
                self._unknown(claims, outcome, state, now)
                return False
        return True

    def _accepted(self, claims: list[Claim], outcome: Outcome, course: _Course, now: datetime) -> None:
        """Settle what was accepted; it proves that what was refused alone before is to blame itself."""
        settled = self.purchases.settle([settlements.delivered(claim, outcome, now) for claim in claims])
        _tell_delivered(claims, now)
        for claim in claims:
            durations.count(self.tally, claim.shop, now - claim.received_at)
        if settled < len(claims):
            _log.warning("claims were taken over while sending", count=len(claims) - settled)
        self._quarantine(course.suspects, now)
        course.suspects, course.refusals, course.accepted = [], 0, True

    def _refused(self, batch: list[ToSend], outcome: Outcome, known: DestinationState, course: _Course) -> bool:
        """Halve a refused batch; keep a lone event until it is known whether everything is refused."""
        course.refusals += 1
        claim, now = batch[0].claim, self.clock()
        if len(batch) > 1:
            course.waiting += _halves(batch)
        elif self._may_blame(claim, course) and policy.is_own_fault(known, claim.suspect_at, now):
            self._quarantine([(claim, outcome)], now)
            course.refusals = 0
        else:
            course.suspects.append((claim, outcome))
        if course.refusals < policy.DOUBT_AFTER:
            return True
        self._doubt(course)
        return False

    def _may_blame(self, claim: Claim, course: _Course) -> bool:
        """Whether an acceptance before this refusal can be of another event.

        What may have been accepted before, and is sent again, may be what was accepted last: when a worker dies
        between the answer and its mark. Then the next acceptance decides.
        """
        return claim.suspect_at is not None or (course.alone and not claim.fixed)

    def _judge(self, course: _Course) -> None:
        """Decide about the events that were refused alone, when nothing is left to send."""
        if course.accepted:
            self._quarantine(course.suspects, self.clock())
        elif course.suspects:
            self._doubt(course)

    def _doubt(self, course: _Course) -> None:
        """Let the suspects wait for another order's acceptance: nothing says that they are to blame."""
        now, outcome = self.clock(), course.suspects[-1][1]
        self.purchases.settle([settlements.suspected(claim, answer, now) for claim, answer in course.suspects])
        course.suspects = []
        known = self.destinations.state(self.destination.id, now)
        self.destinations.save(self.destination.id, policy.doubt(known, outcome, now, self.jitter))
        if known.condition is not Condition.DOUBTFUL:
            hint = "events were refused and none was accepted since; the newest order is the probe, nothing is lost"
            _log.error("destination doubtful", **self._facts(outcome), hint=hint)

    def _quarantine(self, refused: Sequence[tuple[Claim, Outcome]], now: datetime) -> None:
        self.purchases.settle([settlements.refused(claim, outcome, now) for claim, outcome in refused])
        for claim, outcome in refused:
            _log.error("order quarantined", shop=claim.shop, order=claim.order_id, answer=outcome.status)

    def _unknown(self, claims: list[Claim], outcome: Outcome, state: DestinationState, now: datetime) -> None:
        """Keep the frozen bytes: they may have been accepted, and only the same ones may be sent again."""
        together, parting = self.jitter(), policy.parting(self.jitter)

        def due(claim: Claim) -> datetime:
            jitter = parting if claim.attempts >= policy.TOGETHER_FOR else lambda: together
            return policy.next_try(claim.attempts, state, now, jitter)

        self.purchases.settle([settlements.unknown(claim, outcome, now, due(claim)) for claim in claims])

    def _tell(self, outcome: Outcome, batch: list[ToSend], before: DestinationState, after: DestinationState) -> None:
        facts = {**self._facts(outcome), "events": len(batch)}
        if outcome.verdict is not Verdict.ACCEPTED:
            _log.warning("batch not accepted", **facts, verdict=outcome.verdict.value, problem=outcome.problem)
        if before.condition is after.condition:
            return
        if after.condition is Condition.PAUSED:
            hint = "check AXON_API_KEY, AXON_PIXEL_ID and AXON_API_URL; orders wait, and nothing is lost"
            _log.error("destination paused", **facts, hint=hint)
        elif after.condition is Condition.DOWN:
            hint = "it doesn't answer; orders wait, and one probe a minute is sent"
            _log.error("destination down", **facts, hint=hint)
        elif outcome.verdict is Verdict.ACCEPTED:
            _log.info("destination open again", **facts)

    def _facts(self, outcome: Outcome) -> dict[str, str | int | None]:
        target = self.destination
        return {"destination": target.id, "pixel_id": target.pixel_id, "answer": outcome.status}


def _tell_delivered(claims: Sequence[Claim], now: datetime) -> None:
    """Write one line for each shop: one for each order takes as long as all of its storage."""
    by_shop: dict[str, list[Claim]] = {}
    for claim in claims:
        by_shop.setdefault(claim.shop, []).append(claim)
    for shop, those in by_shop.items():
        slowest = round((now - min(claim.received_at for claim in those)) / timedelta(milliseconds=1))
        _log.info("orders delivered", shop=shop, orders=[claim.order_id for claim in those], ms=slowest)


def _halves(batch: list[ToSend]) -> list[list[ToSend]]:
    """Return both halves, the first one last: it is sent next."""
    middle = len(batch) // 2
    return [batch[middle:], batch[:middle]]
