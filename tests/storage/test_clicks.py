"""Click identifiers at rest, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, text

from adapter.storage.clicks import Clicks
from adapter.storage.engine import reading
from adapter.storage.sealing import Sealer

if TYPE_CHECKING:
    from collections.abc import Callable

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
    assert {"consent": "denied", "aleid": "x"} == clicks.find("acme", [("order_key", "o"), *KEY])


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
