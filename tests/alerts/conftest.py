"""Receivers of alerts on this machine: a webhook and a mail server, whole or broken."""

from __future__ import annotations

import socketserver
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest


class HookServer(ThreadingHTTPServer):
    """Answers posts with `status`, or drips an answer that never ends; keeps the headers and bodies that came."""

    status: int | str = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posted)
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hooks/secret-path"


class _Posted(BaseHTTPRequestHandler):
    server: HookServer

    def do_POST(self) -> None:
        """Keep the request and answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        if self.server.status == "drips":
            return self._drip()
        self.send_response(int(self.server.status))
        self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()
        return None

    def _drip(self) -> None:
        with suppress(OSError):
            for character in "HTTP/1.1 200 OK\r\n" + "X" * 500:
                self.wfile.write(character.encode())
                sleep(0.05)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


class MailServer(socketserver.ThreadingTCPServer):
    """Speaks as much SMTP as a client needs; `greeting` may drip. Keeps what it was told, and the mails.

    With `tls` it speaks TLS: from the start, or after STARTTLS.
    """

    allow_reuse_address = True
    daemon_threads = True
    greeting = "220 here"
    tls: ssl.SSLContext | None = None
    tls_from_the_start = False
    answers: dict[str, str]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.said: list[str] = []
        self.mails: list[str] = []
        self.answers = {}
        self.port: int = self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client go away silently: these tests let it. Anything else is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Talk(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        """Answer each command until the client goes."""
        if self.server.tls_from_the_start:
            self._speak_tls()
        if self.server.greeting == "drips":
            return self._drip()
        self._answer(self.server.greeting)
        while line := self.rfile.readline():
            words = line.decode().strip()
            self.server.said.append(words)
            self._answer(self._answer_to(words))
            if words == "STARTTLS":
                self._speak_tls()
        return None

    def _speak_tls(self) -> None:
        assert self.server.tls is not None
        self.finish()
        self.connection = self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)

    def _answer_to(self, words: str) -> str:
        verb = words.split(" ", maxsplit=1)[0].upper()
        if verb in self.server.answers:
            return self.server.answers[verb]
        if verb != "DATA":
            return {"EHLO": self._abilities(), "AUTH": "235 yes", "STARTTLS": "220 go on"}.get(verb, "250 yes")
        self._answer("354 go on")
        mail = b""
        while not mail.endswith(b"\r\n.\r\n"):
            mail += self.rfile.readline()
        self.server.mails.append(mail.decode())
        return "250 taken"

    def finish(self) -> None:
        """Close what TLS was put around."""
        super().finish()
        if isinstance(self.request, ssl.SSLSocket):
            self.request.close()

    def _abilities(self) -> str:
        is_clear = self.server.tls is not None and not isinstance(self.request, ssl.SSLSocket)
        return "250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN" if is_clear else "250-here\r\n250 AUTH PLAIN"

    def _answer(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())

    def _drip(self) -> None:
        with suppress(OSError):
            for _ in range(500):
                self.wfile.write(b"2")
                sleep(0.05)


def _serving(server: Any) -> Iterator[Any]:
    thread = Thread(target=lambda: server.serve_forever(poll_interval=0.01))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hook_server() -> Iterator[HookServer]:
    """Yield a webhook that is listened to."""
    yield from _serving(HookServer())


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Yield a mail server."""
    yield from _serving(MailServer())


@pytest.fixture
def timed() -> Callable[[Callable[[], object]], float]:
    """Return what calls something, whatever it raises, and tells how many seconds it took."""

    def run(work: Callable[[], object]) -> float:
        started = monotonic()
        with suppress(Exception):
            work()
        return monotonic() - started

    return run
