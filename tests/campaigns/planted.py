"""Twenty bugs to be planted in a copy of the adapter, and which campaign has to notice each (`campaigns.teeth`).

A planted bug is an exact replacement of text: when the text isn't there exactly once, the plant itself is broken, and
`test_planted.py` says so in every run of the tests. `sign` are words of the failure, so that a bug which is noticed
for another reason than its own doesn't count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class PlantRotten(Exception):
    """The text to be replaced doesn't stand exactly once where it should: the plant must follow the code."""


@dataclass(frozen=True, slots=True)
class Change:
    """One replacement in one file, named from the project's folder on."""

    path: str
    found: str
    put: str

    def applied_to(self, text: str) -> str:
        """Return the file's text with the bug in it; raise `PlantRotten` when its place isn't found."""
        if (times := text.count(self.found)) != 1:
            raise PlantRotten(f"{self.path}: stands there {times} times, and should once: {self.found!r}")
        return text.replace(self.found, self.put)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """A bug, the campaign that has to notice it (pytest's node ids of its cut), and the words by which it does."""

    name: str
    campaign: str
    nodes: Sequence[str]
    sign: str
    changes: Sequence[Change]

    def plant(self, root: Path) -> None:
        """Put the bug into the copy of the project in this folder; raise `PlantRotten`."""
        for change in self.changes:
            file = root / change.path
            file.write_text(change.applied_to(file.read_text()))


_CAMPAIGNS = "tests/campaigns"
_LOCKED = f"{_CAMPAIGNS}/test_locked_database.py"

