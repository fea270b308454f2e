"""The worker: looks for due orders, prepares them and sends them, one request in flight per destination."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event

import structlog

from adapter.delivery import policy
from adapter.delivery.preparing import Preparer, ToForget, ToHold, ToSend
from adapter.delivery.sending import Client, Sender
from adapter.errors import StorageUnavailable
from adapter.purchase.contract import MOST_EVENTS
from adapter.shops.shop import Destination, Shops
from adapter.storage.clicks import Clicks
from adapter.storage.destinations import Condition, Destinations, DestinationState
from adapter.storage.purchases import Claim, Purchases, Settlement
from adapter.storage.tables import State

POLL_SECONDS = 0.25
"""How often an idle worker looks for due orders."""

SUSPECTS_EVERY = timedelta(seconds=15)
"""How often it looks for orders that wait for another one's acceptance."""

_MOST_DESTINATIONS_AT_ONCE = 8
_AFTER_STORAGE_TROUBLE_SECONDS = 2.0

_log = structlog.get_logger()


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(kw_only=True)
class Worker:
    """Delivers what is due. `clock` gives aware UTC times, `jitter` numbers from 0 up to 1."""

    shops: Shops
    purchases: Purchases
    clicks: Clicks
    destinations: Destinations
    client: Client
    lease: timedelta
    clock: Callable[[], datetime] = utc_now
    jitter: policy.Jitter = random.random
    stop: Event = field(default_factory=Event)

    def run(self) -> None:
        """Deliver until `stop` is set; then finish the requests in hand and return."""
        busy: dict[str, Future[bool]] = {}
        suspects_at = self.clock()
        with ThreadPoolExecutor(_MOST_DESTINATIONS_AT_ONCE, thread_name_prefix="delivery") as pool:
            while not self.stop.is_set():
                now = self.clock()
                if self._anything_due(now) or abs(now - suspects_at) >= SUSPECTS_EVERY:
                    suspects_at = now
                    self._start(pool, busy)
                self.stop.wait(POLL_SECONDS if not busy else 0.01)
                busy = {id_: running for id_, running in busy.items() if not running.done()}

    def drain(self) -> None:
        """Deliver what is due now, as far as the destinations let it through, and return."""
        targets = list(self.shops.destinations().values())
        while sum(self.deliver_to(destination, shops) for destination, shops in targets):
            continue

    def _anything_due(self, now: datetime) -> bool:
        try:
            return self.purchases.anything_due(now)
        except StorageUnavailable as error:
            _log.error("storage unavailable", problem=str(error), hint="the worker tries again")
            self.stop.wait(_AFTER_STORAGE_TROUBLE_SECONDS)
            return False

    def _start(self, pool: ThreadPoolExecutor, busy: dict[str, Future[bool]]) -> None:
        for id_, (destination, shops) in self.shops.destinations().items():
            if id_ not in busy:
                busy[id_] = pool.submit(self._deliver_safely, destination, shops)

    def _deliver_safely(self, destination: Destination, shops: Sequence[str]) -> bool:
        """Deliver, and let no error end the worker: what was claimed comes back when its lease ends."""
        try:
            return self.deliver_to(destination, shops)
        except StorageUnavailable as error:
            _log.error("storage unavailable", problem=str(error), hint="the worker tries again")
        except Exception as error:  # noqa: BLE001  # A worker that dies silently is worse than any bug it hides.
            _log.error("delivery failed", problem=type(error).__name__, exc_info=_without_values(error))
        self.stop.wait(_AFTER_STORAGE_TROUBLE_SECONDS)
        return False

    def deliver_to(self, destination: Destination, shops: Sequence[str]) -> bool:
        """Deliver one round to one destination; return whether anything was done, so that more may be due."""
        now = self.clock()
        state = self.destinations.state(destination.id, now)
        if policy.is_resting(state, now):
            return False
        if state.condition is not Condition.OPEN:
            return self._probe(destination, shops, state, now)
        claims = self.purchases.claim(shops, "due", MOST_EVENTS, now, self.lease)
        if claims:
            self._deliver(destination, claims)
        return self._try_suspects(destination, shops) or bool(claims)

    def _probe(self, destination: Destination, shops: Sequence[str], state: DestinationState, now: datetime) -> bool:
        """Send the newest order alone, to learn whether the destination lets events through again."""
        if not self.purchases.waits(shops, now):
            return False
        if not self.destinations.take_probe(destination.id, now, now + policy.PROBE_EVERY):
            return False
        claims = self.purchases.claim(shops, "newest", 1, now, self.lease)
        if not claims and self._may_probe_suspects(state, now):
            claims = self.purchases.claim(shops, "newest suspect", 1, now, self.lease)
        if not claims:
            self.destinations.save(destination.id, state)
            return False
        return self._deliver(destination, claims)

    @staticmethod
    def _may_probe_suspects(state: DestinationState, now: datetime) -> bool:
        """Say whether to ask with an order that was refused before: seldom, while no new one comes."""
        return state.answered_at is None or abs(now - state.answered_at) >= policy.PROBE_EVERY

    def _try_suspects(self, destination: Destination, shops: Sequence[str]) -> bool:
        """Try each order that was refused alone once more, after another one was accepted."""
        now = self.clock()
        state = self.destinations.state(destination.id, now)
        if state.condition is not Condition.OPEN or state.accepted_at is None:
            return False
        claims = self.purchases.claim(shops, "suspects", 10, now, self.lease, suspected_before=state.accepted_at)
        for index, claim in enumerate(claims):
            if self.stop.is_set():
                self._sender(destination).release(claims[index:])
                break
            self._deliver(destination, [claim])
        return bool(claims)

    def _deliver(self, destination: Destination, claims: Sequence[Claim]) -> bool:
        """Prepare and send these rows; return whether a request was made or a row settled."""
        to_send = [event for claim in claims if (event := self._prepare(claim)) is not None]
        if to_send:
            self._sender(destination).send(to_send)
        return True

    def _prepare(self, claim: Claim) -> ToSend | None:
        now = self.clock()
        shop = self.shops.get(claim.shop)
        if shop is None:  # pragma: no cover  # Only rows of known shops are claimed.
            return None
        prepared = Preparer(self.purchases, self.clicks).prepare(claim, shop, now)
        match prepared:
            case ToSend():
                return prepared
            case ToHold():
                self.purchases.hold(claim, prepared.until, prepared.keys, now)
            case ToForget():
                self.clicks.forget(claim.shop, prepared.click_keys)
                self._settle(prepared.settlement)
            case Settlement():
                self._settle(prepared)
        return None

    def _settle(self, settlement: Settlement) -> None:
        self.purchases.settle([settlement])
        told = _log.warning if settlement.state is State.QUARANTINED else _log.info
        claim = settlement.claim
        told(f"order {settlement.state}", shop=claim.shop, order=claim.order_id, reason=settlement.reason)

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
        )


def _without_values(error: Exception) -> Exception:
    """Return the error with its traceback and without its message, which may hold personal values."""
    return RuntimeError(type(error).__name__).with_traceback(error.__traceback__)
