"""Sending a batch to the Conversion API: one POST, no redirects, bounded in time and in what is read.

Source: AppLovin's page "Conversion API": POST /v1/event?pixel_id=…, the raw key in Authorization, at most 100 events.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Literal

import requests
from urllib3.exceptions import HTTPError

from adapter.axon.outcome import Outcome, Verdict, clock_ahead, parse_retry_after, plain, verdict_of
from adapter.axon.transport import PunctualSession, ending_within

LONGEST_ANSWER = 64 * 1024
"""The answer is read up to here; the page gives it no body at all."""

_BODY_KEPT = 500
_CONNECTIONS = 16
_FIRST_FINAL_STATUS = 200
_HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds a try may take: to connect, for each read, and altogether.

    The whole is less than the 25 s in which a stopping worker has to finish the request in hand.
    """

    connect: float = 5
    read: float = 15
    total: float = 20


class AxonClient:
    """One connection pool to the Conversion API. `clock` gives aware UTC times."""

    def __init__(
        self, clock: Callable[[], datetime] = lambda: datetime.now(UTC), patience: Patience | None = None
    ) -> None:
        self._clock = clock
        self._patience = patience or Patience()
        self._session = PunctualSession(_CONNECTIONS)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def close(self) -> None:
        """Close the connections that are kept open for the next batch."""
        self._session.close()

    def send(
        self,
        api_url: str,
        pixel_id: str,
        api_key: str,
        events: Sequence[bytes],
        envelope: Literal["events", "list"] = "events",
    ) -> Outcome:
        """Send encoded events as one batch and return how it ended; never raises for anything the network does."""
        if not _HEADER_VALUE.fullmatch(api_key):
            return Outcome(verdict=Verdict.UNAUTHORIZED, problem="the key has characters that no header can carry")
        try:
            with ending_within(self._patience.total):
                return self._post(api_url, pixel_id, api_key, envelop(events, envelope))
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            return Outcome(verdict=Verdict.UNKNOWN, problem=self._problem(error))

    def _post(self, api_url: str, pixel_id: str, api_key: str, body: bytes) -> Outcome:
        with self._session.post(
            api_url,
            params={"pixel_id": pixel_id},
            data=body,
            headers={
                "Authorization": api_key,
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "order-adapter",
            },
            timeout=(self._patience.connect, self._patience.read),
            allow_redirects=False,
            stream=True,
        ) as response:
            return self._outcome(response)

    def _outcome(self, response: requests.Response) -> Outcome:
        body = _read_start(response)
        headers = response.headers
        return Outcome(
            verdict=verdict_of(response.status_code),
            status=response.status_code,
            error_code=plain(headers.get("x-al-error-code")),
            error_message=plain(headers.get("x-al-error-message")),
            trace_id=plain(headers.get("x-trace-id")),
            body_start=plain(body[:_BODY_KEPT].decode("utf-8", "replace")) or "",
            retry_after=parse_retry_after(headers.get("retry-after"), self._clock()),
            clock_ahead=clock_ahead(headers.get("date"), self._clock()),
        )

    def _problem(self, error: Exception) -> str:
        """Name what happened without the address: its query holds the pixel id."""
        names = {
            requests.ConnectTimeout: f"no connection within {self._patience.connect:g} s",
            requests.ReadTimeout: "no answer in time",
            requests.exceptions.SSLError: "the server's certificate isn't trusted",
        }
        for kind, words in names.items():
            if isinstance(error, kind):
                return words
        return f"the connection failed ({type(error).__name__})"


def envelop(events: Sequence[bytes], envelope: Literal["events", "list"]) -> bytes:
    """Return the request body. The API's table names `events`, its example shows a bare list; both are in use."""
    joined = b",".join(events)
    return b"[" + joined + b"]" if envelope == "list" else b'{"events":[' + joined + b"]}"


def _read_start(response: requests.Response) -> bytes:
    """Read the answer up to its cap, without unpacking it; the connection of a longer one is closed.

    A status below 200 isn't the answer yet, and http.client doesn't wait for it: left unread its connection is
    closed, so that the true answer can't be taken for that of the next batch.
    """
    body = b""
    if response.status_code < _FIRST_FINAL_STATUS:
        return body
    for chunk in response.raw.stream(4096, decode_content=False):
        body += chunk
        if len(body) >= LONGEST_ANSWER:
            break
    return body
