"""The environment says where alerts go besides the log: checked at start with everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from adapter.environment import VariableReader
from adapter.errors import ConfigurationRefused
from adapter.settings import is_safe_url

_LIKE_SMTP = "like smtp://user:password@mail.example:587 or smtps://user:password@mail.example"
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where alerts are posted, and the secret that signs them, None without one."""

    url: str = field(repr=False)
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """To whom alerts are mailed, from whom, and by which server; `is_tls` says that it speaks TLS from the start."""

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    is_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Channels:
    """Where alerts go besides the log; None where nothing is set."""

    hook: Hook | None = None
    mailing: Mailing | None = None


def load_channels(environment: Mapping[str, str]) -> Channels:
    """Read ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET, ALERT_EMAIL_TO and SMTP_URL.

    Raise `ConfigurationRefused` with every problem. No value is quoted in one: each of them holds a secret.
    """
    reader = _Reader(environment)
    channels = Channels(reader.hook(), reader.mailing())
    if reader.problems:
        raise ConfigurationRefused(reader.problems)
    return channels


class _Reader(VariableReader):
    """Reads one channel after the other, and collects what is wrong."""

    def hook(self) -> Hook | None:
        url, secret = self._text("ALERT_WEBHOOK_URL"), self._text("ALERT_WEBHOOK_SECRET")
        if url is None:
            if secret is not None:
                self._problem("ALERT_WEBHOOK_SECRET", "signs nothing", "set ALERT_WEBHOOK_URL, or leave both out")
            return None
        if not is_safe_url(url):
            self._problem("ALERT_WEBHOOK_URL", "is no https address", "http only for 127.0.0.1, ::1 or localhost")
        return Hook(url=url, secret=secret)

    def mailing(self) -> Mailing | None:
        to, url = self._text("ALERT_EMAIL_TO"), self._text("SMTP_URL")
        if to is None or url is None:
            missing = "SMTP_URL" if url is None else "ALERT_EMAIL_TO"
            if to is not None or url is not None:
                self._problem(missing, "is not set, and alerts are mailed only with both", "set it, or leave both out")
            return None
        addresses = tuple(address.strip() for address in to.split(","))
        if not all(map(_is_address, addresses)):
            self._problem("ALERT_EMAIL_TO", "is no e-mail address", "one, or several separated by commas")
        server = _server(url)
        if server is None:
            self._problem("SMTP_URL", "is no mail server's address", _LIKE_SMTP)
            return None
        return _mailing(addresses, server)


def _is_address(text: str) -> bool:
    return parseaddr(text)[1] == text and text.isascii() and text.count("@") == 1 and not text.startswith("@")


def _server(url: str) -> SplitResult | None:
    """Return the parts of a mail server's address, None when it is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # Raises when it is no number.
    except ValueError:
        return None
    return parts if parts.scheme in _PORTS and parts.hostname and parts.path in ("", "/") else None


def _mailing(to: tuple[str, ...], server: SplitResult) -> Mailing:
    """Let the sender be what `?from=` says, else the user when that is an address, else the first addressee."""
    user = unquote(server.username) if server.username else None
    named = parse_qs(server.query).get("from", [])
    return Mailing(
        to=to,
        sender=next((text for text in (*named, user or "") if _is_address(text)), to[0]),
        host=server.hostname or "",
        port=server.port or _PORTS[server.scheme],
        is_tls=server.scheme == "smtps",
        user=user,
        password=unquote(server.password) if server.password else None,
    )
