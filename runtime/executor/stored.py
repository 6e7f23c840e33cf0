"""Constraints that are kept between runs: looked for in a folder before they are built."""

from __future__ import annotations

import threading
import time
from typing import Final

from sglc.constraints.automaton import Automaton
from sglc.constraints.language import asked_of, end_rule_of
from sglc.constraints.store import AutomatonStore
from sglc.constraints.types import Type
from sglc.runtime.core.script import Constraint
from sglc.runtime.executor.compile_process import CompileProcess, Prepared

_LONG_S: Final = 0.02  # what took longer to build is kept


class StoredConstraints:
    """Makes preparers over one store, and counts what all of them do.

    ``num_built`` and ``num_loaded`` count constraints, not the automata that they are made of.
    """

    def __init__(self, store: AutomatonStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self.num_built = 0
        self.num_loaded = 0

    def preparer(self) -> StoredPreparer:
        """Return a preparer, for one thread at a time."""
        return StoredPreparer(self)

    def load(self, t: Type) -> Prepared | None:
        """Return a constraint all of whose automata are there."""
        machines = {}
        for each in asked_of(t):
            found = self._store.load(each)
            if found is None:
                return None
            machines[each] = found
        with self._lock:
            self.num_loaded += 1
        return Prepared(Constraint(machines[t], end_rule_of(t, machines[t])), machines)

    def take(self, prepared: Prepared, seconds: float) -> None:
        """Count what was built, and keep it if that took long."""
        with self._lock:
            self.num_built += 1
        if seconds < _LONG_S:
            return
        for each, machine in prepared.machines.items():
            if isinstance(machine, Automaton):
                self._store.save(each, machine)


class StoredPreparer:
    """A preparer that looks into the store first."""

    def __init__(self, stored: StoredConstraints) -> None:
        self._stored = stored
        self._builder = CompileProcess()

    def prepare(self, t: Type, timeout_s: float | None = None) -> Prepared:
        """Load or build all that decoding and parsing a ``t`` will need.

        Raises:
            ConstraintError: also ConstraintTooSlow, as ``CompileProcess.prepare``.
        """
        found = self._stored.load(t)
        if found is not None:
            return found
        start = time.perf_counter()
        prepared = self._builder.prepare(t, timeout_s)
        self._stored.take(prepared, time.perf_counter() - start)
        return prepared

    def close(self) -> None:
        """End what is being built."""
        self._builder.close()
