"""The money laws, for both platforms: what is read, and what is sent, is what was true when the order was made.

Each order is made true first (`shopify_sales`, `woocommerce_sales`), then told as JSON, then taken the whole way
through the shipped mapping file to the bytes of its event. Nothing of the adapter takes part in the truth.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from laws.truth import FINEST_PRICE, Truth, major
from laws.way import Outcome, Way, plain_number, read_numbers

from adapter.purchase.names import names_for

SIDES = st.sampled_from(["presentment", "shop"])


def exact(number: Decimal) -> Fraction:
    """Return a number that was read as the fraction it stands for."""
    assert isinstance(number, Decimal)
    return Fraction(number)


def multiplied(item: dict[str, Decimal]) -> Fraction:
    """Return price × quantity of an item as it was sent."""
    return exact(item["price"]) * exact(item["quantity"])


def cannot_be_named(outcome: Outcome) -> list[str]:
    """Return the warnings that something of the total is left over."""
    return [warning for warning in outcome.decision.warnings if "can't be named" in warning]


def test_price_times_quantity_rounds_to_each_line_and_to_the_value(proof: Any, way: Way) -> None:
    """Each price × quantity rounds to its line's total, their sum to the value, and the value is the exact sum.

    In the decimals of the currency, or in the amount's own where a shop uses more; a price has at most six.
    """

    @proof(sale=way.sales(), side=SIDES)
    def law(sale: Any, side: Any) -> None:
        truth: Truth = sale.truth(side)
        wire = way.of(sale, side).wire
        if wire is None:
            assert 0 == truth.value
            return
        data = wire["data"]
        assert truth.value == exact(data["value"])
        assert [line.quantity for line in truth.lines] == [exact(item["quantity"]) for item in data["items"]]
        products = [multiplied(item) for item in data["items"]]
        assert all(truth.is_rounded(*pair) for pair in zip(products, [line.net for line in truth.lines], strict=True))
        assert truth.is_rounded(sum(products, Fraction(0)), truth.value)
        assert all(FINEST_PRICE >= -item["price"].as_tuple().exponent for item in data["items"])


def test_every_amount_is_the_true_one(proof: Any, way: Way) -> None:
    """Items, tax, shipping, each named part of the rest and the total are true, and so is what is sent of them."""

    @proof(sale=way.sales(), side=SIDES)
    def law(sale: Any, side: Any) -> None:
        truth: Truth = sale.truth(side)
        outcome = way.of(sale, side)
        order = outcome.order
        assert truth.currency == order.currency
        assert [(line.quantity, line.net) for line in truth.lines] == [
            (exact(line.quantity), exact(line.total)) for line in order.lines
        ]
        assert (truth.tax, truth.shipping, truth.total) == tuple(map(exact, (order.tax, order.shipping, order.total)))
        assert truth.rest == outcome.rest
        if wire := outcome.wire:
            data = wire["data"]
            assert truth.currency == data["currency"]
            assert (truth.tax, truth.shipping) == (exact(data["tax"]), exact(data["shipping"]))


def test_the_parts_close_the_total(proof: Any, way: Way) -> None:
    """Items + tax + shipping + named rest = total, whenever the platform's own numbers add up; no warning is given."""

    @proof(sale=way.sales(), side=SIDES)
    def law(sale: Any, side: Any) -> None:
        outcome = way.of(sale, side)
        order = outcome.order
        parts = (order.items_value, order.tax, order.shipping, *(part.amount for part in order.rest))
        assert exact(order.total) == sum(map(exact, parts))
        assert 0 == order.remainder
        assert [] == [warning for warning in order.warnings if "left out" in warning or "missing" in warning]
        assert [] == cannot_be_named(outcome)


def test_a_wrong_cent_is_shown_and_stops_nothing(proof: Any, way: Way) -> None:
    """When the total is a few cents wrong, the remainder is exactly that, a warning says so, the event is the same.

    Of a plain sale: where the sums can be read in two ways, a cent may be explained by the other one.
    """

    @proof(sale=way.sales(plain=True), cents=st.sampled_from([-3, -2, -1, 1, 2, 3]))
    def law(sale: Any, cents: int) -> None:
        body = way.body(sale)
        last_decimal = -int(Decimal(total_of(body)).as_tuple().exponent)
        right, wrong = way.go(body), way.go(disturbed(body, cents))
        # A total without duties of 7 cents, or with those and a cash rounding of 4, would look as if 3 were missing.
        assume(all(abs(part) > major(7, last_decimal) for part in right.rest.values()))
        assert major(cents, last_decimal) == exact(wrong.order.remainder)
        assert 1 == len(cannot_be_named(wrong))
        assert right.sent == wrong.sent


def total_of(body: dict[str, Any]) -> str:
    """Return the order's total as the buyer was shown it."""
    if "total_price_set" in body:
        return str(body["total_price_set"]["presentment_money"]["amount"])
    return str(body.get("total_price", body.get("total")))


def disturbed(body: dict[str, Any], units: int) -> dict[str, Any]:
    """Return the body with a total that is wrong by so many of its last decimal."""
    total = Decimal(total_of(body))
    wrong = str(total + Decimal(units).scaleb(int(total.as_tuple().exponent)))
    if "total" in body:
        return {**body, "total": wrong}
    if "total_price_set" not in body:
        return {**body, "total_price": wrong}
    money = body["total_price_set"]
    return {**body, "total_price_set": {**money, "presentment_money": {**money["presentment_money"], "amount": wrong}}}


