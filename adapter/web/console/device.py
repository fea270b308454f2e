"""What a browser keeps when it has logged in: no way in, but guesses of its own at the next login.

It is a random name, signed; whoever takes it gets five guesses and one a minute, and a new password ends it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from flask import Request, Response

KEPT_SECONDS = 180 * 86400

_NAME = "order-adapter-known"
_PURPOSE = b"known browser"


class Devices:
    """Gives browsers their names and knows them again; `keys` are the newest first, as for sessions."""

    def __init__(self, keys: Sequence[bytes], password: str) -> None:
        secret = password.encode("utf-8", "surrogateescape")
        self._keys = [hmac.digest(hmac.digest(key, secret, hashlib.sha256), _PURPOSE, hashlib.sha256) for key in keys]

    def name_of(self, request: Request) -> str | None:
        """Return the name of a browser that has logged in before, None for any other."""
        name, _, signature = request.cookies.get(_cookie(request), "").partition(".")
        known = any(hmac.compare_digest(_sign(key, name), signature.encode()) for key in self._keys)
        return name if name and known else None

    def keep(self, response: Response, request: Request) -> Response:
        """Let the browser that gets this answer keep its name, or a new one."""
        name = self.name_of(request) or secrets.token_hex(16)
        response.set_cookie(
            _cookie(request),
            f"{name}.{_sign(self._keys[0], name).decode()}",
            max_age=KEPT_SECONDS,
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )
        return response


def _cookie(request: Request) -> str:
    """Return a name that is safe from other hosts where there is https."""
    return f"__Host-{_NAME}" if request.is_secure else _NAME


def _sign(key: bytes, name: str) -> bytes:
    return hmac.digest(key, name.encode("utf-8", "surrogateescape"), hashlib.sha256).hex().encode()
