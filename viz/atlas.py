"""What all views share: numbers for the ops and keys for the places they come from.

Ops with the same place share its key; views are linked by keys alone. The atlases of one page, one
for each stage of the program, share places and numbers: an op that is written the same way at the
same place in two stages has the same number in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from sglc.compiler.ir.graph import Function, Module
from sglc.compiler.ir.op import Op, Value
from sglc.compiler.ir.text import write_op
from sglc.compiler.source import SourceFile, Span
from sglc.viz.words import constraint

if TYPE_CHECKING:
    from sglc.compiler.ir.op import Place


class SourcePlace(NamedTuple):
    """The range ``[start, end)`` of code points of file ``file`` that ``key`` stands for."""

    key: str
    file: int
    start: int
    end: int


class OpEntry(NamedTuple):
    """An op of some stage, with the keys of the places it comes from, that of its span first."""

    op: Op
    keys: tuple[str, ...]


class Atlas:
    """The functions that are shown, their ops by number, and the places of the source.

    Attributes:
        functions: in the order in which they are shown, entry prompts first.
        numbers: op -> its number, unique in this stage.
        order: op -> its place in program order.
        entries: by number, the ops of all stages so far; shared.
        files: the source files that some op comes from; shared.
        places: the ranges of the source that have a key; shared.
    """

    def __init__(self, module: Module, names: Iterable[str], before: Atlas | None = None) -> None:
        """Show the functions ``names`` and all that they reach; ``before``: an earlier stage.

        Raises:
            KeyError: the module has no function of one of these names.
        """
        self.module = module
        self.functions = _reached(module, names)
        self.files: list[SourceFile] = [] if before is None else before.files
        self.places: list[SourcePlace] = [] if before is None else before.places
        self.entries: list[OpEntry] = [] if before is None else before.entries
        self._keys: dict[Hashable, str] = {} if before is None else before._keys
        self._texts: dict[str, list[str]] = {} if before is None else before._texts
        self._known: dict[Hashable, int] = {} if before is None else before._known
        self._makers: dict[Op, dict[Value, Op]] = {}
        self.numbers: dict[Op, int] = {}
        self.order: dict[Op, int] = {}
        for function in self.functions:
            if function.span is not None:
                self._add(function.span)
        for function in self.functions:  # names of values are unique in a function only
            ops = list(function.walk())
            makers = {value: op for op in ops for value in op.results}
            self._makers |= dict.fromkeys(ops, makers)
            self._number(function, ops)

    def key(self, op: Op) -> str:
        """The key of the place of ``op``; one of its own when no place is known."""
        return self.keys(op)[0]

    def keys(self, op: Op) -> tuple[str, ...]:
        """The keys of all places that ``op`` comes from, that of its span first."""
        return self.entries[self.numbers[op]].keys

    def function_key(self, function: Function) -> str:
        """The key of the place of a function."""
        return (
            f"f{function.name}" if function.span is None else self._keys[_identity(function.span)]
        )

    def keys_at(self, place: str) -> list[str]:
        """The keys of the places that begin at ``file:line:column``."""
        return self._texts.get(place, [])

    def makers(self, op: Op) -> Mapping[Value, Op]:
        """The values of the function of ``op``, each with the op that gives it."""
        return self._makers[op]

    def function_of(self, name: str | None) -> Function | None:
        """The function called ``name``, if it is shown."""
        return next((f for f in self.functions if f.name == name), None)

    def _number(self, function: Function, ops: Iterable[Op]) -> None:
        times: Counter[Hashable] = Counter()
        for op in ops:
            spans = dict.fromkeys(p for p in (op.span, *op.origins) if p is not None)
            keys = tuple(dict.fromkeys(map(self._add, spans)))
            written = (function.name, keys, write_op(op), self._context(op))
            times[written] += 1
            known = (*written, times[written])
            number = self._known.setdefault(known, len(self.entries))
            if number == len(self.entries):
                self.entries.append(OpEntry(op, keys or (f"n{number}",)))
            self.numbers[op] = number
            self.order[op] = len(self.order)

    def _context(self, op: Op) -> Hashable:
        """What else a drawing says: the constraint; what gives a control op its operands."""
        if not op.regions:
            return constraint(op, self.module)
        makers = self._makers[op]
        return tuple(write_op(makers[value]) for value in op.inputs() if value in makers)

    def _add(self, place: Place) -> str:
        identity = _identity(place)
        known = self._keys.get(identity)
        if known is not None:
            return known
        self._keys[identity] = key = f"k{len(self._keys)}"
        self._texts.setdefault(str(place), []).append(key)
        if isinstance(place, Span):
            if place.file not in self.files:
                self.files.append(place.file)
            file = self.files.index(place.file)
            self.places.append(SourcePlace(key, file, place.start, place.end))
        return key


def place_text(place: Place | None) -> str:
    """``line:column``, or nothing."""
    return "" if place is None else f"{place.line}:{place.column}"


def _identity(place: Place) -> Hashable:
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
