"""The positions of a schema: what may be written where a formula must hold."""

from __future__ import annotations

from collections.abc import Iterator

from sglc.constraints.automaton import AutomatonTooLarge
from sglc.constraints.schema.array_branches import ArrayBranch, ArrayExpander
from sglc.constraints.schema.arrays import ArrayWriter, distinct_values
from sglc.constraints.schema.branches import Tools
from sglc.constraints.schema.errors import SchemaError, too_large
from sglc.constraints.schema.facts import Facts
from sglc.constraints.schema.formula import Formula, Literal, formula, in_order
from sglc.constraints.schema.graph import GraphTooLarge
from sglc.constraints.schema.judge import Judge
from sglc.constraints.schema.layout import Layout
from sglc.constraints.schema.numbers import written
from sglc.constraints.schema.object_branches import ObjectBranch, ObjectExpander
from sglc.constraints.schema.objects import ObjectShape, ObjectWriter
from sglc.constraints.schema.options import Limits, SchemaOptions
from sglc.constraints.schema.resources import Resources
from sglc.constraints.schema.scalars import NumberSets, StringSets
from sglc.constraints.schema.texts import Texts
from sglc.constraints.syntax import Call, Exactly, Node, Text, alt

_WORDS = (("null", None), ("true", True), ("false", False))


class Positions:
    """Makes a rule for each formula that a value of the schema can be asked to be like."""

    def __init__(self, resources: Resources, options: SchemaOptions, limits: Limits) -> None:
        self.texts = Texts(options, limits)
        self.judge = Judge(resources, self.texts)
        self.facts = Facts(resources, self.judge)
        self.checked: dict[str, str] = {}  # notes by pointer of what the language leaves open
        self.repeated: dict[str, str] = {}
        self._options = options
        self._limits = limits
        self._numbers = NumberSets(resources, limits)
        self._strings = StringSets(resources, limits, self.texts)
        tools = Tools(resources, self.facts, limits)
        self.array_branches = ArrayExpander(tools)
        self.object_branches = ObjectExpander(tools, self.texts)
        self._tools = tools
        self._arrays = ArrayWriter(tools, self.judge, self._call)
        any_order = options.order == "any"
        self._objects = ObjectWriter(
            tools, self.object_branches, self._strings, self._call, any_order
        )
        self._names: dict[tuple[Formula, int], str] = {}
        self._todo: list[tuple[Formula, int]] = []
        self._depth = 0
        self.root = formula([Literal(resources.root, True)])

    def rules(self) -> dict[str, Node]:
        """All rules, the one of the schema itself first.

        Raises:
            SchemaError: something of the schema is refused, or costs more than allowed.
        """
        self._named(self.root, 0)
        rules: dict[str, Node] = {}
        for whole, depth in self._todo:
            self._depth = depth
            rules[self._names[whole, depth]] = self._body(whole, depth)
            if len(self._todo) > self._limits.max_rules:
                raise SchemaError(
                    f"more than {self._limits.max_rules} places where values differ",
                    _pointer(whole),
                    "let places share definitions by `$ref`",
                )
        return rules

    def objects(self, whole: Formula) -> list[tuple[ObjectBranch, ObjectShape]]:
        """The branches of a formula for objects, worked out."""
        pointer = _pointer(whole)
        shapes = ((b, self._objects.shape(b, pointer)) for b in self._of_objects(whole))
        return [(branch, shape) for branch, shape in shapes if shape.is_possible]

    def arrays(self, whole: Formula) -> list[ArrayBranch]:
        """The branches of a formula for arrays."""
        return self.array_branches.of_formula(whole)

    def _of_objects(self, whole: Formula) -> list[ObjectBranch]:
        return self.object_branches.of_formula(whole)

    def _named(self, whole: Formula, depth: int) -> str:
        key = (whole, depth)
        if key not in self._names:
            literals = in_order(whole)
            label = " & ".join(("" if x.positive else "not ") + x.sub.pointer for x in literals[:2])
            self._names[key] = f"{len(self._names)} {label[:80] or 'any'}"
            self._todo.append(key)
        return self._names[key]

    def _call(self, whole: Formula) -> Node:
        """The rule of a value one level deeper than the one being made."""
        depth = 0 if self._options.indent is None else self._depth + 1
        if depth > self._limits.max_depth:
            raise SchemaError(
                f"values nest more than {self._limits.max_depth} levels deep, or without end, so "
                "that no indent is known",
                _pointer(whole),
                "use layout='spaced' or 'compact', or close the objects and type the items",
            )
        return Call(self._named(whole, depth))

    def _body(self, whole: Formula, depth: int) -> Node:
        try:
            return alt(*self._parts(whole, Layout(self._options, depth)))
        except AutomatonTooLarge as error:
            raise too_large(error, _pointer(whole)) from None
        except GraphTooLarge:
            raise SchemaError(
                f"an array or object here counts to more than {self._limits.max_count}, or needs "
                f"more than {self._limits.max_edges} steps",
                _pointer(whole),
                "lower the counts, or leave them out",
            ) from None

    def _parts(self, whole: Formula, layout: Layout) -> Iterator[Node]:
        """The texts of a formula, kind by kind."""
        kinds = self.facts.kinds_of(whole)
        for text, value in _WORDS:
            kind = "null" if value is None else "boolean"
            if kind in kinds and self.judge.all_hold(whole, value):
                yield Text(text)
        if "number" in kinds:
            numbers = self._numbers.of_formula(whole)
            if not numbers.is_empty:
                yield Exactly(written(numbers))
        if "string" in kinds:
            strings = self._strings.of_formula(whole)
            if not strings.is_surely_empty:
                yield strings.node(self._limits.max_states)
        if "array" in kinds:
            for branch in self.arrays(whole):
                yield self._array(branch, layout)
        if "object" in kinds:
            for _, shape in self.objects(whole):
                self._note_repeats(shape, _pointer(whole))
                yield self._objects.node(shape, layout, _pointer(whole))

    def _array(self, branch: ArrayBranch, layout: Layout) -> Node:
        at_most_one = branch.most is not None and branch.most < 2
        if branch.unique is not None and distinct_values(self._tools, branch) is None:
            note = "that items differ, or do not, is told only for items of a few scalars"
            if not (branch.unique and at_most_one):
                self.checked |= dict.fromkeys(branch.unique_at, note)
        return self._arrays.node(branch, layout)

    def _note_repeats(self, shape: ObjectShape, pointer: str) -> None:
        if shape.can_repeat:
            self.repeated[pointer] = (
                "keys that are not listed may come twice, which leaves fewer keys than were written"
            )


def _pointer(whole: Formula) -> str:
    literals = in_order(whole)
    return literals[0].sub.pointer if literals else "#"
