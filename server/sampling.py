"""Sampling fields of requests, whatever their dialect calls them, made into what the engine takes.

Every mistake is a 400 that names the field as the dialect spells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sglc.runtime.core.sampling import SamplingParams
from sglc.server.errors import ApiError, bad_request

MAX_STOPS = 128
MAX_STOP_CHARS = 4096


def sampling_of(
    *,
    vocab_size: int,
    temperature: float = 1.0,
    top_p: float = 1.0,
    top_k: int = -1,
    min_p: float = 0.0,
    frequency_penalty: float = 0.0,
    presence_penalty: float = 0.0,
    repetition_penalty: float = 1.0,
    min_new_tokens: int = 0,
    logit_bias: Mapping[str, float] | None = None,
    place: str = "",
    names: Mapping[str, str] | None = None,
) -> SamplingParams:
    """Return the parameters of a decode, each in its range.

    ``place`` stands before the names of fields in errors (``sampling_params.``); ``names`` says
    what a dialect calls a field that has another name there (``min_new_tokens``: ``min_tokens``).

    Raises:
        ApiError: 400, with the field and its range.
    """
    names = names or {}
    for name, value in (
        ("frequency_penalty", frequency_penalty),
        ("presence_penalty", presence_penalty),
    ):
        if not -2 <= value <= 2:
            field = place + names.get(name, name)
            raise bad_request(f"{field} must be in [-2, 2], not {value!r}", field)
    bias = _bias(logit_bias or {}, vocab_size, place + names.get("logit_bias", "logit_bias"))
    try:
        return SamplingParams(
            temperature=temperature,
            top_p=top_p,
            top_k=min(top_k, vocab_size),
            min_p=min_p,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            repetition_penalty=repetition_penalty,
            min_new_tokens=min_new_tokens,
            logit_bias=bias,
        )
    except ValueError as error:
        name, _, rest = str(error).partition(" ")
        field = place + names.get(name, name)
        raise bad_request(f"{field} {rest}", field) from None


def stops_of(stop: str | Sequence[str] | None, field: str = "stop") -> tuple[str, ...]:
    """Return stop strings, each once.

    Raises:
        ApiError: 400: one is empty, too long, or there are too many.
    """
    stops = (stop,) if isinstance(stop, str) else tuple(dict.fromkeys(stop or ()))
    if len(stops) > MAX_STOPS:
        raise bad_request(f"{field} has {len(stops)} strings; at most {MAX_STOPS} are taken", field)
    for text in stops:
        if not text:
            raise bad_request(f"{field} must not hold an empty string", field)
        if len(text) > MAX_STOP_CHARS:
            raise bad_request(
                f"{field} has a string of {len(text)} characters; at most {MAX_STOP_CHARS} fit",
                field,
            )
    return stops


def token_ids_of(ids: Sequence[int], vocab_size: int, field: str) -> tuple[int, ...]:
    """Return token ids of a request.

    Raises:
        ApiError: 400: one is no token of the model.
    """
    for at, token in enumerate(ids):
        if not 0 <= token < vocab_size:
            raise bad_request(
                f"{field}[{at}] is {token}; the model's tokens are 0 to {vocab_size - 1}", field
            )
    return tuple(ids)


def check_room(num_tokens: int, max_context: int, field: str) -> None:
    """Refuse a prompt behind which nothing fits.

    Raises:
        ApiError: 400, with both numbers.
    """
    if num_tokens >= max_context:
        raise ApiError(
            400,
            f"the prompt has {num_tokens} tokens; the model's context of {max_context} holds a "
            f"prompt of at most {max_context - 1}: shorten it",
            param=field,
            code="context_length_exceeded",
        )


def fitting(max_new_tokens: int | None, num_prompt_tokens: int, max_context: int) -> int:
    """Return how many tokens may be written: what is asked for, as far as the context has room.

    None asks for all that fit.
    """
    room = max_context - num_prompt_tokens
    return room if max_new_tokens is None else min(max_new_tokens, room)


def _bias(given: Mapping[str, float], vocab_size: int, field: str) -> tuple[tuple[int, float], ...]:
    bias: dict[int, float] = {}
    for key, value in given.items():
        if not key.isascii() or not key.isdigit() or len(key) > 10:
            raise bad_request(f"{field} has the key {key!r}; keys are token ids", field)
        token = int(key)
        if token >= vocab_size:
            raise bad_request(
                f"{field} has the token {token}; the model's tokens are 0 to {vocab_size - 1}",
                field,
            )
        if not -100 <= value <= 100:
            raise bad_request(f"{field}.{key} must be in [-100, 100], not {value!r}", field)
        bias[token] = float(value)
    return tuple(bias.items())
