"""``global_config``: the settings of SGLang's frontend that mean something here."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

from sglc.backends import backend as backends

if TYPE_CHECKING:
    from sglc.backends.backend import Backend

_FIXED: Final = {
    "skip_special_tokens_in_output": (True, "what a model writes has no names of special tokens"),
    "spaces_between_special_tokens_in_out": (True, "what a model writes has no special tokens"),
}


class GlobalConfig:
    """``verbosity`` 2 prints the text of every run at its end.

    ``enable_precache_with_tracing`` and ``enable_parallel_encoding`` may be set and read: what they
    are about, computing a common prefix once and joining forks by their texts, is always so.

    Raises:
        AttributeError: a setting that is not there is set.
        ValueError: a setting cannot have that value.
    """

    verbosity: int
    enable_precache_with_tracing: bool
    enable_parallel_encoding: bool

    def __init__(self) -> None:
        own = self.__dict__
        own["verbosity"] = 0
        own["enable_precache_with_tracing"] = True
        own["enable_parallel_encoding"] = True
        own.update({name: value for name, (value, _) in _FIXED.items()})

    @property
    def default_backend(self) -> Backend | None:
        """What programs run on that are given no backend."""
        return backends.default_backend()

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "default_backend":
            backends.set_default_backend(value)
        elif name in _FIXED:
            fixed, reason = _FIXED[name]
            if value != fixed:
                raise ValueError(f"global_config.{name} is always {fixed}: {reason}")
        elif name in self.__dict__:
            self.__dict__[name] = value
        else:
            known = ", ".join(["default_backend", *self.__dict__])
            raise AttributeError(f"global_config has no setting {name!r}; it has {known}")


global_config = GlobalConfig()


class Seeds:
    """Draws a seed for each run, since SGLang draws anew every time."""

    def __init__(self) -> None:
        self._random = random.Random()

    def start(self, seed: int) -> None:
        """Draw the same seeds from here on as after any other start with ``seed``."""
        self._random = random.Random(seed)

    def draw(self) -> int:
        """Return the next seed."""
        return self._random.getrandbits(31)


seeds = Seeds()
