"""Plan functions as tables: what a frame needs to run a block without looking anything up by name.

Every value of a block gets a slot of its frame: parameters, results, constants, and the values of
the blocks around it that it reads (``captures``; each block captures from the next one out only).
A node waits for ``needs``: slots of operands it cannot start without, and of the gates of nodes
before it that may leave the block. Operands it only hands on (to a region, to the block around)
are not among them: those are linked, so a value gets through as soon as it exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from sglc.compiler.plan.plan import Arg, Block, Const, Function, Items, Loc, Node, Plan, Ref
from sglc.compiler.plan.sites import leaves_prompt, path_numbers
from sglc.runtime.executor.constraints import Preparation
from sglc.runtime.executor.lengths import Lengths


class Unset:
    """The content of a slot whose value does not exist yet."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()

TERMINATORS: Final = frozenset({"yield", "break", "continue", "return", "fail"})
_WAYS_OUT: Final = TERMINATORS - {"yield", "continue"}  # behind which no other turn comes
# Operands, by position, that a node cannot start without. Of ops not listed: all of them.
_STRICT_ARGS: Final[Mapping[str, slice]] = {
    "yield": slice(0, 0),
    "break": slice(0, 0),
    "continue": slice(0, 0),
    "return": slice(0, 0),
    "for": slice(0, 1),
    "while": slice(0, 1),
    "fork": slice(1, None),
}
# What they read of a stream is a value: the stream itself does not go on in it.
_ENDS_OF_STREAMS: Final = frozenset({"branch", "slice", "text", "messages"})


@dataclass(slots=True, eq=False)
class NodeCode:
    """One node. ``gate`` is the slot that tells whether the node let its block go on, or -1."""

    index: int
    op: str
    args: tuple[int, ...]
    kwargs: tuple[tuple[str, int], ...]
    outputs: tuple[int, ...]
    attrs: Mapping[str, Any]
    loc: Loc | None
    needs: tuple[int, ...] = ()
    gate: int = -1
    blocks: tuple[BlockCode, ...] = ()
    may_exit: bool = False
    is_spoken: bool = False  # its stream goes on into what its block hands out: it is in no side
    path: tuple[int, ...] = ()  # where a pass took it out of, see compiler/plan/sites.py
    is_apart: bool = False  # that is a branch or a call
    memo: Any = None  # what the executor found out about this node and may use again
    lengths: Lengths = field(default_factory=Lengths)  # of what it has written

    def kwarg(self, name: str) -> int | None:
        """Return the slot of the named operand, or None."""
        return next((slot for key, slot in self.kwargs if key == name), None)


@dataclass(slots=True, eq=False)
class BlockCode:
    """One block. ``template``, ``counts`` are copied into each frame; all else is shared.

    ``counts[i]`` is the number of unset slots that node ``i`` waits for, ``consumers[slot]`` the
    nodes that wait for it, ``initial`` the nodes that wait for nothing, ``early`` those with arms
    to begin before the decision. ``loc`` is the place of the node that the block belongs to.
    """

    label: str
    case: tuple[Any, ...]
    params: tuple[int, ...] = ()
    nodes: tuple[NodeCode, ...] = ()
    captures: tuple[tuple[int, int], ...] = ()
    template: list[Any] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    consumers: tuple[tuple[int, ...], ...] = ()
    initial: tuple[int, ...] = ()
    early: tuple[int, ...] = ()
    may_exit: bool = False
    loc: Loc | None = None


