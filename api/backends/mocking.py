"""``mock``: a backend that answers from a script, for tests of programs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from sglc.backends.backend import Backend, Made


def mock(
    answers: Mapping[str, str | Sequence[str]] | None = None, /, **texts: str | Sequence[str]
) -> Backend:
    """Return a backend that answers each model call by its name.

        backend = sglc.mock(tool="calculator", expression=" 1 + 1")

    A list is used up one text after another; the last one stays. A call whose name is not there
    fails, and says so.

    Raises:
        TypeError: the answers have no names, or one is neither a text nor a list of texts.
    """
    if not isinstance(answers or {}, Mapping):
        raise TypeError(
            f"a mock answers by the names of calls: sglc.mock(name=…), not sglc.mock({answers!r})"
        )
    given = {**(answers or {}), **texts}
    for name, said in given.items():
        each = [said] if isinstance(said, str) else said
        if not isinstance(each, Sequence) or not all(isinstance(text, str) for text in each):
            raise TypeError(f"`{name}` of a mock must be a text or a list of texts, not {said!r}")

    def make(wake: threading.Event) -> Made:
        from sglc.runtime.host import scripted_executor

        return scripted_executor(given, wake=wake)

    return Backend(make, name="mock")
