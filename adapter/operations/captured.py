"""The order's body in whatever a file holds: the body itself, a raw HTTP request, what a capture tool stored.

Or an answer of the shop's API. The body's own bytes are never changed, only cut out.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from adapter.errors import AdapterError
from adapter.platforms.webhook import Ignored, Platform

_T = TypeVar("_T")

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)

# A line such as "POST /webhooks/acme HTTP/1.1", "HTTP/2 200" or "Content-Type: text/plain". JSON never starts so.
_HTTP = re.compile(rb"(?:[A-Z]{3,7} \S+ HTTP/[0-9.]+|HTTP/[0-9.]+ [0-9]{3}|[A-Za-z][A-Za-z0-9-]*:)[^\r\n]*\r?\n")
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_COMPRESSED = re.compile(rb"(?im)^content-encoding:(?![ \t]*identity)")
_CHUNKED = re.compile(rb"(?im)^transfer-encoding:[ \t]*chunked")

_BODY_KEYS = ("body", "content", "rawBody", "raw_body")


class NoOrderInFile(AdapterError):
    """The file holds something else than one order; the message says what, and what to do."""


def body_in(file: bytes, platform: Platform) -> bytes:
    """Return the body of the one order in these bytes, as the platform would send it; raise `NoOrderInFile`."""
    body = _cut_http(_as_utf8(file))
    if not body:
        raise NoOrderInFile("there is nothing in it: save the body of a webhook or an order there")
    if re.fullmatch(rb"webhook_id=[0-9]+", body):
        raise NoOrderInFile("this is WooCommerce's set-up ping, which carries no order: save a later delivery")
    _refuse_list(body)
    return _unwrapped(_out_of_envelope(body), platform)


def _as_utf8(file: bytes) -> bytes:
    """Take off the byte order mark that editors write, and the white space at both ends."""
    if file.startswith((b"\xff\xfe", b"\xfe\xff")):  # Windows' shell redirects as UTF-16.
        file = file.decode("utf-16", "replace").encode()
    return file.removeprefix(b"\xef\xbb\xbf").strip()


def _cut_http(dump: bytes) -> bytes:
    """Return what follows the headers of a raw request or answer."""
    if not _HTTP.match(dump):
        return dump
    headers, *rest = _END_OF_HEADERS.split(dump, maxsplit=1)
    if _COMPRESSED.search(headers):
        raise NoOrderInFile("the request's body is compressed: save it decoded")
    if _CHUNKED.search(headers):
        raise NoOrderInFile("the request's body is still in chunks: save it decoded")
    return rest[0].strip() if rest else b""


def _refuse_list(body: bytes) -> None:
    if not body.startswith(b"["):
        return
    orders = _decoded(_LIST, body)
    number = len(orders) if orders else 0
    words = "a list of one order" if number == 1 else f"a list of {number} orders"
    raise NoOrderInFile(f"this is {words}, and one is wanted: cut it out, as by `jq '.[0]' FILE`")


def _out_of_envelope(body: bytes) -> bytes:
    """Return the body that a capture tool stored beside the headers."""
    envelope = _decoded(_OBJECT, body) or {}
    if "headers" not in envelope:
        return body
    stored = next((envelope[key] for key in _BODY_KEYS if key in envelope), None)
    if stored is None:
        raise NoOrderInFile("these are the headers of a request without its body: give the file with the body")
    if not bytes(stored).startswith(b'"'):
        return bytes(stored)
    text = _decoded(_TEXT, bytes(stored)) or ""
    if bytes(envelope.get("isBase64Encoded", b"")) == b"true":
        return _as_utf8(_from_base64(text))
    return _as_utf8(text.encode())


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise NoOrderInFile("the body isn't the base64 that isBase64Encoded promises") from None


def _unwrapped(body: bytes, platform: Platform) -> bytes:
    """Return the order out of an answer of the shop's API, unless the platform knows what the whole body is."""
    document = _decoded(_OBJECT, body) or {}
    if isinstance(platform.glance(body), Ignored):
        return body
    _refuse_answers(document)
    order = document.get("order")
    return bytes(order) if order is not None and bytes(order).startswith(b"{") else body


def _refuse_answers(document: Mapping[str, msgspec.Raw]) -> None:
    if "data" in document and set(document) <= {"data", "errors", "extensions"}:
        raise NoOrderInFile(
            "this is an answer of a GraphQL API, whose fields aren't a webhook's: save a webhook's body"
        )
    if "orders" in document and "id" not in document:
        raise NoOrderInFile("this is a list of orders, and one is wanted: cut it out, as by `jq '.orders[0]' FILE`")


def _decoded(decoder: msgspec.json.Decoder[_T], body: bytes) -> _T | None:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
