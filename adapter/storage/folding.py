"""What clicks say: two under one key as one, and those of a moment folded into one for each key.

So many clicks cost one transaction and each key one row, whoever posts them. Folding first and storing then comes to
the same as storing one after the other, because it doesn't matter which two are made one first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

LATEST_WINS = "client_id"
"""Under this kind of key the latest click counts; under all others the first value of each field stays."""

_CONSENT, _DENIED = "consent", "denied"

Key = tuple[str, str]
"""A kind of key and its value."""


@dataclass(frozen=True, slots=True)
class Click:
    """What a browser posted about itself at a moment, and under which keys of the shop that is to be found."""

    shop: str
    keys: Sequence[Key] = field(repr=False)
    identifiers: Mapping[str, str] = field(repr=False)
    at: datetime

    @property
    def is_refusal(self) -> bool:
        """Whether it says that the buyer refused."""
        return _is_refusal(self.identifiers)


@dataclass(frozen=True, slots=True)
class Folded:
    """What all clicks say under one key."""

    shop: str
    kind: str
    identifiers: Mapping[str, str] = field(repr=False)

    def onto(self, known: Mapping[str, str]) -> Mapping[str, str]:
        """Return what was known under this key and these clicks as one."""
        return merge(known, self.identifiers, latest_wins=self.kind == LATEST_WINS)


def fold(clicks: Sequence[Click], hash_of: Callable[[str, Key], bytes]) -> dict[bytes, Folded]:
    """Return what these clicks, oldest first, say under each of their keys, by its hash."""
    folded: dict[bytes, Folded] = {}
    for click in clicks:
        for key in click.keys:
            hashed = hash_of(click.shop, key)
            known: Mapping[str, str] = folded[hashed].identifiers if hashed in folded else {}
            new = Folded(click.shop, key[0], click.identifiers)
            folded[hashed] = Folded(click.shop, key[0], new.onto(known))
    return folded


def merge(known: Mapping[str, str], new: Mapping[str, str], *, latest_wins: bool) -> dict[str, str]:
    """Return both as one: the first value of each field stays, or the latest; of a refusal nothing but it."""
    if _is_refusal(known) or _is_refusal(new):
        return {_CONSENT: _DENIED}
    return {**known, **new} if latest_wins else {**new, **known}


def browsers_refused(
    clicks: Sequence[Click], known: Mapping[bytes, Mapping[str, str]], hash_of: Callable[[str, Key], bytes]
) -> Iterator[tuple[str, Key]]:
    """Yield the shops and keys of the browsers that posted under a key which one of these clicks refuses.

    `known` is what was stored under the hashes. The keys that the refusal names itself are no such: it stays there.
    Whether another click of the same moment came just before the refusal or just after it makes no difference.
    """
    for refusal in (click for click in clicks if click.is_refusal):
        stored = [known.get(hash_of(refusal.shop, key), {}) for key in refusal.keys]
        beside = [other.identifiers for other in clicks if other.shop == refusal.shop and _meet(other, refusal)]
        for identifiers in (*stored, *beside):
            yield from ((refusal.shop, key) for key in browser_in(identifiers) if key not in refusal.keys)


def browser_in(identifiers: Mapping[str, str]) -> list[Key]:
    """Return the key of the browser that posted this, if it says so."""
    return [(LATEST_WINS, identifiers[LATEST_WINS])] if LATEST_WINS in identifiers else []


def _meet(one: Click, other: Click) -> bool:
    return not set(one.keys).isdisjoint(other.keys)


def _is_refusal(identifiers: Mapping[str, str]) -> bool:
    return identifiers.get(_CONSENT) == _DENIED
