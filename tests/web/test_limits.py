"""How many clicks are taken: from one address, from all, and what is remembered of them."""

from __future__ import annotations

import pytest
from ticking import Seconds

from adapter.web.limits import FOR_ALL, MOST_ADDRESSES, PER_ADDRESS, Bucket, Limits, Rate, address_of, network_of


@pytest.fixture
def seconds() -> Seconds:
    """Return a clock of monotonic seconds."""
    return Seconds()


def taken(limits: Limits, address: str, tries: int) -> int:
    """Return how many of so many clicks are taken."""
    return sum(limits.seconds_to_wait(address) == 0 for _ in range(tries))


def test_a_bucket() -> None:
    """Tokens are there at once up to the burst, then they come back one by one, never more than the burst."""
    bucket = Bucket(Rate(burst=2, per_second=0.5), 10.0)
    for _ in range(2):
        assert 0.0 == bucket.wait(10.0)
        bucket.take()
    assert [2.0, 1.0, 0.0] == [bucket.wait(now) for now in (10.0, 11.0, 12.0)]
    bucket.take()
    assert 0.0 == bucket.wait(99.0)
    bucket.take()
    bucket.take()
    assert 2.0 == bucket.wait(99.0)


def test_one_address(seconds: Seconds) -> None:
    """An address has its burst and then two a second; another one isn't touched."""
    limits = Limits(seconds)
    assert 100 == PER_ADDRESS.burst == taken(limits, "203.0.113.7", 150)
    assert 1 == limits.seconds_to_wait("203.0.113.7")
    assert 100 == taken(limits, "203.0.113.8", 150)
    seconds.now += 10
    assert 20 == taken(limits, "203.0.113.7", 150)


def test_all_addresses(seconds: Seconds) -> None:
    """However many addresses there are, or are forged, a process takes three hundred at once and ten a second."""
    limits = Limits(seconds)
    assert 300 == FOR_ALL.burst == sum(taken(limits, f"10.1.{n // 256}.{n % 256}", 1) for n in range(1000))
    seconds.now += 60
    assert 300 == sum(taken(limits, f"10.2.{n // 256}.{n % 256}", 1) for n in range(1000))
    seconds.now += 2
    assert 20 == sum(taken(limits, f"10.3.{n // 256}.{n % 256}", 1) for n in range(1000))


def test_who_is_refused_pays_nothing(seconds: Seconds) -> None:
    """A flood from one address leaves the tokens of all others, and all others' flood leaves one's own."""
    limits = Limits(seconds, Rate(2, 1), Rate(5, 1))
    assert (2, 2, 1) == (taken(limits, "a.", 50), taken(limits, "203.0.113.7", 50), taken(limits, "203.0.113.8", 50))
    seconds.now += 1
    assert 1 == taken(limits, "203.0.113.8", 50)


def test_the_seconds_to_wait(seconds: Seconds) -> None:
    """The seconds are whole, rounded up: after them there is a token."""
    limits = Limits(seconds, Rate(1, 0.3), Rate(9, 9))
    assert [0, 4] == [limits.seconds_to_wait("203.0.113.7") for _ in range(2)]
    seconds.now += 4
    assert 0 == limits.seconds_to_wait("203.0.113.7")


def test_forged_addresses_cost_no_memory(seconds: Seconds) -> None:
    """Ten thousand addresses are remembered, the one unheard of for longest is forgotten."""
    limits = Limits(seconds, Rate(1, 0.001), Rate(10**6, 10**6))
    for number in range(MOST_ADDRESSES - 1):
        limits.seconds_to_wait(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    assert 0 == limits.seconds_to_wait("203.0.113.7")
    assert 0 < limits.seconds_to_wait("10.0.0.0")  # Heard of again: no more the oldest.
    for number in range(5):
        limits.seconds_to_wait(f"198.51.100.{number}")
    assert 10_000 == MOST_ADDRESSES == len(limits)
    assert 0 < limits.seconds_to_wait("10.0.0.0")
    assert 0 == limits.seconds_to_wait("10.0.0.1")


def test_what_is_told(seconds: Seconds) -> None:
    """A flood is told once a minute, with what was turned away since."""
    limits = Limits(seconds, Rate(1, 0.001), Rate(99, 1))
    taken(limits, "203.0.113.7", 4)
    assert [3, 0] == [limits.refused_to_tell(), limits.refused_to_tell()]
    taken(limits, "203.0.113.7", 5)
    seconds.now += 59
    assert 0 == limits.refused_to_tell()
    seconds.now += 1
    assert 5 == limits.refused_to_tell()


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:50012", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::ffff]:443", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::ffff", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_who_is_one_sender(text: str | None, network: str) -> None:
    """An IPv4 address is one sender, and so is the half of an IPv6 address that its owner can't choose."""
    assert network == network_of(text)


def test_the_address_of_a_sender() -> None:
    """An address is stored in its usual spelling, without the port that some proxies add."""
    texts = ("203.0.113.7:50012", "[2001:DB8::1]:443", "2001:db8::1", "junk", None)
    assert ["203.0.113.7", "2001:db8::1", "2001:db8::1", None, None] == [address_of(text) for text in texts]
