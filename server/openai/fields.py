"""The fields that completions and chat completions share: how to sample, when to stop, what for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from sglc.constraints.types import Type
from sglc.runtime.core.sampling import SamplingParams
from sglc.server.constraints import constraint_of
from sglc.server.errors import ApiError, bad_request
from sglc.server.http.body import Body, OnlyFalse, OnlyTrue
from sglc.server.sampling import sampling_of, stops_of, token_ids_of

MAX_SAMPLES = 128
_NUMBERS = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
)


def _refuse(value: object) -> object:
    if value is not None:
        raise ValueError("is not supported by this server: leave it out")
    return value


Refused = Annotated[None, BeforeValidator(_refuse)]
"""A field of the original that is named, so that its refusal is clear."""


class StreamOptions(Body):
    """``stream_options``: ``include_usage`` asks for a last chunk that holds nothing but the usage,
    ``continuous_usage_stats`` for the usage so far in every chunk. Chunks are not padded."""

    include_usage: bool = False
    include_obfuscation: OnlyFalse = False
    continuous_usage_stats: bool = False


class SamplingFields(Body):
    """How to sample.

    ``model`` may be any name and is echoed. What has another service group, cache or log requests
    (``user``, ``safety_identifier``, ``prompt_cache_key``, …) means nothing here, where every
    prompt is cached and no request is kept; so ``store`` may be false only.
    """

    model: str = Field(default="default", max_length=1024)
    n: int | None = Field(default=None, ge=1, le=MAX_SAMPLES)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, float] | None = Field(default=None, max_length=1024)
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    store: OnlyFalse | None = None
    metadata: dict[str, str] | None = Field(default=None, max_length=16)
    service_tier: Literal["auto", "default"] | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None

    top_k: int | None = None
    min_p: float | None = None
    min_tokens: int | None = Field(default=None, ge=0)
    repetition_penalty: float | None = None
    stop_token_ids: list[int] | None = Field(default=None, max_length=1024)
    ignore_eos: bool = False
    no_stop_trim: bool = False
    skip_special_tokens: OnlyTrue = True
    regex: str | None = None
    ebnf: str | None = None

    @property
    def num_choices(self) -> int:
        """How many answers are asked for."""
        return 1 if self.n is None else self.n

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop texts.

        Raises:
            ApiError: one is empty, or there are too many.
        """
        return stops_of(self.stop)

    @property
    def given_seed(self) -> int | None:
        """The seed as a number from 0 on."""
        return None if self.seed is None else self.seed % 2**64

    @property
    def includes_usage(self) -> bool:
        """Whether a stream ends with the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def counts_usage(self) -> bool:
        """Whether every chunk of a stream has the usage so far."""
        return self.stream_options is not None and self.stream_options.continuous_usage_stats

    def check_stream(self) -> None:
        """Refuse options of a stream where there is none.

        Raises:
            ApiError: there are some.
        """
        if self.stream_options is not None and not self.stream:
            raise bad_request("stream_options goes with `stream: true` only", "stream_options")

    def sampling(self, default_temperature: float, vocab_size: int) -> SamplingParams:
        """Return the parameters of a decode.

        Raises:
            ApiError: one is out of its range; names the field.
        """
        given = {name: value for name in _NUMBERS if (value := getattr(self, name)) is not None}
        given.setdefault("temperature", default_temperature)
        return sampling_of(
            vocab_size=vocab_size,
            **given,
            min_new_tokens=self.min_tokens or 0,
            logit_bias=self.logit_bias,
            names={"min_new_tokens": "min_tokens"},
        )

    def stop_ids(self, vocab_size: int) -> frozenset[int]:
        """Return the ids that end an answer.

        Raises:
            ApiError: one is no token.
        """
        return frozenset(token_ids_of(self.stop_token_ids or (), vocab_size, "stop_token_ids"))

    @property
    def constraint_field(self) -> str | None:
        """The field that holds the text to something, if one does."""
        names = ("regex", "ebnf", "json_schema", "response_format")
        return next((n for n in names if getattr(self, n, None) is not None), None)

    def own_constraint(self, json_schema: str | dict[str, Any] | None = None) -> Type | None:
        """Return what ``regex``, ``ebnf`` and ``json_schema`` hold the text to.

        Raises:
            ApiError: there is more than one, or the schema is no JSON object.
        """
        return constraint_of(regex=self.regex, ebnf=self.ebnf, json_schema=json_schema)


def blamed(error: ApiError, field: str | None) -> ApiError:
    """Return an error of the engine that names the field whose constraint it found wrong."""
    if field is None or error.status != 400 or error.param is not None:
        return error
    return ApiError(400, f"{field}: {error.message}", param=field)


def check_least(sampling: SamplingParams, max_tokens: int) -> None:
    """Refuse more tokens at least than there may be at most.

    Raises:
        ApiError: names both numbers.
    """
    if sampling.min_new_tokens > max_tokens:
        raise bad_request(
            f"min_tokens is {sampling.min_new_tokens}, and there is room for {max_tokens} tokens",
            "min_tokens",
        )
