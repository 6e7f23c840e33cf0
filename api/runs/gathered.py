"""What many programs of one thread leave to an engine, handed over together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sglc.runtime.background import CUT_S

if TYPE_CHECKING:
    from sglc.runtime.background import BackgroundHost, Staged

_PATIENCE_S: Final = 2e-3
"""How long the programs may go on before the engine gets what there is so far."""


class Gathered:
    """An ``Outlet`` that keeps what it is given until ``flush``, in its order.

    The engine then begins all of it in one step: one wake-up, and prompts that have a beginning in
    common are computed together. Other threads than the one that made it hand over at once.
    """

    def __init__(self, host: BackgroundHost) -> None:
        self._host = host
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._actions: list[tuple[Callable[[], None], Callable[[RuntimeError], None]]] = []
        self._works: list[Staged] = []
        self._is_staged = False
        self.since_s = 0.0

    def call(self, action: Callable[[], None], lost: Callable[[RuntimeError], None]) -> None:
        """Keep an action for the engine; ``lost`` is told if it is gone."""
        with self._lock:
            self._actions.append((action, lost))
        if threading.get_ident() != self._thread:
            self.flush()

    def stage(self, work: Staged) -> None:
        """Cut off ``work`` if the programs go on for long."""
        if threading.get_ident() != self._thread:
            self._host.stage(work)
            return
        self._works.append(work)
        if not self._is_staged:
            self._is_staged = True
            self.since_s = time.monotonic() + _PATIENCE_S - CUT_S
            self._host.stage(self)

    def cut(self) -> None:
        """The programs have gone on for long: hand over what there is."""
        self._is_staged = False
        works, self._works = self._works, []
        for work in works:
            work.cut()
        self.flush()

    def flush(self) -> None:
        """Hand over what there is."""
        with self._lock:
            actions, self._actions = self._actions, []
            if not actions:
                return

            def act() -> None:
                for action, _ in actions:
                    action()

            try:
                self._host.call(act)
                return
            except RuntimeError as error:
                fault = error
        for _, lost in actions:
            lost(fault)
