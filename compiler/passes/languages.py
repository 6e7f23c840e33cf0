"""What decodes are held to, as far as it is little work to look at it at compile time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Literal, Op, Symbol
from sglc.constraints import types as t

if TYPE_CHECKING:
    from sglc.constraints.language import Bounds
    from sglc.constraints.machine import Machine

MAX_STATES: Final = 2_000  # about, of a machine that is made only to be looked at
MAX_ALL_STATES: Final = 8_000  # of all that are made in one compilation
_LEAST_STATES: Final = 50  # what a small machine counts for


class Languages:
    """Lengths and machines of types, each worked out once in a compilation."""

    def __init__(self) -> None:
        self._bounds: dict[t.Type, Bounds | None] = {}
        self._machines: dict[t.Type, Machine | None] = {}
        self._num_states = 0

    def bounds(self, type_: t.Type) -> Bounds | None:
        """Return how long members are; None if there is none, or a part of the type is wrong."""
        from sglc.constraints.language import bounds

        if type_ not in self._bounds:
            try:
                self._bounds[type_] = bounds(type_)
            except ValueError:  # it is told when the program runs
                self._bounds[type_] = None
        return self._bounds[type_]

    def machine(self, type_: t.Type) -> Machine | None:
        """Return the machine of a type; None if it is wrong, has no member, or is large."""
        from sglc.constraints.language import language, rough_size

        if type_ not in self._machines:
            self._machines[type_] = None
            if self._num_states > MAX_ALL_STATES:
                return None
            try:
                size = rough_size(type_)
                if size <= MAX_STATES:
                    self._num_states += max(size, _LEAST_STATES)
                    found = language(type_)
                    self._machines[type_] = found if found.start else None
            except ValueError:
                pass  # it is told when the program runs
        return self._machines[type_]


def is_held(op: Op) -> bool:
    """Whether a decode is held to a type or to choices."""
    return op.kwarg("choices") is not None or isinstance(op.attrs.get("constraint"), Symbol)


def held_to(op: Op, module: Module) -> t.Type | None:
    """Return the type that a decode is held to; None if to none, or if only the run can tell.

    Stop texts, which may end it earlier, are not looked at.
    """
    choices = op.kwarg("choices")
    if choices is None:
        symbol = op.attrs.get("constraint")
        return module.constraints.get(symbol.name) if isinstance(symbol, Symbol) else None
    if not isinstance(choices, tuple) or not choices:
        return None
    texts = [choice.value for choice in choices if isinstance(choice, Literal)]
    if len(texts) < len(choices) or not all(isinstance(text, str) and text for text in texts):
        return None
    if len(set(texts)) < len(texts):
        return None
    return t.Union(tuple(t.Literal(str(text)) for text in texts))
