"""Bring an answer to the client, or fail to in the way that was told."""

from __future__ import annotations

import socket
import struct
from threading import Event

from adapter.axon.sandbox.answer import Answer
from adapter.axon.sandbox.misbehaviour import Misbehaviour

_GLANCE_SECONDS = 0.02


def deliver(connection: socket.socket, answer: Answer | None, fault: Misbehaviour, stopping: Event) -> bool:
    """Send the answer as the misbehaviour says; return whether the connection may be used again.

    `stopping` cuts every wait short. Raises `OSError` when the client has gone.
    """
    if stopping.wait(fault.delay_seconds):
        return False
    if fault.hang:
        return _hang(connection, stopping)
    if answer is None or fault.reset == "after_processing":
        return drop(connection)
    if fault.reset == "mid_answer":
        return _drop_amid(connection, answer, fault.after_bytes)
    if fault.drip_seconds_per_byte:
        return _drip(connection, answer, fault.drip_seconds_per_byte, stopping)
    for piece in answer.pieces():
        connection.sendall(piece)
    return True


def drop(connection: socket.socket) -> bool:
    """Make the coming close of this connection a RST, and return that it can't be used again."""
    # socket(7): lingering for 0 seconds discards what isn't sent yet and resets the connection.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def _drop_amid(connection: socket.socket, answer: Answer, after_bytes: int | None) -> bool:
    message = next(answer.pieces())
    cut = len(message) // 2 if after_bytes is None else after_bytes
    connection.sendall(message[:cut])
    return drop(connection)


def _drip(connection: socket.socket, answer: Answer, seconds: float, stopping: Event) -> bool:
    for piece in answer.pieces():
        for byte in piece:
            if stopping.wait(seconds):
                return False
            connection.sendall(bytes((byte,)))
    return True


def _hang(connection: socket.socket, stopping: Event) -> bool:
    while not stopping.wait(_GLANCE_SECONDS):
        if _has_gone(connection):
            break
    return False


def _has_gone(connection: socket.socket) -> bool:
    try:
        return not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
