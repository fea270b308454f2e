"""Finding orders in a ledger of any size: a page at a time, newest first, each question answered by an index.

The index of a shop's ended orders in one state has them in the order in which they came in, and another one those that
wait. A question that leaves shop or state open asks for the first ones of each and puts these together: however many
there are, it reads a page of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    TextClause,
    and_,
    bindparam,
    func,
    or_,
    select,
    text,
    union_all,
)

from adapter.storage.engine import reading
from adapter.storage.reasons import KindOfReason
from adapter.storage.tables import ENDED, REASONED, UNSETTLED, WAITING, State, purchases

Condition = ColumnElement[bool] | TextClause

PAGE = 50
"""Orders on a page."""

_MOST_QUESTIONS = 100
"""In one statement; SQLite takes 500."""

_MOST_KINDS = 100

_WAITING = (State.PENDING, State.DELIVERING)
_SETTLED = tuple(state for state in State if state not in _WAITING)

_SHOWN = (
    *("id", "shop", "order_id", "state", "reason", "received_at", "refreshed_at", "due_at", "attempts"),
    *("first_sent_at", "settled_at", "suspect_at", "carries", "value", "currency"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which orders: each part that isn't None narrows it. `since` ≤ came in < `until`.

    `kind` is the reason's; `reason` is a part of its words, in any case, for which every order with one is read.
    """

    shop: str | None = None
    state: State | None = None
    kind: str | None = None
    reason: str | None = None
    order_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page ends: at the order with this id, which came in then."""

    received_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Page:
    """Orders, newest first, and where the pages beside this one begin; None where there is none."""

    rows: Sequence[Mapping[str, Any]]
    newer: Mark | None
    older: Mark | None


class Search:
    """Looks through the ledger. Every method raises `StorageUnavailable`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def shops(self) -> list[str]:
        """Return the names of all shops that have an order, those without a mapping file among them."""
        with reading(self._engine) as connection:
            return known_shops(connection)

    def kinds(self) -> list[str]:
        """Return the kinds of reasons that there are, of each shop the first hundred."""
        with reading(self._engine) as connection:
            found = (connection.execute(_KINDS, {"shop": shop}).scalars() for shop in known_shops(connection))
            return sorted({kind for kinds in found for kind in kinds})

    def page(self, wanted: Wanted, *, older: Mark | None = None, newer: Mark | None = None, size: int = PAGE) -> Page:
        """Return the newest orders wanted; those older than a mark, or the ones just newer than it."""
        with reading(self._engine) as connection:
            shops = [wanted.shop] if wanted.shop is not None else known_shops(connection)
            marks = _marks(connection, wanted, shops, older or newer, size + 1, rising=newer is not None)
            rows = _rows(connection, [mark.id for mark in marks[:size]])
        return _page(rows, older, newer, has_more=len(marks) > size)


def newest(connection: Connection, wanted: Wanted, limit: int) -> list[Mark]:
    """Return the newest so many orders wanted."""
    shops = [wanted.shop] if wanted.shop is not None else known_shops(connection)
    return _marks(connection, wanted, shops, None, limit, rising=False)


def _page(rows: list[Mapping[str, Any]], older: Mark | None, newer: Mark | None, *, has_more: bool) -> Page:
    if not rows:
        return Page((), None, None)
    first, last = (Mark(row["received_at"], row["id"]) for row in (rows[0], rows[-1]))
    has_newer = has_more if newer is not None else older is not None
    has_older = newer is not None or has_more
    return Page(rows, first if has_newer else None, last if has_older else None)


def _marks(
    connection: Connection, wanted: Wanted, shops: Sequence[str], at: Mark | None, limit: int, *, rising: bool
) -> list[Mark]:
    """Return the first so many orders beyond the mark, nearest first."""
    questions = [_question(narrowed, at, limit, rising=rising) for narrowed in _narrowed(wanted, shops)]
    found: list[Mark] = []
    for start in range(0, len(questions), _MOST_QUESTIONS):
        some = questions[start : start + _MOST_QUESTIONS]
        together = union_all(*(select(question.subquery()) for question in some))
        found += [Mark(row.received_at, row.id) for row in connection.execute(together)]
    return sorted(found, key=lambda mark: (mark.received_at, mark.id), reverse=not rising)[:limit]


