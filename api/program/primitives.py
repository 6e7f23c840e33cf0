"""The words of a prompt program: ``gen``, ``select``, roles, ``image``, ``video``.

Each returns an expression; nothing happens until a state is appended with it.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Never

from sglc.program.expressions import (
    Expr,
    Gen,
    Media,
    Method,
    RoleEnd,
    Select,
    checked_choices,
    role,
)
from sglc.program.gen_options import constraint_of, options_of, refuse_unknown
from sglc.program.places import caller_place

_METHODS: Final = {
    "token_length_normalized": "token_avg",
    "greedy_token_selection": "greedy",
    "unconditional_likelihood_normalized": "unconditional",
}
"""The names that SGLang has for the methods of a choice."""


def gen(
    name: str | None = None,
    max_tokens: int | None = None,
    min_tokens: int | None = None,
    n: int | None = None,
    stop: str | Sequence[str] | None = None,
    stop_token_ids: Sequence[int] | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    top_k: int | None = None,
    min_p: float | None = None,
    frequency_penalty: float | None = None,
    presence_penalty: float | None = None,
    repetition_penalty: float | None = None,
    ignore_eos: bool | None = None,
    return_logprob: bool | None = None,
    logprob_start_len: int | None = None,
    top_logprobs_num: int | None = None,
    return_text_in_logprobs: bool | None = None,
    dtype: type | str | None = None,
    choices: Sequence[str] | None = None,
    choices_method: str | None = None,
    regex: str | None = None,
    json_schema: str | dict[str, Any] | None = None,
    type: Any = None,
    healing: bool | None = None,
    **unknown: Never,
) -> Expr:
    """Let the model write.

    Args:
        name: what the text is called: ``s[name]``.
        max_tokens: at most so many tokens; what is not given is taken from the run.
        choices: write the best of these texts, as ``select`` does.
        regex: the text has to match; the pattern is checked here.
        json_schema: the text has to be JSON of this schema, which is given as text or as a dict.
            ``s[name]`` is text too: ``type=constraints.json_schema(…)`` makes objects.
        dtype: ``int``, ``float``, ``str`` or ``bool``: the text has to be one; ``s[name]`` is text.
        type: a type of Python, such as ``list[int]``, a dataclass or a Pydantic model, or one of
            ``sglc.constraints``: ``s[name]`` is an object of it.
        healing: the last word of the prompt may become part of the first token.

    Raises:
        ValueError: a value is out of its range, a pattern or schema is wrong, two constraints are
            given, or an option says nothing beside ``choices``.
        TypeError: a value is of the wrong type, or there is no such option.
    """
    refuse_unknown(gen, unknown)
    _check_name(name)
    said = {
        "max_tokens": max_tokens,
        "min_tokens": min_tokens,
        "n": n,
        "stop": stop,
        "stop_token_ids": stop_token_ids,
        "top_p": top_p,
        "top_k": top_k,
        "min_p": min_p,
        "frequency_penalty": frequency_penalty,
        "presence_penalty": presence_penalty,
        "repetition_penalty": repetition_penalty,
        "ignore_eos": ignore_eos,
        "return_logprob": return_logprob,
        "logprob_start_len": logprob_start_len,
        "top_logprobs_num": top_logprobs_num,
        "return_text_in_logprobs": return_text_in_logprobs,
        "healing": healing,
    }
    if choices is not None:
        if temperature not in (None, 0, 0.0):
            raise ValueError(
                f"choices are scored, not sampled: temperature must be 0, not {temperature}"
            )
        _refuse_beside("choices", regex=regex, json_schema=json_schema, dtype=dtype, type=type)
        for option, value in said.items():
            if value is not None:
                raise ValueError(f"{option} says nothing beside choices: one of them is written")
        return select(name, choices, choices_method=choices_method)
    if choices_method is not None:
        raise ValueError("choices_method goes with choices")
    options = options_of({**said, "temperature": temperature})
    constraint, more = constraint_of(regex=regex, json_schema=json_schema, dtype=dtype, type_=type)
    return Gen(name, {**more, **options}, constraint, type, caller_place())


def gen_int(name: str | None = None, **options: Any) -> Expr:
    """Let the model write an integer; ``s[name]`` is its text."""
    return gen(name, **with_dtype(int, options))


def gen_string(name: str | None = None, **options: Any) -> Expr:
    """Let the model write a text in double quotes; ``s[name]`` is that, quotes included."""
    return gen(name, **with_dtype(str, options))


def with_dtype(dtype: builtins.type, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of a ``gen`` that has a ``dtype`` by its name.

    Raises:
        TypeError: another one is given.
    """
    if "dtype" in options:
        raise TypeError(f"dtype is {dtype.__name__} here: leave it out, or write gen(dtype=…)")
    return {**options, "dtype": dtype}


