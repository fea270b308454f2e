"""A Conversion API as a process of its own, written from AppLovin's page and not from this project's code.

The nursery starts it as `fake_api FOLDER FD`; FD is a listening socket. Every batch is written to
FOLDER/received.jsonl and synced to disk before it is answered, so that no kill of anything hides what has arrived.
A batch is all or nothing: one bad event drops it.

FOLDER/plan.json is a list of rules, read anew whenever it changes; the first that fits a batch decides on it.
When it fits:   batches [first, last] in the order of arrival from 1, share (0 to 1, drawn from `seed` and the batch's
                number), containing (a text that stands in the body), pixel.
What it does:   status (default: 200, when the batch is valid), headers, body, delay (seconds before the answer),
                ending: "whole" (default), "never" (no answer at all; the batch counts as the status says),
                "reset" (a TCP reset after `bytes` of the answer), "cut" (a proper end after `bytes`),
                "drip" (`bytes` at a time, one each `every` seconds), "flood" (a body of `bytes`, as fast as it goes).
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

MOST_EVENTS = 100
_IDENTIFIERS = ("client_id", "axwrt", "alart", "user_id", "email", "phone")
_REQUIRED = {"data": dict, "event_source_url": str, "event_time": int, "name": str, "user_data": dict}
_REQUIRED_OF_USER = ("client_ip_address", "client_user_agent", "esi")
_REQUIRED_OF_PURCHASE = {"currency": str, "value": Decimal, "transaction_id": str, "items": list}
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized"}


@dataclass(slots=True)
class Event:
    """One event of a batch: what is written down of it."""

    raw: bytes
    parsed: dict[str, Any]

    def entry(self) -> dict[str, Any]:
        """Return its line in the ledger."""
        sale = self.parsed.get("data", {})
        return {
            "id": self.parsed.get("dedupe_id"),
            "sha256": hashlib.sha256(self.raw).hexdigest(),
            "value": str(sale.get("value")),
            "currency": sale.get("currency"),
        }


def read_events(body: bytes) -> list[Event]:
    """Return the events of a request body, each with its own bytes; raise ValueError when it is no batch."""
    text = body.decode()
    start = text.index("[") + 1
    if text[: start - 1].strip() not in ("", '{"events":'):
        raise ValueError("neither a list nor an object with events")
    decoder = json.JSONDecoder(parse_float=Decimal)
    events: list[Event] = []
    while text[start] != "]":
        parsed, end = decoder.raw_decode(text, start)
        events.append(Event(text[start:end].encode(), parsed))
        start = end + (text[end] == ",")
    return events


def problem_of(event: dict[str, Any]) -> str | None:
    """Return what the page doesn't allow in an event."""
    for name, kind in _REQUIRED.items():
        if not isinstance(event.get(name), kind):
            return f"{name} is missing or of another type"
    user, sale = event["user_data"], event["data"]
    missing = [name for name in _REQUIRED_OF_USER if not user.get(name)]
    missing += [
        name
        for name, kind in _REQUIRED_OF_PURCHASE.items()
        if not isinstance(sale.get(name), kind) and not (kind is Decimal and isinstance(sale.get(name), int))
    ]
    if missing:
        return f"{missing[0]} is missing or of another type"
    return None if any(user.get(name) for name in _IDENTIFIERS) else "no identifier"


