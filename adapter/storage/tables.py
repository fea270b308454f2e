"""The tables. What is personal or secret is sealed; the rest is a ledger that may be kept."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    select,
    text,
)
from sqlalchemy.types import TypeDecorator

from adapter.purchase.facts import CARRIED
from adapter.storage.reasons import KindOfReason


class State(StrEnum):
    """Where an order is on its way: pending → delivering → delivered or quarantined; or skipped, or expired."""

    PENDING = "pending"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    QUARANTINED = "quarantined"
    SKIPPED = "skipped"
    EXPIRED = "expired"


def in_utc(value: datetime) -> datetime:
    """Return an aware time as SQLite keeps it, in UTC and without its zone; raise ValueError for a naive one."""
    if value.tzinfo is None:
        raise ValueError("a time without a zone can't be stored")
    return value.astimezone(UTC).replace(tzinfo=None)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite gives naive times back, so they get their zone here; naive input is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time as the database keeps it; raise ValueError for a naive one."""
        if value is None:
            return None
        plain = in_utc(value)
        return plain if dialect.name == "sqlite" else plain.replace(tzinfo=UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts up by itself only for INTEGER."""

WAITING = "state IN ('pending', 'delivering')"
"""What the index of due orders covers. SQLite uses it only for a query that says just this, without parameters."""

KEPT = "body IS NOT NULL"
"""What the index of rows to purge covers. Body and event are purged together."""

SETTLED = "settled_at IS NOT NULL"
"""What the index of settled orders covers: an order touches it once."""

ENDED = "state NOT IN ('pending', 'delivering')"
"""What the index of arrivals covers: an order touches it once, when it has ended."""

UNSETTLED = "settled_at IS NULL"
"""What the index of the others covers, which wait; one that says "state" would tempt the worker's own questions."""

REASONED = "reason IS NOT NULL"
"""What the index of reasons covers: an order on its straight way to Axon has none."""

metadata = MetaData()

purchases = Table(
    "purchases",
    metadata,
    Column("id", ID, primary_key=True, autoincrement=True),
    Column("shop", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    # SHA-256 of the order's token or key: another one under the same id is another order (a staging clone).
    Column("token_hash", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    # The newest known body, sealed; its SHA-256, the platform's own stamp and whether it counts as a sale.
    Column("body", LargeBinary),
    Column("body_hash", LargeBinary, nullable=False),
    Column("body_at", UTCDateTime),
    Column("counts", Boolean, nullable=False),
    # Counts up with every newer body: a worker that still holds an older one can't send it.
    Column("revision", Integer, nullable=False),
    Column("received_at", UTCDateTime, nullable=False),
    Column("refreshed_at", UTCDateTime, nullable=False),
    # How old the order was when it first came in as a sale: fixed here, so an outage never ages it out.
    Column("age_seconds", Integer),
    Column("due_at", UTCDateTime, nullable=False),
    Column("lease_until", UTCDateTime),
    # Counts up with every claim: a worker whose claim was taken over can't settle.
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    # The event's bytes, sealed, as first sent.
    Column("event", LargeBinary),
    # Nothing may change this order any more: its event was or may have been accepted, or the buyer refused.
    Column("fixed", Boolean, nullable=False),
    # When it was last refused alone while nothing else had been accepted.
    Column("suspect_at", UTCDateTime),
    # What stays of the event: which identifiers it carried, its value and its currency.
    Column("carries", Text),
    Column("value", Text),
    Column("currency", Text),
    # The API's last answer as JSON: status, error code and message, trace id, first bytes of the body.
    Column("answer", Text),
    Column("first_sent_at", UTCDateTime),
    Column("settled_at", UTCDateTime),
    # The uptime at the last change: a newer body, a settlement, a retry. None: written by an older version.
    Column("changed_uptime", Integer),
    UniqueConstraint("shop", "order_id", name="purchases_one_per_order"),
)
Index(
    "purchases_waiting",
    purchases.c.shop,
    purchases.c.due_at,
    purchases.c.id,  # Orders that became due at one moment are claimed in this order, without being sorted.
    purchases.c.state,  # To count them.
    sqlite_where=text(WAITING),
    postgresql_where=text(WAITING),
)
Index(
    "purchases_by_arrival",
    purchases.c.shop,
    purchases.c.state,
    purchases.c.received_at,
    purchases.c.id,
    sqlite_where=text(ENDED),
    postgresql_where=text(ENDED),
)
Index(
    "purchases_unsettled",
    purchases.c.shop,
    purchases.c.received_at,
    purchases.c.id,
    purchases.c.settled_at,  # SQLite looks it up in the row otherwise, though the index says it.
    sqlite_where=text(UNSETTLED),
    postgresql_where=text(UNSETTLED),
)
Index(
    "purchases_by_reason",
    purchases.c.shop,
    KindOfReason(),
    purchases.c.received_at,
    purchases.c.id,
    sqlite_where=text(REASONED),
    postgresql_where=text(REASONED),
)
Index("purchases_kept", purchases.c.changed_uptime, sqlite_where=text(KEPT), postgresql_where=text(KEPT))
Index(
    "purchases_settled",
    purchases.c.shop,
    purchases.c.state,
    purchases.c.settled_at,
    sqlite_where=text(SETTLED),
    postgresql_where=text(SETTLED),
)

clicks = Table(
    "clicks",
    metadata,
    # A keyed hash of shop, kind and value of the key: the table alone says nothing.
    Column("key", LargeBinary, primary_key=True),
    Column("shop", Text, nullable=False),
    Column("identifiers", LargeBinary, nullable=False),
    Column("first_at", UTCDateTime, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
    Column("changed_uptime", Integer),
    # Which secret hashed the key, as four bytes. None: the one that sealed the identifiers.
    Column("hashed_with", LargeBinary),
)
Index("clicks_oldest", clicks.c.changed_uptime, clicks.c.last_at)

awaited_clicks = Table(
    "awaited_clicks",
    metadata,
    # Under which keys something may still come for an order, as long as its body is kept: a click, for which it may
    # be waiting, or its buyer's refusal.
    Column("key", LargeBinary, primary_key=True),
    Column("purchase_id", ID, ForeignKey("purchases.id", ondelete="CASCADE"), primary_key=True),
)

destinations = Table(
    "destinations",
    metadata,
    # A hash of address, pixel id and key: other credentials are another destination, without the old one's pause.
    Column("id", Text, primary_key=True),
    # "open", "paused" (our credentials), "doubtful" (it refuses every event) or "down" (it doesn't answer).
    Column("condition", Text, nullable=False),
    Column("reason", Text),
    Column("since", UTCDateTime, nullable=False),
    # No request before this moment; then, unless open, one probe.
    Column("rest_until", UTCDateTime),
    Column("failures", Integer, nullable=False),
    Column("odd_answers", Integer, nullable=False),
    Column("accepted_at", UTCDateTime),
    Column("answered_at", UTCDateTime),
    Column("answer", Text),
    # By how many seconds our clock was ahead of the Date of the last answer that had one.
    Column("clock_ahead", Integer),
)

uptime = Table(
    "uptime",
    metadata,
    # One row: how long workers have been running in all, in seconds, and the clock when one last looked.
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seconds", Integer, nullable=False),
    Column("looked_at", UTCDateTime),
    # When a worker last looked for due orders.
    Column("beat_at", UTCDateTime),
)

logouts = Table(
    "logouts",
    metadata,
    # Sessions of the console that were ended before their time, and until when each would have lasted.
    Column("session", Text, primary_key=True),
    Column("until", UTCDateTime, nullable=False),
)

days = Table(
    "days",
    metadata,
    # Of a shop's orders that came in on a day and were delivered, in one currency: how many, and what in them.
    Column("shop", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("delivered", Integer, nullable=False),
    # Their value in millionths. PostgreSQL's numeric takes any sum; SQLite's integer grows into a float, and no error.
    Column("value", Numeric(38, 0).with_variant(Integer(), "sqlite"), nullable=False),
    # How many carried each identifier.
    *(Column(f"with_{name}", Integer, nullable=False) for name in CARRIED),
    # How long after the order they were accepted; each is counted in the first that holds, the later ones in none.
    *(Column(f"within_{bound}", Integer, nullable=False) for bound in ("10s", "1min", "5min", "1h")),
)

UPTIME = select(uptime.c.seconds).where(uptime.c.id == literal_column("1")).scalar_subquery()
"""The uptime, within a statement that writes."""

tallies = Table(
    "tallies",
    metadata,
    # What all processes have counted: of what, for which shop or destination, of which kind; and when it last grew.
    Column("name", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", UTCDateTime, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    # One row per cause that is or lately was: its name, and the shop or destination whose it is.
    Column("name", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("shop", Text),
    Column("destination", Text),
    Column("since", UTCDateTime),
    Column("what", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("opened_at", UTCDateTime, nullable=False),
    # The last time that a process found it. When that is a while ago, it is over.
    Column("seen_at", UTCDateTime, nullable=False),
    # Whether it was told, and not yet that it is over; and when it last was told that it began.
    Column("told", Boolean, nullable=False),
    Column("told_at", UTCDateTime),
    # The process that took it to tell it has until then; how often telling it has failed in a row.
    Column("claimed_until", UTCDateTime),
    Column("tries", Integer, nullable=False),
)
