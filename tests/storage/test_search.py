"""Finding orders: by each part of the question, page by page in both directions, each time by an index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from plans import fill, plan
from sqlalchemy import Engine, event, insert, text

from adapter.storage.search import Mark, Search, Wanted
from adapter.storage.tables import State, purchases

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def put(engine: Engine, *rows: dict[str, Any]) -> None:
    """Write rows as they are after their way; the n-th came in n hours after noon unless it says otherwise."""
    usual: dict[str, Any] = {"shop": "acme", "state": "delivered", "reason": None, "body_hash": b"", "counts": True}
    usual |= {"revision": 1, "fence": 1, "attempts": 0, "fixed": True}
    with engine.begin() as connection:
        for number, row in enumerate(rows, 1):
            at = row.get("received_at", NOON + number * HOUR)
            stamps = dict.fromkeys(("received_at", "refreshed_at", "due_at"), at)
            stamps["settled_at"] = None if row.get("state") == "pending" else at
            connection.execute(insert(purchases), usual | {"order_id": str(number)} | stamps | row)


@pytest.fixture
def search(engine: Engine) -> Search:
    """Return the search on both databases."""
    return Search(engine)


def ids(search: Search, **question: Any) -> list[str]:
    """Return the order ids of the first page."""
    return [row["order_id"] for row in search.page(Wanted(**question)).rows]


def test_an_empty_ledger(search: Search) -> None:
    """There is no shop, no reason, and a page without orders."""
    assert ([], [], ()) == (search.shops(), search.kinds(), search.page(Wanted()).rows)


def test_each_part_of_the_question(engine: Engine, search: Search) -> None:
    """Shop, state, kind of reason, order id and days narrow it, each alone and all together."""
    put(
        engine,
        {},
        {"state": "skipped", "reason": "test: paid with a test payment"},
        {"state": "skipped", "reason": "pos: sold in the store", "shop": "other"},
        {"state": "quarantined", "reason": "test"},
        {"state": "skipped", "reason": "test: so it says", "shop": "other", "received_at": NOON + DAY},
        {"state": "pending"},
    )
    assert ["5", "6", "4", "3", "2", "1"] == ids(search)
    assert ["5", "3"] == ids(search, shop="other")
    assert ["5", "3", "2"] == ids(search, state=State.SKIPPED)
    assert ["5", "4", "2"] == ids(search, kind="test")
    assert ["4"] == ids(search, kind="test", state=State.QUARANTINED)
    assert ["3"] == ids(search, order_id="3")
    assert [] == ids(search, order_id="3", shop="acme")
    assert [] == ids(search, order_id="3", state=State.DELIVERED)
    assert ["5"] == ids(search, since=NOON + 12 * HOUR, until=NOON + 2 * DAY)
    everything = {"shop": "other", "state": State.SKIPPED, "kind": "test", "order_id": "5", "since": NOON}
    assert ["5"] == ids(search, **everything, until=NOON + 2 * DAY)
    assert [] == ids(search, **everything, until=NOON + HOUR)


def test_the_ends_of_a_day(engine: Engine, search: Search) -> None:
    """The first moment belongs to it, the one at which the next begins doesn't."""
    put(engine, {"received_at": NOON}, {"received_at": NOON + DAY}, {"received_at": NOON - timedelta(microseconds=1)})
    assert ["1"] == ids(search, since=NOON, until=NOON + DAY)


def test_the_kind_of_a_reason(engine: Engine, search: Search) -> None:
    """It is the words up to the first colon, at most sixty characters; however long the reason is."""
    put(
        engine,
        {"reason": "no colon at all"},
        {"reason": ": nothing before it"},
        {"reason": "refused by Axon: answer 400: " + "€" * 5000},
        {"reason": "x" * 70 + ": y"},
    )
    kinds = ["", "no colon at all", "refused by Axon", "x" * 60]
    assert kinds == search.kinds()
    assert [["2"], ["1"], ["3"], ["4"]] == [ids(search, kind=kind) for kind in kinds]


def test_the_shops(engine: Engine, search: Search) -> None:
    """Every shop that has an order, each once, whether it has a mapping file or not."""
    put(engine, {"shop": "b"}, {"shop": "a"}, {"shop": "b"}, {"shop": "c"})
    assert ["a", "b", "c"] == search.shops()


