"""What a person can do with an order now, and why not the rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapter.operations.retrying import why_not
from adapter.shops.shop import Shop
from adapter.storage.stories import Known
from adapter.storage.tables import State


@dataclass(frozen=True, slots=True)
class Actions:
    """`retry` and `give_up` are what the buttons say, None when there is none; `why` says why there is no retry.

    `consequence` says what a retry does.
    """

    retry: str | None
    consequence: str
    give_up: str | None
    why: str


_ENDED = (State.QUARANTINED, State.SKIPPED, State.EXPIRED)


def actions_of(known: Known, shop: Shop | None, now: datetime) -> Actions:
    """Return what can be done with this order."""
    row = known.row
    give_up = "Give up" if _may_be_given_up(known, now) else None
    if shop is None:
        return Actions(None, "", give_up, f"no mapping file is named {row['shop']}: there is nowhere to send it")
    if row["state"] not in _ENDED or known.body is None:
        return Actions(None, "", give_up, _why(known))
    if row["fixed"]:
        return Actions("Send the same bytes again", _SAME, give_up, "")
    return Actions("Decide again", _ANEW, give_up, "")


_SAME = (
    "An earlier try may have been accepted, so exactly the same bytes are sent again: Axon counts them once, by their "
    "dedupe_id."
)
_ANEW = (
    "Every try so far was refused, or none was made. The order is read again from its newest body, and its event is "
    "made anew by the present mapping; then it is skipped, sent or quarantined as that says."
)


def _why(known: Known) -> str:
    row = known.row
    if known.problems and row["state"] in _ENDED:
        return "; ".join(known.problems)
    return why_not(row["shop"], row["order_id"], row)


def _may_be_given_up(known: Known, now: datetime) -> bool:
    row = known.row
    if row["state"] == State.DELIVERING:
        return row["lease_until"] is not None and row["lease_until"] <= now
    return row["state"] in (State.PENDING, State.QUARANTINED)
