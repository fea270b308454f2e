"""Where an order's microseconds go: from the socket to the commit, and from the claim to the mark.

    PYTHONPATH=tests python tests/benchmarks/breakdown.py [--seconds 8] [--orders 10000] [--database sqlite|postgresql]

Run by `make profile`. py-spy looks at the process from outside 250 times a second, while it takes orders over 32
connections, and while it drains a backlog. A look counts for the first step below that its stack passes through; the
steps' shares are shares of the process's CPU time, so they add up to what an order costs. PostgreSQL's own processes
are not in it. Tracing another process takes root or a permissive `kernel.yama.ptrace_scope`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from campaigns.databases import Server
from draining import Api, environment_of, fill
from intake import CONNECTIONS, VARIANTS, WARM_UP, order_requests, processor_seconds
from load import send, write_requests

from adapter.wiring import Parts, load_configuration

RATE = 250
MOST_A_SECOND = 4_000

INTAKE = (
    ("the signature", ("adapter/platforms/signature.py", "adapter/platforms/shopify/verification.py")),
    ("what the order is", ("adapter/platforms/", "adapter/purchase/")),
    ("sealing and hashing", ("adapter/storage/sealing.py",)),
    ("the rows' statement", ("adapter/storage/receiving.py",)),
    ("begin", ("_begin_sqlite", "_begin_impl")),
    ("commit", ("_commit_impl", "do_commit")),
    ("the rest of the transaction", ("sqlalchemy/", "psycopg/", "adapter/storage/engine.py")),
    ("the queue and the group", ("adapter/storage/",)),
    ("the line of the log", ("structlog/", "adapter/logs.py")),
    ("reading the body", ("adapter/web/bodies.py",)),
    ("the answer's head", ("gunicorn/http/wsgi.py", "werkzeug/")),
    ("parsing the request", ("gunicorn/http/",)),
    ("the rest of the adapter", ("adapter/",)),
    ("gunicorn and gevent", ("gunicorn/", "gevent/")),
)
DELIVERY = (
    ("claiming", ("claim (adapter/storage", "adapter/storage/due.py")),
    ("opening the seals", ("adapter/storage/sealing.py",)),
    ("freezing the events", ("freeze (adapter/storage",)),
    ("settling", ("settle (adapter/storage", "adapter/storage/settling.py")),
    ("finding clicks", ("adapter/storage/clicks.py", "adapter/storage/awaiting.py")),
    ("parsing the order", ("adapter/platforms/document.py",)),
    ("reading the order", ("adapter/platforms/",)),
    ("the mapping", ("adapter/purchase/", "jmespath/")),
    ("preparing", ("adapter/delivery/preparing.py",)),
    ("the request to Axon", ("adapter/axon/", "requests/", "urllib3/")),
    ("the lines of the log", ("structlog/", "adapter/logs.py")),
    ("the rest of the database", ("sqlalchemy/", "adapter/storage/")),
    ("the rest of the adapter", ("adapter/",)),
)


def step_of(stack: str, steps: Sequence[tuple[str, Sequence[str]]]) -> str:
    """Return the first step that this stack passes through."""
    return next((name for name, marks in steps if any(mark in stack for mark in marks)), "the rest")


def shares(recorded: Iterable[str], steps: Sequence[tuple[str, Sequence[str]]]) -> dict[str, float]:
    """Return each step's share of the looks: lines of a stack and how often it was seen."""
    seen: Counter[str] = Counter()
    for line in recorded:
        stack, _, count = line.rpartition(" ")
        seen[step_of(stack, steps)] += int(count)
    return {name: count / seen.total() for name, count in seen.most_common()}


@contextmanager
def looking_at(pid: int, into: Path, seconds: float) -> Iterator[None]:
    """Record the process while the block runs, and for so long at most."""
    options = ("--format", "raw", "--rate", str(RATE), "--duration", str(int(seconds) + 1), "--full-filenames")
    spy = subprocess.Popen(
        [Path(sys.executable).with_name("py-spy"), "record", *options, "--output", str(into), "--pid", str(pid)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.5)
    yield
    _, told = spy.communicate(timeout=seconds + 30)
    if not into.exists():
        raise RuntimeError(f"py-spy couldn't look: {told}")


def intake(kind: str, seconds: float, folder: Path) -> tuple[dict[str, float], float]:
    """Take orders for so long; return the steps' shares and the seconds of CPU time per order."""
    (folder / "pg").mkdir()
    server = Server(folder / "pg", fsync=True)
    requests = folder / "requests"
    write_requests(requests, order_requests(WARM_UP + int(MOST_A_SECOND * seconds)))
    recorded = folder / "recorded"
    variant = VARIANTS[{"sqlite": "adapter, SQLite", "postgresql": "adapter, PostgreSQL"}[kind]]
    with variant(folder, server) as (service, _others):
        send(service.port, requests, slice(0, WARM_UP), 4, 5)
        (worker, *_) = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text().split()
        with looking_at(int(worker), recorded, seconds):
            before = processor_seconds([service.process.pid])
            rest = slice(WARM_UP, WARM_UP + int(MOST_A_SECOND * seconds))
            took = send(service.port, requests, rest, CONNECTIONS, seconds)
            spent = processor_seconds([service.process.pid]) - before
    server.close()
    return shares(recorded.read_text().splitlines(), INTAKE), spent / took.accepted


def delivery(kind: str, orders: int, folder: Path) -> tuple[dict[str, float], float]:
    """Drain a backlog; return the steps' shares and the seconds of CPU time per order."""
    from draining import database  # noqa: PLC0415  # Beside the other of this name.

    with database(kind, folder) as url:
        environment = environment_of(url, Api().url)
        parts = Parts(load_configuration(environment))
        fill(parts, orders)
        parts.engine.dispose()
        worker = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("draining.py"), "--as-worker"],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            text=True,
        )
        with looking_at(worker.pid, folder / "recorded", 600):
            printed, _ = worker.communicate()
        took = json.loads(printed.splitlines()[-1])
    return shares((folder / "recorded").read_text().splitlines(), DELIVERY), took["cpu"] / took["delivered"]


def show(title: str, found: tuple[dict[str, float], float]) -> None:
    """Print one table."""
    parts, seconds_each = found
    print(f"\n{title}: {seconds_each * 1e6:,.0f} µs of CPU time an order")
    for name, share in parts.items():
        print(f"  {name:<30}{share * seconds_each * 1e6:>8.0f} µs{share:>8.1%}")


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--seconds", type=float, default=8)
    options.add_argument("--orders", type=int, default=10_000)
    options.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    chosen = options.parse_args()
    for kind in chosen.database or ("sqlite", "postgresql"):
        for title, measure, amount in (
            ("from the socket to the commit", intake, chosen.seconds),
            ("from the claim to the mark", delivery, chosen.orders),
        ):
            with tempfile.TemporaryDirectory(prefix="breakdown-", ignore_cleanup_errors=True) as folder:
                Path(folder).chmod(0o755)
                show(f"{kind}, {title}", measure(kind, amount, Path(folder)))


if __name__ == "__main__":
    main()
