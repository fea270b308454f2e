"""Encryption at rest: AES-256-GCM with keys derived from `SECRET_KEY`, each value bound to the row it belongs to."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from adapter.errors import SealBroken

_NONCE_BYTES = 12
KEY_ID_BYTES = 4
"""A sealed value begins with so many bytes that say which secret sealed it."""


def derive(secret: str, purpose: str) -> bytes:
    """Return the 32-byte key for one purpose (HKDF-SHA256), so that no two uses ever share a key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"order-adapter/{purpose}".encode()).derive(
        secret.encode("utf-8", "surrogateescape")
    )


class Sealer:
    """Seals with the newest secret and opens with any of them.

    `secrets` are the newest first, then the fallbacks. A sealed value is key id (4 bytes), nonce (12), ciphertext.
    `random` gives that many random bytes.
    """

    def __init__(self, secrets: Sequence[str], random: Callable[[int], bytes] = urandom) -> None:
        self._random = random
        self._ciphers = {key_id(secret): AESGCM(derive(secret, "seal")) for secret in reversed(secrets)}
        self.key_ids = tuple(map(key_id, secrets))
        self._lookup_keys = [derive(secret, "lookup") for secret in secrets]

    @property
    def newest(self) -> bytes:
        """The id of the secret that seals and hashes from now on; `key_ids` are those of all, in their order."""
        return self.key_ids[0]

    def seal(self, value: bytes, context: str) -> bytes:
        """Encrypt a value; `context` names its row and column, and opening it elsewhere fails."""
        nonce = self._random(_NONCE_BYTES)
        return self.newest + nonce + self._ciphers[self.newest].encrypt(nonce, value, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """Decrypt a value; raise `SealBroken` when its key isn't known here or it isn't what was sealed there."""
        cipher = self._ciphers.get(sealed[:KEY_ID_BYTES])
        if cipher is None:
            raise SealBroken("it was sealed with a SECRET_KEY that isn't known here; add it to SECRET_KEY_FALLBACKS")
        nonce = sealed[KEY_ID_BYTES : KEY_ID_BYTES + _NONCE_BYTES]
        try:
            return cipher.decrypt(nonce, sealed[KEY_ID_BYTES + _NONCE_BYTES :], context.encode())
        except (InvalidTag, ValueError):
            raise SealBroken("it isn't what was sealed for this row") from None

    def lookup_hashes(self, text: str) -> list[bytes]:
        """Return the keyed hashes under which a text may have been stored, the newest secret's first."""
        return [hmac.digest(key, text.encode(), hashlib.sha256) for key in self._lookup_keys]


def key_id(secret: str) -> bytes:
    """Return the four bytes that say which secret sealed a value, and tell nothing about it."""
    return derive(secret, "key id")[:KEY_ID_BYTES]


def context_of(shop: str, order_id: str, column: str) -> str:
    """Return what a sealed column is bound to: no row's can be opened as another's."""
    return f"purchases/{column}/{shop}/{order_id}"
