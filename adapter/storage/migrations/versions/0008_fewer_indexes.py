"""An order costs fewer writes, and what was delivered is counted already.

Processes of the version before go on working: their questions by state alone become slow, and what they deliver after
this without facts of its event isn't counted.
On PostgreSQL the index is built beside the load: see `adapter.storage.indexing`, and 0006 for what was measured.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"

_DAY = {"sqlite": "substr(received_at, 1, 10)", "postgresql": "CAST(received_at AT TIME ZONE 'UTC' AS date)"}

_ZEROS = (
    *("value", "with_aleid", "with_axwrt", "with_alart", "with_client_id", "with_email", "with_phone", "with_ip"),
    *("with_user_agent", "within_10s", "within_1min", "within_5min", "within_1h"),
)


def indexes(dialect: str) -> dict[str, str]:  # noqa: ARG001  # The definition is the same for both.
    """Return the definition of the index by its name."""
    return {"purchases_waiting": "ON purchases (shop, due_at, id, state) WHERE state IN ('pending', 'delivering')"}


def upgrade() -> None:
    """Count what no version has counted; put the state into the index of due orders; drop what nobody asks."""
    op.execute(_count_the_uncounted(op.get_bind().dialect.name))
    for name, definition in indexes(op.get_bind().dialect.name).items():
        op.execute(f"CREATE INDEX IF NOT EXISTS {name} {definition}")
    for name in ("purchases_due", "purchases_by_state"):
        op.execute(f"DROP INDEX {name}")


def _count_the_uncounted(dialect: str) -> str:
    """Compare what the index of arrivals holds with what is counted, in one statement: both are of one moment."""
    return f"""
        INSERT INTO days (shop, day, currency, delivered, {", ".join(_ZEROS)})
        SELECT of_day.shop, of_day.day, '?', of_day.number - coalesce(counted.number, 0),
               {", ".join("0" for _ in _ZEROS)}
        FROM (SELECT shop, {_DAY[dialect]} AS day, count(*) AS number FROM purchases
              WHERE state = 'delivered' AND state NOT IN ('pending', 'delivering') GROUP BY 1, 2) AS of_day
        LEFT JOIN (SELECT shop, day, sum(delivered) AS number FROM days GROUP BY shop, day) AS counted
          ON counted.shop = of_day.shop AND counted.day = of_day.day
        WHERE of_day.number > coalesce(counted.number, 0)
    """  # noqa: S608  # Every part is written above.
