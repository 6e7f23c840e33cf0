"""Several jobs listened to at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing

from sglc.server.engine.client import EngineClient
from sglc.server.engine.job import Job
from sglc.server.engine.messages import Generation, JobReply
from sglc.server.errors import ApiError

PlacedReply = tuple[int, JobReply | ApiError]


async def generated(
    engine: EngineClient, generations: Sequence[Generation]
) -> AsyncGenerator[PlacedReply, None]:
    """Run generations, and yield what the engine says of each, with its place.

    An error is the last that is said of one. All of them end with the iterator.

    Raises:
        ApiError: the engine takes no more, or never so many.
    """
    engine.check_size(generations)
    async with AsyncExitStack() as stack:
        jobs = [await stack.enter_async_context(engine.generate(g)) for g in generations]
        replies = await stack.enter_async_context(aclosing(merged(jobs)))
        async for placed in replies:
            yield placed


async def merged(jobs: Sequence[Job]) -> AsyncGenerator[PlacedReply, None]:
    """Yield the replies to all jobs as they come, each with the place of its job.

    An error is the last that is said of a job. Nothing piles up here while nobody asks.
    """
    if len(jobs) == 1:
        try:
            async for reply in jobs[0]:
                yield 0, reply
        except ApiError as error:
            yield 0, error
        return
    replies: asyncio.Queue[PlacedReply | None] = asyncio.Queue(1)
    tasks = [asyncio.create_task(_forward(i, job, replies)) for i, job in enumerate(jobs)]
    num_open = len(jobs)
    try:
        while num_open:
            placed = await replies.get()
            if placed is None:
                num_open -= 1
            else:
                yield placed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _forward(place: int, job: Job, replies: asyncio.Queue[PlacedReply | None]) -> None:
    try:
        async for reply in job:
            await replies.put((place, reply))
    except ApiError as error:
        await replies.put((place, error))
    await replies.put(None)
