"""What the sandbox takes as a misbehaviour, and which requests it strikes."""

from __future__ import annotations

import json
from random import Random

import pytest

from adapter.axon.sandbox.misbehaviour import (
    GOOD_BEHAVIOUR,
    Faults,
    Misbehaviour,
    MisbehaviourRefused,
    Poison,
    parse_misbehaviours,
    parse_told,
)

EVENT = {"dedupe_id": "7", "data": {"transaction_id": "T7", "value": 30, "items": [{"item_id": "a"}]}}


def faults(*rules: Misbehaviour) -> Faults:
    """Return these rules in force, with a fixed seed."""
    return Faults(rules, Random(1))  # noqa: S311  # Repeatable, not secret.


@pytest.mark.parametrize("told", [{}, [], [{}]])
def test_nothing_ends_it(told: object) -> None:
    """An empty object or list means good behaviour, from Python and over HTTP."""
    assert parse_misbehaviours(told) == ()
    assert parse_told(json.dumps(told).encode()) == ()


def test_every_field_can_be_told() -> None:
    """Each documented field is read, several rules in their order."""
    told = [
        {"status": 503, "times": 2, "headers": {"Retry-After": "1"}, "body": "busy", "probability": 0.5},
        {"delay_seconds": 1, "reset": "mid_answer", "after_bytes": 3, "hang": True, "drip_seconds_per_byte": 0.1},
        {"huge_answer_bytes": 5, "gzip": True, "poison": {"path": "data.value", "equals": 30.5}},
    ]
    first, second, third = parse_told(json.dumps(told).encode())
    headers = {"Retry-After": "1"}
    assert first == Misbehaviour(status=503, times=2, headers=headers, body="busy", probability=0.5)
    assert (second.delay_seconds, second.reset, second.after_bytes) == (1, "mid_answer", 3)
    assert (second.hang, second.drip_seconds_per_byte) == (True, 0.1)
    assert third.poison is not None
    assert (third.huge_answer_bytes, third.gzip, str(third.poison.equals)) == (5, True, "30.5")


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"staus": 503}, "staus"),
        ({"status": "503"}, r"\$\.status"),
        ({"status": 99}, r"\$\.status"),
        ({"times": 0}, r"\$\.times"),
        ({"probability": 1.5}, r"\$\.probability"),
        ({"delay_seconds": -1}, r"\$\.delay_seconds"),
        ({"reset": "later"}, r"\$\.reset"),
        ({"huge_answer_bytes": 0}, r"\$\.huge_answer_bytes"),
        ({"poison": {"ids": []}}, "ids"),
        ("hang", "object"),
    ],
)
def test_what_it_does_not_know_is_refused(told: object, named: str) -> None:
    """An unknown field or a wrong value is refused, and the message names it."""
    with pytest.raises(MisbehaviourRefused, match=named):
        parse_told(json.dumps(told).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    """A body that isn't JSON is no misbehaviour."""
    with pytest.raises(MisbehaviourRefused, match="nothing it can read"):
        parse_told(body)


def test_without_rules_it_behaves() -> None:
    """No rule, no fault."""
    assert faults().strike([EVENT]) is GOOD_BEHAVIOUR


def test_times_counts_down() -> None:
    """A rule with `times` strikes so often and is over."""
    busy = Misbehaviour(status=503, times=2)
    force = faults(busy)
    assert [busy, busy, GOOD_BEHAVIOUR] == [force.strike([EVENT]) for _ in range(3)]


def test_the_first_rule_that_strikes_applies() -> None:
    """When the first rule is used up the second has its turn."""
    first, second = Misbehaviour(status=503, times=1), Misbehaviour(status=429)
    force = faults(first, second)
    assert [first, second, second] == [force.strike([EVENT]) for _ in range(3)]


def test_a_probability_strikes_about_as_often() -> None:
    """Of 1,000 requests a probability of 0.3 strikes close to 300, the same ones for the same seed."""
    rule = Misbehaviour(status=503, probability=0.3)
    runs = [[force.strike([]) is rule for _ in range(1000)] for force in (faults(rule), faults(rule))]
    assert runs[0] == runs[1]
    # Four standard deviations of the binomial distribution are 58.
    assert 242 <= sum(runs[0]) <= 358


def test_a_probability_of_zero_never_strikes() -> None:
    """A rule that is as good as off leaves every request alone."""
    force = faults(Misbehaviour(status=503, probability=0))
    assert {GOOD_BEHAVIOUR.status} == {force.strike([]).status for _ in range(100)}


@pytest.mark.parametrize(
    ("poison", "matches"),
    [
        (Poison(dedupe_ids=frozenset({"6", "7"})), True),
        (Poison(dedupe_ids=frozenset({"8"})), False),
        (Poison(path="data.transaction_id", equals="T7"), True),
        (Poison(path="data.transaction_id", equals="T8"), False),
        (Poison(path="data.value", equals=30), True),
        (Poison(path="data.items.0.item_id", equals="a"), True),
        (Poison(path="data.items.1.item_id", equals="a"), False),
        (Poison(path="data.items.first.item_id", equals="a"), False),
        (Poison(path="data.tax", equals=None), False),
        (Poison(path="dedupe_id.more", equals="7"), False),
        (Poison(), False),
    ],
)
def test_poison_finds_its_event(poison: Poison, *, matches: bool) -> None:
    """A poison rule strikes a batch with an event of that id, or with that value at the path, and no other."""
    rule = Misbehaviour(poison=poison)
    others = [{"dedupe_id": "1"}, "no object"]
    assert (rule if matches else GOOD_BEHAVIOUR) == faults(rule).strike([*others, EVENT])
