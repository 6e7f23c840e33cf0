"""``function`` as SGLang has it: every run draws anew, and settings are looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sglc.compat.settings import global_config, seeds
from sglc.program.functions import Function
from sglc.program.state import ProgramState


class SglFunction(Function):
    """A prompt program that draws a seed for each run unless it is given one."""

    def run(self, *args: Any, **kwargs: Any) -> ProgramState:
        """Run the program; see ``Function.run``."""
        kwargs.setdefault("seed", seeds.draw())
        return super().run(*args, **kwargs)

    def run_batch(self, batch_kwargs: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Run the program for each of a list, by SGLang's names; see ``Function.run_batch``."""
        kwargs.setdefault("seed", seeds.draw())
        return super().run_batch(batch_kwargs, **kwargs)

    def trace(self, *, backend: Any = None, **arguments: Any) -> Any:
        """Run the function without a model; there is nothing that a ``backend`` would be asked."""
        return super().trace(**arguments)

    def run_in(self, state: ProgramState, *args: Any, **kwargs: Any) -> None:
        """Run the function to its end."""
        super().run_in(state, *args, **kwargs)
        if global_config.verbosity >= 2:
            print(state.text())


def function(func: Callable[..., Any] | None = None, num_api_spec_tokens: int | None = None) -> Any:
    """Make a prompt program of a function, or a decorator that does."""
    if func is not None:
        return SglFunction(func, num_api_spec_tokens=num_api_spec_tokens)
    return lambda func: SglFunction(func, num_api_spec_tokens=num_api_spec_tokens)
