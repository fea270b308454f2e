"""Metrics: names, labels and figures, as Prometheus' own parser reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from adapter.operations.facts import Database, DestinationFacts, Facts, Machine
from adapter.operations.metrics import metrics_text
from adapter.storage.destinations import Condition, DestinationState
from adapter.storage.tallies import Total
from adapter.storage.vitals import ShopVitals
from adapter.tally import Counted

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
QUIET = ShopVitals(due_since=None, quarantined=0, quarantined_since=None, arrivals=())
FACTS = Facts(
    at=NOON,
    database=Database.WRITABLE,
    beat_at=NOON - timedelta(seconds=5),
    clock_ahead=timedelta(seconds=-0.5),
    machine=Machine(disk=10 << 30, free=5 << 30, log=4096),
    shops={"acme": replace(QUIET, due_since=NOON - timedelta(seconds=30)), "other": QUIET},
    destinations=(
        DestinationFacts(
            id="d1", shops=("acme", "other"), state=DestinationState(condition=Condition.PAUSED, since=NOON)
        ),
    ),
    totals={
        Counted("webhooks", "acme", "200"): Total(7, NOON),
        Counted("webhooks", "acme", "401"): Total(2, NOON - timedelta(days=1)),
        Counted("webhooks", "removed", "200"): Total(3, NOON),
        Counted("webhooks", "gone", "200"): Total(4, NOON),
        Counted("clicks", "acme", "204"): Total(9, NOON),
        Counted("requests", "d1", "accepted"): Total(5, NOON),
        Counted("requests", "an older key's", "unauthorized"): Total(6, NOON),
        Counted("delivery_step", "acme", "1"): Total(1, NOON),
        Counted("delivery_step", "acme", "300"): Total(2, NOON),
        Counted("delivery_step", "acme", "more"): Total(3, NOON),
        Counted("delivery_ms", "acme", "sum"): Total(12_500, NOON),
    },
)
ORDERS = {"acme": {"delivered": 6, "pending": 1}, "removed": {"delivered": 2}, "gone": {"delivered": 1}}


def samples(facts: Facts = FACTS) -> dict[tuple[str, ...], float]:
    """Return each figure under its name and the values of its labels, in the order of their names."""
    families = text_string_to_metric_families(metrics_text(facts, ORDERS).decode())
    return {
        (
            sample.name.removeprefix("order_adapter_"),
            *(text for _, text in sorted(sample.labels.items())),
        ): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_ledger() -> None:
    """Orders by shop and state, all states of a known shop; shops without a mapping file are added up."""
    found = {key[1:]: number for key, number in samples().items() if key[0] == "orders"}
    assert (6, 1, 0, 3) == (
        found["acme", "delivered"],
        found["acme", "pending"],
        found["other", "expired"],
        found["(unknown)", "delivered"],
    )


def test_every_name() -> None:
    """These names stand in the README, and no other is there."""
    names = {key[0] for key in samples()}
    assert {
        "info",
        "database_writable",
        "unhealthy",
        "worker_silence_seconds",
        "clock_ahead_seconds",
        "disk_free_bytes",
        "sqlite_log_bytes",
        "orders",
        "oldest_due_seconds",
        "destination_condition",
        "destination_shop",
        "webhooks_total",
        "clicks_total",
        "requests_total",
        "delivery_seconds_bucket",
        "delivery_seconds_count",
        "delivery_seconds_sum",
    } == names


def test_what_was_counted() -> None:
    """Counters by shop and status, and by destination and verdict; what isn't known any more is added up."""
    found = samples()
    assert (7, 2, 7) == (
        found["webhooks_total", "acme", "200"],
        found["webhooks_total", "acme", "401"],
        found["webhooks_total", "(unknown)", "200"],
    )
    assert 9 == found["clicks_total", "acme", "204"]
    assert (5, 6) == (
        found["requests_total", "d1", "accepted"],
        found["requests_total", "(unknown)", "unauthorized"],
    )


def test_durations() -> None:
    """A histogram whose buckets each hold the smaller ones; 300 s is the time in which Axon merges."""
    found = samples()
    buckets = {
        key[1]: number for key, number in found.items() if (key[0], key[-1]) == ("delivery_seconds_bucket", "acme")
    }
    assert (1, 1, 3, 3, 6) == tuple(buckets[step] for step in ("1.0", "120.0", "300.0", "3600.0", "+Inf"))
    assert (6, 12.5) == (found["delivery_seconds_count", "acme"], found["delivery_seconds_sum", "acme"])
    assert 0 == found["delivery_seconds_count", "other"]


def test_health() -> None:
    """Each cause is one, with whose it is; what stands still is told in seconds."""
    found = samples()
    assert 1 == found["unhealthy", "destination_paused", "d1", ""]
    assert 1 == len([key for key in found if key[0] == "unhealthy"])
    assert (5, 30, 0) == (
        found[("worker_silence_seconds",)],
        found["oldest_due_seconds", "acme"],
        found["oldest_due_seconds", "other"],
    )
    assert (1, 0) == (
        found["destination_condition", "paused", "d1"],
        found["destination_condition", "open", "d1"],
    )
    assert (1, -0.5, 5 << 30) == (
        found[("database_writable",)],
        found[("clock_ahead_seconds",)],
        found[("disk_free_bytes",)],
    )


def test_without_a_database() -> None:
    """While nothing can be read, that is what is told."""
    found = samples(Facts(at=NOON, database=Database.AWAY))
    assert 0 == found[("database_writable",)]
    assert 1 == found["unhealthy", "database_unusable", "", ""]