class Plan:
    """The rules of plan.json."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed
        self._stamp = 0
        self._rules: list[dict[str, Any]] = []

    def rule(self, batch: int, pixel: str, body: bytes) -> dict[str, Any]:
        """Return the first rule that fits, or an empty one."""
        stamp = self._path.stat().st_mtime_ns
        if stamp != self._stamp:
            self._rules, self._stamp = json.loads(self._path.read_text()), stamp
        return next((rule for rule in self._rules if self._fits(rule, batch, pixel, body)), {})

    def _fits(self, rule: dict[str, Any], batch: int, pixel: str, body: bytes) -> bool:
        first, last = rule.get("batches", (1, sys.maxsize))
        return (
            first <= batch <= last
            and rule.get("pixel", pixel) == pixel
            and rule.get("containing", "").encode() in body
            and Random(f"{self._seed} {batch}").random() < rule.get("share", 1)  # noqa: S311  # Repeatable on purpose.
        )


class Api(ThreadingHTTPServer):
    """The server, on a socket that listens already."""

    daemon_threads = True

    def __init__(self, folder: Path, listening: socket.socket, keys: dict[str, str], seed: int) -> None:
        super().__init__(listening.getsockname(), Answering, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.keys = keys
        self.plan = Plan(folder / "plan.json", seed)
        self._ledger = os.open(folder / "received.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._lock = Lock()
        self._batches = 0

    def next_batch(self) -> int:
        """Return the number of a batch that just came in."""
        with self._lock:
            self._batches += 1
            return self._batches

    def write(self, entry: dict[str, Any], *, synced: bool) -> None:
        """Append a line to the ledger; when `synced` it is on disk afterwards."""
        line = json.dumps({"at": time.time(), **entry}).encode() + b"\n"
        with self._lock:
            os.write(self._ledger, line)
        if synced:
            os.fsync(self._ledger)


class Answering(BaseHTTPRequestHandler):
    """One connection."""

    server: Api
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Take a batch: decide, write it down, answer."""
        body = self.rfile.read(int(self.headers["content-length"]))
        pixel = parse_qs(urlsplit(self.path).query).get("pixel_id", [""])[0]
        batch = self.server.next_batch()
        rule = self.server.plan.rule(batch, pixel, body)
        events, problem = self._judge(pixel, body)
        status = rule.get("status") or (200 if problem is None else 401 if problem == "key" else 400)
        entry = {
            "batch": batch,
            "pixel": pixel,
            "status": status,
            "processed": status == 200 and problem is None,
            "problem": problem,
            "ending": rule.get("ending", "whole"),
            "events": [event.entry() for event in events],
        }
        self.server.write(entry, synced=True)
        time.sleep(rule.get("delay", 0))
        if self._answer(status, rule):
            self.server.write({"finished": batch}, synced=False)

    def _judge(self, pixel: str, body: bytes) -> tuple[list[Event], str | None]:
        try:
            events = read_events(body)
        except (ValueError, IndexError) as error:
            return [], f"no batch: {type(error).__name__}"
        if self.server.keys.get(pixel) != self.headers["authorization"]:
            return events, "key"
        if not 1 <= len(events) <= MOST_EVENTS:
            return events, f"{len(events)} events"
        return events, next((found for event in events if (found := problem_of(event.parsed))), None)

    def _answer(self, status: int, rule: dict[str, Any]) -> bool:
        """Answer as the rule says; return whether the whole answer was sent."""
        ending, count = rule.get("ending", "whole"), rule.get("bytes", 0)
        body = rule.get("body", "").encode()
        if ending == "flood":
            return self._flood(status, rule, count)
        headers = {"Content-Length": len(body), **rule.get("headers", {})}
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Answer')}", *(f"{k}: {v}" for k, v in headers.items())]
        answer = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        if ending == "whole":
            with suppress(OSError):
                self.wfile.write(answer)
                return True
            return False
        self.close_connection = True
        if ending == "never":
            return self._wait_for_the_end()
        if ending == "drip":
            return self._drip(answer, count or 1, rule.get("every", 1.0))
        self.wfile.write(answer[:count])
        if ending == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
        return False

    def _wait_for_the_end(self) -> bool:
        with suppress(OSError):
            while self.connection.recv(1024):
                continue
        return False

    def _drip(self, answer: bytes, count: int, every: float) -> bool:
        with suppress(OSError):
            for start in range(0, len(answer), count):
                self.wfile.write(answer[start : start + count])
                time.sleep(every)
            return True
        return False

    def _flood(self, status: int, rule: dict[str, Any], count: int) -> bool:
        self.close_connection = True
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Answer')}", f"Content-Length: {count}"]
        lines += [f"{name}: {value}" for name, value in rule.get("headers", {}).items()]
        with suppress(OSError):
            self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n")
            for _ in range(0, count, 65536):
                self.wfile.write(b"\0" * 65536)
        return False

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until killed."""
    folder, listening = Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))
    keys = json.loads((folder / "keys.json").read_text())
    Api(folder, listening, keys["pixels"], keys["seed"]).serve_forever(0.05)
