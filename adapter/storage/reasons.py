"""The kind of a reason: its words up to the first colon, as both databases find them in an index."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement

LONGEST_KIND = 60
"""Characters. A reason may be long, and PostgreSQL's index takes no more than 2.7 kB."""


class KindOfReason(ColumnElement[str]):
    """The kind of the reason of a row of purchases. An index serves it where a query says it in these very words."""

    inherit_cache = True
    type = Text()


@compiles(KindOfReason, "sqlite")
def _in_sqlite(_kind: KindOfReason, _compiler: Any, **_options: Any) -> str:  # noqa: ANN401  # SQLAlchemy's signature.
    return f"substr(reason, 1, min(instr(reason || ':', ':') - 1, {LONGEST_KIND}))"


@compiles(KindOfReason, "postgresql")
def _in_postgresql(_kind: KindOfReason, _compiler: Any, **_options: Any) -> str:  # noqa: ANN401  # As above.
    return f"left(split_part(reason, ':', 1), {LONGEST_KIND})"


def kind_of(reason: str) -> str:
    """Return the kind of a reason, as the databases do."""
    return reason.partition(":")[0][:LONGEST_KIND]
