"""The environment becomes settings, every problem at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapter.errors import ConfigurationRefused
from adapter.settings import load_settings

POSTGRESQL = {"DATABASE_URL": "postgres://u:pw@h/d", "SECRET_KEY": "canary secret"}


def problems(environment: dict[str, str]) -> list[str]:
    """Return the problems of an environment as they are shown."""
    with pytest.raises(ConfigurationRefused) as caught:
        load_settings(environment)
    return [str(problem) for problem in caught.value.problems]


def test_defaults() -> None:
    """An empty environment is a SQLite file here, embedded delivery and the real Conversion API."""
    settings = load_settings({})
    assert ("sqlite:///adapter.db", Path("adapter.db")) == (settings.database_url, settings.sqlite_path)
    assert (8000, 2, 0, "info") == (
        settings.port,
        settings.web_concurrency,
        settings.trusted_proxies,
        settings.log_level,
    )
    assert "https://b.applovin.com/v1/event" == settings.axon_api_url
    assert (timedelta(seconds=60), timedelta(days=30)) == (settings.lease, settings.retention)
    assert settings.embedded_delivery
    assert (None, (), None, None) == (
        settings.secret_key,
        settings.secret_key_fallbacks,
        settings.console_password,
        settings.status_token,
    )
    assert Path("mappings") == settings.mappings_dir


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql(scheme: str) -> None:
    """Every spelling of PostgreSQL works, and delivery is another process then."""
    settings = load_settings({**POSTGRESQL, "DATABASE_URL": f"{scheme}://u:pw@h/d"})
    assert settings.sqlite_path is None
    assert not settings.embedded_delivery


def test_everything_set() -> None:
    """Each variable sets its setting."""
    settings = load_settings(
        {
            "DATABASE_URL": "sqlite:////data/a.db",
            "PORT": "9000",
            "WEB_CONCURRENCY": "4",
            "SECRET_KEY": "k",
            "SECRET_KEY_FALLBACKS": "a  b",
            "MAPPINGS_DIR": "m",
            "AXON_API_URL": "http://[::1]:9/v1",
            "TRUSTED_PROXIES": "1",
            "LOG_LEVEL": "DEBUG",
            "LEASE_SECONDS": "5",
            "RETENTION_DAYS": "2",
            "EMBEDDED_DELIVERY": "No",
            "CONSOLE_PASSWORD": "p",
            "STATUS_TOKEN": "t",
        }
    )
    assert Path("/data/a.db") == settings.sqlite_path
    assert (("a", "b"), "debug", False) == (
        settings.secret_key_fallbacks,
        settings.log_level,
        settings.embedded_delivery,
    )
    assert (timedelta(seconds=5), timedelta(days=2)) == (settings.lease, settings.retention)
    assert ("http://[::1]:9/v1", 9000, 4, 1) == (
        settings.axon_api_url,
        settings.port,
        settings.web_concurrency,
        settings.trusted_proxies,
    )


def test_secrets_are_not_shown() -> None:
    """No secret stands in the settings' own representation."""
    settings = load_settings({**POSTGRESQL, "CONSOLE_PASSWORD": "canary", "SECRET_KEY_FALLBACKS": "canary"})
    assert "canary" not in repr(settings)
    assert "pw" not in repr(settings)


