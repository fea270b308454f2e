"""base64 of the HMAC-SHA256 over the raw body. The vectors were computed with openssl."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.platforms.signature import is_signed_by_any, sign

BODY = b'{"id": 1, "name": "J\xc3\xb6rg"}'
SECRET = "a secret, with commas and spaces"
SIGNATURE = "L9ByWfte97bjTFLPhGXf3EcXJrNkJK5LtAWtHJ4JTjs="
EMPTY = "Pfgh3+q5M7+TGK/qrBNgvARb+wnCcB/z1I6+sMi/M3Q="


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


@pytest.mark.parametrize(
    ("secret", "body", "signature"),
    [
        ("Jefe", b"what do ya want for nothing?", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="),
        ("\x0b" * 20, b"Hi There", "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c="),
    ],
)
def test_the_vectors_of_rfc_4231(secret: str, body: bytes, signature: str) -> None:
    """Test cases 1 and 2 of RFC 4231, whose hex digits were turned into base64."""
    assert signature.encode() == sign(body, secret)
    assert is_signed_by_any(body, signature, [secret])


@pytest.mark.parametrize("odd", ["\ud800" * 44, "\udfff", SIGNATURE + "\ud800", "🛒" * 11])
def test_halves_of_characters_are_wrong_too(odd: str) -> None:
    """Text that no encoding takes is a wrong signature and raises nothing."""
    assert not is_signed_by_any(BODY, odd, [SECRET])


@given(st.text(), st.binary())
def test_no_text_signs_by_chance(signature: str, body: bytes) -> None:
    """Whatever the header says, it is judged and never raises."""
    assert (signature.encode("utf-8", "replace") == sign(body, SECRET)) is is_signed_by_any(body, signature, [SECRET])


class _Bytes(bytes):
    """Bytes that notice when they are compared as texts are: up to the first difference, which takes its time."""

    def __eq__(self, _other: object) -> bool:
        pytest.fail("compared byte by byte: the time it takes tells how much of a signature is right")

    __ne__ = __eq__
    __hash__ = bytes.__hash__


class _Header(str):
    __slots__ = ()

    def encode(self, *how: str) -> bytes:
        return _Bytes(super().encode(*how))


@pytest.mark.parametrize("signature", [SIGNATURE, EMPTY])
def test_a_comparison_tells_nothing_by_its_time(signature: str) -> None:
    """Neither a right nor a wrong signature is compared by `==` or searched for with `in`."""
    assert (signature == SIGNATURE) is is_signed_by_any(BODY, _Header(signature), ["other", SECRET])


def test_every_secret_is_tried() -> None:
    """Secrets may come from a generator, and the right one stand anywhere."""
    for place in range(3):
        secrets = ["other"] * 3
        secrets[place] = SECRET
        assert is_signed_by_any(BODY, SIGNATURE, iter(secrets))


def test_an_empty_body_has_a_signature() -> None:
    """No bytes are bytes: openssl gives this signature for them."""
    assert EMPTY.encode() == sign(b"", SECRET)
