"""How an order's cost grows with its body, its lines, the number of shops and the number of orders stored before.

    PYTHONPATH=tests python tests/benchmarks/growth.py [--orders 100] [--rounds 3] [--stored 100000] [--only body]
        [--database sqlite|postgresql]

Run by `make bench`. For each case one web process on a database of its own takes orders over one connection, in turns
with the other cases, so that what else the machine does falls on all of them; then a worker sends what was taken. The
CPU time is that of gunicorn, and of PostgreSQL where that stores; of the worker it is its own. Ratios are to the first
case. Each shop has a pixel of its own, so that 500 shops are 500 destinations. Nothing here is asserted: a time is a
fact about a machine, and tests run on all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

from campaigns.databases import Database, PostgreSQL, Server, SQLite, opened
from draining import Api, adding_up, environment_of
from intake import Service, adapter_on, memory_of, order_requests
from mapping import document_of, written
from plans import NUMBERS
from sqlalchemy import text

from adapter.storage.patience import ENDLESS, limited

ORDERS, ROUNDS, WARM_UP = 100, 3, 20
MOST_STORED = 100_000

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LINES = (1, 10, 50, 200)
SHOPS = (1, 10, 100, 500)
STORED = (0, 10_000, 100_000, 1_000_000)

_KEPT = (
    *("id", "token", "created_at", "processed_at", "updated_at", "currency", "presentment_currency", "email"),
    *("financial_status", "total_price_set", "total_tax_set", "source_name", "client_details", "note_attributes"),
    "line_items",
)
_KEPT_OF_A_LINE = ("id", "product_id", "variant_id", "title", "quantity", "price_set", "properties")
"""What an order of 1 kB has left."""

_DELIVERED = """
    INSERT INTO purchases (shop, order_id, state, body_hash, counts, revision, received_at, refreshed_at, due_at,
                           fence, attempts, fixed, first_sent_at, settled_at, changed_uptime)
    SELECT 'shop-0', CAST(i AS text), 'delivered', {hash}, true, 1, {at}, {at}, {at}, 1, 1, true, {at}, {at}, 0
    FROM ({numbers}) AS numbers
"""
_AT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now', (-i) || ' seconds')",
    "postgresql": "now() - i * interval '1 second'",
}
_HASH = {"sqlite": "zeroblob(32)", "postgresql": "decode(repeat('00', 32), 'hex')"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line of the table."""

    name: str
    body: bytes
    shops: int = 1
    stored: int = 0