PLANTED: Sequence[Planted] = (
    Planted(
        name="ack before commit",
        campaign="D1 SQLite file held",
        nodes=[f"{_LOCKED}::test_a_file_that_another_process_holds[cut-sqlite]"],
        sign="I1: answered 200 and not stored",
        changes=[
            Change(
                "adapter/storage/arrivals.py",
                """\
        with place(self._engine, WHILE_A_SHOP_WAITS) as seconds:
            return self._groups.add(arrivals, seconds)
""",
                """\
        def commit_later() -> None:
            with place(self._engine, WHILE_A_SHOP_WAITS) as seconds:
                self._groups.add(arrivals, seconds)

        import threading

        threading.Thread(target=commit_later).start()
        return [Received.STORED for _ in receipts]
""",
            )
        ],
    ),
    Planted(
        name="mark before send",
        campaign="C1 kill -9 the worker",
        nodes=[f"{_CAMPAIGNS}/test_kills.py::test_killing_the_worker[cut-sqlite]"],
        sign="I4: sent after it was marked as delivered",
        changes=[
            Change(
                "adapter/delivery/sending.py",
                "        encoded = [event.event for event in batch]\n",
                """\
        encoded = [event.event for event in batch]
        hoped = Outcome(verdict=Verdict.ACCEPTED, status=200)
        self.purchases.settle([settlements.delivered(event.claim, hoped, self.clock()) for event in batch])
""",
            )
        ],
    ),
    Planted(
        name="synchronous=OFF",
        campaign="D5 failing fsync, settings read back",
        nodes=[
            f"{_CAMPAIGNS}/test_disk_faults.py::test_syncs_that_fail[cut-sqlite]",
            "tests/storage/test_engine.py::test_sqlite_is_durable_on_every_connection[synchronous-2]",
        ],
        sign="assert 2 == 0",
        changes=[Change("adapter/storage/engine.py", '"synchronous=FULL"', '"synchronous=OFF"')],
    ),
    Planted(
        name="deferred BEGIN",
        campaign="D2 insert and claim at once",
        nodes=[
            f"{_LOCKED}::test_many_processes_that_read_and_write_in_one_transaction[cut-sqlite]",
        ],
        sign="database is locked",
        changes=[
            Change(
                "adapter/storage/engine.py",
                '"BEGIN IMMEDIATE"), gives_up_at, pause)',
                '"BEGIN"), gives_up_at, pause)',
            )
        ],
    ),
    Planted(
        name="no unique key",
        campaign="W1 duplicates × 20",
        nodes=[f"{_CAMPAIGNS}/test_duplicates.py::test_duplicates_at_once[cut-sqlite]"],
        sign="I1: stored twice",
        changes=[
            Change(
                "adapter/storage/tables.py",
                '    UniqueConstraint("shop", "order_id", name="purchases_one_per_order"),\n',
                "",
            ),
            Change(
                "adapter/storage/migrations/versions/0001_orders_and_clicks.py",
                '        sa.UniqueConstraint("shop", "order_id", name="purchases_one_per_order"),\n',
                "",
            ),
            Change("adapter/storage/receiving.py", 'index_elements=["shop", "order_id"]', 'index_elements=["id"]'),
        ],
    ),
    Planted(
        name="no fencing",
        campaign="C6 frozen worker",
        nodes=[f"{_CAMPAIGNS}/test_frozen_workers.py::test_freezing_a_worker[cut-postgresql]"],
        sign="C6: an outdated mark was accepted",
        changes=[
            Change(
                "adapter/storage/settling.py",
                ", purchases.c.state == State.DELIVERING.value)\n        .order_by",
                ")\n        .order_by",
            ),
            Change(
                "adapter/storage/settling.py",
                "rows[claim.id].fence == claim.fence",
                "rows[claim.id].fence >= claim.fence",
            ),
        ],
    ),
    Planted(
        name="== on signatures",
        campaign="W4 bad signatures: what compares them",
        nodes=["tests/platforms/test_signature.py::test_a_comparison_tells_nothing_by_its_time"],
        sign="compared byte by byte",
        changes=[
            Change(
                "adapter/platforms/signature.py",
                "hmac.compare_digest(sign(body, secret), given)",
                "sign(body, secret) == given",
            )
        ],
    ),
    Planted(
        name="retry without jitter",
        campaign="A11 no stampede: waits are spread",
        nodes=["tests/delivery/test_policy.py::test_waits_are_spread_evenly"],
        sign="assert 10000 ==",
        changes=[Change("adapter/delivery/policy.py", "    return ceiling * jitter()\n", "    return ceiling\n")],
    ),
    Planted(
        name="float money",
        campaign="M1 money laws",
        nodes=[
            "tests/laws/test_money.py::test_price_times_quantity_rounds_to_each_line_and_to_the_value[few-shopify]"
        ],
        sign="assert Fraction(",
        changes=[
            Change(
                "adapter/purchase/order.py",
                "        return sum((line.total for line in self.lines), Decimal(0))\n",
                "        return Decimal(repr(sum((float(line.total) for line in self.lines), 0.0)))\n",
            )
        ],
    ),
    Planted(
        name="redirects followed",
        campaign="A5 odd answers",
        nodes=[f"{_CAMPAIGNS}/test_answers.py::test_odd_answers[cut-sqlite]"],
        sign="AssertionError: {'status': 30",
        changes=[
            Change("adapter/axon/client.py", "allow_redirects=False", "allow_redirects=True"),
            Change(
                "adapter/axon/transport.py",
                "        return None\n\n\nclass _Adapter",
                "        return super().get_redirect_target(resp)\n\n\nclass _Adapter",
            ),
        ],
    ),
    Planted(
        name="body logged",
        campaign="W3 replays, staging copies (I7)",
        nodes=[f"{_CAMPAIGNS}/test_duplicates.py::test_replays[cut-sqlite]"],
        sign="I7: in web.log",
        changes=[
            Change(
                "adapter/web/webhooks.py",
                "    try:\n        taken = intake.take(shop, webhook)\n",
                """\
    _log.info("webhook received", body=webhook.body.decode("utf-8", "replace"))
    try:
        taken = intake.take(shop, webhook)
""",
            )
        ],
    ),
    Planted(
        name="quarantine on first 400",
        campaign="A8 400 for everything",
        nodes=[f"{_CAMPAIGNS}/test_outages.py::test_everything_is_refused[cut-sqlite]"],
        sign="assert 10 >= ",
        changes=[
            Change(
                "adapter/delivery/sending.py",
                "        elif self._may_blame(claim, course) and policy.is_own_fault(known, claim.suspect_at, now):\n",
                "        elif known is not None:\n",
            )
        ],
    ),
    Planted(
        name="new dedupe_id on retry",
        campaign="A2 processed, then no answer",
        nodes=[f"{_CAMPAIGNS}/test_answers.py::test_processed_and_never_answered[cut-sqlite]"],
        sign="I3: processed, and no good order",
        changes=[
            Change(
                "adapter/delivery/preparing.py",
                "            return ToSend(claim, frozen)\n",
                """\
            return ToSend(claim, frozen.replace(b'"dedupe_id":"', b'"dedupe_id":"%d-' % claim.attempts))
""",
            )
        ],
    ),
    Planted(
        name="parse before HMAC",
        campaign="W4 bad signatures: what is read",
        nodes=["tests/test_intake.py::test_a_forged_body_is_not_even_read"],
        sign="read before it was verified",
        changes=[
            Change(
                "adapter/intake.py",
                """\
        platform.verify(request, shop.secrets)
        match platform.glance(request.body):
""",
                """\
        glanced = platform.glance(request.body)
        platform.verify(request, shop.secrets)
        match glanced:
""",
            )
        ],
    ),
    Planted(
        name="unbounded body",
        campaign="W6 size and framing",
        nodes=["tests/web/test_webhooks.py::test_a_chunked_body"],
        sign="assert 413 == 200",
        changes=[
            Change(
                "adapter/web/webhooks.py",
                "read_body(request, self._largest_body)",
                "read_body(request, 2**62)",
            )
        ],
    ),
    Planted(
        name="no total deadline",
        campaign="A4 endless answers",
        nodes=["tests/axon/test_client.py::test_an_answer_of_a_byte_now_and_then_ends_by_the_deadline"],
        sign="is <Verdict.ACCEPTED",
        changes=[
            Change(
                "adapter/axon/client.py",
                "with ending_within(self._patience.total):",
                "with ending_within(86_400):",
            )
        ],
    ),
    Planted(
        name="empty secret allowed",
        campaign="W4 bad signatures: an empty secret",
        nodes=["tests/web/test_webhooks.py::test_a_shop_that_is_off"],
        sign="assert 404 == 200",
        changes=[
            Change(
                "adapter/environment.py",
                "    if value := environment.get(name):\n",
                "    if (value := environment.get(name)) is not None:\n",
            ),
            Change("adapter/shops/load.py", "        if not any(secrets.values()):\n", "        if not secrets:\n"),
            Change(
                "adapter/shops/load.py",
                "            if len(secret) < SHORTEST_SECRET:\n",
                "            if 0 < len(secret) < SHORTEST_SECRET:\n",
            ),
            Change(
                "adapter/platforms/shopify/verification.py",
                "[secret for secret in secrets if secret]",
                "secrets",
            ),
            Change(
                "adapter/platforms/woocommerce/request.py",
                "    given = [secret for secret in secrets if secret]\n",
                "    given = secrets\n",
            ),
        ],
    ),
    Planted(
        name="lease never expires",
        campaign="C1 kill -9 the worker",
        nodes=[f"{_CAMPAIGNS}/test_kills.py::test_killing_the_worker[cut-sqlite]"],
        sign="I5: not settled",
        changes=[
            Change(
                "adapter/storage/due.py",
                '_has_come(purchases.c.lease_until, "longest_lease")',
                "purchases.c.lease_until.is_(None)",
            )
        ],
    ),
    Planted(
        name="older body overwrites newer",
        campaign="W2 arrival in any order",
        nodes=[f"{_CAMPAIGNS}/test_duplicates.py::test_lives_in_any_order[cut-postgresql]"],
        sign="I2: settled otherwise than it should be",
        changes=[
            Change(
                "adapter/storage/receiving.py",
                "    newer = or_(purchases.c.body_at < new.body_at,",
                "    newer = or_(purchases.c.body_at != new.body_at,",
            )
        ],
    ),
    Planted(
        name="skipped never looked at again",
        campaign="W2 arrival in any order, in-process",
        nodes=["tests/test_arrival.py::test_every_order_of_arrival[sqlite-one after the other-shopify]"],
        sign="assert 'unchanged' == <Received.REF",
        changes=[
            Change(
                "adapter/storage/receiving.py",
                "wakes = purchases.c.state == _SKIPPED",
                'wakes = literal_column("1 = 2")',
            )
        ],
    ),
)
