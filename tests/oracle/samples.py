"""Every sample body with what it has to become: the tables in tests/samples/expected, and the bodies they speak of."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
_OURS = ROOT / "tests" / "samples"
_SHARED = ROOT.parent / "shared" / "samples"
"""Public bodies of people who never agreed to be copied: they stay there, and their tests are absent without them."""

# Table: platform, folder, how a body's file is found in it.
_TABLES = {
    "shopify": ("shopify", _SHARED / "shopify", "*.json"),
    "woocommerce": ("woocommerce", _SHARED / "woocommerce", "*.json"),
    "woocommerce-live": ("woocommerce", _OURS / "woocommerce-live", "*/body.bin"),
    "own-shopify": ("shopify", _OURS / "shopify", "**/*.json"),
    "own-woocommerce": ("woocommerce", _OURS / "woocommerce", "**/*.json"),
}


@dataclass(frozen=True)
class Sample:
    """A body and the row of the table that it belongs to."""

    name: str
    platform: str
    body: bytes
    expected: dict[str, Any]

    @property
    def document(self) -> Any:
        """Return the JSON, with exact numbers."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def is_order(self) -> bool:
        """Whether it has amounts to look at."""
        return "currency" in self.expected


@cache
def samples() -> tuple[Sample, ...]:
    """Return every sample that is here; a body without a row has none of the expected keys, and fails."""
    return tuple(sample for table, (_, folder, _) in _TABLES.items() if folder.is_dir() for sample in _rows(table))


def orders() -> list[Sample]:
    """Return the samples that have amounts."""
    return [sample for sample in samples() if sample.is_order]


def names_in_tables() -> set[str]:
    """Return the names of all rows whose bodies should be here."""
    return {
        f"{table}/{name}" for table, (_, folder, _) in _TABLES.items() if folder.is_dir() for name in _expected(table)
    }


def _rows(table: str) -> Iterator[Sample]:
    platform, folder, pattern = _TABLES[table]
    expected = _expected(table)
    for path in sorted(folder.glob(pattern)):
        name = str(path.relative_to(folder).with_suffix("")) if path.suffix == ".json" else path.parent.name
        for key, body in ((name, path.read_bytes()), *_orders_of_a_list(name, path)):
            yield Sample(f"{table}/{key}", platform, body, expected.get(key, {}))


def _orders_of_a_list(name: str, path: Path) -> Iterator[tuple[str, bytes]]:
    if path.suffix == ".json" and isinstance(entries := json.loads(path.read_bytes()), list):
        yield from ((f"{name}[{index}]", json.dumps(entry).encode()) for index, entry in enumerate(entries))


@cache
def _expected(table: str) -> dict[str, Any]:
    return tomllib.loads((_OURS / "expected" / f"{table}.toml").read_text(), parse_float=Decimal)
