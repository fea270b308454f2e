"""The stage of the demo: a local Conversion API, the service and the worker, each a real process on 127.0.0.1."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import requests

from adapter.operations.demo.processes import Process, Processes, clean_environment, wait_until
from adapter.operations.demo.shops import write_mappings

READY_SECONDS = 30.0
_CONNECT_AND_READ_SECONDS = (1, 5)
_SANDBOX_URL = re.compile(r"AXON_API_URL=(http://127\.0\.0\.1:[0-9]+)/v1/event")

Announce = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that runs; `service` and `sandbox` are addresses without a slash at their end."""

    processes: Processes
    folder: Path
    service: str
    sandbox: str
    session: requests.Session
    worker: Process

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> requests.Response:
        """Send a request to the service; raise `ProcessFailed` when it has gone."""
        try:
            return self.session.post(
                f"{self.service}{path}",
                data=body,
                headers=dict(headers),
                timeout=_CONNECT_AND_READ_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            self.processes.check()
            raise self.processes.named("service").failure(f"it gave no answer to POST {path}") from None

    def received(self) -> dict[str, Any]:
        """Return what the sandbox received, numbers as `Decimal`; raise `ProcessFailed` when it has gone."""
        try:
            answer = self.session.get(f"{self.sandbox}/received", timeout=_CONNECT_AND_READ_SECONDS)
        except requests.RequestException:
            raise self.processes.named("sandbox").failure("it gave no answer to GET /received") from None
        shown: dict[str, Any] = json.loads(answer.content, parse_float=Decimal)
        return shown

    def ledger(self) -> list[dict[str, Any]]:
        """Return what `adapter orders --json` prints."""
        listing = self.processes.start("orders", "adapter", "orders", "--json", "--limit", "1000")
        rows: list[dict[str, Any]] = json.loads(self.processes.finish(listing).splitlines()[-1])
        return rows


@contextmanager
def set_up(folder: Path, announce: Announce) -> Generator[Stage]:
    """Build the stage in an empty folder, take it down afterwards; raise `ProcessFailed` when it can't be built."""
    write_mappings(folder / "mappings")
    environment = clean_environment(folder, _settings(folder), os.environ)
    with Processes(folder, environment) as processes, _session() as session:
        announce("migrating a new SQLite file (adapter migrate)")
        migration = processes.start("migrate", "adapter", "migrate")
        sandbox = _start_sandbox(processes, session, announce)
        processes.set("AXON_API_URL", f"{sandbox}/v1/event")
        processes.finish(migration)
        worker = processes.start("worker", "adapter", "deliver")
        service = _start_service(processes, session, announce)
        yield Stage(processes, folder, service, sandbox, session, worker)


def _settings(folder: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{folder / 'adapter.db'}",
        "MAPPINGS_DIR": str(folder / "mappings"),
        "EMBEDDED_DELIVERY": "false",
        "WEB_CONCURRENCY": "2",
        "LOG_LEVEL": "info",
    }


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # Nothing here goes through a proxy.
    return session


def _start_sandbox(processes: Processes, session: requests.Session, announce: Announce) -> str:
    announce("starting the sandbox: a local Conversion API (adapter sandbox)")
    process = processes.start("sandbox", "adapter", "sandbox", "--port", "0")
    _wait_for(process, lambda: _SANDBOX_URL.search(process.log.read_text("utf-8")) is not None)
    found = _SANDBOX_URL.search(process.log.read_text("utf-8"))
    url = found[1] if found else ""
    _wait_for(process, partial(_answers, session, f"{url}/received"))
    return url


def _start_service(processes: Processes, session: requests.Session, announce: Announce) -> str:
    """Start gunicorn on a socket that is bound already: a free port that is only named could be taken meanwhile."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        announce(f"starting the service under gunicorn ({url}) and the worker (adapter deliver)")
        options = ("--config", "python:adapter.server", "--bind", f"fd://{listening.fileno()}", "--no-control-socket")
        process = processes.start(
            "service", "gunicorn", *options, "adapter.app:create_app()", pass_fds=(listening.fileno(),)
        )
    _wait_for(process, partial(_answers, session, f"{url}/readyz"))
    return url


def _answers(session: requests.Session, url: str) -> bool:
    try:
        return session.get(url, timeout=_CONNECT_AND_READ_SECONDS).ok
    except requests.RequestException:
        return False


def _wait_for(process: Process, is_ready: Callable[[], bool]) -> None:
    def ready() -> bool:
        process.check()
        return is_ready()

    if not wait_until(ready, READY_SECONDS):
        raise process.failure(f"it isn't ready after {READY_SECONDS:.0f} s")
