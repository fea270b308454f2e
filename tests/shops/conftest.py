"""A folder for mapping files, and an environment in which both shipped files are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from adapter.errors import ConfigurationRefused
from adapter.shops.load import load_shops
from adapter.shops.shop import Shops

PLATFORMS = ("shopify", "woocommerce")
API = "https://api.example/v1/event"
ENVIRONMENT = {
    "SHOPIFY_WEBHOOK_SECRET": "a shopify secret of 32 letters..",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "WOOCOMMERCE_WEBHOOK_SECRET": "a woocommerce secret, with commas",
    "WOOCOMMERCE_SITE_URL": "https://woo.example",
    "AXON_PIXEL_ID": "pixel",
    "AXON_API_KEY": "key",
}


class Folder:
    """A folder of mapping files, named `mappings`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def write(self, name: str, text: str) -> None:
        """Write a mapping file."""
        (self.path / f"{name}.toml").write_text(text, "utf-8")

    def copy(self, path: Path) -> None:
        """Copy a mapping file, and what its `# beside: …` lines name."""
        text = path.read_text("utf-8")
        self.write(path.stem, text)
        for line in text.splitlines():
            if line.startswith("# beside: "):
                beside = path.parent / f"{line.removeprefix('# beside: ')}.toml"
                self.write(beside.stem, beside.read_text("utf-8"))

    def load(self, environment: Mapping[str, str] | None = None) -> Shops:
        """Load the folder."""
        return load_shops(self.path, ENVIRONMENT if environment is None else environment, PLATFORMS, API)

    def problems(self, environment: Mapping[str, str] | None = None) -> list[str]:
        """Load the folder, which must be refused; return the problems as they are shown."""
        with pytest.raises(ConfigurationRefused) as caught:
            self.load(environment)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return an empty folder for mapping files."""
    return Folder(tmp_path / "mappings")


@pytest.fixture
def full_environment() -> dict[str, str]:
    """Return an environment in which both shipped files are on."""
    return dict(ENVIRONMENT)


@pytest.fixture
def load_directory() -> Callable[[Path], Shops]:
    """Return what loads any directory in the full environment."""
    return lambda path: load_shops(path, ENVIRONMENT, PLATFORMS, API)
