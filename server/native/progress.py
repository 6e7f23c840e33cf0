"""The outputs of a request as they come, whichever of its prompts is faster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing

from sglc.server.engine.job import Job
from sglc.server.engine.messages import Finished, JobReply, Sampled, Written
from sglc.server.native.output import Output
from sglc.server.native.prompt import Prompt
from sglc.server.service import Service

ABORTED = "the request was aborted"


async def progress(
    service: Service, tenant: str, prompts: Sequence[Prompt], outputs: Sequence[Output]
) -> AsyncGenerator[Output]:
    """Run prompts, and yield an output whenever there is more of it.

    ``outputs`` are those of the prompts, prompt by prompt. Closing the iterator ends the jobs.

    Raises:
        ApiError: one of them cannot be served; the others are ended.
    """
    of_job: list[Sequence[Output]] = []
    jobs: list[Job] = []
    async with AsyncExitStack() as stack:
        at = 0
        for prompt in prompts:
            own = outputs[at : at + len(prompt.item.rids)]
            at += len(own)
            if prompt.generation is None:
                for output in own:
                    output.end_empty()
                    yield output
                continue
            job = await stack.enter_async_context(service.engine.generate(prompt.generation))
            stack.enter_context(service.running.named(tenant, prompt.item.rids, job))
            jobs.append(job)
            of_job.append(own)
        replies = await stack.enter_async_context(aclosing(merged(jobs)))
        async for number, reply in replies:
            own = of_job[number]
            if isinstance(reply, Written):
                own[reply.sample].add(reply)
                yield own[reply.sample]
            elif isinstance(reply, Sampled):
                own[reply.sample].end(reply)
                yield own[reply.sample]
            elif isinstance(reply, Finished):
                for output in own:
                    if not output.is_over:
                        output.abort(ABORTED)
                        yield output


async def merged(jobs: Sequence[Job]) -> AsyncGenerator[tuple[int, JobReply]]:
    """Yield what jobs reply, with the number of the job, as it comes.

    Raises:
        ApiError: a job failed.
    """
    if len(jobs) == 1:
        async for reply in jobs[0]:
            yield 0, reply
        return
    iterators = [aiter(job) for job in jobs]
    waiting = {
        asyncio.ensure_future(anext(iterator)): number for number, iterator in enumerate(iterators)
    }
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=waiting.__getitem__):
                number = waiting.pop(task)
                try:
                    reply = task.result()
                except StopAsyncIteration:
                    continue
                yield number, reply
                waiting[asyncio.ensure_future(anext(iterators[number]))] = number
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