BAD: list[tuple[dict[str, str], str]] = [
    ({"PORT": "http"}, "PORT: 'http' is no whole number from 1 to 65535 (without it: 8000)"),
    ({"PORT": "0"}, "PORT: '0' is no whole number from 1 to 65535 (without it: 8000)"),
    ({"WEB_CONCURRENCY": "٣"}, "WEB_CONCURRENCY: '٣' is no whole number from 1 to 64 (without it: 2)"),
    ({"EMBEDDED_DELIVERY": "maybe"}, "EMBEDDED_DELIVERY: 'maybe' is neither true nor false (write true or false)"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL: 'loud' is no level (one of debug, info, warning, error)"),
    (
        {"AXON_API_URL": "http://b.applovin.com"},
        (
            "AXON_API_URL: 'http://b.applovin.com' is no https address, and buyers' data must travel encrypted"
            " (like https://b.applovin.com/v1/event; http only for 127.0.0.1, ::1 or localhost)"
        ),
    ),
    (
        {"AXON_API_URL": "http://127.0.0.1.evil.example"},
        (
            "AXON_API_URL: 'http://127.0.0.1.evil.example' is no https address, and buyers' data must travel encrypted"
            " (like https://b.applovin.com/v1/event; http only for 127.0.0.1, ::1 or localhost)"
        ),
    ),
    (
        {"AXON_API_URL": "https://["},
        (
            "AXON_API_URL: 'https://[' is no https address, and buyers' data must travel encrypted"
            " (like https://b.applovin.com/v1/event; http only for 127.0.0.1, ::1 or localhost)"
        ),
    ),
    (
        {"DATABASE_URL": "mysql://h/d"},
        (
            "DATABASE_URL: is neither a SQLite file nor PostgreSQL"
            " (like sqlite:///adapter.db, sqlite:////data/adapter.db or postgresql://user:password@host/name)"
        ),
    ),
    (
        {"DATABASE_URL": "sqlite:///:memory:"},
        (
            "DATABASE_URL: names no plain file: a database in memory or with options would lose orders"
            " (write only the path, like sqlite:///adapter.db)"
        ),
    ),
    (
        {"DYNO": "web.1"},
        (
            "DATABASE_URL: a SQLite file on Heroku vanishes at the next deploy or restart, with every order in it"
            " (attach PostgreSQL, or mount a volume, set DATA_VOLUME to it and put the file there)"
        ),
    ),
    (
        {"PORT_FILE": "/no/such/file"},
        (
            "PORT: the file that PORT_FILE names can't be read: No such file or directory"
            " (mount the file, or set the variable itself)"
        ),
    ),
    (
        {"DATABASE_URL": "postgresql://h/d"},
        (
            "SECRET_KEY: is not set, and beside PostgreSQL there is no place to keep a generated one"
            " (set it once to a long random text and keep it: it opens what is stored)"
        ),
    ),
]


@pytest.mark.parametrize(("environment", "message"), BAD)
def test_each_problem(environment: dict[str, str], message: str) -> None:
    """A problem names the variable, what is wrong and what to do."""
    assert message in problems(
        {**{"SECRET_KEY": "k"} | environment} if "DATABASE_URL" not in environment else environment
    )


def test_all_problems_at_once() -> None:
    """Three mistakes are three lines."""
    assert 3 == len(problems({"PORT": "x", "LOG_LEVEL": "x", "TRUSTED_PROXIES": "-1"}))


@pytest.mark.parametrize(("url", "allowed"), [("sqlite:////data/a.db", True), ("sqlite:////data/../etc/a.db", False)])
def test_a_mounted_volume(url: str, allowed: bool) -> None:
    """On a host whose disk vanishes a SQLite file must lie under the volume."""
    environment: dict[str, Any] = {"RENDER": "true", "DATA_VOLUME": "/data", "DATABASE_URL": url}
    if allowed:
        assert load_settings(environment).sqlite_path == Path("/data/a.db")
    else:
        assert "on Render vanishes" in problems(environment)[0]


def test_postgresqls_port() -> None:
    """A port that is no number is said at once."""
    found = problems({"DATABASE_URL": "postgresql://h:port/d", "SECRET_KEY": "k"})
    assert "DATABASE_URL: the port of PostgreSQL's address is no number" in found[0]


@pytest.mark.parametrize(
    ("key", "remarks"), [("x" * 40, 0), ("short", 1), ("with a blank and long enough to be good", 1)]
)
def test_remarks_on_the_key(key: str, remarks: int) -> None:
    """A short key, and one that can never become a fallback, are remarked on."""
    assert remarks == len(load_settings({"SECRET_KEY": key}).notices)


@pytest.mark.parametrize("url", ["http://localhost:1/", "http://127.0.0.1:1/", "https://b.applovin.com/v1/event"])
def test_addresses_that_are_safe(url: str) -> None:
    """Https anywhere, http on this machine alone."""
    assert url == load_settings({"AXON_API_URL": url}).axon_api_url
