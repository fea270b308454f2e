"""M2: the ledger and the sender against a model that knows only what the shops sent and what the API received.

A machine of hypothesis: orders come in, several workers send them step by step, each may be killed or overtaken
between any two steps, and the clock does what it likes. After every step the rows are held against the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar

from campaigns.stepping import Stepper
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Engine, select, update

from adapter.axon.outcome import Outcome, Verdict
from adapter.delivery import policy, settlements
from adapter.delivery.preparing import ToSend
from adapter.delivery.sending import Sender
from adapter.shops.shop import Destination
from adapter.storage.arrivals import Receipt, Received
from adapter.storage.destinations import Condition, Destinations, DestinationState
from adapter.storage.engine import writing
from adapter.storage.purchases import Claim, Purchases, Settlement
from adapter.storage.resealing import Resealing
from adapter.storage.retention import ALLOWANCE, Retention
from adapter.storage.retries import Retries
from adapter.storage.sealing import Sealer
from adapter.storage.tables import awaited_clicks, destinations, purchases, uptime

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LEASE = timedelta(minutes=1)
KEEP = timedelta(days=2)
SHOP = "acme"
TARGET = Destination("http://127.0.0.1/v1/event", "pixel", "key")
SECRETS = ("first secret", "second secret", "third secret")

WAITING = ("pending", "delivering")
DEFINITE = {Verdict.REFUSED, Verdict.UNAUTHORIZED, Verdict.TOO_LARGE}
_STATUS = {Verdict.ACCEPTED: 200, Verdict.REFUSED: 400, Verdict.UNAUTHORIZED: 401, Verdict.TOO_LARGE: 413}

RARITIES: list[tuple[str, tuple[int, ...]]] = [
    *(("the_clock_jumps", (hours,)) for hours in (-87_600, -1, 1, 87_600)),
    *(("sweep", (days,)) for days in (0, 0, 1)),
    ("sweep", (5,)),
    *(
        (name, ())
        for name in ("restart_with_a_new_key", "the_mapping_is_corrected", "resume", "resume", "reseal", "reseal")
    ),
]

numbers = st.integers(1, 8)
workers = st.integers(0, 2)
verdicts = st.sampled_from([*Verdict, Verdict.REFUSED])


@dataclass(slots=True)
class Known:
    """What is known of one order: its newest body by the rule, and what happened to it at the API."""

    token: str
    stamp: int
    counts: bool
    body: bytes
    fixed: bytes | None = None
    possibly: bool = False
    sending: set[int] = field(default_factory=set)
    accepted: bool = False
    refused_alone: list[tuple[int, datetime, int]] = field(default_factory=list)
    too_large: bool = False


class GatedPurchases(Purchases):
    """The rows as one worker sees them: it rests before and after whatever it writes."""

    def __init__(self, engine: Engine, sealer: Sealer, stepper: Stepper) -> None:
        super().__init__(engine, sealer)
        self._stepper = stepper

    def freeze(self, events: Sequence[tuple[Claim, bytes]], now: datetime, lease: timedelta) -> list[Claim]:
        """Freeze, between two gates."""
        self._stepper.gate("freeze", now)
        kept = super().freeze(events, now, lease)
        self._stepper.gate("frozen")
        return kept

    def settle(self, settlements: Sequence[Settlement]) -> int:
        """Settle, between two gates."""
        self._stepper.gate("settle", settlements)
        settled = super().settle(settlements)
        self._stepper.gate("settled")
        return settled


class GatedDestinations(Destinations):
    """The destination as one worker sees it."""

    def __init__(self, engine: Engine, stepper: Stepper) -> None:
        super().__init__(engine)
        self._stepper = stepper

    def save(self, destination_id: str, state: DestinationState) -> None:
        """Save, and rest."""
        super().save(destination_id, state)
        self._stepper.gate("saved")


@dataclass(frozen=True)
class GatedClient:
    """The way to the API: what it answers is told by whoever steps."""

    stepper: Stepper

    def send(self, _url: str, _pixel: str, _key: str, events: Sequence[bytes], _envelope: str = "events") -> Outcome:
        """Rest while the request is under way."""
        verdict: Verdict = self.stepper.gate("send", list(events))
        return Outcome(verdict=verdict, status=_STATUS.get(verdict))


class Outbox(RuleBasedStateMachine):
    """The machine. `engine` is set by whoever runs it; the tables are emptied at the start of each run."""

    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        with writing(self.engine) as connection:
            for table in (awaited_clicks, purchases, destinations):
                connection.execute(table.delete())
            connection.execute(update(uptime).values(seconds=0, looked_at=None))
        self.now = NOON
        self.lived = timedelta(0)
        self.time = 0
        self.mapping = 1
        self.sealer = Sealer(SECRETS[:1])
        self.orders: dict[str, Known] = {}
        self.aside: set[str] = set()
        self.accepted: list[tuple[int, datetime, int, str]] = []
        self.numbers, self.courses = count(), dict[int, int]()
        self.running: dict[int, Stepper] = {}
        self.leases: dict[int, datetime] = {}
        self.rows: dict[str, dict[str, Any]] = {}

    # What the shops do.

    @rule(
        number=numbers,
        later=st.sampled_from([-1, 0, 0, 1, 1]),
        counts=st.sampled_from([True, True, False]),
        token=st.sampled_from("aaaaaab"),
    )
    def receive(self, number: int, later: int, counts: bool, token: str) -> None:
        """Send a body: new, newer, older, with the same stamp, or of another order with the same id."""
        order_id = str(number)
        known = self.orders.get(order_id)
        stamp = (known.stamp if known else 10) + later
        body = f"{order_id}|{token}|{stamp}|{counts}|{self.time}".encode()
        self._take(order_id, Known(token, stamp, counts, body), known)

    @initialize()
    def open_with_some_orders(self) -> None:
        """Begin with six paid orders."""
        for number in range(1, 7):
            self.receive(number, 0, counts=True, token="a")
        self._look_at_rows()

    @rule(number=numbers)
    def receive_again(self, number: int) -> None:
        """Send the newest body once more."""
        known = self.orders.get(str(number))
        if known is not None:
            self._take(str(number), Known(known.token, known.stamp, known.counts, known.body), known)

    def _take(self, order_id: str, new: Known, known: Known | None) -> None:
        receipt = Receipt(
            shop=SHOP,
            order_id=order_id,
            body=new.body,
            token=new.token,
            body_at=NOON + timedelta(seconds=new.stamp),
            counts=new.counts,
        )
        result = Purchases(self.engine, self.sealer).receive([receipt], self.now)[0]
        assert self._expected(new, known, order_id) == result
        if result is Received.CONFLICT:
            self.aside.add(order_id)
        elif known is None:
            self.orders[order_id] = new
        elif result is Received.REFRESHED:
            known.stamp, known.counts, known.body = new.stamp, new.counts, new.body

    def _expected(self, new: Known, known: Known | None, order_id: str) -> Received:
        if known is None:
            return Received.STORED
        if new.token != known.token:
            return Received.CONFLICT
        row = self.rows[order_id]
        if row["fixed"] or row["state"] == "delivered":
            return Received.UNCHANGED
        first_sale = new.stamp == known.stamp and new.counts and not known.counts
        return Received.REFRESHED if new.stamp > known.stamp or first_sale else Received.UNCHANGED

    # What the workers do.

    @rule(worker=workers, limit=st.integers(1, 3), verdict=verdicts, steps=st.integers(1, 8))
    def work(self, worker: int, limit: int, verdict: Verdict, steps: int) -> None:
        """Let a worker begin a round, or go on with it; what it sends meanwhile is answered so."""
        self._look(worker, limit)
        for _ in range(steps):
            if worker in self.running:
                self._step(worker, verdict)

    @rule(worker=workers, limit=st.integers(1, 3), verdict=verdicts, more=st.sampled_from(["", "", "", "killed"]))
    def send(self, worker: int, limit: int, verdict: Verdict, more: str) -> None:
        """Let a worker get to its next request, and answer it or kill the worker."""
        self._look(worker, limit)
        while worker in self.running and self.running[worker].at != "send":
            self._step(worker, verdict)
        if worker in self.running and more == "killed":
            self._kill(worker)
        elif worker in self.running:
            self._step(worker, verdict)

    @precondition(lambda self: self.running)
    @rule(worker=workers)
    def crash(self, worker: int) -> None:
        """Kill a worker, whatever it is doing."""
        self._kill(sorted(self.running)[worker % len(self.running)])

    def _look(self, worker: int, limit: int) -> None:
        if worker not in self.running:
            self.running[worker] = Stepper(lambda stepper: self._deliver(stepper, limit))
            self.courses[worker] = next(self.numbers)

    def restart_with_a_new_key(self) -> None:
        """Kill all workers; they come back with a new key, and the old ones still open what they sealed."""
        for worker in list(self.running):
            self._kill(worker)
        used = len(self.sealer.key_ids)
        self.sealer = Sealer(tuple(reversed(SECRETS[: min(used + 1, len(SECRETS))])))

    def _kill(self, worker: int) -> None:
        self.running.pop(worker).kill()
        self._break_off(worker)

    def _step(self, worker: int, verdict: Verdict) -> None:
        stepper = self.running[worker]
        if stepper.at == "send":
            self._answer(worker, stepper.about, verdict)
        before, was_at, about = self._stale_rows(stepper), stepper.at, stepper.about
        stepper.step(verdict)
        if was_at == "freeze":  # By the clock of the moment at which it began to write, which may have jumped since.
            self.leases[worker] = about + LEASE
            self._set_clock(self.now)
        self._look_at_rows()
        for order_id, row in before.items():
            assert row == self.rows[order_id], "a worker whose claim was taken over has settled"
        if stepper.at == "send":
            self._begin_request(worker, stepper.about)
        if stepper.at is None:
            del self.running[worker]

    def _stale_rows(self, stepper: Stepper) -> dict[str, dict[str, Any]]:
        """Return the rows that this step must not change: those claimed by somebody else since."""
        if stepper.at != "settle":
            return {}
        claims = [settlement.claim for settlement in stepper.about]
        return {c.order_id: self.rows[c.order_id] for c in claims if self.rows[c.order_id]["fence"] != c.fence}

    def _deliver(self, stepper: Stepper, limit: int) -> None:
        """Do as the worker does: claim, prepare, send; or probe when the destination isn't open."""
        stepper.gate("look")
        store = GatedPurchases(self.engine, self.sealer, stepper)
        targets = GatedDestinations(self.engine, stepper)
        state = targets.state(TARGET.id, self.now)
        if policy.is_resting(state, self.now):
            return
        claims = self._claim(store, state, limit)
        stepper.gate("claimed")
        events = []
        for claim in claims:
            body = store.open_body(claim)
            frozen = store.open_event(claim) if claim.fixed else None
            if frozen is None and b"|False|" in body:
                store.settle([settlements.skipped(claim, "not paid", self.now, refused_by_buyer=False)])
            else:
                events.append(ToSend(claim, frozen or body + b"|mapping %d" % self.mapping))
        if events:
            self._sender(store, targets, stepper).send(events)

    def _claim(self, store: Purchases, state: DestinationState, limit: int) -> list[Claim]:
        if state.condition is Condition.OPEN:
            found = store.claim([SHOP], "due", limit, self.now, LEASE)
            which = "suspects" if state.accepted_at else "newest suspect"
            return found or store.claim([SHOP], which, limit if state.accepted_at else 1, self.now, LEASE)
        found = store.claim([SHOP], "newest", 1, self.now, LEASE)
        if not found and policy.may_probe_suspect(state, self.now):
            found = store.claim([SHOP], "newest suspect", 1, self.now, LEASE)
        return found

    def _sender(self, store: Purchases, targets: Destinations, stepper: Stepper) -> Sender:
        return Sender(
            destination=TARGET,
            client=GatedClient(stepper),
            purchases=store,
            destinations=targets,
            clock=lambda: self.now,
            jitter=lambda: 0.5,
            lease=LEASE,
            stopping=lambda: False,
        )

    # What the API sees.

    def _begin_request(self, worker: int, events: Sequence[bytes]) -> None:
        ids = [_order_of(event) for event in events]
        assert len(set(ids)) == len(ids), "an order stands twice in a batch"
        for order_id, event in zip(ids, events, strict=True):
            known = self.orders[order_id]
            assert known.fixed in (None, event), "sent again with other bytes"
            if known.fixed is None:
                assert event.startswith(known.body + b"|mapping "), "sent from an outdated body"
            if worker in self.leases:
                assert self.rows[order_id]["state"] != "delivered", "sent after it was marked as delivered"
                assert not known.sending & set(self.leases), "sent by two workers at once"
            known.fixed = event
            known.sending.add(worker)

    def _answer(self, worker: int, events: Sequence[bytes], verdict: Verdict) -> None:
        self.time += 1
        for event in events:
            order_id = _order_of(event)
            known = self.orders[order_id]
            known.sending.discard(worker)
            known.possibly |= verdict not in DEFINITE
            if verdict is Verdict.ACCEPTED:
                known.accepted = True
                self.accepted.append((self.time, self.now, self.courses[worker], order_id))
            elif verdict is Verdict.REFUSED and len(events) == 1:
                known.refused_alone.append((self.time, self.now, self.courses[worker]))
            elif verdict is Verdict.TOO_LARGE and len(events) == 1:
                known.too_large = True

    def _break_off(self, worker: int) -> None:
        """Note that a worker is gone: whether what it was just sending is accepted, nobody will know."""
        self.leases.pop(worker, None)
        for known in self.orders.values():
            known.possibly |= worker in known.sending
            known.sending.discard(worker)

    # What else happens.

    @rule(rarity=st.sampled_from(RARITIES))
    def something_rare(self, rarity: tuple[str, tuple[int, ...]]) -> None:
        """Do one of many things that happen seldom."""
        name, arguments = rarity
        getattr(self, name)(*arguments)

    @rule(seconds=st.sampled_from([1, 20, 40, 70, 400]))
    def time_passes(self, seconds: int) -> None:
        """Time passes, and leases, rests and waits end."""
        self._set_clock(self.now + timedelta(seconds=seconds))
        self.lived += timedelta(seconds=seconds)
        with writing(self.engine) as connection:
            connection.execute(update(uptime).values(seconds=int(self.lived.total_seconds())))

    def the_clock_jumps(self, hours: int) -> None:
        """Set the clock, by an hour or by ten years."""
        self._set_clock(self.now + timedelta(hours=hours))

    def _set_clock(self, now: datetime) -> None:
        """Set the clock. A lease that is over, or seems so because the clock went far back, protects nobody."""
        self.now = now
        self.leases = {
            worker: until for worker, until in self.leases.items() if now < until <= now + timedelta(days=1)
        }

    def the_mapping_is_corrected(self) -> None:
        """Make events otherwise from now on."""
        self.mapping += 1

    @rule(number=numbers)
    def retry(self, number: int) -> None:
        """Ask for one order, as a person does."""
        row = self.rows.get(str(number))
        found = Retries(self.engine).retry(SHOP, str(number), self.now)
        may = row is not None and row["state"] in {"quarantined", "skipped", "expired"} and row["body"] is not None
        assert may == (found is not None)

    def resume(self) -> None:
        """End the destination's pause, as a person does."""
        Destinations(self.engine).resume(TARGET.id, self.now)

    def reseal(self) -> None:
        """Move everything to the newest key."""
        Resealing(self.engine, self.sealer).orders()

    def sweep(self, days: int) -> None:
        """Purge what is old, after some days without anything else."""
        if days > 1 and len(self.accepted) < 2:  # Or most courses would end early.
            return
        self.time_passes(days * 86_400)
        retention = Retention(self.engine, KEEP)
        waiting = {order_id for order_id, row in self.rows.items() if row["state"] in WAITING}
        expired = retention.expire(self.lived, self.now)
        retention.purge_orders(self.lived)
        assert {order.order_id for order in expired} <= waiting
        if self.lived < 2 * KEEP + ALLOWANCE:
            assert not expired

    # What must always hold.

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        """Hold every row against the model."""
        self._look_at_rows()
        self._every_acknowledged_order_is_one_row()
        for order_id, known in self.orders.items():
            self._newest_body_is_stored(order_id, known)
            self._possibly_accepted_is_kept(known, self.rows[order_id])
            self._settled_by_the_rule(order_id, known, self.rows[order_id]["state"])

    def _every_acknowledged_order_is_one_row(self) -> None:
        """I1, I2: a row each, in one state, and what is settled or free is held by nobody."""
        aside = {order_id for order_id in self.rows if "~" in order_id}
        assert set(self.orders) == set(self.rows) - aside
        assert self.aside == {order_id.partition("~")[0] for order_id in aside}
        for row in self.rows.values():
            assert (row["state"] == "delivering") == (row["lease_until"] is not None)
            assert (row["settled_at"] is None) == (row["state"] in WAITING)
            assert row["body"] is not None or row["state"] not in WAITING

    def _newest_body_is_stored(self, order_id: str, known: Known) -> None:
        """I1: unless it was purged, the row holds the body that the rule says, and it can be opened."""
        sealed = self.rows[order_id]["body"]
        if sealed is not None:
            assert known.body == self.sealer.open(sealed, f"purchases/body/{SHOP}/{order_id}")

    def _possibly_accepted_is_kept(self, known: Known, row: Mapping[str, Any]) -> None:
        """I4: bytes are given up only after definite refusals alone; then the model forgets them as well."""
        if known.fixed is not None and not row["fixed"]:
            assert not known.possibly, "its bytes may have been accepted, and aren't frozen"
            known.fixed = None

    def _settled_by_the_rule(self, order_id: str, known: Known, state: str) -> None:
        """I2: delivered is what was accepted; quarantined what was refused alone while the credentials are proven."""
        assert known.accepted or state != "delivered"
        if state == "quarantined":
            blamed = any(self._is_own_fault(order_id, *refusal) for refusal in known.refused_alone)
            assert known.too_large or blamed, "quarantined without a reason"

    def _is_own_fault(self, order_id: str, at: int, when: datetime, course: int) -> bool:
        """Whether another one was accepted later, or shortly before by the clock, or in the same course of a batch.

        There the clock may have jumped in between: the same worker has just sent both.
        """
        others = [(time, moment, its) for time, moment, its, other in self.accepted if other != order_id]
        hour = timedelta(hours=1)
        return any(time > at or abs(when - moment) <= hour or its == course for time, moment, its in others)

    def _look_at_rows(self) -> None:
        with self.engine.connect() as connection:
            rows = connection.execute(select(purchases)).mappings().all()
        self.rows = {row["order_id"]: dict(row) for row in rows}

    def teardown(self) -> None:
        """I3, I5: when all faults end, everything is settled soon, and each purchase was accepted once or is aside."""
        for worker in list(self.running):
            self._kill(worker)
        Destinations(self.engine).resume(TARGET.id, self.now)
        for _ in range(12):
            self._set_clock(self.now + timedelta(hours=2))
            self._look(0, 4)
            while 0 in self.running:
                self._step(0, Verdict.ACCEPTED)
        self.all_is_as_it_should_be()
        waiting = [row["order_id"] for row in self.rows.values() if row["state"] in WAITING]
        assert not waiting, "still not settled"


def _order_of(event: bytes) -> str:
    return event.partition(b"|")[0].decode()
