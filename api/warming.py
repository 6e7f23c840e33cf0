"""The common beginning of runs, computed ahead of them and kept while they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sglc.gen_options import RUN_DEFAULTS
from sglc.staging import Staging

if TYPE_CHECKING:
    from sglc.backend import Backend
    from sglc.waiting import Waiter


class WarmPrefix:
    """A run that appends a beginning, has it computed, and holds it until ``end``.

    ``ops`` are those of a prompt with what they append: texts and roles.
    """

    def __init__(self, backend: Backend, ops: Sequence[tuple[str, str]], waiter: Waiter) -> None:
        self._staging = Staging(backend, RUN_DEFAULTS, waiter)
        self.end = self._staging.end
        emit = self._staging.emit
        (stream,) = emit("stream", ())
        for op, said in ops:
            if op == "put":
                (stream,) = emit("put", (stream, said))
            else:
                (stream,) = emit(op, (stream,), 1, (("role", said),))
        self.stream = stream
        emit("warm", (stream,), 0)
        self._staging.cut()
