"""A prompt of a program file as a fragment of a Python program, which says its text."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.compiler.plan.plan import Arg, Block, Function, Node, Parameter, Plan, Ref, walk
from sglc.compiler.plan.renaming import renamed
from sglc.compiler.plan.seeds import BY_STREAM
from sglc.constraints.types import AnyType


def begins_messages(plan: Plan) -> bool:
    """Whether the text of the entry, with what it includes, has messages of its own."""
    seen: set[str] = set()
    todo = [plan.entry]
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in walk(plan.functions[name].body):
            if node.op == "role.begin":
                return True
            if node.op == "include":
                todo.append(str(node.attrs["callee"]))
    return False


def inclusion(plan: Plan, names: Sequence[str], *, is_effectful: bool) -> Plan:
    """Return a fragment that includes the entry of ``plan``.

    Its operands are the stream, the effect that it goes on from, and the arguments ``names``; its
    results the stream, the value, and of an ``is_effectful`` prompt the effect behind it. Functions
    have names that tell them from those of other programs.
    """
    program = renamed(plan, plan.digest.removeprefix("sha256:")[:16])
    num_params = 2 + len(names)
    kwargs: list[tuple[str, Arg]] = [(name, Ref(2 + i)) for i, name in enumerate(names)]
    effect: tuple[int, ...] = ()
    made = num_params
    if is_effectful:
        kwargs.append(("after", Ref(1)))
        effect, made = (made,), made + 1
    stream, value, behind = made, made + 1, made + 2
    nodes = (
        Node(
            id=0,
            op="include",
            args=(Ref(0),),
            kwargs=tuple(kwargs),
            outputs=(*effect, stream, value),
            attrs={"callee": program.entry, "rng": BY_STREAM},
            needs=tuple(range(num_params)),
        ),
        # another inclusion here draws other numbers
        Node(id=1, op="child", args=(Ref(stream),), outputs=(behind,), needs=(stream,)),
        Node(id=2, op="yield", args=(Ref(behind), Ref(value), *map(Ref, effect))),
    )
    function = Function(
        kind="prompt",
        name="fragment",
        params=tuple(Parameter(name=f"p{i}", value=i, type=AnyType()) for i in range(num_params)),
        result=None,
        body=Block(nodes=nodes),
        num_values=behind + 1,
    )
    return Plan(
        functions={"fragment": function, **program.functions},
        entry="fragment",
        constraints=program.constraints,
        tools=program.tools,
    )
