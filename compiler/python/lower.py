"""Lowers a prompt function: from Python to a module of the graph, and host statements."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Final

from sglc.compiler.ir.builder import ModuleBuilder
from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Literal as IrLiteral
from sglc.compiler.ir.op import Operand
from sglc.compiler.ir.verify import VerifyError, verify
from sglc.compiler.plan.plan import Loc
from sglc.compiler.python.build import Build, Frame, empty_stream, place_of
from sglc.compiler.python.calls import global_names
from sglc.compiler.python.guard import Guard, can_be_kept, is_same, kept
from sglc.compiler.python.handed import END, HOST, RETURNED, STREAM
from sglc.compiler.python.hosts import HostStatement
from sglc.compiler.python.pieces import Words
from sglc.compiler.python.plain import is_data
from sglc.compiler.python.reasons import NotConstant, Notes, NotPlain, Reason, Unsupported
from sglc.compiler.python.source import FunctionSource, read_function
from sglc.compiler.python.statements import Statements
from sglc.compiler.python.values import (
    EFFECT_KEY,
    NO_CALL,
    Const,
    Data,
    Env,
    GroupRef,
    Items,
    Kind,
    Known,
    Lost,
    StateRef,
    is_scalar,
    operand_of,
)
from sglc.constraints import types as t

_MAX_FIXED: Final = 8
_PARAMS: Final[Mapping[type, tuple[t.Type, Kind]]] = {
    str: (t.Str(), "str"),
    bool: (t.Bool(), "bool"),
    int: (t.Int(), "int"),
}

Slot = str | tuple["Slot", ...]
"""Where a variable is among the results: under a key, or a list of such."""


@dataclass(frozen=True, slots=True)
class Returns:
    """What a ``return`` hands out: ``variables`` of the state by name. ``missing`` are the keys of
    those that are none where they were not set; ``gives_state``: the function returns its state.
    ``sites`` are the model calls that may have written what is under a key."""

    variables: Mapping[str, Slot]
    missing: frozenset[str]
    gives_state: bool
    sites: Mapping[str, frozenset[int]]


@dataclass(frozen=True, slots=True)
class Lowered:
    """A function as a prompt of ``module``, for arguments of some types.

    ``params`` are the names of its parameters, in order. ``fixed`` are the arguments that are part
    of the graph; ``is_plain``: it is for arguments that are data. ``returns`` says what the ends of
    the function hand out. The key ``returned`` holds what it returns, ``host`` is there when all
    host statements have run, ``end`` is the number of the end. ``sites`` are the places of the
    model calls by their numbers, ``reads`` the calls that Python waits for, by what it reads.
    """

    source: FunctionSource
    module: Module
    entry: str
    params: tuple[str, ...]
    fixed: Mapping[str, object]
    hosts: tuple[HostStatement, ...]
    returns: tuple[Returns, ...]
    guard: Guard
    notes: Notes
    is_plain: bool
    sites: tuple[Loc | None, ...]
    reads: Mapping[str, frozenset[int]]

    @property
    def is_straight(self) -> bool:
        """Whether the function ends in one place."""
        return len(self.returns) == 1

    def fits(self, arguments: Mapping[str, object]) -> bool:
        """Whether the graph is of these arguments."""
        if self.is_plain and not all(map(is_data, arguments.values())):
            return False
        return all(is_same(arguments[name], value) for name, value in self.fixed.items())

    def changed_by(self, host: int, arguments: Mapping[str, object]) -> str | None:
        """What is part of the graph and no more what it was when host statement ``host`` has run.

        ``arguments`` are those that are parameters of the graph, by name.
        """
        for name, until in self.guard.fixed.items():
            if (
                name in arguments
                and host < until
                and not is_same(arguments[name], self.fixed[name])
            ):
                return name
        return self.guard.changed_by(host)


@dataclass(frozen=True, slots=True)
class Staged:
    """A function that runs step by step, and why."""

    reason: Reason
    notes: Notes


def lower(func: FunctionType, words: Words, arguments: Mapping[str, object]) -> Lowered | Staged:
    """Lower a function for arguments of these types; ``arguments`` by name, defaults filled in.

    What cannot be proven to mean the same in the graph makes the whole function run step by step.
    """
    notes = Notes()
    fixed: dict[str, object] = {}
    plain = all(map(is_data, arguments.values()))
    try:
        source = read_function(func)
    except Unsupported as error:
        return _staged(func, error, notes)
    while True:
        try:
            return _lowered(source, words, arguments, fixed, notes, is_plain=plain)
        except NotPlain:
            plain = False
        except NotConstant as error:
            name = error.name
            if name in arguments and name not in fixed and len(fixed) < _MAX_FIXED:
                if can_be_kept(arguments[name]):
                    fixed[name] = kept(arguments[name])
                    continue
                error.text = f"`{name}` may change, and the graph needs its value"
            return _staged(func, error, notes)
        except Unsupported as error:
            return _staged(func, error, notes)


def _staged(func: FunctionType, error: Unsupported, notes: Notes) -> Staged:
    code = func.__code__
    node = error.node
    file = error.file or code.co_filename
    place = Loc(file, code.co_firstlineno, 1)
    if node is not None:
        notes.note(file, node, "staged")
        place = place_of(file, node)
    return Staged(Reason(file, place.line, place.column, error.text, error.code), notes)


def _lowered(
    source: FunctionSource,
    words: Words,
    arguments: Mapping[str, object],
    fixed: Mapping[str, object],
    notes: Notes,
    *,
    is_plain: bool,
) -> Lowered:
    args = source.tree.args
    if args.vararg or args.kwarg:
        raise Unsupported("it takes `*` or `**`: its arguments have no fixed names", source.tree)
    names = [arg.arg for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
    module = ModuleBuilder(source.file)
    place = place_of(source.file, source.tree)
    function = module.function(
        "prompt", source.name, doc=ast.get_docstring(source.tree) or "", span=place
    )
    build = Build(module, function, words, notes=notes, fixed=dict(fixed), is_plain=is_plain)
    frame = Frame(0, source, global_names(source))
    env = Env()
    params = _bind(build, env, names[1:], arguments)
    stream = empty_stream(build)
    state = build.new_state(stream)
    env["name", 0, names[0]] = StateRef(state)
    env["stream", state] = Data(stream, "stream")
    env["role", state] = Const(None)
    ends = _Ends(build, state)
    statements = Statements(build, ends.emit)
    statements.block(frame, env, source.tree.body)
    if not env.ended:
        statements.finish(frame, env, Const(None), source.tree)
    function.finish()
    made = module.finish()
    try:
        verify(made)
    except VerifyError as error:
        raise Unsupported(f"it makes no valid graph: {error}", source.tree) from None
    return Lowered(
        source, made, source.name, tuple(params), dict(fixed), tuple(build.hosts),
        tuple(ends.returns), build.guard, notes, is_plain,
        tuple(build.sites), {name: frozenset(found) for name, found in build.read.items()},
    )  # fmt: skip


def _bind(build: Build, env: Env, names: list[str], arguments: Mapping[str, object]) -> list[str]:
    """Give the parameters their values; return those that are parameters of the prompt."""
    params: list[str] = []
    for name in names:
        if name not in arguments:
            raise Unsupported(f"`{name}` is not given")
        given = arguments[name]
        if name in build.fixed and is_scalar(given):
            env["name", 0, name] = Const(given)  # type: ignore[arg-type]  # it is a scalar
            continue
        type_, kind = _PARAMS.get(type(given), (t.AnyType(), "any"))
        env["name", 0, name] = Data(build.function.param(name, type_), kind)
        params.append(name)
    return params


class _Ends:
    """Emits the returns of the entry."""

    def __init__(self, build: Build, state: int) -> None:
        self.build = build
        self.state = state
        self.returns: list[Returns] = []

    def emit(self, env: Env, result: Known, node: ast.AST) -> None:
        """The function returns ``result``."""
        role = env["role", self.state]
        if role != Const(None):
            raise Unsupported("it returns while a message is open", node)
        handed: dict[str, Operand] = {}
        variables: dict[str, Slot] = {}
        missing: set[str] = set()
        sites: dict[str, frozenset[int]] = {}
        for name, known in env.variables(self.state).items():
            variables[name] = self._slot(name, known, handed, missing, sites, node)
        gives_state = isinstance(result, StateRef) and result.number == self.state
        if not gives_state:
            handed[RETURNED] = self._result(result, node)
        effect = env.get(EFFECT_KEY)
        if isinstance(effect, Data):
            handed[HOST] = effect.value
        handed[END] = IrLiteral(len(self.returns))
        self.build.function.emit("return", env.stream(self.state), kwargs=handed)
        self.returns.append(Returns(variables, frozenset(missing), gives_state, sites))

    def _slot(
        self,
        name: str,
        known: Known,
        handed: dict[str, Operand],
        missing: set[str],
        sites: dict[str, frozenset[int]],
        node: ast.AST,
    ) -> Slot:
        if isinstance(known, Items):
            return tuple(
                self._slot(name, item, handed, missing, sites, node) for item in known.items
            )
        if isinstance(known, Lost):
            raise Unsupported(f"only the run knows which {name!r} it has at its end", node)
        key = _key(name, handed)
        handed[key] = operand_of(known)
        if isinstance(known, Data) and known.sites:
            if NO_CALL in known.sites:
                raise Unsupported(f"only the run knows if the model has written {name!r}", node)
            sites[key] = known.sites
        if isinstance(known, Data) and known.may_miss:
            missing.add(key)
        return key

    def _result(self, result: Known, node: ast.AST) -> Operand:
        if isinstance(result, Const | Data):
            if isinstance(result, Data) and (result.may_miss or result.kind == "cell"):
                raise Unsupported("what it returns may not be set", node)
            return operand_of(result)
        if isinstance(result, StateRef | GroupRef):
            raise Unsupported("it returns a fork of its state", node, "SGL0903")
        raise Unsupported("it returns something that the graph does not know", node)


def _key(name: str, handed: Mapping[str, Operand]) -> str:
    """A keyword for a variable, which may have any name and be there several times."""
    stem = name if name.isidentifier() and name.isascii() else "value"
    while stem in (RETURNED, HOST, END, "after", STREAM):
        stem += "_"
    key, number = stem, 1
    while key in handed:
        key, number = f"{stem}_{number}", number + 1
    return key
