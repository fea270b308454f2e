"""Click identifiers at rest, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, Engine, delete, event, insert, select, text, update

from adapter.errors import SealBroken
from adapter.storage.clicks import Clicks
from adapter.storage.direct import written
from adapter.storage.engine import reading, writing
from adapter.storage.eviction import LOOK_AFTER
from adapter.storage.queueing import CROWDED, Queue
from adapter.storage.sealing import Sealer
from adapter.storage.tables import clicks as table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.storage.conftest import AtOnce

NOON = datetime.fromisoformat("2026-05-01T12:00:00+00:00")
LATER = NOON + timedelta(seconds=5)
KEY = [("checkout_token", "tok")]


def test_remembering_and_finding(clicks: Clicks) -> None:
    """What was stored is found under its key, by its shop alone."""
    clicks.remember("acme", KEY, {"aleid": "x"}, NOON)
    assert {"aleid": "x"} == clicks.find("acme", KEY)
    assert {} == clicks.find("other", KEY)
    assert {} == clicks.find("acme", [("cart_token", "tok")])
    assert {} == clicks.find("acme", [])


def test_the_first_value_stays(clicks: Clicks) -> None:
    """Under a checkout or order key the first value of each field wins, and new fields are added."""
    clicks.remember("acme", KEY, {"aleid": "first"}, NOON)
    clicks.remember("acme", KEY, {"aleid": "second", "axwrt": "w"}, LATER)
    assert {"aleid": "first", "axwrt": "w"} == clicks.find("acme", KEY)


def test_the_latest_click_of_a_client(clicks: Clicks) -> None:
    """Under a client_id the latest value wins."""
    clicks.remember("acme", [("client_id", "c")], {"aleid": "first"}, NOON)
    clicks.remember("acme", [("client_id", "c")], {"aleid": "second"}, LATER)
    assert {"aleid": "second"} == clicks.find("acme", [("client_id", "c")])


def test_a_refusal_stays(clicks: Clicks) -> None:
    """A refusal wins over a yes, before and after it, and under any of the keys."""
    clicks.remember("acme", KEY, {"consent": "denied"}, NOON)
    clicks.remember("acme", KEY, {"consent": "granted"}, LATER)
    clicks.remember("acme", [("order_key", "o")], {"consent": "granted", "aleid": "x"}, LATER)
    assert {"consent": "denied"} == clicks.find("acme", KEY)
    assert {"consent": "denied"} == clicks.find("acme", [("order_key", "o"), *KEY])


def test_a_refusal_deletes_what_the_browser_stored(clicks: Clicks, engine: Engine) -> None:
    """A refusal under an order's key also ends what the same browser stored under its own; other browsers' stay."""
    clicks.remember("acme", [*KEY, ("client_id", "mine")], {"aleid": "x", "client_id": "mine"}, NOON)
    clicks.remember("acme", [("client_id", "other")], {"aleid": "y", "client_id": "other"}, NOON)
    clicks.remember("acme", KEY, {"consent": "denied"}, LATER)
    assert ({}, {"consent": "denied"}) == (clicks.find("acme", [("client_id", "mine")]), clicks.find("acme", KEY))
    assert "y" == clicks.find("acme", [("client_id", "other")])["aleid"]
    with reading(engine) as connection:
        assert 2 == connection.execute(text("SELECT count(*) FROM clicks")).scalar()


def test_a_refusal_under_all_keys(clicks: Clicks) -> None:
    """A refusal under the browser's own key stays there, for its next order."""
    keys = [*KEY, ("client_id", "mine")]
    clicks.remember("acme", keys, {"aleid": "x", "client_id": "mine"}, NOON)
    clicks.remember("acme", keys, {"consent": "denied"}, LATER)
    assert [{"consent": "denied"}] * 2 == [clicks.find("acme", [key]) for key in keys]


@pytest.mark.parametrize("kind", ["checkout_token", "client_id"])
def test_a_refusal_leaves_nothing_else(clicks: Clicks, kind: str) -> None:
    """What was stored before a refusal is gone with it, and what comes after it isn't stored any more."""
    key = [(kind, "k")]
    clicks.remember("acme", key, {"aleid": "x", "ip": "203.0.113.7", "consent": "granted"}, NOON)
    clicks.remember("acme", key, {"consent": "denied"}, LATER)
    assert {"consent": "denied"} == clicks.find("acme", key)
    clicks.remember("acme", key, {"aleid": "x", "consent": "granted"}, LATER)
    assert {"consent": "denied"} == clicks.find("acme", key)


