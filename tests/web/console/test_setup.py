"""The set-up page: addresses to copy, snippets to paste, what the mapping files say, what was seen."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from adapter.web.storefront.snippets import snippets


def test_addresses_and_snippets(operator: Any) -> None:
    """Both shops' webhook URLs and everything to paste, under the address at which the operator reaches us."""
    page = unescape(operator.get("/console/setup").text)
    for shop in operator.web.parts.shops.on():
        assert f"https://adapter.example/webhooks/{shop.name}" in page
        for snippet in snippets(shop, "https://adapter.example").values():
            assert snippet.file or snippet.text in page


def test_the_plugin(operator: Any) -> None:
    """The plugin of a WooCommerce shop is a file; no other shop has one."""
    answer = operator.get("/console/setup/woocommerce/plugin")
    assert 'attachment; filename="order-adapter.php"' == answer.headers["Content-Disposition"]
    assert snippets(operator.web.parts.shops.by_name["woocommerce"], "https://adapter.example")["plugin"].text == (
        answer.text
    )
    for name in ("shopify", "nobody"):
        assert 404 == operator.get(f"/console/setup/{name}/plugin").status_code


def test_what_was_seen(operator: Any, orders: Any, clock: Any) -> None:
    """Before the first order the page says what to do, then how long ago the last one came."""
    assert 2 == operator.read("/console/setup").count("no order yet")
    orders.receive("1")
    clock.advance(300)
    assert "last order 5 min ago" in operator.read("/console/setup")


def test_a_shop_that_is_off(sqlite_engine: Engine, make_operator: Callable[..., Any]) -> None:
    """It says why it takes no orders, and has nothing to paste."""
    made = make_operator(sqlite_engine, SHOPIFY_WEBHOOK_SECRET="short")
    made.login()
    words = made.read("/console/setup")
    assert "! off : " in words
    assert "/webhooks/shopify" not in words


def test_an_odd_address(operator: Any) -> None:
    """A host that isn't one never becomes a part of a program to paste."""
    page = operator.client.get(
        "/console/setup", base_url="https://adapter.example", headers={"Host": "x';alert(1)//"}
    ).text
    assert "alert(1)" not in page


def test_files_that_changed(sqlite_engine: Engine, make_operator: Callable[..., Any], tmp_path: Path) -> None:
    """The page shows what this process read, and says so; files that are new, gone or changed since are named."""
    for name in ("acme", "gone", "same"):
        (tmp_path / f"{name}.toml").write_text(f'extends = "shopify"\n# {name}\n')
    made = make_operator(sqlite_engine, MAPPINGS_DIR=str(tmp_path))
    made.login()
    words = made.read("/console/setup")
    assert "as this process read them when it started, at 2026-05-01 12:00" in words
    assert "Changed on disk" not in words
    (tmp_path / "acme.toml").write_text("nonsense")
    (tmp_path / "gone.toml").unlink()
    (tmp_path / "new.toml").write_text("")
    assert "not in use yet: acme.toml, gone.toml, new.toml. adapter check says" in made.read("/console/setup")
