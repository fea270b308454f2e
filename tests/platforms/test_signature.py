"""base64 of the HMAC-SHA256 over the raw body. The vectors were computed with openssl."""

from __future__ import annotations

import pytest

from adapter.platforms.signature import is_signed_by_any, sign

BODY = b'{"id": 1, "name": "J\xc3\xb6rg"}'
SECRET = "a secret, with commas and spaces"
SIGNATURE = "L9ByWfte97bjTFLPhGXf3EcXJrNkJK5LtAWtHJ4JTjs="


def test_signing() -> None:
    """The signature is the one that openssl gives."""
    assert SIGNATURE.encode() == sign(BODY, SECRET)


def test_any_secret_may_sign() -> None:
    """One right secret among several is enough; without any nothing is right."""
    assert is_signed_by_any(BODY, SIGNATURE, ["other", SECRET])
    assert not is_signed_by_any(BODY, SIGNATURE, ["other"])
    assert not is_signed_by_any(BODY, SIGNATURE, [])


@pytest.mark.parametrize(
    "odd",
    [
        "",
        "x",
        SIGNATURE[:-1],
        SIGNATURE + "\n",
        SIGNATURE.replace("+", "-").replace("/", "_") + "=",
        "ü" * 44,
        "\udcff" * 44,
        "\x00" * 44,
        SIGNATURE.lower(),
        "A" * 100_000,
    ],
)
def test_odd_signatures_are_wrong_and_nothing_else(odd: str) -> None:
    """No signature, however odd, raises."""
    assert not is_signed_by_any(BODY, odd, [SECRET])


def test_a_changed_body() -> None:
    """One byte more or less is another body."""
    assert not is_signed_by_any(BODY + b" ", SIGNATURE, [SECRET])


def test_a_secret_with_odd_bytes() -> None:
    """A secret from the environment may hold bytes that are no text; it signs all the same."""
    assert is_signed_by_any(BODY, sign(BODY, "\udcff" * 20).decode(), ["\udcff" * 20])
