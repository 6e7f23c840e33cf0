"""A lowered function as a fragment of a run: the plan whose ``yield`` hands out its results."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sglc.compiler.ir.graph import Module
from sglc.compiler.lowering.lower import lower_module
from sglc.compiler.plan.plan import Arg, Block, Function, Node, Parameter, Plan, Ref, walk
from sglc.compiler.python.handed import RECORD, STREAM


@dataclass(frozen=True, slots=True)
class Fragment:
    """``outputs`` names what its ``yield`` hands out, in order: the stream, then results by key.

    A function that ends in several places hands out one ``record`` of its results. Behind the
    results stand ``num_versions`` earlier versions of the stream, the earliest first: those that
    something goes on from that may fail.
    """

    plan: Plan
    outputs: tuple[str, ...]
    num_versions: int = 0


def fragment_of(module: Module, entry: str) -> Fragment:
    """Return the fragment that runs ``entry``; its parameters are those of the function."""
    plan = lower_module(module, entry)
    function = plan.functions[entry]
    *_, end = function.body.nodes
    ends = [node for node in walk(function.body) if node.op == "return"]
    if ends == [end]:
        given = dict(end.kwargs)
        versions = _versions(function.body)
        args = (*end.args, *given.values(), *map(Ref, versions))
        last = replace(end, op="yield", args=args, kwargs=())
        body = replace(function.body, nodes=(*function.body.nodes[:-1], last))
        made = replace(plan.functions[entry], body=body)
        return Fragment(_with(plan, made), (STREAM, *given), len(versions))
    return Fragment(_with(plan, _around(function)), (STREAM, RECORD))


def _versions(body: Block) -> list[int]:
    """The versions of the stream that a body returns which model calls or choices go on from."""
    top = {value for node in body.nodes for value in node.outputs}
    made = {value: node for node in walk(body) for value in node.outputs}
    found: list[int] = []
    (stream,) = body.nodes[-1].args
    is_risky = False
    while isinstance(stream, Ref) and stream.id in made:
        if is_risky and stream.id in top:
            found.append(stream.id)
        node = made[stream.id]
        is_risky = bool(node.blocks) or node.op in ("gen", "select")
        before = _before(node, stream.id)
        if before is None:
            break
        stream = before
    return found[::-1]


def _before(node: Node, stream: int) -> Arg | None:
    """The version that a node has made ``stream`` of; of a choice, that of one of its ways."""
    place = node.outputs.index(stream)
    if node.op in ("for", "while"):
        return node.args[1 + place]
    for block in node.blocks:
        if block.nodes[-1].op == "yield":
            return block.nodes[-1].args[place]
    return node.args[0] if node.args and not node.blocks else None


def _with(plan: Plan, function: Function) -> Plan:
    functions = {**plan.functions, function.name: function}
    return replace(plan, functions=functions, entry=function.name)


def _around(function: Function) -> Function:
    """A function that includes another one and hands out what that returns."""
    count = len(function.params)
    params = tuple(
        Parameter(name=param.name, value=number, type=param.type)
        for number, param in enumerate(function.params)
    )
    stream, after, record = count, count + 1, count + 2
    refs = tuple(map(Ref, range(count)))
    nodes = (
        Node(id=0, op="stream", outputs=(stream,), attrs={"fresh": True}),
        Node(
            id=1, op="include", args=(Ref(stream), *refs), outputs=(after, record),
            attrs={"callee": function.name, "rng": "0", "main": True},
            needs=(stream, *range(count)),
        ),
        Node(id=2, op="yield", args=(Ref(after), Ref(record)), needs=(after, record)),
    )  # fmt: skip
    return Function(
        kind="prompt",
        name=f"{function.name}.run",
        params=params,
        result=None,
        body=Block(nodes=nodes),
        num_values=count + 3,
    )