def test_the_first_key_wins(clicks: Clicks) -> None:
    """Where two keys know a field, the first one asked for counts."""
    clicks.remember("acme", [("order_key", "o")], {"aleid": "of the order"}, NOON)
    clicks.remember("acme", [("client_id", "c")], {"aleid": "of the client", "sid": "s"}, NOON)
    found = clicks.find("acme", [("order_key", "o"), ("client_id", "c")])
    assert {"aleid": "of the order", "sid": "s"} == found


def test_forgetting(clicks: Clicks) -> None:
    """What is forgotten is gone; other keys stay."""
    clicks.remember("acme", [*KEY, ("order_key", "o")], {"aleid": "x"}, NOON)
    clicks.forget("acme", KEY)
    assert {} == clicks.find("acme", KEY)
    assert {"aleid": "x"} == clicks.find("acme", [("order_key", "o")])


def test_nothing_stands_in_clear(clicks: Clicks, engine: Engine) -> None:
    """Neither the key nor an identifier can be read from the table."""
    clicks.remember("acme", [("checkout_token", "canarykey")], {"aleid": "canaryclick"}, NOON)
    with reading(engine) as connection:
        row = connection.execute(text("SELECT key, identifiers FROM clicks")).one()
    assert b"canary" not in bytes(row.key) + bytes(row.identifiers)


def test_an_older_secret_still_finds(engine: Engine) -> None:
    """After a rotation clicks are found under the fallback's hash, and opened with its key."""
    Clicks(engine, Sealer(["old"])).remember("acme", KEY, {"aleid": "x"}, NOON)
    assert {"aleid": "x"} == Clicks(engine, Sealer(["new", "old"])).find("acme", KEY)
    assert {} == Clicks(engine, Sealer(["new"])).find("acme", KEY)


def test_parallel_clicks(clicks: Clicks, at_once: Callable[..., Any]) -> None:
    """Eight clicks at once under the same keys lose no field."""
    keys = [*KEY, ("order_key", "o")]
    at_once(8, lambda number: clicks.remember("acme", keys, {f"field{number}": "x"}, NOON))
    assert {f"field{number}" for number in range(8)} == clicks.find("acme", KEY).keys()


def test_forgetting_a_browser(clicks: Clicks) -> None:
    """What the same browser stored under its own key is forgotten with it."""
    clicks.remember("acme", [*KEY, ("client_id", "mine")], {"aleid": "x", "client_id": "mine"}, NOON)
    clicks.remember("acme", [("client_id", "other")], {"aleid": "y", "client_id": "other"}, NOON)
    clicks.forget("acme", KEY)
    assert {} == clicks.find("acme", [*KEY, ("client_id", "mine")])
    assert "y" == clicks.find("acme", [("client_id", "other")])["aleid"]


def test_forgetting_after_a_rotation(engine: Engine) -> None:
    """What was stored under an older secret is forgotten as well: no copy survives a refusal."""
    Clicks(engine, Sealer(["old"])).remember("acme", KEY, {"aleid": "x"}, NOON)
    both = Clicks(engine, Sealer(["new", "old"]))
    both.remember("acme", KEY, {"aleid": "y"}, LATER)
    both.forget("acme", KEY)
    assert {} == both.find("acme", KEY)
    with reading(engine) as connection:
        assert 0 == connection.execute(text("SELECT count(*) FROM clicks")).scalar()


def test_a_refusal_before_a_rotation(engine: Engine) -> None:
    """A refusal under the older secret's hash still wins over a yes that came after the rotation."""
    Clicks(engine, Sealer(["old"])).remember("acme", KEY, {"consent": "denied"}, NOON)
    both = Clicks(engine, Sealer(["new", "old"]))
    both.remember("acme", KEY, {"consent": "granted"}, LATER)
    assert {"consent": "denied"} == both.find("acme", KEY)


