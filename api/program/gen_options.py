"""The options of a model call: checked when they are given, completed by those of the run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from inspect import signature
from operator import index
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sglc.compiler.diagnostics.suggest import meant

if TYPE_CHECKING:
    from sglc.backends.backend import Seam
    from sglc.constraints.types import Type

_MOST_CALLS: Final = 256
"""Calls that the options of a run remember."""


class CallOptions(NamedTuple):
    """All options of a call, and the attributes that its op has by them."""

    options: Mapping[str, Any]
    attrs: tuple[tuple[str, Any], ...]


class RunOptions(dict[str, Any]):
    """The options of a run: what its calls that say nothing else have. They do not change.

    What they make of a call is remembered, so that a call in a loop, or of many rows with the same
    options, is completed once.
    """

    __slots__ = ("_calls",)

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__(options)
        self._calls: dict[tuple[Any, ...], CallOptions] = {}

    def of_call(
        self, name: str | None, given: Mapping[str, Any], seam: Seam, *, show: bool
    ) -> CallOptions:
        """Return what a call of that name has that was ``given`` some options.

        Raises:
            ValueError: an option means nothing beside the others.
        """
        key = (name, seam, show, *given.items())
        found = self._calls.get(key)
        if found is None:
            options = completed(self, given)
            attrs = {"name": name or "", **gen_attrs(options, seam)}
            if show:
                attrs["show"] = True
            if len(self._calls) >= _MOST_CALLS:
                self._calls.clear()
            found = self._calls[key] = CallOptions(options, tuple(attrs.items()))
        return found


RUN_DEFAULTS: Final = RunOptions(
    {
        "max_tokens": 128,
        "stop": (),
        "stop_token_ids": (),
        "temperature": 1.0,
        "top_p": 1.0,
        "top_k": -1,
        "min_p": 0.0,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "repetition_penalty": 1.0,
        "min_tokens": 0,
        "ignore_eos": False,
        "return_logprob": None,
        "logprob_start_len": None,
        "top_logprobs_num": None,
        "return_text_in_logprobs": None,
        "healing": False,
        "n": None,
        "num_api_spec_tokens": None,
    }
)
"""What holds where neither the call nor the run says something else."""

RUN_NAMES: Final = {
    "max_new_tokens": "max_tokens",
    "min_new_tokens": "min_tokens",
    **{name: name for name in RUN_DEFAULTS if name not in ("max_tokens", "n", "healing")},
}
"""Options of a run by the names it takes, with the names they have in a call."""

LOGPROBS: Final = (
    "return_logprob",
    "logprob_start_len",
    "top_logprobs_num",
    "return_text_in_logprobs",
)
"""The options that ask what the model thinks of tokens."""

ATTRS: Final = {
    "stop_token_ids": "stop_ids",
    "top_logprobs_num": "top_logprobs",
    "return_logprob": "logprob",
    "logprob_start_len": "logprob_start",
    "return_text_in_logprobs": "logprob_text",
}
"""Options whose attribute of an op has another name."""

_RANGES: Final[Mapping[str, tuple[float, float, str]]] = {
    "max_tokens": (1, 2**31, "at least 1"),
    "min_tokens": (0, 2**31, "at least 0"),
    "n": (1, 4096, "from 1 to 4096"),
    "temperature": (0, 1e6, "at least 0"),
    "top_p": (1e-12, 1, "in (0, 1]"),
    "min_p": (0, 1, "in [0, 1]"),
    "frequency_penalty": (-2, 2, "in [-2, 2]"),
    "presence_penalty": (-2, 2, "in [-2, 2]"),
    "repetition_penalty": (1e-12, 2, "in (0, 2]"),
    "top_logprobs_num": (0, 1000, "from 0 to 1000"),
    "num_api_spec_tokens": (1, 2**31, "at least 1"),
    "logprob_start_len": (-1, 2**31, "at least -1"),
}
_INTEGERS: Final = frozenset(
    {
        "max_tokens",
        "min_tokens",
        "n",
        "top_k",
        "top_logprobs_num",
        "logprob_start_len",
        "num_api_spec_tokens",
    }
)
_FLAGS: Final = frozenset({"ignore_eos", "return_logprob", "return_text_in_logprobs", "healing"})
_DTYPE_OPTIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "int": {"stop": (" ", "\n")},
    "float": {"stop": (" ", "\n")},
}


def options_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are not None, checked.

    Raises:
        TypeError: a value is of the wrong type; the message names the option.
        ValueError: a value is out of its range; the message names the option.
    """
    return {name: _checked(name, value) for name, value in given.items() if value is not None}


def run_options(given: Mapping[str, Any]) -> RunOptions:
    """Return the options of a run that was ``given`` some: of the same ones the same object."""
    return _run_options(tuple(given.items()))


@lru_cache(maxsize=256)
def _run_options(given: tuple[tuple[str, Any], ...]) -> RunOptions:
    return RunOptions({**RUN_DEFAULTS, **dict(given)})


