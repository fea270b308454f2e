"""What clicks of one moment say: folded first and stored then, or stored one after the other, it is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapter.storage.folding import Click, Key, browser_in, browsers_refused, fold, merge

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
CART, BROWSER = ("cart_token", "c"), ("client_id", "b")

keys = st.sampled_from([CART, ("cart_token", "d"), ("order_key", "o"), BROWSER, ("client_id", "e")])
identifiers = st.dictionaries(st.sampled_from(["aleid", "axwrt", "client_id"]), st.sampled_from("bcde"), max_size=3)
posted = st.one_of(
    identifiers, st.just({"consent": "denied"}), identifiers.map(lambda some: {**some, "consent": "granted"})
)
clicks = st.builds(
    Click, st.sampled_from(["acme", "other"]), st.lists(keys, min_size=1, unique=True), posted, st.just(NOON)
)


def hash_of(shop: str, key: Key) -> bytes:
    """Return what tells keys apart, and no text of theirs."""
    return hashlib.sha256(repr((shop, *key)).encode()).digest()


def one_after_the_other(
    some: Sequence[Click], stored: Mapping[bytes, Mapping[str, str]]
) -> dict[bytes, dict[str, str]]:
    """Return what is stored after each of them was stored by itself, without what refusals delete."""
    rows = {key: dict(fields) for key, fields in stored.items()}
    for click in some:
        for key in click.keys:
            hashed = hash_of(click.shop, key)
            rows[hashed] = merge(rows.get(hashed, {}), click.identifiers, latest_wins=key[0] == "client_id")
    return rows


@given(st.lists(clicks, max_size=6), st.lists(clicks, max_size=6))
def test_folding_changes_nothing(before: list[Click], together: list[Click]) -> None:
    """Whatever was stored before: folded clicks come to what the same clicks come to one after the other."""
    stored = one_after_the_other(before, {})
    folded = fold(together, hash_of)
    at_once = {**stored} | {key: folded[key].onto(stored.get(key, {})) for key in folded}
    assert one_after_the_other(together, stored) == at_once


@given(st.lists(clicks, max_size=6))
def test_each_key_once(together: list[Click]) -> None:
    """There is one for each key of a shop, which says whose it is."""
    folded = fold(together, hash_of)
    named = {(click.shop, key) for click in together for key in click.keys}
    assert {hash_of(shop, key): (shop, key[0]) for shop, key in named} == {
        hashed: (one.shop, one.kind) for hashed, one in folded.items()
    }


def test_the_first_and_the_latest() -> None:
    """Of two clicks of one moment the first counts for the cart, the latest for the browser."""
    together = [Click("acme", [CART, BROWSER], {"aleid": aleid}, NOON) for aleid in ("first", "second")]
    folded = fold(together, hash_of)
    assert ["first", "second"] == [folded[hash_of("acme", key)].identifiers["aleid"] for key in (CART, BROWSER)]


REFUSAL = Click("acme", [CART], {"consent": "denied"}, NOON)
CLICK = Click("acme", [CART, BROWSER], {"aleid": "x", "client_id": "b"}, NOON)


@pytest.mark.parametrize("together", [[CLICK, REFUSAL], [REFUSAL, CLICK]])
def test_a_refusal_beside_a_click(together: list[Click]) -> None:
    """A refusal ends what its browser posted in the same moment, whichever came first."""
    assert [("acme", BROWSER)] == list(browsers_refused(together, {}, hash_of))
    assert {"consent": "denied"} == fold(together, hash_of)[hash_of("acme", CART)].identifiers


def test_a_refusal_of_what_is_stored() -> None:
    """A refusal ends what the browser that stored something under one of its keys has stored under its own."""
    known = {hash_of("acme", CART): {"aleid": "x", "client_id": "b"}, hash_of("other", CART): {"client_id": "e"}}
    assert [("acme", BROWSER)] == list(browsers_refused([REFUSAL], known, hash_of))


def test_who_isnt_concerned_by_a_refusal() -> None:
    """Neither another cart's click, nor another shop's, nor a key that the refusal names itself, nor without one."""
    others = [Click("acme", [("cart_token", "d"), BROWSER], {"client_id": "b"}, NOON), Click("other", *_rest(CLICK))]
    assert [] == list(browsers_refused([*others, REFUSAL], {}, hash_of))
    named = Click("acme", [CART, BROWSER], {"consent": "denied"}, NOON)
    assert [] == list(browsers_refused([CLICK, named], {}, hash_of))
    assert [] == list(browsers_refused([CLICK, CLICK], {hash_of("acme", CART): {"client_id": "b"}}, hash_of))


def _rest(click: Click) -> tuple[Sequence[Key], Mapping[str, str], datetime]:
    return click.keys, click.identifiers, click.at


def test_what_a_click_shows_of_itself() -> None:
    """Neither keys nor identifiers stand in its text, which may get into a traceback."""
    click = Click("acme", [("cart_token", "canary")], {"aleid": "canary"}, NOON)
    assert "canary" not in repr(click) + repr(fold([click], hash_of))


def test_the_browser_of_a_click() -> None:
    """Its key is its client_id, when it has one."""
    assert ([BROWSER], []) == (browser_in({"client_id": "b"}), browser_in({"aleid": "x"}))
