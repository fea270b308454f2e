"""How many orders a second the webhook door takes, durably, as a ratio to a Flask route that does nothing.

    PYTHONPATH=tests python tests/benchmarks/intake.py [--rounds 5] [--seconds 3] [--only NAME]

Run by `make bench`. Every variant runs once a round, in turns, under gunicorn on an empty database that writes through
to the disk: first one connection, then 32, every order another one of about 10 kB. What counts is how many are taken
per second of the processors' time, of the service's whole process tree and of PostgreSQL: the load shares the cores.
Nothing here is asserted: a time is a fact about a machine, and tests run on all of them.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from campaigns.databases import PostgreSQL, Server, SQLite
from draining import environment_of
from load import Answered, send, write_requests
from mapping import REPOSITORY, body_of

from adapter.platforms.signature import sign
from adapter.settings import load_settings
from adapter.storage.engine import open_engine
from adapter.storage.migrate import migrate

ROUNDS = 5
SECONDS = 3.0
CONNECTIONS = 32
MOST_A_SECOND = 6_000
"""So many requests are prepared for each second; a run that needs more ends earlier."""
WARM_UP, ALONE = 300, 3_000
TICKS = os.sysconf("SC_CLK_TCK")
SECRET = "a-secret-of-the-benchmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one run of one variant. `per_cpu` is accepted orders per second of processor time; latencies in ms."""

    per_cpu: float
    per_second: float
    p50: float
    p99: float
    alone_p50: float
    refused: int
    memory_mb: float


def order_requests(count: int, body: bytes | None = None, shops: Sequence[str] = ("shopify",)) -> Iterator[bytes]:
    """Yield signed webhooks of Shopify, each of another order, to these shops in turns."""
    start, _, rest = (body or body_of("shopify")).partition(b'"id":')
    end = rest.index(b",")
    for number in range(count):
        order = b'%s"id":%d%s' % (start, 5_839_000_000_000 + number, rest[end:])
        yield request_of(f"/webhooks/{shops[number % len(shops)]}", order, sign(order, SECRET))


