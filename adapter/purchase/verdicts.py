"""What every rule says about one order, not only the one that fires, with the fact that it looked at.

For people who ask why an order was skipped, or nearly was. The decision itself is `decision.decide`'s; here each of
the `rules` is asked alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import structs

from adapter.errors import MappingFailed
from adapter.purchase.decision import ShopRules, consent_in
from adapter.purchase.event import is_true
from adapter.purchase.expressions import Expression
from adapter.purchase.order import Order, Payment
from adapter.purchase.reads import Read, reads_of
from adapter.purchase.rules import (
    SKIP_RULES,
    Policy,
    Skip,
    countable_since,
    skip_by_consent,
    skip_by_event,
    skip_by_order,
)
from adapter.purchase.whence import Places, read_places


class Finding(StrEnum):
    """What a rule says about an order."""

    FIRED = "fired"
    """The order is skipped for it."""
    FIRES_TOO = "fires too"
    """It would skip the order if the one that fired didn't."""
    NOT_ASKED = "not in skip"
    """It applies, but the mapping doesn't name it."""
    NO = "no"
    """It doesn't apply."""
    OPEN = "open"
    """That can't be told here."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule, what it says, and in words the fact that it looked at."""

    rule: str
    finding: Finding
    fact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Asks every rule about one order.

    `scope` is what the expressions see of the order, `event` what it becomes when nothing skips it (None when it
    can't become one), `places` tells where the platform's facts stand.
    """

    order: Order
    rules: ShopRules
    scope: Mapping[str, Any]
    event: Mapping[str, Any] | None
    places: Places

    def verdicts(self, fired: Skip | None, now: datetime | None) -> tuple[Verdict, ...]:
        """Return what each rule says, in the order in which they are asked; `now` is None when that isn't known."""
        return tuple(self._weighed(verdict, fired) for verdict in self._verdicts(now))

    def _verdicts(self, now: datetime | None) -> Iterator[Verdict]:
        yield self._consent()
        yield self._of_order("cancelled")
        yield from (self._of_order(rule) for rule in SKIP_RULES if rule not in _SPECIAL)
        yield self._unpaid()
        yield self._too_old(now)
        yield self._skip_if()
        yield self._of_event("zero_value", lambda event: f"value {_plain(event['data'].get('value'))}")
        yield self._of_event("no_browser", _browser)

    def _weighed(self, verdict: Verdict, fired: Skip | None) -> Verdict:
        """Tell of a rule that applies whether it was the one, would be the next, or isn't asked at all."""
        if verdict.finding is not Finding.FIRES_TOO:
            return verdict
        if fired is not None and verdict.rule == _RULE_OF.get(fired.rule, fired.rule):
            return replace(verdict, finding=Finding.FIRED)
        if verdict.rule in SKIP_RULES and verdict.rule not in self.rules.policy.skip:
            return replace(verdict, finding=Finding.NOT_ASKED)
        return verdict

    def _of_order(self, rule: str) -> Verdict:
        # As if it were paid: whether it is, is a rule of its own.
        order = structs.replace(self.order, standing=structs.replace(self.order.standing, payment=Payment.PAID))
        fact = self._facts(rule) or "nothing in such an order tells"
        return Verdict(rule, _finding(skip_by_order(order, self._asking(rule), None)), fact)

    def _unpaid(self) -> Verdict:
        skip = skip_by_order(self.order, self._asking(), None)
        facts = self._facts("unpaid")
        fact = f"payment is {self.order.standing.payment}" + (f" ({facts})" if facts else "")
        return Verdict("unpaid", _finding(skip), f"{fact}; counted once {self.rules.policy.count}")

    def _too_old(self, now: datetime | None) -> Verdict:
        policy, since = self.rules.policy, countable_since(self.order.standing, self.rules.policy)
        if since is None or now is None:
            return Verdict("too_old", Finding.OPEN, self._facts("too_old") or "the order doesn't say how old it is")
        age = now - since
        fact = f"{max(age.days, 0)} of {policy.max_age.days} days old now; it counts how old it is when it comes in"
        return Verdict("too_old", Finding.OPEN if age > policy.max_age else Finding.NO, fact)

    def _skip_if(self) -> Verdict:
        if self.rules.mapping.skip_if is None:
            return Verdict("skip_if", Finding.NO, "the mapping has none")
        return Verdict("skip_if", *self._condition("orders.skip_if", self.rules.mapping.skip_if))

    def _condition(self, target: str, expression: Expression) -> tuple[Finding, str]:
        facts = _words(reads_of(expression.text, self.scope))
        try:
            holds = is_true(target, expression, self.scope)
        except MappingFailed as failed:
            return Finding.OPEN, f"it failed: {failed.reason}"
        return Finding.FIRES_TOO if holds else Finding.NO, f"{expression.text}: {facts or holds}"

    def _consent(self) -> Verdict:
        """Judge by what the order itself says; a mapping's `granted_if` is asked when nothing else answers."""
        answer, granted_if = consent_in(self.order.source), self.rules.mapping.granted_if
        required = self.rules.policy.consent_required
        if answer is None and required and granted_if is not None:
            finding, fact = self._condition("consent.granted_if", granted_if)
            granted = {Finding.FIRES_TOO: Finding.NO, Finding.NO: Finding.FIRES_TOO}
            return Verdict("consent", granted.get(finding, finding), f"required; {fact}")
        skip = skip_by_consent(required=required, granted=answer == "granted", denied=answer == "denied")
        needed = "required" if required else "not required"
        return Verdict("consent", _finding(skip), f"{needed}; the order says {answer or 'nothing about it'}")

    def _of_event(self, rule: str, fact: Callable[[Mapping[str, Any]], str]) -> Verdict:
        if self.event is None:
            return Verdict(rule, Finding.OPEN, "the order can't become an event")
        return Verdict(
            rule,
            _finding(skip_by_event(self.event, self._asking(rule), self.order.buyer.not_buyers)),
            fact(self.event),
        )

    def _asking(self, *rules: str) -> Policy:
        return replace(self.rules.policy, skip=frozenset(rules))

    def _facts(self, rule: str) -> str:
        return _words(read_places(rule, self.scope, self.places))


_SPECIAL = ("cancelled", "too_old", "zero_value", "no_browser")
_RULE_OF = {"consent denied": "consent", "no consent": "consent"}
_LONGEST_FACT = 60


def _finding(skip: Skip | None) -> Finding:
    return Finding.NO if skip is None else Finding.FIRES_TOO


def _words(reads: Iterable[Read]) -> str:
    """Say what stands at these places; when at none of them anything, only that the first is empty."""
    listed = list(reads)
    found = [read for read in listed if read.value not in (None, "")] or listed[:1]
    return ", ".join(f"{_short(read.path)} is {_plain(read.value)}" for read in found)


def _short(path: str) -> str:
    return path.removeprefix("order.").removeprefix("attribute(order, ").removesuffix(")").strip("'")


def _plain(value: object) -> str:
    match value:
        case None | "" | [] | {}:
            return "empty"
        case bool():
            return str(value).lower()
        case Decimal():
            return f"{value:f}"
        case list() | dict():
            return f"there ({len(value)})"  # pyright: ignore[reportUnknownArgumentType]  # Any JSON.
        case _:
            text = str(value)
            return text if len(text) <= _LONGEST_FACT else f"{text[: _LONGEST_FACT - 1]}…"


def _browser(event: Mapping[str, Any]) -> str:
    user = event["user_data"]
    address, agent = _plain(user.get("client_ip_address")), _plain(user.get("client_user_agent"))
    return f"IP address {address}, user agent {agent}"
