"""A run of a function without a model and, if need be, without arguments: what it would append.

It goes on until the function ends or wants to know what is not there.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from sglc.program.gen_options import RUN_DEFAULTS
from sglc.program.state import ProgramState
from sglc.runs.fragment import MODEL_OPS, Staged
from sglc.runtime.executor.open_run import Cell
from sglc.views.drawn import Drawn
from sglc.views.placeholder import Placeholder, TraceEnds, cut_at_holes

if TYPE_CHECKING:
    from sglc.compiler.ir.graph import Module
    from sglc.compiler.plan.plan import Loc
    from sglc.constraints.types import Type
    from sglc.program.functions import Function


class TraceStaging:
    """Takes the ops of a program down. What a model would write is a placeholder."""

    is_streamed = is_over = is_ended = False
    fault = None
    pieces: Mapping[Cell, Sequence[str]] = {}
    options = RUN_DEFAULTS

    def __init__(self) -> None:
        self.ops: list[Staged] = []
        self.forks: set[ProgramState] = set()
        self.backend = self  # as which it takes every call
        self.seam = "repair"

    def emit(
        self, op: str, args: tuple[Any, ...], num_outputs: int = 1,
        attrs: tuple[tuple[str, Any], ...] = (), type_: Type | None = None, loc: Loc | None = None,
    ) -> tuple[Cell, ...]:  # fmt: skip
        """Take an op down and return the cells of its results."""
        outputs = tuple(Cell() for _ in range(num_outputs))
        if op in MODEL_OPS:
            name = dict(attrs).get("name") or f"text {len(self.ops)}"
            outputs[1].settle(Placeholder(str(name)))
        elif op == "slice":
            outputs[0].settle(Placeholder(f"text {len(self.ops)}"))
        self.ops.append(Staged(op, args, outputs, attrs, type_, loc))
        return outputs

    def cut(self) -> None:
        """A prompt is asked for: it is not there."""
        raise TraceEnds("what follows depends on the text so far")

    def include(self, *_: Any, **__: Any) -> NoReturn:
        """A program of a file has a graph of its own."""
        raise TraceEnds("it includes a program from a file")

    def check(self, *_: Any, **__: Any) -> None:
        """What a backend can do is for that to say."""

    def note_read(self, name: str, value: object) -> None:
        """Reads are no ops."""

    def poke(self) -> None:
        """Nobody follows a trace."""


@dataclass(frozen=True, slots=True, repr=False)
class Trace(Drawn):
    """What ``Function.trace`` has found.

    ``last`` is the prompt as it is then. ``end`` says why it went no further; "" at the end.
    """

    name: str
    ops: tuple[Staged, ...]
    last: Cell
    end: str

    @property
    def prefix_ops(self) -> list[tuple[str, str]]:
        """What every run begins with: roles and texts, without a model and without arguments."""
        found: list[tuple[str, str]] = []
        stream = self.ops[0].outputs[0] if self.ops else None
        for op in self.ops[1:]:
            if not op.args or op.args[0] is not stream or op.op not in _CONSTANT:
                break
            if op.op != "put":
                found.append((op.op, str(op.attrs[0][1])))
            elif isinstance(op.args[1], str):
                parts = cut_at_holes(str.__str__(op.args[1]))
                if parts and not parts[0][0]:
                    found.append((op.op, parts[0][1]))
                if any(is_hole for is_hole, _ in parts):
                    break
            else:
                break
            stream = op.outputs[0]
        return found

    @property
    def prefix(self) -> str:
        """The text that every run begins with, without the markers of roles."""
        return "".join(text for op, text in self.prefix_ops if op == "put")

    def module(self) -> Module:
        """Return the ops as a graph of one prompt."""
        from sglc.views.trace_graph import trace_module

        return trace_module(self)

    def __str__(self) -> str:
        from sglc.compiler.ir.text import print_module

        end = f"// the trace ends here: {self.end}\n" if self.end else ""
        return print_module(self.module()) + end

    def page(self) -> str:
        """Return an HTML page, by itself, that draws the graph."""
        from sglc.viz.atlas import Atlas
        from sglc.viz.page import page_data, render_page
        from sglc.viz.stages import stages_of

        module = self.module()
        name = next(iter(module.functions))
        return render_page(page_data(Atlas(module, [name]), self.name, stages_of(module, (), ())))


_CONSTANT = frozenset({"put", "role.begin", "role.end"})


def trace(function: Function, arguments: Mapping[str, Any]) -> Trace:
    """Run a function without a model; arguments that are missing, and not optional, are unknown.

    Raises:
        TypeError: there is no such parameter.
    """
    given = {**function.bound, **arguments}
    parameters = list(function.signature.parameters.values())[1:]
    known = {parameter.name for parameter in parameters}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    unknown = next((name for name in given if name not in known and not takes_any), None)
    if unknown is not None:
        raise TypeError(function.parameters.unknown(unknown))
    for parameter in parameters:
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            default = parameter.default
            missing = Placeholder(parameter.name) if default is inspect.Parameter.empty else default
            given.setdefault(parameter.name, missing)
    staging = TraceStaging()
    state = ProgramState(staging)  # type: ignore[arg-type]  # all of it that a state asks for
    end = ""
    try:
        value = function.func(state, **given)
        if inspect.iscoroutine(value):
            try:
                value.send(None)
                end = "it awaits something"
            except StopIteration:
                pass
            finally:
                value.close()
    except TraceEnds as reason:
        end = str(reason)
    except Exception as error:
        end = f"{type(error).__name__}: {error}"
    return Trace(function.func.__name__, tuple(staging.ops), state.stream, end)
