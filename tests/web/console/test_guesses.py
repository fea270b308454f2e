"""Guesses of the password: of one address, of all, of one that comes anew in a flood, and of a known browser."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from ticking import Seconds

from adapter.web.console.guesses import Guesses

HOUR = 3600.0


@pytest.fixture
def seconds() -> Seconds:
    """Return a clock of monotonic seconds."""
    return Seconds()


@pytest.fixture
def guesses(seconds: Seconds) -> Guesses:
    """Return the limits of a process that has just begun."""
    return Guesses(seconds)


def addresses() -> Iterator[str]:
    """Yield addresses of which none comes twice."""
    return (f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in count())


def heard(guesses: Guesses, tries: int, address: str, device: str | None = None) -> int:
    """Return how many of so many guesses are looked at."""
    return sum(guesses.seconds_to_wait(address, device) == 0 for _ in range(tries))


def test_one_address(guesses: Guesses, seconds: Seconds) -> None:
    """It has five guesses, and then one a minute."""
    assert 5 == heard(guesses, 20, "203.0.113.7")
    assert 60 == guesses.seconds_to_wait("203.0.113.7", None)
    seconds.now += 180
    assert 3 == heard(guesses, 20, "203.0.113.7")


def test_all_addresses(guesses: Guesses, seconds: Seconds) -> None:
    """A year of guessing from as many addresses as one likes is 22 million guesses."""
    new = addresses()
    assert 120 == sum(heard(guesses, 1, next(new)) for _ in range(1_000))
    found = 0
    for _ in range(3_600):
        seconds.now += 1
        found += sum(heard(guesses, 1, next(new)) for _ in range(5))
    assert 2_500 <= found <= 2_530
    assert 22_000_000 < found * 24 * 365 < 22_200_000


def test_an_address_that_comes_anew(guesses: Guesses) -> None:
    """However long others have been guessing, its first guess is looked at; the next one waits."""
    for number in range(50):
        heard(guesses, 20, f"203.0.113.{number % 25}")
    assert 1 == heard(guesses, 20, "198.51.100.1")


def test_a_known_browser(guesses: Guesses, seconds: Seconds) -> None:
    """No flood reaches it; by itself it has five guesses, and one a minute."""
    new = addresses()
    for _ in range(1_000):
        guesses.seconds_to_wait(next(new), None)
    assert 5 == heard(guesses, 20, next(new), "known")
    assert 5 == heard(guesses, 20, next(new), "another")
    seconds.now += 60
    assert 1 == heard(guesses, 20, next(new), "known")


def test_what_is_told(guesses: Guesses, seconds: Seconds) -> None:
    """Those turned away are counted, once a minute, strangers' and known browsers' together."""
    heard(guesses, 10, "203.0.113.7")
    heard(guesses, 7, "203.0.113.7", "known")
    assert 5 + 2 == guesses.refused_to_tell()
    heard(guesses, 3, "203.0.113.7")
    assert 0 == guesses.refused_to_tell()
    seconds.now += 60
    assert 3 == guesses.refused_to_tell()
