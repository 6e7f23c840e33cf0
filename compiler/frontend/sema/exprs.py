"""Types of expressions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.body import Body, Place
from sglc.compiler.frontend.sema.builtins import FORMS, SIGNATURES
from sglc.compiler.frontend.sema.calls import Calls
from sglc.compiler.frontend.sema.conditions import Outcome, outcome, path_of
from sglc.compiler.frontend.sema.fields import field_names, field_type
from sglc.compiler.frontend.sema.flow import Binding
from sglc.compiler.frontend.sema.operators import Operators
from sglc.compiler.frontend.sema.program import Broken, Entity, LetEntity, Namespace, TypeEntity
from sglc.compiler.frontend.sema.types import (
    ANY,
    BOOL,
    NONE,
    NUMBER,
    STR,
    assignable,
    element,
    is_int,
    is_number,
    is_optional,
    is_text,
    is_unknown,
    join,
    join_all,
    literal_values,
    of_value,
    record_for,
    show,
    widen,
    without_none,
)
from sglc.compiler.frontend.sema.typexprs import TYPE_NAMES
from sglc.compiler.frontend.static_types import GroupType
from sglc.constraints import types as t


class Exprs:
    """Gives every expression of one body its type; mistakes are reported where they are."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self.calls = Calls(body, self)
        self._operators = Operators(body, self)

    # -- entry points

    def check(
        self, expr: ast.Expr, place: Place = Place.NESTED, expected: t.Type | None = None
    ) -> t.Type:
        """Return the type of ``expr``; ``expected`` helps to read literals and ``gen()``."""
        return self.body.record_type(expr, self._check(expr, place, expected))

    def present(
        self, expr: ast.Expr, place: Place = Place.NESTED, expected: t.Type | None = None
    ) -> t.Type:
        """Return the type of ``expr`` where ``none`` has no meaning."""
        return self.require_present(expr, self.check(expr, place, expected))

    def require_present(self, expr: ast.Expr, type_: t.Type) -> t.Type:
        """Report ``expr`` if it may be none, and return the type of its other values."""
        if not is_optional(type_):
            return type_
        if not self._maybe_unset(expr):
            if type_ == NONE and not isinstance(expr, ast.Var):
                self.body.report(faults.wants(expr.span, "a value", "none"))
                return ANY
            self.body.report(
                faults.maybe_none(expr.span, show(type_))
                if path_of(expr) is None
                else codes.optional_unchecked(expr.span, expr.span.text, show(type_))
            )
        return ANY if type_ == NONE else without_none(type_)

    def expect(
        self, expr: ast.Expr, target: t.Type, where: str, place: Place = Place.NESTED
    ) -> t.Type:
        """Check that ``expr`` may be given where a ``target`` is asked; return its type."""
        type_ = self.check(expr, place, target)
        self.require(expr, type_, target, where)
        return type_

    def require(self, expr: ast.Expr, type_: t.Type, target: t.Type, where: str) -> None:
        """Report ``expr`` of ``type_`` if it does not fit ``target``."""
        if assignable(type_, target):
            return
        if is_optional(type_) and assignable(without_none(type_), target):
            self.require_present(expr, type_)
            return
        self.body.report(codes.type_mismatch(expr.span, show(target), show(type_), where))

    def condition(self, expr: ast.Expr) -> Outcome:
        """Check a condition and return what it tells."""
        type_ = self.present(expr, expected=BOOL)
        if not assignable(type_, BOOL):
            self.body.report(
                faults.wants(expr.span, "a condition", show(type_), _condition_help(expr, type_))
            )
        return outcome(expr, self.body.type_of, self.peek)

    def peek(self, expr: ast.Expr) -> tuple[bool, Any]:
        """Return (True, value) of a constant expression."""
        return self.body.constants.peek(expr, self.body.env.names)

    # -- dispatch

    def _check(self, expr: ast.Expr, place: Place, expected: t.Type | None) -> t.Type:
        match expr:
            case ast.Text():
                return self.text(expr, place)
            case ast.Int(value=value):
                return t.Int(value, value)
            case ast.Float():
                return NUMBER
            case ast.Bool():
                return BOOL
            case ast.NoneLiteral():
                return NONE
            case ast.Var(name=name):
                return self._var(name, expr)
            case ast.Call():
                return self.calls.check(expr, place, expected)
            case ast.Attr():
                return self._attr(expr)
            case ast.List(items=items):
                return self._list(items, expected)
            case ast.Record(pairs=pairs):
                return self._record(pairs, expected)
            case ast.Index():
                return self._index(expr)
            case ast.Slice():
                return self._slice(expr)
            case ast.ListComp():
                return self._comprehension(expr)
            case ast.Ternary():
                return self._ternary(expr, place, expected)
            case ast.Try(value=value, fallback=fallback):
                return self._try(value, fallback, place, expected)
            case ast.Regex() | ast.OptionalMark() | ast.Union():
                self.body.report(faults.type_as_value(expr.span))
                return ANY
            case ast.Selector():
                self.body.report(faults.wants(expr.span, "a value", "a selector"))
                return ANY
        return self._operators.check(expr)

    def text(self, text: ast.Text, place: Place) -> t.Type:
        """Check the holes of a text; only those of a said text may generate, bind or show."""
        inner = Place.SAID if place is Place.SAID else Place.NESTED
        for part in text.parts:
            if isinstance(part, ast.Hole):
                self._hole(part, inner)
        value = text.value
        return STR if value is None else t.Literal(value)

    def _hole(self, hole: ast.Hole, place: Place) -> None:
        type_ = self.check(hole.expr, place)
        if hole.name is not None:
            if place is Place.SAID:
                self.bind_value(hole.name, hole.expr, type_)
            else:
                fault = (
                    codes.stream_op_in_fn(hole.span, f"{hole.name.value} =", self.body.owner)
                    if self.body.kind == "fn"
                    else faults.nested_binding(hole.name.span, hole.name.value)
                )
                self.body.report(fault)
        self.printable(hole.expr, type_, place)

    def printable(self, expr: ast.Expr, type_: t.Type, place: Place) -> None:
        """Report a value that cannot become part of a text or, in a said place, of the prompt."""
        type_ = self.require_present(expr, type_)
        match type_:
            case GroupType():
                self.body.report(
                    faults.not_sayable(
                        expr.span, "a group of branches", "say its branches: `for b in ...`"
                    )
                )
            case t.Image() | t.Video() if place is not Place.SAID:
                self.body.report(
                    faults.not_sayable(expr.span, show(type_), "only a message can show it")
                )
            case t.Image() | t.Video() if self.body.program.options.vision is False:
                model = str(self.body.program.checked.config.get("model", "embedded"))
                self.body.report(codes.model_cannot_see(expr.span, model, f"{type_}s"))

    def bind_value(
        self, name: ast.Name, expr: ast.Expr, type_: t.Type, declared: t.Type | None = None
    ) -> None:
        """Bind ``name`` to the value of ``expr``."""
        kind = "gen" if self.calls.is_model_call(expr) else "binding"
        exact = declared if declared is not None else widen(type_)
        self.body.bind(name, exact, kind, selected=self.calls.is_form(expr, "select"))

    # -- names

    def _var(self, name: str, expr: ast.Var) -> t.Type:
        binding = self.body.env.names.get(name)
        if binding is not None:
            for variable in binding.variables:
                variable.used = True
            return self.body.env.facts.get((name,), binding.read_type)
        entity = self.body.module.names.get(name)
        if entity is not None:
            return self.entity(entity, expr, name)
        access = self.body.env.inside.get(name)
        if access is not None:
            self.body.report(codes.name_in_branch(expr.span, name, access))
        elif name in SIGNATURES or name in FORMS:
            self.body.report(faults.not_a_value(expr.span, name, "a built-in function"))
        elif name in TYPE_NAMES:
            self.body.report(faults.not_a_value(expr.span, name, "a type"))
        else:
            self.body.report(
                codes.undefined_name(expr.span, name, self.visible_names(), self.body.owner)
            )
        return ANY

    def visible_names(self) -> list[str]:
        return [*self.body.env.names, *self.body.module.names, *SIGNATURES]

    def entity(self, entity: Entity, expr: ast.Expr, name: str) -> t.Type:
        """Return the type of a module-level name used as a value."""
        entity.used = True
        if isinstance(entity, LetEntity):
            if not entity.has_value:
                return ANY
            self.body.record_constant(expr, entity.value)
            return entity.type or of_value(entity.value)
        if isinstance(entity, Broken) or (isinstance(entity, Namespace) and entity.names is None):
            return ANY
        what = "a type" if isinstance(entity, TypeEntity) else "not a value by itself"
        if isinstance(entity, Namespace):
            self.body.report(faults.not_a_value(expr.span, name, "a module"))
        elif isinstance(entity, TypeEntity):
            self.body.report(faults.not_a_value(expr.span, name, what))
        else:
            helps = (f"call it: `{name}(...)`",)
            self.body.report(faults.not_a_value(expr.span, name, "something to call", helps))
        return ANY

    def _maybe_unset(self, expr: ast.Expr) -> bool:
        """Report a name that not every path binds; False when something else makes it none."""
        if not isinstance(expr, ast.Var) or (expr.name,) in self.body.env.facts:
            return False
        binding = self.body.env.names.get(expr.name)
        if binding is None or not binding.maybe:
            return False
        places = [variable.span for variable in binding.variables]
        self.body.report(codes.maybe_unset(expr.span, expr.name, places))
        self._assume_bound(expr.name, binding)
        return True

    def _assume_bound(self, name: str, binding: Binding) -> None:
        """Let one report be enough for a name."""
        if not self.body.program.muted:
            self.body.env = self.body.env.learn({(name,): without_none(binding.type)})

    # -- parts of values

    def _attr(self, expr: ast.Attr) -> t.Type:
        space = self.body.namespace(expr.value)
        if space is not None:
            space.used = True
            entity = self.calls.member(space, expr.name)
            return ANY if entity is None else self.entity(entity, expr, expr.name.value)
        path = path_of(expr)
        owner = self.present(expr.value)
        if path is not None and path in self.body.env.facts:
            return self.body.env.facts[path]
        return self.field(owner, expr.name)

    def field(self, owner: t.Type, name: ast.Name) -> t.Type:
        """Return the type of a field, after reporting one that is not there."""
        found = field_type(owner, name.value)
        if found is None:
            self.body.report(
                codes.no_such_field(name.span, show(owner), name.value, field_names(owner))
            )
            return ANY
        return found

    def _list(self, items: Sequence[ast.Expr], expected: t.Type | None) -> t.Type:
        wanted = expected.item if isinstance(expected, t.List) else None
        types = [self.check(item, expected=wanted) for item in items]
        joined = join_all(types)
        return t.List(ANY if joined is None else joined, len(types), len(types))

    def _record(self, pairs: Sequence[ast.Pair], expected: t.Type | None) -> t.Type:
        target = record_for([pair.key.value for pair in pairs], expected)
        wanted = {} if target is None else {field.name: field.type for field in target.fields}
        fields: dict[str, t.Field] = {}
        for pair in pairs:
            name = pair.key.value
            if name in fields:
                self.body.report(codes.duplicate_name(pair.key.span, name, what="field"))
            fields[name] = t.Field(name, self.check(pair.value, expected=wanted.get(name)))
        left_out = [] if target is None else [f for f in target.fields if f.name not in fields]
        filled = [field for field in left_out if field.default is not t.MISSING]
        return t.Record((*fields.values(), *filled))

    def _index(self, expr: ast.Index) -> t.Type:
        owner = self.present(expr.value)
        if isinstance(owner, t.Record):
            key = self.present(expr.index)
            values = literal_values(key)
            if values is None or not all(isinstance(value, str) for value in values):
                if not is_text(key):
                    self.body.report(
                        faults.wants(expr.index.span, "the name of a field", show(key))
                    )
                return join_all(field.type for field in owner.fields) or ANY
            found = [
                self.field(owner, ast.Name(value=str(v), span=expr.index.span)) for v in values
            ]
            return join_all(found) or ANY
        index = self.present(expr.index)
        item = element(owner)
        if item is None and is_text(owner):
            item = STR
        if item is None:
            self.body.report(faults.wants(expr.value.span, "a list", show(owner)))
            return ANY
        if not is_int(index) and not is_unknown(owner):
            self.body.report(faults.wants(expr.index.span, "an integer", show(index)))
        return item

    def _slice(self, expr: ast.Slice) -> t.Type:
        owner = self.present(expr.value)
        for end in (expr.start, expr.stop):
            if end is not None and not is_int(type_ := self.present(end)):
                self.body.report(faults.wants(end.span, "an integer", show(type_)))
        match owner:
            case t.List(item=item):
                return t.List(item)
            case GroupType():
                return owner
        if is_unknown(owner):
            return ANY
        if not is_text(owner):
            self.body.report(faults.wants(expr.value.span, "a list or a text", show(owner)))
            return ANY
        return STR

    def items_of(self, expr: ast.Expr) -> t.Type:
        """Check something that is iterated over and return what its items are."""
        type_ = self.present(expr)
        item = element(type_)
        if item is None:
            self.body.report(faults.not_iterable(expr.span, show(type_)))
        return ANY if item is None else item

    def _comprehension(self, expr: ast.ListComp) -> t.Type:
        item = self.items_of(expr.iterable)
        outer = self.body.env
        self.body.bind(expr.var, item, "loop")
        if expr.condition is not None:
            facts = self.condition(expr.condition)
            self.body.env = self.body.env.learn(facts.true)
        result = t.List(widen(self.check(expr.element)))
        self.body.env = outer
        return result

    # -- choices

    def _ternary(self, expr: ast.Ternary, place: Place, expected: t.Type | None) -> t.Type:
        facts = self.condition(expr.condition)
        before = self.body.env
        self.body.env = before.learn(facts.true)
        then = self.check(expr.then, place, expected)
        self.body.env = before.learn(facts.false)
        otherwise = self.check(expr.otherwise, place, expected)
        self.body.env = before
        return join(then, otherwise)

    def _try(
        self, value: ast.Expr, fallback: ast.Expr, place: Place, expected: t.Type | None
    ) -> t.Type:
        first = self.check(value, place, expected)
        return join(first, self.check(fallback, place, expected))


def _condition_help(expr: ast.Expr, type_: t.Type) -> tuple[str, ...]:
    text = expr.span.text
    if is_text(type_):
        return (f'compare it: `{text} != ""`',)
    if is_number(type_):
        return (f"compare it: `{text} != 0`",)
    if element(type_) is not None:
        return (f"compare its length: `len({text}) > 0`",)
    return ()
