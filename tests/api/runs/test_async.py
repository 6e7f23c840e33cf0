"""Programs under asyncio: a thousand of them in one thread, cancelled with their tasks."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextvars import ContextVar
from typing import Any

import pytest

import sglc
from sglc.backends.backend import Backend


@sglc.function
def twice(s: Any, n: int) -> None:
    s += f"Row {n}:" + sglc.gen("a", max_tokens=3)
    s += s["a"] + sglc.gen("b", max_tokens=3)


def test_arun_gives_what_run_gives(hashed: Backend) -> None:
    state = asyncio.run(twice.arun(3, backend=hashed, seed=5))
    assert state.stream_done
    assert state.text() == twice.run(3, backend=hashed, seed=5).text()


def test_a_function_may_await_other_things_between(hashed: Backend) -> None:
    other: ContextVar[str] = ContextVar("other", default="unset")

    @sglc.function
    async def asking(s: Any, n: int) -> str:
        s += f"Row {n}:" + sglc.gen("a", max_tokens=3)
        await asyncio.sleep(0)
        found = await asyncio.gather(fetch(n), twice.arun(n, backend=hashed))
        s += s["a"] + found[0] + other.get() + sglc.gen("b", max_tokens=3)
        order.append(n)
        await asyncio.to_thread(threading.get_ident)
        inner = twice.run(n, backend=hashed)
        assert inner.text() == found[1].text()
        return str(s["b"])

    async def fetch(n: int) -> str:
        await asyncio.sleep(0.01)
        return f"<{n}>"

    async def main() -> list[sglc.ProgramState]:
        other.set("set")
        return await asyncio.gather(*(asking.arun(n, backend=hashed) for n in range(8)))

    order: list[int] = []
    for n, state in enumerate(asyncio.run(main())):
        assert state.text() == f"Row {n}:{state['a']}{state['a']}<{n}>set{state['b']}"
        assert state.ret_value == state["b"]
    assert sorted(order) == list(range(8))
    with pytest.raises(TypeError, match=r"asking is async: use `await f.arun"):
        asking.run(1, backend=hashed)
    with pytest.raises(TypeError, match=r"asking is async: use `await f.arun_batch"):
        asking.run_batch([(1,)], backend=hashed)


def test_reads_do_not_hold_up_the_loop(hashed: Backend) -> None:
    async def main() -> None:
        task = asyncio.create_task(long.arun(backend=hashed))
        while not task.done():
            ticks.append(1)
            await asyncio.sleep(0)
        await task

    @sglc.function
    def long(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=200, ignore_eos=True)
        before.append(len(ticks))
        s["a"]
        after.append(len(ticks))

    ticks: list[int] = []
    before: list[int] = []
    after: list[int] = []
    asyncio.run(main())
    assert after[0] > before[0] + 10


def test_a_thousand_at_once_take_no_thread_each(hashed: Backend) -> None:
    async def main() -> tuple[list[sglc.ProgramState], int]:
        tasks = [asyncio.create_task(twice.arun(n, backend=hashed)) for n in range(1000)]
        await asyncio.sleep(0)
        return await asyncio.gather(*tasks), threading.active_count()

    before = threading.active_count()
    states, count = asyncio.run(main())
    assert len({state.text() for state in states}) == 1000
    assert count == before


def test_a_task_that_is_cancelled_cancels_its_run(hashed: Backend) -> None:
    @sglc.function
    def long(s: Any) -> None:
        states.append(s)
        s += "x" + sglc.gen("a", max_tokens=3000, ignore_eos=True)
        try:
            s["a"]
        finally:
            closed.append(1)

    @sglc.function
    def unread(s: Any) -> None:
        states.append(s)
        s += "x" + sglc.gen("a", max_tokens=3000, ignore_eos=True)

    async def main() -> None:
        for function in (long, unread):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(function.arun(backend=hashed), 0.02)

    states: list[sglc.ProgramState] = []
    closed: list[int] = []
    asyncio.run(main())
    assert closed == [1]
    for state in states:
        assert isinstance(state.error(), sglc.RunFailed)
    while hashed.host.executor._runs:
        pass


def test_exceptions_are_raised_where_it_is_awaited(hashed: Backend) -> None:
    @sglc.function
    def broken(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=2)
        raise ValueError("no way")

    with pytest.raises(ValueError, match="no way"):
        asyncio.run(broken.arun(backend=hashed))


def test_a_streamed_run_is_followed_while_it_runs(hashed: Backend) -> None:
    @sglc.function
    async def chat(s: Any) -> None:
        s += "x" + sglc.gen("a", max_tokens=100, ignore_eos=True)
        await asyncio.sleep(0)
        s += s["a"] + sglc.gen("b", max_tokens=4)
        s["b"]
        raise ValueError("at the end")

    async def main() -> None:
        state = await chat.arun(backend=hashed, stream=True)
        assert not state.stream_done
        first = [piece async for piece in state.text_async_iter("a")]
        assert "".join(first) == state["a"]
        assert len(first) > 3
        pieces = []
        with pytest.raises(ValueError, match="at the end"):  # noqa: PT012
            async for piece in state.text_async_iter():
                pieces.append(piece)  # noqa: PERF401
        assert "".join(pieces) == "x" + state["a"] + state["a"] + state["b"]

    asyncio.run(main())


def test_arun_batch_gives_what_run_batch_gives(hashed: Backend) -> None:
    @sglc.function
    async def odd(s: Any, n: int) -> None:
        is_open.add(n)
        most.append(len(is_open))
        looks_after.add(gc.get_threshold()[0])
        s += f"{n}" + sglc.gen("a", max_tokens=3)
        await asyncio.sleep(0)
        s["a"]
        is_open.remove(n)
        if n % 2:
            raise ValueError(f"{n} is odd")

    is_open: set[int] = set()
    most: list[int] = []
    looks_after: set[int] = set()
    before = gc.get_threshold()
    rows = [(7,)] * 5
    states = asyncio.run(twice.arun_batch(rows, backend=hashed, seed=3))
    expected = twice.run_batch(rows, backend=hashed, seed=3)
    assert [s.text() for s in states] == [s.text() for s in expected]
    states = asyncio.run(odd.arun_batch([(n,) for n in range(9)], backend=hashed, num_threads=3))
    assert [state.error() is None for state in states] == [n % 2 == 0 for n in range(9)]
    assert max(most) == 3
    assert looks_after == {50_000}
    assert gc.get_threshold() == before
    assert asyncio.run(odd.arun_batch([])) == []
    with pytest.raises(TypeError, match="row 0: odd has no parameter `m`"):
        asyncio.run(odd.arun_batch([{"m": 1}], backend=hashed))


def test_a_batch_whose_task_is_cancelled_leaves_nothing_running(hashed: Backend) -> None:
    @sglc.function
    def long(s: Any, n: int) -> None:
        s += f"{n}" + sglc.gen("a", max_tokens=3000, ignore_eos=True)
        s["a"]

    async def main() -> None:
        rows = long.arun_batch([(n,) for n in range(100)], backend=hashed)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(rows, 0.05)

    asyncio.run(main())
    while hashed.host.executor._runs:
        pass


def test_batches_inside_of_tasks_hold_up_nobody(hashed: Backend) -> None:
    @sglc.function
    def outer(s: Any) -> None:
        rows = twice.run_batch([(n,) for n in range(4)], backend=hashed)
        s += "".join(row["b"] for row in rows)

    async def main() -> list[sglc.ProgramState]:
        return await asyncio.gather(*(outer.arun(backend=hashed) for _ in range(3)))

    expected = "".join(s["b"] for s in twice.run_batch([(n,) for n in range(4)], backend=hashed))
    assert [state.text() for state in asyncio.run(main())] == [expected] * 3
