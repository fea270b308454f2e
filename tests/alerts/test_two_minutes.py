"""Each way of being up but not working is told within two minutes, and that it is over within two more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from structlog.testing import capture_logs

from adapter.alerts.channels import Channels
from adapter.alerts.marker import Marker
from adapter.alerts.telling import Teller
from adapter.axon.outcome import Outcome, verdict_of
from adapter.operations.facts import Machine
from adapter.storage.alerts import Alerts
from adapter.storage.arrivals import Receipt
from adapter.storage.pulse import Pulse
from adapter.storage.sealing import Sealer
from adapter.storage.tables import State
from adapter.wiring import Parts, load_configuration

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "MAPPINGS_DIR": str(ROOT / "mappings"),
    "WOOCOMMERCE_WEBHOOK_SECRET": "Wq7Zx4Jk9Vb2Nm5Rt8Yp",
    "WOOCOMMERCE_SITE_URL": "https://woo.example",
    "AXON_PIXEL_ID": "pixel-1",
    "AXON_API_KEY": "key-1",
}
STEP = 5
TWO_MINUTES = 120


class Api:
    """A Conversion API that answers with `status`, and says how far our clock is ahead of its own."""

    status = 200
    clock_ahead = 0

    def send(self, *_request: object) -> Outcome:
        """Answer."""
        return Outcome(verdict=verdict_of(self.status), status=self.status, clock_ahead=self.clock_ahead)


@dataclass
class House:
    """A house on one database: a worker that looks every five seconds, a watch that looks every fifteen."""

    parts: Parts
    folder: Path
    is_delivering: bool = True
    monotonic: float = 0.0
    orders: int = 0
    machine: Machine | None = None

    def __post_init__(self) -> None:
        """Put worker and watch together."""
        self.api = Api()
        self.worker = self.parts.worker()
        self.worker.client = self.api
        self.worker.sweeper = None
        self.worker.pulse = Pulse(self.parts.engine, lambda: self.monotonic)
        self.teller = Teller(
            facts=lambda: replace(self.parts.examination().facts(), machine=self.machine),
            alerts=Alerts(self.parts.engine),
            channels=Channels(),
            marker=Marker(self.folder / "told"),
            clock=self.parts.clock,
        )

    def order(self, **changes: Any) -> None:
        """Let an order come in."""
        self.orders += 1
        body = (ROOT / "tests/samples/woocommerce/tax-included.json").read_bytes()
        receipt = Receipt(shop="woocommerce", order_id=str(self.orders), body=body, counts=True, **changes)
        self.parts.purchases.receive([receipt], self.parts.clock())

    def pass_until(self, told: str, cause: str) -> int:
        """Let time pass until it is told; return after how many seconds, 1,000 when it never is."""
        for passed in range(STEP, 1000, STEP):
            self.parts.clock.advance(STEP)  # type: ignore[attr-defined]  # The tests' clock.
            self.monotonic += STEP
            with capture_logs() as logs:
                if self.is_delivering:
                    self.worker._safely(self.worker.drain)
                if passed % 15 == 0:
                    self.parts.store_tally()
                    self.teller.look()
            if (told, cause) in [(line["event"], line.get("cause")) for line in logs]:
                return passed
        return 1000


@pytest.fixture
def house(sqlite_engine: Engine, sealer: Sealer, clock: Any, tmp_path: Path) -> House:
    """Return a house that is well, with a day of sales behind it."""
    parts = Parts(load_configuration(ENVIRONMENT), clock)
    parts.engine, parts.sealer = sqlite_engine, sealer
    made = House(parts, tmp_path)
    made.worker.trouble_seconds = 0.0
    for _ in range(6):
        made.order()
        clock.advance(3600)
    made.worker.drain()
    return made


def no_worker(house: House) -> Iterator[None]:
    """Let nobody deliver any more."""
    house.is_delivering = False
    house.order()
    yield
    house.is_delivering = True


def refused_key(house: House) -> Iterator[None]:
    """Refuse the key."""
    house.api.status = 401
    house.order()
    yield
    house.api.status = 200
    (id_,) = house.parts.shops.destinations()
    house.parts.destinations.resume(id_, house.parts.clock())


def quarantine(house: House) -> Iterator[None]:
    """Quarantine an order that can't be read."""
    house.order(state=State.QUARANTINED, reason="unreadable: no JSON")
    yield
    house.parts.clock.advance(timedelta(days=1).total_seconds())  # type: ignore[attr-defined]  # As above.
    house.order()


def read_only(house: House) -> Iterator[None]:
    """Let nothing be written any more."""
    house.parts.engine.dispose()

    def close_door(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA query_only=ON")

    event.listen(house.parts.engine, "connect", close_door)
    house.parts.store_tally = lambda: None  # type: ignore[method-assign]  # The watch passes over what fails.
    yield
    event.remove(house.parts.engine, "connect", close_door)
    house.parts.engine.dispose()


def full_disk(house: House) -> Iterator[None]:
    """Fill the disk."""
    house.machine = Machine(disk=1 << 40, free=1 << 20, log=0)
    yield
    house.machine = None


def late(house: House) -> Iterator[None]:
    """Let a worker look and send nothing, as when its thread for a destination hangs."""
    before = house.worker.deliver_to
    house.worker.deliver_to = lambda *_arguments: False  # type: ignore[method-assign]  # It hangs.
    house.order()
    yield
    house.worker.deliver_to = before  # type: ignore[method-assign]  # As above.


def wrong_clock(house: House) -> Iterator[None]:
    """Let the API's answers have another time."""
    house.api.clock_ahead = 3600
    house.order()
    yield
    house.api.clock_ahead = 0
    house.order()


def silence(house: House) -> Iterator[None]:
    """Let no order come for a day."""
    house.parts.clock.advance(timedelta(days=1, hours=1).total_seconds())  # type: ignore[attr-defined]  # As above.
    yield
    house.order()


WAYS: dict[str, Callable[[House], Iterator[None]]] = {
    "delivery_dead": no_worker,
    "destination_paused": refused_key,
    "quarantine_growing": quarantine,
    "database_unusable": read_only,
    "disk_nearly_full": full_disk,
    "orders_late": late,
    "clock_off": wrong_clock,
    "shop_silent": silence,
}


@pytest.mark.parametrize("cause", WAYS)
def test_two_minutes(house: House, cause: str) -> None:
    """From the fault to the alert it takes two minutes at most, and from its mending to the end of it."""
    way = WAYS[cause](house)
    next(way)
    assert house.pass_until("alert", cause) <= TWO_MINUTES
    assert next(way, None) is None
    assert house.pass_until("alert over", cause) <= TWO_MINUTES
