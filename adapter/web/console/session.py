"""The operator's session: a signed cookie for the console alone, with its start, its last use and a CSRF token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

LONGEST = timedelta(hours=12)
"""A session ends so long after its login, whatever is done in it."""

LONGEST_IDLE = timedelta(hours=2)
"""A session ends so long after it was last used."""

_SKEW = timedelta(minutes=5)
"""The clocks of two machines may differ by so much."""

PREFIX = "/console"
_NAME = "order-adapter-console"

Session = MutableMapping[str, Any]


class ConsoleSessions(SecureCookieSessionInterface):
    """Flask's signed cookies, for paths of the console alone: a webhook pays nothing for them.

    Over https the cookie's name begins with `__Host-`: browsers then take it only from this very host, encrypted.
    """

    digest_method = staticmethod(hashlib.sha256)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of the cookie, an empty one without; none at all outside the console."""
        return super().open_session(app, request) if request.path.startswith(PREFIX) else None

    def get_cookie_name(self, app: Flask) -> str:  # noqa: ARG002  # Flask's signature, here and below.
        """Return a name that is safe from other hosts where there is https."""
        return f"__Host-{_NAME}" if request.is_secure else _NAME

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002
        """Whether the cookie is sent encrypted alone: wherever this request was."""
        return request.is_secure

    def get_cookie_samesite(self, app: Flask) -> str:  # noqa: ARG002
        """Let a link in an alert lead into the console; no form of another site brings the cookie along."""
        return "Lax"


def sign_with(app: Flask, keys: Sequence[bytes], password: str) -> None:
    """Let the application sign the console's sessions; `keys` are the newest first.

    The password is a part of the key: changing it ends every session.
    """
    newest, *older = (hmac.digest(key, password.encode("utf-8", "surrogateescape"), hashlib.sha256) for key in keys)
    app.secret_key = newest
    app.config["SECRET_KEY_FALLBACKS"] = older
    app.permanent_session_lifetime = LONGEST
    app.session_interface = ConsoleSessions()


def begin(session: Session, now: datetime) -> None:
    """Make this a new session of an operator: nothing of what it was before stays."""
    session.clear()
    session.update(id=secrets.token_hex(16), since=_seconds(now), seen=_seconds(now))
    token_of(session)


def is_alive(session: Session, now: datetime) -> bool:
    """Whether an operator is logged in, and neither too long ago nor too long without doing anything."""
    since, seen = session.get("since"), session.get("seen")
    if not isinstance(since, int) or not isinstance(seen, int) or not isinstance(session.get("id"), str):
        return False
    at, skew = _seconds(now), int(_SKEW.total_seconds())
    is_young = since - skew <= at < since + LONGEST.total_seconds()
    return is_young and at < seen + LONGEST_IDLE.total_seconds()


def touch(session: Session, now: datetime) -> None:
    """Note that the session is used now."""
    session["seen"] = _seconds(now)


def token_of(session: Session) -> str:
    """Return the token that every form of this session carries; make it when there is none."""
    token = session.get("token")
    if not isinstance(token, str):
        token = session["token"] = secrets.token_urlsafe(24)
    return token


def has_token(session: Session, given: str) -> bool:
    """Whether a form carries this session's own token."""
    token = session.get("token")
    return isinstance(token, str) and hmac.compare_digest(token.encode(), given.encode("utf-8", "surrogateescape"))


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