def test_the_latest_click_of_a_client_keeps_other_fields(clicks: Clicks) -> None:
    """Under a client_id a later click without a field leaves the older one's."""
    client = [("client_id", "c")]
    clicks.remember("acme", client, {"aleid": "first", "sid": "s"}, NOON)
    clicks.remember("acme", client, {"aleid": "second"}, LATER)
    assert {"aleid": "second", "sid": "s"} == clicks.find("acme", client)


def test_keys_of_two_kinds_in_one_click(clicks: Clicks) -> None:
    """One click under both kinds of key follows the rule of each."""
    keys = [*KEY, ("client_id", "c")]
    clicks.remember("acme", keys, {"aleid": "first"}, NOON)
    clicks.remember("acme", keys, {"aleid": "second"}, LATER)
    assert ({"aleid": "first"}, {"aleid": "second"}) == (clicks.find("acme", KEY), clicks.find("acme", keys[1:]))


def test_the_times_of_a_click(clicks: Clicks, engine: Engine) -> None:
    """The first time stays, the last one moves: what is purged by age is what wasn't touched."""
    clicks.remember("acme", KEY, {"aleid": "x"}, NOON)
    clicks.remember("acme", KEY, {"aleid": "y"}, LATER)
    with reading(engine) as connection:
        assert (NOON, LATER) == connection.execute(select(table.c.first_at, table.c.last_at)).one()


def test_a_row_that_was_copied_to_another_key(clicks: Clicks, engine: Engine) -> None:
    """Identifiers are bound to their key: another buyer's row can't be put in their place."""
    clicks.remember("acme", [*KEY, ("order_key", "o")], {"aleid": "x"}, NOON)
    mine, theirs = (clicks.key_hashes("acme", *key)[0] for key in (KEY[0], ("order_key", "o")))
    with writing(engine) as connection:
        sealed = connection.execute(select(table.c.identifiers).where(table.c.key == theirs)).scalar_one()
        connection.execute(update(table).where(table.c.key == mine).values(identifiers=sealed))
    with pytest.raises(SealBroken):
        clicks.find("acme", KEY)


def test_keys_that_look_alike(clicks: Clicks) -> None:
    """Shop, kind and value are told apart wherever one ends and the next begins."""
    hashes = [clicks.key_hashes(*key)[0] for key in (("a", "bc", "d"), ("ab", "c", "d"), ("a", "b", "cd"))]
    assert 3 == len(set(hashes))


@pytest.fixture
def together(clicks: Clicks, engine: Engine, at_once: AtOnce) -> Callable[[int, Callable[[int], None]], None]:
    """Return what posts so many clicks while orders go first, so that they share a transaction."""

    def post(count: int, one: Callable[[int], None]) -> None:
        queue: Queue = engine.get_execution_options()["queue"]
        with ExitStack() as orders, ThreadPoolExecutor(1) as pool:
            for _ in range(CROWDED):
                orders.enter_context(queue.place())
            posted = pool.submit(at_once, count, one)
            while len(clicks._groups._waiting) < count - 1:  # One leads, and waits for the orders.
                sleep(0.001)
            orders.close()
            posted.result(timeout=10)

    return post


def test_clicks_of_one_moment(clicks: Clicks, engine: Engine, together: Callable[..., None]) -> None:
    """Those that wait for orders share a transaction, and each follows the rules as if it came alone."""

    def post(number: int) -> None:
        """Post the clicks of four browsers; beside the last one's two refusals under its cart."""
        cart = ("cart_token", str(min(number, 3)))
        click = {"aleid": f"of {number}", "client_id": f"of {number}"}
        if number > 3:
            clicks.remember("acme", [cart], {"consent": "denied"}, NOON)
        else:
            clicks.remember("acme", [cart, ("client_id", f"of {number}")], click, NOON)

    committed: list[object] = []
    event.listen(engine, "commit", committed.append)
    together(6, post)
    assert 1 == len(committed)
    assert ["of 0", "of 1", "of 2"] == [clicks.find("acme", [("cart_token", str(n))])["aleid"] for n in range(3)]
    assert {"consent": "denied"} == clicks.find("acme", [("cart_token", "3")])
    assert {} == clicks.find("acme", [("client_id", "of 3")])


