"""Putting the parts together: from the environment to stores, intake and worker, for the web process and the CLI."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import structlog

from adapter.alerts.channels import Channels, load_channels
from adapter.alerts.marker import Marker, marker_path
from adapter.alerts.telling import Teller
from adapter.alerts.watch import Watch
from adapter.axon.client import AxonClient
from adapter.delivery.sweeping import Sweeper
from adapter.delivery.worker import Worker, utc_now
from adapter.errors import ConfigurationRefused, Problem, StorageUnavailable
from adapter.intake import Intake
from adapter.operations.facts import Examination
from adapter.operations.live.finding import Setup, Stores
from adapter.operations.overview import Overlooking
from adapter.platforms.registry import PLATFORMS
from adapter.settings import Settings, load_settings
from adapter.shops.load import load_shops
from adapter.shops.shop import Shops
from adapter.storage.alerts import Alerts
from adapter.storage.bodies import Bodies
from adapter.storage.clicks import Clicks
from adapter.storage.cohorts import Cohorts
from adapter.storage.days import Days
from adapter.storage.destinations import Destinations
from adapter.storage.engine import Database, open_engine
from adapter.storage.keys import refuse_strangers, secrets_of
from adapter.storage.logouts import Logouts
from adapter.storage.pulse import Pulse
from adapter.storage.purchases import Purchases
from adapter.storage.resealing import Resealing
from adapter.storage.retries import Retries
from adapter.storage.sealing import Sealer
from adapter.storage.search import Search
from adapter.storage.stories import Stories
from adapter.storage.tallies import Tallies
from adapter.storage.vitals import Vitals
from adapter.tally import Tally

_log = structlog.get_logger()


@dataclass(frozen=True)
class Configuration:
    """Settings, shops and where alerts go, all checked."""

    settings: Settings
    shops: Shops
    channels: Channels = field(default_factory=Channels)


def load_configuration(environment: Mapping[str, str]) -> Configuration:
    """Read settings and mapping files; raise `ConfigurationRefused` with every problem of all at once."""
    problems: list[Problem] = []
    try:
        settings = load_settings(environment)
    except ConfigurationRefused as refused:
        problems += refused.problems
        settings = load_settings({"MAPPINGS_DIR": environment.get("MAPPINGS_DIR", "")})
    try:
        channels = load_channels(environment)
    except ConfigurationRefused as refused:
        problems += refused.problems
        channels = Channels()
    try:
        shops = load_shops(settings.mappings_dir, environment, PLATFORMS, settings.axon_api_url)
    except ConfigurationRefused as refused:
        raise ConfigurationRefused([*problems, *refused.problems]) from None
    if problems:
        raise ConfigurationRefused(problems)
    return Configuration(settings, shops, channels)


def load_mappings(environment: Mapping[str, str]) -> Shops:
    """Read the mapping files alone, for what needs no other setting; raise `ConfigurationRefused`."""
    settings = load_settings({"MAPPINGS_DIR": environment.get("MAPPINGS_DIR", "")})
    return load_shops(settings.mappings_dir, environment, PLATFORMS, settings.axon_api_url)


class Parts:
    """The long-lived objects of one process, made when first asked for.

    `clock` gives aware UTC times, `monotonic` seconds that never go back.
    """

    def __init__(
        self,
        configuration: Configuration,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.configuration = configuration
        self.settings = configuration.settings
        self.shops = configuration.shops
        self.channels = configuration.channels
        self.clock = clock
        self.monotonic = monotonic

    @cached_property
    def engine(self) -> Database:
        """The database."""
        return open_engine(self.settings, threads=16)

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The newest secret and its fallbacks; on SQLite one is generated on first use."""
        return secrets_of(self.settings, lambda notice: _log.warning("secret key generated", notice=notice))

    @cached_property
    def tally(self) -> Tally:
        """What this process counts."""
        return Tally()

    @cached_property
    def tallies(self) -> Tallies:
        """What all processes have counted."""
        return Tallies(self.engine)

    @cached_property
    def sealer(self) -> Sealer:
        """The keys that seal what is stored."""
        return Sealer(self.secrets)

    @cached_property
    def purchases(self) -> Purchases:
        """The ledger of orders."""
        return Purchases(self.engine, self.sealer)

    @cached_property
    def clicks(self) -> Clicks:
        """The remembered click identifiers."""
        return Clicks(self.engine, self.sealer)

    @cached_property
    def destinations(self) -> Destinations:
        """The conditions of the destinations."""
        return Destinations(self.engine)

    def bodies(self) -> Bodies:
        """Return the stored orders, to be read again."""
        return Bodies(self.engine, self.sealer)

    def retries(self) -> Retries:
        """Return what makes settled orders due again."""
        return Retries(self.engine)

    def search(self) -> Search:
        """Return what finds orders in the ledger."""
        return Search(self.engine)

    def stories(self) -> Stories:
        """Return what reads everything of one order."""
        return Stories(self.engine, self.sealer)

    def overlooking(self) -> Overlooking:
        """Return what makes the console's overview."""
        return Overlooking(self.shops, self.purchases, self.destinations, Cohorts(self.engine), Days(self.engine))

    def logouts(self) -> Logouts:
        """Return the sessions of the console that were ended."""
        return Logouts(self.engine)

    def resealing(self) -> Resealing:
        """Return what moves everything to the newest key."""
        return Resealing(self.engine, self.sealer)

    def setup(self) -> Setup:
        """Return what a look at the whole set-up is about."""
        return Setup(self.settings, self.shops, self.clock, self._stores)

    def _stores(self) -> Stores:
        return Stores(self.engine, self.purchases, self.destinations, self.check_key)

    def check_key(self) -> None:
        """Raise `ConfigurationRefused` when what is stored was sealed with another secret than those known here.

        A database that can't be asked now is passed over: while it is away the service comes up and answers 503.
        """
        with suppress(StorageUnavailable):
            refuse_strangers(self.resealing().strangers())

    def intake(self) -> Intake:
        """Return the use case of incoming webhooks."""
        return Intake(self.purchases, self.clock)

    def worker(self) -> Worker:
        """Return a worker; set its `stop` to end it."""
        return Worker(
            shops=self.shops,
            purchases=self.purchases,
            clicks=self.clicks,
            destinations=self.destinations,
            client=AxonClient(self.clock),
            lease=self.settings.lease,
            clock=self.clock,
            sweeper=Sweeper(engine=self.engine, keep=self.settings.retention, clock=self.clock),
            pulse=Pulse(self.engine),
            tally=self.tally,
        )

    def examination(self) -> Examination:
        """Return what reads the facts that health is told from."""
        return Examination(
            shops=self.shops,
            purchases=self.purchases,
            destinations=self.destinations,
            vitals=Vitals(self.engine),
            tallies=self.tallies,
            database_file=self.settings.sqlite_path,
            clock=self.clock,
        )

    def watch(self) -> Watch:
        """Return this process's watch: it stores what was counted, and tells what is wrong."""
        teller = Teller(
            facts=self.examination().facts,
            alerts=Alerts(self.engine),
            channels=self.channels,
            marker=Marker(marker_path(self.settings.database_url)),
            clock=self.clock,
        )
        return Watch(duties=(self.store_tally, teller.look), at_end=self.store_tally)

    def store_tally(self) -> None:
        """Add what this process has counted to what all have; raise `StorageUnavailable`."""
        self.tallies.store(self.tally, self.clock())
