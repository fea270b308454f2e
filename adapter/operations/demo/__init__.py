"""`adapter demo`: the main job, end to end, on this machine alone.

Real processes, real HTTP, real signatures: a local Conversion API (the sandbox), the service under gunicorn and the
worker, in a temporary folder. Two invented shops send orders, and a table shows what became of each one, compared
with what was expected by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import monotonic

from adapter.operations.demo import stories_shopify, stories_woocommerce
from adapter.operations.demo.judging import judge, unexpected
from adapter.operations.demo.playing import Play
from adapter.operations.demo.processes import ProcessFailed, interruptible, last_lines
from adapter.operations.demo.stage import Announce, Stage, set_up
from adapter.operations.demo.story import Story
from adapter.operations.demo.table import summary, table_lines

__all__ = ["ProcessFailed", "run", "stories", "until_interrupted"]


def stories() -> tuple[Story, ...]:
    """Return all that is played, one story a line of the table."""
    return (*stories_shopify.stories(), *stories_woocommerce.stories())


def run(
    announce: Announce = print,
    *,
    played: Sequence[Story] | None = None,
    stay: Callable[[], object] | None = None,
) -> bool:
    """Play the stories and show the table; return whether every line came out as expected.

    To be called from the main thread. `stay` is called after the table while everything still runs; the processes end
    and the folder goes when it returns, and also on Ctrl-C and SIGTERM. Raises `ProcessFailed` when a process doesn't
    do its part.
    """
    began = monotonic()
    with interruptible(), TemporaryDirectory(prefix="adapter-demo-", ignore_cleanup_errors=True) as folder:
        announce(f"working in {folder}")
        with set_up(Path(folder), announce) as stage:
            good = _perform(stage, announce, stories() if played is None else played, began)
            if stay is not None:
                _show_addresses(stage, announce)
                stay()
    return good


def until_interrupted() -> None:
    """Wait for Ctrl-C or SIGTERM."""
    try:
        Event().wait()
    except KeyboardInterrupt:
        return


def _perform(stage: Stage, announce: Announce, played: Sequence[Story], began: float) -> bool:
    performed, evidence = Play(stage, announce).perform(played)
    lines = [judge(one, evidence) for one in performed]
    announce("")
    for row in table_lines(lines):
        announce(row)
    beyond = list(unexpected(played, evidence))
    for problem in beyond:
        announce(f"✗ {problem}")
    good = not beyond and not any(line.problems for line in lines)
    if not good:
        announce("the end of the worker's log:")
        for row in last_lines(stage.worker.log):
            announce(row)
    announce(summary(lines, monotonic() - began))
    return good


def _show_addresses(stage: Stage, announce: Announce) -> None:
    announce("")
    announce(f"service  {stage.service}  (webhooks go to {stage.service}/webhooks/shopify-demo)")
    announce(f"sandbox  {stage.sandbox}/received")
    announce(f"folder   {stage.folder}  (database, mapping files, logs)")
    announce("Ctrl-C ends everything and removes the folder")
