"""A flood of clicks, from a process of its own: `python -m campaigns.flood PORT SECONDS SEED CONNECTIONS PACE`.

Every click comes from another one of ten thousand forged addresses and brings four keys that nobody ever had. It
prints as JSON how often which status was answered. PACE is how many are posted a second, 0: as many as are answered.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

_ADDRESSES = 10_000
_KEYS = ("checkout_token", "cart_token", "order_key", "client_id")


def start(port: int, seconds: float, seed: int, connections: int, pace: int = 0) -> subprocess.Popen[str]:
    """Start it."""
    numbers = map(str, (port, seconds, seed, connections, pace))
    command = [sys.executable, "-m", "campaigns.flood", *numbers]
    return subprocess.Popen(command, cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, text=True)


def end_of(flood: subprocess.Popen[str], seconds: float) -> dict[str, int]:
    """Wait for its end; return how often which status was answered, by its digits."""
    said, _ = flood.communicate(timeout=seconds)
    found: dict[str, int] = json.loads(said)
    return found


def _click(random: Random) -> bytes:
    """Return one request, whole: a flood that is made by hand leaves more of the machine to the service."""
    number = random.randrange(_ADDRESSES)
    click: dict[str, Any] = {key: f"{random.getrandbits(96):024x}" for key in _KEYS}
    click |= {"aleid": f"{random.getrandbits(128):032x}", "page_url": "https://shopify.example/?x=" + "y" * 200}
    body = json.dumps(click)
    head = (
        "POST /clicks/shopify HTTP/1.1",
        "Host: 127.0.0.1",
        "Origin: https://shopify.example",
        f"X-Forwarded-For: 10.{number // 250 % 250}.{number % 250}.7",
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join((*head, "", body)).encode()


def _post(port: int, request: bytes) -> str:
    """Send a request on a connection of its own; return the status of the answer, "0" without one."""
    answer = b""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        while part := connection.recv(4096):
            answer += part
    return answer[9:12].decode() or "0"


def _send(port: int, until: float, random: Random, pause: float, answers: Counter[str]) -> None:
    """Post one after another; with a pause, each of them so much later than the one before."""
    due = time.monotonic() + random.random() * pause
    while time.monotonic() < until:
        time.sleep(max(0.0, due - time.monotonic()))
        due += pause
        answers[_post(port, _click(random))] += 1


def main(port: int, seconds: float, seed: int, connections: int, pace: int) -> None:
    """Send over so many connections at a time."""
    until, pause = time.monotonic() + seconds, connections / pace if pace else 0.0
    counts: list[Counter[str]] = [Counter() for _ in range(connections)]
    threads = [
        Thread(target=_send, args=(port, until, Random(seed + place), pause, answers))  # noqa: S311  # Repeatable on purpose.
        for place, answers in enumerate(counts)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(json.dumps(sum(counts, Counter[str]()), sort_keys=True))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:]))
