"""The walk through the set-up: its order, what it leaves out, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from adapter.operations.live import configured, database, destinations, look, orders
from adapter.operations.live.finding import Finding, fact_lines, step_lines, wrong
from adapter.operations.live.service import Ask
from adapter.storage.arrivals import Receipt
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.engine import writing
from adapter.storage.pulse import Pulse
from adapter.storage.tables import State
from adapter.wiring import Parts

URL = "https://adapter.example"


def test_a_first_run(make_parts: Callable[..., Parts], asking: Callable[[Parts], Ask]) -> None:
    """A set-up that is right, and new: nothing is wrong, and two steps are left, in their order."""
    parts = make_parts()
    found = list(look(parts.setup(), URL, asking(parts)))
    assert [] == [finding for finding in found if finding.is_wrong]
    steps = [finding.step for finding in found if finding.step]
    assert 2 == len(steps)
    assert "adapter check --live --send-test-event shopify" in steps[0]
    assert f"URL {URL}/webhooks/shopify" in steps[1]


def test_nothing_is_left(make_parts: Callable[..., Parts], asking: Callable[[Parts], Ask], clock: Any) -> None:
    """A set-up through which orders go needs nothing; the last order of the shop is shown."""
    parts = make_parts()
    ((id_, _),) = parts.shops.destinations().items()
    parts.destinations.save(id_, DestinationState(since=clock(), accepted_at=clock()))
    parts.purchases.receive(
        [Receipt(shop="shopify", order_id="7", body=b"{}", state=State.SKIPPED, reason="x")], clock()
    )
    found = list(look(parts.setup(), URL, asking(parts)))
    assert [] == [finding.step for finding in found if finding.step]
    assert "shop shopify: last order 7, 2026-05-01 12:00 UTC, skipped: x" == found[-1].fact
    assert "Axon, pixel id pixel: accepted events, last at 2026-05-01 12:00 UTC" == found[-2].fact


def test_a_database_that_is_wrong(make_parts: Callable[..., Parts]) -> None:
    """Without a database nothing is said about orders and destinations, which only it knows."""
    parts = make_parts(DATABASE_URL="sqlite:////proc/nobody/a.db", migrated=False)
    found = list(look(parts.setup(), None, lambda *_: pytest.fail("nobody was to be asked")))
    assert "database: there is no file /proc/nobody/a.db yet" == found[-2].fact
    assert "the running service wasn't asked" == found[-1].fact


# The parts of the walk.


def test_no_shop_is_on(make_parts: Callable[..., Parts]) -> None:
    """With no shop on, each is wrong, with where its secret is found."""
    parts = make_parts(SHOPIFY_WEBHOOK_SECRET="")
    _, shopify, woocommerce = configured.look(parts.settings, parts.shops)
    assert (True, True) == (shopify.is_wrong, woocommerce.is_wrong)
    assert "SHOPIFY_WEBHOOK_SECRET" in shopify.fact
    assert "Settings › Notifications › Webhooks" in shopify.step


def test_one_shop_is_on(make_parts: Callable[..., Parts]) -> None:
    """Beside one that is on, a shop that is off is no fault; what is remarked on in a shop is a step."""
    parts = make_parts(SHOPIFY_SITE_URL="http://shop.example")
    _, shopify, notice, woocommerce = configured.look(parts.settings, parts.shops)
    assert [False] * 3 == [finding.is_wrong for finding in (shopify, notice, woocommerce)]
    assert "shopify: site_url http://shop.example is http" in notice.step
    assert ("", True) == (woocommerce.step, woocommerce.fact.startswith("shop woocommerce is off"))


def test_notices_of_the_settings(make_parts: Callable[..., Parts]) -> None:
    """What is remarked on in the settings is a step."""
    parts = make_parts(SECRET_KEY="short")
    assert "SECRET_KEY has fewer than 32 characters" in list(configured.look(parts.settings, parts.shops))[1].step


def test_a_shop_without_a_pixel(make_parts: Callable[..., Parts]) -> None:
    """Orders that can't be sent are wrong."""
    parts = make_parts(AXON_PIXEL_ID="")
    shopify = list(configured.look(parts.settings, parts.shops))[1]
    assert shopify.is_wrong
    assert "AXON_PIXEL_ID is not set" in shopify.fact


def only(found: list[Finding]) -> Finding:
    """Return the one finding."""
    (finding,) = found
    return finding


def test_a_database_as_it_should_be(make_parts: Callable[..., Parts], tmp_path: Path) -> None:
    """Reachable, migrated, writable, and opened by this secret."""
    found = only(database.look(make_parts().setup()))
    path = f"{tmp_path}/adapter.db"
    assert f"database: SQLite, {path}, at the newest schema, takes rows; the secret opens what is stored" == found.fact
    assert found.is_right