def request_of(path: str, body: bytes, signature: bytes) -> bytes:
    """Return the whole HTTP request, with the headers that Shopify sends."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Shopify-Captain-Hook\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX-Shopify-Topic: orders/create\r\n"
        f"X-Shopify-Hmac-Sha256: {signature.decode()}\r\nX-Shopify-Shop-Domain: example.myshopify.com\r\n"
        "X-Shopify-API-Version: 2026-10\r\nX-Shopify-Webhook-Id: b54557e4-bdd9-4b37-8a5f-bf7d70bcd043\r\n"
        "X-Shopify-Triggered-At: 2026-11-02T10:22:34.000000000Z\r\n\r\n"
    )
    return head.encode() + body


def processor_seconds(roots: Sequence[int]) -> float:
    """Return the processor time of these processes and all their descendants, those that have ended included."""
    spent: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            spent[int(entry.name)] = sum(map(int, fields[11:15])) / TICKS
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    family = list(roots)
    for member in family:
        family += children.get(member, [])
    return sum(spent.get(member, 0.0) for member in family)


def memory_of(root: int) -> float:
    """Return the megabytes of this process and its children; what they share counts once."""
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    shares = [Path(f"/proc/{pid}/smaps_rollup").read_text().split("\nPss:")[1].split()[0] for pid in (root, *children)]
    return sum(map(int, shares)) / 1024


class Service:
    """gunicorn, started from these words and this environment, on a free port, with its log in the folder.

    `began` is when, by the monotonic clock; `python` may be that of another environment.
    """

    def __init__(
        self, words: Sequence[str], environment: Mapping[str, str], folder: Path, python: str = sys.executable
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        command = [python, "-m", "gunicorn", *words, "--bind", f"127.0.0.1:{self.port}"]
        self.began = time.monotonic()
        with (folder / "web.log").open("ab") as log:
            path = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{Path(__file__).parent}"}
            self.process = subprocess.Popen(
                command, cwd=folder, env={**path, **environment}, stdout=log, stderr=log, start_new_session=True
            )
        self._wait(folder / "web.log")

    def _wait(self, log: Path) -> None:
        for _ in range(1500):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError(f"the service doesn't start: {log.read_text()[-2000:]}")

    def close(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def bare(folder: Path, server: Server) -> Iterator[tuple[Service, list[int]]]:
    """Start the floor."""
    del server
    words = ("--workers", "2", "--worker-class", "gthread", "--threads", "8", "--keep-alive", "30", "bare:app")
    with closing(Service(words, {}, folder)) as service:
        yield service, []


@contextmanager
def adapter_on(
    url: str,
    folder: Path,
    prepare: Callable[[], None] = lambda: None,
    python: str = sys.executable,
    **settings: str,
) -> Iterator[Service]:
    """Start the adapter on an empty database, or on what `prepare` has put into it."""
    environment = {**environment_of(url, "http://127.0.0.1:9/v1/event"), "EMBEDDED_DELIVERY": "false", **settings}
    engine = open_engine(load_settings({"DATABASE_URL": url, "SECRET_KEY": environment["SECRET_KEY"]}))
    migrate(engine)
    engine.dispose()
    prepare()
    words = ("--config", "python:adapter.server", "adapter.app:create_app()")
    with closing(Service(words, environment, folder, python)) as service:
        yield service


@contextmanager
def on_sqlite(folder: Path, server: Server) -> Iterator[tuple[Service, list[int]]]:
    """Start the adapter on SQLite."""
    del server
    with adapter_on(SQLite(folder).url, folder) as service:
        yield service, []


@contextmanager
def on_postgresql(folder: Path, server: Server) -> Iterator[tuple[Service, list[int]]]:
    """Start the adapter on PostgreSQL, whose processes count too."""
    with closing(PostgreSQL(server)) as database, adapter_on(database.url, folder) as service:
        yield service, [server.pid]


VARIANTS = {"bare Flask route": bare, "adapter, SQLite": on_sqlite, "adapter, PostgreSQL": on_postgresql}


def measure(service: Service, others: Sequence[int], requests: Path, seconds: float) -> Figures:
    """Warm up, send over one connection, then over many."""
    send(service.port, requests, slice(0, WARM_UP), 4, 5)
    alone = send(service.port, requests, slice(WARM_UP, WARM_UP + ALONE), 1, 1)
    roots = [service.process.pid, *others]
    before = processor_seconds(roots)
    rest = slice(WARM_UP + ALONE, WARM_UP + ALONE + int(MOST_A_SECOND * seconds))
    crowd = send(service.port, requests, rest, CONNECTIONS, seconds)
    spent = processor_seconds(roots) - before
    return figures(crowd, alone, spent, memory_of(service.process.pid))


def figures(crowd: Answered, alone: Answered, spent: float, memory_mb: float) -> Figures:
    """Put together what was measured."""
    return Figures(
        per_cpu=crowd.accepted / spent,
        per_second=crowd.accepted / crowd.seconds,
        p50=crowd.latency(0.5) * 1000,
        p99=crowd.latency(0.99) * 1000,
        alone_p50=alone.latency(0.5) * 1000,
        refused=crowd.refused,
        memory_mb=memory_mb,
    )


def run(names: Sequence[str], rounds: int, seconds: float) -> dict[str, list[Figures]]:
    """Run every variant once a round, in turns."""
    found: dict[str, list[Figures]] = {name: [] for name in names}
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="intake-", ignore_cleanup_errors=True)))
        place.chmod(0o755)
        (place / "pg").mkdir()
        server = Server(place / "pg", fsync=True)
        stack.callback(server.close)
        requests = place / "requests"
        write_requests(requests, order_requests(WARM_UP + ALONE + int(MOST_A_SECOND * seconds)))
        for number in range(rounds):
            for name in (*names[number % len(names) :], *names[: number % len(names)]):
                folder = Path(tempfile.mkdtemp(dir=place))
                with VARIANTS[name](folder, server) as (service, others):
                    found[name].append(measure(service, others, requests, seconds))
    return found


def line_of(name: str, runs: Sequence[Figures], floor: Sequence[Figures]) -> str:
    """Return a variant's line: medians, and the ratios to the floor of the same round."""
    rounds = list(zip(runs, floor, strict=True))
    ratios = sorted(run.per_cpu / base.per_cpu for run, base in rounds)
    alone = median(run.alone_p50 / base.alone_p50 for run, base in rounds)
    spread = f"{ratios[0]:.2f} … {ratios[-1]:.2f}"

    def middle(column: str) -> float:
        return median(getattr(run, column) for run in runs)

    return (
        f"{name:<22}{middle('per_cpu'):>12,.0f}{median(ratios):>8.2f}   {spread:<13}{middle('per_second'):>10,.0f}"
        f"{middle('p50'):>9.1f} ms{middle('p99'):>9.1f} ms{middle('alone_p50'):>9.2f} ms{alone:>8.2f}"
        f"{middle('memory_mb'):>8.0f} MB{sum(run.refused for run in runs):>9}"
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--rounds", type=int, default=ROUNDS)
    options.add_argument("--seconds", type=float, default=SECONDS)
    options.add_argument("--only", action="append", choices=list(VARIANTS))
    chosen = options.parse_args()
    names = ["bare Flask route", *(chosen.only or list(VARIANTS)[1:])]
    found = run(names, chosen.rounds, chosen.seconds)
    print(f"orders of {len(next(order_requests(1))):,} bytes, {CONNECTIONS} connections, then alone on one")
    print("ratio: orders per CPU-second, and the median time of one alone, to the bare route of the same round")
    print(
        f"{'':<22}{'per CPU-s':>12}{'ratio':>8}   {'min … max':<13}{'per s':>10}{'p50':>12}{'p99':>12}"
        f"{'alone p50':>12}{'ratio':>8}{'memory':>11}{'refused':>9}"
    )
    for name, runs in found.items():
        print(line_of(name, runs, found["bare Flask route"]))


if __name__ == "__main__":
    main()
