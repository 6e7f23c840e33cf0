"""From places in a trace to keys of the page."""

from __future__ import annotations

from sglc.compiler.ir.op import Op
from sglc.viz.atlas import Atlas


class Places:
    """Finds the op that a place of a trace belongs to, among the ops of all stages."""

    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas
        self._ops: dict[tuple[str, str], int] = {}
        for number, entry in enumerate(atlas.entries):
            if entry.op.span is not None:
                self._ops.setdefault((str(entry.op.span), entry.op.name), number)

    def op(self, place: str | None, *names: str) -> Op | None:
        """The op of one of these names at ``file:line:column``, or None."""
        number = self._number(place, names)
        return None if number is None else self._atlas.entries[number].op

    def keys(self, place: str | None, *names: str) -> list[str]:
        """The keys of that op; without it those of all places that begin there."""
        number = self._number(place, names)
        if number is not None:
            return list(self._atlas.entries[number].keys)
        return [] if place is None else self._atlas.keys_at(place)

    def _number(self, place: str | None, names: tuple[str, ...]) -> int | None:
        found = (self._ops.get((place or "", name)) for name in names)
        return next((number for number in found if number is not None), None)
