"""A campaign in little time: the real worker on a real database, under a clock that jumps from moment to moment.

A day of orders and failures takes seconds. The Conversion API is `Scripted`, in this process and with a ledger of
every event's bytes, or the real client to a real server. Orders come in through the real intake. The worker looks as
its own loop does; each request takes its time on the clock.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from random import Random
from threading import Event
from typing import Any, Self

import structlog
from campaigns import databases
from campaigns.checker import Findings, check
from campaigns.databases import SECRET_KEY, Database
from campaigns.orders import API_KEY, PIXELS, SECRETS, Order, Orders
from campaigns.received import Batch
from campaigns.scripted import Clock, Scripted, Watched
from sqlalchemy import event, func, select, text
from structlog.testing import capture_logs

from adapter.axon.outcome import Outcome
from adapter.delivery.sending import Client
from adapter.delivery.sweeping import Sweeper
from adapter.delivery.worker import Worker
from adapter.intake import Intake, Result
from adapter.platforms.webhook import WebhookRequest
from adapter.shops.load import load_shops
from adapter.shops.shop import Shops
from adapter.storage.clicks import Clicks
from adapter.storage.destinations import Destinations, DestinationState
from adapter.storage.migrate import migrate
from adapter.storage.purchases import Purchases
from adapter.storage.sealing import Sealer
from adapter.storage.tables import WAITING, State, destinations, purchases

LOOK_EVERY = timedelta(minutes=5)
"""The longest step: nothing that a worker does by itself needs a finer one."""

SHORTEST_STEP = timedelta(milliseconds=250)
"""How often a worker looks."""

LEASE = timedelta(seconds=60)

_API_URL = "http://127.0.0.1:9/v1/event"

_MAPPING = """extends = "{shop}"
webhook_secret = "{secret}"
site_url = "https://{shop}.example"
[axon]
pixel_id = "{pixel}"
api_key = "{key}"
"""


class Now(Executor):
    """Does what is submitted at once, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it."""
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Simulation:
    """The intake, a worker and a Conversion API on one database, and their time. Leaving the `with` block ends it."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        seed: int,
        client: Client | None = None,
        api_url: str = _API_URL,
        *,
        sweeps: bool = False,
    ) -> None:
        self.random = Random(seed)  # noqa: S311  # Repeatable on purpose.
        self.clock = Clock(datetime.now(UTC).replace(microsecond=0))
        self.orders = Orders(Random(seed + 1), lambda: self.clock.true)  # noqa: S311  # As above.
        self.api = Scripted(self.clock)
        self.client = Watched(client or self.api, self.clock)
        self.acknowledged: dict[tuple[str, str], Order] = {}
        self.sweeps = sweeps
        self.folder, self.database, self._api_url = folder, database, api_url
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        structlog.reset_defaults()
        self.logs = self._stack.enter_context(capture_logs())
        self.engine = self._stack.enter_context(databases.opened(self.database))
        if self.database.name == "sqlite":  # Here no process dies, so no commit need wait for the disk.
            event.listen(self.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        migrate(self.engine)
        sealer = Sealer([SECRET_KEY])
        self.purchases, self.clicks = Purchases(self.engine, sealer), Clicks(self.engine, sealer)
        self.destinations = Destinations(self.engine)
        self.shops = self.load()
        self.intake = Intake(self.purchases, self.clock)
        self.workers = [self.new_worker()]
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    def load(self, key: str = API_KEY, api_url: str | None = None) -> Shops:
        """Load both shops; with another key or address their destinations are others."""
        mappings = self.folder / "simulated"
        mappings.mkdir(exist_ok=True)
        for shop, secret in SECRETS.items():
            text = _MAPPING.format(shop=shop, secret=secret, pixel=PIXELS[shop], key=key)
            (mappings / f"{shop}.toml").write_text(text)
        return load_shops(mappings, {}, tuple(SECRETS), api_url or self._api_url)

    def new_worker(self, shops: Shops | None = None) -> Worker:
        """Return a worker that knows nothing but what the database says, as after a restart."""
        return Worker(
            shops=shops or self.shops,
            purchases=self.purchases,
            clicks=self.clicks,
            destinations=self.destinations,
            client=self.client,
            lease=LEASE,
            clock=self.clock,
            jitter=self.random.random,
            trouble_seconds=0,
            sweeper=self._sweeper() if self.sweeps else None,
        )

    def _sweeper(self) -> Sweeper:
        def monotonic() -> float:
            return self.clock.true.timestamp()

        return Sweeper(engine=self.engine, keep=timedelta(days=30), clock=self.clock, monotonic=monotonic)

    def take(self, order: Order, fate: Any = None) -> None:
        """Receive a signed webhook: on return it is acknowledged. `fate`: what must become of it, if not the usual."""
        headers = {name.lower(): value for name, value in order.headers.items()}
        taken = self.intake.take(self.shops.by_name[order.shop], WebhookRequest(headers, order.body))
        assert Result.ACCEPTED is taken.result
        self.acknowledged[order.key] = replace(order, fate=fate) if fate else order

    def run(self, seconds: float, arriving: Iterable[tuple[float, Order]] = ()) -> None:
        """Let so much time pass; each order arrives after its number of seconds."""
        began = self.clock.true
        end = began + timedelta(seconds=seconds)
        coming = deque(sorted(((began + timedelta(seconds=at), order) for at, order in arriving), key=itemgetter(0)))
        while True:
            while coming and coming[0][0] <= self.clock.true:
                self.take(coming.popleft()[1])
            self.look()
            if self.clock.true >= end and not coming:
                return
            self._go_on(min(end, coming[0][0]) if coming else end)

    def look(self) -> None:
        """Let every worker look once, as its loop does, and sweep when it is time."""
        for worker in self.workers:
            worker._look(Now(), {})
            if worker.sweeper is not None and worker.sweeper.takes_turn():
                worker.sweeper.sweep(Event())

    def come_to_rest(self, seconds: float) -> float:
        """Go on until no order waits, at most so long; return how many seconds it took."""
        began = self.clock.true
        end = began + timedelta(seconds=seconds)
        self.look()
        while self.waiting() and self.clock.true < end:
            self._go_on(end)
            self.look()
        return (self.clock.true - began).total_seconds()

    def waiting(self) -> int:
        """Return how many orders aren't settled."""
        query = select(func.count()).where(purchases.c.state.in_((State.PENDING.value, State.DELIVERING.value)))
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def states(self) -> Counter[str]:
        """Return how many orders are in each state."""
        return Counter(row["state"] for row in self.purchases.rows(limit=10**6))

    def row(self, order: Order) -> Mapping[str, Any]:
        """Return an order's row of the ledger."""
        with self.engine.connect() as connection:
            query = select(purchases).where(purchases.c.shop == order.shop, purchases.c.order_id == order.id)
            return connection.execute(query).mappings().one()

    def state_of(self, shop: str, shops: Shops | None = None) -> DestinationState:
        """Return what is known of a shop's destination."""
        return self.destinations.state(self.destination_of(shop, shops), self.clock())

    def destination_of(self, shop: str, shops: Shops | None = None) -> str:
        """Return the id of a shop's destination."""
        found = (shops or self.shops).by_name[shop].destination
        assert found is not None
        return found.id

    def said(self, words: str) -> int:
        """Return how many log lines say this."""
        return sum(line["event"] == words for line in self.logs)

    def requests(self, shop: str | None = None) -> list[tuple[datetime, str, int, Outcome]]:
        """Return every request so far, or those of one shop."""
        return [request for request in self.client.requests if shop is None or request[1] == PIXELS[shop]]

    def check(self, batches: list[Batch] | None = None) -> Findings:
        """Hold the invariants; `batches` are those of a real API. Whether anything accepted is sent again is exact."""
        log = self.folder / "simulation.log"
        log.write_text("\n".join(map(str, self.logs)))
        rows = databases.rows_of(self.database)
        received = self.api.batches if batches is None else batches
        found = check(self.acknowledged, rows, received, [log], may_overlap=True)
        found.doubled += found.add("I4: sent after it was accepted", self.client.sent_again)
        found.add("the worker failed", [line for line in self.logs if line["event"] == "delivery failed"])
        found.add("the database is broken", filter(None, [self.database.broken()]))
        return found

    def _go_on(self, limit: datetime) -> None:
        step = min(max(self._next_moment() - self.clock(), SHORTEST_STEP), LOOK_EVERY)
        self.clock.advance(max(min(step, limit - self.clock.true), timedelta(milliseconds=1)))

    def _next_moment(self) -> datetime:
        """Return the next moment at which an order is due, a lease ends, or a destination may be asked again."""
        now = self.clock()
        queries = (
            select(func.min(purchases.c.due_at)).where(
                text(WAITING), purchases.c.state == State.PENDING.value, purchases.c.due_at > now
            ),
            select(func.min(purchases.c.lease_until)).where(text(WAITING), purchases.c.lease_until > now),
            select(func.min(destinations.c.rest_until)).where(destinations.c.rest_until > now),
        )
        with self.engine.connect() as connection:
            moments = [connection.execute(query).scalar() for query in queries]
        return min((moment for moment in moments if moment is not None), default=now + LOOK_EVERY)
