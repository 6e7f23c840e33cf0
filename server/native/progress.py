"""The outputs of a request as they come, whichever of its prompts is faster."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

from sglc.server.engine.job import Job
from sglc.server.engine.merging import merged
from sglc.server.engine.messages import Finished, Sampled, Written
from sglc.server.errors import ApiError
from sglc.server.native.output import Output
from sglc.server.native.prompt import Prompt
from sglc.server.native.sessions import Session
from sglc.server.operations.tenant import Tenant
from sglc.server.service import Service

ABORTED = "the request was aborted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that runs: ``outputs`` are those of ``prompts``, prompt by prompt.

    ``session`` remembers its only prompt, behind the request ``before``.
    """

    service: Service
    tenant: Tenant
    prompts: Sequence[Prompt]
    outputs: Sequence[Output]
    is_list: bool
    session: Session | None = None
    before: str | None = None


async def progress(asked: Asked) -> AsyncGenerator[Output]:
    """Run prompts, and yield an output whenever there is more of it.

    Closing the iterator ends the jobs.

    Raises:
        ApiError: one of them cannot be served; the others are ended.
    """
    service, tenant = asked.service, asked.tenant.name
    service.engine.check_size(each.generation for each in asked.prompts if each.generation)
    of_job: list[Sequence[Output]] = []
    jobs: list[Job] = []
    async with AsyncExitStack() as stack:
        turn = None
        if asked.session is not None:
            (prompt,) = asked.prompts
            rid = prompt.item.rids[0]
            turn = stack.enter_context(asked.session.running(rid, asked.before, prompt.ids))
        at = 0
        for prompt in asked.prompts:
            own = asked.outputs[at : at + len(prompt.item.rids)]
            at += len(own)
            if prompt.generation is None:
                for output in own:
                    if not output.is_over:
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
            if isinstance(reply, ApiError):
                raise reply
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
        if turn is not None:
            turn.output = asked.outputs[0].ids
