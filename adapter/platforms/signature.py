"""Both platforms sign alike: base64 of the HMAC-SHA256 over the raw body, in a header."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable


def sign(body: bytes, secret: str) -> bytes:
    """Return the signature of these bytes, as it stands in the header (44 ASCII bytes)."""
    return base64.b64encode(hmac.digest(secret.encode("utf-8", "surrogateescape"), body, hashlib.sha256))


def is_signed_by_any(body: bytes, signature: str, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets gives this signature.

    Encoded bytes are compared in constant time, so nothing is decoded and no header, however odd, raises
    (`hmac.compare_digest` on text raises for non-ASCII). Every secret is tried, so time tells nothing.
    """
    given = signature.encode("utf-8", "replace")
    matches = [hmac.compare_digest(sign(body, secret), given) for secret in secrets]
    return any(matches)
