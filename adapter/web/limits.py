"""How many clicks are taken: so many from each address, so many from all of them, in bounded memory.

Everybody may post clicks, and each one costs a transaction; an order must never wait behind them. So a click is
counted before its body is read, and one too many costs no more than a look into memory. The addresses may be forged
where the service can be reached past its proxies: then the limit for all holds, and what is remembered of addresses is
itself bounded. What is let through and meets a busy database is turned away there: see `adapter.storage.queueing`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Network
from math import ceil
from threading import Lock
from time import monotonic

from adapter.purchase.identity import clean_ip


@dataclass(frozen=True, slots=True)
class Rate:
    """So many at once, and then so many a second."""

    burst: int
    per_second: float


PER_ADDRESS = Rate(burst=100, per_second=2)
"""A page posts once or twice. Offices and mobile networks put hundreds of buyers behind one address."""

FOR_ALL = Rate(burst=300, per_second=10)
"""Of each web process: nearly a million clicks a day. On a full table one takes SQLite 1 ms, four together 2: in a
flood of them that lasts, nine tenths of its time and more are left to orders."""

MOST_ADDRESSES = 10_000
"""So many addresses are remembered, about 3 MB; the one unheard of for longest is forgotten first."""

_TELL_EVERY_SECONDS = 60
"""A flood is one line of the log a minute."""

_NETWORK_BITS = 64
"""A home gets that much of an IPv6 address and chooses the rest freely: RFC 6177."""


class Bucket:
    """Tokens that come back with time. `now` is in seconds that never go back."""

    __slots__ = ("_at", "_rate", "_tokens")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def wait(self, now: float) -> float:
        """Return in how many seconds there is a token; 0.0 when there is one."""
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at) * self._rate.per_second)
        self._at = now
        return max(0.0, (1 - self._tokens) / self._rate.per_second)

    def take(self) -> None:
        """Take the token that `wait` has found."""
        self._tokens -= 1


class Limits:
    """The limits of one process. `now` gives seconds that never go back."""

    def __init__(
        self, now: Callable[[], float] = monotonic, per_address: Rate = PER_ADDRESS, for_all: Rate = FOR_ALL
    ) -> None:
        self._now = now
        self._rate = per_address
        self._lock = Lock()
        self._all = Bucket(for_all, now())
        self._addresses: OrderedDict[str, Bucket] = OrderedDict()
        self._refused = 0
        self._told_at: float | None = None

    def seconds_to_wait(self, address: str | None) -> int:
        """Count one click of this address; return 0, or in how many whole seconds to try again when it is too many."""
        return self.seconds_to_wait_for(network_of(address))

    def seconds_to_wait_for(self, who: str) -> int:
        """Do the same for who isn't known by an address."""
        with self._lock:
            now = self._now()
            bucket = self._bucket_of(who, now)
            wait = max(bucket.wait(now), self._all.wait(now))
            if wait > 0:
                self._refused += 1
                return ceil(wait)
            bucket.take()
            self._all.take()
        return 0

    def has_used_up_its_own(self, address: str | None) -> bool:
        """Whether this address itself has had too many, whatever the others do. Nothing is counted."""
        who = network_of(address)
        with self._lock:
            now = self._now()
            return self._bucket_of(who, now).wait(now) > 0

    def refused_to_tell(self) -> int:
        """Return how many clicks were too many since this was last told; 0 when it was told within the minute."""
        with self._lock:
            now = self._now()
            if self._told_at is not None and now - self._told_at < _TELL_EVERY_SECONDS:
                return 0
            count, self._refused, self._told_at = self._refused, 0, now
            return count

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._addresses)

    def _bucket_of(self, who: str, now: float) -> Bucket:
        bucket = self._addresses.get(who)
        if bucket is None:
            bucket = self._addresses[who] = Bucket(self._rate, now)
            if len(self._addresses) > MOST_ADDRESSES:
                self._addresses.popitem(last=False)
        self._addresses.move_to_end(who)
        return bucket


def address_of(text: str | None) -> str | None:
    """Return the address of a sender in its usual spelling, None when it is none; some proxies add the port."""
    return clean_ip(text) or clean_ip((text or "").rpartition(":")[0].strip("[]"))


def network_of(text: str | None) -> str:
    """Return what one sender can't leave: an IPv4 address, the /64 of an IPv6 one; "" for what is no address."""
    address = address_of(text) or ""
    return str(IPv6Network((address, _NETWORK_BITS), strict=False)) if ":" in address else address
