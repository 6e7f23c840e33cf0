"""Runs that are written while they run: what fragments hand out."""

from __future__ import annotations

from typing import Any

from sglc.compiler.plan.plan import Arg, Block, Const, Function, Node, Parameter, Plan, Ref
from sglc.constraints.types import AnyType
from sglc.runtime.executor.open_run import Cell


def fragment(*nodes: Node, num_params: int, num_values: int) -> Plan:
    params = tuple(Parameter(name=f"p{i}", value=i, type=AnyType()) for i in range(num_params))
    made = Function(
        kind="prompt", name="f", params=params, result=None, body=Block(nodes=nodes),
        num_values=num_values,
    )  # fmt: skip
    return Plan(functions={"f": made}, entry="f")


def yields(*args: Arg) -> Node:
    return Node(id=9, op="yield", args=args)


WRITES = fragment(
    Node(id=0, op="stream", outputs=(1,)),
    Node(id=1, op="put", args=(Ref(1), Ref(0)), outputs=(2,), needs=(1, 0)),
    Node(id=2, op="gen", args=(Ref(2),), outputs=(3, 4), needs=(2,), attrs={"max_tokens": 9}),
    yields(Ref(4), Ref(4), Ref(0), Const(7)),
    num_params=1,
    num_values=5,
)


def test_a_value_may_be_handed_out_twice_or_be_there_already(world: Any) -> None:
    executor = world.executor()
    run = executor.open()
    cells = [Cell() for _ in range(4)]
    told: list[int] = []
    for number, cell in enumerate(cells):
        cell.tell(lambda number=number: told.append(number))  # type: ignore[misc]
    executor.extend(run, WRITES, ["go on"], cells)
    assert sorted(told) == [2, 3]
    assert [cell.done for cell in cells] == [False, False, True, True]
    executor.finish(run)
    executor.run_until_idle()
    assert sorted(told) == [0, 1, 2, 3]
    assert [cell.value for cell in cells] == ["<on>", "<on>", "go on", 7]
    assert all(cell.frame is None for cell in cells)


def test_values_that_never_come_say_so_and_go_on_as_errors(world: Any) -> None:
    def fail(prompt: str) -> str:
        raise RuntimeError(f"no answer to {prompt}")

    world.backend.reply = fail
    executor = world.executor()
    run = executor.open()
    cells = [Cell() for _ in range(4)]
    executor.extend(run, WRITES, ["x"], cells)
    behind = Cell()
    again = fragment(yields(Ref(0)), num_params=1, num_values=1)
    executor.extend(run, again, [cells[1]], [behind])
    executor.finish(run)
    executor.run_until_idle()
    for cell in (cells[0], cells[1], behind):
        assert cell.error is not None
        assert "no answer to x" in str(cell.error)
