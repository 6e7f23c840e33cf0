"""The Plan: what the compiler hands to the runtime, and all that the runtime knows of a program.

A Plan is frozen, hashable by digest and serialisable. It holds functions made of blocks made of
nodes. Values are numbered per function; a nested block reads the values of the blocks around it.
One Plan serves every instance of a program; an instance is (plan, arguments, seed).

Readiness is by value: a node may start when the values in ``needs`` are resolved and the nodes in
``after`` (earlier nodes of the same block that may leave it: a check, an arm that returns) have
passed. Nothing else orders nodes, and no other synchronisation exists.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from sglc.constraints.types import Type

PLAN_VERSION = 1

Scalar = None | bool | int | float | str
AttrValue = Scalar | tuple["AttrValue", ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """Value number ``id`` of the function."""

    id: int


@dataclass(frozen=True, slots=True)
class Const:
    """A literal: none, a truth value, a number or a text."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class Items:
    """A list made in place from other arguments."""

    items: tuple[Arg, ...]


Arg = Ref | Const | Items


@dataclass(frozen=True, slots=True)
class Loc:
    """Where in the source a node comes from; lines and columns start at 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One operation of a block. See ``docs/ir.md`` for the operations and their meaning."""

    id: int
    op: str
    args: tuple[Arg, ...] = ()
    kwargs: tuple[tuple[str, Arg], ...] = ()
    outputs: tuple[int, ...] = ()
    attrs: Mapping[str, AttrValue] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    needs: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    may_exit: bool = False
    loc: Loc | None = None

    def kwarg(self, name: str) -> Arg | None:
        """Return the named argument ``name``, or None."""
        return next((arg for key, arg in self.kwargs if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Nodes of one region; the last one is its terminator.

    ``label`` is the region's role (``body``, ``do``, ``else``, ``case``, ``branch``); ``case`` the
    literals that select it or the branch's name; ``params`` the values it is entered with.
    """

    label: str = ""
    case: tuple[Scalar, ...] = ()
    params: tuple[int, ...] = ()
    nodes: tuple[Node, ...] = ()

    @property
    def terminator(self) -> Node:
        return self.nodes[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a function; ``default`` is None unless ``has_default``."""

    name: str
    value: int
    type: Type
    has_default: bool = False
    default: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A ``prompt`` (isolated stream, model calls) or an ``fn`` (pure, total)."""

    kind: str
    name: str
    params: tuple[Parameter, ...]
    result: Type | None
    body: Block
    num_values: int
    doc: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSpec:
    """A host function of a program. ``source`` is ``module:function``, or None: registered."""

    name: str
    params: tuple[tuple[str, Type], ...]
    result: Type
    source: str | None = None
    effect: str = "effectful"
    timeout_s: float | None = None
    retries: int = 0
    required: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A compiled program: complete, immutable, independent of arguments and seed.

    ``hints`` say what the runtime may do for the plan as a whole: see ``docs/ir.md``.
    """

    functions: Mapping[str, Function]
    entry: str
    constraints: Mapping[str, Type] = field(default_factory=dict)
    tools: Mapping[str, ToolSpec] = field(default_factory=dict)
    config: Mapping[str, AttrValue] = field(default_factory=dict)
    hints: Mapping[str, AttrValue] = field(default_factory=dict)
    version: int = PLAN_VERSION

    @cached_property
    def digest(self) -> str:
        """sha256 of the JSON form: equal programs have equal digests."""
        from sglc.compiler.plan.serial import plan_to_data

        text = json.dumps(plan_to_data(self), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()

    def with_entry(self, name: str) -> Plan:
        """Return the plan that starts at another of its prompts.

        Raises:
            KeyError: there is no such function.
        """
        if name not in self.functions:
            raise KeyError(name)
        return replace(self, entry=name)


def walk(block: Block) -> Iterator[Node]:
    """Yield every node of ``block`` and of the blocks inside it, outer first."""
    for node in block.nodes:
        yield node
        for inner in node.blocks:
            yield from walk(inner)
