"""The answers of the API, as HTTP/1.1 messages."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from http.client import responses

from adapter.axon.sandbox.misbehaviour import Misbehaviour

_CHUNK = 65536


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a batch is dropped. `event` is the index of the event in the batch, None when it is about all of it."""

    status: int
    message: str
    event: int | None = None
    path: str = ""

    def __str__(self) -> str:
        place = "" if self.event is None else f"events[{self.event}]{'.' if self.path else ''}{self.path} "
        return f"{place}{self.message}"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `filler` is a number of blanks that follow the body; `headers` replace those made here."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    filler: int = 0

    def pieces(self) -> Iterator[bytes]:
        """Yield the message as it is sent: head and body at once, then the filler."""
        yield self._head() + (self.body if self._may_have_body else b"")
        yield from _blanks(self.filler)

    @property
    def _may_have_body(self) -> bool:
        # RFC 9110: these answers end with their head; a body would be read as the next answer.
        return self.status >= HTTPStatus.OK and self.status not in {204, 304}

    def _head(self) -> bytes:
        made: dict[str, str] = {}
        if self._may_have_body:
            made = {"Content-Type": "application/json", "Content-Length": str(len(self.body) + self.filler)}
        named = {name.casefold(): (name, value) for name, value in (made | dict(self.headers)).items()}
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in named.values()]
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1", "replace")


def json_answer(status: int, content: object) -> Answer:
    """Return an answer with this content as JSON."""
    return Answer(status, json.dumps(content).encode() + b"\n")


def accepted(count: int) -> Answer:
    """Return the 200: all events processed successfully. The page documents no body."""
    return json_answer(200, {"processed": count})


def refused(refusal: Refusal, trace_id: str) -> Answer:
    """Return the answer to a batch that is dropped.

    The page documents the status alone. The three headers are documented for a sister API only (Campaign Management,
    api.ads.axon.ai), so a sender may log them and must not depend on them; the body is ours.
    """
    headers = {"x-al-error-code": str(refusal.status), "x-al-error-message": str(refusal)}
    error = {"message": refusal.message, "event": refusal.event, "path": refusal.path}
    answer = json_answer(refusal.status, {"error": error})
    return replace(answer, headers=headers | {"X-TRACE-ID": trace_id})


def distorted(answer: Answer, fault: Misbehaviour) -> Answer:
    """Return the answer with the headers, body and size that the misbehaviour asks for."""
    body = answer.body if fault.body is None else fault.body.encode()
    headers = {**answer.headers, **fault.headers}
    filler = fault.huge_answer_bytes or 0
    if fault.huge_answer_bytes:
        body = _bomb(filler) if fault.gzip else b""
    if fault.gzip and filler:
        headers, filler = headers | {"Content-Encoding": "gzip"}, 0
    return Answer(answer.status, body, headers, filler)


def _blanks(size: int) -> Iterator[bytes]:
    for start in range(0, size, _CHUNK):
        yield b" " * min(_CHUNK, size - start)


def _bomb(size: int) -> bytes:
    """Return a gzip stream, about a thousandth of the size, that unpacks to so many blanks."""
    # 16 + 15: zlib's way to say gzip container, largest window.
    packer = zlib.compressobj(wbits=31)
    packed = b"".join(packer.compress(piece) for piece in _blanks(size))
    return packed + packer.flush()


def _phrase(status: int) -> str:
    return responses.get(status, "Unknown")
