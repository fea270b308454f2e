"""What the console shows and acts upon: the parts of the house that its pages are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapter.operations.overview import Overlooking
from adapter.operations.story import Storyteller
from adapter.settings import Settings
from adapter.shops.shop import Shops
from adapter.storage.alerts import Cause
from adapter.storage.logouts import Logouts
from adapter.storage.retries import Retries
from adapter.storage.search import Search
from adapter.web.console.guesses import Guesses
from adapter.web.console.password import Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The parts. `keys` sign the sessions, the newest first; `guesses` limit how often a password may be tried.

    `causes` tells what is wrong at this moment; `cost` is what a guess of the password costs.
    """

    settings: Settings
    shops: Shops
    search: Search
    storyteller: Storyteller
    retries: Retries
    overlooking: Overlooking
    causes: Callable[[], Sequence[Cause]]
    logouts: Logouts
    guesses: Guesses
    clock: Callable[[], datetime]
    password: str = field(repr=False)
    cost: Cost
    keys: tuple[bytes, ...] = field(repr=False)