@pytest.mark.parametrize("question", [{}, {"shop": "acme"}, {"state": State.DELIVERED}, {"kind": "r"}], ids=str)
def test_page_by_page(engine: Engine, search: Search, question: dict[str, Any]) -> None:
    """Older pages and back again show each order once, also those that came in at the same moment."""
    rows: list[dict[str, Any]] = [
        {"received_at": NOON + HOUR * (number // 3), "shop": "acme", "reason": "r: 1"} for number in range(11)
    ]
    put(engine, *rows)
    wanted, forth, back = Wanted(**question), [], []
    page = search.page(wanted, size=4)
    assert page.newer is None
    while True:
        forth.append([row["order_id"] for row in page.rows])
        if page.older is None:
            break
        page = search.page(wanted, older=page.older, size=4)
    while page.newer is not None:
        page = search.page(wanted, newer=page.newer, size=4)
        back.append([row["order_id"] for row in page.rows])
    expected = [["11", "10", "9", "8"], ["7", "6", "5", "4"], ["3", "2", "1"]]
    assert expected == forth
    assert list(reversed(expected[:2])) == back


def test_a_mark_that_is_nowhere(engine: Engine, search: Search) -> None:
    """A page beyond the ends is empty, and leads nowhere."""
    put(engine, {}, {})
    page = search.page(Wanted(), older=Mark(datetime(1970, 1, 1, tzinfo=UTC), 0))
    assert ((), None, None) == (page.rows, page.newer, page.older)


def test_many_shops(engine: Engine, search: Search) -> None:
    """More shops than one statement asks about are asked about by several."""
    put(engine, *({"shop": f"shop {number:03}"} for number in range(150)))
    assert ["150", "149", "148"] == ids(search)[:3]
    assert 150 == len(search.shops())


QUESTIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "shop": {"shop": "acme"},
    "state": {"state": State.SKIPPED},
    "waiting": {"state": State.PENDING},
    "shop and state": {"shop": "acme", "state": State.SKIPPED},
    "reason": {"kind": "test"},
    "order": {"order_id": "1"},
    "day": {"since": NOON, "until": NOON + DAY},
}


def statements_of(engine: Engine, search: Search, question: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return what the database is asked for a page in the middle."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, sql: str, values: object, *_rest: object) -> None:
        seen.append((sql, values))

    event.listen(engine, "before_cursor_execute", note)
    search.page(Wanted(**question), older=Mark(NOON + 5 * HOUR, 5))
    event.remove(engine, "before_cursor_execute", note)
    return seen


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_sqlite_uses_an_index(sqlite_engine: Engine, question: dict[str, Any]) -> None:
    """No question reads the table from end to end, and none sorts more than the page itself."""
    put(sqlite_engine, {}, {"state": "skipped", "reason": "test: so"})
    for sql, values in statements_of(sqlite_engine, Search(sqlite_engine), question):
        with sqlite_engine.connect() as connection:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
        assert not [step for step in plan if step.startswith("SCAN purchases") and "INDEX" not in step]
        is_of_index_alone = "ORDER BY" in sql and "IN (" not in sql.partition("WHERE")[2]
        assert not (is_of_index_alone and any("TEMP B-TREE FOR ORDER BY" in step for step in plan))


def test_those_on_their_way(engine: Engine) -> None:
    """However many wait, only those that are being sent are looked at: the index of due orders knows the state."""
    fill(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE purchases SET state = 'delivering' WHERE order_id IN ('40', '80')"))
    search = Search(engine)
    assert ["40", "80"] == ids(search, state=State.DELIVERING)
    steps = plan(engine, lambda: search.page(Wanted(shop="shop0", state=State.DELIVERING)))
    assert [step for step in steps if "purchases_waiting" in step], steps
    assert not [step for step in steps if "purchases_unsettled" in step], steps


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_postgresql_uses_an_index(postgres_engine: Engine, question: dict[str, Any]) -> None:
    """With enough orders that it matters, PostgreSQL never reads the table from end to end."""
    with postgres_engine.begin() as connection:
        connection.execute(text(_MANY))
    with postgres_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE purchases"))
    for sql, values in statements_of(postgres_engine, Search(postgres_engine), question):
        with postgres_engine.connect() as connection:
            plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {sql}", values))
        assert "Seq Scan" not in plan


_MANY = """
    INSERT INTO purchases (shop, order_id, state, reason, body_hash, counts, revision, received_at, refreshed_at,
                           due_at, fence, attempts, fixed, settled_at)
    SELECT 'acme', n::text, CASE WHEN n % 10 = 0 THEN 'skipped' ELSE 'delivered' END,
           CASE WHEN n % 10 = 0 THEN 'test: paid with a test payment' END, ''::bytea, true, 1, at, at, at, 1, 0, true,
           at
    FROM (SELECT n, timestamptz '2026-05-01 12:00:00+00' + n * interval '1 second' AS at
          FROM generate_series(1, 20000) AS n) AS numbered
"""
