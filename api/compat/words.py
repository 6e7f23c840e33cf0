"""The words of a program in the order of arguments that SGLang gives them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Never

from sglc.program import expressions, primitives
from sglc.program.expressions import Expr, Peek
from sglc.program.gen_options import options_of, refuse_unknown
from sglc.program.places import caller_place


def gen(
    name: str | None = None,
    max_tokens: int | None = None,
    min_tokens: int | None = None,
    stop: str | Sequence[str] | None = None,
    stop_token_ids: Sequence[int] | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    ignore_eos: bool | None = None,
    return_logprob: bool | None = None,
    logprob_start_len: int | None = None,
    top_logprobs_num: int | None = None,
    return_text_in_logprobs: bool | None = None,
    dtype: type | str | None = None,
    choices: Sequence[str] | None = None,
    choices_method: Any = None,
    regex: str | None = None,
    json_schema: str | None = None,
    *,
    n: int | None = None,
    **unknown: Never,
) -> Expr:
    """Let the model write; see ``sglc.gen``. A ``dtype`` goes before a ``regex``, with a warning.

    With 0 ``max_tokens`` there is no text; its ``meta_info`` has what might come next.

    Raises:
        ValueError: a value is out of its range, or a pattern or schema is wrong.
        TypeError: a value is of the wrong type, or there is no such option.
    """
    refuse_unknown(gen, unknown)
    if choices:
        return select(name, choices, temperature or 0.0, choices_method)
    if max_tokens == 0:
        asked = {
            "return_logprob": return_logprob,
            "logprob_start_len": logprob_start_len,
            "top_logprobs_num": top_logprobs_num,
            "return_text_in_logprobs": return_text_in_logprobs,
        }
        return Peek(name, options_of(asked), caller_place())
    if dtype is not None and regex is not None:
        message = f"both dtype and regex are set; only dtype is used: {dtype}, not {regex}"
        warnings.warn(message, stacklevel=2)
        regex = None
    return primitives.gen(
        name,
        max_tokens=max_tokens,
        min_tokens=min_tokens,
        n=n,
        stop=stop,
        stop_token_ids=stop_token_ids,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        min_p=min_p,
        frequency_penalty=frequency_penalty,
        presence_penalty=presence_penalty,
        ignore_eos=ignore_eos,
        return_logprob=return_logprob,
        logprob_start_len=logprob_start_len,
        top_logprobs_num=top_logprobs_num,
        return_text_in_logprobs=return_text_in_logprobs,
        dtype=dtype,
        regex=regex,
        json_schema=json_schema,
    )


def gen_int(
    name: str | None = None,
    max_tokens: int | None = None,
    stop: str | Sequence[str] | None = None,
    *args: Any,
    **options: Any,
) -> Expr:
    """Let the model write an integer; ``s[name]`` is its text."""
    return _typed(int, name, max_tokens, stop, args, options)


def gen_string(
    name: str | None = None,
    max_tokens: int | None = None,
    stop: str | Sequence[str] | None = None,
    *args: Any,
    **options: Any,
) -> Expr:
    """Let the model write a text in double quotes; ``s[name]`` is that, quotes included."""
    return _typed(str, name, max_tokens, stop, args, options)


def _typed(
    dtype: type,
    name: str | None,
    max_tokens: int | None,
    stop: Any,
    args: tuple[Any, ...],
    options: dict[str, Any],
) -> Expr:
    return gen(name, max_tokens, None, stop, *args, **primitives.with_dtype(dtype, options))


def select(
    name: str | None = None,
    choices: Sequence[str] | None = None,
    temperature: float = 0.0,
    choices_method: Any = None,
) -> Expr:
    """Append the choice that the model finds most probable there; see ``sglc.select``."""
    near_zero = 1e-5  # SGLang takes that for 0
    given = 0.0 if 0 < temperature <= near_zero else temperature
    method = None if choices_method is None else str(choices_method)
    return primitives.select(name, choices, given, method)


def image(expr: Any) -> Expr:
    """An image: a path, a URL, or the bytes of a file."""
    return primitives.image(expr)


def video(path: str, num_frames: int) -> Expr:
    """A video, of which evenly spaced frames are shown to the model."""
    return primitives.video(path, num_frames)


def _message(role: str, expr: Any) -> Expr:
    return expressions.role(role, "" if expr is None else expr)


def system(expr: Any = None) -> Expr:
    """A message of the system; an empty one without content."""
    return _message("system", expr)


def user(expr: Any = None) -> Expr:
    """A message of the user; an empty one without content."""
    return _message("user", expr)


def assistant(expr: Any = None) -> Expr:
    """A message of the assistant; an empty one without content."""
    return _message("assistant", expr)
