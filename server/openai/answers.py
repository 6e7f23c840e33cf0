"""Answers: from what is asked to what the model says, whatever the dialect.

An answer is one generation, or several, one behind the other, where tools may be called: free text
up to the mark of a call, then the call, held to the schema of its tool, then maybe another one.
Whoever renders it sees events; the same ones whether they come one by one or all at the end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace

from sglc.constraints.types import Type
from sglc.server.engine.merging import generated
from sglc.server.engine.messages import Generation, Sampled, Written
from sglc.server.errors import ApiError
from sglc.server.openai.choices import AnswerEvent, Choice, Question
from sglc.server.openai.fields import blamed
from sglc.server.openai.logprobs import TokenNames
from sglc.server.service import Service


@dataclass(slots=True)
class Usage:
    """Tokens of a request so far; those of a prompt count once, whatever is made of it."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


async def answer(
    service: Service, names: TokenNames, question: Question, usage: Usage
) -> AsyncGenerator[AnswerEvent, None]:
    """Yield what the model answers; ``usage`` is kept up with it.

    Raises:
        ApiError: the request cannot be served.
    """
    ids = question.prompt.ids()
    usage.prompt_tokens += len(ids)
    calling = question.calling
    if calling is not None and not calling.is_forced and question.constraint is None:
        try:
            await _prepare(service, ids, calling.first(calling.form.behind_trigger))
        except ApiError as error:
            raise blamed(error, question.constraint_field) from None
    choices = [Choice(service, names, question, i) for i in range(question.num_choices)]
    begun = [each.begin() for each in choices]
    jobs = [(replace(begun[0], num_samples=len(choices)), choices)]
    cached: list[int] = []
    is_first = True
    while jobs:
        following: list[tuple[Generation, list[Choice]]] = []
        async with aclosing(generated(service.engine, [job[0] for job in jobs])) as replies:
            async for place, reply in replies:
                if isinstance(reply, Written):
                    usage.completion_tokens += len(reply.ids)
                    for event in jobs[place][1][reply.sample].take(reply):
                        yield event
                elif isinstance(reply, Sampled | ApiError):
                    if isinstance(reply, ApiError):
                        # what follows a first generation was found right: only room can be missing
                        if is_first or reply.status != 400:
                            raise blamed(reply, question.constraint_field)
                        choice, result = jobs[place][1][0], None
                    else:
                        choice, result = jobs[place][1][reply.sample], reply.result
                        cached.append(reply.stats.cached_tokens)
                        if result is not None and not question.streams:
                            usage.completion_tokens += len(result.ids)
                    for event in choice.end(result):
                        yield event
                    if choice.next is not None:
                        following.append((choice.next, [choice]))
        if is_first:
            usage.cached_tokens += min(cached)
        jobs, is_first = following, False


async def _prepare(service: Service, ids: tuple[int, ...], constraint: Type) -> None:
    """Refuse a constraint that cannot be one before anything is written; fill the cache.

    Raises:
        ApiError: it cannot be one.
    """
    generation = Generation(ids=ids, max_tokens=0, constraint=constraint)
    async with service.engine.generate(generation) as job:
        async for _ in job:
            pass
