"""The console's password. Only its scrypt hash is kept, under a salt of this process; guesses are hashed alike."""

from __future__ import annotations

import hashlib
import hmac
import os
from threading import Lock
from typing import NamedTuple


class Cost(NamedTuple):
    """What one guess costs, in scrypt's own figures: 128 · n · r bytes of memory, and the time to fill it p times."""

    n: int
    r: int
    p: int


COST = Cost(n=2**14, r=8, p=1)
"""16 MB and about 50 ms a guess; the hash never leaves this process's memory, and guesses are throttled besides."""

LONGEST = 1024
"""A longer guess isn't looked at; in bytes."""


class Password:
    """The password that opens the console."""

    def __init__(self, text: str, cost: Cost = COST) -> None:
        self._cost = cost
        self._salt = os.urandom(16)
        self._hash = self._hashed(text)
        self._one_at_a_time = Lock()

    def matches(self, guess: str) -> bool:
        """Whether this is the password. It takes equally long either way, and one thread at a time: for the memory."""
        if len(guess.encode("utf-8", "surrogateescape")) > LONGEST:
            return False
        with self._one_at_a_time:
            return hmac.compare_digest(self._hash, self._hashed(guess))

    def _hashed(self, text: str) -> bytes:
        return hashlib.scrypt(text.encode("utf-8", "surrogateescape"), salt=self._salt, **self._cost._asdict())
