"""A small WooCommerce: the tests' server in front of PHP's own one, which runs the real plugin between stubs."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

ROUTER = Path(__file__).with_name("wordpress.php")


@contextmanager
def php_server(php: str, orders: Path) -> Iterator[int]:
    """Run PHP's web server on a free port of 127.0.0.1 and give the port; orders are files in the folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [php, "-n", "-S", f"127.0.0.1:{port}", str(ROUTER)]
    environment = {**os.environ, "FAKE_ORDERS": str(orders)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_until_open(port)
            yield port
        finally:
            server.terminate()


def _wait_until_open(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("php -S doesn't listen")


@dataclass
class FakeWooCommerce:
    """The shop. `plugins` are the files that WordPress loads.

    `consent_type` says what its consent plugin tells the WP Consent API: "optin", "" for nothing, "later" for a word
    that the browser gets only later.
    """

    port: int
    orders: Path
    plugins: list[Path] = field(default_factory=list)
    policy: str = ""
    has_consent_api: bool = False
    consent_type: str = "optin"
    has_woocommerce: bool = True

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Pass the request on to PHP, with what it finds installed."""
        request = Request(environ)
        headers = {name: value for name, value in request.headers.items() if value}
        if request.path == "/favicon.ico":
            return Response(status=204)(environ, start_response)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(
                request.method, request.full_path.rstrip("?"), request.get_data(), {**headers, **self._installed()}
            )
            answer = connection.getresponse()
            kept = [pair for pair in answer.getheaders() if pair[0].lower() not in ("connection", "host")]
            return Response(answer.read(), answer.status, kept)(environ, start_response)
        finally:
            connection.close()

    def _installed(self) -> dict[str, str]:
        return {
            "X-Fake-Plugins": ":".join(map(str, self.plugins)),
            "X-Fake-Policy": self.policy,
            "X-Fake-Consent-Api": "yes" if self.has_consent_api else "no",
            "X-Fake-Consent-Type": self.consent_type,
            "X-Fake-No-WooCommerce": "no" if self.has_woocommerce else "yes",
        }

    def order(self, order_id: int) -> dict[str, Any]:
        """Return an order as it is stored."""
        found: dict[str, Any] = json.loads((self.orders / f"{order_id}.json").read_text())
        return {**found, "meta": found["meta"] or {}}  # An empty array of PHP's is a list.


def new_order(order_id: int, **changes: Any) -> dict[str, Any]:
    """Return an order of an invented buyer as the checkout makes it: two lines, tax and shipping."""
    lines = [
        {"name": "Ame &amp; Kasa", "product_id": 41, "variation_id": 0, "quantity": 3, "total": "33.61"},
        {"name": "Fern </script><b>pot</b>", "product_id": 77, "variation_id": 78, "quantity": 1, "total": "10"},
    ]
    return {
        "id": order_id,
        "order_key": f"wc_order_k{order_id}",
        "status": "processing",
        "transaction_id": "",
        "currency": "EUR",
        "total_tax": "7.34",
        "shipping_total": "5",
        "items": lines,
        "meta": {},
        **changes,
    }
