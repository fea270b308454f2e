"""What was told of the database itself: one file, so that of several processes one tells, also after a restart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapter.alerts.marker import Marker, marker_path

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file will be."""
    return tmp_path / "told"


@pytest.fixture(params=["file", "no file"])
def marker(request: pytest.FixtureRequest, path: Path) -> Marker:
    """Return a marker with its file, and one that can't have any."""
    return Marker(path if request.param == "file" else path / "nowhere" / "told")


def test_once(marker: Marker) -> None:
    """Loss and return are news once each; while all is well nothing is."""
    marks = [marker.mark(lost=lost, now=NOON) for lost in (False, True, True, False, False)]
    assert [False, True, False, True, False] == marks


def test_a_database_that_was_never_lost(path: Path) -> None:
    """A service whose database was always there leaves no file behind."""
    assert not Marker(path).mark(lost=False, now=NOON)
    assert not path.exists()


def test_again_after_an_hour(marker: Marker) -> None:
    """A loss that comes back within the hour is news when that is over, and its end isn't before."""
    assert marker.mark(lost=True, now=NOON)
    assert marker.mark(lost=False, now=NOON + MINUTE)
    found = [
        marker.mark(lost=lost, now=NOON + at * MINUTE) for at, lost in ((2, True), (3, False), (4, True), (59, True))
    ]
    assert [False] * 4 == found
    assert marker.mark(lost=True, now=NOON + 60 * MINUTE)


def test_a_clock_that_was_set_back(marker: Marker) -> None:
    """A loss told ten years ahead doesn't keep this one from being told."""
    marker.mark(lost=True, now=NOON + timedelta(days=3652))
    marker.mark(lost=False, now=NOON)
    assert marker.mark(lost=True, now=NOON)


def test_nobody_took_it(marker: Marker) -> None:
    """What nobody could be told of is news again."""
    marker.mark(lost=True, now=NOON)
    marker.forget()
    assert marker.mark(lost=True, now=NOON + MINUTE)


def test_a_restart(path: Path) -> None:
    """Another process knows what was told."""
    Marker(path).mark(lost=True, now=NOON)
    assert not Marker(path).mark(lost=True, now=NOON)
    assert Marker(path).mark(lost=False, now=NOON)


def test_at_once(path: Path) -> None:
    """Of sixteen at the same moment one has the news."""
    with ThreadPoolExecutor(16) as pool:
        assert 1 == sum(pool.map(lambda _: Marker(path).mark(lost=True, now=NOON), range(16)))


@pytest.mark.parametrize("content", ["", "{", "[1]", '"x"', "\x00"])
def test_a_broken_file(path: Path, content: str) -> None:
    """A file with anything in it counts as an empty one."""
    path.write_text(content)
    assert Marker(path).mark(lost=True, now=NOON)
    assert not Marker(path).mark(lost=True, now=NOON)


def test_no_link_is_followed(path: Path, tmp_path: Path) -> None:
    """A link that somebody left in the folder for all changes nothing where it leads."""
    victim = tmp_path / "victim"
    victim.write_text("kept")
    path.symlink_to(victim)
    assert Marker(path).mark(lost=True, now=NOON)
    assert "kept" == victim.read_text()


def test_each_database_has_its_own() -> None:
    """The file's name says nothing of the database's address, which holds a password."""
    one, other = (marker_path(f"postgresql://u:canary@{host}/d") for host in ("a", "b"))
    assert one != other
    assert "canary" not in str(one)
