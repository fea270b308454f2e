"""A real Chromium, the service and two fake shops behind one HTTPS server, on hostnames that lead to this machine."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fakeshops.https import Hosts, served
from fakeshops.shopify import FakeShopify
from fakeshops.woocommerce import FakeWooCommerce, php_server
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import Engine

from adapter.app import create_app
from adapter.axon.sandbox import Sandbox
from adapter.storage.sealing import Sealer
from adapter.web.storefront import rendering, snippets
from adapter.wiring import Parts, load_configuration

SHOPIFY_HOST = "www.shop.example"
WOOCOMMERCE_HOST = "www.woo.example"
ADAPTER_OF_SHOPIFY = "https://adapter.shop.example"
ADAPTER_OF_WOOCOMMERCE = "https://adapter.woo.example"
SECRET = "shpss_4f8a1c0e9b7d2a63"


def program(names: tuple[str, ...], variable: str, package: str) -> str:
    """Return where a program is; fail when it is missing: these tests prove what nothing else does."""
    found = os.environ.get(variable) or next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.fail(f"{names[0]} is missing: run `apt-get install {package}`, or set {variable} to its path")
    return found


@pytest.fixture(scope="session")
def hosts() -> Iterator[Hosts]:
    """Yield the HTTPS server; each test says which host is what."""
    with tempfile.TemporaryDirectory(prefix="order-adapter-") as folder, served(Path(folder)) as found:
        yield found


@pytest.fixture(scope="session")
def browser(hosts: Hosts) -> Iterator[Browser]:
    """Yield a Chromium for which every invented shop is this machine, and everything else is nowhere."""
    rules = f"MAP *.example 127.0.0.1:{hosts.port}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    arguments = [
        f"--host-resolver-rules={rules}",
        "--ignore-certificate-errors",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--disable-quic",
        "--disable-gpu",
        *(["--no-sandbox"] if os.getuid() == 0 else []),
    ]
    chromium = program(("chromium", "chromium-browser", "google-chrome"), "CHROMIUM", "chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=arguments, headless=True)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Yield a page of a new buyer: no cookies, nothing stored. An error that the page reports fails the test."""
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(10_000)
    context.clock.install()
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    yield found
    context.close()
    assert [] == errors


@dataclass
class Service:
    """The service with its Conversion API; `deliver` lets a worker do what is due."""

    parts: Parts
    sandbox: Sandbox
    hosts: Hosts

    def stored(self, shop: str, kind: str, value: str) -> dict[str, str]:
        """Return what was posted under a key, without the browser's address and agent."""
        found = self.parts.clicks.find(shop, [(kind, value)])
        return {name: text for name, text in found.items() if name not in ("ip", "user_agent")}

    def deliver(self) -> list[dict[str, Any]]:
        """Return the events that Axon has after delivering what is due."""
        self.parts.worker().drain()
        return [received["event"] for received in self.sandbox.received()["events"]]


@pytest.fixture
def make_service(
    hosts: Hosts, sqlite_engine: Engine, sealer: Sealer, tmp_path: Path
) -> Iterator[Callable[..., Service]]:
    """Yield what starts the service; `tables` are added to both shops' mapping files."""
    (tmp_path / "mappings").mkdir()
    with Sandbox() as sandbox:

        def make(tables: str = "", *, cookies: bool = True) -> Service:
            for name, domain in (("shopify", "shop.example"), ("woocommerce", "woo.example")):
                storefront = f'[storefront]\ncookie_domain = "{domain}"\n' if cookies else ""
                shipped = (Path(__file__).parents[2] / "mappings" / f"{name}.toml").read_text()
                (tmp_path / "mappings" / f"{name}.toml").write_text(shipped)
                (tmp_path / "mappings" / f"my-{name}.toml").write_text(
                    f'extends = "{name}"\nwebhook_secret = "$MY_SECRET"\n{storefront}{tables}'
                )
            environment = {
                "MAPPINGS_DIR": str(tmp_path / "mappings"),
                "MY_SECRET": SECRET,  # The shipped files' own variables aren't set: those shops are off.
                "SHOPIFY_SITE_URL": f"https://{SHOPIFY_HOST}",
                "WOOCOMMERCE_SITE_URL": f"https://{WOOCOMMERCE_HOST}",
                "AXON_PIXEL_ID": "pixel-1",
                "AXON_API_KEY": "key-1",
                "AXON_API_URL": sandbox.url,
            }
            parts = Parts(load_configuration(environment))
            parts.engine, parts.sealer = sqlite_engine, sealer
            application = create_app(parts).wsgi_app
            hosts.requests.clear()
            hosts.applications = {"adapter.shop.example": application, "adapter.woo.example": application}
            return Service(parts, sandbox, hosts)

        yield make


@pytest.fixture
def make_shopify(make_service: Callable[..., Service]) -> Callable[..., tuple[Service, FakeShopify]]:
    """Return what opens the Shopify shop, as `adapter snippets` says."""

    def make(tables: str = "", *, cookies: bool = True, **traits: Any) -> tuple[Service, FakeShopify]:
        service = make_service(tables, cookies=cookies)
        shop = service.parts.shops.by_name["my-shopify"]
        pasted = snippets.snippets(shop, ADAPTER_OF_SHOPIFY)
        fake = FakeShopify(tag=pasted["script"].text, pixel=pasted["pixel"].text, **traits)
        service.hosts.applications[SHOPIFY_HOST] = fake.application()
        return service, fake

    return make


@pytest.fixture(scope="session")
def php() -> str:
    """Return where PHP is."""
    return program(("php",), "PHP", "php-cli")


@pytest.fixture(scope="session")
def wordpress(php: str) -> Iterator[FakeWooCommerce]:
    """Yield PHP's server with the stubs; each test gets a shop of its own in it."""
    with tempfile.TemporaryDirectory(prefix="order-adapter-") as folder, php_server(php, Path(folder)) as port:
        yield FakeWooCommerce(port, Path(folder))


@pytest.fixture
def make_woocommerce(
    make_service: Callable[..., Service], wordpress: FakeWooCommerce, tmp_path: Path
) -> Callable[..., tuple[Service, FakeWooCommerce]]:
    """Return what opens the WooCommerce shop with the plugin that `adapter snippets` prints."""

    def make(tables: str = "", *, cookies: bool = True, **traits: Any) -> tuple[Service, FakeWooCommerce]:
        service = make_service(tables, cookies=cookies)
        file = tmp_path / "order-adapter.php"
        file.write_text(rendering.plugin(service.parts.shops.by_name["my-woocommerce"], ADAPTER_OF_WOOCOMMERCE))
        for left in wordpress.orders.iterdir():
            left.unlink()
        fake = FakeWooCommerce(wordpress.port, wordpress.orders, **{"plugins": [file], **traits})
        service.hosts.applications[WOOCOMMERCE_HOST] = fake
        return service, fake

    return make
