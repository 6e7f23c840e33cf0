"""Frames over a pair of sockets: a length of four bytes, little-endian, then a pickle.

Both ends are of one program, so pickles are safe here; nothing of the network gets into one.
"""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

LENGTH = struct.Struct("<I")


def pack(value: object) -> bytes:
    """Return the frame of a value."""
    data = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(data)) + data


def receive(connection: socket.socket) -> Any:
    """Block for the next value.

    Raises:
        EOFError: the other side has closed.
    """
    (size,) = LENGTH.unpack(_exactly(connection, LENGTH.size))
    return pickle.loads(_exactly(connection, size))


def _exactly(connection: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        try:
            count = connection.recv_into(view)
        except OSError:
            count = 0
        if not count:
            raise EOFError
        view = view[count:]
    return data
