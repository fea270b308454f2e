"""GET /storefront/<shop>.js: how the script is served."""

from __future__ import annotations

import gzip
from typing import Any

PATH = "/storefront/shopify.js"


def test_the_script(web_on_sqlite: Any) -> None:
    """It is JavaScript, cached for an hour, may be embedded by other origins, and is taken for nothing else."""
    answer = web_on_sqlite.client.get(PATH)
    expected = {
        "Content-Type": "text/javascript; charset=utf-8",
        "Cache-Control": "public, max-age=3600, stale-while-revalidate=86400",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Access-Control-Allow-Origin": "*",
        "Vary": "Accept-Encoding",
    }
    assert 200 == answer.status_code
    assert expected == {name: answer.headers[name] for name in expected}
    assert '"shop": "shopify"' in answer.text
    assert "Set-Cookie" not in answer.headers


def test_packed(web_on_sqlite: Any) -> None:
    """Whoever takes gzip gets it: the same script under a tag of its own."""
    plain = web_on_sqlite.client.get(PATH)
    packed = web_on_sqlite.client.get(PATH, headers={"Accept-Encoding": "br, gzip"})
    assert ("gzip", plain.data) == (packed.headers["Content-Encoding"], gzip.decompress(packed.data))
    assert len(packed.data) <= 4096
    assert plain.headers["ETag"] != packed.headers["ETag"]
    refused = web_on_sqlite.client.get(PATH, headers={"Accept-Encoding": "gzip;q=0"})
    assert plain.data == refused.data


def test_not_modified(web_on_sqlite: Any) -> None:
    """A browser that has it already gets 304 without a body; with another tag it gets the script."""
    for accepted in ("gzip", "identity"):
        headers = {"Accept-Encoding": accepted}
        tag = web_on_sqlite.client.get(PATH, headers=headers).headers["ETag"]
        again = web_on_sqlite.client.get(PATH, headers={**headers, "If-None-Match": tag})
        assert (304, b"", tag) == (again.status_code, again.data, again.headers["ETag"])
    assert 200 == web_on_sqlite.client.get(PATH, headers={"If-None-Match": '"another"'}).status_code


def test_another_tag_for_another_script(web_on_sqlite: Any) -> None:
    """Two shops have different scripts, and so different tags."""
    other = web_on_sqlite.client.get("/storefront/woocommerce.js")
    assert other.headers["ETag"] != web_on_sqlite.client.get(PATH).headers["ETag"]


def test_an_unknown_shop(sqlite_engine: Any, make_web: Any) -> None:
    """A shop that is off, or isn't there, has no script: 404."""
    web = make_web(sqlite_engine, WOOCOMMERCE_WEBHOOK_SECRET=None)
    for shop in ("acme", "woocommerce"):
        answer = web.client.get(f"/storefront/{shop}.js")
        assert (404, f"there is no shop '{shop}'") == (answer.status_code, answer.json["error"])
