"""A mapping directory that isn't wholly right stops the start with the whole list, and nothing of it is used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapter.errors import ConfigurationRefused
from adapter.wiring import load_configuration

ROOT = Path(__file__).resolve().parents[2]
SHOPIFY = {
    "SHOPIFY_WEBHOOK_SECRET": "a shopify secret of 32 letters..",
    "SHOPIFY_SITE_URL": "https://shop.example",
    "AXON_PIXEL_ID": "pixel",
    "AXON_API_KEY": "key",
}
GOOD = 'extends = "shopify"\n'
MISTAKEN = GOOD + '[event.data]\nvaleu = "purchase.total"\ntax = "sum(order.tax_lines[*"\n'


def empty(folder: Path) -> list[str]:
    """Leave the directory empty."""
    hint = "copy mappings/shopify.toml or mappings/woocommerce.toml there"
    return [f"{folder}: there is no mapping file (*.toml) here ({hint})"]


def absent(folder: Path) -> list[str]:
    """Take the directory away."""
    folder.rmdir()
    hint = "set MAPPINGS_DIR to the folder with the mapping files"
    return [f"{folder}: the mapping files can't be read: No such file or directory ({hint})"]


def a_circle(folder: Path) -> list[str]:
    """Make the directory a link to itself."""
    folder.rmdir()
    folder.symlink_to(folder)
    hint = "set MAPPINGS_DIR to the folder with the mapping files"
    return [f"{folder}: the mapping files can't be read: Too many levels of symbolic links ({hint})"]


def one_broken(folder: Path) -> list[str]:
    """Write a good file, one that isn't TOML, one that is a folder, and one with two mistakes."""
    (folder / "a-good.toml").write_text(GOOD, "utf-8")
    (folder / "b-broken.toml").write_text(GOOD + "[orders\n", "utf-8")
    (folder / "c-folder.toml").mkdir()
    (folder / "d-mistaken.toml").write_text(MISTAKEN, "utf-8")
    place = f"{folder.name}/d-mistaken.toml"
    hint = "texts stand in quotes, and each table and key is written once"
    broken = "Expected ']' at the end of a table declaration (at line 2, column 8)"
    return [
        f"{folder.name}/b-broken.toml: this is not TOML: {broken} ({hint})",
        f"{folder.name}/c-folder.toml: the file can't be read: Is a directory",
        f'{place}: event.data.valeu: unknown field (did you mean "value"?) (line 3)',
        f"{place}: event.data.tax: the expression ends too early at column 22 in 'sum(order.tax_lines[*' (line 4)",
        "    sum(order.tax_lines[*",
        "                         ^",
    ]


@pytest.mark.parametrize("make", [empty, absent, a_circle, one_broken])
def test_nothing_is_used(tmp_path: Path, make: Callable[[Path], list[str]]) -> None:
    """The whole list comes at once, behind the problems of the settings; no shop is left, not even a good one."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    expected = make(folder)
    with pytest.raises(ConfigurationRefused) as caught:
        load_configuration({**SHOPIFY, "MAPPINGS_DIR": str(folder), "PORT": "none"})
    port, *shown = str(caught.value).splitlines()
    assert port.startswith("PORT: 'none' is no whole number")
    assert expected == shown


@pytest.mark.processes
@pytest.mark.parametrize("make", [empty, one_broken])
@pytest.mark.parametrize("command", ["check", "serve"])
def test_nothing_starts(tmp_path: Path, make: Callable[[Path], list[str]], command: str) -> None:
    """The command ends with 1 and the list, before it opens a port or makes a database."""
    folder = tmp_path / "mappings"
    folder.mkdir()
    expected = make(folder)
    environment = {
        **SHOPIFY,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "MAPPINGS_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{tmp_path}/adapter.db",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "adapter", command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (1, "", expected) == (ended.returncode, ended.stdout, ended.stderr.splitlines())
    assert {"mappings"} >= {path.name for path in tmp_path.iterdir()}


@contextmanager
def as_nobody() -> Iterator[None]:
    """Read files as a user without rights; root may read everything."""
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("file", [True, False])
def test_what_may_not_be_read(file: bool) -> None:
    """A directory or a file that this user may not read says so; a good file beside it doesn't start alone."""
    folder = Path(tempfile.mkdtemp()) / "mappings"  # pytest's own folders are closed to others.
    folder.parent.chmod(0o755)
    folder.mkdir(0o755)
    try:
        (folder / "a.toml").write_text(GOOD, "utf-8")
        (folder / "b.toml").write_text(GOOD, "utf-8")
        (folder / "b.toml" if file else folder).chmod(0)
        with as_nobody(), pytest.raises(ConfigurationRefused) as caught:
            load_configuration({**SHOPIFY, "MAPPINGS_DIR": str(folder)})
    finally:
        shutil.rmtree(folder.parent)
    hint = "set MAPPINGS_DIR to the folder with the mapping files"
    expected = (
        "mappings/b.toml: the file can't be read: Permission denied"
        if file
        else f"{folder}: the mapping files can't be read: Permission denied ({hint})"
    )
    assert expected == str(caught.value)
