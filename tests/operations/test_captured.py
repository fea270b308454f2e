"""The order's body out of whatever a file holds."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from adapter.operations.captured import NoOrderInFile, body_in
from adapter.platforms.registry import PLATFORMS

LIVE = Path(__file__).parents[1] / "samples" / "woocommerce-live"
BODY = b'{"id": 9007199254740993, "price": 1.10, "line_items": [], "note": "a\\u00fc \\r\\n\\r\\n b"}'
REQUEST = b"POST /webhooks/acme HTTP/1.1\r\nHost: shop.example\r\nContent-Type: application/json\r\n\r\n"


def found(file: bytes, platform: str = "shopify") -> bytes:
    """Return the body in these bytes."""
    return body_in(file, PLATFORMS[platform])


@pytest.mark.parametrize(
    "file",
    [
        BODY,
        BODY + b"\r\n",
        b"\xef\xbb\xbf" + BODY + b"\n",
        b"\n  " + BODY,
        BODY.decode().encode("utf-16"),
        REQUEST + BODY,
        REQUEST.replace(b"\r\n", b"\n") + BODY + b"\n",
        b"HTTP/2 200\r\ncontent-type: application/json\r\ncontent-encoding: identity\r\n\r\n" + BODY,
        b"Host: shop.example\nX-Shopify-Topic: orders/paid\n\n" + BODY,
        json.dumps({"headers": {"X-Shopify-Topic": "orders/paid"}, "body": BODY.decode()}).encode(),
        json.dumps({"method": "POST", "headers": [["Host", "a"]], "content": BODY.decode()}).encode(),
        b'{"headers": {}, "body": ' + BODY + b"}",
        json.dumps(
            {"headers": {}, "body": base64.b64encode(BODY).decode(), "isBase64Encoded": True, "path": "/"}
        ).encode(),
        b'{"order": ' + BODY + b"}",
        REQUEST + b'{"order": ' + BODY + b"}",
    ],
)
def test_the_bytes(file: bytes) -> None:
    """Whatever stands around the body, its own bytes are the same: a big id, a price's digits, a blank line in it."""
    assert BODY == found(file)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"", "there is nothing in it"),
        (b"\xef\xbb\xbf\r\n", "there is nothing in it"),
        (REQUEST, "there is nothing in it"),
        (b"[]", "this is a list of 0 orders, and one is wanted: cut it out, as by `jq '.[0]' FILE`"),
        (b"[" + BODY + b"]", "this is a list of one order, and one is wanted"),
        (b"[" + BODY + b"," + BODY + b"]", "this is a list of 2 orders, and one is wanted"),
        (
            b'{"orders": [' + BODY + b"]}",
            "this is a list of orders, and one is wanted: cut it out, as by `jq '.orders[0]'",
        ),
        (b'{"data": {"order": {"id": "gid://shopify/Order/1"}}}', "this is an answer of a GraphQL API"),
        (b'{"request_line": "POST / HTTP/1.1", "headers": []}', "these are the headers of a request without its body"),
        (
            b'{"headers": {}, "body": "a", "isBase64Encoded": true}',
            "the body isn't the base64 that isBase64Encoded promises",
        ),
        (
            REQUEST.replace(b"Host", b"Content-Encoding: gzip\r\nHost") + b"\x1f\x8b",
            "the request's body is compressed",
        ),
        (
            REQUEST.replace(b"Host", b"Transfer-Encoding: chunked\r\nHost") + b"5\r\n",
            "the request's body is still in chunks",
        ),
    ],
)
def test_no_order(file: bytes, message: str) -> None:
    """What holds no single order is refused with what it is and what to do."""
    with pytest.raises(NoOrderInFile) as refused:
        found(file)
    assert str(refused.value).startswith(message)


def test_the_set_up_ping() -> None:
    """WooCommerce's ping is called so."""
    with pytest.raises(NoOrderInFile, match="WooCommerce's set-up ping"):
        found((LIVE / "01-ping-order-created" / "body.bin").read_bytes(), "woocommerce")


def test_the_headers_of_a_sample() -> None:
    """Who gives the file beside the body is told so."""
    folder = LIVE / "03-order-created-guest-cod-variation-attribution-clickids"
    with pytest.raises(NoOrderInFile, match="without its body"):
        found((folder / "headers.json").read_bytes(), "woocommerce")


def test_what_the_platform_knows_stays() -> None:
    """A legacy WooCommerce body looks like an API's answer; the platform itself says what it is."""
    legacy = b'{"order": {"id": 645, "line_items": []}}'
    assert legacy == found(legacy, "woocommerce")


@pytest.mark.parametrize(
    "file", [b"<order/>", b"{", b'{"id": 1', b"\xff", b'"text"', b"12", b'{"order": []}', b"{} {}"]
)
def test_what_is_left_to_the_platform(file: bytes) -> None:
    """Anything else goes through as it is: the platform says what is wrong with it."""
    assert file == found(file)