def seed_of(given: object) -> int:
    """Return the seed of a run; 0 if none was given.

    Raises:
        TypeError: it is no whole number.
    """
    if given is None:
        return 0
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise TypeError(f"seed must be a whole number, not {given!r}")
    return index(given)


def refuse_unknown(word: Callable[..., Any], unknown: Iterable[str]) -> None:
    """Refuse options that a word does not have.

    Raises:
        TypeError: there is one; the message says what may have been meant.
    """
    for name in unknown:
        known = [each for each in signature(word).parameters if each != "unknown"]
        hint = meant(name, known, f"it takes {', '.join(known)}")
        raise TypeError(f"{word.__name__} has no option `{name}`: {hint}")


def flag_of(name: str, given: object) -> bool:
    """Return a truth value that was given for ``name``.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(given, bool):
        raise TypeError(f"{name} must be True or False, not {given!r}")
    return given


def completed(run: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a call: those of the run, with what the call was given instead.

    Raises:
        ValueError: an option means nothing beside the others.
    """
    options = {**run, **given}
    if not options["return_logprob"]:
        for name in LOGPROBS[1:]:
            if options[name]:
                raise ValueError(f"{name} says nothing without return_logprob=True")
    if options["min_tokens"] > options["max_tokens"]:
        least, most = options["min_tokens"], options["max_tokens"]
        raise ValueError(f"min_tokens must be at most max_tokens, {most}, not {least}")
    return options


def gen_attrs(options: Mapping[str, Any], seam: Seam) -> dict[str, Any]:
    """Return the attributes of a ``gen`` op with these options; those that are None are left out.

    How many samples there are is no attribute.
    """
    attrs = {
        ATTRS.get(name, name): value
        for name, value in options.items()
        if value is not None and name != "n"
    }
    attrs |= {"rng": "stream", "jump": True}
    return {**attrs, "seam": "repair"} if seam == "repair" else attrs


def _checked(name: str, value: Any) -> Any:
    if name == "stop":
        texts = (value,) if isinstance(value, str) else value
        if not isinstance(texts, Sequence) or not all(isinstance(t, str) for t in texts):
            raise TypeError(f"stop must be a text or a list of texts, not {value!r}")
        if not all(texts):
            raise ValueError("stop must not hold an empty text")
        return tuple(texts)
    if name == "stop_token_ids":
        if not isinstance(value, Sequence) or not all(type(i) is int and i >= 0 for i in value):
            raise TypeError(f"stop_token_ids must be a list of token ids, not {value!r}")
        return tuple(value)
    if name in _FLAGS:
        return flag_of(name, value)
    wanted = "a whole number" if name in _INTEGERS else "a number"
    is_fit = isinstance(value, int) if name in _INTEGERS else isinstance(value, int | float)
    if not is_fit or isinstance(value, bool):
        raise TypeError(f"{name} must be {wanted}, not {value!r}")
    if name == "top_k":
        if value != -1 and value < 1:
            raise ValueError(f"top_k must be -1 or at least 1, not {value}")
        return value
    low, high, allowed = _RANGES[name]
    if not low <= value <= high:
        raise ValueError(f"{name} must be {allowed}, not {value}")
    return value


def constraint_of(
    *, regex: Any = None, json_schema: Any = None, dtype: Any = None, type_: Any = None
) -> tuple[Type | None, Mapping[str, Any]]:
    """Return what a text has to be, and the options that come with that.

    Raises:
        ValueError: a pattern or a schema is wrong, or two of them are given.
        TypeError: a value is of the wrong type, or no constraint stands for ``type_``.
    """
    given = {"regex": regex, "json_schema": json_schema, "dtype": dtype, "type": type_}
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise ValueError(f"{names[0]} and {names[1]} cannot both say what the text has to be")
    if not names:
        return None, {}
    from sglc import constraints

    if regex is not None:
        if not isinstance(regex, str):
            hint = ": give its .pattern" if isinstance(regex, re.Pattern) else ""
            raise TypeError(f"regex must be text, not {regex!r}{hint}")
        return constraints.regex(regex), {}
    if json_schema is not None:
        from sglc.constraints.types import Concat

        if not isinstance(json_schema, str | Mapping | bool):
            raise TypeError(
                f"json_schema must be text or a dict, not {json_schema!r}: a class goes with type="
            )
        # a text, as SGLang has it: type= makes objects
        return Concat((constraints.json_schema(json_schema),)), {}
    if dtype is not None:
        from sglc.constraints.dtypes import PATTERNS

        name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", repr(dtype))
        if name not in PATTERNS:
            raise ValueError(f"dtype must be int, float, str or bool, not {name}; see type=")
        return constraints.regex(PATTERNS[name]), _DTYPE_OPTIONS.get(name, {})
    from sglc.types import as_constraint

    return as_constraint(type_), {}
