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
    assert (8000, 1, 0, "info") == (
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
    assert (2_097_152, 1000, 500) == (
        settings.max_body_bytes,
        settings.max_connections,
        settings.max_waiting_orders,
    )


def test_processes_by_default() -> None:
    """SQLite has one writer, and so one web process; beside PostgreSQL there are two."""
    environment = {"DATABASE_URL": "postgresql://host/name", "SECRET_KEY": "k" * 32}
    assert (1, 2) == (load_settings({}).web_concurrency, load_settings(environment).web_concurrency)


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
    ({"PORT": "65536"}, "PORT: '65536' is no whole number from 1 to 65535 (without it: 8000)"),
    ({"PORT": "-1"}, "PORT: '-1' is no whole number from 1 to 65535 (without it: 8000)"),
    ({"PORT": "80.5"}, "PORT: '80.5' is no whole number from 1 to 65535 (without it: 8000)"),
    ({"PORT": "8_000"}, "PORT: '8_000' is no whole number from 1 to 65535 (without it: 8000)"),
    ({"PORT": "9" * 5000}, f"PORT: '{'9' * 40}' is no whole number from 1 to 65535 (without it: 8000)"),
    ({"WEB_CONCURRENCY": "0"}, "WEB_CONCURRENCY: '0' is no whole number from 1 to 64 (without it: 1)"),
    ({"WEB_CONCURRENCY": "65"}, "WEB_CONCURRENCY: '65' is no whole number from 1 to 64 (without it: 1)"),
    ({"TRUSTED_PROXIES": "11"}, "TRUSTED_PROXIES: '11' is no whole number from 0 to 10 (without it: 0)"),
    ({"TRUSTED_PROXIES": "true"}, "TRUSTED_PROXIES: 'true' is no whole number from 0 to 10 (without it: 0)"),
    ({"LEASE_SECONDS": "0"}, "LEASE_SECONDS: '0' is no whole number from 1 to 3600 (without it: 60)"),
    ({"LEASE_SECONDS": "3601"}, "LEASE_SECONDS: '3601' is no whole number from 1 to 3600 (without it: 60)"),
    ({"RETENTION_DAYS": "0"}, "RETENTION_DAYS: '0' is no whole number from 1 to 3650 (without it: 30)"),
    ({"RETENTION_DAYS": "3651"}, "RETENTION_DAYS: '3651' is no whole number from 1 to 3650 (without it: 30)"),
    ({"EMBEDDED_DELIVERY": "2"}, "EMBEDDED_DELIVERY: '2' is neither true nor false (write true or false)"),
    ({"LOG_LEVEL": "warn"}, "LOG_LEVEL: 'warn' is no level (one of debug, info, warning, error)"),
    (
        {"DATABASE_URL": "sqlite:///file:a.db?mode=memory"},
        (
            "DATABASE_URL: names no plain file: a database in memory or with options would lose orders"
            " (write only the path, like sqlite:///adapter.db)"
        ),
    ),
    (
        {"DATABASE_URL": "sqlite:///a.db?timeout=5"},
        (
            "DATABASE_URL: names no plain file: a database in memory or with options would lose orders"
            " (write only the path, like sqlite:///adapter.db)"
        ),
    ),
    (
        {"DATABASE_URL_FILE": "/no/such/file"},
        (
            "DATABASE_URL: the file that DATABASE_URL_FILE names can't be read: No such file or directory"
            " (mount the file, or set the variable itself)"
        ),
    ),
    (
        {"DATA_VOLUME": "/data", "FLY_APP_NAME": "adapter", "DATABASE_URL": "sqlite:////database/a.db"},
        (
            "DATABASE_URL: a SQLite file on Fly vanishes at the next deploy or restart, with every order in it"
            " (attach PostgreSQL, or mount a volume, set DATA_VOLUME to it and put the file there)"
        ),
    ),
    ({"PORT": "0"}, "PORT: '0' is no whole number from 1 to 65535 (without it: 8000)"),
    ({"WEB_CONCURRENCY": "٣"}, "WEB_CONCURRENCY: '٣' is no whole number from 1 to 64 (without it: 1)"),
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
    assert [message] == problems(environment)


def test_all_problems_at_once() -> None:
    """Three mistakes are three lines."""
    assert 3 == len(problems({"PORT": "x", "LOG_LEVEL": "x", "TRUSTED_PROXIES": "-1"}))


ALL_WRONG = {
    "DATABASE_URL": "mysql://h/d",
    "PORT": "x",
    "WEB_CONCURRENCY": "x",
    "AXON_API_URL": "x",
    "TRUSTED_PROXIES": "x",
    "LOG_LEVEL": "x",
    "LEASE_SECONDS": "x",
    "RETENTION_DAYS": "x",
    "EMBEDDED_DELIVERY": "x",
    "STATUS_TOKEN_FILE": "/no/such/file",
    "CONSOLE_PASSWORD_FILE": "/no/such/file",
    "SECRET_KEY_FILE": "/no/such/file",
    "SECRET_KEY_FALLBACKS_FILE": "/no/such/file",
    "MAPPINGS_DIR_FILE": "/no/such/file",
}


def test_every_variable_wrong() -> None:
    """Each wrong variable is named once, whatever else is wrong."""
    names = sorted(problem.split(": ")[0] for problem in problems(ALL_WRONG))
    assert sorted(name.removesuffix("_FILE") for name in ALL_WRONG) == names


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///", "adapter.db", "postgresql+psycopg2://h/d", "sqlite:a"])
def test_addresses_of_no_database(url: str) -> None:
    """What is neither of the two databases is said in one line, without a word about keys; nothing is the default."""
    if url:
        (problem,) = problems({"DATABASE_URL": url})
        assert problem.startswith("DATABASE_URL: is neither a SQLite file nor PostgreSQL (like sqlite:///adapter.db,")
    else:
        assert "sqlite:///adapter.db" == load_settings({"DATABASE_URL": url}).database_url


def test_passwords_of_databases_are_not_shown() -> None:
    """A refused address of a database isn't repeated: a password may stand in it."""
    for url in ("mysql://u:canary@h/d", "postgresql://u:canary@h:port/d", "sqlite:///a.db?key=canary"):
        assert "canary" not in "".join(problems({"DATABASE_URL": url}))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///adapter.db", "adapter.db"),
        ("sqlite:///var/adapter.db", "var/adapter.db"),
        ("sqlite:////data/adapter.db", "/data/adapter.db"),
        ("sqlite:///a b%20c.db", "a b%20c.db"),
    ],
)
def test_paths_of_sqlite(url: str, path: str) -> None:
    """Three slashes are a path from here, four one from the root; nothing is decoded."""
    assert Path(path) == load_settings({"DATABASE_URL": url}).sqlite_path


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("postgres://u:p@h:5432/d", True),
        ("postgresql:///d", True),
        ("postgresql://u:p?w:x@h/d", True),
        ("postgresql://u:p@[::1]:5432/d", True),
        ("postgresql://h/d?user=a@b", True),
        ("postgresql://u:p@h:d", False),
        ("postgresql://u:p@h1:1,h2:2/d", False),
        ("postgresql://u:p@[::1/d", False),
    ],
)
def test_addresses_of_postgresql(url: str, taken: bool) -> None:
    """An address is refused only for a port that is no number: the driver would say so too late, and unkindly."""
    environment = {"DATABASE_URL": url, "SECRET_KEY": "k" * 32}
    if taken:
        assert url == load_settings(environment).database_url
    else:
        hint = "like postgresql://user:password@host:5432/name; write @ : / in a password as %40 %3A %2F"
        assert [f"DATABASE_URL: the port of PostgreSQL's address is no number ({hint})"] == problems(environment)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("DYNO", "Heroku"),
        ("RENDER", "Render"),
        ("RAILWAY_ENVIRONMENT_NAME", "Railway"),
        ("RAILWAY_PROJECT_ID", "Railway"),
        ("FLY_APP_NAME", "Fly"),
        ("K_SERVICE", "Cloud Run"),
        ("DO_APP_PLATFORM", "DigitalOcean"),
    ],
)
def test_hosts_whose_disk_vanishes(name: str, host: str) -> None:
    """Each such host refuses SQLite by name, once; PostgreSQL is fine there, and so is a variable that is empty."""
    (problem,) = problems({name: "x", "K_SERVICE": "x"} if name == "DYNO" else {name: "x"})
    assert f"a SQLite file on {host} vanishes" in problem
    assert load_settings({name: "x", **POSTGRESQL}).sqlite_path is None
    assert load_settings({name: ""}).sqlite_path is not None


