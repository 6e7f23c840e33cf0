"""The common beginning of runs, computed ahead of them and kept while they run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sglc.errors import RunFailed
from sglc.program.gen_options import RUN_DEFAULTS
from sglc.runs.staging import Staging
from sglc.runs.waiting import ThreadWaiter, current_waiter
from sglc.runtime.executor.open_run import Cell

if TYPE_CHECKING:
    from sglc.backends.backend import Backend
    from sglc.runs.waiting import Waiter


class WarmPrefix:
    """A run that appends a beginning, has it computed, and holds it until ``end``.

    ``ops`` are those of a prompt with what they append: texts and roles.
    """

    def __init__(self, backend: Backend, ops: Sequence[tuple[str, str]], waiter: Waiter) -> None:
        self._staging = Staging(backend, RUN_DEFAULTS, waiter)
        self.end = self._staging.end
        stream = _appended(self._staging, ops)
        self._staging.emit("warm", (stream,), 0)
        self._staging.cut()


def cache_prefix(backend: Backend, ops: Sequence[tuple[str, str]]) -> None:
    """Have a beginning computed, and leave it to the cache. Returns once that is done.

    Raises:
        RunFailed: the backend cannot: it has no such role, or not so much room.
        RuntimeError: the engine is shut down.
    """
    staging = Staging(backend, RUN_DEFAULTS, ThreadWaiter())
    if staging.fault is not None:
        raise staging.fault
    over = Cell()
    staging.on_end = lambda: over.settle(None)
    stream = _appended(staging, ops)
    options = (("name", ""), ("rng", "stream"), ("max_tokens", 1), ("ignore_eos", True))
    after, _ = staging.emit("gen", (stream,), 2, options)
    staging.end()
    current_waiter().wait(over)
    if after.error is not None:
        raise RunFailed(after.error, "the beginning is not there")


def _appended(staging: Staging, ops: Sequence[tuple[str, str]]) -> Cell:
    """Append texts and roles to a new prompt, and return that."""
    (stream,) = staging.emit("stream", ())
    for op, said in ops:
        if op == "put":
            (stream,) = staging.emit("put", (stream, said))
        else:
            (stream,) = staging.emit(op, (stream,), 1, (("role", said),))
    return stream
