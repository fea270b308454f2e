"""Sending a batch to the Conversion API: one POST, no redirects, bounded in time and in what is read.

Source: AppLovin's page "Conversion API": POST /v1/event?pixel_id=…, the raw key in Authorization, at most 100 events.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Literal

import requests
from requests.adapters import HTTPAdapter

from adapter.axon.outcome import Outcome, Verdict, parse_retry_after, verdict_of

CONNECT_SECONDS = 5
READ_SECONDS = 15
TOTAL_SECONDS = 30
LONGEST_ANSWER = 64 * 1024
"""The answer is read up to here; the page gives it no body at all."""

_BODY_KEPT = 500


class AxonClient:
    """One connection pool to the Conversion API. `clock` gives aware UTC times."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._session = requests.Session()
        self._session.trust_env = False  # No .netrc may replace the key, no proxy may read along by accident.
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=8, max_retries=0))

    def send(
        self,
        api_url: str,
        pixel_id: str,
        api_key: str,
        events: Sequence[bytes],
        envelope: Literal["events", "list"] = "events",
    ) -> Outcome:
        """Send encoded events as one batch and return how it ended; never raises for anything the network does."""
        try:
            with self._session.post(
                api_url,
                params={"pixel_id": pixel_id},
                data=envelop(events, envelope),
                headers={
                    "Authorization": api_key,
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": "order-adapter",
                },
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as response:
                return self._outcome(response)
        except (requests.RequestException, OSError, ValueError) as error:
            return Outcome(verdict=Verdict.UNKNOWN, problem=_problem(error))

    def _outcome(self, response: requests.Response) -> Outcome:
        body = _read_start(response)
        headers = response.headers
        return Outcome(
            verdict=verdict_of(response.status_code),
            status=response.status_code,
            error_code=_short(headers.get("x-al-error-code")),
            error_message=_short(headers.get("x-al-error-message")),
            trace_id=_short(headers.get("x-trace-id")),
            body_start=body[:_BODY_KEPT].decode("utf-8", "replace").replace("\0", ""),
            retry_after=parse_retry_after(headers.get("retry-after"), self._clock()),
        )


def envelop(events: Sequence[bytes], envelope: Literal["events", "list"]) -> bytes:
    """Return the request body. The API's table names `events`, its example shows a bare list; both are in use."""
    joined = b",".join(events)
    return b"[" + joined + b"]" if envelope == "list" else b'{"events":[' + joined + b"]}"


def _read_start(response: requests.Response) -> bytes:
    """Read the answer up to its cap and within the time; a longer or slower rest is left unread."""
    deadline = monotonic() + TOTAL_SECONDS - READ_SECONDS
    body = b""
    for chunk in response.raw.stream(4096, decode_content=False):
        body += chunk
        if len(body) >= LONGEST_ANSWER or monotonic() > deadline:
            break
    return body


def _short(text: str | None) -> str | None:
    return text[:200] if text else None


def _problem(error: Exception) -> str:
    """Name what happened without the address: its query holds the pixel id."""
    names = {
        requests.ConnectTimeout: f"no connection within {CONNECT_SECONDS} s",
        requests.ReadTimeout: f"no answer within {READ_SECONDS} s",
        requests.exceptions.SSLError: "the server's certificate isn't trusted",
    }
    for kind, words in names.items():
        if isinstance(error, kind):
            return words
    return f"the connection failed ({type(error).__name__})"
