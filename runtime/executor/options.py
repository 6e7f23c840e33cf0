"""Options of a ``gen``: attributes, and operands known only at run time, which go first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from sglc.compiler.plan.data import describe
from sglc.compiler.plan.plan import Node
from sglc.compiler.plan.values import is_int, is_number
from sglc.runtime.core.sampling import FIELDS, SamplingParams
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.errors import OpError
from sglc.runtime.executor.frame import Frame

DEFAULT_MAX_TOKENS: Final = 128
_INTEGERS: Final = frozenset({"max_tokens", "top_k", "min_tokens"})


@dataclass(frozen=True, slots=True)
class GenOptions:
    """The options of one decode, checked."""

    max_tokens: int
    sampling: SamplingParams
    stop: tuple[str, ...]
    healing: bool = False

    def within(self, most: int | None) -> GenOptions:
        """The options, with what the type allows in tokens besides.

        Raises:
            OpError: it is less than ``min_tokens``.
        """
        if most is None or most >= self.max_tokens:
            return self
        if self.sampling.min_new_tokens > most:
            least = self.sampling.min_new_tokens
            raise OpError("option", f"`min_tokens` is {least}, but the type allows {most} tokens")
        return replace(self, max_tokens=most)


def gen_options(frame: Frame, node: NodeCode) -> GenOptions:
    """Return the options of a ``gen``; remembered on the node when none is known at run time only.

    Raises:
        OpError: an option has a value it cannot have.
    """
    if node.memo is not None:
        assert isinstance(node.memo, GenOptions)
        return node.memo
    given: dict[str, Any] = {}
    given.update((k, v) for k, v in node.attrs.items() if k in _NAMES)
    given.update((k, frame.values[slot]) for k, slot in node.kwargs if k in _NAMES)
    options = _checked(given)
    if all(key not in _NAMES for key, _ in node.kwargs):
        node.memo = options
    return options


def known_stop(node: Node) -> tuple[str, ...] | None:
    """The stop texts of a ``gen``; None if only the run can tell them."""
    if node.kwarg("stop") is not None:
        return None
    try:
        return _stop_texts(node.attrs.get("stop", ()))
    except OpError:
        return None  # told when the node runs


def _stop_texts(stop: object) -> tuple[str, ...]:
    texts = (stop,) if isinstance(stop, str) else stop
    if not isinstance(texts, list | tuple) or not all(isinstance(s, str) and s for s in texts):
        raise OpError("option", "`stop` must be texts that are not empty")
    return tuple(texts)


def _checked(given: dict[str, Any]) -> GenOptions:
    max_tokens = given.pop("max_tokens", DEFAULT_MAX_TOKENS)
    stop = _stop_texts(given.pop("stop", ()))
    healing = given.pop("healing", False)
    if not isinstance(healing, bool):
        raise OpError("option", f"`healing` must be true or false, not {describe(healing)}")
    for name, value in {"max_tokens": max_tokens, **given}.items():
        fits = is_int(value) if name in _INTEGERS else is_number(value)
        if not fits:
            kind = "an integer" if name in _INTEGERS else "a number"
            raise OpError("option", f"`{name}` must be {kind}, not {describe(value)}")
    if max_tokens < 1:
        raise OpError("option", f"`max_tokens` must be at least 1, not {max_tokens}")
    try:
        sampling = SamplingParams(**{FIELDS[name]: value for name, value in given.items()})
    except ValueError as error:
        raise OpError("option", str(error)) from None
    if sampling.min_new_tokens > max_tokens:
        raise OpError("option", f"`min_tokens` must be at most `max_tokens`, {max_tokens}")
    return GenOptions(max_tokens, sampling, stop, healing)


_NAMES: Final = frozenset({"max_tokens", "stop", "healing", *FIELDS})
