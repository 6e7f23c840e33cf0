"""Writes one prompt of the graph: streams of states, places, model calls."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sglc.compiler.ir.builder import FunctionBuilder, Mark, ModuleBuilder
from sglc.compiler.ir.op import Value
from sglc.compiler.ir.values import STREAM
from sglc.compiler.plan.plan import Loc
from sglc.compiler.python.changes import Changes
from sglc.compiler.python.guard import ALWAYS, Guard
from sglc.compiler.python.hosts import HostStatement
from sglc.compiler.python.pieces import Words
from sglc.compiler.python.reasons import Notes, Unsupported
from sglc.compiler.python.source import FunctionSource, read_function
from sglc.compiler.python.values import Const, Data, Env, Items, Known
from sglc.compiler.source import column_in

_NONE: Final = Const(None)


@dataclass(slots=True)
class Frame:
    """A function whose statements are lowered: the entry, or one that it calls on a state.

    ``num_loops``: the loops around its body. ``result``: what it returned at its end.
    """

    number: int
    source: FunctionSource
    global_names: tuple[str, ...] = ()
    outer: Frame | None = None
    num_loops: int = 0
    result: Known = _NONE


class _Mark(NamedTuple):
    function: Mark
    num_hosts: int
    num_states: int
    num_frames: int
    num_sites: int


@dataclass(slots=True)
class Build:
    """What is made for one function, and what all parts of the frontend share.

    ``sites`` are the places of the model calls. ``read`` are the calls that Python waits for, by
    what it reads. ``is_plain``: all that is given to the function is data, and so is all that host
    code makes.
    """

    module: ModuleBuilder
    function: FunctionBuilder
    words: Words
    guard: Guard = field(default_factory=Guard)
    changes: Changes = field(default_factory=Changes)
    notes: Notes = field(default_factory=Notes)
    hosts: list[HostStatement] = field(default_factory=list)
    began: dict[int, Value] = field(default_factory=dict)
    sites: list[Loc | None] = field(default_factory=list)
    read: dict[str, set[int]] = field(default_factory=dict)
    fixed: dict[str, object] = field(default_factory=dict)
    is_plain: bool = False
    num_states: int = 0
    num_frames: int = 0
    num_sites: int = 0
    num_roles: int = 0
    roles_before: dict[int, int] = field(default_factory=dict)
    loops: list[Loop] = field(default_factory=list)
    sources: dict[object, FunctionSource] = field(default_factory=dict)

    def source(self, func: Callable[..., Any]) -> FunctionSource:
        """Return the source of a function that is called; read once."""
        if func not in self.sources:
            self.sources[func] = read_function(func)
        return self.sources[func]

    # ---- what is outside of the function

    @property
    def num_before(self) -> int:
        """How many host statements may have run where ops are emitted now."""
        in_loop = any(not loop.is_written_out for loop in self.loops)
        return ALWAYS if in_loop else len(self.hosts)

    def see(self, frame: Frame, node: ast.expr) -> object:
        """Return what a name outside of the function means; runs look whether it still does."""
        return self.guard.see(frame.source, node, self.num_before)

    # ---- rounds

    def mark(self) -> _Mark:
        """Return a point to go back to."""
        counts = (len(self.hosts), self.num_states, self.num_frames, self.num_sites)
        return _Mark(self.function.mark(), *counts)

    def rewind(self, mark: _Mark) -> None:
        """Forget what was made since ``mark``."""
        self.function.rewind(mark.function)
        del self.hosts[mark.num_hosts :]
        self.num_states, self.num_frames = mark.num_states, mark.num_frames
        self.num_sites = mark.num_sites

    @contextmanager
    def at(self, frame: Frame, node: ast.AST) -> Iterator[None]:
        """Give ops the place of a node."""
        with self.function.at(place_of(frame.source.file, node)):
            yield

    # ---- states

    def new_site(self) -> int:
        """Return the number of a model call, which stands where ops are emitted now."""
        del self.sites[self.num_sites :]
        place = self.function.span
        self.sites.append(place if isinstance(place, Loc) else None)
        self.num_sites += 1
        return self.num_sites - 1

    def note_read(self, known: Known, what: str = "") -> None:
        """Python waits for a value of the model."""
        for each in known.items if isinstance(known, Items) else (known,):
            if isinstance(each, Data) and each.sites:
                self.read.setdefault(what, set()).update(each.sites)

    def new_state(self, stream: Value) -> int:
        """Return the number of a new state, which begins with this version."""
        number = self.num_states
        self.num_states += 1
        self.began[number] = stream
        self.roles_before[number] = self.num_roles
        return number

    def step(self, env: Env, state: int, op: str, *args: object, **attrs: object) -> None:
        """Let an op with one result go on from a state."""
        stream = self.function.one(op, env.stream(state), *args, hint="s", **attrs)
        env["stream", state] = Data(stream, "stream")

    def slice(self, before: Value, after: Value, roles_before: int, node: ast.AST) -> Value:
        """Return the text between two versions; ``roles_before``: how many messages had begun.

        Raises:
            Unsupported: markers of messages are part of it, which the op leaves out.
        """
        if self.words.slices_markers and self.num_roles > roles_before:
            raise Unsupported("a text with the markers of messages in it has no op", node)
        return self.function.one("slice", before, after, hint="text")


@dataclass(slots=True)
class Loop:
    """A loop around: what its turns hand on, in order, and the ways that leave a turn early."""

    carried: list[tuple[str | int, ...]]
    is_written_out: bool = False
    breaks: list[Env] = field(default_factory=list)
    continues: list[Env] = field(default_factory=list)


def place_of(file: str, node: ast.AST, *, at_end: bool = False) -> Loc:
    """Return where a node stands, or where what is behind it does."""
    line = getattr(node, "end_lineno" if at_end else "lineno", 1)
    offset = getattr(node, "end_col_offset" if at_end else "col_offset", 0)
    return Loc(file, line, column_in(file, line, offset))


def empty_stream(build: Build) -> Value:
    """Emit the stream that a prompt begins with."""
    return build.function.one("stream", hint="s", types=STREAM)
