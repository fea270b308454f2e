"""The sandbox on a socket: HTTP/1.1 with keep-alive on 127.0.0.1, one thread per connection."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Event, Lock
from typing import Any, cast
from urllib.parse import parse_qs

from adapter.axon.sandbox.answer import Answer, json_answer
from adapter.axon.sandbox.api import LARGEST_BODY, ConversionApi, EventRequest
from adapter.axon.sandbox.misbehaviour import MisbehaviourRefused, parse_told
from adapter.axon.sandbox.wire import deliver

EVENT_PATH = "/v1/event"
_FORGOTTEN_AT_MOST = 8 * LARGEST_BODY
"""How much of a body that is too large is read and thrown away, so that the client gets to read the 413."""

_CHUNK = 65536


class SandboxServer(ThreadingHTTPServer):
    """Serves one `ConversionApi`; port 0 takes a free one."""

    daemon_threads = True
    # A second sandbox on a port that is taken must fail, not share it (newer Pythons would allow that).
    allow_reuse_port = False
    request_queue_size = 128

    def __init__(self, api: ConversionApi, port: int) -> None:
        self.api = api
        self.stopping = Event()
        self._connections: set[socket.socket] = set()
        self._connections_lock = Lock()
        super().__init__(("127.0.0.1", port), _Exchange)

    def server_bind(self) -> None:
        """Bind without the look-up of the machine's name that `HTTPServer` does, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # As the base has it.
        """Serve the connection in its own thread, and know it so that it can be ended."""
        with self._connections_lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  # As the base has it.
        """Close the connection. The base shuts it down first, and that would send FIN where RST is wanted."""
        with self._connections_lock:
            self._connections.discard(request)
        request.close()

    def end_connections(self) -> None:
        """Wake every connection's thread and let it end."""
        self.stopping.set()
        with self._connections_lock:
            for connection in self._connections:
                _shut(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  # As the base has it.
        """Let a client go away silently: tests do it all the time. Anything else is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # The client was faster.


class _Exchange(BaseHTTPRequestHandler):
    """The requests of one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:  # The base calls it by this name.
        """Answer the two questions about what came."""
        self._route({"/received": self._received, "/received/count": self._count})

    def do_POST(self) -> None:  # The base calls it by this name.
        """Take an event, or an instruction."""
        self._route({EVENT_PATH: self._event, "/reset": self._reset, "/misbehave": self._misbehave})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # The base names it so.
        """Stay silent: what came is to be seen at /received."""

    @property
    def _api(self) -> ConversionApi:
        return self._server.api

    @property
    def _server(self) -> SandboxServer:
        return cast("SandboxServer", self.server)

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _parameter(self, name: str) -> str:
        query = parse_qs(self.path.partition("?")[2], keep_blank_values=True)
        return query.get(name, [""])[0]

    def _route(self, routes: dict[str, Callable[[bytes | None], None]]) -> None:
        length = self._body_length()
        if isinstance(length, Answer):
            self._refuse_framing(length)
            return
        body = self._read(length)
        if body is not None and len(body) < length:
            self.close_connection = True  # The client went away in the middle: nothing came.
            return
        route = routes.get(self._path)
        if route is None:
            self._send(json_answer(404, {"error": "The sandbox has no such route for this method."}))
        else:
            route(body)

    def _body_length(self) -> int | Answer:
        if self.headers.get("Transfer-Encoding"):
            return json_answer(411, {"error": "The sandbox reads bodies with a Content-Length only."})
        written = self.headers.get("Content-Length", "0")
        if not (written.isascii() and written.isdecimal() and len(written) < len(str(2**63))):
            return json_answer(400, {"error": "Content-Length isn't a number."})
        return int(written)

    def _refuse_framing(self, answer: Answer) -> None:
        # Where the next request begins can't be known, so there is none.
        self._send(answer)
        self.close_connection = True

    def _read(self, length: int) -> bytes | None:
        """Return the body, None when it is too large."""
        if length <= LARGEST_BODY:
            return self.rfile.read(length)
        for start in range(0, min(length, _FORGOTTEN_AT_MOST), _CHUNK):
            self.rfile.read(min(_CHUNK, length - start))
        if length > _FORGOTTEN_AT_MOST:
            self.close_connection = True
        return None

    def _event(self, body: bytes | None) -> None:
        key = self.headers.get("Authorization", "")
        answer, fault = self._api.receive(EventRequest(self._parameter("pixel_id"), key, body))
        if not deliver(self.connection, answer, fault, self._server.stopping):
            self.close_connection = True

    def _received(self, _body: bytes | None) -> None:
        since = self._parameter("since") or "0"
        if not (since.isascii() and since.isdecimal() and len(since) < len(str(sys.maxsize))):
            self._send(json_answer(400, {"error": "since is the index of the first event to show, from 0."}))
            return
        self._send(Answer(200, self._api.received(int(since))))

    def _count(self, _body: bytes | None) -> None:
        self._send(json_answer(200, self._api.count()))

    def _reset(self, _body: bytes | None) -> None:
        self._api.reset()
        self._send(json_answer(200, {"forgotten": "everything"}))

    def _misbehave(self, body: bytes | None) -> None:
        try:
            rules = parse_told(body or b"")
        except MisbehaviourRefused as error:
            self._send(json_answer(400, {"error": str(error)}))
            return
        self._api.misbehave(rules)
        self._send(json_answer(200, {"misbehaviours": len(rules)}))

    def _send(self, answer: Answer) -> None:
        self.connection.sendall(b"".join(answer.pieces()))
