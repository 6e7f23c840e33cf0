"""Texts that stand for what is not known: arguments, and what a model would write."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

_OPEN: Final = "\ue000"
_CLOSE: Final = "\ue001"
_HOLE: Final = re.compile(f"{_OPEN}([^{_OPEN}{_CLOSE}]*){_CLOSE}")


class TraceEnds(BaseException):
    """A program wants to know what a trace cannot: it goes no further.

    No ``Exception``, so that programs which catch those do not go on with something else.
    """


class Placeholder(str):
    """A text that can be put into prompts, alone or inside of others, and nothing else.

    To ask what it is (to compare it, to measure it, to iterate over it) ends the trace.
    """

    __slots__ = ("name",)
    name: str

    def __new__(cls, name: str) -> Placeholder:
        made = super().__new__(cls, f"{_OPEN}{name}{_CLOSE}")
        made.name = name
        return made

    def _ask(self, *_: Any) -> NoReturn:
        raise TraceEnds(f"what follows depends on `{self.name}`")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _ask
    __bool__ = __len__ = __iter__ = __contains__ = __getitem__ = _ask
    __int__ = __float__ = __index__ = __hash__ = _ask
    __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _ask
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = _ask
    split = rsplit = splitlines = startswith = endswith = find = index = count = _ask  # type: ignore[assignment]

    def __add__(self, other: object) -> str:
        return super().__add__(other) if isinstance(other, str) else self._ask()

    def __radd__(self, other: object) -> str:
        return str.__add__(other, self) if isinstance(other, str) else self._ask()

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # asked for by Python itself
            raise AttributeError(name)
        self._ask()

    def __format__(self, spec: str) -> str:
        """Stand in an f-string; how it is to be written there is for what it stands for."""
        return str.__str__(self)


def cut_at_holes(text: str) -> list[tuple[bool, str]]:
    """Return the parts of a text: whether each is a placeholder, and its text or its name."""
    pieces = _HOLE.split(text)
    return [(bool(i % 2), piece) for i, piece in enumerate(pieces) if piece or i % 2]
