"""What becomes of one row by each kind of answer, as the storage is to write it down."""

from __future__ import annotations

from datetime import datetime

from adapter.axon.outcome import Outcome
from adapter.storage.purchases import Claim, Settlement
from adapter.storage.tables import State


def delivered(claim: Claim, outcome: Outcome, now: datetime) -> Settlement:
    """Return the end of an accepted event: nothing changes it any more."""
    return Settlement(
        claim=claim,
        state=State.DELIVERED,
        at=now,
        answer=outcome.to_json(),
        fixed=True,
        attempts=claim.attempts,
    )


def again(claim: Claim, now: datetime, due_at: datetime) -> Settlement:
    """Return the row as it was before it was claimed: due then, and no attempt is counted.

    Its event may be made anew, unless an attempt before this claim may have been accepted.
    """
    return Settlement(
        claim=claim,
        state=State.PENDING,
        at=now,
        due_at=due_at,
        fixed=claim.fixed,
        attempts=claim.attempts,
        suspect_at=claim.suspect_at,
    )


def suspected(claim: Claim, outcome: Outcome, now: datetime) -> Settlement:
    """Return an event that was refused alone, and waits to be judged by another one's acceptance."""
    return Settlement(
        claim=claim,
        state=State.PENDING,
        at=now,
        due_at=now,
        answer=outcome.to_json(),
        fixed=claim.fixed,
        attempts=claim.attempts,
        suspect_at=now,
    )


def unknown(claim: Claim, outcome: Outcome, now: datetime, due_at: datetime) -> Settlement:
    """Return an event that may have been accepted: its bytes are fixed, and the attempt counts."""
    return Settlement(
        claim=claim,
        state=State.PENDING,
        at=now,
        due_at=due_at,
        answer=outcome.to_json(),
        fixed=True,
        attempts=claim.attempts + 1,
        suspect_at=claim.suspect_at,
    )


def refused(claim: Claim, outcome: Outcome, now: datetime) -> Settlement:
    """Return an event that is to blame itself for its refusal: it is kept aside with the API's answer."""
    return Settlement(
        claim=claim,
        state=State.QUARANTINED,
        at=now,
        reason=f"refused by Axon: {outcome}",
        answer=outcome.to_json(),
        fixed=claim.fixed,
        attempts=claim.attempts,
    )


def quarantined(claim: Claim, reason: str, now: datetime) -> Settlement:
    """Return an order that no event can be made of, and that needs a person."""
    return Settlement(
        claim=claim, state=State.QUARANTINED, at=now, reason=reason, fixed=claim.fixed, attempts=claim.attempts
    )


def skipped(claim: Claim, reason: str, now: datetime, *, refused_by_buyer: bool) -> Settlement:
    """Return an order that is no purchase; when the buyer refused, for good and without its body."""
    return Settlement(
        claim=claim,
        state=State.SKIPPED,
        at=now,
        reason=reason,
        fixed=refused_by_buyer,
        attempts=claim.attempts,
        purge_body=refused_by_buyer,
    )
