"""What the checks know of a program, asked by the lowering.

Facts about syntax nodes are kept beside the tree, keyed by the identity of the node: the tree stays
frozen and is checked once. ``Checked`` keeps the modules alive, so identities stay unique.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sglc.compiler.frontend import ast
from sglc.constraints.types import Type


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamInfo:
    """A parameter; ``default`` is the evaluated value when ``has_default``."""

    name: str
    type: Type
    has_default: bool = False
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptInfo:
    """A prompt. ``symbol`` is unique in the program (``module.name`` unless in the entry file).

    ``captures`` are the names bound in the body, in order of first appearance, with the type they
    have at its end (optional when some path does not bind them); they are the fields of the result
    when ``returns`` is None.
    """

    symbol: str
    decl: ast.Prompt
    params: tuple[ParamInfo, ...]
    returns: Type | None
    captures: tuple[tuple[str, Type], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FnInfo:
    """A pure function."""

    symbol: str
    decl: ast.Fn
    params: tuple[ParamInfo, ...]
    returns: Type


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInfo:
    """A host function; ``effect`` is ``pure``, ``readonly`` or ``effectful``.

    ``decl`` is None for a function brought in by ``from module import name`` of a Python module.
    ``source`` is ``module:function``, or None when the host must register it.
    """

    symbol: str
    decl: ast.Tool | None
    params: tuple[ParamInfo, ...]
    returns: Type
    source: str | None
    effect: str = "effectful"
    timeout_s: float | None = None
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Builtin:
    """A built-in function of expressions (``len``, ``best``, ``majority``, …) or a special form.

    Special forms: ``gen``, ``select``, ``special``, ``probs``.
    """

    name: str


Callee = PromptInfo | FnInfo | ToolInfo | Builtin


@dataclass(frozen=True, slots=True, kw_only=True)
class GenInfo:
    """One ``gen(...)`` or ``select(...)`` call.

    ``type`` is what is generated (for ``select`` the type of the choices). ``options`` are the
    options in force here, innermost first: the call's own, those of enclosing ``with`` blocks, the
    file's ``config``; each an evaluated constant, or the expression to compute at run time.
    ``max_tokens`` is among them whenever it is known. Positional choices of a ``select`` are the
    call's own arguments.
    """

    type: Type
    options: Mapping[str, Any | ast.Expr]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchInfo:
    """A ``batch`` statement: rows inline (evaluated) or the path of a JSONL file."""

    decl: ast.Batch
    prompt: PromptInfo
    rows: tuple[Mapping[str, Any], ...] | str
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A name whose value is known: a ``let``, or one that narrows to it. Looked up by ``Var``."""

    value: Any


@dataclass(kw_only=True)
class Checked:
    """A checked program: its modules and the facts about their nodes.

    Prompts, fns, tools and named types are by symbol.
    """

    entry: ast.Module
    modules: tuple[ast.Module, ...]
    config: Mapping[str, Any] = field(default_factory=dict)
    prompts: dict[str, PromptInfo] = field(default_factory=dict)
    fns: dict[str, FnInfo] = field(default_factory=dict)
    tools: dict[str, ToolInfo] = field(default_factory=dict)
    types: dict[str, Type] = field(default_factory=dict)
    batches: list[BatchInfo] = field(default_factory=list)
    tests: list[ast.Test] = field(default_factory=list)
    effectful_prompts: frozenset[str] = frozenset()
    _types: dict[int, Type] = field(default_factory=dict, repr=False)
    _callees: dict[int, Callee] = field(default_factory=dict, repr=False)
    _constants: dict[int, Constant] = field(default_factory=dict, repr=False)
    _gens: dict[int, GenInfo] = field(default_factory=dict, repr=False)

    def type_of(self, expr: ast.Expr) -> Type:
        """Return the static type of an expression of a prompt or fn body."""
        return self._types[id(expr)]

    def callee(self, call: ast.Call) -> Callee | None:
        """Return what ``call`` calls; None when it is written inside a type, like ``int(1..3)``."""
        return self._callees.get(id(call))

    def constant(self, expr: ast.Expr) -> Constant | None:
        """Return the value of an expression that is a constant name (``let``), else None."""
        return self._constants.get(id(expr))

    def gen(self, call: ast.Call) -> GenInfo:
        """Return the facts about a ``gen`` or ``select`` call."""
        return self._gens[id(call)]
