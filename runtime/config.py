"""Configuration of the runtime: frozen, checked, the only place that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

_PREFIX = "SGLC_"

SchedulePolicy = Literal["fcfs", "lpm", "dfs-weight", "random"]
SCHEDULE_POLICIES: tuple[SchedulePolicy, ...] = get_args(SchedulePolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Limits of the scheduler; no limit changes what a stream generates.

    Attributes:
        max_running: streams that run at once.
        max_prefill_tokens: prompt tokens computed in one step, over all streams.
        chunk_size: prompt tokens of one stream computed in one step.
        mask_cache_mib: memory for token masks, in MiB.
        schedule_policy: in which order streams of one priority are admitted: as they came, by
            the longest cached prefix, branch by branch of the cache, or at random
            (scheduler/policy.py).
        radix_cache: K/V is found again by other streams; without it each computes its own.
        jump_forward: text that a constraint forces is appended at once, not token by token; the
            one field that may change a text: forced text is cut into tokens as the tokenizer does.

    Raises:
        ValueError: a field is below 1, no policy, or of another type; the message names it.
    """

    max_running: int = 256
    max_prefill_tokens: int = 8192
    chunk_size: int = 2048
    mask_cache_mib: int = 64
    schedule_policy: SchedulePolicy = "fcfs"
    radix_cache: bool = True
    jump_forward: bool = True

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if type(item.default) is bool:
                if type(value) is not bool:
                    raise ValueError(f"{item.name} must be True or False, not {value!r}")
            elif item.name == "schedule_policy":
                if value not in SCHEDULE_POLICIES:
                    known = ", ".join(SCHEDULE_POLICIES)
                    raise ValueError(f"{item.name} must be one of {known}, not {value!r}")
            elif type(value) is not int or value < 1:
                raise ValueError(f"{item.name} must be a whole number above 0, not {value!r}")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> EngineConfig:
        """Read ``SGLC_MAX_RUNNING`` and so on; what is not set keeps its default.

        A number is written in digits, a switch is 1 or 0, a policy is its name.

        Raises:
            ValueError: a value is none of these; the message names the variable.
        """
        values: dict[str, Any] = {}
        for item in fields(cls):
            name = _PREFIX + item.name.upper()
            text = env.get(name)
            if text is None:
                continue
            if type(item.default) is bool:
                if text not in ("0", "1"):
                    raise ValueError(f"{name} must be 0 or 1, not {text!r}")
                values[item.name] = text == "1"
                continue
            if item.name == "schedule_policy":
                if text not in SCHEDULE_POLICIES:
                    known = ", ".join(SCHEDULE_POLICIES)
                    raise ValueError(f"{name} must be one of {known}, not {text!r}")
                values[item.name] = text
                continue
            if not text.isascii() or not text.isdigit() or int(text) < 1:
                raise ValueError(f"{name} must be a whole number above 0, not {text!r}")
            values[item.name] = int(text)
        return cls(**values)


def first_set(*names: str, env: Mapping[str, str] = os.environ) -> str | None:
    """Return what the first of some variables that is set says; None if none is."""
    return next((env[name] for name in names if env.get(name)), None)


def cache_folder(env: Mapping[str, str] = os.environ) -> Path | None:
    """Where constraints are kept between runs; None for nowhere.

    ``SGLC_CACHE_DIR``, and nowhere if that is set to nothing; else ``sglc`` in ``XDG_CACHE_HOME``
    or in ``.cache`` of the home directory.
    """
    own = env.get(_PREFIX + "CACHE_DIR")
    if own is not None:
        return Path(own) if own else None
    xdg = env.get("XDG_CACHE_HOME", "")
    if Path(xdg).is_absolute():  # the specification says to ignore any other
        return Path(xdg) / "sglc"
    home = env.get("HOME", "")
    return Path(home) / ".cache" / "sglc" if Path(home).is_absolute() else None
