"""What programs run on: an executor in a thread of its own, behind one object."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from sglc.errors import NoBackendError
from sglc.fragment import Fragments

if TYPE_CHECKING:
    from sglc.runtime.background import BackgroundHost
    from sglc.runtime.executor.executor import Executor
    from sglc.runtime.executor.stream import Encoder

Seam = Literal["canonical", "repair"]
Made = tuple["Executor", "Encoder"]


class Backend:
    """Runs programs. ``make`` is called once, in the thread that the executor will live in.

    ``seam`` says how the token ids behind a generation are made: ``repair`` keeps those that the
    model wrote, ``canonical`` tokenizes the whole text again, as SGLang does. ``window`` is how
    many rows of a batch it has use for at once.
    """

    def __init__(
        self,
        make: Callable[[threading.Event], Made],
        *,
        name: str,
        seam: Seam = "repair",
        window: int = 128,
    ) -> None:
        from sglc.runtime.background import BackgroundHost

        self.name = name
        self.window = window
        self.seam: Seam = seam
        self.fragments = Fragments()

        def made(wake: threading.Event) -> Executor:
            executor, self.encoder = make(wake)
            return executor

        self.host: BackgroundHost = BackgroundHost(made, name=f"sglc {name}")

    encoder: Encoder

    def shutdown(self) -> None:
        """Cancel what runs and let go of the model."""
        self.host.close()

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


_default: Backend | None = None


def set_default_backend(backend: Backend | None) -> None:
    """Let programs that are given no backend run on this one.

    Raises:
        TypeError: it is no backend.
    """
    global _default
    backend = getattr(backend, "endpoint", backend)
    if backend is not None and not isinstance(backend, Backend):
        raise TypeError(f"not a backend: {backend!r}")
    _default = backend


def backend_or_default(backend: Backend | None) -> Backend:
    """Return a backend: the one given, else the default one.

    Raises:
        NoBackendError: there is neither.
    """
    backend = getattr(backend, "endpoint", backend)
    if backend is not None:
        return backend
    if _default is None:
        raise NoBackendError
    return _default