def test_there_is_no_float_and_every_digit_is_exact(proof: Any, way: Way) -> None:
    """No float is in the order, the names or the event, and a number is sent with the digits of its decimal.

    Without an exponent, and without a digit that the platform or the division didn't give.
    """

    @proof(sale=way.sales(), side=SIDES)
    def law(sale: Any, side: Any) -> None:
        outcome = way.of(sale, side)
        decision, order = outcome.decision, outcome.order
        amounts = [(line.quantity, line.total, line.total_before_discount, line.tax) for line in order.lines]
        read = [*amounts, order.tax, order.shipping, order.total, [part.amount for part in order.rest], order.source]
        assert [] == floats_in(read)
        names = names_for(order, "https://shop.example", {})
        assert [] == floats_in([names.purchase, *names.items])
        if sent := outcome.sent:
            assert decision.event is not None
            assert [] == floats_in(decision.event.fields)
            assert written_numbers(decision.event.fields) == read_numbers(
                sent, lambda text: (plain_number(text), text)
            )


def floats_in(value: Any) -> list[float]:
    """Return every float in lists and objects."""
    if isinstance(value, dict):
        return [found for inner in value.values() for found in floats_in(inner)]
    if isinstance(value, list | tuple):
        return [found for inner in value for found in floats_in(inner)]
    return [value] if isinstance(value, float) else []


def written_numbers(value: Any) -> Any:
    """Return the value with each number as it is and as its plain digits."""
    if isinstance(value, dict):
        return {key: written_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [written_numbers(inner) for inner in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value), f"{value:f}" if isinstance(value, Decimal) else str(value)
    return value


def test_nothing_negative_is_sent_and_a_free_order_is_skipped(proof: Any, way: Way) -> None:
    """Value, tax, shipping, price and discount are never negative, quantity is positive; value 0 skips the order."""

    @proof(sale=way.sales(), side=SIDES)
    def law(sale: Any, side: Any) -> None:
        outcome = way.of(sale, side)
        wire = outcome.wire
        if wire is None:
            assert 0 == sale.truth(side).value
            if sale.truth(side).lines:
                assert outcome.decision.skip is not None
                assert "zero_value" == outcome.decision.skip.rule
            return
        data = wire["data"]
        assert data["value"] > 0
        assert min(data["tax"], data["shipping"]) >= 0
        assert min(min(item["price"], item["discount"]) for item in data["items"]) >= 0
        assert min(item["quantity"] for item in data["items"]) > 0


def test_every_name_of_a_mapping_is_exact(proof: Any, way: Way) -> None:
    """What a mapping may choose in place of the price and the value is as exact: with tax, or before discounts."""

    @proof(sale=way.sales(), side=SIDES)
    def law(sale: Any, side: Any) -> None:
        truth: Truth = sale.truth(side)
        names = names_for(way.of(sale, side).order, "https://shop.example", {})
        for line, item in zip(truth.lines, names.items, strict=True):
            assert truth.is_rounded(exact(item["price_with_tax"]) * line.quantity, line.net + line.tax)
            if line.discount is not None:
                before = exact(item["price_before_discount"]) * line.quantity
                assert truth.is_rounded(before, line.net + line.discount)
        with_tax = truth.value + sum(line.tax for line in truth.lines)
        assert with_tax == exact(names.purchase["items_value_with_tax"])
        assert sum(truth.rest.values()) == exact(names.purchase["rest"])


def test_the_discount_of_one_piece_multiplies_back(proof: Any, way: Way) -> None:
    """What is sent as an item's discount × quantity rounds to what was taken off the line, without tax."""

    @proof(sale=way.sales(), side=SIDES)
    def law(sale: Any, side: Any) -> None:
        truth: Truth = sale.truth(side)
        items = (way.of(sale, side).wire or {"data": {"items": []}})["data"]["items"]
        for line, item in zip(truth.lines, items, strict=False):
            if line.discount is not None:
                assert truth.is_rounded(exact(item["discount"]) * line.quantity, line.discount)


def test_a_line_told_as_two_changes_no_sum(proof: Any, way: Way) -> None:
    """Splitting a line in two, with its discounts and taxes, changes neither value, tax, shipping, rest nor total."""

    @proof(sale=way.sales(), side=SIDES, place=st.integers(0, 9), share=st.integers(1, 999))
    def law(sale: Any, side: Any, place: int, share: int) -> None:
        quantities = sale.quantities
        place %= len(quantities)
        assume(quantities[place] > 1)
        first = 1 + share * (quantities[place] - 2) // 1000
        assert way.of(sale, side).sums == way.of(sale.with_line_split(place, first), side).sums


def test_the_order_of_the_lines_changes_no_sum(proof: Any, way: Way) -> None:
    """Whichever line comes first: all sums are the same, and the same items are sent."""

    @proof(sale=way.sales(), side=SIDES, order=st.permutations(range(5)))
    def law(sale: Any, side: Any, order: list[int]) -> None:
        places = tuple(place for place in order if place < len(sale.quantities))
        here, there = way.of(sale, side), way.of(sale.with_lines_in_order(places), side)
        assert here.sums == there.sums
        assert sorted(line.total for line in here.order.lines) == sorted(line.total for line in there.order.lines)


def test_a_later_refund_changes_nothing(proof: Any, way: Way) -> None:
    """After a refund of a part, with every current amount fallen, exactly the same bytes would be sent."""

    @proof(sale=way.sales(), side=SIDES)
    def law(sale: Any, side: Any) -> None:
        body = way.body(sale)
        before, after = way.go(body, side), way.go(way.refunded(sale, body), side)
        assert before.sums == after.sums
        assert before.sent == after.sent
