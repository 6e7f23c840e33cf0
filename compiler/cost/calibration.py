"""The cost model: how long the engine takes for what a program asks of it, in seconds.

A prefill of n tokens, of which some are cached, takes ``a + b * (n - cached)``; a decode step of B
streams takes ``c + d * B``; every call takes ``h`` on top, for text, scheduling and dataflow; a
tool takes what it takes. The numbers belong to one machine and one model.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

VERSION: Final = 1


class CalibrationError(ValueError):
    """Data that should be a calibration is none; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The constants of the model, all in seconds.

    ``prefill_s`` (a) and ``prefill_token_s`` (b): a prefill, and each token of it that is not
    cached. ``step_s`` (c) and ``step_stream_s`` (d): a decode step, and each stream in it.
    ``call_s`` (h): a model call. ``tool_s``: a tool that nobody has timed. ``model`` and
    ``machine`` say whose they are; without a machine they are guesses, see ``is_calibrated``.

    Raises:
        CalibrationError: a constant is negative or not finite.
    """

    prefill_s: float
    prefill_token_s: float
    step_s: float
    step_stream_s: float
    call_s: float
    tool_s: float = 0.1
    model: str = ""
    machine: str = ""

    def __post_init__(self) -> None:
        for name in CONSTANTS:
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_number or not 0 <= value < math.inf:
                raise CalibrationError(f"{name} must be a time of 0 s or more, not {value!r}")

    @property
    def is_calibrated(self) -> bool:
        """Whether the constants were measured."""
        return bool(self.machine)

    def prefill(self, num_tokens: float, cached: float = 0) -> float:
        """Seconds to prefill a prompt."""
        return self.prefill_s + self.prefill_token_s * max(num_tokens - cached, 0)

    def step(self, num_streams: float) -> float:
        """Seconds of a decode step; each of its streams gets one token."""
        return self.step_s + self.step_stream_s * num_streams

    def decode(self, num_tokens: float, num_streams: float = 1) -> float:
        """Seconds until ``num_streams`` streams that decode side by side have their tokens."""
        return num_tokens * self.step(num_streams)

    def to_data(self) -> dict[str, Any]:
        """Return the calibration as JSON-able data."""
        return {"version": VERSION, **asdict(self)}


CONSTANTS: Final = tuple(f.name for f in fields(Calibration) if f.name.endswith("_s"))
"""The names of the constants."""

UNCALIBRATED: Final = Calibration(
    prefill_s=2e-3, prefill_token_s=5e-5, step_s=2e-3, step_stream_s=2e-4, call_s=5e-4
)
"""Orders of magnitude of a small model on a CPU, for machines that were not measured."""


def from_data(data: Any) -> Calibration:
    """Read what ``Calibration.to_data`` has written.

    Raises:
        CalibrationError: it is something else.
    """
    if not isinstance(data, Mapping):
        raise CalibrationError("a calibration is an object")
    if data.get("version") != VERSION:
        raise CalibrationError(f"its version is {data.get('version')!r}, not {VERSION}")
    names = {f.name for f in fields(Calibration)}
    given = {key: value for key, value in data.items() if key != "version"}
    if given.keys() != names:
        wrong = sorted(given.keys() ^ names)
        raise CalibrationError(f"it has no {wrong[0]!r}" if wrong[0] in names else f"{wrong[0]!r}?")
    for name in ("model", "machine"):
        if not isinstance(given[name], str):
            raise CalibrationError(f"{name} must be a text, not {given[name]!r}")
    return Calibration(**given)
