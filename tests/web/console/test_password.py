"""The console's password and its hash."""

from __future__ import annotations

import hashlib

import pytest

from adapter.web.console.password import COST, Cost, Password


@pytest.mark.parametrize("text", ["x", "correct horse battery", "pässwört", "\udcff", "a\x00b", "x" * 1024])
def test_the_password_itself(text: str) -> None:
    """Every text that a variable can hold is a password, and matches itself alone."""
    password = Password(text, Cost(n=2, r=1, p=1))
    assert password.matches(text)
    assert not password.matches(text + "x")
    assert not password.matches(text[:-1])


def test_what_a_guess_costs() -> None:
    """Who says nothing else pays the full price: scrypt with N = 2¹⁴, r = 8, p = 1, which fills 16 MB."""
    assert (16_384, 8, 1) == COST
    kept = vars(Password("correct horse"))
    assert hashlib.scrypt(b"correct horse", salt=kept["_salt"], n=16_384, r=8, p=1) == kept["_hash"]


def test_it_is_not_kept() -> None:
    """What is kept is a hash that is another one in each process."""
    first, second = Password("correct horse"), Password("correct horse")
    assert vars(first)["_hash"] != vars(second)["_hash"]
    assert "correct" not in repr(vars(first))
