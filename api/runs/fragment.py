"""Ops that a Python program has staged, as a Plan of one function.

A fragment is straight-line: every control flow of the program has happened already. Two fragments
of the same ops, call sites and options are one plan, whatever their texts, so that a loop or a
batch makes its plan once.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.plan.plan import (
    Arg,
    Block,
    Const,
    Function,
    Loc,
    Node,
    Parameter,
    Plan,
    Ref,
    Scalar,
)
from sglc.constraints.types import AnyType, Type

if TYPE_CHECKING:
    from sglc.runtime.executor.open_run import Cell

MODEL_OPS: Final = frozenset({"gen", "select", "prefill", "embed"})
_MAX_PLANS: Final = 512


@dataclass(slots=True)
class Staged:
    """One op: its operands are cells, constants or lists of constants.

    ``texts`` says which operands are values of the run, and so parameters of the plan. ``type`` is
    what the text of a ``gen`` has to be.
    """

    op: str
    args: tuple[Any, ...]
    outputs: tuple[Cell, ...]
    attrs: tuple[tuple[str, Any], ...] = ()
    type: Type | None = None
    loc: Loc | None = None


@dataclass(frozen=True, slots=True)
class Fragment:
    """A plan and what it is to be run with: values of its parameters, cells for its results."""

    plan: Plan
    operands: tuple[Any, ...]
    cells: tuple[Cell, ...]


class Fragments:
    """Makes plans of staged ops, and keeps those it has made."""

    def __init__(self) -> None:
        self._plans: dict[tuple[Any, ...], Plan] = {}
        self._names: dict[Type, str] = {}
        self._numbers = itertools.count()  # no two types have one name, whoever asks at once
        self.num_built = 0

    def of(self, ops: Sequence[Staged]) -> Fragment:
        """Return the fragment that does ``ops`` in their order.

        What ops refer to is written as a number, of an output or ``~`` that of an operand, and as a
        tuple of one, which is a constant.
        """
        numbers: dict[int, int] = {}  # id of a cell: its place among the outputs
        params: dict[int, int] = {}  # id of a cell from outside: its place among the operands
        operands: list[Any] = []
        cells: list[Cell] = []
        shapes: list[tuple[Any, ...]] = []
        for op in ops:
            refs: list[Any] = []
            for arg in op.args:
                kind = arg.__class__
                if kind is str or kind is tuple:
                    refs.append(~len(operands))
                    operands.append(arg)
                elif kind is int or arg is None:
                    refs.append((arg,))
                elif (number := numbers.get(id(arg))) is not None:
                    refs.append(number)
                else:
                    place = params.get(id(arg))
                    if place is None:
                        place = params[id(arg)] = len(operands)
                        operands.append(arg)
                    refs.append(~place)
            for cell in op.outputs:
                numbers[id(cell)] = len(cells)
                cells.append(cell)
            shapes.append((op.op, tuple(refs), op.attrs, op.type, op.loc, len(op.outputs)))
        key = tuple(shapes)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MAX_PLANS:
                self._plans.clear()
                self._names.clear()
            plan = self._plans[key] = self._build(key, len(operands))
        return Fragment(plan, tuple(operands), tuple(cells))

    def _build(self, shapes: Sequence[tuple[Any, ...]], num_params: int) -> Plan:
        self.num_built += 1
        constraints: dict[str, Type] = {}
        continued = _continued(shapes)
        nodes: list[Node] = []
        made = num_params
        for number, (op, refs, attrs, type_, loc, num_outputs) in enumerate(shapes):
            given: dict[str, Any] = dict(attrs)
            if op in MODEL_OPS:
                given["path"] = f"t{number}"
                given["group"] = "ready"
                if number in continued:
                    given["hold"] = True
            if type_ is not None:
                name = self._names.setdefault(type_, f"C{next(self._numbers)}")
                constraints[name] = type_
                given["constraint"] = name
            args = tuple(_arg(ref, num_params) for ref in refs)
            outputs = tuple(range(made, made + num_outputs))
            made += num_outputs
            needs = tuple(arg.id for arg in args if isinstance(arg, Ref))
            nodes.append(
                Node(
                    id=number, op=op, args=args, outputs=outputs, attrs=given, needs=needs, loc=loc
                )
            )
        results = tuple(Ref(i) for i in range(num_params, made))
        nodes.append(Node(id=len(nodes), op="yield", args=results))
        function = Function(
            kind="prompt",
            name="fragment",
            params=tuple(
                Parameter(name=f"p{i}", value=i, type=AnyType()) for i in range(num_params)
            ),
            result=None,
            body=Block(nodes=tuple(nodes)),
            num_values=made,
        )
        return Plan(functions={"fragment": function}, entry="fragment", constraints=constraints)


def _arg(ref: int | tuple[Scalar], num_params: int) -> Arg:
    if isinstance(ref, tuple):
        return Const(*ref)
    return Ref(ref + num_params if ref >= 0 else ~ref)


def _continued(shapes: Sequence[tuple[Any, ...]]) -> set[int]:
    """The model calls whose stream another call of the fragment goes on in.

    Their streams are held, so that the next call finds its K/V without a look into the cache. Where
    several go on from the same version, the first one takes it.
    """
    owners: dict[Any, int | None] = {}  # output number of a stream: the call it stands behind
    found: set[int] = set()
    made = 0
    for number, (op, refs, _, _, _, num_outputs) in enumerate(shapes):
        before = owners.get(refs[0]) if refs else None  # of what is no output there is none
        if op in MODEL_OPS and before is not None:
            found.add(before)
        owners[made] = number if op in MODEL_OPS and op == "gen" else before
        made += num_outputs
    return found
