"""`adapter orders`: what stands in the ledger, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from adapter.operations.showing import WIDTH, wrapped


def order_for_programs(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row of the ledger as plain JSON values; `body_kept` says whether its body isn't purged yet."""
    plain = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
    plain["order"] = plain.pop("order_id")
    plain["answer"] = json.loads(row["answer"]) if row["answer"] else None
    del plain["id"]
    return plain


def order_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line an order, when it came in, state, shop and order id; and the reason in lines below it."""
    if not rows:
        yield "no such order"
    for row in rows:
        received = row["received_at"].strftime("%Y-%m-%d %H:%M:%S")
        yield from _line(f"{received}  {row['state']:<11}  {row['shop']}", f"order {row['order_id']}")
        if row["reason"]:
            yield from wrapped(row["reason"], "    ", "    ")


def _line(start: str, end: str) -> Iterator[str]:
    """Yield both on one line, or on two: a body that couldn't be read is kept under 64 digits."""
    line = f"{start}  {end}"
    yield from [line] if len(line) <= WIDTH else [start, f"    {end}"]
