"""Encryption at rest. The known answers were computed with OpenSSL and Node.js, not with the code under test."""

from __future__ import annotations

import pytest

from adapter.errors import SealBroken
from adapter.storage.sealing import Sealer, derive, key_id

SECRET = "correct horse battery staple"
CONTEXT = "purchases/body/acme/1001"
KNOWN = bytes.fromhex("0c8fe75b000102030405060708090a0bbb46c0c58e32cc959aed59b199be35b616942794b9")
"""Key id, nonce, ciphertext of `hello` and tag."""


def counting(size: int) -> bytes:
    """Return 0, 1, 2, … in place of random bytes."""
    return bytes(range(size))


@pytest.mark.parametrize(
    ("purpose", "key"),
    [
        ("seal", "374b8470cbb8186f65c1779952c2e068b09c89060c5c8c0e8a55620a33d11bf5"),
        ("lookup", "66592840f53b5f221cb6bec4d167d4e08d4a45c0736a838fa507817d7c0373e5"),
        ("key id", "0c8fe75b9d393b40653166ac48a67700134264be18104ccaca9061ea40b757f7"),
    ],
)
def test_each_purpose_has_its_own_key(purpose: str, key: str) -> None:
    """Keys are derived by HKDF-SHA256 without salt (`openssl kdf … HKDF`)."""
    assert bytes.fromhex(key) == derive(SECRET, purpose)


def test_a_secret_that_is_no_utf8_still_gives_a_key() -> None:
    """A variable with stray bytes reaches Python with surrogates, and is used as the bytes it was."""
    assert derive("caf\udce9", "seal") != derive("caf?", "seal")


def test_the_key_id() -> None:
    """A sealed value begins with four derived bytes that name the secret."""
    assert bytes.fromhex("0c8fe75b") == key_id(SECRET)


def test_sealing() -> None:
    """The value is AES-256-GCM with its context as associated data (Node.js: `aes-256-gcm`)."""
    assert Sealer([SECRET], random=counting).seal(b"hello", CONTEXT) == KNOWN


def test_opening() -> None:
    """What another program sealed by the same rule opens."""
    assert Sealer([SECRET]).open(KNOWN, CONTEXT) == b"hello"


@pytest.mark.parametrize("value", [b"", b"\x00", b"{}", bytes(range(256)) * 4096])
def test_there_and_back(value: bytes) -> None:
    """Any bytes come back as they were, the empty ones and a megabyte among them."""
    sealer = Sealer([SECRET])
    assert value == sealer.open(sealer.seal(value, CONTEXT), CONTEXT)


def test_the_same_value_is_never_sealed_the_same_way() -> None:
    """Each sealing takes a new nonce: equal bodies can't be told by their ciphertexts."""
    sealer = Sealer([SECRET])
    assert len({sealer.seal(b"hello", CONTEXT) for _ in range(1000)}) == 1000


def test_nothing_of_the_value_shows() -> None:
    """The plain text isn't part of what is stored."""
    assert b"canary" not in Sealer([SECRET]).seal(b"canary" * 10, CONTEXT)


@pytest.mark.parametrize(
    "context", ["purchases/event/acme/1001", "purchases/body/other/1001", "purchases/body/acme/1002", ""]
)
def test_another_row_or_column(context: str) -> None:
    """A value that was copied to another row or column doesn't open there."""
    with pytest.raises(SealBroken, match="isn't what was sealed for this row"):
        Sealer([SECRET]).open(KNOWN, context)


@pytest.mark.parametrize("index", range(4, len(KNOWN)))
def test_a_flipped_bit(index: int) -> None:
    """One flipped bit anywhere behind the key id is noticed."""
    broken = bytearray(KNOWN)
    broken[index] ^= 1
    with pytest.raises(SealBroken, match="isn't what was sealed for this row"):
        Sealer([SECRET]).open(bytes(broken), CONTEXT)


@pytest.mark.parametrize("length", range(len(KNOWN)))
def test_a_cut_value(length: int) -> None:
    """A value that was cut short anywhere is refused, and never raises anything else."""
    with pytest.raises(SealBroken):
        Sealer([SECRET]).open(KNOWN[:length], CONTEXT)


def test_a_longer_value() -> None:
    """A byte more at the end is noticed."""
    with pytest.raises(SealBroken):
        Sealer([SECRET]).open(KNOWN + b"\x00", CONTEXT)


def test_another_secret() -> None:
    """Without the secret the message says what to do, and holds neither value nor secret."""
    with pytest.raises(SealBroken, match="add it to SECRET_KEY_FALLBACKS") as refused:
        Sealer(["another secret"]).open(KNOWN, CONTEXT)
    assert "another secret" not in str(refused.value)


def test_a_fallback_still_opens() -> None:
    """After a rotation what the old secret sealed opens with it as a fallback."""
    assert Sealer(["new", "older", SECRET]).open(KNOWN, CONTEXT) == b"hello"


def test_the_newest_secret_seals() -> None:
    """With fallbacks, what is sealed now opens with the newest secret alone."""
    sealed = Sealer(["new", SECRET]).seal(b"hello", CONTEXT)
    assert key_id("new") == sealed[:4]
    assert Sealer(["new"]).open(sealed, CONTEXT) == b"hello"
    with pytest.raises(SealBroken):
        Sealer([SECRET]).open(sealed, CONTEXT)


def test_a_secret_that_is_its_own_fallback() -> None:
    """Naming the newest secret as a fallback as well does no harm."""
    assert Sealer([SECRET, SECRET]).open(KNOWN, CONTEXT) == b"hello"


def test_lookup_hashes() -> None:
    """A lookup hash is HMAC-SHA256 under the derived key (`openssl dgst -mac HMAC`)."""
    known = bytes.fromhex("1c766041cee9a13676a3a5cb06d34134e6cc583e4f1d5ac7e10c89d351d3b14c")
    assert [known] == Sealer([SECRET]).lookup_hashes("acme\0cart_token\0abc")


def test_lookup_hashes_of_several_secrets() -> None:
    """There is one hash for each secret, the newest's first."""
    new, old = Sealer(["new"]).lookup_hashes("text"), Sealer(["old"]).lookup_hashes("text")
    assert new + old == Sealer(["new", "old"]).lookup_hashes("text")
    assert new != old
