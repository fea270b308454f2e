"""The page of one order, and what can be done there: show what is personal, retry, give up."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, flash, url_for

from adapter.errors import OrderNotGivenUp, OrderNotRetried
from adapter.operations import retrying
from adapter.operations.story import Story
from adapter.web.console.door import name_of_session
from adapter.web.console.house import House
from adapter.web.console.pages import page, problem, see_other

_ROW = f"<int(max={2**63 - 1}):row>"
_BY = "console"

_log = structlog.get_logger()


def add_order(routes: Blueprint, house: House) -> None:
    """Add the page and its forms."""

    @routes.get(f"/orders/{_ROW}")
    def order(row: int) -> Response:
        story = house.storyteller.tell(row, house.clock())
        return _no_such_order() if story is None else page("order.html", story=story, unveiled=False)

    @routes.post(f"/orders/{_ROW}/show")
    def show(row: int) -> Response:
        story = house.storyteller.tell(row, house.clock(), unveiled=True)
        if story is None:
            return _no_such_order()
        known = story.known.row
        session = name_of_session()
        _log.warning("personal data shown", shop=known["shop"], order=known["order_id"], by=_BY, session=session)
        return page("order.html", story=story, unveiled=True)


def add_actions(routes: Blueprint, house: House) -> None:
    """Add what changes an order: a page that asks for a confirmation, and its form."""

    @routes.get(f'/orders/{_ROW}/<any("retry", "give-up"):action>')
    def confirm(row: int, action: str) -> Response:
        story = house.storyteller.tell(row, house.clock())
        return _no_such_order() if story is None else _asked(story, action)

    @routes.post(f'/orders/{_ROW}/<any("retry", "give-up"):action>')
    def act(row: int, action: str) -> Response:
        story = house.storyteller.tell(row, house.clock())
        if story is None:
            return _no_such_order()
        try:
            told = _retried(house, story) if action == "retry" else _given_up(house, story)
        except (OrderNotRetried, OrderNotGivenUp) as why:
            return _refused(str(why))
        flash(told[:300])
        return see_other(url_for("console.order", row=row))


def _asked(story: Story, action: str) -> Response:
    button = story.actions.retry if action == "retry" else story.actions.give_up
    if button is not None:
        return page("confirm.html", story=story, action=action, button=button)
    state = f"The order is {story.known.row['state']}; only one that waits or is quarantined can be given up."
    return _refused(story.actions.why if action == "retry" else state)


def _retried(house: House, story: Story) -> str:
    if story.shop is None:
        raise OrderNotRetried(story.actions.why)
    return "; ".join(retrying.retry_order(house.retries, story.shop, story.known.row["order_id"], house.clock(), _BY))


def _given_up(house: House, story: Story) -> str:
    known = story.known.row
    return retrying.give_up(house.retries, known["shop"], known["order_id"], house.clock(), _BY)


def _refused(why: str) -> Response:
    return problem(409, "That can't be done now", why, "The order's page says how it is.")


def _no_such_order() -> Response:
    return problem(404, "No such order", "No order has this address.", "Look for it on the page of orders.")
