"""The text of an object branch: listed keys in their order, then keys that are not listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from sglc.constraints.automaton import Automaton
from sglc.constraints.schema.branches import Tools
from sglc.constraints.schema.data import quoted
from sglc.constraints.schema.errors import SchemaError
from sglc.constraints.schema.formula import Formula, Literal, formula
from sglc.constraints.schema.graph import GraphBuilder, GraphTooLarge
from sglc.constraints.schema.layout import Layout
from sglc.constraints.schema.object_branches import Keys, ObjectBranch, ObjectExpander
from sglc.constraints.schema.scalars import StringSets
from sglc.constraints.schema.strings import ALL_STRINGS, Strings
from sglc.constraints.syntax import Node, Text, seq

MAX_PATTERNS = 8
MAX_NAMED = 64  # free keys that are so few are listed one by one
MAX_ANY_ORDER = 10


class Key(NamedTuple):
    """A listed key, what its value must be, and which of the wanted keys it can be."""

    name: str
    value: Formula
    is_required: bool
    wanted: tuple[tuple[int, Literal], ...]


class Free(NamedTuple):
    """Keys that are not listed, what their values must be, which of the wanted keys they are."""

    keys: Strings
    value: Formula
    wanted: tuple[tuple[int, Literal], ...]


@dataclass(frozen=True, slots=True)
class ObjectShape:
    """An object branch worked out: its keys. ``num_wanted`` keys must be there, of some kind."""

    listed: tuple[Key, ...]
    free: tuple[Free, ...]
    least: int
    most: int | None
    num_wanted: int

    @property
    def is_possible(self) -> bool:
        """Whether there may be such an object."""
        return self.most is None or self.least <= self.most

    @property
    def can_repeat(self) -> bool:
        """Whether a free key that comes twice can make a text of an object that is too small."""
        return bool(self.free) and (self.least > 1 or self.num_wanted > 0)


class _State(NamedTuple):
    at: int  # index of the next listed key; with any order, a bit for each that was there
    pairs: int  # how many there were, as far as it matters
    wanted: int  # a bit for each wanted key that was there


class ObjectWriter:
    """Makes the tree of one branch. ``value`` gives the tree of what a value must be."""

    def __init__(
        self,
        tools: Tools,
        expander: ObjectExpander,
        strings: StringSets,
        value: Callable[[Formula], Node],
        any_order: bool,
    ) -> None:
        self._tools = tools
        self._expander = expander
        self._strings = strings
        self._value = value
        self._any_order = any_order
        self._shapes: dict[ObjectBranch, ObjectShape] = {}

    def shape(self, branch: ObjectBranch, pointer: str) -> ObjectShape:
        """The keys of a branch.

        Raises:
            GraphTooLarge: too many keys are listed.
            SchemaError: too many patterns meet, or their automata are too large.
        """
        if branch not in self._shapes:
            self._shapes[branch] = self._shape(branch, pointer)
        return self._shapes[branch]

    def _shape(self, branch: ObjectBranch, pointer: str) -> ObjectShape:
        names = self._strings.of_formula(formula(branch.names))
        wanted = sorted(branch.some, key=_rank)
        wanted_keys = [self._keys(keys) for keys, _ in wanted]
        order = dict.fromkeys(k for rule in branch.values for k in rule.names)
        order |= dict.fromkeys(sorted(branch.required))
        order |= dict.fromkeys(sorted(branch.absent))
        if 4 * len(order) > self._tools.limits.max_edges:
            raise GraphTooLarge
        listed: list[Key] = []
        named: list[Key] = []  # keys that patterns or propertyNames leave few of
        free = tuple(self._free(branch, names, list(order), wanted, wanted_keys, pointer))
        for group in free:
            if group.keys.inside is None or not group.keys.inside.is_finite:
                continue
            keys = _texts(group.keys.automaton(self._tools.limits.max_states))
            if keys is not None:
                free = tuple(other for other in free if other is not group)
                named += [Key(key, group.value, False, group.wanted) for key in keys]
        for key in order:
            value = self._expander.value_of(branch, key)
            required = key in branch.required
            is_allowed = key not in branch.absent and names.accepts(key)
            if not is_allowed or self._tools.facts.is_empty(value):
                if required:
                    return ObjectShape((), (), 1, 0, 0)
                continue
            mine = tuple(
                (i, literal)
                for i, (keys, (_, literal)) in enumerate(zip(wanted_keys, wanted, strict=True))
                if keys.accepts(key)
            )
            listed.append(Key(key, value, required, mine))
        return ObjectShape((*listed, *named), free, branch.least, branch.most, len(wanted))

    def _keys(self, keys: Keys) -> Strings:
        """The keys that ``Keys`` means."""
        limit = self._tools.limits.max_states
        found = ALL_STRINGS if keys.pattern is None else self._expander.pattern(keys.pattern)
        for pattern in keys.without:
            found = found.intersect(self._expander.pattern(pattern, False).complement(limit), limit)
        if keys.literal is not None:
            found = found.intersect(self._strings.of_formula(formula([keys.literal])), limit)
        return self._without(found, keys.names)

    def _without(self, strings: Strings, names: frozenset[str]) -> Strings:
        return strings if strings.is_surely_empty else strings.without(names)

    def _free(
        self,
        branch: ObjectBranch,
        names: Strings,
        listed: list[str],
        wanted: list[tuple[Keys, Literal]],
        wanted_keys: list[Strings],
        pointer: str,
    ) -> Iterator[Free]:
        """Groups of free keys, by the patterns they match and the wanted keys they are."""
        limit = self._tools.limits.max_states
        patterns = list(dict.fromkeys(p for rule in branch.values for p, _ in rule.patterns))
        sets = [(self._expander.pattern(p), self._expander.pattern(p, False)) for p in patterns]
        sets += [(keys, keys) for keys in wanted_keys]
        if len(sets) > MAX_PATTERNS:
            raise SchemaError(
                f"more than {MAX_PATTERNS} patterns of keys meet in one object",
                pointer,
                "use fewer patterns",
            )
        groups: list[tuple[Strings, tuple[bool, ...]]] = [
            (self._without(names, frozenset(listed)), ())
        ]
        for keys, any_dialect in sets:
            split = []
            for group, hits in groups:
                for hit, part in ((True, keys), (False, any_dialect.complement(limit))):
                    rest = group.intersect(part, limit)
                    if rest.inside is not None and rest.automaton(limit).is_empty:
                        continue  # what only lengths and exclusions bound is not empty
                    if not rest.is_surely_empty:
                        split.append((rest, (*hits, hit)))
            groups = split
        merged: dict[tuple[Formula, tuple[tuple[int, Literal], ...]], Strings] = {}
        for group, hits in groups:
            if group.is_surely_empty:
                continue
            matched = {p for p, hit in zip(patterns, hits, strict=False) if hit}
            asked: list[Literal] = []
            for rule in branch.values:
                mine = [literal for p, literal in rule.patterns if p in matched]
                asked += mine or [rule.rest]
            value = formula(asked)
            if self._tools.facts.is_empty(value):
                continue
            mine_wanted = tuple(
                (i, literal)
                for i, ((_, literal), hit) in enumerate(
                    zip(wanted, hits[len(patterns) :], strict=True)
                )
                if hit
            )
            key = (value, mine_wanted)
            merged[key] = merged[key].union(group, limit) if key in merged else group
        for (value, mine_wanted), keys in merged.items():
            yield Free(keys, value, mine_wanted)

    def node(self, shape: ObjectShape, layout: Layout, pointer: str) -> Node:
        """All objects of a shape.

        Raises:
            GraphTooLarge: the counts need too many states.
            SchemaError: too many keys for any order.
        """
        if self._any_order and len(shape.listed) > MAX_ANY_ORDER:
            raise SchemaError(
                f"{len(shape.listed)} keys in any order are too many",
                pointer,
                f"list at most {MAX_ANY_ORDER} keys, or use order='schema'",
            )
        if max(shape.least, shape.most or 0) > self._tools.limits.max_count:
            raise GraphTooLarge
        if not shape.listed and not shape.num_wanted and len(shape.free) == 1:
            keys, value, _ = shape.free[0]
            pair = seq(self._key(keys), Text(layout.colon), self._value(value))
            return layout.alike("{}", pair, shape.least, shape.most)
        return _Graph(self, shape, layout).build()

    def _key(self, keys: Strings) -> Node:
        return keys.node(self._tools.limits.max_states)


def _rank(some: tuple[Keys, Literal]) -> tuple[object, ...]:
    """A fixed order of wanted keys."""
    keys, literal = some
    asked = None if keys.literal is None else (keys.literal.sub.id, keys.literal.positive)
    names = sorted(keys.names)
    return literal.sub.id, literal.positive, keys.pattern or "", keys.without, names, asked or ()


def _texts(keys: Automaton) -> list[str] | None:
    """The members of a finite automaton, shortest first; None if there are too many."""
    found: list[str] = []
    todo = [(keys.start, b"")] if keys.start else []
    for state, text in todo:
        if keys.is_accepting(state):
            found.append(text.decode())
        todo += [(target, text + bytes([byte])) for byte, target in keys.edges(state).items()]
        if len(found) > MAX_NAMED or len(todo) > 64 * MAX_NAMED:
            return None
    return found


class _Graph:
    """A state for each listed key that may come next, with the counts that matter.

    Before a pair, the ways from states with and without a comma meet, so that its value is in
    the graph once.
    """

    def __init__(self, writer: ObjectWriter, shape: ObjectShape, layout: Layout) -> None:
        self._writer = writer
        self._shape = shape
        self._layout = layout
        self._cap = max(shape.least, 1) if shape.most is None else shape.most
        self._graph = GraphBuilder("begin", writer._tools.limits.max_edges)
        self._all_wanted = (1 << shape.num_wanted) - 1

    def build(self) -> Node:
        graph, shape, layout = self._graph, self._shape, self._layout
        graph.add("begin", Text("{"), _State(0, 0, 0))
        for state in graph.new_states():
            if not isinstance(state, _State):
                continue
            at, pairs, wanted = state
            if self._writer._any_order:
                self._any_order(state)
                required = [i for i, key in enumerate(shape.listed) if key.is_required]
                is_last = all(at & 1 << i for i in required)
            else:
                is_last = at == len(shape.listed)
                if not is_last:
                    self._listed(state)
            for i, group in enumerate(shape.free):
                if is_last or self._writer._any_order:
                    self._pairs(state, ("free", i), group.value, group.wanted, at)
            if is_last and pairs >= shape.least and wanted == self._all_wanted:
                graph.add(state, Text((layout.last if pairs else "") + "}"), "end")
        return graph.build(["end"])

    def _listed(self, state: _State) -> None:
        key = self._shape.listed[state.at]
        if not key.is_required:
            self._graph.add(state, Text(""), state._replace(at=state.at + 1))
        self._pairs(state, ("key", state.at), key.value, key.wanted, state.at + 1)

    def _any_order(self, state: _State) -> None:
        for i, key in enumerate(self._shape.listed):
            if not state.at & 1 << i:
                self._pairs(state, ("key", i), key.value, key.wanted, state.at | 1 << i)

    def _pairs(
        self,
        state: _State,
        which: tuple[str, int],
        value: Formula,
        wanted: tuple[tuple[int, Literal], ...],
        at: int,
    ) -> None:
        """Add the edges of a pair, one for each choice of wanted keys that it is to be."""
        pairs = state.pairs + 1
        if self._shape.most is None:
            pairs = min(pairs, self._cap)
        elif pairs > self._shape.most:
            return
        layout, graph = self._layout, self._graph
        before = Text(layout.comma if state.pairs else layout.first)
        open_wanted = [(i, literal) for i, literal in wanted if not state.wanted & 1 << i]
        for size in range(len(open_wanted) + 1):
            for chosen in combinations(open_wanted, size):
                whole = formula([*value, *(literal for _, literal in chosen)])
                if self._writer._tools.facts.is_empty(whole):
                    continue
                bits = sum(1 << i for i, _ in chosen)
                target = _State(at, pairs, state.wanted | bits)
                meeting = ("pair", which, target, bits)
                if graph.add(state, before, meeting):
                    name, index = which
                    if name == "key":
                        key: Node = Text(quoted(self._shape.listed[index].name))
                    else:
                        key = self._writer._key(self._shape.free[index].keys)
                    pair = seq(key, Text(layout.colon), self._writer._value(whole))
                    graph.add(meeting, pair, target)
