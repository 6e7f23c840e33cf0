"""The canonical text of a value: the one that is in the language if the value is valid."""

from __future__ import annotations

from typing import Any

from sglc.constraints.schema.array_branches import ArrayBranch, ArrayExpander
from sglc.constraints.schema.arrays import scalar_text
from sglc.constraints.schema.data import quoted
from sglc.constraints.schema.formula import ANYTHING, Formula, Literal, formula
from sglc.constraints.schema.judge import has_duplicates
from sglc.constraints.schema.layout import Layout
from sglc.constraints.schema.object_branches import ObjectBranch
from sglc.constraints.schema.objects import ObjectShape
from sglc.constraints.schema.options import SchemaOptions
from sglc.constraints.schema.positions import Positions


class CanonicalWriter:
    """Writes values in the order of keys that the first branch that holds asks for."""

    def __init__(self, positions: Positions, options: SchemaOptions) -> None:
        self._positions = positions
        self._options = options

    def text(self, whole: Formula, value: Any, depth: int = 0) -> str:
        """The text of a value where a formula must hold.

        A value that is not valid gets a text too, one that is not in the language.
        """
        if isinstance(value, list | tuple):
            return self._array(whole, list(value), depth)
        if isinstance(value, dict):
            return self._object(whole, value, depth)
        return scalar_text(value)

    def _around(self, marks: str, items: list[str], depth: int) -> str:
        layout = Layout(self._options, depth)
        if not items:
            return marks
        return marks[0] + layout.first + layout.comma.join(items) + layout.last + marks[1]

    def _array(self, whole: Formula, items: list[Any], depth: int) -> str:
        branches = self._positions.arrays(whole)
        branch = next((b for b in branches if self._is_array(b, items)), None)
        asked = [ANYTHING] * len(items) if branch is None else self._asked(branch, items)
        texts = [self.text(a, item, depth + 1) for a, item in zip(asked, items, strict=True)]
        return self._around("[]", texts, depth)

    def _is_array(self, branch: ArrayBranch, items: list[Any]) -> bool:
        judge = self._positions.judge
        if len(items) < branch.least or (branch.most is not None and len(items) > branch.most):
            return False
        if branch.unique is not None and branch.unique == has_duplicates(items):
            return False
        for count in branch.counts:
            hits = sum(judge.holds(count.literal, item) for item in items[count.offset :])
            if hits < count.least or (count.most is not None and hits > count.most):
                return False
        return all(judge.all_hold(ArrayExpander.item_of(branch, i), x) for i, x in enumerate(items))

    def _asked(self, branch: ArrayBranch, items: list[Any]) -> list[Formula]:
        """What the graph of the branch asks of each item on one way through it."""
        judge = self._positions.judge
        met = dict.fromkeys(branch.counts, 0)
        asked = []
        for i, item in enumerate(items):
            literals: list[Literal] = list(ArrayExpander.item_of(branch, i))
            for count in branch.counts:
                if i < count.offset or (count.most is None and met[count] >= count.least):
                    continue
                if judge.holds(count.literal, item):
                    literals.append(count.literal)
                    met[count] += 1
                elif count.most is not None:
                    literals.append(count.literal.negated)
            asked.append(formula(literals))
        return asked

    def _object(self, whole: Formula, value: dict[str, Any], depth: int) -> str:
        shapes = self._positions.objects(whole)
        shape = next((s for branch, s in shapes if self._is_object(branch, value)), None)
        ordered = value if shape is None else self._ordered(shape, value)
        met: set[int] = set()
        pairs = []
        colon = Layout(self._options, depth).colon
        for key in ordered:
            asked = ANYTHING if shape is None else self._value(shape, key, value[key], met)
            pairs.append(quoted(key) + colon + self.text(asked, value[key], depth + 1))
        return self._around("{}", pairs, depth)

    @staticmethod
    def _ordered(shape: ObjectShape, value: dict[str, Any]) -> list[str]:
        listed = [key.name for key in shape.listed if key.name in value]
        return listed + [key for key in value if key not in set(listed)]

    def _value(self, shape: ObjectShape, key: str, value: Any, met: set[int]) -> Formula:
        """What the graph of the shape asks of a value; adds to the wanted keys that were met."""
        listed = next((k for k in shape.listed if k.name == key), None)
        group = listed or next((free for free in shape.free if free.keys.accepts(key)), None)
        if group is None:
            return ANYTHING
        literals = list(group.value)
        for i, literal in group.wanted:
            if i not in met and self._positions.judge.holds(literal, value):
                met.add(i)
                literals.append(literal)
        return formula(literals)

    def _is_object(self, branch: ObjectBranch, value: dict[str, Any]) -> bool:
        judge, branches = self._positions.judge, self._positions.object_branches
        keys = set(value)
        if not branch.required <= keys or branch.absent & keys:
            return False
        if len(value) < branch.least or (branch.most is not None and len(value) > branch.most):
            return False
        if not all(judge.all_hold(formula(branch.names), key) for key in value):
            return False
        for wanted, literal in branch.some:
            if not any(
                branches.is_key(wanted, key, judge) and judge.holds(literal, inner)
                for key, inner in value.items()
            ):
                return False
        return all(judge.all_hold(branches.value_of(branch, k), v) for k, v in value.items())
