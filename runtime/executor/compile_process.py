"""Constraints from types: small ones at once, large ones in a process of their own.

Building an automaton is Python that never waits, and a thread that never waits takes the
interpreter from all others: an engine that calls a hundred kernels in a step would get it back a
hundred times, 5 ms late each time. So what is not small is built by a child process, which shares
nothing with this one: it may also run out of memory or time, and only that constraint is refused.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, replace
from typing import IO, Any, Final, NamedTuple

from sglc.constraints.automaton import MAX_STATES, AutomatonTooLarge
from sglc.constraints.language import asked_of, end_rule, language, renewed
from sglc.constraints.machine import Machine
from sglc.constraints.types import Field, Grammar, Schema, Type
from sglc.runtime.core.script import Constraint

SMALL_STATES: Final = 500
_SMALL_BYTES: Final = 4_096  # of a pickled type
_TIMEOUT_S: Final = 60.0
_MEMORY_BYTES: Final = 4 << 30  # of address space
_CHILD: Final = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve()"


class ConstraintError(ValueError):
    """A type cannot become a constraint: its pattern is wrong, or its automaton too large."""


class ConstraintTooSlow(ConstraintError):
    """It was not built in the time that it was given."""


class Prepared(NamedTuple):
    """A constraint, and the machines that ``parse`` asks for."""

    constraint: Constraint
    machines: Mapping[Type, Machine]

    def renewed(self) -> Prepared:
        """The same, with a fresh machine if too many states were met."""
        old = self.constraint.machine
        new = renewed(old)
        if new is old:
            return self
        machines = {t: new if m is old else m for t, m in self.machines.items()}
        return Prepared(replace(self.constraint, machine=new), machines)


def prepare(t: Type, max_states: int = MAX_STATES) -> Prepared:
    """Build all that decoding and parsing a ``t`` will need.

    Raises:
        ConstraintError: ``t`` is no constraint, has a wrong pattern, or is too large.
    """
    try:
        machines = {each: language(each, max_states=max_states) for each in asked_of(t)}
        machine = machines[t]
        assert machine.key  # remembered by the machine, like the next line
        machine.completion(machine.start)
        rule = end_rule(t, max_states=max_states)
        return Prepared(Constraint(machine, rule, wanted=t), machines)
    except (RecursionError, MemoryError):
        raise ConstraintError("it is too deep or too large to be built") from None
    except AutomatonTooLarge:
        raise
    except ValueError as error:
        raise ConstraintError(str(error)) from None


class CompileProcess:
    """Prepares types one at a time; large ones in a child that starts when it is first needed.

    One thread uses it at a time, but ``close`` may come from any.
    """

    def __init__(self, timeout_s: float = _TIMEOUT_S, memory_bytes: int = _MEMORY_BYTES) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._child: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[..., Any] | None = None

    def prepare(self, t: Type, timeout_s: float | None = None) -> Prepared:
        """Build all that decoding and parsing a ``t`` will need.

        Raises:
            ConstraintTooSlow: it took more than ``timeout_s``, which is less than there may be.
            ConstraintError: as the function ``prepare``, or for want of memory or time.
        """
        is_short = timeout_s is not None and timeout_s < self._timeout_s
        limit_s = timeout_s if timeout_s is not None and is_short else self._timeout_s
        start = time.monotonic()
        request = pickle.dumps(t)
        if len(request) <= _SMALL_BYTES and not _has_rules(t):
            try:
                return prepare(t, SMALL_STATES)
            except AutomatonTooLarge:
                pass
        try:
            child = self._running()
        except OSError:  # no process to be had here
            return prepare(t)
        try:
            return self._ask(child, request, limit_s)
        except (OSError, EOFError, pickle.UnpicklingError):
            self.close()
            if is_short and time.monotonic() - start >= limit_s:
                raise ConstraintTooSlow(f"building it took more than {limit_s:g} s") from None
            raise ConstraintError(
                f"building it took more than {self._timeout_s:g} s or "
                f"{self._memory_bytes >> 20} MiB of memory"
            ) from None

    def close(self) -> None:
        """End the child."""
        if self._end is not None:
            self._end()

    def _ask(self, child: subprocess.Popen[bytes], request: bytes, limit_s: float) -> Prepared:
        assert child.stdin is not None
        assert child.stdout is not None
        timer = threading.Timer(limit_s, child.kill)
        timer.daemon = True
        timer.start()
        try:
            _send(child.stdin, request)
            answer = pickle.loads(_receive(child.stdout))
        finally:
            timer.cancel()
        if isinstance(answer, str):
            raise ConstraintError(answer)
        assert isinstance(answer, Prepared)
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self.close()
        code = _CHILD.format(path=sys.path, module=__name__)
        self._child = subprocess.Popen(
            [sys.executable, "-c", code, str(self._memory_bytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for the program
        )
        self._end = weakref.finalize(self, _end, self._child)
        return self._child


def _has_rules(value: Any) -> bool:
    """Whether a schema or a grammar is in a type: much is done for them before any state is."""
    if isinstance(value, tuple):
        return any(map(_has_rules, value))
    if isinstance(value, Field):
        return _has_rules(value.type)
    if not isinstance(value, Type):
        return False
    is_one = isinstance(value, Schema | Grammar)
    return is_one or any(_has_rules(getattr(value, field.name)) for field in fields(value))


def serve() -> None:
    """Be the child: answer types on standard input until it is closed."""
    _limit_memory(int(sys.argv[1]))
    if hasattr(os, "nice"):
        os.nice(10)  # the engine goes first where processors are few
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get among the answers
    while True:
        try:
            request = _receive(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer: Prepared | str = prepare(pickle.loads(request))
        except ValueError as error:
            answer = str(error)
        _send(answers, pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))


def _limit_memory(size: int) -> None:
    try:
        import resource
    except ImportError:  # not a Unix: the limits of the construction itself must do
        return
    resource.setrlimit(resource.RLIMIT_AS, (size, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _send(stream: IO[bytes], data: bytes) -> None:
    stream.write(len(data).to_bytes(8, "little") + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> bytes:
    """Read one message.

    Raises:
        EOFError: the other side has ended.
    """
    head = stream.read(8)
    size = int.from_bytes(head, "little")
    data = stream.read(size)
    if len(head) < 8 or len(data) < size:
        raise EOFError
    return data


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        assert pipe is not None
        with suppress(OSError):  # what was still to be written
            pipe.close()