def test_a_volume_that_is_a_link(tmp_path: Path) -> None:
    """What counts is where the file really is: a link out of the volume leads to the disk that vanishes."""
    (tmp_path / "volume").mkdir()
    (tmp_path / "disk").mkdir()
    (tmp_path / "volume" / "out").symlink_to(tmp_path / "disk")
    (tmp_path / "in").symlink_to(tmp_path / "volume")
    volume = {"DYNO": "web.1", "DATA_VOLUME": str(tmp_path / "volume")}
    assert 1 == len(problems({**volume, "DATABASE_URL": f"sqlite:///{tmp_path}/volume/out/a.db"}))
    assert load_settings({**volume, "DATABASE_URL": f"sqlite:///{tmp_path}/in/a.db"}).sqlite_path is not None


def test_a_relative_file_in_a_volume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path counts from the folder in which the program was started."""
    monkeypatch.chdir(tmp_path)
    environment = {"RENDER": "true", "DATA_VOLUME": str(tmp_path), "DATABASE_URL": "sqlite:///a.db"}
    assert Path("a.db") == load_settings(environment).sqlite_path
    assert 1 == len(problems({**environment, "DATA_VOLUME": str(tmp_path / "other")}))


@pytest.mark.parametrize("name", ["SECRET_KEY", "CONSOLE_PASSWORD", "STATUS_TOKEN", "SECRET_KEY_FALLBACKS"])
def test_secrets_from_mounted_files(tmp_path: Path, name: str) -> None:
    """A mounted secret is read, without its last newline, and shown nowhere; the path isn't either."""
    (tmp_path / "canary").write_text("canary-value\n", "utf-8")
    settings = load_settings({f"{name}_FILE": str(tmp_path / "canary")})
    found = getattr(settings, name.lower())
    assert found in ("canary-value", ("canary-value",))
    assert "canary" not in repr(settings)
    assert "canary" not in "".join(settings.notices)


