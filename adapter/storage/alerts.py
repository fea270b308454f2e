"""Causes that were or are to be told: one row each, so that among all processes exactly one tells, once.

A cause opens when a process sees it, and is over when none has seen it for a while: several processes look at slightly
different moments, and what flickers isn't told each time. It is told that a cause opened, once it was seen twice; that
it is over, if its opening was told; and the same cause again after an hour at the earliest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, RowMapping, and_, case, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapter.storage.engine import reading, writing
from adapter.storage.tables import alerts

CONFIRMED_AFTER = timedelta(seconds=10)
"""A cause is told when it is still there after so long."""

OVER_AFTER = timedelta(seconds=60)
"""A cause that no process has seen for so long is over."""

AGAIN_AFTER = timedelta(hours=1)
"""The same cause is told again after so long at the earliest."""

MOST_AN_HOUR = 20
"""So many messages are sent within an hour; what comes beyond waits, and is told together."""

CLAIM = timedelta(minutes=2)
"""So long one process has for telling; more than every way of telling takes together."""

FORGOTTEN_AFTER = timedelta(days=7)

_SEEN_ENOUGH = timedelta(seconds=10)
"""What was seen so lately needn't be written down again."""

_LONGEST_PAUSE = timedelta(hours=1)

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One way in which the house is up and doesn't work.

    `name` is stable; `shop` or `destination` says whose it is, both None say that of the house. `what` says what
    happened and `remedy` what to do, in words for an operator: no personal value, no secret.
    """

    name: str
    shop: str | None = None
    destination: str | None = None
    since: datetime | None = None
    what: str
    remedy: str

    @property
    def subject(self) -> str:
        """Whose it is, as one word."""
        return self.shop or self.destination or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A cause that this process is to tell: that it opened, or that it is over; `tries` counts failures so far."""

    cause: Cause
    is_over: bool
    tries: int = 0


class Alerts:
    """The rows of the alerts table. All methods raise `StorageUnavailable`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def see(self, causes: Sequence[Cause], now: datetime) -> None:
        """Write down which causes are there now; nothing is written while all is well."""
        with reading(self._engine) as connection:
            known = {(row.name, row.subject): row.seen_at for row in connection.execute(_KNOWN)}
        new = [cause for cause in causes if not _is_recent(known.get((cause.name, cause.subject)), now)]
        from_ahead = [key for key, seen_at in known.items() if seen_at > now + OVER_AFTER]
        if not new and not from_ahead:
            return
        with writing(self._engine) as connection:
            _set_back(connection, now)
            for cause in sorted(new, key=lambda cause: (cause.name, cause.subject)):
                connection.execute(_sighting(connection.dialect.name, cause, now))

    def claim(self, now: datetime) -> list[Alert]:
        """Take what is to be told now for this process alone, until `now + CLAIM`; [] when there is nothing."""
        with reading(self._engine) as connection:
            if connection.execute(select(alerts.c.name).where(_is_to_tell(now)).limit(1)).first() is None:
                return []
            lately = select(func.count(alerts.c.told_at.distinct())).where(alerts.c.told_at > now - AGAIN_AFTER)
            if connection.execute(lately).scalar_one() >= MOST_AN_HOUR:
                return []
        taken = update(alerts).where(_is_to_tell(now)).values(claimed_until=now + CLAIM).returning(*alerts.c)
        with writing(self._engine) as connection:
            connection.execute(delete(alerts).where(alerts.c.seen_at < now - FORGOTTEN_AFTER, ~alerts.c.told))
            rows = connection.execute(taken).mappings().all()
        return sorted((_alert(row, now) for row in rows), key=lambda alert: (alert.is_over, alert.cause.name))

    def told(self, told: Sequence[Alert], now: datetime) -> None:
        """Write down that these were told."""
        with writing(self._engine) as connection:
            for alert in told:
                opened = {} if alert.is_over else {"told_at": now}
                values = {"told": not alert.is_over, "claimed_until": None, "tries": 0, **opened}
                connection.execute(update(alerts).where(_is_row_of(alert)).values(values))

    def not_told(self, failed: Sequence[Alert], now: datetime) -> None:
        """Write down that these couldn't be told: they are tried again, later each time."""
        with writing(self._engine) as connection:
            for alert in failed:
                pause = min(timedelta(minutes=1) * (1 << min(alert.tries, 10)), _LONGEST_PAUSE)
                values = {"claimed_until": now + pause, "tries": alert.tries + 1}
                connection.execute(update(alerts).where(_is_row_of(alert)).values(values))


_KNOWN = select(alerts.c.name, alerts.c.subject, alerts.c.seen_at)


def _is_recent(seen_at: datetime | None, now: datetime) -> bool:
    return seen_at is not None and timedelta(0) <= now - seen_at < _SEEN_ENOUGH


def _set_back(connection: Connection, now: datetime) -> None:
    """Let what a clock wrote that has been set back since count as seen now."""
    ahead = update(alerts).where(alerts.c.seen_at > now + OVER_AFTER)
    connection.execute(ahead.values(seen_at=now, claimed_until=None))
    connection.execute(update(alerts).where(alerts.c.told_at > now).values(told_at=now))


def _sighting(dialect: str, cause: Cause, now: datetime) -> Any:  # noqa: ANN401  # The dialects' inserts share no type.
    """Return the upsert that says that a cause is there; one that was over opens anew."""
    shown = {"since": cause.since, "what": cause.what, "remedy": cause.remedy}
    fixed = {"name": cause.name, "subject": cause.subject, "shop": cause.shop, "destination": cause.destination}
    insert = _INSERTS[dialect](alerts).values(
        **fixed, **shown, opened_at=now, seen_at=now, told=False, told_at=None, claimed_until=None, tries=0
    )
    opened_at = case((alerts.c.seen_at >= now - OVER_AFTER, alerts.c.opened_at), else_=now)
    return insert.on_conflict_do_update(
        index_elements=["name", "subject"], set_={**shown, "opened_at": opened_at, "seen_at": now}
    )


def _is_to_tell(now: datetime) -> ColumnElement[bool]:
    is_open = alerts.c.seen_at >= now - OVER_AFTER
    may_again = or_(alerts.c.told_at.is_(None), alerts.c.told_at <= now - AGAIN_AFTER)
    opened = and_(is_open, ~alerts.c.told, alerts.c.opened_at <= now - CONFIRMED_AFTER, may_again)
    ended = and_(~is_open, alerts.c.told)
    claimed = and_(alerts.c.claimed_until > now, alerts.c.claimed_until <= now + _LONGEST_PAUSE)
    return and_(or_(opened, ended), or_(alerts.c.claimed_until.is_(None), ~claimed))


def _is_row_of(alert: Alert) -> ColumnElement[bool]:
    return and_(alerts.c.name == alert.cause.name, alerts.c.subject == alert.cause.subject)


def _alert(row: RowMapping, now: datetime) -> Alert:
    shown = {name: row[name] for name in ("name", "shop", "destination", "since", "what", "remedy")}
    return Alert(cause=Cause(**shown), is_over=row["seen_at"] < now - OVER_AFTER, tries=row["tries"])
