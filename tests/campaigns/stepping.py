"""Running several pieces of work one step at a time, in any order; each may be killed at any gate."""

from __future__ import annotations

from collections.abc import Callable
from threading import Semaphore, Thread
from typing import Any


class Killed(BaseException):
    """The process of this work was killed: nothing in the work may survive it, so no `except Exception` sees it."""


class Stepper:
    """Work in a thread of its own that rests at each gate it comes to, until `step` lets it go on.

    `at` names the gate at which it rests, None when it has ended. Only one of the threads runs at any time.
    """

    def __init__(self, work: Callable[[Stepper], None]) -> None:
        self.at: str | None = "start"
        self.about: Any = None
        self._work = work
        self._goes = Semaphore(0)
        self._rests = Semaphore(0)
        self._answer: Any = None
        self._failure: BaseException | None = None
        self._is_killed = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()
        self._rests.acquire()

    def gate(self, at: str, about: Any = None) -> Any:
        """Rest here until the next step; return what that one answers. Called by the work itself."""
        self.at, self.about = at, about
        self._rests.release()
        self._goes.acquire()
        if self._is_killed:
            raise Killed
        return self._answer

    def step(self, answer: Any = None) -> None:
        """Let it go on to its next gate, or to its end; raise what it raised."""
        self._answer = answer
        self._goes.release()
        self._rests.acquire()
        if self._failure is not None:
            raise self._failure

    def kill(self) -> None:
        """End it where it is."""
        if self.at is not None:
            self._is_killed = True
            self.step()
            self._thread.join()

    def _run(self) -> None:
        try:
            self.gate("start")
            self._work(self)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001  # It is raised again by whoever steps.
            self._failure = error
        self.at = None
        self._rests.release()
