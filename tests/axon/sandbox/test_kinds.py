"""The words of the checks that a table of fields can't show."""

from __future__ import annotations

import pytest

from adapter.axon.sandbox.kinds import filled_text, one_of


@pytest.mark.parametrize(
    ("choices", "wrong"), [(("web", "app"), "must be one of web, app"), (("web",), "must be web")]
)
def test_a_choice_names_what_it_takes(choices: tuple[str, ...], wrong: str) -> None:
    """A wrong choice is answered with all right ones."""
    assert wrong == one_of(*choices)("tv")


def test_blanks_are_not_filled() -> None:
    """A text of blanks alone counts as empty."""
    assert filled_text(" \t") == "must be a non-empty string"
