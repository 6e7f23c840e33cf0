"""The compiler of constraints: types become machines beside the engine, never in its loop."""

from __future__ import annotations

import math
import queue
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol, TypeAlias

from sglc.constraints.types import Literal, Type, Union
from sglc.runtime.core.text_encoder import TextEncoder
from sglc.runtime.executor.compile_process import (
    SMALL_STATES,
    CompileProcess,
    ConstraintError,
    ConstraintTooSlow,
    Prepared,
)
from sglc.runtime.executor.compile_process import prepare as prepare_here

QUICK_S: Final = 5.0  # what takes longer waits behind nothing but its like
MAX_KEPT: Final = 1_024  # preparations that are remembered, refused ones too


class Preparer(Protocol):
    """What a worker thread has: ``CompileProcess`` is one."""

    def prepare(self, t: Type, timeout_s: float | None = None) -> Prepared:
        """Build a constraint; a ValueError says why there is none.

        ConstraintTooSlow says that it is not built within ``timeout_s``, and may be in more.
        """

    def close(self) -> None:
        """End what is being built."""


class Preparation:
    """A constraint on its way. ``prepared`` or ``error`` is set once it is reported ready."""

    __slots__ = ("_tokens_per_byte", "error", "is_ready", "prepared", "type")

    def __init__(self, t: Type) -> None:
        self.type = t
        self.is_ready = False
        self.prepared: Prepared | None = None
        self.error: Exception | None = None
        self._tokens_per_byte: float | None = None

    def num_tokens(self, num_bytes: int, encoder: TextEncoder) -> int:
        """Return about how many tokens ``num_bytes`` of a member are, rounded up.

        Told from the tokens of the shortest member. ``encoder`` is the same in each call.

        Raises:
            ConstraintError: there is no constraint.
        """
        if self._tokens_per_byte is None:
            machine = self.result().constraint.machine
            text = machine.completion(machine.start)
            ids = encoder.encode(text.decode(errors="replace"), continues=True)
            self._tokens_per_byte = len(ids) / len(text) if text else 1.0
        return math.ceil(num_bytes * self._tokens_per_byte)

    def result(self) -> Prepared:
        """Return what was built.

        Raises:
            ConstraintError: nothing was; says why.
        """
        if self.prepared is not None:
            self.prepared = self.prepared.renewed()
            return self.prepared
        reason = str(self.error)
        if not isinstance(self.error, ValueError):
            reason = f"{type(self.error).__name__}: {reason}"
        raise ConstraintError(f"the constraint {_clip(str(self.type))} cannot be used: {reason}")


_Queue: TypeAlias = "queue.SimpleQueue[Preparation | None]"


class ConstraintCompiler:
    """Builds each type once, on ``num_workers`` daemon threads with a child process each.

    What is not built within ``QUICK_S`` is given up there, and begun again by one more worker that
    has time: so a few that take a minute hold up nobody who wants another.

    What was built is kept, and so is why it was not; of more than ``max_kept`` the one used
    longest ago is forgotten. All but the building happens in the thread of the caller: a
    preparation is ready once ``drain`` has reported it. ``wake`` is set when there is something
    to report.
    """

    def __init__(
        self,
        wake: threading.Event,
        *,
        num_workers: int = 2,
        max_kept: int = MAX_KEPT,
        preparer: Callable[[], Preparer] = CompileProcess,
    ) -> None:
        self._wake = wake
        self._num_workers = num_workers
        self._max_kept = max_kept
        self._preparer = preparer
        self._known: OrderedDict[Type, Preparation] = OrderedDict()
        self._open = 0
        self._waiting: _Queue = queue.SimpleQueue()
        self._slow: _Queue = queue.SimpleQueue()
        self._has_patient = False  # whether somebody builds what is slow
        self._num_quick = 0
        self._lock = threading.Lock()
        self._is_closed = False
        self._built: queue.SimpleQueue[Preparation] = queue.SimpleQueue()
        self._preparers: list[Preparer] = []

    def prepare(self, t: Type) -> Preparation:
        """Return the preparation of a type, begun now if it is a new one."""
        found = self._known.get(t)
        if found is not None:
            self._known.move_to_end(t)
            return found
        found = self._remember(Preparation(t))
        if _is_small(t):
            found.prepared, found.is_ready = prepare_here(t), True
            return found
        self._open += 1
        self._waiting.put(found)
        if self._num_quick < min(self._num_workers, self._open):
            self._num_quick += 1
            self._hire(self._waiting, QUICK_S)
        return found

    def drain(self) -> list[Preparation]:
        """Return what has become ready since the last call."""
        ready: list[Preparation] = []
        with suppress(queue.Empty):
            while True:
                ready.append(self._built.get_nowait())
        for preparation in ready:
            preparation.is_ready = True
        self._open -= len(ready)
        return ready

    def close(self) -> None:
        """End the threads and what they are building."""
        with self._lock:
            self._is_closed = True
        for waiting in (self._waiting, self._slow):
            with suppress(queue.Empty):
                while True:
                    waiting.get_nowait()
        for preparer in self._preparers:
            self._waiting.put(None)
            self._slow.put(None)
            preparer.close()
        self._preparers.clear()

    def _remember(self, preparation: Preparation) -> Preparation:
        self._known[preparation.type] = preparation
        if len(self._known) > self._max_kept:
            self._known.popitem(last=False)
        return preparation

    def _hire(
        self, waiting: queue.SimpleQueue[Preparation | None], timeout_s: float | None
    ) -> None:
        """Begin to work through a queue, with so much time for each."""
        preparer = self._preparer()
        self._preparers.append(preparer)
        threading.Thread(
            target=self._work,
            args=(preparer, waiting, timeout_s),
            name="sglc-constraints",
            daemon=True,
        ).start()

    def _postpone(self, preparation: Preparation) -> None:
        with self._lock:
            if self._is_closed:
                return
            self._slow.put(preparation)
            if not self._has_patient:
                self._has_patient = True
                self._hire(self._slow, None)

    def _work(
        self,
        preparer: Preparer,
        waiting: _Queue,
        timeout_s: float | None,
    ) -> None:
        while (preparation := waiting.get()) is not None:
            try:
                preparation.prepared = preparer.prepare(preparation.type, timeout_s)
            except ConstraintTooSlow:
                self._postpone(preparation)
                continue
            except Exception as error:  # becomes the failure of every node that needs it
                if not isinstance(error, ValueError):
                    traceback.print_exc()
                preparation.error = error
            self._built.put(preparation)
            self._wake.set()


def _is_small(t: Type) -> bool:
    """Whether a type is a few texts to choose from: building it takes less than asking for it."""
    if not isinstance(t, Union):
        return False
    size = 0
    for option in t.options:
        size += len(option.value) if isinstance(option, Literal) else SMALL_STATES
        if size >= SMALL_STATES:
            return False
    return True


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
