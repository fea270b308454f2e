"""The worker: looks for due orders, prepares them and sends them, one request in flight per destination."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event

import structlog

from adapter.delivery import policy
from adapter.delivery.preparing import Preparer, ToForget, ToSend, without_values
from adapter.delivery.sending import Client, Sender
from adapter.delivery.sweeping import Sweeper
from adapter.errors import StorageUnavailable
from adapter.purchase.contract import MOST_EVENTS
from adapter.shops.shop import Destination, Shops
from adapter.storage.clicks import Clicks
from adapter.storage.destinations import Condition, Destinations, DestinationState
from adapter.storage.pulse import Pulse
from adapter.storage.purchases import Claim, Purchases, Settlement
from adapter.storage.tables import State
from adapter.tally import Tally

POLL_SECONDS = 0.25
"""How often a worker looks for due orders."""

SUSPECTS_EVERY = timedelta(seconds=15)
"""How often it looks for orders that wait for another one's acceptance."""

AFTER_TROUBLE_SECONDS = 2.0
"""How long it waits after an error, so that it doesn't fail a thousand times a second."""

_MOST_DESTINATIONS_AT_ONCE = 16

_log = structlog.get_logger()


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(kw_only=True)
class Worker:
    """Delivers what is due. `clock` gives aware UTC times, `jitter` numbers from 0 up to 1.

    `sweeper` purges beside it what is old; None leaves that to others. `pulse` tells others that it looks, `tally`
    counts what it sends.
    """

    shops: Shops
    purchases: Purchases
    clicks: Clicks
    destinations: Destinations
    client: Client
    lease: timedelta
    clock: Callable[[], datetime] = utc_now
    jitter: policy.Jitter = random.random
    stop: Event = field(default_factory=Event)
    trouble_seconds: float = AFTER_TROUBLE_SECONDS
    sweeper: Sweeper | None = None
    pulse: Pulse | None = None
    tally: Tally = field(default_factory=Tally)
    _looked_at: datetime | None = field(default=None, init=False)

    def run(self) -> None:
        """Deliver until `stop` is set; then finish the requests in hand and return."""
        busy: dict[str, Future[None]] = {}
        with ThreadPoolExecutor(_MOST_DESTINATIONS_AT_ONCE, thread_name_prefix="delivery") as pool:
            while not self.stop.is_set():
                self._safely(partial(self._take_turn, pool, busy))
                self._sweep_if_due(pool)
                self.stop.wait(POLL_SECONDS)

    def drain(self) -> None:
        """Deliver what is due now, as far as the destinations let it through, and return; raise `StorageUnavailable`.

        It returns early when `stop` is set.
        """
        self._beat(self.clock())
        targets = list(self.shops.destinations().values())
        while not self.stop.is_set() and sum(self.deliver_to(*target) for target in targets):
            continue
        if self.sweeper is not None:
            self.sweeper.sweep(self.stop)

    def _sweep_if_due(self, pool: ThreadPoolExecutor) -> None:
        """Sweep in a thread of its own: deliveries go on meanwhile."""
        if self.sweeper is not None and self.sweeper.takes_turn():
            pool.submit(self._safely, partial(self.sweeper.sweep, self.stop))

    def _safely(self, work: Callable[[], object]) -> None:
        """Let no error end the worker: what was claimed comes back when its lease ends."""
        try:
            work()
        except StorageUnavailable as error:
            _log.error("storage unavailable", problem=str(error), hint="the worker tries again")
        except Exception as error:  # noqa: BLE001  # A worker that dies silently is worse than any bug it hides.
            _log.error("delivery failed", problem=type(error).__name__, exc_info=without_values(error))
        else:
            return
        self.stop.wait(self.trouble_seconds)

    def _take_turn(self, pool: ThreadPoolExecutor, busy: dict[str, Future[None]]) -> None:
        """Look, and say so: only who can look is alive."""
        self._look(pool, busy)
        self._beat(self.clock())

    def _look(self, pool: ThreadPoolExecutor, busy: dict[str, Future[None]]) -> None:
        """Start a delivery to each destination that orders wait for, unless one is running."""
        now = self.clock()
        is_time_for_suspects = self._looked_at is None or abs(now - self._looked_at) >= SUSPECTS_EVERY
        if not is_time_for_suspects and not self.purchases.anything_due(now):
            return
        self._looked_at = now
        waiting = self.purchases.shops_waiting(now)
        for id_, (destination, shops) in self.shops.destinations().items():
            running = busy.get(id_)
            if (running is None or running.done()) and not waiting.isdisjoint(shops):
                busy[id_] = pool.submit(self._safely, partial(self._deliver_all, destination, shops))

    def _beat(self, now: datetime) -> None:
        if self.pulse is not None:
            self.pulse.beat(now)

    def _deliver_all(self, destination: Destination, shops: Sequence[str]) -> None:
        while not self.stop.is_set() and self.deliver_to(destination, shops):
            continue

    def deliver_to(self, destination: Destination, shops: Sequence[str]) -> bool:
        """Deliver one round to one destination; return whether anything was done, so that more may be due."""
        now = self.clock()
        state = self.destinations.state(destination.id, now)
        if policy.is_resting(state, now):
            return False
        if state.condition is not Condition.OPEN:
            return self._probe(destination, shops, state, now)
        claims = self.purchases.claim(shops, "due", MOST_EVENTS, now, self.lease)
        claims = claims or self._suspects(shops, state, now)
        if events := self._prepared(claims):
            self._sender(destination).send(events)
        return bool(claims)

    def _suspects(self, shops: Sequence[str], state: DestinationState, now: datetime) -> list[Claim]:
        """Claim the orders that were refused alone, once another one was accepted; before that the newest, to ask."""
        if state.accepted_at is None:
            return self.purchases.claim(shops, "newest suspect", 1, now, self.lease)
        return self.purchases.claim(shops, "suspects", MOST_EVENTS, now, self.lease)

    def _probe(self, destination: Destination, shops: Sequence[str], state: DestinationState, now: datetime) -> bool:
        """Send the newest order alone, to learn whether the destination lets events through again."""
        claims = self.purchases.claim(shops, "newest", 1, now, self.lease)
        if not claims and policy.may_probe_suspect(state, now):
            claims = self.purchases.claim(shops, "newest suspect", 1, now, self.lease)
        events = self._prepared(claims)
        if not events:
            return bool(claims)
        sender = self._sender(destination)
        if not self._take_probe(destination, state, now):
            sender.release([event.claim for event in events])
            return False
        sender.send(events)
        return True

    def _take_probe(self, destination: Destination, state: DestinationState, now: datetime) -> bool:
        """Take the one probe that is due; return False when another worker was faster."""
        if state.rest_until is not None and state.rest_until > now:
            # Not resting all the same: the rest was written by a clock that has been set back since.
            self.destinations.save(destination.id, replace(state, rest_until=None))
        return self.destinations.take_probe(destination.id, now, policy.next_probe(state, now, self.lease))

    def _prepared(self, claims: Sequence[Claim]) -> list[ToSend]:
        """Return the events of these rows; settle those that have none to send, or none yet, all of them at once."""
        now = self.clock()
        events: list[ToSend] = []
        settled: list[Settlement] = []
        for prepared in Preparer(self.purchases, self.clicks).prepare(claims, self.shops.by_name, now):
            match prepared:
                case ToSend():
                    events.append(prepared)
                case ToForget():
                    self.clicks.forget(prepared.settlement.claim.shop, prepared.click_keys)
                    settled.append(prepared.settlement)
                case _:
                    settled.append(prepared)
        self._settle(settled)
        return events

    def _settle(self, settlements: Sequence[Settlement]) -> None:
        self.purchases.settle(settlements)
        for settlement in settlements:
            if settlement.state is not State.PENDING:
                _tell(settlement)

    def _sender(self, destination: Destination) -> Sender:
        return Sender(
            destination=destination,
            client=self.client,
            purchases=self.purchases,
            destinations=self.destinations,
            clock=self.clock,
            jitter=self.jitter,
            lease=self.lease,
            stopping=self.stop.is_set,
            tally=self.tally,
        )


def _tell(settlement: Settlement) -> None:
    told = _log.warning if settlement.state is State.QUARANTINED else _log.info
    # Only the kind of reason: the whole one, which may name what stands in the order, is kept in the ledger.
    kind = (settlement.reason or "").partition(":")[0]
    told(f"order {settlement.state}", shop=settlement.claim.shop, order=settlement.claim.order_id, reason=kind)