def test_one_that_cant_be_stored_beside_others(clicks: Clicks, engine: Engine, together: Callable[..., None]) -> None:
    """When one of those that share a transaction breaks it, the others are stored all the same, each by itself."""
    clicks.remember("acme", [("cart_token", "0")], {"aleid": "x"}, NOON)
    with writing(engine) as connection:
        connection.execute(update(table).values(identifiers=b"no seal"))

    def post(number: int) -> None:
        clicks.remember("acme", [("cart_token", str(number))], {"aleid": f"of {number}"}, NOON)

    with pytest.raises(SealBroken):
        together(4, post)
    assert ["of 1", "of 2", "of 3"] == [clicks.find("acme", [("cart_token", str(n))])["aleid"] for n in (1, 2, 3)]


def test_parallel_clicks_with_keys_in_another_order(clicks: Clicks, at_once: Callable[..., Any]) -> None:
    """Requests that name the same keys the other way round never lock each other out."""
    keys = [("order_key", str(number)) for number in range(6)]

    def remember(thread: int) -> None:
        for number in range(25):
            clicks.remember("acme", keys[:: 1 if thread else -1], {f"field{thread}-{number}": "x"}, NOON)

    at_once(2, remember)
    assert 50 == len(clicks.find("acme", keys[:1]))


def test_two_first_clicks_at_once(postgres_engine: Engine, sealer: Sealer) -> None:
    """The insert that comes second sees the first one's row as soon as it is committed, and merges into it."""
    clicks = Clicks(postgres_engine, sealer)
    key = clicks.key_hashes("acme", *KEY[0])[0]
    with ThreadPoolExecutor(1) as pool, postgres_engine.begin() as first:
        row = {"key": key, "shop": "acme", "identifiers": clicks._seal(key, {"aleid": "first"})}
        first.execute(insert(table), row | {"first_at": NOON, "last_at": NOON})
        second = pool.submit(clicks.remember, "acme", KEY, {"aleid": "second", "sid": "s"}, LATER)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.3)  # It waits for the other one's commit.
        first.commit()
        second.result(timeout=3)
    assert {"aleid": "first", "sid": "s"} == clicks.find("acme", KEY)


def test_a_row_that_goes_between_two_looks(engine: Engine, sealer: Sealer) -> None:
    """A key whose row others evict after the insert met it, and before it is locked, is inserted all the same."""
    clicks = Clicks(engine, sealer)
    clicks.remember("acme", [*KEY, ("order_key", "o")], {"aleid": "old"}, NOON)
    key = clicks.key_hashes("acme", *KEY[0])[0]
    locked = clicks._locked

    def evicted(connection: Connection, keys: Sequence[bytes]) -> dict[bytes, dict[str, str]]:
        connection.execute(delete(table).where(table.c.key == key))
        clicks._locked = locked  # type: ignore[method-assign]
        return locked(connection, keys)

    clicks._locked = evicted  # type: ignore[method-assign]
    clicks.remember("acme", [*KEY, ("order_key", "o")], {"aleid": "new"}, LATER)
    assert ("new", "old") == (clicks.find("acme", KEY)["aleid"], clicks.find("acme", [("order_key", "o")])["aleid"])


def test_a_click_compiles_no_statement(engine: Engine, sealer: Sealer) -> None:
    """A click costs no more than it must, on a full table, too: each of its statements was written long ago.

    A new one takes four (insert, wake, two to evict), one under known keys looks and merges, too.
    """
    clicks = Clicks(engine, sealer, most_rows=1)

    def post(number: int) -> None:
        keys = [(kind, str(number)) for kind in ("checkout_token", "client_id")]
        clicks.remember("acme", keys, {"aleid": "x"}, NOON + timedelta(seconds=number))

    for number in range(8):
        post(number)
    clicks._eviction._added = LOOK_AFTER
    post(7)
    found: list[str] = []

    def note(*facts: Any) -> None:
        found.append(facts[4].cache_hit.name if facts[4].compiled else "written")

    event.listen(engine, "before_cursor_execute", note)
    written_before = written.cache_info().misses
    post(8)
    assert ["written"] * 4 == found
    post(8)
    assert ["written", "CACHE_HIT", *["written"] * 4] == found[4:]
    assert written_before == written.cache_info().misses
