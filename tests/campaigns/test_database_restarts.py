"""D7: PostgreSQL crashes and comes back under load, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread

import pytest
from campaigns.databases import PostgreSQL, rows_of
from campaigns.table import Row
from campaigns.world import World

Scale = Callable[[int, int], int]


@pytest.mark.databases(cut="postgresql", whole="postgresql")
def test_crashing_postgresql(world: World, row: Row, scale: Scale) -> None:
    """D7: a COMMIT without an answer is a 503, the order is sent again, and there is one row whatever had happened."""
    row.named("D7 PostgreSQL crashes", "200 restarts, 100,000 orders, 0 lost, 0 doubled, ambiguous ones re-checked")
    crashes, orders = scale(2, 40), scale(100, 6_000)
    assert isinstance(world.database, PostgreSQL)
    world.start_web()
    world.start_worker()
    driver = world.driver(8)
    sending = Thread(target=driver.send, args=(world.orders.many(orders), orders / (crashes * 0.9)), daemon=True)
    sending.start()
    for _ in range(crashes):
        time.sleep(world.random.uniform(0.2, 0.5))
        world.database.server.crash()
        world.database.server.start()
    sending.join()
    record = driver.finish(60)
    world.come_to_rest()
    found = world.check(driver)
    stored = {(line["shop"], line["order_id"]) for line in rows_of(world.database)}
    found.lost += found.add("D7: acknowledged, and not stored", set(record.acknowledged) - stored)
    unsure = sum(tries - 1 for tries in record.tries.values())
    scaled = (
        f"{orders:,} orders, {crashes} crashes, {unsure} tries failed, {len(record.stored_unheard)} of them stored"
    )
    row.take(found, trials=orders, faults=crashes, scaled=scaled)