def test_postgresql_that_is_away(make_parts: Callable[..., Parts]) -> None:
    """A server that isn't there is said without its address and password."""
    url = "postgresql://adapter:canary@127.0.0.1:9/orders"
    found = only(database.look(make_parts(DATABASE_URL=url, migrated=False).setup()))
    assert found.is_wrong
    assert found.fact.startswith("database: PostgreSQL, can't be used: OperationalError: ")
    assert "canary" not in found.fact + found.step


@pytest.mark.parametrize(
    ("version", "step"), [("0001", "run `adapter migrate`"), ("9999", "run that version, or a newer one")]
)
def test_another_schema(make_parts: Callable[..., Parts], version: str, step: str) -> None:
    """An older schema wants a migration, a newer one a newer program."""
    parts = make_parts()
    with writing(parts.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    found = only(database.look(parts.setup()))
    assert (True, step) == (found.is_wrong, found.step)


def test_no_schema_at_all(make_parts: Callable[..., Parts], tmp_path: Path) -> None:
    """An empty file wants a migration."""
    (tmp_path / "adapter.db").touch()
    assert "run `adapter migrate`" == only(database.look(make_parts(migrated=False).setup())).step


def test_another_key(make_parts: Callable[..., Parts], clock: Any) -> None:
    """A secret that doesn't open what is stored is wrong."""
    parts = make_parts()
    parts.purchases.receive([Receipt(shop="shopify", order_id="7", body=b"{}")], clock())
    found = only(database.look(make_parts(SECRET_KEY="x" * 40).setup()))
    assert found.is_wrong
    assert found.fact.startswith("SECRET_KEY: opens 1 of the oldest and newest stored values not")


@pytest.mark.parametrize("condition", [Condition.PAUSED, Condition.DOUBTFUL, Condition.DOWN])
def test_a_destination_that_is_not_open(make_parts: Callable[..., Parts], clock: Any, condition: Condition) -> None:
    """A destination that takes nothing is wrong, with its reason and the way out."""
    parts = make_parts()
    ((id_, _),) = parts.shops.destinations().items()
    parts.destinations.save(id_, DestinationState(condition=condition, reason="answer 401", since=clock()))
    _, found = destinations.look(parts.setup())
    assert f"Axon, pixel id pixel: {condition} since 2026-05-01 12:00 UTC: answer 401" == found.fact
    assert found.is_wrong
    assert found.step


def test_no_worker(make_parts: Callable[..., Parts], clock: Any) -> None:
    """Without a worker orders wait: none ever, or one that was last seen two minutes ago."""
    parts = make_parts(delivered=False, EMBEDDED_DELIVERY="false")
    never, _ = destinations.look(parts.setup())
    assert ("no worker has ever looked for orders to deliver: they wait", True) == (never.fact, never.is_wrong)
    Pulse(parts.engine).beat(clock())
    clock.advance(60)
    assert "a worker looks for orders to deliver" == next(destinations.look(parts.setup())).fact
    clock.advance(100)
    gone = next(destinations.look(parts.setup()))
    assert "no worker has looked since 2026-05-01 12:00 UTC for orders to deliver: they wait" == gone.fact
    assert "EMBEDDED_DELIVERY=true" in gone.step
    embedded = next(destinations.look(make_parts(delivered=False).setup()))
    assert (gone.fact, True) == (embedded.fact, "(`adapter serve`): it delivers by itself" in embedded.step)


def test_shops_without_orders(make_parts: Callable[..., Parts]) -> None:
    """Each platform has its own way of registering webhooks; without an address a placeholder stands for it."""
    parts = make_parts(WOOCOMMERCE_WEBHOOK_SECRET="w" * 24, WOOCOMMERCE_SITE_URL="https://woo.example")
    shopify, woocommerce = orders.look(parts.setup(), None)
    assert "Settings › Notifications › Webhooks" in shopify.step
    assert "https://<your service>/webhooks/woocommerce" in woocommerce.step
    assert "Order updated" in woocommerce.step


# How it is shown.

FINDINGS = [Finding("all is well"), wrong("the database is away", "start it"), Finding("no order", "place one"),
            wrong("the service is away", "start it")]  # fmt: skip


def test_facts() -> None:
    """Each fact has its mark."""
    assert [
        "ok     all is well",
        "WRONG  the database is away",
        "to do  no order",
        "WRONG  the service is away",
    ] == list(fact_lines(FINDINGS))


def test_steps() -> None:
    """Steps are numbered in the order of the facts, the same one once."""
    assert ["", "What to do next:", " 1. start it", " 2. place one"] == list(step_lines(FINDINGS))
    assert ["", "Nothing is left to do."] == list(step_lines(FINDINGS[:1]))
