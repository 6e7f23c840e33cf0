"""What the frontend raises. Every message names the place and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sglc.runtime.executor.errors import RunError


class SglcError(Exception):
    """The base of all that is raised on purpose."""


class RunFailed(SglcError):
    """A value will never exist, since something it needs has failed.

    ``error`` says what, with its place; ``text`` is the prompt as far as it was known, where that
    was asked for.
    """

    def __init__(self, error: RunError, what: str = "") -> None:
        self.error = error
        super().__init__(f"{what}: {error}" if what else str(error))


class StateError(SglcError):
    """A state is used in a way that has no meaning."""


class NoBackendError(SglcError):
    """There is nothing to run on."""

    def __init__(self) -> None:
        super().__init__(
            "no backend is set: call sglc.set_default_backend(sglc.Engine()), or give backend=…"
        )
