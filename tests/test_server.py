"""gunicorn's settings: what is checked before the port opens, and what only a real server shows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from adapter.axon.sandbox import Sandbox
from adapter.errors import ConfigurationRefused, Problem
from adapter.storage.arrivals import Receipt
from adapter.tally import Tally
from adapter.wiring import Parts, load_configuration

ROOT = Path(__file__).parents[1]
SECRET = "Wq7Zx4Jk9Vb2Nm5Rt8Yp"
MOST = 2 * 1024 * 1024
SHOPS = {
    "MAPPINGS_DIR": str(ROOT / "mappings"),
    "WOOCOMMERCE_WEBHOOK_SECRET": SECRET,
    "WOOCOMMERCE_SITE_URL": "https://woo.example",
}
ARBITER: Any = SimpleNamespace(app=SimpleNamespace(wsgi=lambda: None))
"""As much of gunicorn's as our hooks use."""


# In this process: the module and its hooks.


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Return what reads gunicorn's settings anew with these variables, as gunicorn does at its start.

    All but the exchange of the threads, which would last for the other tests of this process.
    """
    monkeypatch.setitem(sys.modules, "adapter.cooperation", ModuleType("adapter.cooperation"))

    def loaded(**changes: str) -> ModuleType:
        for name, value in {**SHOPS, "DATABASE_URL": f"sqlite:///{tmp_path}/a.db", **changes}.items():
            monkeypatch.setenv(name, value)
        sys.modules.pop("adapter.server", None)
        module = importlib.import_module("adapter.server")
        monkeypatch.setattr(module, "configure_logs", lambda _level: None)
        return module

    yield loaded
    sys.modules.pop("adapter.server", None)
    structlog.reset_defaults()


def test_settings(load: Callable[..., ModuleType]) -> None:
    """Port and processes come from the environment; nobody's headers are trusted, no control socket is opened."""
    server = load(PORT="8123", WEB_CONCURRENCY="3")
    assert (["0.0.0.0:8123"], 3, "adapter.web.connections.PunctualWorker") == (
        server.bind,
        server.workers,
        server.worker_class,
    )
    assert ("", "", True) == (server.forwarded_allow_ips, server.forwarder_headers, server.control_socket_disable)
    assert 25 == server.graceful_timeout


