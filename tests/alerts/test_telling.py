"""Telling: the log always, every channel once, a loss of the database as well; nobody twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from structlog.testing import capture_logs

from adapter.alerts.channels import Channels, Hook, Mailing
from adapter.alerts.marker import Marker
from adapter.alerts.telling import Teller
from adapter.operations.facts import Database, DestinationFacts, Facts
from adapter.storage.alerts import Alerts
from adapter.storage.destinations import Condition, DestinationState

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LOOK = timedelta(seconds=15)


@dataclass
class Scene:
    """Facts that change, and the processes that look at them every fifteen seconds."""

    engine: Engine
    clock: Any
    folder: Path
    database: Database = Database.WRITABLE
    conditions: dict[str, Condition] = field(default_factory=dict)

    def facts(self) -> Facts:
        """Return the facts as they are now."""
        if self.database is Database.AWAY:
            return Facts(at=self.clock(), database=Database.AWAY)
        destinations = tuple(
            DestinationFacts(
                id=id_,
                shops=("acme",),
                state=DestinationState(condition=condition, since=NOON, reason="answer 401: canary"),
            )
            for id_, condition in self.conditions.items()
        )
        return Facts(at=self.clock(), database=self.database, destinations=destinations)

    def teller(self, **channels: Any) -> Teller:
        """Return another process's teller."""
        return Teller(
            facts=self.facts,
            alerts=Alerts(self.engine),
            channels=Channels(**channels),
            marker=Marker(self.folder / "told"),
            clock=self.clock,
        )

    def go_on(self, seconds: int, *tellers: Teller) -> list[tuple[str, str]]:
        """Let every process look every fifteen seconds; return the log's lines: event and cause."""
        with capture_logs() as logs:
            for _ in range(seconds // 15):
                self.clock.advance(15)
                for teller in tellers:
                    teller.look()
        return [(line["event"], line.get("cause", line.get("channel"))) for line in logs]


@pytest.fixture
def scene(engine: Engine, clock: Any, tmp_path: Path) -> Scene:
    """Return a scene on each database."""
    return Scene(engine, clock, tmp_path)


def hook(server: Any) -> dict[str, Hook]:
    """Return the channel to a server."""
    return {"hook": Hook(url=server.url, secret="s")}


def texts(server: Any) -> list[str]:
    """Return the first lines of what a webhook was told."""
    return [json.loads(body)["text"].splitlines()[0] for _, body in server.received]


def test_the_whole_course(scene: Scene, hook_server: Any) -> None:
    """Of three processes one tells within half a minute, once; and once, when it is over. Not before, not after."""
    tellers = [scene.teller(**hook(hook_server)) for _ in range(3)]
    assert [] == scene.go_on(60, *tellers)
    scene.conditions["d1"] = Condition.PAUSED
    assert [("alert", "destination_paused")] == scene.go_on(30, *tellers)
    assert [] == scene.go_on(3600, *tellers)
    scene.conditions["d1"] = Condition.OPEN
    assert [("alert over", "destination_paused")] == scene.go_on(120, *tellers)
    assert [] == scene.go_on(3600, *tellers)
    assert ["order adapter: destination_paused", "order adapter: over: destination_paused"] == texts(hook_server)


def test_a_restart(scene: Scene, hook_server: Any) -> None:
    """A new process tells nothing again, and tells the end of what another one told."""
    scene.conditions["d1"] = Condition.PAUSED
    scene.go_on(60, scene.teller(**hook(hook_server)))
    assert [] == scene.go_on(60, scene.teller(**hook(hook_server)))
    scene.conditions["d1"] = Condition.OPEN
    assert [("alert over", "destination_paused")] == scene.go_on(120, scene.teller(**hook(hook_server)))


def test_together(scene: Scene, hook_server: Any) -> None:
    """Causes that are found together are one message, and a line of the log each."""
    scene.conditions = dict.fromkeys(("d1", "d2", "d3"), Condition.DOWN)
    assert [("alert", "destination_down")] * 3 == scene.go_on(60, scene.teller(**hook(hook_server)))
    assert ["order adapter: destination_down (3)"] == texts(hook_server)


def test_the_line(scene: Scene) -> None:
    """The log says all: which, whose, since when, what and what to do; nothing of the answer but its status."""
    scene.conditions["d1"] = Condition.PAUSED
    teller = scene.teller()
    with capture_logs() as logs:
        for _ in range(2):
            teller.look()
            scene.clock.advance(15)
    (line,) = logs
    assert ("alert", "error", "destination_paused", "d1") == (
        line["event"],
        line["log_level"],
        line["cause"],
        line["destination"],
    )
    assert "2026-05-01T12:00:00+00:00" == line["since"]
    assert "answer 401" in line["what"]
    assert "AXON_API_KEY" in line["remedy"]
    assert "canary" not in str(line)


def test_both_channels(scene: Scene, hook_server: Any, mail_server: Any) -> None:
    """Webhook and e-mail say the same."""
    mailing = Mailing(to=("a@x.example",), sender="b@x.example", host="127.0.0.1", port=mail_server.port, is_tls=False)
    scene.conditions["d1"] = Condition.DOWN
    scene.go_on(60, scene.teller(**hook(hook_server), mailing=mailing))
    assert ["order adapter: destination_down"] == texts(hook_server)
    (mail,) = mail_server.mails
    assert "Subject: order adapter: destination_down\r\n" in mail


def test_one_channel_is_enough(scene: Scene, hook_server: Any) -> None:
    """When one channel takes it, it is told; the other's failure is a line of the log."""
    gone = Mailing(to=("a@x.example",), sender="b@x.example", host="127.0.0.1", port=9, is_tls=False)
    scene.conditions["d1"] = Condition.DOWN
    expected = [("alert", "destination_down"), ("alert not sent", "e-mail")]
    assert expected == scene.go_on(600, scene.teller(**hook(hook_server), mailing=gone))
    assert 1 == len(hook_server.received)


def test_a_channel_that_comes_back(scene: Scene, hook_server: Any) -> None:
    """What no channel took is tried again until one does."""
    hook_server.status = 500
    scene.conditions["d1"] = Condition.DOWN
    teller = scene.teller(**hook(hook_server))
    scene.go_on(30, teller)
    hook_server.status = 200
    scene.go_on(600, teller)
    assert ["order adapter: destination_down"] * 2 == texts(hook_server)


@pytest.mark.parametrize("lost", [Database.AWAY, Database.READABLE])
def test_the_database_is_lost(scene: Scene, hook_server: Any, lost: Database) -> None:
    """What the database can't keep is told all the same: by one process, at the second look, and its return."""
    tellers = [scene.teller(**hook(hook_server)) for _ in range(3)]
    scene.go_on(30, *tellers)
    scene.database = lost
    assert [] == scene.go_on(15, *tellers)
    assert [("alert", "database_unusable")] == scene.go_on(600, *tellers)
    scene.database = Database.WRITABLE
    assert [("alert over", "database_unusable")] == scene.go_on(60, *tellers)
    assert ["order adapter: database_unusable", "order adapter: over: database_unusable"] == texts(hook_server)


def test_a_short_loss(scene: Scene) -> None:
    """A database that is away at one look alone is no alert."""
    teller = scene.teller()
    scene.database = Database.AWAY
    scene.go_on(15, teller)
    scene.database = Database.WRITABLE
    assert [] == scene.go_on(600, teller)


def test_a_restart_without_the_database(scene: Scene) -> None:
    """A new process knows that the loss was told."""
    scene.database = Database.AWAY
    scene.go_on(60, scene.teller())
    assert [] == scene.go_on(600, scene.teller())


def test_no_channel_without_the_database(scene: Scene, hook_server: Any) -> None:
    """A loss that nobody could be told of is tried again after five minutes, and then told."""
    hook_server.status = 500
    scene.database = Database.AWAY
    teller = scene.teller(**hook(hook_server))
    scene.go_on(300, teller)
    assert 1 == len(hook_server.received)
    hook_server.status = 200
    scene.go_on(600, teller)
    assert ["order adapter: database_unusable"] * 2 == texts(hook_server)
