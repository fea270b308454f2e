"""Why each field of an event is what it is: its expression, what that read, what came out, and who says so.

For people, on their own screen: values stand here in clear. An order on its way to Axon is never explained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapter.purchase.contract import to_wire
from adapter.purchase.event import ITEMS
from adapter.purchase.mapping import Leaf, PurchaseMapping
from adapter.purchase.reads import Read, reads_of
from adapter.purchase.whence import Places, whence


@dataclass(frozen=True, slots=True)
class Source:
    """One thing that an expression read, and for a cleaned name or a click where that came from in turn.

    `whence` is a place in the platform's own JSON, or words; None when the path says it itself.
    """

    read: Read
    whence: Read | str | None


@dataclass(frozen=True, slots=True)
class Explained:
    """Where one field came from: the expression, the file and line that say so, what it read and what came out.

    `failed` says in words why nothing came out, when the expression failed or its value doesn't fit the field.
    """

    target: str
    expression: str
    origin: str
    value: Any
    sources: tuple[Source, ...]
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains the fields that a mapping fills.

    `scope` and `lines` are what the expressions see of the order and, on top, of each line; `places` the platform's;
    `clicks` says of each click identifier in words what found it, or was tried.
    """

    scope: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    places: Places
    clicks: Mapping[str, str]

    def explain(self, mapping: PurchaseMapping) -> Iterator[Explained]:
        """Explain every field, in the order of the event; a field that fails stops no other."""
        for section, leaves in mapping.leaves.items():
            for path, scope in self._parts(section):
                for leaf in leaves:
                    yield self._explained(leaf, f"{path}.{leaf.name}", scope)

    def sources_of(self, text: str, scope: Mapping[str, Any]) -> tuple[Source, ...]:
        """Return what an expression reads in this scope, and where that came from."""
        return tuple(Source(read, self._whence(read.path, scope)) for read in reads_of(text, scope))

    def _parts(self, section: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        if section != ITEMS:
            yield section, self.scope
            return
        for index, line in enumerate(self.lines):
            yield f"{section}[{index}]", {**self.scope, **line}

    def _explained(self, leaf: Leaf, target: str, scope: Mapping[str, Any]) -> Explained:
        value, failed = None, None
        try:
            value = to_wire(leaf.field, leaf.expression.evaluate(scope))
        except ValueError as error:  # `ExpressionFailed` is one, too.
            failed = str(error)
        text = leaf.expression.text
        return Explained(target, text, leaf.expression.origin, value, self.sources_of(text, scope), failed)

    def _whence(self, path: str, scope: Mapping[str, Any]) -> Read | str | None:
        root, _, name = path.partition(".")
        if root == "clicks":
            return self.clicks.get(name)
        return whence(path, scope, self.places)
