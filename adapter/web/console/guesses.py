"""How often the password may be tried: guesses are slowed down, and no flood of them keeps the operator out.

Each address has a few guesses and then one a minute; all strangers together have a budget, for addresses cost little.
When that is used up, by however many others, an address still has one guess an hour of its own: who knows the password
needs no more. These first guesses have a budget too, so a flood from new addresses several times a second can use it
up. It doesn't reach a browser that has logged in before: what it keeps (see `adapter.web.console.device`) gives it
guesses of its own, which nobody else can take.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from adapter.web.limits import Limits, Rate

PER_ADDRESS = Rate(burst=5, per_second=1 / 60)
"""A person mistypes a password a few times. Five wrong ones, and then one a minute. The same for a known browser."""

FOR_ALL = Rate(burst=60, per_second=1 / 5)
"""Of strangers, and of each web process, as below."""

FIRST = Rate(burst=1, per_second=1 / 3600)

FIRST_FOR_ALL = Rate(burst=60, per_second=1 / 2)
"""With the others that is 22 million guesses a year, from however many addresses: too few for twelve characters."""

FOR_ALL_KNOWN = Rate(burst=1_000, per_second=100)
"""There are as many known browsers as logins that succeeded: each one's own limit is what holds."""


class Guesses:
    """The limits of one process. `now` gives seconds that never go back."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._usual = Limits(now, PER_ADDRESS, FOR_ALL)
        self._first = Limits(now, FIRST, FIRST_FOR_ALL)
        self._known = Limits(now, PER_ADDRESS, FOR_ALL_KNOWN)

    def seconds_to_wait(self, address: str | None, device: str | None) -> int:
        """Count one guess; return 0, or in how many whole seconds the next one is looked at when it is too many.

        `device` is the name of a browser that has logged in before, None for a stranger's.
        """
        if device is not None:
            return self._known.seconds_to_wait_for(device)
        seconds = self._usual.seconds_to_wait(address)
        if seconds == 0 or self._usual.has_used_up_its_own(address):
            return seconds
        return min(seconds, self._first.seconds_to_wait(address))

    def refused_to_tell(self) -> int:
        """Return how many guesses were too many since this was last told; 0 when it was told within the minute."""
        return self._usual.refused_to_tell() + self._known.refused_to_tell()
