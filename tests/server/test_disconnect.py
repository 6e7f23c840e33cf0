"""Work that ends with its client, however the two fall together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sglc.server.http.disconnect import ClientGone, Connected
from sglc.server.http.replies import event_stream

DISCONNECT = {"type": "http.disconnect"}


async def turns(count: int) -> None:
    """Let the event loop turn that often."""
    for _ in range(count):
        await asyncio.sleep(0)


def receiver(after: int) -> Callable[[], Awaitable[Any]]:
    async def receive() -> Any:
        await turns(after)
        return DISCONNECT

    return receive


@given(gone_after=st.integers(0, 12), done_after=st.integers(0, 12), more=st.integers(0, 12))
def test_a_block_ends_or_is_left_and_nothing_is_cancelled_behind_it(
    gone_after: int, done_after: int, more: int
) -> None:
    async def main() -> None:
        ended = False
        try:
            async with Connected(receiver(gone_after)):
                await turns(done_after)
                ended = True
        except ClientGone:
            assert not ended
            assert gone_after < done_after
        await turns(more)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    asyncio.run(main())


def test_a_cancellation_from_elsewhere_is_one() -> None:
    async def main() -> None:
        async def block() -> None:
            async with Connected(receiver(100)):
                await asyncio.sleep(10)

        task = asyncio.create_task(block())
        await turns(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


@given(gone_after=st.integers(0, 12), num_events=st.integers(0, 6))
def test_a_stream_is_closed_with_its_client(gone_after: int, num_events: int) -> None:
    closed: list[int] = []
    sent: list[Any] = []

    async def events() -> Any:
        try:
            for number in range(num_events):
                await turns(2)
                yield b"%d" % number
        finally:
            closed.append(1)

    async def send(message: Any) -> None:
        await asyncio.sleep(0)
        sent.append(message)

    async def main() -> None:
        made = events()
        await event_stream(made)({"type": "http"}, receiver(gone_after), send)
        await turns(20)

    asyncio.run(main())
    bodies = [message["body"] for message in sent[1:]]
    assert bodies == [b"0", b"1", b"2", b"3", b"4", b"5"][: len(bodies)] or bodies[-1] == b""
    if bodies and bodies[-1] == b"":
        assert len(bodies) == num_events + 1
    assert closed == [1] or not bodies
