"""The condition of each destination at rest: open, paused, doubtful or down, and when it may be asked again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from adapter.storage.engine import reading, writing
from adapter.storage.tables import destinations

_INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


LONGEST_REST = timedelta(hours=2)
"""Nobody rests longer; a rest that lies farther ahead comes from a clock that jumped back, and doesn't count."""


class Condition(StrEnum):
    """How a destination is: all is well; our credentials are refused; every event is; it doesn't answer."""

    OPEN = "open"
    PAUSED = "paused"
    DOUBTFUL = "doubtful"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationState:
    """What is known of a destination. No request is sent before `rest_until`; unless open, the next one is a probe.

    `failures` counts tries in a row without an answer, `odd_answers` answers in a row that the page doesn't know;
    `clock_ahead` says by how many seconds our clock was ahead of the last answer's Date.
    """

    condition: Condition = Condition.OPEN
    reason: str | None = None
    since: datetime
    rest_until: datetime | None = None
    failures: int = 0
    odd_answers: int = 0
    accepted_at: datetime | None = None
    answered_at: datetime | None = None
    answer: str | None = None
    clock_ahead: int | None = None


class Destinations:
    """The rows of the destinations table."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def state(self, destination_id: str, now: datetime) -> DestinationState:
        """Return what is known of a destination; an unknown one is open."""
        query = select(destinations).where(destinations.c.id == destination_id)
        with reading(self._engine) as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None:
            return DestinationState(since=now)
        columns: dict[str, Any] = {str(name): value for name, value in row.items() if str(name) != "id"}
        columns["condition"] = Condition(columns["condition"])
        return DestinationState(**columns)

    def save(self, destination_id: str, state: DestinationState) -> None:
        """Write down the condition of a destination."""
        values = {
            "condition": state.condition.value,
            "reason": state.reason,
            "since": state.since,
            "rest_until": state.rest_until,
            "failures": state.failures,
            "odd_answers": state.odd_answers,
            "accepted_at": state.accepted_at,
            "answered_at": state.answered_at,
            "answer": state.answer,
            "clock_ahead": state.clock_ahead,
        }
        insert = _INSERTS[self._engine.dialect.name](destinations).values(id=destination_id, **values)
        with writing(self._engine) as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_=values))

    def take_probe(self, destination_id: str, now: datetime, next_at: datetime) -> bool:
        """Take the one probe that is due, so that no other worker does; the next is due at `next_at`."""
        taken = (
            update(destinations)
            .where(
                destinations.c.id == destination_id,
                destinations.c.condition != Condition.OPEN.value,
                or_(
                    destinations.c.rest_until.is_(None),
                    destinations.c.rest_until <= now,
                    destinations.c.rest_until > now + LONGEST_REST,
                ),
            )
            .values(rest_until=next_at)
            .returning(destinations.c.id)
        )
        with writing(self._engine) as connection:
            return connection.execute(taken).scalar() is not None

    def resume(self, destination_id: str, now: datetime) -> None:
        """End a pause, a doubt or a rest: the next request is sent at once.

        An acceptance before it is still shown, but no longer proves that a lone refusal is the event's own fault.
        """
        known = self.state(destination_id, now)
        opened = replace(known, condition=Condition.OPEN, reason=None, since=now, rest_until=None, odd_answers=0)
        self.save(destination_id, replace(opened, failures=1 if known.accepted_at else 0))
