"""How long an order takes on an idle system, from the first byte of its webhook to its arrival at the Conversion API.

    PYTHONPATH=tests python tests/benchmarks/latency.py [--orders 200] [--database sqlite|postgresql]

Run by `make bench`. Orders come one at a time, at random moments, with their click identifiers, so that nothing is
held. gunicorn, the worker and the API are processes of their own; the API notes when it has read a whole request.
Nothing here is asserted: a time is a fact about a machine, and tests run on all of them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from campaigns.databases import Database, PostgreSQL, Server, SQLite
from campaigns.driver import post_once
from campaigns.nursery import Nursery
from campaigns.orders import PIXELS
from campaigns.world import World

ORDERS = 200
LONGEST_PAUSE = 0.5
"""Seconds between two orders; the mean is half of it."""


def seconds_each(world: World, orders: int) -> list[float]:
    """Send so many orders one by one; return for each one, sorted, the seconds until the API had it."""
    sent_at: dict[tuple[str, str], float] = {}
    for order in world.orders.many(orders):
        time.sleep(world.random.uniform(0, LONGEST_PAUSE))
        sent_at[PIXELS[order.shop], order.id] = time.time()
        if post_once(world.port, order) != 200:
            raise RuntimeError("the service didn't take an order")
    world.come_to_rest()
    arrived_at = {event.key: batch.at for batch in world.received() for event in batch.events}
    return sorted(arrived_at[key] - at for key, at in sent_at.items())


@contextmanager
def database(name: str, folder: Path) -> Iterator[Database]:
    """Yield an empty database that writes through to the disk."""
    if name == "sqlite":
        yield SQLite(folder)
        return
    with closing(Server(folder, fsync=True)) as server, closing(PostgreSQL(server)) as found:
        yield found


def measure(name: str, orders: int, *, embedded: bool) -> None:
    """Start everything on an empty database, and print the line."""
    with tempfile.TemporaryDirectory(prefix="latency-", ignore_cleanup_errors=True) as path:
        folder = Path(path)
        folder.chmod(0o755)
        nursery = Nursery(folder)
        with database(name, folder) as empty, World(folder, empty, 1, nursery) as world:
            world.start_web(EMBEDDED_DELIVERY=str(embedded).lower())
            if not embedded:
                world.start_worker()
            times = seconds_each(world, orders)
        nursery.close()
    shown = "".join(f"{times[int(len(times) * share)] * 1000:>8.0f} ms" for share in (0.5, 0.9, 0.99))
    print(f"{name:<12}{'inside web' if embedded else 'a worker':<14}{orders:>8}{shown}{times[-1] * 1000:>8.0f} ms")


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--orders", type=int, default=ORDERS)
    options.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    chosen = options.parse_args()
    print("from the webhook to the Conversion API, one order at a time, nothing held")
    print(f"{'database':<12}{'delivery':<14}{'orders':>8}{'p50':>11}{'p90':>11}{'p99':>11}{'longest':>11}")
    for name in chosen.database or ("sqlite", "postgresql"):
        for embedded in (False, True):
            measure(name, chosen.orders, embedded=embedded)


if __name__ == "__main__":
    main()
