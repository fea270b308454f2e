"""`adapter reseal`: everything under the newest key, and what the older ones are still needed for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from adapter.errors import SealBroken
from adapter.storage.resealing import Census, Position, Resealed, Resealing

BREATH_SECONDS = 0.01
"""Between two batches others write."""

TELL_EVERY = 1000
"""After so many values it says how far it is."""


def reseal(
    resealing: Resealing, key_ids: Sequence[bytes], keep: timedelta, sleep: Callable[[float], None] = time.sleep
) -> Iterator[str]:
    """Reseal everything, and yield how far it is and what is left.

    Run again after it was interrupted, it goes on where it was. Raise `SealBroken` when values are left that no key
    known here opens. `keep` is how long clicks are kept.
    """
    before = resealing.census()
    yield f"values to be sealed with SECRET_KEY: {_to_do(before, key_ids[0])}"
    yield from _progress("values of orders", resealing.orders, 0, sleep)
    yield from _progress("clicks", resealing.clicks, b"", sleep)
    after = resealing.census()
    for number, key_id in enumerate(key_ids):
        if key_id not in key_ids[:number]:
            yield _line(number, key_id, after, keep)
    _refuse_strangers(after, key_ids)


def _to_do(census: Census, newest: bytes) -> int:
    return sum(number for key_id, number in census.values.items() if key_id != newest)


def _progress(
    name: str, step: Callable[[Position], Resealed[Position]], start: Position, sleep: Callable[[float], None]
) -> Iterator[str]:
    done, told = 0, 0
    batch = step(start)
    while batch.last is not None:
        done += batch.values
        if done - told >= TELL_EVERY:
            told = done
            yield f"  {name}: {done}"
        sleep(BREATH_SECONDS)
        batch = step(batch.last)
    yield f"  {name}: {done}, done"


def _line(number: int, key_id: bytes, census: Census, keep: timedelta) -> str:
    """Say what a key is needed for; of a fallback whether it can be removed."""
    values, lookups = census.values[key_id], census.lookups[key_id]
    if number == 0:
        return f"SECRET_KEY: values sealed with it: {values}"
    name = f"number {number} of SECRET_KEY_FALLBACKS"
    if values:
        hint = "a process that runs without the new SECRET_KEY writes them; restart it and run this again"
        return f"{name}: values still sealed with it: {values}; {hint}"
    if lookups:
        return f"{name}: keep it; clicks that it alone finds: {lookups}, purged within {keep.days} days"
    return f"{name}: not needed any more, remove it"


def _refuse_strangers(census: Census, key_ids: Sequence[bytes]) -> None:
    strangers = {key_id: number for key_id, number in census.values.items() if key_id not in key_ids}
    if strangers:
        names = ", ".join(f"{number} by the key {key_id.hex()}" for key_id, number in sorted(strangers.items()))
        raise SealBroken(
            f"values are left that no key known here opens: {names};"
            " add their SECRET_KEY to SECRET_KEY_FALLBACKS and run this again"
        )
