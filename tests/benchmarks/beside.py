"""How long a steady flow of orders waits while the same process delivers a backlog, and how much it is when idle.

    PYTHONPATH=tests python tests/benchmarks/beside.py [--orders 2000] [--database sqlite|postgresql] [--python PATH]

Run by `make bench`. One web process with EMBEDDED_DELIVERY: first on an empty database, from its start to the first
order that is answered 200, and its memory when it rests, before an order, after it and after some hundred; then with a
backlog, which it sends to a server here while 50 orders a second come in, until the backlog is gone; the pause is the
longest between two of its requests. The README's megabytes are those in an environment of requirements.txt alone, as a
host makes it: --python names its Python, and no library is shared with this process then.
Nothing here is asserted: a time is a fact about a machine, and tests run on all of them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from campaigns.databases import Database
from draining import Api, environment_of, fill
from growth import order_of
from intake import Service, adapter_on, memory_of, order_requests
from latency import database
from load import Answered
from mapping import written
from steady import post, post_steadily

from adapter.wiring import Parts, load_configuration

ORDERS, PER_SECOND = 2_000, 50
SOME = 300
IDLE_SECONDS = 3
MOST_SECONDS = 3_600
ONE_PROCESS = {"EMBEDDED_DELIVERY": "true", "WEB_CONCURRENCY": "1"}


def idle(ledger: Database, folder: Path, python: str) -> tuple[float, Sequence[float]]:
    """Return the seconds from the start to the first 200, and the megabytes at rest before and after orders."""
    requests = order_requests(1 + SOME, written(order_of(5)))
    with adapter_on(ledger.url, folder, python=python, AXON_API_URL=Api().url, **ONE_PROCESS) as service:
        before = _at_rest(service)
        post(service.port, next(requests), time.monotonic())
        after_one = _at_rest(service)
        count = iter(range(SOME))
        post_steadily(service.port, requests, PER_SECOND, lambda: next(count, None) is not None)
        memory = (before, after_one, _at_rest(service))
    with adapter_on(ledger.url, folder, python=python, AXON_API_URL=Api().url, **ONE_PROCESS) as service:
        post(service.port, next(order_requests(1, written(order_of(5)))), service.began)
        return time.monotonic() - service.began, memory


def _at_rest(service: Service) -> float:
    time.sleep(IDLE_SECONDS)
    return memory_of(service.process.pid)


def backlog(ledger: Database, orders: int) -> None:
    """Store so many orders that are due."""
    parts = Parts(load_configuration(environment_of(ledger.url, Api().url)))
    fill(parts, orders)
    parts.engine.dispose()


def both(ledger: Database, folder: Path, orders: int, python: str) -> tuple[Answered, Api, float]:
    """Take orders until the backlog is delivered; return what came of them, the API, and the process's megabytes."""
    api = Api()
    ends_at = time.monotonic() + MOST_SECONDS
    requests = order_requests(MOST_SECONDS * PER_SECOND, written(order_of(5)))
    with adapter_on(
        ledger.url,
        folder,
        prepare=lambda: backlog(ledger, orders),
        python=python,
        AXON_API_URL=api.url,
        **ONE_PROCESS,
    ) as service:
        post(service.port, next(requests), service.began)  # It is answered when the process has started.
        answered = post_steadily(
            service.port, requests, PER_SECOND, lambda: api.events < orders and time.monotonic() < ends_at
        )
        return answered, api, memory_of(service.process.pid)


def longest_pause(moments: Sequence[float]) -> float:
    """Return the longest time between two requests."""
    return max((later - earlier for earlier, later in pairwise(moments)), default=0.0)


def measure(ledger: Database, folder: Path, orders: int, python: str) -> None:
    """Print the line of this database."""
    start, idle_mb = idle(ledger, folder, python)
    answered, api, memory_mb = both(ledger, folder, orders, python)
    shown = "".join(f"{answered.latency(share) * 1000:>8.0f} ms" for share in (0.5, 0.99, 1))
    at_rest = "/".join(f"{mb:.0f}" for mb in idle_mb)
    pause = longest_pause(api.came_at)
    print(
        f"{ledger.name:<12}{start:>8.2f} s{at_rest:>15} MB{answered.accepted:>9,}{answered.refused:>9}{shown}"
        f"{api.events:>12,}{api.events / answered.seconds:>8,.0f}{pause:>9.2f} s{memory_mb:>8.0f} MB"
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--orders", type=int, default=ORDERS, help="so many are delivered meanwhile")
    options.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    options.add_argument("--python", default=sys.executable, help="the service runs in this one's environment")
    chosen = options.parse_args()
    print(
        f"one process at rest before an order, after one and after {SOME}; "
        f"then it takes {PER_SECOND} orders a second while it delivers {chosen.orders:,}"
    )
    print(
        f"{'':<12}{'start':>10}{'at rest':>18}{'taken':>9}{'not 200':>9}{'p50':>11}{'p99':>11}{'slowest':>11}"
        f"{'delivered':>12}{'per s':>8}{'pause':>11}{'memory':>11}"
    )
    for kind in chosen.database or ("sqlite", "postgresql"):
        with tempfile.TemporaryDirectory(prefix="beside-", ignore_cleanup_errors=True) as path:
            folder = Path(path)
            folder.chmod(0o755)
            with database(kind, folder) as empty:
                measure(empty, folder, chosen.orders, chosen.python)


if __name__ == "__main__":
    main()
