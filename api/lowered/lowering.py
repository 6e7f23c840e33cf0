"""Which runs of a function may go as one graph, and the graphs that were made."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, get_args

from sglc.errors import NotLowered
from sglc.runs.staging import Level

if TYPE_CHECKING:
    from inspect import BoundArguments

    from sglc.backends.backend import Seam
    from sglc.compiler.python.fragment import Fragment
    from sglc.compiler.python.lower import Lowered, Staged
    from sglc.program.functions import Function
    from sglc.program.state import ProgramState

_MAX_GRAPHS: Final = 64
"""Graphs of one function; one that needs more of them is run step by step."""
_MAX_KINDS: Final = 256
"""Types of arguments, with options of runs, that graphs are kept for."""


def level_of(given: object, *, steps: str = "") -> Level:
    """Return how functions are to be run; ``steps`` is what goes step by step at any level.

    Raises:
        ValueError: there is no such level, or it cannot be had.
    """
    levels = get_args(Level)
    if given is None:
        return "staged"
    if given not in levels:
        raise ValueError(f"level must be one of {', '.join(levels)}, not {given!r}")
    if steps and given == "lowered":
        raise ValueError(f"{steps} runs step by step: level must be auto or staged, not lowered")
    if steps:
        return "staged"
    return given  # type: ignore[return-value]  # it is one of them


@dataclass(frozen=True, slots=True)
class Ready:
    """A graph and the fragment that runs it."""

    lowered: Lowered
    fragment: Fragment


@dataclass(slots=True)
class Lowerings:
    """The graphs of one function, by the types of its arguments and the options of its calls."""

    made: dict[Any, list[Ready | Staged]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def for_run(
        self, function: Function, state: ProgramState, call: BoundArguments
    ) -> tuple[Ready, tuple[Any, ...]] | None:
        """Return the graph of a run and its operands; None if it is to go step by step.

        Raises:
            NotLowered: it was to be a graph, and cannot be one.
        """
        staging = state.staging
        if staging.level == "staged":
            return None
        is_ahead = staging.options.get("num_api_spec_tokens") is not None
        if staging.level == "auto" and (is_ahead or not staging.backend.runs_graphs):
            return None
        arguments = _arguments(call)
        found = self.find(function, arguments, staging.options, staging.backend.seam)
        if isinstance(found, Ready):
            if staging.level == "auto" and found.lowered.hosts and not staging.waiter.is_alone:
                return None  # rows of a batch share a thread, which host statements would hold up
            from sglc.compiler.python.hosts import boxed

            operands = tuple(boxed(arguments[name]) for name in found.lowered.params)
            return found, operands
        if staging.level == "lowered":
            raise NotLowered(f"{function.func.__name__} cannot be lowered: {found.reason}")
        return None

    def find(
        self,
        function: Function,
        arguments: Mapping[str, Any],
        options: Mapping[str, Any],
        seam: Seam,
    ) -> Ready | Staged:
        """Return the graph for such arguments, made if need be, or why there is none."""
        types = tuple((name, type(value)) for name, value in arguments.items())
        key = types, tuple(options.items()), seam
        with self.lock:
            if key not in self.made and len(self.made) >= _MAX_KINDS:
                self.made.clear()
            known = self.made.setdefault(key, [])
            for each in known:
                if not isinstance(each, Ready):
                    return each
                if each.lowered.fits(arguments) and each.lowered.guard.holds():
                    return each
            made = _made(function, arguments, options, seam)
            if sum(map(len, self.made.values())) >= _MAX_GRAPHS and isinstance(made, Ready):
                made = _too_many(made)
            known[:] = [each for each in known if _may_hold(each)]
            known.append(made)
            return made


def _may_hold(ready: Ready | Staged) -> bool:
    return not isinstance(ready, Ready) or ready.lowered.guard.holds()


def _too_many(ready: Ready) -> Staged:
    from sglc.compiler.python.lower import Staged
    from sglc.compiler.python.reasons import Reason

    place = ready.lowered.source
    reason = Reason(place.file, place.tree.lineno, 1, f"it needs more than {_MAX_GRAPHS} graphs")
    return Staged(reason, ready.lowered.notes)


def _made(
    function: Function, arguments: Mapping[str, Any], options: Mapping[str, Any], seam: Seam
) -> Ready | Staged:
    from sglc.compiler.evaluation import evaluate_function
    from sglc.compiler.passes.base import Context
    from sglc.compiler.passes.pipeline import level
    from sglc.compiler.python.fragment import fragment_of
    from sglc.compiler.python.lower import Lowered, Staged, lower
    from sglc.compiler.python.reasons import Notes, Reason
    from sglc.lowered.words import ApiWords

    func = function.func
    if type(func) is not FunctionType:
        reason = Reason("", 0, 1, f"{func!r} is no plain function")
        return Staged(reason, Notes())
    lowered = lower(func, ApiWords(options, seam), arguments)
    if not isinstance(lowered, Lowered):
        return lowered
    context = Context(frozenset((lowered.entry,)), evaluate=evaluate_function)
    module = level(1).run(lowered.module, context)
    return Ready(lowered, fragment_of(module, lowered.entry))


def _arguments(call: BoundArguments) -> dict[str, Any]:
    """The arguments by name, those that were not given included."""
    arguments = dict(call.arguments)
    for name, parameter in call.signature.parameters.items():
        if name not in arguments and parameter.default is not parameter.empty:
            arguments[name] = parameter.default
    return arguments