def _narrowed(wanted: Wanted, shops: Iterable[str]) -> Iterator[tuple[Condition, ...]]:
    """Yield conditions that an index answers in the order of the page, for each shop, and each state if need be."""
    for shop in shops:
        here = purchases.c.shop == shop
        if wanted.order_id is not None:
            yield here, purchases.c.order_id == wanted.order_id, *_in_state(wanted), *_of_kind(wanted), *_when(wanted)
        elif wanted.kind is not None or wanted.reason is not None:
            yield here, *_of_kind(wanted), *_in_state(wanted), *_when(wanted)
        else:
            yield from ((here, *some, *_when(wanted)) for some in _by_state(wanted.state))


def _by_state(state: State | None) -> Iterator[tuple[Condition, ...]]:
    """Yield the conditions of each stretch of the indexes: the settled ones state by state, then those that wait."""
    if state in _WAITING:
        # Few of those that wait are on their way: the index of due orders says which, without a look at the others.
        yield text(UNSETTLED if state is State.PENDING else WAITING), purchases.c.state == state
        return
    settled = text(ENDED)
    yield from ((settled, purchases.c.state == one.value) for one in ([state] if state else _SETTLED))
    if state is None:
        yield (text(UNSETTLED),)


def _in_state(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.state is not None:
        yield purchases.c.state == wanted.state.value


def _of_kind(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.kind is not None:
        yield and_(text(REASONED), KindOfReason() == wanted.kind)
    if wanted.reason is not None:
        yield and_(text(REASONED), purchases.c.reason.icontains(wanted.reason, autoescape=True))


def _when(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield purchases.c.received_at >= wanted.since
    if wanted.until is not None:
        yield purchases.c.received_at < wanted.until


def _question(conditions: tuple[Condition, ...], at: Mark | None, limit: int, *, rising: bool) -> Select[Any, Any]:
    query = select(purchases.c.received_at, purchases.c.id).where(*conditions)
    if at is not None:
        query = query.where(*beyond(at, rising=rising))
    order = (purchases.c.received_at, purchases.c.id)
    return query.order_by(*(order if rising else (column.desc() for column in order))).limit(limit)


def beyond(at: Mark, *, rising: bool) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Say that an order comes after the mark, or before it, and twice: an index is good for the first part alone."""
    when, id_ = purchases.c.received_at, purchases.c.id
    if rising:
        return when >= at.received_at, or_(when > at.received_at, id_ > at.id)
    return when <= at.received_at, or_(when < at.received_at, id_ < at.id)


def _rows(connection: Connection, ids: Sequence[int]) -> list[Mapping[str, Any]]:
    query = select(*(purchases.c[name] for name in _SHOWN)).where(purchases.c.id.in_(ids))
    newest_first = query.order_by(purchases.c.received_at.desc(), purchases.c.id.desc())
    return [dict(row) for row in connection.execute(newest_first).mappings()]


def known_shops(connection: Connection) -> list[str]:
    """Return the names of all shops that have an order."""
    return list(connection.execute(_SHOPS).scalars())


def _skipping_shops() -> Any:  # noqa: ANN401  # SQLAlchemy's statement, here and below.
    """Find each shop by one step in the index: reading the whole of it takes a second for a million orders."""
    first = select(func.min(purchases.c.shop).label("shop")).cte("shops", recursive=True)
    following = select(func.min(purchases.c.shop)).where(purchases.c.shop > first.c.shop).scalar_subquery()
    found = first.union_all(select(following).where(first.c.shop.is_not(None)))
    return select(found.c.shop).where(found.c.shop.is_not(None))


def _skipping_kinds() -> Any:  # noqa: ANN401  # As above.
    """Find each kind of a shop in the same way."""
    kind = KindOfReason()
    kinds = select(kind.label("kind")).where(purchases.c.shop == bindparam("shop"), text(REASONED))
    smallest = kinds.order_by(kind).limit(1).subquery()
    first = select(smallest.c.kind).cte("kinds", recursive=True)
    following = kinds.where(kind > first.c.kind).order_by(kind).limit(1).scalar_subquery()
    found = first.union_all(select(following).where(first.c.kind.is_not(None)))
    return select(found.c.kind).where(found.c.kind.is_not(None)).limit(_MOST_KINDS)


_SHOPS = _skipping_shops()
_KINDS = _skipping_kinds()
