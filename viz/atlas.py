"""What all views share: numbers for the ops and keys for the places they come from.

Ops with the same place have the same key; views are linked by keys alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Value
from sglc.compiler.source import SourceFile, Span

if TYPE_CHECKING:
    from sglc.compiler.ir.op import Place


class SourcePlace(NamedTuple):
    """The range ``[start, end)`` of code points of file ``file`` that ``key`` stands for."""

    key: str
    file: int
    start: int
    end: int


class Atlas:
    """The functions that are shown, their ops by number, and the places of the source.

    Attributes:
        functions: in the order in which they are shown, entry prompts first.
        numbers: op -> its number, over all functions, in program order.
        files: the source files that some op comes from.
        places: the ranges of the source that have a key.
    """

    def __init__(self, module: Module, names: Iterable[str]) -> None:
        """Show the functions ``names`` and all that they reach.

        Raises:
            KeyError: the module has no function of one of these names.
        """
        self.module = module
        self.functions = _reached(module, names)
        ops = [op for function in self.functions for op in function.walk()]
        self.numbers = {op: number for number, op in enumerate(ops)}
        self._makers: dict[Op, dict[Value, Op]] = {}
        for function in self.functions:  # names of values are unique in a function only
            makers = {value: op for op in function.walk() for value in op.results}
            self._makers |= dict.fromkeys(function.walk(), makers)
        self.files: list[SourceFile] = []
        self.places: list[SourcePlace] = []
        self._keys: dict[object, str] = {}
        for place in [f.span for f in self.functions] + [op.span for op in ops]:
            self._add(place)

    def key(self, op: Op) -> str:
        """The key of the place of ``op``; one of its own when no place is known."""
        return f"n{self.numbers[op]}" if op.span is None else self._keys[_identity(op.span)]

    def function_key(self, function: Function) -> str:
        """The key of the place of a function."""
        return (
            f"f{function.name}" if function.span is None else self._keys[_identity(function.span)]
        )

    def makers(self, op: Op) -> Mapping[Value, Op]:
        """The values of the function of ``op``, each with the op that gives it."""
        return self._makers[op]

    def function_of(self, name: str | None) -> Function | None:
        """The function called ``name``, if it is shown."""
        return next((f for f in self.functions if f.name == name), None)

    def _add(self, place: Place | None) -> None:
        identity = _identity(place)
        if place is None or identity in self._keys:
            return
        self._keys[identity] = key = f"k{len(self._keys)}"
        if isinstance(place, Span):
            if place.file not in self.files:
                self.files.append(place.file)
            file = self.files.index(place.file)
            self.places.append(SourcePlace(key, file, place.start, place.end))


def place_text(place: Place | None) -> str:
    """``line:column``, or nothing."""
    return "" if place is None else f"{place.line}:{place.column}"


def _identity(place: Place | None) -> object:
    return (id(place.file), place.start, place.end) if isinstance(place, Span) else place


def _reached(module: Module, names: Iterable[str]) -> tuple[Function, ...]:
    found: dict[str, Function] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = module.functions[name]
            waiting += _callees(module, found[name])
    return tuple(found.values())


def _callees(module: Module, function: Function) -> Iterator[str]:
    for op in function.walk():
        symbol = op.symbol
        if symbol is not None and op.spec.calls:
            yield symbol
