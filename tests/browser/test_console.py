"""The console in a real Chromium: for eyes and without them, by mouse and by keyboard, on a phone, at night.

Screenshots are left in build/screenshots, to be looked at.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fakeshops.https import Hosts
from fakeshops.ledger import MovingClock, fill
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from sqlalchemy import Engine

from adapter.app import create_app
from adapter.axon.sandbox import Sandbox
from adapter.settings import load_settings
from adapter.storage.engine import open_engine
from adapter.storage.tables import State
from adapter.wiring import Parts, load_configuration

pytestmark = [pytest.mark.processes, pytest.mark.debian]

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
PASSWORD = "correct horse battery"
CONSOLE = "https://adapter.shop.example/console/"
TODAY = datetime(2026, 5, 1, 15, tzinfo=UTC)
LEVEL_AA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
PHONE = {"width": 360, "height": 740}

PAGES = {
    "overview": "",
    "orders": "orders",
    "delivered": "orders?state=delivered",
    "refused": "orders?state=quarantined",
    "setup": "setup",
}
"""Each page's address; of a list of one state the first order's page is meant."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Yield a Conversion API for the orders of a month."""
    with Sandbox() as found:
        yield found


@pytest.fixture(scope="module")
def month(migrated_file: Path, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with the orders of a month, to be copied: delivering them takes some seconds."""
    path = tmp_path_factory.mktemp("month") / "adapter.db"
    shutil.copy(migrated_file, path)
    engine = open_engine(load_settings({"DATABASE_URL": f"sqlite:///{path}"}))
    clock = MovingClock(TODAY)
    fill(parts_on(engine, sandbox, clock), clock, TODAY, {"shopify": "shopify", "woocommerce": "woocommerce"})
    engine.dispose()
    return path


def parts_on(engine: Engine, sandbox: Sandbox, clock: MovingClock) -> Parts:
    """Return the service's parts on a database."""
    environment = {
        "MAPPINGS_DIR": str(ROOT / "mappings"),
        "SHOPIFY_WEBHOOK_SECRET": "shpss_4f8a1c0e9b7d2a63",
        "SHOPIFY_SITE_URL": "https://shop.example",
        "WOOCOMMERCE_WEBHOOK_SECRET": "Wq7Zx4Jk9Vb2Nm5Rt8Yp",
        "WOOCOMMERCE_SITE_URL": "https://woo.example",
        "AXON_PIXEL_ID": "pixel-1",
        "AXON_API_KEY": "key-1",
        "AXON_API_URL": sandbox.url,
        "CONSOLE_PASSWORD": PASSWORD,
        "SECRET_KEY": "k" * 40,
    }
    parts = Parts(load_configuration(environment), clock)
    parts.engine = engine
    return parts


@pytest.fixture
def console(hosts: Hosts, month: Path, tmp_path: Path, sandbox: Sandbox) -> Iterator[Parts]:
    """Yield the service after a month of orders, with its console opened."""
    shutil.copy(month, tmp_path / "adapter.db")
    engine = open_engine(load_settings({"DATABASE_URL": f"sqlite:///{tmp_path}/adapter.db"}))
    parts = parts_on(engine, sandbox, MovingClock(TODAY))
    hosts.applications = {"adapter.shop.example": create_app(parts).wsgi_app}
    yield parts
    engine.dispose()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Yield what opens a page of a new browser; any error or refusal that it reports fails the test."""
    contexts, complaints = [], []

    def make(**traits: Any) -> Page:
        context = browser.new_context(**{"ignore_https_errors": True, "java_script_enabled": False, **traits})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert [] == complaints


def is_complaint(said: ConsoleMessage) -> bool:
    """Whether the browser reports an error; that a page was answered with 401 or 404 is none."""
    return said.type == "error" and not re.search(r"status of 4\d\d", said.text)


def login(page: Page) -> None:
    """Log in as a person does."""
    page.goto(CONSOLE)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def go(page: Page, name: str) -> None:
    """Go to one of the pages."""
    page.goto(CONSOLE + PAGES[name])
    if "state=" in PAGES[name]:
        page.locator("tbody a").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Order ")


def keep(page: Page, name: str) -> None:
    """Keep a screenshot of the whole page."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def state_of(parts: Parts, order_id: str) -> str:
    """Return the state of an order."""
    return next(row["state"] for row in parts.purchases.rows(limit=1000) if row["order_id"] == order_id)


def test_login_search_and_retry(console: Parts, open_page: Callable[..., Page]) -> None:
    """Without any script: in, to an order that Axon refused, from there back into the queue, and out again."""
    page = open_page()
    page.goto(CONSOLE + "orders?state=quarantined")
    page.get_by_label("Password").fill("a wrong guess")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("That isn't the password")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("tbody tr")).to_have_count(3)

    refused = console.purchases.rows(state=State.QUARANTINED)[0]["order_id"]
    page.goto(CONSOLE + "orders")
    page.get_by_label("Order id").fill(refused)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name=refused).click()
    page.get_by_role("link", name="Decide again").click()
    assert "quarantined" == state_of(console, refused)
    page.get_by_role("button", name="Decide again").click()
    expect(page.get_by_role("status")).to_contain_text("is due again")
    assert "pending" == state_of(console, refused)

    page.get_by_role("button", name="Show personal data once").click()
    expect(page.get_by_text("Personal data is shown on this page")).to_be_visible()
    keep(page, "personal data shown")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    page.goto(CONSOLE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")


def test_charts(console: Parts, open_page: Callable[..., Page]) -> None:
    """The bars are drawn, in patterns that differ without colour; the numbers stand in a table."""
    page = open_page()
    login(page)
    chart = page.get_by_role("img", name=re.compile("^Orders by day of arrival"))
    expect(chart).to_be_visible()
    boxes = [bar.bounding_box() for bar in chart.locator("rect").all()]
    area = chart.bounding_box()
    assert area
    assert len(boxes) >= 30
    for box in boxes:
        assert box
        assert box["width"] > 3
        assert area["y"] - 1 <= box["y"]
        assert box["y"] + box["height"] <= area["y"] + area["height"] + 2
    fills = {bar.get_attribute("fill") or bar.get_attribute("class") for bar in chart.locator("rect").all()}
    assert {"f-delivered", "url(#p-skipped)", "url(#p-waiting)", "url(#p-quarantined)"} == fills
    page.get_by_text("The numbers of each day").click()
    rows = page.get_by_role("region", name="The numbers of each day").locator("tbody tr")
    expect(rows).to_have_count(30)
    received = int(page.locator(".figures b").first.inner_text())
    cells = [row.locator("td").all_inner_texts()[:5] for row in rows.all()]
    assert received == sum(int(number) for row in cells for number in row)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("look", ["wide", "phone", "dark"])
def test_looks(console: Parts, open_page: Callable[..., Page], name: str, look: str) -> None:
    """Each page fits, on a phone too, and has no violation of level AA by light or by night."""
    traits: dict[str, dict[str, Any]] = {
        "wide": {"viewport": {"width": 1200, "height": 800}},
        "phone": {"viewport": PHONE, "has_touch": True},
        "dark": {"viewport": {"width": 1200, "height": 800}, "color_scheme": "dark"},
    }
    page = open_page(**traits[look], java_script_enabled=True, bypass_csp=True)  # For axe's own script alone.
    login(page)
    go(page, name)
    keep(page, f"{name}, {look}")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for summary in page.locator("summary").all():
        summary.click()
    found = Axe().run(page, options=LEVEL_AA).response["violations"]
    assert [] == [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("path", ["login", "orders/1/give-up", "nothing"])
def test_small_pages(console: Parts, open_page: Callable[..., Page], path: str) -> None:
    """Login, a confirmation or refusal, and a page that isn't there: no violation of level AA either."""
    page = open_page(viewport=PHONE, java_script_enabled=True, bypass_csp=True)
    if path != "login":
        login(page)
    page.goto(CONSOLE + path)
    keep(page, path.replace("/", " "))
    assert [] == [one["id"] for one in Axe().run(page, options=LEVEL_AA).response["violations"]]


def focused(page: Page) -> Any:
    """Return what has the focus, and whether it can be seen that it does."""
    return page.evaluate(
        "(() => { const it = document.activeElement, style = getComputedStyle(it);"
        " return {text: (it.name || it.innerText || it.id).trim(), tag: it.tagName,"
        " seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2}; })()"
    )


def test_keyboard_alone(console: Parts, open_page: Callable[..., Page]) -> None:
    """Login, skip link, navigation, a filter and an order: each is reached by Tab, and the focus is always visible."""
    page = open_page(java_script_enabled=True)  # To ask what has the focus.
    page.goto(CONSOLE)
    assert "password" == focused(page)["text"]
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.keyboard.press("Tab")
    assert "Skip to the content" == focused(page)["text"]
    keep(page, "skip link")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
    page.goto(CONSOLE)
    walk(page, "Orders")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders")
    walk(page, "state")
    page.keyboard.press("q")
    walk(page, "Search")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(3)
    order_id = page.locator("tbody a").first.inner_text()
    walk(page, order_id)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(order_id)


def walk(page: Page, text: str) -> None:
    """Press Tab until what says so has the focus."""
    page.wait_for_load_state("networkidle")  # A page that is still loading may take the focus away again.
    for _ in range(40):
        page.keyboard.press("Tab")
        reached = focused(page)
        assert reached["seen"], reached
        if reached["text"] == text:
            return
    pytest.fail(f"{text} can't be reached by Tab")
