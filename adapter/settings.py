"""The environment becomes frozen settings, every problem at once."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from adapter.environment import VariableReader
from adapter.errors import ConfigurationRefused

AXON_API_URL = "https://b.applovin.com/v1/event"
"""The Conversion API, from its page."""

LogLevel = Literal["debug", "info", "warning", "error"]
_LOG_LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")

SHORTEST_KEY = 32
"""A `SECRET_KEY` with fewer characters is used, with a notice."""

SHORTEST_PASSWORD = 12
"""A `CONSOLE_PASSWORD` with fewer characters is used, with a notice: see `adapter.web.console.guesses`."""

SHORTEST_LEASE = 25
"""Seconds. A try may take twenty: with a shorter lease another worker sends the same batch meanwhile."""

MAX_BODY_BYTES = 2 * 1024 * 1024
"""Orders of 30 lines have 67 kB; dozens of lines with plugins' data some hundred."""

MAX_WAITING_ORDERS = 500
"""Of one web process: half a second of what it stores."""

# sqlite.org/wal.html#walresetbug
_SOUND_SQLITES = (((3, 44, 6), (3, 45)), ((3, 50, 7), (3, 51)), ((3, 51, 3), (4,)))
"""From which version to which SQLite can't damage a file at which several processes write at once."""

_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}

_POSTGRESQL = ("postgres://", "postgresql://", "postgresql+psycopg://")
_WHOLE = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Host:
    """A host whose disk vanishes; `proxies` stand in front of every service there, None when it isn't documented."""

    name: str
    proxies: int | None = None