class FunctionCode:
    """One function; its body is made into a table when it is first called."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.positions = {p.name: i for i, p in enumerate(function.params)}

    @cached_property
    def body(self) -> BlockCode:
        code = _BlockBuilder(self.function, self.function.body, None).build()
        _mark_spoken(code)
        return code


class PlanCode:
    """A plan, the tables of its functions, and constraints by their name and the stop texts."""

    def __init__(
        self, plan: Plan, constraints: Mapping[tuple[str, tuple[str, ...]], Preparation]
    ) -> None:
        self.plan = plan
        self.constraints = constraints
        self.functions = {name: FunctionCode(f) for name, f in plan.functions.items()}


def _mark_spoken(block: BlockCode) -> None:
    """Mark the nodes whose results the end of the block reads, and those in their blocks."""
    wanted: set[int] = set()
    for node in reversed(block.nodes):
        node.is_spoken = (
            node.op in TERMINATORS or node.may_exit or not wanted.isdisjoint(node.outputs)
        )
        if not node.is_spoken or node.op in _ENDS_OF_STREAMS:
            continue
        wanted.update(node.args)
        for inner in node.blocks:
            wanted.update(outer for outer, _ in inner.captures)
            _mark_spoken(inner)


def _refs(args: Iterable[Arg]) -> Iterator[int]:
    for arg in args:
        if isinstance(arg, Ref):
            yield arg.id
        elif isinstance(arg, Items):
            yield from _refs(arg.items)


class _BlockBuilder:
    def __init__(self, function: Function, block: Block, outer: _BlockBuilder | None) -> None:
        self._function = function
        self._block = block
        self._outer = outer
        self._slots: dict[int, int] = {}
        self._template: list[Any] = []
        self._captures: list[tuple[int, int]] = []
        self._captured: set[int] = set()
        self._nodes: list[NodeCode] = []

    def build(self) -> BlockCode:
        block = self._block
        params = block.params
        if self._outer is None:
            params = tuple(p.value for p in self._function.params)
        code = BlockCode(block.label, block.case, tuple(map(self._define, params)))
        gated = {earlier for node in block.nodes for earlier in node.after}
        gates: dict[int, int] = {}
        for node in block.nodes:
            made = self._node(node, gates)
            if node.id in gated:
                made.gate = gates[node.id] = self._new_slot(UNSET)
        code.nodes = tuple(self._nodes)
        code.captures = tuple(self._captures)
        code.template = self._template
        consumers: list[list[int]] = [[] for _ in self._template]
        for made in code.nodes:
            made.needs = tuple(s for s in dict.fromkeys(made.needs) if self._template[s] is UNSET)
            code.counts.append(len(made.needs))
            for slot in made.needs:
                consumers[slot].append(made.index)
        code.consumers = tuple(map(tuple, consumers))
        code.initial = tuple(i for i, count in enumerate(code.counts) if not count)
        code.early = tuple(made.index for made in code.nodes if made.attrs.get("spec"))
        leaves = bool(code.nodes) and code.nodes[-1].op in _WAYS_OUT
        code.may_exit = leaves or any(made.may_exit for made in code.nodes)
        return code

    def _node(self, node: Node, gates: Mapping[int, int]) -> NodeCode:
        args = tuple(self._operand(arg, node) for arg in node.args)
        kwargs = tuple((key, self._operand(arg, node)) for key, arg in node.kwargs)
        inner = [_BlockBuilder(self._function, block, self) for block in node.blocks]
        blocks = tuple(builder.build() for builder in inner)
        handed_on = set(_refs((*node.args, *(arg for _, arg in node.kwargs))))
        handed_on = handed_on.union(*(builder._captured for builder in inner))
        needs = list(args[_STRICT_ARGS.get(node.op, slice(None))])
        if node.op not in ("yield", "return"):
            needs += [slot for _, slot in kwargs]
        needs += [self._slot(value) for value in node.needs if value not in handed_on]
        needs += [gates[earlier] for earlier in node.after]
        if node.op == "return":
            args, kwargs = self._returned(node, args, kwargs)
        made = self._add(self._op(node), args, kwargs, node)
        made.outputs = tuple(map(self._define, node.outputs))
        made.needs = tuple(needs)
        made.blocks = blocks
        for inner_code in blocks:
            inner_code.loc = node.loc
        made.may_exit = node.may_exit
        made.attrs = node.attrs
        path = node.attrs.get("path")
        if isinstance(path, str):
            made.path, made.is_apart = path_numbers(path), leaves_prompt(path)
        return made

    def _op(self, node: Node) -> str:
        """The first stream of a prompt is ``entry``: in an ``include`` it is the caller's."""
        if node.op != "stream" or node.attrs.get("fresh") or self._outer is not None:
            return node.op
        return "stream" if any(made.op == "entry" for made in self._nodes) else "entry"

    def _returned(
        self, node: Node, args: tuple[int, ...], kwargs: tuple[tuple[str, int], ...]
    ) -> tuple[tuple[int, ...], tuple[tuple[str, int], ...]]:
        """Bring a return into the form (stream, value); its names stay, for the captures."""
        if self._function.kind == "fn":
            value = kwargs[0][1] if kwargs else args[0]
            return (self._new_slot(None), value), ()
        stream = args[0] if args else self._new_slot(None)
        if self._function.result is not None:
            result = dict(kwargs).get("result")
            return (stream, self._new_slot(None) if result is None else result), ()
        return (stream, self._hidden("record", (), kwargs, node)), kwargs

    def _operand(self, arg: Arg, node: Node) -> int:
        match arg:
            case Ref(value):
                return self._slot(value)
            case Const(value):
                return self._new_slot(value)
            case Items(items):
                if all(isinstance(item, Const) for item in items):
                    return self._new_slot([item.value for item in items])  # type: ignore[union-attr]
                return self._hidden("list", tuple(self._operand(i, node) for i in items), (), node)

    def _hidden(
        self, op: str, args: tuple[int, ...], kwargs: tuple[tuple[str, int], ...], node: Node
    ) -> int:
        """Add a node that the plan has not: one that makes an operand of ``node``."""
        made = self._add(op, args, kwargs, node)
        made.needs = (*args, *(slot for _, slot in kwargs))
        made.outputs = (self._new_slot(UNSET),)
        return made.outputs[0]

    def _add(
        self, op: str, args: tuple[int, ...], kwargs: tuple[tuple[str, int], ...], node: Node
    ) -> NodeCode:
        made = NodeCode(len(self._nodes), op, args, kwargs, (), {}, node.loc)
        self._nodes.append(made)
        return made

    def _slot(self, value: int) -> int:
        """Return the slot of a value, from this block or captured from the one around it."""
        slot = self._slots.get(value)
        if slot is None:
            if self._outer is None:
                raise ValueError(f"{self._function.name}: value {value} is used before it is made")
            outer = self._outer._slot(value)
            slot = self._define(value)
            self._captures.append((outer, slot))
            self._captured.add(value)
        return slot

    def _define(self, value: int) -> int:
        slot = self._slots[value] = self._new_slot(UNSET)
        return slot

    def _new_slot(self, value: Any) -> int:
        self._template.append(value)
        return len(self._template) - 1
