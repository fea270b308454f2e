"""Start and stop a sandbox: in a test or the demo as `Sandbox`, from the command line by `serve`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from adapter.axon.sandbox.api import ConversionApi
from adapter.axon.sandbox.misbehaviour import as_told, parse_misbehaviours
from adapter.axon.sandbox.server import EVENT_PATH, SandboxServer
from adapter.errors import AdapterError

_POLL_SECONDS = 0.01


class SandboxNotRunning(AdapterError):
    """The sandbox has no address: it was not started, or was stopped."""


def utc_now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


class Sandbox:
    """A local Conversion API, running between `start` and `stop` or inside `with`.

    `credentials` maps pixel ids to keys; None accepts any non-empty pair. `port` 0 takes a free one, and keeps it
    over a stop and start: what was received is kept too. `clock` returns aware UTC datetimes. `ledger` is a file
    that gets one fsynced line per batch before the answer. `seed` repeats what a probability strikes.
    `misbehaviour` is one or several, as `misbehave` takes them. Raises `MisbehaviourRefused` for an unknown one.
    """

    def __init__(
        self,
        credentials: Mapping[str, str] | None = None,
        port: int = 0,
        *,
        clock: Callable[[], datetime] = utc_now,
        ledger: Path | None = None,
        seed: int = 0,
        misbehaviour: Mapping[str, Any] | Sequence[Mapping[str, Any]] = (),
    ) -> None:
        told = dict(misbehaviour) if isinstance(misbehaviour, Mapping) else list(misbehaviour)
        self._api = ConversionApi(credentials, clock, ledger, seed, parse_misbehaviours(told))
        self._port = port
        self._running: tuple[SandboxServer, Thread] | None = None

    @property
    def base_url(self) -> str:
        """Where /received, /reset and /misbehave are; raises `SandboxNotRunning` when it isn't running."""
        if self._running is None:
            raise SandboxNotRunning("The sandbox isn't running: use it in a with statement, or call start().")
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """The URL to send events to, without the pixel id; raises `SandboxNotRunning` when it isn't running."""
        return self.base_url + EVENT_PATH

    def start(self) -> None:
        """Listen on 127.0.0.1; raises `OSError` when the port is taken. Nothing happens if it runs already."""
        if self._running is not None:
            return
        server = SandboxServer(self._api, self._port)
        self._port = server.server_port
        thread = Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="sandbox", daemon=True)
        thread.start()
        self._running = server, thread

    def stop(self) -> None:
        """End every connection and stop listening; what was received can still be asked for."""
        if self._running is None:
            return
        server, thread = self._running
        self._running = None
        server.shutdown()
        thread.join()
        server.server_close()
        server.end_connections()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def received(self, since: int = 0) -> dict[str, Any]:
        """Return what `GET /received` shows, fractions as `Decimal`; `since` cuts the list of events."""
        shown: dict[str, Any] = json.loads(self._api.received(since), parse_float=Decimal)
        return shown

    def misbehave(self, *rules: Mapping[str, Any], **rule: Any) -> None:  # noqa: ANN401  # Any JSON may be told.
        """Misbehave from now on, as `POST /misbehave` takes it.

        One rule by its fields (`status=503, times=2`), or several as mappings: the first one that strikes a
        request applies alone. Nothing at all ends it.
        Raises `MisbehaviourRefused` for an unknown field or a wrong value.
        """
        self._api.misbehave(parse_misbehaviours(as_told(rules, rule)))

    def reset(self) -> None:
        """Forget everything received and behave as at the start."""
        self._api.reset()


def serve(  # noqa: PLR0913  # Each argument is an option of the command line.
    port: int,
    *,
    credentials: Mapping[str, str] | None = None,
    ledger: Path | None = None,
    seed: int = 0,
    misbehaviour: Mapping[str, Any] | Sequence[Mapping[str, Any]] = (),
    announce: Callable[[str], object] = print,
    until: Event | None = None,
) -> None:
    """Run a sandbox until it is interrupted (Ctrl-C, or `until` is set) and announce how to use it in two lines.

    Arguments as for `Sandbox`. Raises `OSError` when the port is taken.
    """
    sandbox = Sandbox(credentials, port, ledger=ledger, seed=seed, misbehaviour=misbehaviour)
    pairs = "any pixel id and key" if credentials is None else "the given pixel ids and keys"
    with sandbox:
        announce(f"Conversion API sandbox: AXON_API_URL={sandbox.url} ({pairs}; Ctrl-C ends it)")
        announce(f"See what came: curl {sandbox.base_url}/received; forget it: curl -X POST {sandbox.base_url}/reset")
        try:
            (until or Event()).wait()
        except KeyboardInterrupt:
            return
