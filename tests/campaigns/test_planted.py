"""The planted bugs can be planted: their places are where they were, and the tests that must notice them are there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
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
