"""The body of a completion, and the generations that it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from sglc.constraints.types import Type
from sglc.runtime.core.sampling import SamplingParams
from sglc.server.engine.messages import Generation
from sglc.server.errors import ApiError
from sglc.server.http.body import ReplyBody
from sglc.server.openai.fields import MAX_SAMPLES, Refused, SamplingFields, blamed, check_least
from sglc.server.openai.limits import within_limits
from sglc.server.openai.logprobs import (
    TextOffsets,
    TokenLogprob,
    TokenNames,
    completion_logprobs,
)
from sglc.server.openai.prompts import Prompt, Prompts, prompts_of
from sglc.server.openai.replies import UsageReply
from sglc.server.operations.tenant import Tenant
from sglc.server.sampling import fitting
from sglc.server.service import Service

DEFAULT_TEMPERATURE = 1.0
DEFAULT_MAX_TOKENS = 16
MAX_LOGPROBS = 5


class CompletionBody(SamplingFields):
    """The body of ``/v1/completions``.

    Names of special tokens in a prompt are those tokens. ``max_tokens`` 0 goes with ``echo``: the
    reply is then the prompt, and its log probabilities if they are asked for.
    """

    prompt: Prompts
    max_tokens: int | None = Field(default=None, ge=0)
    best_of: int | None = Field(default=None, ge=1, le=MAX_SAMPLES)
    echo: bool | None = None
    logprobs: int | None = Field(default=None, ge=0, le=MAX_LOGPROBS)
    suffix: Refused = None
    json_schema: str | dict[str, Any] | None = None

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.best_of is not None:
            if self.best_of < self.num_choices:
                raise ValueError(f"best_of ({self.best_of}) must be at least n ({self.n})")
            if self.stream and self.best_of > self.num_choices:
                raise ValueError("best_of is known at the end only: it does not go with stream")
        if self.max_tokens == 0 and not self.echo:
            raise ValueError("max_tokens 0 goes with echo only: there would be nothing to say")
        return self

    @property
    def num_samples(self) -> int:
        """How many texts are written for each prompt."""
        return self.best_of or self.num_choices


class CompletionLogprobs(ReplyBody):
    """One entry per token. A first token of all has no log probability."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None] | None
    text_offset: list[int]


class CompletionChoice(ReplyBody):
    """One text; those of the first prompt come first."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None
    finish_reason: Literal["stop", "length"]
    matched_stop: str | int | None


class CompletionReply(ReplyBody):
    """The reply of ``/v1/completions``."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: UsageReply


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a body asks for, all of it found right. ``max_tokens`` is one limit for each prompt."""

    body: CompletionBody
    names: TokenNames
    prompts: Sequence[Prompt]
    max_tokens: Sequence[int]
    sampling: SamplingParams
    seed: int
    stops: tuple[str, ...]
    stop_ids: frozenset[int]
    constraint: Type | None

    @property
    def writes(self) -> bool:
        """Whether there is anything to write."""
        return any(self.max_tokens)

    @property
    def scores_prompts(self) -> bool:
        """Whether the log probabilities of the prompts are part of the reply."""
        return bool(self.body.echo) and self.body.logprobs is not None

    def blamed(self, error: ApiError) -> ApiError:
        """Return an error that names the field whose constraint the engine found wrong."""
        return blamed(error, self.body.constraint_field)

    def generations(self, *, deltas: bool, scored: bool) -> list[Generation]:
        """Return one generation for each prompt; with ``scored`` also its log probabilities."""
        num_logprobs = self.body.logprobs
        if num_logprobs is None and self.body.num_samples > self.body.num_choices:
            num_logprobs = 0  # by which the best are chosen
        return [
            Generation(
                ids=prompt.ids,
                max_tokens=max_tokens,
                sampling=self.sampling,
                seed=self.seed,
                num_samples=self.body.num_samples,
                stop=self.stops,
                stop_ids=self.stop_ids,
                ignore_eos=self.body.ignore_eos,
                constraint=self.constraint,
                num_logprobs=num_logprobs,
                prompt_logprobs_from=1 if scored and len(prompt.ids) > 1 else None,
                num_prompt_top=self.body.logprobs or 0,
                deltas=deltas,
            )
            for prompt, max_tokens in zip(self.prompts, self.max_tokens, strict=True)
        ]

    def scorings(self) -> list[Generation]:
        """Return what computes the log probabilities of each prompt and writes nothing."""
        return [
            Generation(
                ids=prompt.ids,
                max_tokens=0,
                prompt_logprobs_from=1 if len(prompt.ids) > 1 else None,
                num_prompt_top=self.body.logprobs or 0,
            )
            for prompt in self.prompts
        ]

    def logprobs(
        self, tokens: Sequence[TokenLogprob], offsets: TextOffsets
    ) -> dict[str, Any] | None:
        """Return ``logprobs`` of the tokens of a text that come next."""
        if self.body.logprobs is None:
            return None
        return completion_logprobs(self.names, tokens, offsets, self.body.logprobs)


async def asked_of(service: Service, tenant: Tenant, body: CompletionBody) -> Asked:
    """Return what a body asks for.

    Raises:
        ApiError: a field is wrong, or a prompt does not fit; names the field.
    """
    body.check_stream()
    ready = service.engine.ready
    assert ready is not None
    sampling = body.sampling(DEFAULT_TEMPERATURE, ready.vocab_size)
    stops, stop_ids = body.stops, body.stop_ids(ready.vocab_size)
    constraint = body.own_constraint(body.json_schema)
    prompts = await prompts_of(service, body.prompt, "prompt", specials=True)
    wanted = DEFAULT_MAX_TOKENS if body.max_tokens is None else body.max_tokens
    num_texts = body.num_samples * len(prompts)
    wanted = within_limits(tenant, wanted, num_texts, is_given=body.max_tokens is not None)
    limits = [fitting(wanted, len(prompt.ids), service.max_context) for prompt in prompts]
    check_least(sampling, min(limits))
    return Asked(
        body=body,
        names=TokenNames(service.files.tokenizer),
        prompts=prompts,
        max_tokens=limits,
        sampling=sampling,
        seed=service.draw_seed(body.given_seed),
        stops=stops,
        stop_ids=stop_ids,
        constraint=constraint if wanted else None,
    )
