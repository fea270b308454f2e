"""The planted bugs can be planted: their places are where they were, and the tests that must notice them are there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from campaigns import teeth
from campaigns.planted import PLANTED, Change, Planted, PlantRotten

ROOT = Path(__file__).parents[2]


def test_there_are_twenty() -> None:
    """M6 asks for twenty bugs, each with a name of its own."""
    assert 20 == len({bug.name for bug in PLANTED}) == len(PLANTED)


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_its_place_is_there(bug: Planted) -> None:
    """Each replaced text stands exactly once in today's code, and what comes out is another Python module."""
    texts = {change.path: (ROOT / change.path).read_text() for change in bug.changes}
    spoilt = dict(texts)
    for change in bug.changes:
        spoilt[change.path] = change.applied_to(spoilt[change.path])
    for path, text in spoilt.items():
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(texts[path]))


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_its_campaign_is_there(bug: Planted) -> None:
    """Each test that has to notice a bug exists."""
    for node in bug.nodes:
        file, _, name = node.partition("::")
        assert f"\ndef {name.partition('[')[0]}(" in (ROOT / file).read_text()


@pytest.mark.parametrize("text", ["", "a b a"])
def test_a_plant_that_has_rotted(text: str) -> None:
    """A text that isn't there, or more than once, is an error that names the file."""
    with pytest.raises(PlantRotten, match=r"adapter/x\.py: stands there [02] times"):
        Change("adapter/x.py", "a", "c").applied_to(text)


SIGN = PLANTED[0].sign


@pytest.mark.parametrize(
    ("code", "said", "strays", "noticed"),
    [
        (1, f"E   {SIGN}: 7\n1 failed", [], True),
        (0, f"{SIGN}\n1 passed", [], False),
        (1, "E   another failure\n1 failed", [], False),
        (2, f"{SIGN}: a syntax error", [], False),
        (4, f"{SIGN}: no such test", [], False),
        (5, "1 skipped", [], False),
        (1, f"E   {SIGN}: 7\n1 failed", ["pytest"], False),
    ],
)
def test_what_counts_as_caught(code: int, said: str, strays: list[str], noticed: bool) -> None:
    """Only a failure of the tests themselves, in the words of the bug, and with the copy as what ran."""
    assert noticed is teeth._judge(PLANTED[0], code, said, 1.0, strays).noticed


def test_what_failed_is_named() -> None:
    """The tests that failed or couldn't begin are read from pytest's summary, whatever stands in their names."""
    said = "FAILED tests/a.py::b[one after the other] - assert 1 == 2 - or so\nERROR tests/c.py::d\nFAILED elsewhere\n"
    assert ["tests/a.py::b[one after the other]", "tests/c.py::d"] == teeth._failed_in(said)
