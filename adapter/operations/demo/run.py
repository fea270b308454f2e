"""Running the demo: start, play the buyer, send the stories, and judge by what the Conversion API received."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from typing import Any

import requests

from adapter.operations.demo.processes import DemoFailed, Processes, free_port, wait_until
from adapter.operations.demo.stories import SHOPIFY, WOOCOMMERCE, Expected, Story, Webhook, stories
from adapter.operations.demo.table import Line, render
from adapter.platforms.signature import sign

HOLD_SECONDS = 2
_IDENTIFIERS = ("aleid", "alart", "axwrt", "client_id", "email", "phone", "user_id", "sid")
_SHOWN_IDENTIFIERS = tuple(name for name in _IDENTIFIERS if name != "user_id")
_SECONDS_FOR_DELIVERY = 12
_PIXEL_ID, _API_KEY = "00000000-0000-4000-8000-00000000demo", "demo-conversion-api-key"

_HEADERS = {
    SHOPIFY: ("X-Shopify-Hmac-Sha256", "X-Shopify-Topic"),
    WOOCOMMERCE: ("X-WC-Webhook-Signature", "X-WC-Webhook-Topic"),
}

_MAPPING = """extends        = "{base}"
webhook_secret = "{secret}"
site_url       = "https://{name}.example"

[axon]
pixel_id = "{pixel_id}"
api_key  = "{api_key}"

[orders]
hold_seconds = {hold}

[storefront]
origins = ["https://{name}.example"]
"""

Say = Callable[[str], None]


@dataclass
class Demo:
    """One run. `say` prints a line; `told` may replace the stories."""

    say: Say
    folder: Path
    secrets: Mapping[str, str]
    service: str = ""
    conversion_api: str = ""
    sent_at: dict[tuple[str, str], datetime] = field(default_factory=dict[tuple[str, str], datetime])

    def write_mappings(self) -> Path:
        """Write the two shops' mapping files; return their folder."""
        mappings = self.folder / "mappings"
        mappings.mkdir()
        for name, base in ((SHOPIFY, "shopify"), (WOOCOMMERCE, "woocommerce")):
            text = _MAPPING.format(
                name=name,
                base=base,
                secret=self.secrets[name],
                pixel_id=_PIXEL_ID,
                api_key=_API_KEY,
                hold=HOLD_SECONDS,
            )
            (mappings / f"{name}.toml").write_text(text)
        return mappings

    def start(self, processes: Processes, service_port: int, api_port: int) -> None:
        """Start the Conversion API, the service and the worker, and wait until they are ready."""
        self.conversion_api, self.service = f"http://127.0.0.1:{api_port}", f"http://127.0.0.1:{service_port}"
        self.say("starting the local Conversion API, the service under gunicorn, and the worker …")
        processes.start("sandbox", "adapter", "sandbox", "--port", str(api_port))
        processes.run("migrate")
        bind = ("--bind", f"127.0.0.1:{service_port}")
        processes.start("web", "gunicorn", "--config", "python:adapter.server", *bind, "adapter.app:create_app()")
        processes.start("worker", "adapter", "deliver")
        processes.wait_for("sandbox", f"{self.conversion_api}/received/count")
        processes.wait_for("web", f"{self.service}/readyz")

    def play(self, told: Sequence[Story], processes: Processes) -> list[Line]:
        """Send everything, wait until it is delivered, and return what became of each story."""
        self._browse(told)
        answers = {id(story): self._send(story, story.first) for story in told}
        self._continue(told, processes)
        wanted = sum(story.expected.what == "delivered" for story in told)
        self.say(f"waiting for {wanted} purchases; those without a click are held {HOLD_SECONDS} s …")
        deadline = monotonic() + _SECONDS_FOR_DELIVERY
        while self._received()["purchases"] < wanted and monotonic() < deadline:
            sleep(0.05)
        sleep(0.3)  # Something that is sent twice would come now.
        ledger = self._ledger(processes)
        received = self._received()
        return [self._judge(story, answers[id(story)], ledger, received) for story in told]

    def _browse(self, told: Sequence[Story]) -> None:
        for story in told:
            if story.click is None:
                continue
            origin = "null" if "checkout_token" in story.click else f"https://{story.shop}.example"
            url = f"{self.service}/clicks/{story.shop}"
            answer = requests.post(url, json=story.click, headers={"Origin": origin}, timeout=10)
            self.say(f"a buyer browses {story.shop}: the click is stored ({answer.status_code})")

    def _send(self, story: Story, webhooks: Sequence[Webhook]) -> list[int]:
        """Send webhooks as the platform does; return the statuses they were answered."""
        url = f"{self.service}/webhooks/{story.shop}"
        statuses: list[int] = []
        for webhook in webhooks:
            self.sent_at.setdefault((story.shop, story.order_id), datetime.now(UTC))
            answer = requests.post(url, data=webhook.body, headers=self._headers(story, webhook), timeout=10)
            statuses.append(answer.status_code)
        self.say(f"{story.shop} sends {story.title} ({', '.join(map(str, statuses))})")
        return statuses

    def _headers(self, story: Story, webhook: Webhook) -> dict[str, str]:
        if webhook.signature == "none":
            return {"Content-Type": "application/x-www-form-urlencoded"}
        signature, topic = _HEADERS[story.shop]
        secret = self.secrets[story.shop] if webhook.signature == "right" else "a secret of somebody else"
        return {
            "Content-Type": "application/json",
            signature: sign(webhook.body, secret).decode(),
            topic: webhook.topic,
        }

    def _continue(self, told: Sequence[Story], processes: Processes) -> None:
        """Send what comes later, once the ledger shows what came of the first part."""
        going_on = [story for story in told if story.later]

        def all_settled() -> bool:
            states = {key: row["state"] for key, row in self._ledger(processes).items()}
            return all(states.get((story.shop, story.order_id)) == story.in_between for story in going_on)

        wait_until(all_settled, lambda: DemoFailed("the unpaid orders don't show as skipped"))
        for story in going_on:
            self.sent_at.pop((story.shop, story.order_id))
            self._send(story, story.later)

    def _ledger(self, processes: Processes) -> dict[tuple[str, str], dict[str, Any]]:
        rows = json.loads(processes.run("orders", "--json"))
        return {(row["shop"], row["order"]): row for row in rows}

    def _received(self) -> dict[str, Any]:
        answer = requests.get(f"{self.conversion_api}/received", timeout=10)
        return dict(json.loads(answer.content, parse_float=str, parse_int=str)) | {
            "purchases": int(answer.json()["purchases"])
        }

    def _judge(
        self, story: Story, statuses: list[int], ledger: dict[tuple[str, str], Any], received: dict[str, Any]
    ) -> Line:
        if statuses != [webhook.status for webhook in story.first]:
            return Line(story, Expected(what=f"answered {', '.join(map(str, statuses))}"), None)
        events = [event for event in received["events"] if event["dedupe_id"] == story.order_id]
        row = ledger.get((story.shop, story.order_id))
        if len(events) == 1 and row is not None and not events[0]["remarks"]:
            return Line(story, _found(row["state"], events[0]["event"]), self._took(story, events[0]))
        if events:
            remarks = [remark for event in events for remark in event["remarks"]]
            return Line(story, Expected(what=f"{len(events)} purchases {remarks}"), None)
        if row is not None:
            return Line(story, Expected(what=f"{row['state']}: {row['reason']}"), None)
        refused = any(status != requests.codes.ok for status in statuses)
        return Line(story, Expected(what="refused" if refused else "nothing"), None)

    def _took(self, story: Story, event: dict[str, Any]) -> int:
        arrived = datetime.fromisoformat(event["at"])
        return round((arrived - self.sent_at[story.shop, story.order_id]).total_seconds() * 1000)


