"""What an expression reads: its paths, and what stands there."""

from __future__ import annotations

import pytest

from adapter.purchase.reads import Read, kinds_read, paths_in, reads_of

SCOPE = {
    "order": {
        "id": 5001,
        "tags": "",
        "lines": [{"id": 1}],
        "note_attributes": [{"name": "it's", "value": "x"}],
        "a b": {"c": True},
    },
    "purchase": {"email": None},
}


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("order.id", ("order.id",)),
        ("@.order.id", ("order.id",)),
        (
            "order.client_details.browser_ip || order.browser_ip",
            ("order.client_details.browser_ip", "order.browser_ip"),
        ),
        ("order.a[0].b", ("order.a[0].b",)),
        ('order."a b".c', ('order."a b".c',)),
        ("order.lines[*].price", ("order.lines",)),
        ("order.lines[?id == `1`].price | [0]", ("order.lines",)),
        ("order.lines[0:2]", ("order.lines",)),
        ("order.*.a", ("order",)),
        ("sort_by(order.lines, &price)[0].id", ("order.lines",)),
        ("(order.a || order.b).c", ("order.a", "order.b")),
        ("order.[id, name]", ("order",)),
        ("{a: order.x, b: line.y}", ("order.x", "line.y")),
        ("[order.id, 'x'] | join('-', @)", ("order.id",)),
        ("attribute(order, 'x') == 'y'", ("attribute(order, 'x')",)),
        ("query(attribute(order, 'it\\'s'), 'aleid')", ("attribute(order, 'it\\'s')",)),
        ('not_null(order, `{"a": 1}`)', ('not_null(order, `{"a":1}`)',)),
        ("lookup('categories', line.vendor)", ("line.vendor",)),
        ("order.id == order.id", ("order.id",)),
        ("'web'", ()),
        ("to_string(`1.5`)", ()),
    ],
)
def test_paths(text: str, paths: tuple[str, ...]) -> None:
    """Each path that starts at the scope comes once, as far as it is plain; what is inside of a projection doesn't."""
    assert paths == paths_in(text)


def test_values() -> None:
    """Every path has what stands there, nothing included."""
    expected = (Read("attribute(order, 'it\\'s')", "x"), Read('order."a b".c', value=True), Read("order.absent", None))
    assert expected == reads_of("[attribute(order, 'it\\'s'), order.\"a b\".c, order.absent]", SCOPE)


def test_a_path_that_fails_itself() -> None:
    """A call that fails gave nothing; so does one of a table that only the whole expression knows."""
    assert (Read("sum(order)", None),) == reads_of("sum(order) > `1`", SCOPE)
    assert (Read("lookup('t', order)", None),) == reads_of("lookup('t', order)", SCOPE)


def test_kinds() -> None:
    """An error names what kind of value stood where, never the value; a lone path says it itself."""
    assert "order.tags is text, order.lines is a list" == kinds_read(
        "to_number(order.tags) || sum(order.lines)", SCOPE
    )
    assert "" == kinds_read(" order.id ", SCOPE)