# Heroku's router appends the sender's address (devcenter.heroku.com/articles/http-routing), and so does Cloud Run's.
# Render leaves "sender, Cloudflare, 10.…" (github.com/arcjet/arcjet-js/issues/5411). On Fly the last address is the
# app's own (fly.io/docs/networking/request-headers).
_HOSTS = {
    "DYNO": Host("Heroku", 1),
    "RENDER": Host("Render", 3),
    "RAILWAY_ENVIRONMENT_NAME": Host("Railway"),
    "RAILWAY_PROJECT_ID": Host("Railway"),
    "FLY_APP_NAME": Host("Fly", 2),
    "K_SERVICE": Host("Cloud Run", 1),
    "DO_APP_PLATFORM": Host("DigitalOcean"),
}
"""Hosts by the variables that they set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says; the table of variables is in the README.

    `sqlite_path` is the database file when SQLite is used, else None. `max_connections` and `max_waiting_orders` are
    those of one web process. `notices` are sentences to show at start.
    """

    database_url: str = field(repr=False)
    sqlite_path: Path | None
    port: int
    web_concurrency: int
    secret_key: str | None = field(repr=False)
    secret_key_fallbacks: tuple[str, ...] = field(repr=False)
    mappings_dir: Path
    axon_api_url: str
    console_password: str | None = field(repr=False)
    status_token: str | None = field(repr=False)
    trusted_proxies: int
    log_level: LogLevel
    lease: timedelta
    retention: timedelta
    embedded_delivery: bool
    max_body_bytes: int
    max_connections: int
    max_waiting_orders: int
    notices: tuple[str, ...]


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings; raise `ConfigurationRefused` with every problem."""
    reader = _Reader(environment)
    settings = reader.settings()
    if reader.problems:
        raise ConfigurationRefused(reader.problems)
    return settings


class _Reader(VariableReader):
    """Reads one variable after the other and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(environment)
        self._notices: list[str] = []

    def settings(self) -> Settings:
        database_url = self._text("DATABASE_URL") or "sqlite:///adapter.db"
        sqlite_path = self._database(database_url)
        embedded_delivery = self._boolean("EMBEDDED_DELIVERY", default=sqlite_path is not None)
        self._remark_on_a_shared_file(sqlite_path, embedded=embedded_delivery)
        return Settings(
            database_url=database_url,
            sqlite_path=sqlite_path,
            port=self._whole("PORT", 8000, least=1, most=65535),
            web_concurrency=self._web_concurrency(sqlite_path),
            secret_key=self._secret_key(database_url),
            secret_key_fallbacks=tuple((self._text("SECRET_KEY_FALLBACKS") or "").split()),
            mappings_dir=Path(self._text("MAPPINGS_DIR") or "mappings"),
            axon_api_url=self._api_url(),
            console_password=self._console_password(),
            status_token=self._text("STATUS_TOKEN"),
            trusted_proxies=self._trusted_proxies(),
            log_level=self._log_level(),
            lease=self._lease(),
            retention=timedelta(days=self._whole("RETENTION_DAYS", 30, least=1, most=3650)),
            embedded_delivery=embedded_delivery,
            max_body_bytes=self._whole("MAX_BODY_BYTES", MAX_BODY_BYTES, least=64 * 1024, most=64 * 1024 * 1024),
            max_connections=self._whole("MAX_CONNECTIONS", 1000, least=10, most=100_000),
            max_waiting_orders=self._whole("MAX_WAITING_ORDERS", MAX_WAITING_ORDERS, least=1, most=100_000),
            notices=tuple(self._notices),
        )

    def _console_password(self) -> str | None:
        password = self._text("CONSOLE_PASSWORD")
        if password is not None and len(password) < SHORTEST_PASSWORD:
            least = f"CONSOLE_PASSWORD has fewer than {SHORTEST_PASSWORD} characters"
            self._notices.append(
                f"{least}: who guesses long enough finds it, and it opens every buyer's order; set a longer one"
            )
        return password

    def _lease(self) -> timedelta:
        seconds = self._whole("LEASE_SECONDS", 60, least=1, most=3600)
        if seconds < SHORTEST_LEASE:
            least = f"LEASE_SECONDS is below {SHORTEST_LEASE}"
            self._notices.append(f"{least}: while Axon answers slowly, a second worker sends a batch again")
        return timedelta(seconds=seconds)

    def _trusted_proxies(self) -> int:
        host = _host(self._environment)
        if host is not None and self._text("TRUSTED_PROXIES") is None:
            number = f"set it to {host.proxies}" if host.proxies else "set it to their number"
            consequence = "until then every buyer seems to have a proxy's address"
            self._notices.append(f"TRUSTED_PROXIES is not set, and {host.name} has proxies: {number}; {consequence}")
        return self._whole("TRUSTED_PROXIES", 0, least=0, most=10)

    def _remark_on_a_shared_file(self, sqlite_path: Path | None, *, embedded: bool) -> None:
        if sqlite_path is not None and not embedded:
            advice = "leave it out, and the web process delivers by itself; or use PostgreSQL"
            self._notices.append(f"EMBEDDED_DELIVERY is false: web and worker share one SQLite file; {advice}")

    def _web_concurrency(self, sqlite_path: Path | None) -> int:
        """Return the number; one process on SQLite, whose greenlets never write at once, can't meet its old bug."""
        processes = self._whole("WEB_CONCURRENCY", 2 if sqlite_path is None else 1, least=1, most=64)
        is_sound = any(first <= sqlite3.sqlite_version_info < end for first, end in _SOUND_SQLITES)
        if sqlite_path is not None and processes > 1 and not is_sound:
            risk = f"SQLite {sqlite3.sqlite_version} can, very rarely, damage a file that several write at once"
            advice = "leave it out, or use PostgreSQL or SQLite 3.51.3"
            self._notices.append(f"WEB_CONCURRENCY is {processes}: {risk}; {advice}")
        return processes

    def _whole(self, name: str, default: int, *, least: int, most: int) -> int:
        text = self._text(name)
        if text is None:
            return default
        if _WHOLE.fullmatch(text.strip()) and least <= int(text) <= most:
            return int(text)
        self._problem(name, f"{text[:40]!r} is no whole number from {least} to {most}", f"without it: {default}")
        return default

    def _boolean(self, name: str, *, default: bool) -> bool:
        text = self._text(name)
        if text is None:
            return default
        if text.strip().lower() not in _BOOLEANS:
            self._problem(name, f"{text[:40]!r} is neither true nor false", "write true or false")
        return _BOOLEANS.get(text.strip().lower(), default)

    def _log_level(self) -> LogLevel:
        text = (self._text("LOG_LEVEL") or "info").strip().lower()
        for level in _LOG_LEVELS:
            if text == level:
                return level
        self._problem("LOG_LEVEL", f"{text[:40]!r} is no level", f"one of {', '.join(_LOG_LEVELS)}")
        return "info"

    def _api_url(self) -> str:
        url = self._text("AXON_API_URL") or AXON_API_URL
        if not is_safe_url(url):
            message = f"{url[:200]!r} is no https address, and buyers' data must travel encrypted"
            self._problem("AXON_API_URL", message, f"like {AXON_API_URL}; http only for 127.0.0.1, ::1 or localhost")
        return url

    def _secret_key(self, database_url: str) -> str | None:
        key = self._text("SECRET_KEY")
        if key is not None:
            self._notices += _remarks_on_key(key)
        elif database_url.startswith(_POSTGRESQL) and not self._environment.get("SECRET_KEY_FILE"):
            message = "is not set, and beside PostgreSQL there is no place to keep a generated one"
            self._problem(
                "SECRET_KEY", message, "set it once to a long random text and keep it: it opens what is stored"
            )
        return key

    def _database(self, url: str) -> Path | None:
        """Return the path of the SQLite file, None when the database is PostgreSQL or can't be used."""
        if url.startswith(_POSTGRESQL):
            self._check_port(url)
            return None
        path = url.removeprefix("sqlite:///")
        if path == url or not path:
            hint = "like sqlite:///adapter.db, sqlite:////data/adapter.db or postgresql://user:password@host/name"
            self._problem("DATABASE_URL", "is neither a SQLite file nor PostgreSQL", hint)
            return None
        if path.startswith((":memory:", "file:")) or "?" in path:
            message = "names no plain file: a database in memory or with options would lose orders"
            self._problem("DATABASE_URL", message, "write only the path, like sqlite:///adapter.db")
            return None
        self._refuse_vanishing_disk(Path(path))
        return Path(path)

    def _check_port(self, url: str) -> None:
        try:
            _ = urlsplit(f"//{url.split('://', 1)[1].rpartition('@')[2]}").port
        except ValueError:
            hint = "like postgresql://user:password@host:5432/name; write @ : / in a password as %40 %3A %2F"
            self._problem("DATABASE_URL", "the port of PostgreSQL's address is no number", hint)

    def _refuse_vanishing_disk(self, path: Path) -> None:
        volume = self._text("DATA_VOLUME")
        if volume is not None and path.resolve().is_relative_to(Path(volume).resolve()):
            return
        host = _host(self._environment)
        if host is not None:
            message = f"a SQLite file on {host.name} vanishes at the next deploy or restart, with every order in it"
            hint = "attach PostgreSQL, or mount a volume, set DATA_VOLUME to it and put the file there"
            self._problem("DATABASE_URL", message, hint)


def _remarks_on_key(key: str) -> Iterator[str]:
    if len(key) < SHORTEST_KEY:
        yield f"SECRET_KEY has fewer than {SHORTEST_KEY} characters: a long random text seals what is stored better"
    if any(map(str.isspace, key)):
        yield "SECRET_KEY contains white space: SECRET_KEY_FALLBACKS, separated by spaces, can never hold it"


def _host(environment: Mapping[str, str]) -> Host | None:
    return next((host for name, host in _HOSTS.items() if environment.get(name)), None)


def is_safe_url(url: str) -> bool:
    """Whether what is sent to this address travels encrypted, or stays on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port  # Raises when it is no number.
    except ValueError:
        return False
    if re.search(r"\s", url):
        return False
    if parts.scheme == "https":
        return bool(host)
    return parts.scheme == "http" and (host == "localhost" or _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
