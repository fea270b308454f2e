"""The two mapping files that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adapter.errors import ConfigurationRefused, Problem
from adapter.platforms.registry import PLATFORMS
from adapter.shops.load import load_file
from adapter.shops.shop import Shop


def load_pair(old: Path, new: Path, environment: Mapping[str, str]) -> tuple[Shop, Shop]:
    """Load both files, of which no secret is needed; raise `ConfigurationRefused` with every problem of both."""
    problems: list[Problem] = []
    shops: list[Shop] = []
    for path in (old, new):
        try:
            shops.append(load_file(path, environment, PLATFORMS))
        except ConfigurationRefused as refused:
            problems += refused.problems
    if problems:
        raise ConfigurationRefused(dict.fromkeys(problems))
    before, after = shops
    if before.platform != after.platform:
        message = f"reads orders of {after.platform}, and {before.label} those of {before.platform}"
        raise ConfigurationRefused([Problem(after.label, "platform", message, "compare files of one platform")])
    return before, after
