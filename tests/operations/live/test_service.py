"""The running service, asked from outside: up, punctual, and with the same secrets as here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from adapter.operations.live.finding import Finding
from adapter.operations.live.service import Ask, Reply, Unreachable, look, over_http
from adapter.platforms.webhook import WebhookRequest
from adapter.shops.shop import Shops
from adapter.wiring import Parts

URL = "https://adapter.example"
BOTH = {"WOOCOMMERCE_WEBHOOK_SECRET": "tom&amp;jerry-and-more", "WOOCOMMERCE_SITE_URL": "https://woo.example"}


def seen(shops: Shops, ask: Ask, url: str | None = URL) -> list[Finding]:
    """Return what is found."""
    return list(look(shops, url, ask))


def answering(*replies: Reply) -> Ask:
    """Return a service that gives these answers, one after the other."""
    left = list(replies)
    return lambda _method, _url, _delivery: left.pop(0)


def test_all_is_well(make_parts: Callable[..., Parts], asking: Callable[[Parts], Ask]) -> None:
    """The service is up and believes a signed delivery of each platform; nothing of it is stored."""
    parts = make_parts(**BOTH)
    found = seen(parts.shops, asking(parts))
    assert [
        "https://adapter.example: up, and can store orders",
        "https://adapter.example/webhooks/shopify: believes a delivery signed with the secret",
        "https://adapter.example/webhooks/woocommerce: believes a delivery signed with the secret",
    ] == [finding.fact for finding in found]
    assert not [finding for finding in found if finding.step or finding.is_wrong]
    assert [] == parts.purchases.rows()


def test_another_secret(make_parts: Callable[..., Parts], asking: Callable[[Parts], Ask]) -> None:
    """A service with another secret is wrong, with what to do; no secret is shown."""
    ask = asking(make_parts(SHOPIFY_WEBHOOK_SECRET="shpss_another_secret_0001"))
    up, refused = seen(make_parts().shops, ask)
    assert up.is_right
    assert refused.is_wrong
    assert refused.fact.endswith("/webhooks/shopify: the service doesn't believe a delivery signed with the secret")
    assert "restart it" in refused.step
    assert "shpss" not in refused.fact + refused.step


def test_one_secret_of_two(make_parts: Callable[..., Parts], asking: Callable[[Parts], Ask], tmp_path: Any) -> None:
    """Of several secrets each is tried: a new one that the service doesn't know yet is told by its number."""
    (tmp_path / "acme.toml").write_text(
        'extends = "shopify"\nwebhook_secret = ["$SHOPIFY_WEBHOOK_SECRET", "$ACME_NEW_SECRET"]\n'
    )
    old = make_parts(MAPPINGS_DIR=str(tmp_path), ACME_NEW_SECRET="shpss_4f8a1c0e9b7d2a63")
    new = make_parts(MAPPINGS_DIR=str(tmp_path), ACME_NEW_SECRET="shpss_a_new_secret_0001")
    found = seen(new.shops, asking(old))
    assert [False, False, True] == [finding.is_wrong for finding in found]
    assert found[2].fact.endswith("signed with secret 2 of 2")


def test_a_shop_that_is_off_there(make_parts: Callable[..., Parts], asking: Callable[[Parts], Ask]) -> None:
    """A shop that the service doesn't have is told apart from a wrong secret."""
    _up, found = seen(make_parts().shops, asking(make_parts(SHOPIFY_WEBHOOK_SECRET="")))
    assert found.is_wrong
    assert "the service doesn't know this shop, or it is off there" in found.fact


def test_a_database_that_is_away(make_parts: Callable[..., Parts], asking: Callable[[Parts], Ask]) -> None:
    """A service that is up and can't store orders says so, and its shops aren't asked."""
    parts = make_parts(DATABASE_URL="sqlite:////proc/nobody/a.db", migrated=False)
    (found,) = seen(parts.shops, asking(parts))
    assert "https://adapter.example: up, but can't store orders now" == found.fact
    assert found.is_wrong


def test_without_an_address(make_parts: Callable[..., Parts]) -> None:
    """Without an address nobody is asked: a step, and nothing wrong."""
    (found,) = seen(make_parts().shops, answering(), None)
    assert ("the running service wasn't asked", False) == (found.fact, found.is_wrong)
    assert "--url" in found.step


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(301, {}), "redirects elsewhere"),
        (Reply(404, {}), "answers 404, and not as this service does"),
        (Reply(200, {}), "answers 200, and not as this service does"),
        (Reply(200, {"status": "ready"}, 31.4), "up, but its first answer took 31 seconds"),
    ],
)
def test_what_else_may_answer(make_parts: Callable[..., Parts], reply: Reply, words: str) -> None:
    """Something else at the address, or a service that has to be woken, is wrong, with the way out."""
    (found,) = seen(make_parts().shops, answering(reply))
    assert (f"{URL}: {words}", True) == (found.fact, found.is_wrong)
    assert found.step


def test_something_in_front(make_parts: Callable[..., Parts]) -> None:
    """A firewall that answers a delivery in the service's place is named by its answer."""
    _up, found = seen(make_parts().shops, answering(Reply(200, {"status": "ready"}), Reply(403, {})))
    assert found.fact.endswith("/webhooks/shopify: a signed delivery was answered 403")
    assert "firewall" in found.step


def test_in_clear(make_parts: Callable[..., Parts]) -> None:
    """An address that isn't https is never asked: it would carry the buyers' data in clear."""
    (found,) = seen(make_parts().shops, answering(), "http://adapter.example")
    assert found.is_wrong
    assert "travels in clear" in found.fact


def test_nobody_there(make_parts: Callable[..., Parts]) -> None:
    """An address where nobody listens is wrong, without a traceback."""
    url = "http://127.0.0.1:9"
    (found,) = seen(make_parts().shops, over_http, url)
    assert (f"{url}: no connection", True) == (found.fact, found.is_wrong)


class _Handler(BaseHTTPRequestHandler):
    received: list[tuple[str, str, bytes]]
    answer: bytes

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append((self.path, self.headers["X-Signature"], body))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", "https://elsewhere.example/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def listener() -> Iterator[type[_Handler]]:
    """Yield a server's class, which keeps what it received; its address is `address`."""
    handler: Any = type("Handler", (_Handler,), {"received": [], "answer": b"{}"})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        handler.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield handler
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("answer", "document"),
    [(json.dumps({"result": "ignored"}).encode(), {"result": "ignored"}), (b"<html>", {}), (b"[1]", {}), (b"", {})],
)
def test_over_the_network(listener: Any, answer: bytes, document: dict[str, str]) -> None:
    """The bytes and headers travel as they are; what comes back is JSON, or nothing."""
    listener.answer = answer
    reply = over_http(
        "POST", f"{listener.address}/webhooks/acme", WebhookRequest({"x-signature": "abc="}, b'{"id":1}')
    )
    assert [("/webhooks/acme", "abc=", b'{"id":1}')] == listener.received
    assert (200, document) == (reply.status, reply.document)
    assert 0 <= reply.seconds < 5


def test_a_redirect_is_not_followed(listener: Any) -> None:
    """A redirect is an answer: no shop follows one."""
    assert 302 == over_http("GET", f"{listener.address}/readyz", None).status


def test_no_tls(listener: Any) -> None:
    """What doesn't speak TLS under an https address is no service of ours."""
    with pytest.raises(Unreachable, match="its certificate isn't trusted, or it speaks no TLS"):
        over_http("GET", f"https{listener.address.removeprefix('http')}/readyz", None)
