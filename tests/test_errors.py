"""Errors say what happened, where, and what to do."""

from __future__ import annotations

from adapter.errors import ConfigurationRefused, MappingFailed, Problem, SignatureRefused


def test_problems_in_one_line() -> None:
    """A problem is one line: file, path, message, hint; what is empty is left out."""
    assert "a.toml: event.x: wrong (right)" == str(Problem("a.toml", "event.x", "wrong", "right"))
    assert "PORT: wrong" == str(Problem("PORT", "", "wrong"))


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
