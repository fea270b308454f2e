"""Errors say what happened, where, and what to do."""

from __future__ import annotations

import pytest

from adapter.errors import ConfigurationRefused, MappingFailed, Place, Problem, SignatureRefused, place_of


def test_problems_in_one_line() -> None:
    """A problem is one line: file, path, message, hint; what is empty is left out."""
    assert "a.toml: event.x: wrong (right)" == str(Problem("a.toml", "event.x", "wrong", "right"))
    assert "PORT: wrong" == str(Problem("PORT", "", "wrong"))


def test_problems_of_a_place() -> None:
    """The line stands behind file, path, message and hint, so that these read the same with and without one."""
    assert "a.toml: x: wrong (right) (line 7)" == str(Place("a.toml", 7).problem("x", "wrong", "right"))
    assert "a.toml: x: wrong (line 7)\n  y\n  ^" == str(Place("a.toml", 7).problem("x", "wrong", excerpt="  y\n  ^"))
    assert "a.toml: x: wrong" == str(Place("a.toml").problem("x", "wrong"))


def test_places() -> None:
    """A place is shown as editors and terminals link it: the file, a colon, the line."""
    assert ["a.toml:7", "a.toml"] == [str(Place("a.toml", 7)), str(Place("a.toml"))]


@pytest.mark.parametrize("text", ["a.toml", "a.toml:7", "a:b/c.toml:12", "a:7b", ""])
def test_reading_places(text: str) -> None:
    """What was written as a place can be read as one."""
    assert text == str(Place.parse(text))
    assert (7 if text == "a.toml:7" else 12 if text.endswith(":12") else 0) == Place.parse(text).line


@pytest.mark.parametrize(
    ("path", "line"), [("a.b", 1), ("a.b.c.d", 1), ("a.x", 2), ("a", 2), ("z", 0), ("z.y", 0), ("ab", 0), ("", 0)]
)
def test_the_nearest_place(path: str, line: int) -> None:
    """What no line says comes from the nearest table above it, in the end from the file as a whole."""
    assert line == place_of(path, {"": Place("own"), "a": Place("base", 2), "a.b": Place("own", 1)}).line


def test_every_problem_is_carried() -> None:
    """A refused configuration carries all problems, and shows one a line."""
    problems = [Problem("a", "", "x"), Problem("b", "", "y")]
    refused = ConfigurationRefused(problems)
    assert tuple(problems) == refused.problems
    assert "a: x\nb: y" == str(refused)


def test_facts_of_errors() -> None:
    """A signature error carries its hint, a mapping error its target, expression and reason."""
    assert "do so" == SignatureRefused("wrong", "do so").hint
    failed = MappingFailed("event.x", "order.y", "nothing there")
    assert ("event.x", "order.y", "nothing there") == (failed.target, failed.expression, failed.reason)
    assert "event.x = order.y: nothing there" == str(failed)
