"""A preview for programs: one JSON object. Names are part of the contract: more may come, none is renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adapter.operations.preview.money import money_of
from adapter.purchase.explanation import Explained, Source

if TYPE_CHECKING:
    from adapter.operations.preview import Preview


def of(preview: Preview) -> Mapping[str, Any]:
    """Return the document. `event` is null unless it would be sent; `would_be` is the event of a skipped order."""
    event = preview.event.fields if preview.event else None
    return {
        "event": event if preview.to_send else None,
        "skipped": preview.skipped,
        "problems": list(preview.problems),
        "explanation": [_explained(line) for line in preview.explanation],
        "clicks": dict(preview.decision.clicks.sources) if preview.decision else {},
        "warnings": list(preview.warnings),
        "money": money_of(preview.order) if preview.order else None,
        "order": preview.order.id if preview.order else None,
        "would_be": event if preview.skipped else None,
        "rules": [{"rule": one.rule, "finding": one.finding, "fact": one.fact} for one in preview.verdicts],
    }


def _explained(line: Explained) -> dict[str, Any]:
    return {
        "target": line.target,
        "expression": line.expression,
        "file": line.origin,
        "value": line.value,
        "read": [_source(source) for source in line.sources],
        "failed": line.failed,
    }


def _source(source: Source) -> dict[str, Any]:
    """Say what was read; `from` is the place in the platform's JSON, or words, when the path is one of our names."""
    whence = source.whence
    words = whence if isinstance(whence, str) or whence is None else whence.path
    return {"path": source.read.path, "value": source.read.value, "from": words}