def _found(state: str, event: dict[str, Any]) -> Expected:
    purchase, user = event["data"], event["user_data"]
    return Expected(
        what=state,
        value=purchase["value"],
        tax=purchase["tax"],
        shipping=purchase["shipping"],
        currency=purchase["currency"],
        identifiers=tuple(name for name in _SHOWN_IDENTIFIERS if name in user),
    )


def run_demo(say: Say, *, stay: Event | None = None, told: Sequence[Story] | None = None) -> bool:
    """Run the demo and return whether everything came out as expected; with `stay`, wait for it before ending.

    Raise `DemoFailed` when a part of it doesn't start.
    """
    began = monotonic()
    told = stories(datetime.now(UTC)) if told is None else told
    with tempfile.TemporaryDirectory(prefix="order-adapter-demo-", ignore_cleanup_errors=True) as folder:
        demo = Demo(say, Path(folder), {name: secrets.token_hex(24) for name in (SHOPIFY, WOOCOMMERCE)})
        api_port, service_port = free_port(), free_port()
        environment = {
            "MAPPINGS_DIR": str(demo.write_mappings()),
            "DATABASE_URL": f"sqlite:///{folder}/demo.db",
            "AXON_API_URL": f"http://127.0.0.1:{api_port}/v1/event",
            "EMBEDDED_DELIVERY": "false",
            "WEB_CONCURRENCY": "1",
        }
        with Processes(Path(folder), environment) as processes:
            demo.start(processes, service_port, api_port)
            lines = demo.play(told, processes)
            right = _conclude(say, lines, monotonic() - began)
            if stay is not None:
                say(f"the service: {demo.service}; what arrived: {demo.conversion_api}/received; files: {folder}")
                say("Ctrl-C ends it")
                stay.wait()
    return right


def _conclude(say: Say, lines: Sequence[Line], seconds: float) -> bool:
    say("")
    for text in render(lines):
        say(text)
    right = sum(line.is_right for line in lines)
    purchases = sum(line.found.what == "delivered" for line in lines)
    say("")
    say(f"{right} of {len(lines)} as expected, {purchases} purchases delivered, {seconds:.1f} s")
    return right == len(lines)