def order_of(lines: int) -> dict[str, Any]:
    """Return an order of this moment that need not wait for click identifiers."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    document = adding_up("shopify", document_of("shopify", lines))
    stamps = dict.fromkeys(("created_at", "processed_at", "updated_at"), now)
    return {**document, **stamps, "note_attributes": [{"name": "_axon_event_id", "value": "1"}]}


def body_of_size(size: int) -> bytes:
    """Return a body of so many bytes, a little more at 1 kB; it grows as orders of personalised products do."""
    order = {name: value for name, value in order_of(1).items() if name in _KEPT}
    line = {name: value for name, value in order["line_items"][0].items() if name in _KEPT_OF_A_LINE}
    order = adding_up("shopify", {**order, "shipping_lines": [], "line_items": [line]})
    missing = size - len(written(order))
    line["properties"] = [
        {"name": f"engraving {number}", "value": "with love, from all of us " * 2} for number in range(missing // 91)
    ]
    return written(order)


def cases_by_name(most_stored: int) -> Mapping[str, Sequence[Case]]:
    """Return what grows, and in which steps."""
    usual = written(order_of(5))
    stored = (*(count for count in STORED if count < most_stored), most_stored)
    return {
        "body": [Case(name=f"body of {size // 1000:,} kB", body=body_of_size(size)) for size in SIZES],
        "lines": [Case(name=f"{lines} lines", body=written(order_of(lines))) for lines in LINES],
        "shops": [Case(name=f"{shops} shops", body=usual, shops=shops) for shops in SHOPS],
        "stored": [Case(name=f"{count:,} stored", body=usual, stored=count) for count in stored],
    }


def write_mappings(folder: Path, count: int) -> list[str]:
    """Write the files of so many shops; return their names."""
    folder.mkdir()
    names = [f"shop-{number}" for number in range(count)]
    for number, name in enumerate(names):
        pixel_id = f"00000000-0000-4000-8000-{number:012}"
        (folder / f"{name}.toml").write_text(f'extends = "shopify"\n[axon]\npixel_id = "{pixel_id}"\n')
    return names


def store_delivered(database: Database, count: int) -> None:
    """Put so many delivered orders into the ledger, one a second, whose bodies were purged."""
    kind = database.name
    statement = _DELIVERED.format(hash=_HASH[kind], at=_AT[kind], numbers=NUMBERS[kind])
    with opened(database) as engine, limited(ENDLESS) as limit:
        limit.answer = inf
        if count:
            with engine.begin() as connection:
                connection.execute(text("SET LOCAL statement_timeout = 0" if kind == "postgresql" else "SELECT 1"))
                connection.execute(text(statement), {"rows": count})
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for upkeep in _UPKEEP[kind]:
                connection.execute(text(upkeep))


_UPKEEP = {
    "sqlite": ("ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"),
    "postgresql": ("SET statement_timeout = 0", "VACUUM ANALYZE purchases", "CHECKPOINT"),
}
"""What is to be done before the clock runs, and would else be done some time later."""


def busy_seconds(roots: Sequence[int]) -> float:
    """Return the processor time of these processes and their children, to the nanosecond, as long as they live."""
    total = 0
    for root in roots:
        children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
        for thread in (place for pid in (root, *children) for place in Path(f"/proc/{pid}/task").iterdir()):
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def one_by_one(port: int, requests: Iterator[bytes]) -> list[float]:
    """Send each when the one before was answered, over one connection; return the seconds that each took."""
    times: list[float] = []
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            began = time.perf_counter()
            connection.sendall(request)
            answer = connection.recv(65536)
            times.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"an order wasn't taken: {answer!r}")
    return times


@dataclass(kw_only=True)
class Trial:
    """A case on a database, with its web process."""

    case: Case
    service: Service
    roots: Sequence[int]
    requests: Iterator[bytes]
    environment: Mapping[str, str]
    start: float = 0.0
    taken: int = 0
    times: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def warm_up(self) -> None:
        """Send the first orders: the first of all tells how long the start took."""
        one_by_one(self.service.port, islice(self.requests, 1))
        self.start = time.monotonic() - self.service.began
        one_by_one(self.service.port, islice(self.requests, WARM_UP))
        self.taken += 1 + WARM_UP

    def take(self, orders: int) -> None:
        """Send so many orders."""
        before = busy_seconds(self.roots)
        self.times += one_by_one(self.service.port, islice(self.requests, orders))
        self.cpu.append((busy_seconds(self.roots) - before) / orders)
        self.taken += orders

    def send_on(self) -> float:
        """Let a worker of its own deliver what was taken; return its seconds of CPU time for each order."""
        printed = subprocess.run(
            [sys.executable, Path(__file__).with_name("draining.py"), "--as-worker"],
            env={**os.environ, **self.environment},
            check=True,
            capture_output=True,
            text=True,
        )
        took = json.loads(printed.stdout.splitlines()[-1])
        sent = int(took["delivered"])  # The stored ones were never counted.
        if sent != self.taken:
            raise RuntimeError(f"{sent} of {self.taken} orders were delivered")
        return float(took["cpu"]) / sent


@contextmanager
def trial(case: Case, orders: int, folder: Path, server: Server | None) -> Iterator[Trial]:
    """Start the web process of a case, on a database that is as the case wants it."""
    database: Database = SQLite(folder) if server is None else PostgreSQL(server)
    names = write_mappings(folder / "mappings", case.shops)
    settings = {"MAPPINGS_DIR": str(folder / "mappings"), "WEB_CONCURRENCY": "1"}
    with adapter_on(
        database.url, folder, prepare=lambda: store_delivered(database, case.stored), **settings
    ) as service:
        roots = [service.process.pid] if server is None else [service.process.pid, server.pid]
        yield Trial(
            case=case,
            service=service,
            roots=roots,
            requests=order_requests(1 + WARM_UP + orders, case.body, names),
            environment={**environment_of(database.url, Api().url), **settings},
        )
    database.close()


def measure(cases: Sequence[Case], orders: int, rounds: int, server: Server | None) -> None:
    """Run all cases in turns, and print their lines."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="growth-", ignore_cleanup_errors=True)))
        trials: list[Trial] = []
        for case in cases:
            folder = Path(tempfile.mkdtemp(dir=place))
            trials.append(stack.enter_context(trial(case, orders * rounds, folder, server)))
            trials[-1].warm_up()
        for number in range(rounds):
            for each in (*trials[number % len(trials) :], *trials[: number % len(trials)]):
                each.take(orders)
        sending = [each.send_on() for each in trials]
        for each, sent in zip(trials, sending, strict=True):
            print(line_of(each, trials[0], sent, sending[0]), flush=True)


def line_of(own: Trial, first: Trial, sending: float, first_sending: float) -> str:
    """Return the line of a case."""
    cpu, times = median(own.cpu), sorted(own.times)
    database = "sqlite" if len(own.roots) == 1 else "postgresql"
    return (
        f"{own.case.name:<17}{database:<12}{own.start:>6.2f} s{memory_of(own.service.process.pid):>7.0f} MB"
        f"{cpu * 1e6:>10,.0f} µs{cpu / median(first.cpu):>8.2f}{times[len(times) // 2] * 1000:>9.1f} ms"
        f"{times[int(len(times) * 0.99)] * 1000:>9.1f} ms{sending * 1e6:>10,.0f} µs{sending / first_sending:>8.2f}"
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--orders", type=int, default=ORDERS, help="so many a case and round")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--stored", type=int, default=MOST_STORED, help="the largest ledger")
    options.add_argument("--only", action="append", choices=("body", "lines", "shops", "stored"))
    options.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    chosen = options.parse_args()
    print("CPU time of one order, taken over one connection by one web process, then sent by a worker")
    print(
        f"{'':<17}{'database':<12}{'start':>8}{'memory':>10}{'taking':>13}{'ratio':>8}{'p50':>12}{'p99':>12}"
        f"{'sending':>13}{'ratio':>8}"
    )
    for name, cases in cases_by_name(chosen.stored).items():
        if name in (chosen.only or (name,)):
            for kind in chosen.database or ("sqlite", "postgresql"):
                on(kind, lambda server, cases=cases: measure(cases, chosen.orders, chosen.rounds, server))


def on(kind: str, measuring: Callable[[Server | None], None]) -> None:
    """Measure on a PostgreSQL of its own, or without one on SQLite."""
    if kind == "sqlite":
        measuring(None)
        return
    with tempfile.TemporaryDirectory(prefix="growth-pg-", ignore_cleanup_errors=True) as path:
        folder = Path(path)
        folder.chmod(0o755)
        (folder / "pg").mkdir()
        server = Server(folder / "pg", fsync=True)
        try:
            measuring(server)
        finally:
            server.close()


if __name__ == "__main__":
    main()
