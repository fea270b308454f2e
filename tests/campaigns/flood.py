"""A flood of clicks, from a process of its own: `python -m campaigns.flood PORT SECONDS SEED CONNECTIONS`.

Every click comes from another one of ten thousand forged addresses and brings four keys that nobody ever had. It
prints as JSON how often which status was answered, and how many keys there were.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

from campaigns.driver import post

_ADDRESSES = 10_000
_KEYS = ("checkout_token", "cart_token", "order_key", "client_id")


def start(port: int, seconds: float, seed: int, connections: int) -> subprocess.Popen[str]:
    """Start it."""
    command = [sys.executable, "-m", "campaigns.flood", str(port), str(seconds), str(seed), str(connections)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True)


def end_of(flood: subprocess.Popen[str], seconds: float) -> dict[str, int]:
    """Wait for its end; return how often which status was answered, by its digits."""
    said, _ = flood.communicate(timeout=seconds)
    found: dict[str, int] = json.loads(said)
    return found


def _click(random: Random) -> tuple[bytes, dict[str, str]]:
    number = random.randrange(_ADDRESSES)
    body: dict[str, Any] = {key: f"{random.getrandbits(96):024x}" for key in _KEYS}
    body |= {"aleid": f"{random.getrandbits(128):032x}", "page_url": "https://shopify.example/?x=" + "y" * 200}
    headers = {
        "Content-Type": "text/plain",
        "Origin": "https://shopify.example",
        "X-Forwarded-For": f"10.{number // 250 % 250}.{number % 250}.7",
    }
    return json.dumps(body).encode(), headers


def _send(port: int, until: float, random: Random, answers: Counter[int]) -> None:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        while time.monotonic() < until:
            status, _ = post(connection, "/clicks/shopify", *_click(random))
            answers[status] += 1
            if status != 204:
                connection.close()


def main(port: int, seconds: float, seed: int, connections: int) -> None:
    """Send as fast as so many connections can."""
    until = time.monotonic() + seconds
    counts: list[Counter[int]] = [Counter() for _ in range(connections)]
    threads = [
        Thread(target=_send, args=(port, until, Random(seed + place), answers))  # noqa: S311  # Repeatable on purpose.
        for place, answers in enumerate(counts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers = sum(counts, Counter[int]())
    sys.stdout.write(json.dumps({str(status): count for status, count in sorted(answers.items())}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