def test_a_secret_in_place_of_its_file() -> None:
    """Who mixes up NAME and NAME_FILE doesn't find the secret in the log."""
    assert "canary" not in "".join(problems({"SECRET_KEY_FILE": "canary" * 1000}))


def test_a_broken_key_file_of_postgresql() -> None:
    """A key file that can't be read is one problem, not also an unset key."""
    (problem,) = problems({"DATABASE_URL": "postgresql://h/d", "SECRET_KEY_FILE": "/no/such/file"})
    assert problem.startswith("SECRET_KEY: the file that SECRET_KEY_FILE names can't be read")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ("true", "1", "yes", "on", " TRUE ")),
        *((text, False) for text in ("false", "0", "no", "off")),
    ],
)
def test_booleans(text: str, value: bool) -> None:
    """The usual words for yes and no are taken, in any case."""
    assert value is load_settings({"EMBEDDED_DELIVERY": text}).embedded_delivery


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_levels(level: str) -> None:
    """Four levels, in any case."""
    assert level == load_settings({"LOG_LEVEL": f" {level.upper()} "}).log_level


@pytest.mark.parametrize(
    ("name", "field", "least", "most"),
    [
        ("PORT", "port", 1, 65535),
        ("WEB_CONCURRENCY", "web_concurrency", 1, 64),
        ("TRUSTED_PROXIES", "trusted_proxies", 0, 10),
        ("MAX_BODY_BYTES", "max_body_bytes", 65_536, 67_108_864),
        ("MAX_CONNECTIONS", "max_connections", 10, 100_000),
        ("MAX_WAITING_ORDERS", "max_waiting_orders", 1, 100_000),
    ],
)
def test_limits_of_numbers(name: str, field: str, least: int, most: int) -> None:
    """The limits themselves are taken, with blanks around them."""
    assert [least, most] == [getattr(load_settings({name: f" {number} "}), field) for number in (least, most)]


@pytest.mark.parametrize(
    "url",
    [
        "b.applovin.com/v1/event",
        "ftp://b.applovin.com",
        "https://",
        "https:///v1",
        "https://h:port/",
        "https://b.applovin.com/v1 /event",
        "https://b.applovin.com/v1/event\n",
        "http://192.168.0.1/",
        "http://localhost.example/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
    ],
)
def test_addresses_that_are_not_safe(url: str) -> None:
    """Anything but https, or http on this machine, is refused, in one line and with the way out."""
    (problem,) = problems({"AXON_API_URL": url})
    assert f"AXON_API_URL: {url!r} is no https address, and buyers' data must travel encrypted" in problem


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
    notices = load_settings({"SECRET_KEY": key}).notices
    assert remarks == len(notices)
    assert key not in "".join(notices)


