"""D4, D5: the disk under SQLite is full, read-only, or fails to sync."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from campaigns.databases import SQLite
from campaigns.nursery import wait_until
from campaigns.pulse import Pulse, beating, slowest
from campaigns.table import Row
from campaigns.world import World

Scale = Callable[[int, int], int]

RECOVERY_SECONDS = 5.0

_CHUNK = b"\0" * 65536


@contextmanager
def small_disk(world: World, row: Row, megabytes: int) -> Iterator[Path]:
    """Put the database of this world on a disk of its own, which is so small; that needs root."""
    if os.geteuid() != 0:
        row.not_run("it mounts a small tmpfs, which needs root")
    disk = world.folder / "disk"
    disk.mkdir()
    mounting = _mount("-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk))
    if mounting.returncode:
        row.not_run(f"it mounts a small tmpfs, and that isn't allowed here: {mounting.stderr.strip()}")
    world.database = SQLite(disk)
    world.environment["DATABASE_URL"] = world.database.url
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # noqa: S607  # Wherever the system has it.


def _mount(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["mount", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True)


@pytest.mark.databases(cut="sqlite", whole="sqlite")
def test_a_full_disk(world: World, row: Row, scale: Scale) -> None:
    """D4: while nothing fits, orders hear 503; soon after there is room again they hear 200, and all are there."""
    row.named("D4 disk full", "20 cycles: 503 not 200, back within 5 s, integrity ok, 0 acknowledged lost")
    cycles, longest = scale(1, 12), 0.0
    with small_disk(world, row, 10) as disk:
        world.start_web()
        world.start_worker()
        with beating(world.port, world.orders, per_second=40) as pulse:
            for _ in range(cycles):
                _fill(disk / "ballast")
                assert wait_until(lambda: pulse.is_answered(503), 30)
                time.sleep(world.random.uniform(0, 1))
                (disk / "ballast").unlink()
                longest = max(longest, _seconds_until_taken(pulse))
        _settle(world, row, [pulse], cycles, f"{cycles} cycles, back within {longest:.1f} s")


def _fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(_CHUNK):
            continue
    with ballast.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(_CHUNK[:4096]):
            continue


def _seconds_until_taken(pulse: Pulse) -> float:
    """Return how long it takes until an order that is sent from now on is answered 200, and so are all after it."""
    began = time.monotonic()
    assert wait_until(lambda: pulse.is_answered(200, since=began), RECOVERY_SECONDS)
    taken = time.monotonic()
    assert wait_until(lambda: pulse.is_answered(200, since=taken + 0.5), RECOVERY_SECONDS)
    assert {200} == {beat.status for beat in pulse.between(taken, taken + 0.5)}
    return taken - began


def _settle(world: World, row: Row, pulses: Sequence[Pulse], faults: int, scaled: str) -> None:
    """Send again what was refused, and hold the invariants."""
    driver = world.driver()
    for pulse in pulses:
        assert {200, 503} >= set(pulse.record.answers)
        driver.send(pulse.refused())
    driver.finish(60)
    world.come_to_rest()
    beats = [beat for pulse in pulses for beat in pulse.beats]
    refused = sum(beat.status != 200 for beat in beats)
    told = f"{scaled}; {refused} × 503, slowest answer {slowest(beats):.1f} s"
    row.take(world.check(driver, *pulses), trials=len(beats), faults=faults, scaled=told)


@pytest.mark.databases(cut="sqlite", whole="sqlite")
def test_a_disk_that_is_read_only(world: World, row: Row, scale: Scale) -> None:
    """D5: a service that opens its file while the disk is read-only takes orders as soon as it no longer is."""
    row.named("D5 read-only disk", "remounted read-only: 503 not 200, recovers by itself")
    cycles, longest = scale(1, 8), 0.0
    pulses: list[Pulse] = []
    with small_disk(world, row, 64) as disk:
        for _ in range(cycles):
            web = world.start_web()
            assert not _mount("-o", "remount,ro", str(disk)).returncode
            with beating(world.port, world.orders, per_second=20) as pulse:
                assert wait_until(lambda: pulse.is_answered(503), 10)
                time.sleep(0.5)
                assert {503} == set(pulse.record.answers)
                assert not _mount("-o", "remount,rw", str(disk)).returncode
                longest = max(longest, _seconds_until_taken(pulse))
            pulses.append(pulse)
            web.kill_all()
        world.start_web()
        world.start_worker()
        _settle(world, row, pulses, cycles, f"{cycles} remounts, back within {longest:.1f} s")


@contextmanager
def failing_syncs(pids: Sequence[int], first: int, every: int, log: Path) -> Iterator[None]:
    """Let the first-th sync of each thread of these processes fail with an I/O error, and then every so many."""
    command = ["strace", "-f", "-y", "-o", str(log), "-e", "trace=fsync,fdatasync,sendto"]
    command += ["-e", f"inject=fsync,fdatasync:error=EIO:when={first}+{every}"]
    words = log.with_suffix(".said")
    with words.open("w") as said:
        process = subprocess.Popen([*command, *(f"--attach={pid}" for pid in pids)], stderr=said)
        try:
            assert wait_until(lambda: words.read_text().count("attached") >= len(pids), 10), words.read_text()
            yield
        finally:
            process.terminate()
            process.wait()


def _may_trace(log: Path) -> str | None:
    """Return why strace can't inject errors here; None when it can."""
    if shutil.which("strace") is None:
        return "strace isn't installed"
    command = ["strace", "-o", str(log), "-e", "inject=fsync:error=EIO:when=1", "true"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return None if done.returncode == 0 else f"strace may not trace here: {done.stderr.strip()[:80]}"


def answered_in_spite(log: Path) -> tuple[int, list[str]]:
    """Return how many syncs were made to fail, and the answers of 200 whose order's own sync failed.

    The first sync of a request is that of its commit; one that fails later belongs to SQLite's tidying up. When a
    group's commit has failed, each order of it is tried once more alone: then that one's sync counts.
    """
    commit_failed: dict[str, bool] = {}
    wrong: list[str] = []
    failed = 0
    for line in log.read_text(errors="replace").splitlines():
        thread, _, call = line.partition(" ")
        if "sync" in call and " = " in call:
            has_failed = "INJECTED" in call
            failed += has_failed
            commit_failed[thread] = has_failed and commit_failed.get(thread, True)
        elif "HTTP/1.1 " in call and commit_failed.pop(thread, False) and '"HTTP/1.1 2' in call:
            wrong.append(line)
    return failed, wrong


@pytest.mark.databases(cut="sqlite", whole="sqlite")
def test_syncs_that_fail(world: World, row: Row, scale: Scale) -> None:
    """D5: an order whose sync failed isn't answered 200, and the service goes on by itself when syncs work again."""
    row.named("D5 failing fsync", "EIO at the n-th sync, n = 1…200: never followed by 200, recovers")
    if (why := _may_trace(world.folder / "trial.strace")) is not None:
        row.not_run(why)
    rounds, faults, longest = scale(1, 8), 0, 0.0
    web = world.start_web(WEB_CONCURRENCY="1")
    world.start_worker()
    assert wait_until(lambda: len(web.children()) == 1, 10)
    # strace stops the process at each of its system calls: at 60 a second it is too slow for the load.
    with beating(world.port, world.orders, per_second=scale(40, 15)) as pulse:
        for number in range(rounds):
            log = world.folder / f"syncs-{number}.strace"
            first, every = world.random.randint(1, 4), world.random.randint(1, 6)
            every = every if number else 1  # Of others none need be told: an order is tried again, and that is synced.
            with failing_syncs(web.children(), first, every, log):
                time.sleep(scale(2, 6))
            longest = max(longest, _seconds_until_taken(pulse))
            failed, wrong = answered_in_spite(log)
            assert [] == wrong
            assert failed > 0
            faults += failed
            assert world.database.broken() is None
    assert pulse.record.answers.get(503, 0) > 0
    _settle(world, row, [pulse], faults, f"{rounds} × every 1st…6th sync, back within {longest:.1f} s")