def select(
    name: str | None = None,
    choices: Sequence[str] | None = None,
    temperature: float = 0.0,
    choices_method: str | None = None,
    **unknown: Never,
) -> Expr:
    """Append the choice that the model finds most probable there.

    Raises:
        ValueError: there are no choices, the method is unknown, or the temperature is not 0.
        TypeError: the name or a choice is no text, or there is no such option.
    """
    refuse_unknown(select, unknown)
    _check_name(name)
    if temperature != 0:
        raise ValueError(
            f"choices are scored, not sampled: temperature must be 0, not {temperature}"
        )
    if choices is None:
        raise ValueError("select needs choices=[…]")
    return Select(name, checked_choices(choices), _method(choices_method), caller_place())


def _method(name: str | None) -> Method:
    """Return a method of choices by SGLang's name or by ours.

    Raises:
        ValueError: it is neither.
    """
    found = _METHODS.get(str(name), name) or "token_avg"
    if found not in _METHODS.values():
        known = ", ".join(_METHODS)
        raise ValueError(f"choices_method must be one of {known}, not {name!r}")
    return found  # type: ignore[return-value]  # it is one of the values


def image(source: str | Path | bytes) -> Expr:
    """An image: a path, a URL, or the bytes of a file."""
    return Media("image", source, place=caller_place())


def video(path: str | Path, num_frames: int) -> Expr:
    """A video, of which ``num_frames`` evenly spaced frames are shown to the model.

    Raises:
        ValueError: ``num_frames`` is below 1.
    """
    if num_frames < 1:
        raise ValueError(f"num_frames must be at least 1, not {num_frames}")
    return Media("video", path, num_frames, caller_place())


def system(content: object = ...) -> Expr:
    """A message of the system, or its beginning."""
    return role("system", content)


def user(content: object = ...) -> Expr:
    """A message of the user, or its beginning."""
    return role("user", content)


def assistant(content: object = ...) -> Expr:
    """A message of the assistant, or its beginning."""
    return role("assistant", content)


def system_begin() -> Expr:
    """The beginning of a message of the system."""
    return role("system")


def system_end() -> Expr:
    """The end of a message of the system."""
    return RoleEnd("system")


def user_begin() -> Expr:
    """The beginning of a message of the user."""
    return role("user")


def user_end() -> Expr:
    """The end of a message of the user."""
    return RoleEnd("user")


def assistant_begin() -> Expr:
    """The beginning of a message of the assistant."""
    return role("assistant")


def assistant_end() -> Expr:
    """The end of a message of the assistant."""
    return RoleEnd("assistant")


def _check_name(name: object) -> None:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"a name must be text, not {name!r}")


def _refuse_beside(first: str, **others: object) -> None:
    given = [name for name, value in others.items() if value is not None]
    if given:
        raise ValueError(f"{first} and {given[0]} cannot both say what the text has to be")


__all__ = [
    "assistant",
    "assistant_begin",
    "assistant_end",
    "gen",
    "gen_int",
    "gen_string",
    "image",
    "select",
    "system",
    "system_begin",
    "system_end",
    "user",
    "user_begin",
    "user_end",
    "video",
]
