"""One campaign's world: the fake API, the service under gunicorn and the workers, on one database, and the shops."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any, Self

from campaigns import databases
from campaigns.checker import Findings, check
from campaigns.databases import SECRET_KEY, Database
from campaigns.driver import Driver
from campaigns.nursery import Child, Nursery, wait_until
from campaigns.orders import API_KEY, PIXELS, SECRETS, Orders
from campaigns.received import Batch, batches_in
from sqlalchemy import text

LEASE_SECONDS = 2
"""A short lease, so that what a killed worker held comes back soon."""

REST_SECONDS = 60.0
"""How long the settling of orders may pause once nothing is done to the world any more."""

_MAPPING = """extends = "{shop}"
webhook_secret = "{secret}"
site_url = "https://{shop}.example"
[axon]
pixel_id = "{pixel}"
api_key = "{key}"
[orders]
hold_seconds = 2
"""


class World:
    """Everything that runs; leaving the `with` block ends it all, however that happens.

    `environment` is that of the adapter's processes, and may be changed before they start. `random` is the campaign's.
    """

    def __init__(self, folder: Path, database: Database, seed: int, nursery: Nursery) -> None:
        self.folder = folder
        self.database = database
        self.random = Random(seed)  # noqa: S311  # Repeatable on purpose.
        self.orders = Orders(Random(seed + 1))  # noqa: S311  # As above.
        self.workers: list[Child] = []
        self.web: Child | None = None
        self._drivers: list[Driver] = []
        self._proxies: list[Any] = []
        self._nursery = nursery
        self._children: list[Child] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listening.getsockname()[1]
        self._write_mappings()
        (folder / "keys.json").write_text(
            json.dumps({"pixels": dict.fromkeys(PIXELS.values(), API_KEY), "seed": seed})
        )
        self.plan()
        self.api_port = self._start_api()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "DATABASE_URL": database.url,
            "SECRET_KEY": SECRET_KEY,
            "MAPPINGS_DIR": str(folder / "mappings"),
            "AXON_API_URL": f"http://127.0.0.1:{self.api_port}/v1/event",
            "EMBEDDED_DELIVERY": "false",
            "LEASE_SECONDS": str(LEASE_SECONDS),
            "WEB_CONCURRENCY": "2",
            "LOG_LEVEL": "info",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        for driver in self._drivers:
            driver.stop()
        for child in self._children:
            child.kill_all()
        self._listening.close()
        for proxy in self._proxies:
            proxy.close()

    def plan(self, *rules: Mapping[str, Any]) -> None:
        """Tell the fake API how to behave from now on; see `campaigns.fake_api` for what a rule says."""
        draft = self.folder / "plan.draft"
        draft.write_text(json.dumps(rules))
        draft.replace(self.folder / "plan.json")

    def start_web(self, *, seconds: float = 30, **environment: str) -> Child:
        """Start gunicorn as the Procfile does, on the world's socket, and wait until it answers.

        With `seconds=0` it isn't asked, so that nothing but orders comes in.
        """
        command = ("gunicorn", "--config", "python:adapter.server", "--bind", "fd://{fd}", "adapter.app:create_app()")
        self.web = self.start(*command, environment=environment, listening=self._listening, name="web")
        assert not seconds or wait_until(lambda: self.ask("/healthz") == 200, seconds), self._end_of(self.web)
        return self.web

    def start_worker(self, **environment: str) -> Child:
        """Start `adapter deliver`."""
        worker = self.start("adapter", "deliver", environment=environment, name="worker")
        self.workers.append(worker)
        return worker

    def start(
        self, *command: str, environment: Mapping[str, str], name: str, listening: socket.socket | None = None
    ) -> Child:
        """Start any command of the adapter; its log is `<name>.log` in the folder."""
        merged = {**self.environment, **environment}
        child = self._nursery.start(self.folder / f"{name}.log", merged, *command, listening=listening)
        self._children.append(child)
        return child

    def run(self, *words: str, seconds: float = 30, **environment: str) -> str:
        """Run `adapter …` to its end and return what it printed."""
        name = f"run-{len(list(self.folder.glob('run-*.log')))}"
        child = self.start("adapter", *words, environment=environment, name=name)
        assert child.wait(seconds), self._end_of(child)
        return child.log.read_text()

    def driver(self, connections: int = 8, port: int | None = None) -> Driver:
        """Return a driver that sends to the service, or through a proxy's port."""
        driver = Driver(port or self.port, connections)
        self._drivers.append(driver)
        return driver

    def keep(self, proxy: Any) -> Any:
        """Close this proxy when the world ends; return it."""
        self._proxies.append(proxy)
        return proxy

    def ask(self, path: str) -> int:
        """Return the status of a GET, 0 when there is no answer."""
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2) as connection:
            connection.settimeout(2)
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            words = connection.recv(64).split()
            return int(words[1]) if len(words) > 1 else 0
        return 0

    def received(self) -> list[Batch]:
        """Return every batch that the API has received so far."""
        return batches_in(self.folder / "received.jsonl")

    def wait_for_batches(self, count: int, seconds: float = 30) -> None:
        """Wait until the API has received so many batches altogether."""
        assert wait_until(lambda: len(self.received()) >= count, seconds), self._ends()

    def booted(self) -> int:
        """Return how many of gunicorn's workers have started so far."""
        return (self.folder / "web.log").read_text().count("Booting worker")

    def come_to_rest(self, seconds: float = REST_SECONDS) -> bool:
        """Wait until no order waits any more, or none was settled for so long; return whether it is the former."""
        assert self._api.is_alive, self._end_of(self._api)
        least = waiting = databases.waiting_in(self.database)
        moved_at = time.monotonic()
        while waiting and time.monotonic() < moved_at + seconds:
            time.sleep(0.1)
            waiting = databases.waiting_in(self.database)
            if waiting < least:
                least, moved_at = waiting, time.monotonic()
        return not waiting

    def check(self, *drivers: Driver, may_overlap: bool = False) -> Findings:
        """Hold all invariants against what has happened; also the database's own check."""
        acknowledged = {key: order for driver in drivers for key, order in driver.record.acknowledged.items()}
        logs = self.folder.glob("*.log")
        rows = databases.rows_of(self.database)
        found = check(acknowledged, rows, self.received(), logs, may_overlap=may_overlap)
        found.add("the database is broken", filter(None, [self.database.broken()]))
        if found.problems:
            found.problems.append(self._ends())
        return found

    def _write_mappings(self) -> None:
        mappings = self.folder / "mappings"
        mappings.mkdir()
        for shop, secret in SECRETS.items():
            text = _MAPPING.format(shop=shop, secret=secret, pixel=PIXELS[shop], key=API_KEY)
            (mappings / f"{shop}.toml").write_text(text)

    def _start_api(self) -> int:
        """Start the fake API, and return its port; it is ended with the other children."""
        environment = {"PATH": os.environ["PATH"]}
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
            command = ("fake_api", str(self.folder), "{fd}")
            log = self.folder / "fake-api.log"
            self._api = self._nursery.start(log, environment, *command, listening=listening)
            self._children.append(self._api)
            port: int = listening.getsockname()[1]
        return port

    def _ends(self) -> str:
        logs = sorted({child.log for child in (self.web, *self.workers) if child is not None})
        return "\n".join(f"{log.name}:\n{_last_lines(log)}" for log in logs)

    def _end_of(self, child: Child) -> str:
        return f"{child.log.name}:\n{_last_lines(child.log)}"


class Watch:
    """Looks at the ledger again and again: what is delivered once stays so. `left` are the rows that didn't."""

    def __init__(self, database: Database, every: float = 0.05) -> None:
        self.left: set[int] = set()
        self._delivered: set[int] = set()
        self._stop = Event()
        self._thread = Thread(target=self._look, args=(database, every), daemon=True)
        self._thread.start()

    def end(self) -> set[int]:
        """Look no more; return the rows that left their final state."""
        self._stop.set()
        self._thread.join()
        return self.left

    def _look(self, database: Database, every: float) -> None:
        query = text("SELECT id FROM purchases WHERE state = 'delivered'")
        with (
            databases.opened(database) as engine,
            engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            while not self._stop.wait(every):
                delivered = set(connection.execute(query).scalars())
                self.left |= self._delivered - delivered
                self._delivered |= delivered


def _last_lines(log: Path, count: int = 12) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-count:]) if log.exists() else ""


def kill_one_of(children: Sequence[int], random: Random) -> bool:
    """Kill one of these processes (SIGKILL); return whether there was one."""
    if not children:
        return False
    with suppress(ProcessLookupError):
        os.kill(random.choice(children), signal.SIGKILL)
        return True
    return False
