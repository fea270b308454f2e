"""Playing the stories on the stage: browser, shop, and waiting until everything has come to rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from adapter.operations.demo.judging import SETTLED, Evidence, Played
from adapter.operations.demo.processes import wait_until
from adapter.operations.demo.shops import SHOPS
from adapter.operations.demo.stage import Announce, Stage
from adapter.operations.demo.story import Click, Delivery, Story

REST_SECONDS = 15.0
"""How long everything may take from the last webhook to its purchase."""

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
_NO_CONTENT = 204


def utc_now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


class Play:
    """One performance; every date in the orders is relative to its beginning."""

    def __init__(self, stage: Stage, announce: Announce, clock: Callable[[], datetime] = utc_now) -> None:
        self._stage = stage
        self._announce = announce
        self._clock = clock
        self._began = clock()

    def perform(self, stories: Sequence[Story]) -> tuple[list[Played], Evidence]:
        """Play all stories, wait until all is at rest, and return what was answered and what came of it."""
        played = [self._play(story) for story in stories]
        if any(story.later for story in stories):
            played = self._play_on(played)
        return played, self._come_to_rest(stories)

    def _play(self, story: Story) -> Played:
        problems: list[str] = []
        if story.click is not None and not story.click.late:
            problems += self._click(story.shop, story.click)
        played = self._send_all(story, story.deliveries)
        if story.click is not None and story.click.late:
            problems += self._click(story.shop, story.click)
        return replace(played, problems=(*problems, *played.problems))

    def _play_on(self, played: Sequence[Played]) -> list[Played]:
        """Send what comes later, once the ledger says of each of these stories what it should say until then."""
        waiting = [one.story for one in played if one.story.later]
        self._announce(f"waiting until the ledger says of {len(waiting)} unpaid orders that they are skipped")
        evidence = self._look_until(lambda seen: all(seen.happened(story) == story.between for story in waiting))
        return [self._send_later(one, evidence) if one.story.later else one for one in played]

    def _send_later(self, played: Played, evidence: Evidence) -> Played:
        story, between = played.story, evidence.happened(played.story)
        problems = list(played.problems)
        if between != story.between:
            problems.append(f"expected at first {story.between}, and it was {between}")
        again = self._send_all(story, story.later)
        return replace(again, problems=(*problems, *again.problems))

    def _send_all(self, story: Story, deliveries: Sequence[Delivery]) -> Played:
        """Send these webhooks; the time counts from the first of them."""
        sent_at = self._clock()
        answers = [self._send(story.shop, delivery) for delivery in deliveries]
        problems = [
            f"expected the answer {delivery.answer}, got {answer}"
            for delivery, answer in zip(deliveries, answers, strict=True)
            if delivery.answer != answer
        ]
        self._announce(f"{SHOPS[story.shop].title} {story.name}: {', '.join(answers)}")
        return Played(story=story, sent_at=sent_at, answer=answers[-1], problems=tuple(problems))

    def _send(self, shop: str, delivery: Delivery) -> str:
        parcel = SHOPS[shop].parcel(delivery, self._began)
        answer = self._stage.post(f"/webhooks/{shop}", parcel.body, parcel.headers)
        if not answer.ok:
            return str(answer.status_code)
        said = answer.json()
        return f"{answer.status_code} {said.get('change') or said.get('result')}"

    def _click(self, shop: str, click: Click) -> list[str]:
        headers = {"Content-Type": "application/json", "Origin": click.origin, "User-Agent": _BROWSER}
        status = self._stage.post(f"/clicks/{shop}", msgspec.json.encode(click.posted), headers).status_code
        return [] if status == _NO_CONTENT else [f"expected the answer 204 to the click, got {status}"]

    def _come_to_rest(self, stories: Sequence[Story]) -> Evidence:
        purchases = sum(story.expected.purchases for story in stories)
        self._announce(f"waiting for {purchases} purchases (an order without a click waits two seconds for one)")
        wait_until(lambda: self._received_count() >= purchases, REST_SECONDS)
        return self._look_until(lambda seen: all(row["state"] in SETTLED for row in seen.ledger))

    def _received_count(self) -> int:
        self._stage.processes.check()
        return len(self._stage.received()["events"])

    def _look_until(self, is_so: Callable[[Evidence], bool]) -> Evidence:
        """Look at ledger and sandbox until it is so, or the time is up; return what was seen last."""
        seen: list[Evidence] = []

        def look() -> bool:
            self._stage.processes.check()
            # The ledger first: what it calls settled is at the sandbox already.
            ledger = self._stage.ledger()
            seen[:] = [Evidence(received=self._stage.received(), ledger=ledger)]
            return is_so(seen[0])

        wait_until(look, REST_SECONDS)
        return seen[0]
