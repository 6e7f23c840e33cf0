"""What of a function can be seen: the values somebody needs, and the ops that must run.

An op must run when it is a root (it may fail, change the world, show a text, leave its function),
when one of its results is needed, or when an op inside it must run. A value of a branch is needed
field by field: a capture that nobody reads is not needed because another one is.

A stream is needed as the operand of what must run. So a decode whose text nobody reads stays as
long as a later version of its stream is needed, for its text is the context of that; and where
only later text goes that is not needed, it goes with it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from sglc.compiler.ir.graph import Function
from sglc.compiler.ir.op import Op, Operand, Region, Value, values_in
from sglc.compiler.ir.traits import (
    capture_of,
    field_path,
    gathers,
    is_apart,
    lists,
    makes_branch,
    maps_items,
    picks_item,
    projected,
    starts_stream,
    tells_end,
)
from sglc.compiler.passes.ends import Versions
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.handing import early_exits, handed_on
from sglc.compiler.passes.telling import ToldEnds

_OF_STREAM = frozenset({"text", "stream", "logprob"})  # what a branch has besides its captures


class Liveness:
    """``is_seen``: a run may start at the function, and its text and captures are looked at.

    ``read_fields``: those fields of its result that callers read; None for all of it. ``fields``
    are those that are read of values that are not needed as a whole. ``seen`` holds the model ops
    of which somebody looks at the text or the capture, by their identity.
    ``is_told``: somebody hears of branches that end, so those of which something runs are kept.
    ``optional``: ops, by their identity, that are no roots though they may fail.
    """

    def __init__(
        self,
        function: Function,
        facts: Facts,
        *,
        is_seen: bool,
        read_fields: frozenset[str] | None = None,
        is_told: bool = False,
        optional: Container[int] = (),
    ) -> None:
        self.function = function
        self.read_fields = read_fields
        self.optional = optional
        self.seen: set[int] = set()
        self.facts = facts
        self.keeps_stream = is_seen or function.name in facts.included
        self.made = facts.definitions(function)
        self.needed: set[Value] = set()
        self.live: set[int] = set()
        self.fields: set[tuple[Value, str]] = set()
        self._owners: dict[int, tuple[Op, Region] | None] = {}
        self.versions = Versions(self.made, self.needed, self.live, self._owners)
        self._todo: list[Op | Value | tuple[Value, str]] = []
        self._ends: list[tuple[Op, Value]] = []  # ops and streams that they must name
        self._told = ToldEnds(filter(tells_end, function.walk()) if is_told else (), self)
        self._find(function.body, None, is_main=is_seen)
        self._settle()

    def is_live(self, op: Op) -> bool:
        """Whether the op must run."""
        return id(op) in self.live

    def has(self, operand: Operand) -> bool:
        """Whether all values of an operand are needed, so that they are there to be used."""
        return all(value in self.needed for value in values_in(operand))

    def stays(self, value: Value) -> bool:
        """Whether a value is there, needed or not, where the ops around it run."""
        op = self.made.ops.get(value)
        if op is not None:
            is_joined = bool(op.regions) and op.spec.results is None
            return value in self.needed if is_joined else self.is_live(op)
        owner, region = self.made.regions.get(value, (None, None))
        if owner is None or region is None or not owner.spec.loop:
            return True
        index = region.params.index(value) - (len(region.params) - len(owner.results))
        return index < 0 or owner.results[index] in self.needed

    # ---- roots

    def _find(self, region: Region, owner: tuple[Op, Region] | None, *, is_main: bool) -> None:
        for op in region.ops:
            self._owners[id(op)] = owner
            if self._is_root(op, is_main):
                self._todo.append(op)
            for inner in op.regions:
                main = is_main and not (op.spec.reads_stream or is_apart(op))
                self._find(inner, (op, inner), is_main=main)

    def _is_root(self, op: Op, is_main: bool) -> bool:
        spec = op.spec
        if spec.exits:
            return not spec.exits <= {"loop", "cond"}  # those go with their loop
        if spec.terminator:
            return False
        if starts_stream(op) and op.result == self.function.entry_stream:
            return True
        if spec.model and (op.attrs.get("show") or (is_main and capture_of(op) is not None)):
            self.seen.add(id(op))
            return True
        return id(op) not in self.optional and not self.facts.cannot_fail(op, self.function)

    # ---- spreading

    def _settle(self) -> None:
        while True:
            while self._todo:
                self._spread(self._todo.pop())
            missing = [stream for end, given in self._ends for stream in self._unkept(end, given)]
            if not missing:
                told = self._told.take()
                self._ends += [(op, op.args[1]) for op in told if isinstance(op.args[1], Value)]
                self._todo += told
            self._todo += missing
            if not self._todo:
                return

    def _spread(self, item: Op | Value | tuple[Value, str]) -> None:
        if isinstance(item, Op):
            if id(item) not in self.live:
                self.live.add(id(item))
                self._run(item)
        elif isinstance(item, Value):
            if item not in self.needed:
                self.needed.add(item)
                self._make(item)
        elif item not in self.fields:
            self.fields.add(item)
            self._make_field(*item)

    def _need(self, operands: Iterable[Operand]) -> None:
        for operand in operands:
            self._todo += values_in(operand)

    def _run(self, op: Op) -> None:
        """An op must run: so must the ops around it, and its operands are needed."""
        owner = self._owners[id(op)]
        if owner is not None:
            self._todo.append(owner[0])
        spec = op.spec
        if "function" in spec.exits:
            self._return(op)
        elif spec.exits <= {"loop", "cond"} and spec.terminator:
            return  # what it hands on is needed where it is needed in the loop
        elif not op.regions:
            self._use(op)
        else:
            self._enter(op)

    def _use(self, op: Op) -> None:
        name, path = projected(op), field_path(op)
        if name is not None:
            self._need_field(op.args[0], name)
        elif path:
            self._need_field(op.args[0], path[0])
        elif picks_item(op):
            self._hold(op.args[0])
            self._need(op.args[1:])
        elif makes_branch(op):
            self._need(op.args[:1])
        elif gathers(op) or lists(op):
            for item in op.args:
                self._hold(item)
        else:
            self._need(op.operands())

    def _hold(self, operand: Operand) -> None:
        """A value must be there, but nothing in it is needed yet."""
        if not isinstance(operand, Value):
            self._need((operand,))
            return
        op = self.made.ops.get(operand)
        if op is not None and op.spec.results is not None:
            self._todo.append(op)
        else:
            self._todo.append(operand)

    def _return(self, op: Op) -> None:
        for key, value in op.kwargs:
            if key == "result" and self.read_fields is not None:
                self._hold(value)
                for name in self.read_fields:
                    self._need_field(value, name)
            else:
                self._need((value,))
        if self.keeps_stream:
            self._need(op.args)
        elif op.args and isinstance(op.args[0], Value):
            self._ends.append((op, op.args[0]))

    def _enter(self, op: Op) -> None:
        """A control op must run: its regions end somehow."""
        if op.spec.loop:
            self._hold(op.args[0])
            self._todo += early_exits(op)
        elif op.spec.results is not None and not op.spec.reads_stream:
            for region in op.regions:
                if maps_items(op):
                    self._hold(region.terminator.args[0])
                else:
                    self._need(region.terminator.args[:1])
            self._hold(op.args[0])
        else:
            self._need(op.operands())
            for region in op.regions:
                end = region.terminator
                if op.spec.reads_stream and not end.spec.exits and isinstance(end.args[0], Value):
                    self._ends.append((end, end.args[0]))

    # ---- values

    def _make(self, value: Value) -> None:
        """A value is needed as a whole."""
        op = self.made.ops.get(value)
        if op is None:
            self._enter_with(value)
            return
        self._todo.append(op)
        index = op.results.index(value)
        if op.spec.reads_stream and op.regions:
            for region in op.regions:
                self._need(region.terminator.operands())
        elif op.regions and op.spec.results is None:
            self._hand_on(op, index)
        elif op.regions:
            self._need(op.args)
            self._todo += [param for region in op.regions for param in region.params]
            self._need(region.terminator.args[0] for region in op.regions)
        elif makes_branch(op) or gathers(op) or lists(op):
            self._need(op.operands())
        elif projected(op) is not None or picks_item(op) or field_path(op):
            self._need_parts(op)

    def _need_parts(self, op: Op) -> None:
        """All of a field or an item is needed."""
        whole, name = op.args[0], projected(op)
        named = None if name is None else self._named_fork(whole)
        if named is not None:
            for region in named.regions:
                if region.case == (name,):
                    self._need(region.terminator.operands())
        elif name is not None:
            self._need_field(whole, name)
        else:
            self._need((whole,))

    def _hand_on(self, op: Op, index: int) -> None:
        """A result of an arm or a loop is needed: so is what becomes it."""
        if op.spec.loop:
            self._todo += [op.regions[0].params[index - len(op.results)]]
        self._need(handed_on(op, index))

    def _enter_with(self, value: Value) -> None:
        """A parameter of a region is needed."""
        owner, region = self.made.regions.get(value, (None, None))
        if owner is None or region is None:
            return  # of the function itself
        self._todo.append(owner)
        place = region.params.index(value)
        if not owner.spec.loop:
            self._need(owner.args)
            return
        index = place - (len(region.params) - len(owner.results))
        if index < 0:
            self._need(owner.args[:1])
        else:
            self._hand_on(owner, index)
            self._todo.append(owner.results[index])

    def _need_field(self, whole: Operand, name: str) -> None:
        if isinstance(whole, Value):
            self._todo.append((whole, name))

    def _make_field(self, whole: Value, name: str) -> None:
        """A field of a branch, a record, or of each item of a group is needed."""
        op = self.made.ops.get(whole)
        if op is None:
            self._make_field_of_item(whole, name)
            return
        self._todo.append(op)
        if op.spec.reads_stream and op.regions:
            if len(op.args) == 2:
                self._need_capture(op.regions, whole, name)
            elif not any(region.case == (name,) for region in op.regions):
                self._todo.append(whole)
        elif makes_branch(op):
            captured = dict(op.kwargs)
            self._need((captured[name],) if name in captured else op.operands())
        elif picks_item(op) or field_path(op):
            self._need_field(op.args[0], name)
        elif gathers(op) or lists(op):
            for item in op.args:
                self._need_field(item, name)
        elif maps_items(op):
            (body,) = op.regions
            self._need_field(body.terminator.args[0], name)
        elif op.spec.model or (op.spec.calls and not op.spec.writes_stream):
            pass  # it gives the whole, of which a part is read
        elif projected(op) is not None:
            named = self._named_fork(op.args[0])
            if named is None:
                self._todo.append(whole)
            else:
                label = (projected(op),)
                regions = tuple(r for r in named.regions if r.case == label)
                self._need_capture(regions, whole, name)
        else:
            self._todo.append(whole)

    def _make_field_of_item(self, item: Value, name: str) -> None:
        """A field of a parameter of a region is needed: of the items that are gone through."""
        owner, region = self.made.regions.get(item, (None, None))
        if owner is None or region is None or owner.spec.reads_stream:
            self._todo.append(item)
            return
        lead = len(region.params) - len(owner.results) if owner.spec.loop else 1
        if lead == 0 or region.params[0] != item:
            self._todo.append(item)
            return
        self._todo.append(owner)
        self._need_field(owner.args[0], name)

    def _need_capture(self, regions: tuple[Region, ...], whole: Value, name: str) -> None:
        for region in regions:
            end = region.terminator
            captured = dict(end.kwargs)
            if name in captured:
                self._need((captured[name],))
            elif name in _OF_STREAM:
                self._need(end.args)
            else:  # there is no such field: the error names those that are
                self._todo.append(whole)

    def _named_fork(self, value: Operand) -> Op | None:
        op = self.made.ops.get(value) if isinstance(value, Value) else None
        is_fork = op is not None and op.spec.reads_stream and bool(op.regions)
        return op if op is not None and is_fork and len(op.args) == 1 else None

    # ---- streams that must be named, but are not needed

    def end_of(self, branch: Op) -> Operand:
        """The version that a branch ends with, of those that stay."""
        start, end = branch.args
        if self.has(end) or not isinstance(end, Value):
            return end
        return self.versions.kept(end) if self._told.has(branch) else start

    def _unkept(self, end: Op, stream: Value) -> list[Value]:
        """The stream that ``end`` will name, if nothing keeps it yet."""
        found = self.versions.kept(stream)
        if found in self.needed:
            return []
        made = self.made.ops.get(found)
        if made is None:  # a branch has its stream always, a loop if it is carried
            owner, _ = self.made.regions.get(found, (None, None))
            return [found] if owner is not None and owner.spec.loop else []
        return [] if self.is_live(made) and not made.regions else [found]
