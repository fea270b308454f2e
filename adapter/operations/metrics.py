"""Prometheus metrics: what stands in the database is read when asked for, and so is what all processes have counted.

So whichever process is asked answers for all of them. The names are documented in the README and don't change; the
values of their labels are the known shops, destinations, states and statuses, and nothing that anybody sends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from adapter import __version__
from adapter.delivery.durations import BEYOND, STEPS
from adapter.operations.facts import Database, Facts
from adapter.operations.health import causes
from adapter.storage.destinations import Condition
from adapter.storage.tables import State
from adapter.tally import UNKNOWN

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The text format that every Prometheus reads."""

Counts = Mapping[str, Mapping[str, int]]
"""By shop, how many orders are in each state."""


def metrics_text(facts: Facts, orders: Counts) -> bytes:
    """Return the metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_House(facts, orders))
    return generate_latest(registry)


class _House(Collector):
    """Makes metrics of facts."""

    def __init__(self, facts: Facts, orders: Counts) -> None:
        self._facts = facts
        self._orders = orders

    def collect(self) -> Iterable[Metric]:
        """Yield every metric."""
        yield from self._of_the_house()
        yield from self._of_the_machine()
        yield self._orders_by_state()
        yield self._oldest_due()
        yield from self._destinations()
        yield self._counted("order_adapter_webhooks", "Webhooks by the status of their answer.", "webhooks", "status")
        yield self._counted("order_adapter_clicks", "Posted clicks by the status of their answer.", "clicks", "status")
        yield self._requests()
        yield self._durations()

    def _of_the_house(self) -> Iterator[Metric]:
        yield _gauge("info", "The version that answers.", ["version"], {(__version__,): 1})
        writable = self._facts.database is Database.WRITABLE
        yield _gauge("database_writable", "1 when an order could be stored now, else 0.", [], {(): int(writable)})
        found: dict[tuple[str, ...], float] = {
            (cause.name, cause.shop or "", cause.destination or ""): 1 for cause in causes(self._facts)
        }
        labels = ["cause", "shop", "destination"]
        yield _gauge("unhealthy", "1 for each cause for which the service doesn't work as it should.", labels, found)
        if self._facts.beat_at is not None:
            age = (self._facts.at - self._facts.beat_at).total_seconds()
            yield _gauge("worker_silence_seconds", "Since a worker last looked for due orders.", [], {(): age})
        if self._facts.clock_ahead is not None:
            ahead = self._facts.clock_ahead.total_seconds()
            yield _gauge("clock_ahead_seconds", "How far this clock is ahead of PostgreSQL's.", [], {(): ahead})

    def _of_the_machine(self) -> Iterator[Metric]:
        machine = self._facts.machine
        if machine is not None:
            yield _gauge("disk_free_bytes", "Free on the disk of the SQLite file.", [], {(): machine.free})
            yield _gauge("sqlite_log_bytes", "Length of SQLite's log (WAL).", [], {(): machine.log})

    def _orders_by_state(self) -> Metric:
        numbers: dict[tuple[str, ...], float] = {}
        for shop in self._facts.shops:
            numbers |= {(shop, state.value): 0 for state in State}
        for shop, states in self._orders.items():
            for state, number in states.items():
                key = (self._known(shop), state)
                numbers[key] = numbers.get(key, 0) + number
        return _gauge("orders", "Orders in the ledger by their state.", ["shop", "state"], numbers)

    def _known(self, shop: str) -> str:
        return shop if shop in self._facts.shops else UNKNOWN

    def _oldest_due(self) -> Metric:
        ages: dict[tuple[str, ...], float] = {
            (name,): max((self._facts.at - vitals.due_since).total_seconds(), 0) if vitals.due_since else 0
            for name, vitals in self._facts.shops.items()
        }
        return _gauge("oldest_due_seconds", "How long the oldest due order has been due, 0 without.", ["shop"], ages)

    def _destinations(self) -> Iterator[Metric]:
        conditions: dict[tuple[str, ...], float] = {}
        members: dict[tuple[str, ...], float] = {}
        for destination in self._facts.destinations:
            for condition in Condition:
                conditions[destination.id, condition.value] = int(destination.state.condition is condition)
            members |= {(destination.id, shop): 1 for shop in destination.shops}
        labels = ["destination", "condition"]
        yield _gauge("destination_condition", "1 for the condition in which the destination is.", labels, conditions)
        yield _gauge("destination_shop", "1 for each shop that sends there.", ["destination", "shop"], members)

    def _counted(self, name: str, words: str, what: str, kind: str) -> Metric:
        """Return a counter by shop; of shops that aren't known any more the counts are added up."""
        numbers: dict[tuple[str, ...], float] = {}
        for key, total in self._facts.totals.items():
            if key.name == what:
                labels = (self._known(key.subject), key.kind)
                numbers[labels] = numbers.get(labels, 0) + total.count
        return _counter(name, words, ["shop", kind], numbers)

    def _requests(self) -> Metric:
        known = {destination.id for destination in self._facts.destinations}
        numbers: dict[tuple[str, ...], float] = {}
        for key, total in self._facts.totals.items():
            if key.name == "requests":
                labels = (key.subject if key.subject in known else UNKNOWN, key.kind)
                numbers[labels] = numbers.get(labels, 0) + total.count
        words = "Requests to the Conversion API by what became of the batch."
        return _counter("order_adapter_requests", words, ["destination", "verdict"], numbers)

    def _durations(self) -> Metric:
        words = "From the shop's webhook to Axon's acceptance, of delivered orders."
        metric = HistogramMetricFamily("order_adapter_delivery_seconds", words, labels=["shop"])
        for shop in self._facts.shops:
            metric.add_metric([shop], self._steps(shop), self._total("delivery_ms", shop, "sum") / 1000)
        return metric

    def _steps(self, shop: str) -> list[tuple[str, float]]:
        """Return how many orders took no longer than each step, all of them at the end."""
        names = [*map(str, STEPS), BEYOND]
        sums = accumulate(self._total("delivery_step", shop, name) for name in names)
        return list(zip([*(str(float(step)) for step in STEPS), "+Inf"], sums, strict=True))

    def _total(self, name: str, subject: str, kind: str) -> int:
        return next(
            (total.count for key, total in self._facts.totals.items() if key == (name, subject, kind)),
            0,
        )


def _gauge(name: str, words: str, labels: list[str], numbers: Mapping[tuple[str, ...], float]) -> Metric:
    metric = GaugeMetricFamily(f"order_adapter_{name}", words, labels=labels)
    for values, number in numbers.items():
        metric.add_metric(list(values), number)
    return metric


def _counter(name: str, words: str, labels: list[str], numbers: Mapping[tuple[str, ...], float]) -> Metric:
    metric = CounterMetricFamily(name, words, labels=labels)
    for values, number in numbers.items():
        metric.add_metric(list(values), number)
    return metric
