"""How an order ends that was never known to be delivered: by its age, or because a person gave it up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import case, update

from adapter.storage.tables import UPTIME, State, purchases


def expire(now: datetime, reason: str, perhaps: str) -> Any:  # noqa: ANN401  # SQLAlchemy's update.
    """Return the update, still of all orders. `perhaps` is the reason of one that may have been accepted all the same.

    The fence goes up, so that a worker that holds the order can't settle it any more.
    """
    return update(purchases).values(
        state=State.EXPIRED.value,
        reason=case((purchases.c.fixed, perhaps), else_=reason),
        lease_until=None,
        fence=purchases.c.fence + 1,
        suspect_at=None,
        settled_at=now,
        changed_uptime=UPTIME,
    )
