"""Telling what is wrong: what is seen goes into the database, and one of all processes takes it out and tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from adapter.alerts.channels import Channels
from adapter.alerts.marker import Marker
from adapter.alerts.message import message_of
from adapter.alerts.sending import send_by_all
from adapter.operations.facts import Database, Facts
from adapter.operations.health import causes
from adapter.storage.alerts import Alert, Alerts, Cause

AFTER_FAILURE = timedelta(minutes=5)
"""So long it waits, when nobody could be told of the database, before it tries again."""

_log = structlog.get_logger()


@dataclass(kw_only=True)
class Teller:
    """Looks at the facts, and tells. `facts` reads them, `clock` gives aware UTC times.

    `marker` remembers what was told of the database itself, which can't say so while it is away.
    """

    facts: Callable[[], Facts]
    alerts: Alerts
    channels: Channels
    marker: Marker
    clock: Callable[[], datetime]
    _failed_before: bool = field(default=False, init=False)
    _resting_until: datetime | None = field(default=None, init=False)

    def look(self) -> None:
        """Look once, and tell what is new or over; raise `StorageUnavailable` when the database goes meanwhile."""
        facts = self.facts()
        found = causes(facts)
        self._tell_of_database(facts, found)
        if facts.database is not Database.WRITABLE:
            return
        self.alerts.see([cause for cause in found if not _is_of_database(cause)], self.clock())
        claimed = self.alerts.claim(self.clock())
        if not claimed:
            return
        if self._tell(claimed):
            self.alerts.told(claimed, self.clock())
        else:
            self.alerts.not_told(claimed, self.clock())

    def _tell_of_database(self, facts: Facts, found: Sequence[Cause]) -> None:
        """Tell that the database can't be used when that is so at two looks, and at once when it can again."""
        lost = facts.database is not Database.WRITABLE
        is_sure, self._failed_before = self._failed_before or not lost, lost
        rests = self._resting_until is not None and facts.at < self._resting_until
        if is_sure and not rests and self.marker.mark(lost=lost, now=facts.at):
            cause = next(filter(_is_of_database, found), _BACK)
            if not self._tell([Alert(cause=cause, is_over=not lost)]) and lost:
                self.marker.forget()
                self._resting_until = facts.at + AFTER_FAILURE

    def _tell(self, alerts: Sequence[Alert]) -> bool:
        """Tell all of these by every channel; return whether anybody was told, besides the log."""
        for alert in alerts:
            _log_line(alert)
        sent = send_by_all(self.channels, message_of(alerts))
        for one in sent:
            if one.problem is not None:
                _log.warning("alert not sent", channel=one.channel, problem=one.problem)
        return not sent or any(one.problem is None for one in sent)


_BACK = Cause(name="database_unusable", what="the database couldn't be used", remedy="nothing: it takes orders again")


def _is_of_database(cause: Cause) -> bool:
    return cause.name == _BACK.name


def _log_line(alert: Alert) -> None:
    cause = alert.cause
    whose = {name: whose for name, whose in (("shop", cause.shop), ("destination", cause.destination)) if whose}
    if alert.is_over:
        _log.warning("alert over", cause=cause.name, **whose, what=cause.what)
        return
    since = {"since": cause.since.isoformat()} if cause.since else {}
    _log.error("alert", cause=cause.name, **whose, **since, what=cause.what, remedy=cause.remedy)
