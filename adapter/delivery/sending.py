"""Sending prepared events to one destination: freeze, send, halve what was refused, settle by the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog

from adapter.axon.outcome import Outcome, Verdict
from adapter.delivery import policy
from adapter.delivery.preparing import ToSend
from adapter.shops.shop import Destination
from adapter.storage.destinations import Condition, Destinations
from adapter.storage.purchases import Claim, Purchases, Settlement
from adapter.storage.tables import State

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends events of one destination.

    `clock` gives aware UTC times, `jitter` numbers from 0 up to 1; when `stopping` holds, no new request begins.
    """

    destination: Destination
    client: Client
    purchases: Purchases
    destinations: Destinations
    clock: Callable[[], datetime]
    jitter: policy.Jitter
    lease: timedelta
    stopping: Callable[[], bool]

    def send(self, events: Sequence[ToSend]) -> None:
        """Deliver these events, in as many requests as it takes, until one of them says to stop."""
        waiting = [list(events)]
        while waiting:
            go_on = self._send_batch(waiting.pop(), waiting)
            if not go_on or self.stopping():
                left = [event.claim for rest in waiting for event in rest]
                self.release(left)
                return

    def release(self, claims: Sequence[Claim]) -> None:
        """Give rows back untried: they are due at once, when the destination lets anything through."""
        now = self.clock()
        self.purchases.settle([_again(claim, now, now, fixed=claim.fixed) for claim in claims])

    def _send_batch(self, batch: list[ToSend], waiting: list[list[ToSend]]) -> bool:
        """Send one batch and settle it; push halves to send next; return whether to go on with what waits."""
        kept = set(self.purchases.freeze([(event.claim, event.event) for event in batch], self.clock(), self.lease))
        self.release([event.claim for event in batch if event.claim not in kept])
        batch = [event for event in batch if event.claim in kept]
        if not batch:
            return True
        target = self.destination
        encoded = [event.event for event in batch]
        outcome = self.client.send(target.api_url, target.pixel_id, target.api_key, encoded, target.envelope)
        return self._settle(batch, outcome, waiting)

    def _settle(self, batch: list[ToSend], outcome: Outcome, waiting: list[list[ToSend]]) -> bool:
        now = self.clock()
        known = self.destinations.state(self.destination.id, now)
        state = policy.after(known, outcome, now, self.jitter)
        self.destinations.save(self.destination.id, state)
        self._tell(outcome, batch, known.condition, state.condition)
        claims = [event.claim for event in batch]
        match outcome.verdict:
            case Verdict.ACCEPTED:
                self._accepted(claims, outcome, now)
                return True
            case Verdict.REFUSED | Verdict.TOO_LARGE if len(batch) > 1:
                middle = len(batch) // 2
                waiting += [batch[middle:], batch[:middle]]
                return True
            case Verdict.REFUSED:
                return self._refused_alone(claims[0], outcome, now)
            case Verdict.TOO_LARGE:
                self._quarantine(claims[0], outcome, now)
                return True
            case Verdict.UNAUTHORIZED:
                self.release(claims)
                return False
            case Verdict.UNKNOWN | Verdict.UNEXPECTED:
                self._unknown(claims, outcome, now)
                return False

    def _accepted(self, claims: list[Claim], outcome: Outcome, now: datetime) -> None:
        answer = outcome.to_json()
        settled = self.purchases.settle(
            [Settlement(claim=claim, state=State.DELIVERED, at=now, answer=answer, fixed=True) for claim in claims]
        )
        for claim in claims:
            milliseconds = round((now - claim.received_at) / timedelta(milliseconds=1))
            _log.info("order delivered", shop=claim.shop, order=claim.order_id, ms=milliseconds)
        if settled < len(claims):
            _log.warning("claims were taken over while sending", count=len(claims) - settled)

    def _refused_alone(self, claim: Claim, outcome: Outcome, now: datetime) -> bool:
        """Quarantine an event that was refused by itself, if the same credentials are known to be good."""
        known = self.destinations.state(self.destination.id, now)
        if policy.is_proven(known, now):
            self._quarantine(claim, outcome, now)
            return True
        suspect = _again(claim, now, now, fixed=claim.fixed, answer=outcome.to_json())
        self.purchases.settle([replace(suspect, suspect_at=now)])
        self.destinations.save(self.destination.id, policy.doubt(known, outcome, now, self.jitter))
        if known.condition is not Condition.DOUBTFUL:
            _log.error(
                "destination doubtful",
                destination=self.destination.id,
                pixel_id=self.destination.pixel_id,
                answer=outcome.status,
                hint="a lone event was refused and none was accepted within the hour; the newest order is the probe",
            )
        return False

    def _quarantine(self, claim: Claim, outcome: Outcome, now: datetime) -> None:
        reason = f"refused by Axon: {outcome}"
        settlement = Settlement(
            claim=claim,
            state=State.QUARANTINED,
            at=now,
            reason=reason,
            answer=outcome.to_json(),
            fixed=claim.fixed,
        )
        self.purchases.settle([settlement])
        _log.error("order quarantined", shop=claim.shop, order=claim.order_id, answer=outcome.status)

    def _unknown(self, claims: list[Claim], outcome: Outcome, now: datetime) -> None:
        """Keep the frozen bytes: they may have been accepted, and only the same ones may be sent again."""
        state = self.destinations.state(self.destination.id, now)
        self.purchases.settle(
            [
                _again(
                    claim,
                    now,
                    policy.next_try(outcome, claim.attempts, state, now, self.jitter),
                    fixed=True,
                    attempts=claim.attempts + 1,
                    answer=outcome.to_json(),
                )
                for claim in claims
            ]
        )

    def _tell(self, outcome: Outcome, batch: list[ToSend], before: Condition, after: Condition) -> None:
        facts = {"destination": self.destination.id, "events": len(batch), "answer": outcome.status}
        if outcome.verdict is not Verdict.ACCEPTED:
            _log.warning("batch not accepted", **facts, verdict=outcome.verdict.value, problem=outcome.problem)
        if before is not after and after is Condition.PAUSED:
            hint = "check AXON_API_KEY and AXON_PIXEL_ID; orders wait, and nothing is lost"
            _log.error("destination paused", **facts, hint=hint)
        elif before is not after and after is Condition.DOWN:
            _log.error(
                "destination down", **facts, hint="it doesn't answer; orders wait, and one probe a minute is sent"
            )
        elif before is not after and after is Condition.OPEN:
            _log.info("destination open again", **facts)


def _again(
    claim: Claim,
    now: datetime,
    due_at: datetime,
    *,
    fixed: bool = False,
    attempts: int | None = None,
    answer: str | None = None,
) -> Settlement:
    return Settlement(
        claim=claim,
        state=State.PENDING,
        at=now,
        due_at=due_at,
        fixed=fixed,
        attempts=claim.attempts if attempts is None else attempts,
        suspect_at=claim.suspect_at,
        answer=answer,
    )
