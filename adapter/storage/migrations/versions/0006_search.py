"""Orders are found by shop, state, day and kind of reason, each by an index. It only adds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_KIND = {
    "sqlite": "substr(reason, 1, min(instr(reason || ':', ':') - 1, 60))",
    "postgresql": "left(split_part(reason, ':', 1), 60)",
}

_ARRIVALS = (
    ("purchases_by_arrival", ["shop", "state", "received_at", "id"], "state NOT IN ('pending', 'delivering')"),
    ("purchases_unsettled", ["shop", "received_at", "id", "settled_at"], "settled_at IS NULL"),
)


def upgrade() -> None:
    """Add the indexes."""
    for name, columns, where in _ARRIVALS:
        covered = sa.text(where)
        op.create_index(name, "purchases", columns, sqlite_where=covered, postgresql_where=covered)
    kind, reasoned = sa.text(_KIND[op.get_bind().dialect.name]), sa.text("reason IS NOT NULL")
    op.create_index(
        "purchases_by_reason",
        "purchases",
        ["shop", kind, "received_at", "id"],
        sqlite_where=reasoned,
        postgresql_where=reasoned,
    )