def test_every_problem_is_listed(
    load: Callable[..., ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Problems of settings and mapping files are listed together, one a line, with exit 1."""
    (tmp_path / "acme.toml").write_text('extends = "shopify"\n[orders]\ncount = "sold"\n')
    with pytest.raises(SystemExit) as ended:
        load(PORT="none", LOG_LEVEL="loud", MAPPINGS_DIR=str(tmp_path))
    shown = capsys.readouterr().err.splitlines()
    assert 1 == ended.value.code
    assert ["PORT", "LOG_LEVEL"] == [line.partition(":")[0] for line in shown[:2]]
    assert "acme.toml: orders.count: " in shown[2]
    assert 3 == len(shown)


def test_no_shop_is_on(load: Callable[..., ModuleType], capsys: pytest.CaptureFixture[str]) -> None:
    """Without any shop that is on nothing starts."""
    with pytest.raises(SystemExit) as ended:
        load(WOOCOMMERCE_WEBHOOK_SECRET="")
    expected = "no shop is on: set the webhook secret of one; `adapter check` lists what is missing\n"
    assert (1, expected) == (ended.value.code, capsys.readouterr().err)


def test_starting(load: Callable[..., ModuleType], tmp_path: Path) -> None:
    """At start the shops and notices are logged, the key is made and the SQLite file brought up to date."""
    server = load(SECRET_KEY="short")
    with capture_logs() as logs:
        server.on_starting(ARBITER)
    assert [("setting", None), ("shop", False), ("shop", True)] == [(line["event"], line.get("on")) for line in logs]
    assert (tmp_path / "a.db").stat().st_size > 0


def test_a_new_file_is_migrated(load: Callable[..., ModuleType], monkeypatch: pytest.MonkeyPatch) -> None:
    """What migrates is loaded for a new SQLite file, and no more for one that is at its newest schema."""
    server = load()
    loaded = [_loads_migrations(server, monkeypatch) for _ in range(2)]
    assert [True, False] == loaded


def _loads_migrations(server: ModuleType, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.delitem(sys.modules, "adapter.storage.migrate", raising=False)
    with capture_logs():
        server.on_starting(ARBITER)
    return "adapter.storage.migrate" in sys.modules


def test_a_mapping_file_that_breaks_at_the_start(
    load: Callable[..., ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    """One that was good a moment ago, when it was checked, is told as any other problem: a line and exit 1."""
    server = load()

    def make() -> None:
        raise ConfigurationRefused([Problem("acme.toml", "orders", "isn't known", "leave it out")])

    with capture_logs(), pytest.raises(SystemExit) as ended:
        server.on_starting(SimpleNamespace(app=SimpleNamespace(wsgi=make)))
    shown = capsys.readouterr().err
    assert (1, 1) == (ended.value.code, shown.count("\n"))
    assert "acme.toml: orders: isn't known" in shown


def test_starting_with_another_secret(
    load: Callable[..., ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A secret that opens nothing of what is stored ends the start with one line and 1, before the port opens."""
    server = load(SECRET_KEY="x" * 32)
    parts = Parts(server._checked)
    with capture_logs(), closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        server.on_starting(ARBITER)
        parts.purchases.receive([Receipt(shop="woocommerce", order_id="1", body=b"{}")], datetime.now(UTC))
        parts.engine.dispose()
        connection.execute("UPDATE purchases SET body = CAST(X'00000000' || body AS BLOB)")
        connection.commit()
        with pytest.raises(SystemExit) as ended:
            server.on_starting(ARBITER)
    shown = capsys.readouterr().err
    assert (1, 1) == (ended.value.code, shown.count("\n"))
    assert shown.startswith("SECRET_KEY: opens 1 of the oldest and newest stored values not")


def test_starting_beside_postgresql(load: Callable[..., ModuleType]) -> None:
    """PostgreSQL isn't asked at start: while it is away the service comes up and answers 503."""
    server = load(DATABASE_URL="postgresql://adapter@127.0.0.1:9/orders", SECRET_KEY="x" * 32)
    with capture_logs() as logs:
        server.on_starting(ARBITER)
    assert ["shop", "shop"] == [line["event"] for line in logs]


@pytest.mark.parametrize(("key", "message"), [("x" * 32, "unable to open database file"), ("", "can't be used")])
def test_a_database_that_can_not_be_made(
    load: Callable[..., ModuleType], capsys: pytest.CaptureFixture[str], key: str, message: str
) -> None:
    """A folder that can't be written is one line and exit 1, whether the key or the database comes first."""
    server = load(DATABASE_URL="sqlite:////proc/nobody/a.db", SECRET_KEY=key)
    with capture_logs(), pytest.raises(SystemExit) as ended:
        server.on_starting(ARBITER)
    shown = capsys.readouterr().err
    assert (1, 1) == (ended.value.code, shown.count("\n"))
    assert message in shown


class Application:
    """As much of the application as gunicorn's hooks use."""

    def __init__(self) -> None:
        self.extensions = {"tally": Tally(), "configuration": load_configuration(os.environ)}

    def __call__(self, _environ: object, start: Any) -> None:
        """Answer."""
        start("200 OK", [])


def _worker() -> Any:
    return SimpleNamespace(wsgi=Application())


def test_embedded_delivery(load: Callable[..., ModuleType]) -> None:
    """A worker delivers from a thread of its own, which ends when the worker does."""
    server = load(AXON_PIXEL_ID="pixel", AXON_API_KEY="key", AXON_API_URL="http://127.0.0.1:9/v1/event")
    with capture_logs():
        server.on_starting(ARBITER)
        server.post_worker_init(_worker())
    ((_, thread),) = server._delivering
    assert thread.is_alive()
    server.worker_exit(None, None)
    assert not thread.is_alive()


def test_what_answers_and_what_delivers_read_the_same(load: Callable[..., ModuleType], tmp_path: Path) -> None:
    """A mapping file that is changed while a process starts is the old one to all of it, or the new one."""
    (tmp_path / "acme.toml").write_text('extends = "woocommerce"\n')
    server = load(MAPPINGS_DIR=str(tmp_path), AXON_PIXEL_ID="pixel", AXON_API_KEY="key")
    worker = _worker()
    read = worker.wsgi.extensions["configuration"]
    (tmp_path / "acme.toml").write_text('extends = "woocommerce"\n[axon]\npixel_id = "another"\n')
    with capture_logs():
        server.on_starting(ARBITER)
        server.post_worker_init(worker)
    ((delivering, _),) = server._delivering
    server.worker_exit(None, None)
    assert delivering.shops is read.shops


def test_delivery_elsewhere(load: Callable[..., ModuleType]) -> None:
    """With EMBEDDED_DELIVERY=false the web process only takes orders."""
    server = load(EMBEDDED_DELIVERY="false")
    server.post_worker_init(_worker())
    assert [] == server._delivering
    server.worker_exit(None, None)


def test_what_was_counted_is_stored(load: Callable[..., ModuleType], tmp_path: Path) -> None:
    """Every process has a watch, which stores at its end what the application counted."""
    server, worker = load(EMBEDDED_DELIVERY="false"), _worker()
    tally = worker.wsgi.extensions["tally"]
    with capture_logs():
        server.on_starting(ARBITER)
    server.post_worker_init(worker)
    ((_, thread),) = server._watching
    assert thread.is_alive()
    tally.count("webhooks", "woocommerce", "200")
    server.worker_exit(None, None)
    assert not thread.is_alive()
    assert {("woocommerce", "200"): 1} == _stored(tmp_path / "a.db")


def _stored(file: Path) -> dict[tuple[str, str], int]:
    """Return what all processes have counted of webhooks, by shop and status."""
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT subject, kind, count FROM tallies WHERE name = 'webhooks'")
        return {(subject, kind): count for subject, kind, count in rows}


# Real processes.


class Server:
    """gunicorn with one process in a folder, on a port of this machine, whose home can't be written."""

    def __init__(self, folder: Path, port: int, **changes: str) -> None:
        environment = {
            **SHOPS,
            "PATH": os.environ["PATH"],
            "HOME": "/proc",
            "DATABASE_URL": f"sqlite:///{folder}/adapter.db",
            "WEB_CONCURRENCY": "1",
            "LOG_LEVEL": "debug",
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{port}",
            **changes,
        }
        self.port = port
        self.log = folder / "stdout.log"
        self.errors = folder / "stderr.log"
        with self.log.open("w") as log, self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "adapter", "serve"], cwd=ROOT, env=environment, stdout=log, stderr=errors
            )

    def wait_until_up(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                assert 200 == self.ask("GET", "/readyz").status
            except OSError:
                assert None is self.process.poll(), self.errors.read_text()
                time.sleep(0.05)
            else:
                return
        pytest.fail("the server didn't come up")

    def connect(self) -> HTTPConnection:
        """Return a keep-alive connection."""
        return HTTPConnection("127.0.0.1", self.port, timeout=10)

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> HTTPResponse:
        """Ask on a connection of its own; the answer is read."""
        with closing(self.connect()) as connection:
            return ask(connection, method, path, body, headers)

    def raw(self) -> socket.socket:
        """Return a plain connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def lines(self) -> list[dict[str, Any]]:
        """Return the log so far: every line is JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def orders(self) -> list[str]:
        """Return the ids of the orders that were said to be stored."""
        return [line["order"] for line in self.lines() if line.get("change") == "stored"]

    def stop(self) -> int:
        """End it, and wait."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def ask(
    connection: HTTPConnection, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> HTTPResponse:
    """Ask on this connection and read the answer, which stands in `text`."""
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    answer.text = answer.read().decode()  # type: ignore[attr-defined]  # For the tests alone.
    return answer


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.mark.processes
def test_the_application_is_made_once(tmp_path: Path) -> None:
    """Processes that are started again go by the files of the start; after a SIGHUP by those of then, if good."""
    mappings = tmp_path / "mappings"
    mappings.mkdir()
    (mappings / "first.toml").write_text('extends = "woocommerce"\n')
    running = Server(tmp_path, free_port(), MAPPINGS_DIR=str(mappings))
    try:
        running.wait_until_up()
        (mappings / "second.toml").write_text('extends = "woocommerce"\n')
        (child,) = _children(running)
        os.kill(child, signal.SIGKILL)
        _wait(lambda: _children(running) not in ([], [child]))
        running.wait_until_up()
        assert [401, 404] == [running.ask("POST", f"/webhooks/{shop}").status for shop in ("first", "second")]
        (mappings / "first.toml").write_text('extends = "no such platform"\n')
        running.process.send_signal(signal.SIGHUP)
        _wait(lambda: [line["hint"] for line in running.lines() if line["event"] == "not reloaded"] != [])
        _wait(lambda: len(_children(running)) == 1)
        assert [401, 404] == [running.ask("POST", f"/webhooks/{shop}").status for shop in ("first", "second")]
        (mappings / "first.toml").write_text('extends = "woocommerce"\n')
        running.process.send_signal(signal.SIGHUP)
        _wait(lambda: running.ask("POST", "/webhooks/second").status == 401)
    finally:
        assert 0 == running.stop()


def _children(running: Server) -> list[int]:
    of = f"/proc/{running.process.pid}/task/{running.process.pid}/children"
    return [int(pid) for pid in Path(of).read_text().split()]


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError):
            if until():
                return
        time.sleep(0.05)
    pytest.fail("it took too long")


@pytest.fixture(scope="module")
def api() -> Iterator[Sandbox]:
    """Yield a Conversion API."""
    with Sandbox({"pixel": "key"}) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, api: Sandbox) -> Iterator[Server]:
    """Yield a running server that delivers to the API."""
    running = Server(
        tmp_path_factory.mktemp("server"), free_port(), AXON_API_URL=api.url, AXON_PIXEL_ID="pixel", AXON_API_KEY="key"
    )
    try:
        running.wait_until_up()
        yield running
    finally:
        assert 0 == running.stop()


def order(id_: int, note: str = "") -> bytes:
    """Return an order whose click is known, so that it is sent at once."""
    document = json.loads((ROOT / "tests/samples/woocommerce/tax-included.json").read_text())
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    times = dict.fromkeys(("date_created_gmt", "date_modified_gmt", "date_paid_gmt"), now)
    click = [{"id": 1, "key": "_axon_client_id", "value": "browser-1"}]
    changes = {"id": id_, "order_key": f"wc_order_{id_}", "meta_data": click, "customer_note": note}
    return json.dumps(document | times | changes).encode()


def signed(body: bytes) -> dict[str, str]:
    """Return the headers of a signed delivery."""
    signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    return {"Content-Type": "application/json", "X-WC-Webhook-Signature": signature}


PATH = "/webhooks/woocommerce"


def head(**headers: str) -> bytes:
    """Return the head of a POST by hand."""
    given = {"Host": "127.0.0.1", "Content-Type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(body: bytes) -> bytes:
    """Return one chunk."""
    return b"%x\r\n%s\r\n" % (len(body), body)


def rest_of(connection: socket.socket) -> bytes:
    """Return everything until the server closes the connection."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.processes
def test_an_order_goes_through(server: Server, api: Sandbox) -> None:
    """A signed order is at the Conversion API within seconds: the web process delivers by itself."""
    body = order(101)
    assert 200 == server.ask("POST", PATH, body, signed(body)).status
    _wait(lambda: api.received()["events"] != [])
    assert ["101"] == [received["event"]["dedupe_id"] for received in api.received()["events"]]


@pytest.mark.processes
def test_a_chunked_order(server: Server) -> None:
    """A chunked body is taken whole."""
    body = order(102, "x" * 200_000)
    with server.raw() as connection:
        connection.sendall(head(Transfer_Encoding="chunked", Connection="close", **signed(body)))
        for start in range(0, len(body), 50_000):
            connection.sendall(chunk(body[start : start + 50_000]))
        connection.sendall(chunk(b""))
        assert rest_of(connection).startswith(b"HTTP/1.1 200 OK")
    assert "102" in server.orders()


@pytest.mark.processes
def test_a_chunked_body_over_the_limit(server: Server) -> None:
    """Once more than 2 MiB have come the answer is 413, without waiting for the end; the connection is closed."""
    with server.raw() as connection:
        connection.sendall(head(Transfer_Encoding="chunked"))
        for _ in range(MOST // 65536 + 1):
            connection.sendall(chunk(b"x" * 65536))
        answer = rest_of(connection)  # No last chunk was sent.
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer
    assert b"the body is larger than 2097152 bytes" in answer


@pytest.mark.processes
def test_a_body_announced_too_large(server: Server) -> None:
    """A body announced with 100 MB is 413 before any of it is sent; the connection is closed."""
    with server.raw() as connection:
        connection.sendall(head(Content_Length="100000000"))
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.processes
def test_a_length_that_is_too_long(server: Server) -> None:
    """A body that ends before its announced length is 400, and nothing is stored."""
    body = order(103)
    with server.raw() as connection:
        connection.sendall(head(Content_Length=str(len(body) + 1), **signed(body)) + body)
        connection.shutdown(socket.SHUT_WR)
        assert rest_of(connection).startswith(b"HTTP/1.1 400 ")
    assert "103" not in server.orders()


@pytest.mark.processes
def test_a_length_that_is_too_short(server: Server) -> None:
    """A body longer than announced doesn't fit its signature; its rest is no request."""
    body = order(104)
    with server.raw() as connection:
        connection.sendall(head(Content_Length=str(len(body) - 1), **signed(body)) + body + b"\r\n\r\n")
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert 1 == answer.count(b"HTTP/1.1 400 ")
    assert "104" not in server.orders()


@pytest.mark.processes
@pytest.mark.parametrize("broken", [b"zz\r\n", b"5\r\nabcdefgh\r\n", b"0\r\nno trailer\r\n\r\n"])
def test_a_malformed_chunk(server: Server, broken: bytes) -> None:
    """Chunks that make no sense are 400 in our words, never 500."""
    with server.raw() as connection:
        connection.sendall(head(Transfer_Encoding="chunked") + chunk(b"{}") + broken)
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"error":"the body didn\'t arrive whole' in answer


@pytest.mark.processes
def test_expect_continue(server: Server) -> None:
    """A sender that asks first is told to go on, and answered."""
    body = order(105)
    with server.raw() as connection:
        connection.sendall(
            head(Content_Length=str(len(body)), Expect="100-continue", Connection="close", **signed(body))
        )
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == connection.recv(25)
        connection.sendall(body)
        assert rest_of(connection).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.processes
def test_keep_alive(server: Server) -> None:
    """A connection goes on after orders and after a refused body that was read, and ends after one that wasn't."""
    with closing(server.connect()) as connection:
        bodies = {order(106): 200, b"webhook_id=x": 401, order(107): 200}
        for body, status in bodies.items():
            headers = signed(body) if status == 200 else {"Content-Type": "application/json"}
            assert status == ask(connection, "POST", PATH, body, headers).status
        assert connection.sock is not None
        connection.putrequest("POST", PATH)
        connection.putheader("Content-Length", str(MOST + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert (413, "close", True) == (answer.status, answer.getheader("Connection"), answer.will_close)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/webhooks/nobody", 404),
        ("POST", "/nowhere", 404),
        ("PUT", PATH, 405),
        ("POST", "/clicks/shopify", 404),
    ],
)
def test_a_refusal_that_reads_no_body(server: Server, method: str, path: str, status: int) -> None:
    """It says that the connection ends, which it does: 200 kB on the line can't be taken for the next request."""
    with closing(server.connect()) as connection:
        answer = ask(connection, method, path, b"x" * 200_000)
        assert (status, "close", True) == (answer.status, answer.getheader("Connection"), answer.will_close)


@pytest.mark.processes
@pytest.mark.parametrize(
    "headers", [{"SCRIPT_NAME": "/webhooks"}, {"PATH_INFO": "/readyz"}, {"X-Forwarded-Prefix": "/webhooks"}]
)
def test_headers_that_would_move_the_path(server: Server, headers: dict[str, str]) -> None:
    """No header changes which route is asked."""
    assert 404 == server.ask("GET", "/nowhere", headers=headers).status
    assert 200 == server.ask("GET", "/healthz", headers=headers).status


@pytest.mark.processes
def test_a_malformed_request(server: Server) -> None:
    """What isn't HTTP is 400, and the log quotes nothing of it and no address."""
    with server.raw() as connection:
        connection.sendall(b"POST /webhooks/woocommerce HTTP/1.1\r\nHost: x\r\nX-Name: canary\x00\r\n\r\n")
        assert rest_of(connection).startswith(b"HTTP/1.1 400 ")
    assert "canary" not in server.log.read_text()
    assert "invalid request" in [line["event"] for line in server.lines()]


@pytest.mark.processes
def test_the_log(server: Server) -> None:
    """Even at debug every line is JSON on stdout, alembic is silent, and nothing goes to stderr."""
    events = [line["event"] for line in server.lines()]
    assert "Control socket disabled" in events
    assert not [event for event in events if "alembic" in event.lower() or "Context impl" in event]
    assert SECRET not in server.log.read_text()
    assert "" == server.errors.read_text()


class Drips:
    """Connections on which a byte comes now and then; `cut` are those that the server has closed since, with when."""

    def __init__(self, server: Server, starts: Sequence[bytes]) -> None:
        self.began = time.monotonic()
        self.cut: dict[socket.socket, float] = {}
        self.open = [server.raw() for _ in starts]
        for connection, start in zip(self.open, starts, strict=True):
            connection.sendall(start)

    def drip(self) -> None:
        """Send a byte on each, and see which are closed."""
        for connection in self.open.copy():
            try:
                connection.sendall(b"x")
                connection.setblocking(False)
                ended = not connection.recv(65536)
            except BlockingIOError:
                ended = False
            except OSError:
                ended = True
            if ended:
                self.open.remove(connection)
                self.cut[connection] = time.monotonic() - self.began
                connection.close()


def _memory_of(process: subprocess.Popen[bytes]) -> float:
    """Return the megabytes of a process and its children; what they share counts once."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    rollups = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in (process.pid, *children))
    return sum(int(rollup.split("\nPss:")[1].split()[0]) for rollup in rollups) / 1024


@pytest.mark.processes
def test_clients_that_drip(server: Server) -> None:
    """Many times more clients than threads would be there drip their requests: orders pass, and each drip is cut."""
    before = _memory_of(server.process)
    starts = [b"POST /webhooks/woocommerce HTTP/1.1\r\nHost: "] * 100 + [head(Content_Length="100000")] * 100
    drips = Drips(server, starts)
    slowest = 0.0
    for number in range(16):
        began = time.monotonic()
        body = order(7000 + number)
        assert 200 == server.ask("POST", PATH, body, signed(body)).status
        slowest = max(slowest, time.monotonic() - began)
        drips.drip()
        time.sleep(0.5)
    assert (0, 200) == (len(drips.open), len(drips.cut))
    assert max(drips.cut.values()) < 10
    assert slowest < 2
    assert _memory_of(server.process) - before < 30


@pytest.mark.processes
def test_stopping_with_a_request_in_hand(tmp_path: Path) -> None:
    """SIGTERM while a body comes in: the order is stored and answered, then the server ends with 0."""
    stopping = Server(tmp_path, free_port())
    try:
        stopping.wait_until_up()
        body = order(201)
        with stopping.raw() as connection:
            connection.sendall(head(Content_Length=str(len(body)), Connection="close", **signed(body)) + body[:1000])
            time.sleep(0.3)
            stopping.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            connection.sendall(body[1000:])
            answer = rest_of(connection)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert 0 == stopping.process.wait(10)
        assert ["201"] == stopping.orders()
    finally:
        stopping.process.kill()


@pytest.mark.processes
@pytest.mark.parametrize(
    ("command", "changes", "expected"),
    [
        (
            ("-m", "adapter", "serve"),
            {"PORT": "none", "AXON_API_URL": "http://axon.example", "WOOCOMMERCE_SITE_URL": "shop"},
            ["PORT", "AXON_API_URL", "site_url"],
        ),
        (
            ("-m", "gunicorn", "--config", "python:adapter.server", "adapter.app:create_app()"),
            {"PORT": "none", "AXON_API_URL": "http://axon.example", "WOOCOMMERCE_SITE_URL": "shop"},
            ["PORT", "AXON_API_URL", "site_url"],
        ),
        (("-m", "adapter", "serve"), {"WOOCOMMERCE_WEBHOOK_SECRET": ""}, ["no shop is on"]),
        (
            ("-m", "adapter", "serve"),
            {"DATABASE_URL": "sqlite:////proc/nobody/a.db"},
            ["unable to open database file"],
        ),
    ],
)
def test_refusing_to_start(
    tmp_path: Path, command: tuple[str, ...], changes: dict[str, str], expected: list[str]
) -> None:
    """A wrong configuration ends the start with 1 and one line for each problem, before the port opens."""
    environment = {
        **SHOPS,
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"sqlite:///{tmp_path}/a.db",
        "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{free_port()}",
        **changes,
    }
    ended = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    shown = ended.stderr.splitlines()
    assert (1, len(expected)) == (ended.returncode, len(shown)), ended.stderr
    assert all(words in line for words, line in zip(expected, shown, strict=True)), ended.stderr
    assert "Listening" not in ended.stdout


@pytest.mark.processes
def test_several_processes_count_together(tmp_path: Path, api: Sandbox) -> None:
    """What two web processes have answered is one sum, and the ledger is read by whichever is asked."""
    server = Server(
        tmp_path,
        free_port(),
        WEB_CONCURRENCY="2",
        LOG_LEVEL="info",
        STATUS_TOKEN="token",
        AXON_API_URL=api.url,
        AXON_PIXEL_ID="pixel",
        AXON_API_KEY="key",
    )
    try:
        server.wait_until_up()
        for number in range(40):
            assert 200 == server.ask("POST", PATH, order(7000 + number), signed(order(7000 + number))).status
            time.sleep(0.02)
        _wait_for_deliveries(server, 40)
    finally:
        assert 0 == server.stop()
    assert {("woocommerce", "200"): 40} == _stored(tmp_path / "adapter.db")
    steps = [line for line in server.lines() if {"order", "orders"} & line.keys() and line["level"] == "info"]
    assert 40 == sum("order" in line for line in steps) == sum(len(line.get("orders", [])) for line in steps)
    assert sum(len(json.dumps(line, separators=(",", ":"))) + 1 for line in steps) / 40 <= 300


def _wait_for_deliveries(server: Server, number: int) -> None:
    """Wait until /metrics says that so many orders are delivered."""
    expected = f'order_adapter_orders{{shop="woocommerce",state="delivered"}} {number}.0'
    token = {"Authorization": "Bearer token"}
    _wait(lambda: expected in server.ask("GET", "/metrics", headers=token).text)  # type: ignore[attr-defined]  # As above.
