"""Sampling parameters as fields of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sglc.runtime.core.sampling import SamplingParams

_DEFAULTS: Final = SamplingParams()
_ALWAYS: Final = ("temperature", "top_p")
_SAME: Final[Mapping[str, str]] = MappingProxyType({})


def sampling_data(
    sampling: SamplingParams, names: Iterable[str], renamed: Mapping[str, str] = _SAME
) -> dict[str, Any]:
    """Return those of the parameters ``names`` that are not the defaults, and what servers
    themselves have other defaults of; ``renamed`` are those with another name in the request."""
    found = {name: getattr(sampling, name) for name in sorted(names)}
    return {
        renamed.get(name, name): _value_of(name, value)
        for name, value in found.items()
        if name in _ALWAYS or value != getattr(_DEFAULTS, name)
    }


def _value_of(name: str, value: Any) -> Any:
    """Return a sampling parameter as JSON has it."""
    return {str(token): bias for token, bias in value} if name == "logit_bias" else value
