"""Which orders are compared: the files of a folder, or the stored orders of some days; one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from adapter.operations.captured import NoOrderInFile, body_in
from adapter.platforms.registry import PLATFORMS
from adapter.platforms.webhook import Platform
from adapter.purchase.order import Order
from adapter.storage.bodies import Bodies
from adapter.storage.clicks import Clicks


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that may be an order: the name to show, its body, how old it was when it came in if that is known.

    `problem` says why there is no body.
    """

    name: str
    body: bytes = field(default=b"", repr=False)
    age: timedelta | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders to compare, where they are from in words, and what `POST /clicks` stored for each of them.

    `remembered` may raise `SealBroken`.
    """

    candidates: Iterable[Candidate]
    words: str
    remembered: Callable[[Order], Mapping[str, Any]]


def of_folder(folder: Path, platform: str) -> Orders:
    """Return every file of the folder and the folders in it, in the order of their names; no clicks are known."""
    return Orders(_in_folder(folder, PLATFORMS[platform]), f"of {folder}", lambda _order: {})


def of_ledger(bodies: Bodies, clicks: Clicks, shop: str, days: int, now: datetime) -> Orders:
    """Return the shop's stored orders that first came in within these days; reading may raise `StorageUnavailable`."""
    words = f"of {shop}, stored within {days} {'day' if days == 1 else 'days'}"
    stored = _stored(bodies, shop, now - timedelta(days=days))
    return Orders(stored, words, lambda order: clicks.find(shop, order.click_keys))


def _in_folder(folder: Path, platform: Platform) -> Iterator[Candidate]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            yield _in_file(path, str(name), platform)


def _in_file(path: Path, name: str, platform: Platform) -> Candidate:
    try:
        return Candidate(name=name, body=body_in(path.read_bytes(), platform))
    except OSError as error:
        return Candidate(name=name, problem=f"it can't be read: {error.strerror or type(error).__name__}")
    except NoOrderInFile as refused:
        return Candidate(name=name, problem=str(refused))


def _stored(bodies: Bodies, shop: str, since: datetime) -> Iterator[Candidate]:
    for found in bodies.since(shop, since):
        name = f"order {found.order_id}"
        yield Candidate(name=name, body=found.body, age=found.age, problem=found.problem)
