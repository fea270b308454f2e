"""The Procfile's own lines under a process manager with PostgreSQL, as a host runs them; and one process for all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from adapter.axon.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SECRET = "Wq7Zx4Jk9Vb2Nm5Rt8Yp"
PATIENCE = 40.0

pytestmark = pytest.mark.processes


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Host:
    """A host with PostgreSQL, whose processes are started by honcho from the Procfile."""

    def __init__(self, folder: Path, database: str, api: Sandbox) -> None:
        self.port = free_port()
        self.folder = folder
        self.environment = {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "PYTHONUNBUFFERED": "1",
            "DATABASE_URL": database.replace("postgresql://", "postgres://", 1),
            "SECRET_KEY": "a-secret-of-tests-with-32-characters-or-more",
            "WOOCOMMERCE_WEBHOOK_SECRET": SECRET,
            "WOOCOMMERCE_SITE_URL": "https://woo.example",
            "AXON_API_URL": api.url,
            "AXON_PIXEL_ID": "pixel",
            "AXON_API_KEY": "key",
            "WEB_CONCURRENCY": "2",
            # The Procfile listens everywhere, as a host wants it; here it listens on this machine alone.
            "GUNICORN_CMD_ARGS": f"--bind 127.0.0.1:{self.port}",
        }

    def start(self, *names: str, **changes: str) -> subprocess.Popen[str]:
        """Start lines of the Procfile; what they say is kept in `<names>.log`."""
        command = [str(BIN / "honcho"), "start", "--procfile", str(ROOT / "Procfile"), "--app-root", str(ROOT)]
        with self.log(*names).open("a") as log:
            return subprocess.Popen(
                [*command, "--port", str(self.port), "--no-colour", *names],
                env={**self.environment, **changes},
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def log(self, *names: str) -> Path:
        """Return where the processes of these names log."""
        return self.folder / f"{'-'.join(names)}.log"

    @contextmanager
    def running(self, *names: str, **changes: str) -> Iterator[subprocess.Popen[str]]:
        """Run lines of the Procfile until the end of the block; they have to end by themselves, when told to."""
        process = self.start(*names, **changes)
        try:
            yield process
            self.stop(process, *names)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def stop(self, process: subprocess.Popen[str], *names: str) -> None:
        """Send SIGTERM to every process, as a host does; they end in time, and nobody has to be killed.

        What honcho says has ended is the shell of each line; so the line's whole group is waited for.
        """
        log = self.log(*names)
        groups = [int(pid) for pid in re.findall(r"started \(pid=(\d+)\)", log.read_text())]
        assert len(names) == len(groups)
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        wait_until(lambda: not any(map(is_alive, groups)))
        assert "SIGKILL" not in log.read_text()
        assert "Traceback" not in log.read_text()

    def adapter(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as an operator does."""
        command = [str(BIN / "adapter"), *arguments]
        return subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> int:
        """Ask the web process; return the status, 0 when nobody answers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            answer.read()
        except OSError:
            return 0
        finally:
            connection.close()
        return answer.status

    def order(self, number: int) -> int:
        """Send a signed order, whose click is known; return the status."""
        document = json.loads((ROOT / "tests/samples/woocommerce/tax-included.json").read_text())
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        times = dict.fromkeys(("date_created_gmt", "date_modified_gmt", "date_paid_gmt"), now)
        click = [{"id": 1, "key": "_axon_client_id", "value": f"browser-{number}"}]
        changes = {"id": number, "order_key": f"wc_order_{number}", "meta_data": click}
        body = json.dumps(document | times | changes).encode()
        signature = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
        headers = {"Content-Type": "application/json", "X-WC-Webhook-Signature": signature}
        return self.ask("POST", "/webhooks/woocommerce", body, headers)


def is_alive(group: int) -> bool:
    """Whether any process of this group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def api() -> Iterator[Sandbox]:
    """Yield a Conversion API."""
    with Sandbox({"pixel": "key"}) as running:
        yield running


@pytest.fixture
def host(tmp_path: Path, postgres_url: str, api: Sandbox) -> Host:
    """Return a host with an empty database."""
    return Host(tmp_path, postgres_url, api)


def sent(api: Sandbox) -> list[str]:
    """Return the ids of the events that arrived, each as often as it did."""
    return [received["event"]["dedupe_id"] for received in api.received()["events"]]


def test_a_deployment(host: Host, api: Sandbox) -> None:
    """Two releases at once succeed; web and worker deliver an order; `check --live` is content; SIGTERM ends all."""
    releases = [host.start("release") for _ in range(2)]
    assert [0, 0] == [release.wait(PATIENCE) for release in releases]
    assert 2 == host.log("release").read_text().count("the database is up to date")
    with host.running("web", "worker"):
        wait_until(lambda: host.ask("GET", "/readyz") == 200)
        assert 200 == host.order(101)
        wait_until(lambda: sent(api) == ["101"])
        wait_until(lambda: '"delivered"' in host.adapter("orders", "--json").stdout)
        checked = host.adapter("check", "--live", "--url", f"http://127.0.0.1:{host.port}")
    assert (0, "") == (checked.returncode, checked.stderr)
    shown = " ".join(checked.stdout.split())
    assert "believes a delivery signed with the secret" in shown
    assert "shop woocommerce: last order 101" in shown
    assert shown.endswith("Nothing is left to do.")


def test_one_process_and_a_worker_later(host: Host, api: Sandbox) -> None:
    """Two web processes that deliver by themselves, then a worker beside them: each order is sent once, none twice.

    All of them are told to end while orders are being sent.
    """
    assert 0 == host.start("release").wait(PATIENCE)
    numbers = [str(number) for number in range(200, 320)]
    with host.running("web", EMBEDDED_DELIVERY="true"):
        wait_until(lambda: host.ask("GET", "/readyz") == 200)
        assert [200] * 40 == [host.order(int(number)) for number in numbers[:40]]
        wait_until(lambda: len(sent(api)) >= 1)  # Before there is any worker.
        with host.running("worker"):
            assert [200] * 80 == [host.order(int(number)) for number in numbers[40:]]
    assert 0 == host.adapter("deliver", "--once").returncode
    assert numbers == sorted(sent(api))
