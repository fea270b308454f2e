"""A plugin of pytest: a broken law says so by the first example that breaks it, without a search for the least one."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Let hypothesis look for an example alone."""
    settings.register_profile("unshrunk", settings(), phases=[Phase.generate], database=None)
    settings.load_profile("unshrunk")