def test_a_lease_that_ends_before_a_try_does() -> None:
    """It is used, and a notice says what comes of it."""
    settings = load_settings({"LEASE_SECONDS": "24"})
    expected = "LEASE_SECONDS is below 25: while Axon answers slowly, a second worker sends a batch again"
    assert (timedelta(seconds=24), (expected,)) == (settings.lease, settings.notices)
    assert () == load_settings({"LEASE_SECONDS": "25"}).notices


def test_what_is_remarked_on() -> None:
    """A notice says what may go wrong with the key."""
    assert (
        "SECRET_KEY has fewer than 32 characters: a long random text seals what is stored better",
        "SECRET_KEY contains white space: SECRET_KEY_FALLBACKS, separated by spaces, can never hold it",
    ) == load_settings({"SECRET_KEY": "too short"}).notices
    assert () == load_settings({"SECRET_KEY": "x" * 32}).notices
    assert () == load_settings({}).notices


def test_a_short_password() -> None:
    """The console opens with it, and a notice says what comes of it; the password isn't in it."""
    found = load_settings({"CONSOLE_PASSWORD": "canary-123"})
    least = "CONSOLE_PASSWORD has fewer than 12 characters"
    expected = f"{least}: who guesses long enough finds it, and it opens every buyer's order; set a longer one"
    assert ("canary-123", (expected,)) == (found.console_password, found.notices)
    assert () == load_settings({"CONSOLE_PASSWORD": "canary-12345"}).notices


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("DYNO", "Heroku has proxies: set it to 1"),
        ("RENDER", "Render has proxies: set it to 3"),
        ("FLY_APP_NAME", "Fly has proxies: set it to 2"),
        ("K_SERVICE", "Cloud Run has proxies: set it to 1"),
        ("RAILWAY_PROJECT_ID", "Railway has proxies: set it to their number"),
    ],
)
def test_proxies_of_a_host(name: str, words: str) -> None:
    """Where proxies are known to stand in front, an unset TRUSTED_PROXIES is remarked on; any value settles it."""
    environment = {**POSTGRESQL, "SECRET_KEY": "x" * 32, name: "x"}
    (notice,) = load_settings(environment).notices
    expected = f"TRUSTED_PROXIES is not set, and {words}; until then every buyer seems to have a proxy's address"
    assert expected == notice
    assert () == load_settings({**environment, "TRUSTED_PROXIES": "0"}).notices


def test_one_file_for_two() -> None:
    """A worker of its own beside SQLite is remarked on; beside PostgreSQL it is the rule."""
    (notice,) = load_settings({"EMBEDDED_DELIVERY": "false"}).notices
    assert notice.startswith("EMBEDDED_DELIVERY is false: web and worker share one SQLite file; leave it out")
    assert () == load_settings({**POSTGRESQL, "SECRET_KEY": "x" * 32, "EMBEDDED_DELIVERY": "false"}).notices


@pytest.mark.parametrize(
    ("version", "is_sound"),
    [
        ("3.40.1", False),
        ("3.44.5", False),
        ("3.44.6", True),
        ("3.45.0", False),
        ("3.50.6", False),
        ("3.50.7", True),
        ("3.51.2", False),
        ("3.51.3", True),
        ("3.53.0", True),
    ],
)
def test_several_processes_on_one_file(version: str, *, is_sound: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SQLite with the WAL-reset bug is remarked on where several web processes share the file, nowhere else."""
    monkeypatch.setattr("sqlite3.sqlite_version", version)
    monkeypatch.setattr("sqlite3.sqlite_version_info", tuple(map(int, version.split("."))))
    risk = f"SQLite {version} can, very rarely, damage a file that several write at once"
    expected = f"WEB_CONCURRENCY is 2: {risk}; leave it out, or use PostgreSQL or SQLite 3.51.3"
    assert (() if is_sound else (expected,)) == load_settings({"WEB_CONCURRENCY": "2"}).notices
    assert () == load_settings({"WEB_CONCURRENCY": "1"}).notices
    assert () == load_settings({**POSTGRESQL, "SECRET_KEY": "x" * 32, "WEB_CONCURRENCY": "2"}).notices


@pytest.mark.parametrize("url", ["http://localhost:1/", "http://127.0.0.1:1/", "https://b.applovin.com/v1/event"])
def test_addresses_that_are_safe(url: str) -> None:
    """Https anywhere, http on this machine alone."""
    assert url == load_settings({"AXON_API_URL": url}).axon_api_url
