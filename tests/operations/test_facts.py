"""Facts: read from a database that is there, that takes nothing, or that is gone; they never fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from adapter.operations.facts import Database, Facts, Machine
from adapter.operations.health import causes
from adapter.storage.arrivals import Receipt
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.pulse import Pulse
from adapter.storage.sealing import Sealer
from adapter.tally import Counted
from adapter.wiring import Parts, load_configuration

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MAPPINGS = Path(__file__).parents[2] / "mappings"
ENVIRONMENT = {
    "MAPPINGS_DIR": str(MAPPINGS),
    "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "AXON_PIXEL_ID": "pixel-1",
    "AXON_API_KEY": "key-1",
}


@pytest.fixture
def parts(engine: Engine, sealer: Sealer, clock: Any) -> Parts:
    """Return the stores on each database, with a Shopify shop that is on."""
    made = Parts(load_configuration(ENVIRONMENT), clock)
    made.engine, made.sealer = engine, sealer
    return made


def facts(parts: Parts) -> Facts:
    """Return the facts as they are now."""
    return parts.examination().facts()


def test_a_new_house(parts: Parts) -> None:
    """Before the first order and the first worker nothing is wrong but, on PostgreSQL, the clock of these tests."""
    found = facts(parts)
    assert (NOON, Database.WRITABLE, None) == (found.at, found.database, found.beat_at)
    assert {"shopify"} == set(found.shops), "a shop that is off is nobody's concern"
    ((destination),) = found.destinations
    assert (("shopify", "woocommerce"), Condition.OPEN) == (destination.shops, destination.state.condition)
    expected = set() if parts.engine.dialect.name == "sqlite" else {"clock_off"}
    assert expected == {cause.name for cause in causes(found)}


def test_what_is_known(parts: Parts) -> None:
    """Orders, the pulse, the destination's condition and what was counted are read."""
    parts.purchases.receive([Receipt(shop="shopify", order_id="1", body=b"1")], NOON - timedelta(hours=1))
    Pulse(parts.engine).beat(NOON - timedelta(seconds=5))
    (id_,) = parts.shops.destinations()
    parts.destinations.save(id_, DestinationState(condition=Condition.DOWN, since=NOON, clock_ahead=-7))
    parts.tally.count("webhooks", "shopify", "401")
    parts.store_tally()
    found = facts(parts)
    assert NOON - timedelta(seconds=5) == found.beat_at
    assert NOON - timedelta(hours=1) == found.shops["shopify"].due_since
    assert (Condition.DOWN, -7) == (found.destinations[0].state.condition, found.destinations[0].state.clock_ahead)
    assert 1 == found.totals[Counted("webhooks", "shopify", "401")].count


def test_the_servers_clock(engine: Engine, sealer: Sealer) -> None:
    """With the real time the clock of the database's machine is ours."""
    parts = Parts(load_configuration(ENVIRONMENT), lambda: datetime.now(UTC))
    parts.engine, parts.sealer = engine, sealer
    ahead = facts(parts).clock_ahead
    assert ahead is None or abs(ahead) < timedelta(seconds=10)
    assert (ahead is None) is (engine.dialect.name == "sqlite")


def test_without_credentials(engine: Engine, sealer: Sealer, clock: Any) -> None:
    """A shop without a key has no destination."""
    parts = Parts(load_configuration(ENVIRONMENT | {"AXON_API_KEY": ""}), clock)
    parts.engine, parts.sealer = engine, sealer
    assert ({"shopify"}, ()) == (set(facts(parts).without_destination), facts(parts).destinations)


def test_read_only(sqlite_engine: Engine, parts: Parts) -> None:
    """A database that can be read and not written is told apart from one that is gone."""
    parts.engine = sqlite_engine
    sqlite_engine.dispose()
    event.listen(sqlite_engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))
    assert Database.READABLE == facts(parts).database
    assert {"database_unusable"} == {cause.name for cause in causes(facts(parts))}


def test_gone(parts: Parts) -> None:
    """A database that can't be read is a fact as well."""
    with parts.engine.begin() as connection:
        connection.execute(text("ALTER TABLE uptime RENAME TO away"))
    assert Database.AWAY == facts(parts).database
    assert ["database_unusable"] == [cause.name for cause in causes(facts(parts))]


def test_the_machine(tmp_path: Path, clock: Any) -> None:
    """Beside a SQLite file its disk is looked at, and its log; a folder that isn't there tells nothing."""
    parts = Parts(load_configuration(ENVIRONMENT | {"DATABASE_URL": f"sqlite:///{tmp_path}/a.db"}), clock)
    (tmp_path / "a.db-wal").write_bytes(b"x" * 1234)
    machine = facts(parts).machine
    assert isinstance(machine, Machine)
    assert machine.disk > machine.free > 0
    assert 1234 == machine.log
    gone = replace(parts.examination(), database_file=Path("/proc/nowhere/a.db"))
    assert gone.facts().machine is None
    parts.engine.dispose()
