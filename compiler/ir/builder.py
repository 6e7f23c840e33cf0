"""Builds modules op by op; what the lowering of syntax trees, tests and passes write with.

    module = ModuleBuilder("qa.sgl")
    f = module.function("prompt", "qa", result=Str())
    question = f.param("question", Str())
    s = f.one("stream")
    s = f.one("put", s, question)
    s, answer = f.emit("gen", s, hint=("s", "answer"), max_tokens=64, rng=f.site()).results
    f.emit("return", s, result=answer)
    f.finish()
    graph = module.finish()

Keywords of ``emit`` that the op declares as attributes and that hold constants become attributes;
all others become keyword operands. Values get fresh names made from hints.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from sglc.compiler.ir import graph
from sglc.compiler.ir.op import AttrValue, Op, Operand, Region, Symbol, Value, operand
from sglc.compiler.ir.ops import OPS
from sglc.compiler.ir.values import EFFECT, STREAM, ValueType, from_type
from sglc.compiler.plan.plan import Scalar
from sglc.constraints.types import MISSING, Type

if TYPE_CHECKING:
    from sglc.compiler.ir.op import Place

Hint = str | None
Params = Sequence[tuple[Hint, ValueType]]


class Mark(NamedTuple):
    """A point in the making of a function that one can go back to."""

    num_ops: int
    names: set[str]
    next: dict[str, int]
    sites: int
    constraints: dict[str, Type]
    tools: dict[str, graph.ToolDecl]


class RegionBuilder:
    """A region under construction. After its ``with`` block it may be given to ``emit``."""

    def __init__(self, label: str, case: tuple[Scalar, ...], params: tuple[Value, ...]) -> None:
        self.label = label
        self.case = case
        self.params = params
        self.ops: list[Op] = []

    @property
    def terminated(self) -> bool:
        """Whether the last op ends the region: nothing more may be emitted."""
        return bool(self.ops) and self.ops[-1].spec.terminator

    def finish(self) -> Region:
        return Region(label=self.label, case=self.case, params=self.params, ops=tuple(self.ops))


class FunctionBuilder:
    """Emits ops into the innermost open region of one function.

    ``span`` is the place that ops get when ``emit`` is not told another.
    """

    def __init__(
        self, module: ModuleBuilder, kind: str, name: str, result: Type | None, doc: str,
        span: Place | None,
    ) -> None:  # fmt: skip
        self.module = module
        self.kind = kind
        self.name = name
        self.result = result
        self.doc = doc
        self.span: Place | None = span
        self._declared_at = span
        self._params: list[graph.Param] = []
        self._names: set[str] = set()
        self._next: dict[str, int] = {}
        self._sites = 0
        self._open: list[RegionBuilder] = [RegionBuilder("", (), ())]

    @property
    def region_now(self) -> RegionBuilder:
        """The innermost open region."""
        return self._open[-1]

    @property
    def terminated(self) -> bool:
        """Whether the innermost open region has its terminator."""
        return self.region_now.terminated

    def param(self, name: str, type_: Type, default: object = MISSING) -> Value:
        """Declare the next parameter; its value has exactly this name."""
        if name in self._names:
            raise ValueError(f"{self.name}: duplicate parameter {name!r}")
        self._names.add(name)
        value = Value(name, from_type(type_))
        self._params.append(graph.Param(value=value, type=type_, default=default))
        return value

    def value(self, hint: Hint, type_: ValueType) -> Value:
        """Make a value with a fresh name: ``s0, s1…`` for streams, else ``hint``, ``hint.1``…"""
        stem = hint or ("s" if type_ == STREAM else "e" if type_ == EFFECT else "t")
        numbered = hint is None or (type_ == STREAM and hint == "s")
        while True:
            count = self._next.get(stem, 0)
            self._next[stem] = count + 1
            name = f"{stem}{count}" if numbered else f"{stem}.{count}" if count else stem
            if name not in self._names:
                self._names.add(name)
                return Value(name, type_)

    def site(self) -> str:
        """Return a number for an ``rng`` attribute that this function has not used."""
        self._sites += 1
        return str(self._sites)

    def emit(
        self,
        name: str,
        /,
        *args: object,
        hint: Hint | Sequence[Hint] = None,
        types: ValueType | Sequence[ValueType] | None = None,
        kwargs: Mapping[str, object] | None = None,
        attrs: Mapping[str, AttrValue] | None = None,
        regions: Sequence[RegionBuilder | Region] = (),
        effect: bool = False,
        span: Place | None = None,
        **options: object,
    ) -> Op:
        """Append an op and return it; ``op.results`` are its values.

        Args:
            args: values, symbols, Python scalars, or lists of them.
            hint: names for the results; one name stands for the last result.
            types: types of the results, in order (one stands for the last); those left out have
              the types the op declares. How many results there are follows from the op, for
              control ops from ``types``.
            kwargs: keyword operands whose names are not Python names.
            attrs: attributes, as they are.
            effect: the op is effectful: its first result is an effect, ``after`` one of
              ``options``.
            options: attributes and keyword operands, told apart by the op's declaration.

        Raises:
            ValueError: the region already has its terminator.
        """
        if self.terminated:
            raise ValueError(f"{self.name}: {name!r} after the terminator of its region")
        spec = OPS[name]
        operands: dict[str, Operand] = {k: operand(v) for k, v in (kwargs or {}).items()}
        constants: dict[str, AttrValue] = dict(attrs or {})
        after = options.pop("after", None) if effect else None
        for key, given in options.items():
            if key in spec.attrs and not _has_value(given):
                constants[key] = _constant(given)
            else:
                operands[key] = operand(given)
        keywords = tuple(operands.items())
        if effect:
            keywords = (*keywords, ("after", operand(after)))
        op = Op(
            name=name,
            results=self._results(name, hint, types, effect),
            args=tuple(map(operand, args)),
            kwargs=keywords,
            attrs=constants,
            regions=tuple(r.finish() if isinstance(r, RegionBuilder) else r for r in regions),
            span=span or self.span,
        )
        self.region_now.ops.append(op)
        return op

    def one(self, name: str, /, *args: object, **options: Any) -> Value:
        """Like ``emit``; return the op's only result."""
        return self.emit(name, *args, **options).result

    @contextmanager
    def region(
        self, label: str, case: Scalar | tuple[Scalar, ...] = (), params: Params = ()
    ) -> Iterator[RegionBuilder]:
        """Open a region: until the block ends, ops go into it. Give it to ``emit`` afterwards."""
        cases = case if isinstance(case, tuple) else (case,)
        inner = RegionBuilder(label, cases, tuple(self.value(h, t) for h, t in params))
        self._open.append(inner)
        try:
            yield inner
        finally:
            self._open.pop()

    @contextmanager
    def resumed(self, region: RegionBuilder) -> Iterator[None]:
        """Open a region again that was not given to ``emit`` yet."""
        self._open.append(region)
        try:
            yield
        finally:
            self._open.pop()

    def mark(self) -> Mark:
        """Return where the function, and its module, stand now."""
        module = self.module
        return Mark(
            len(self.region_now.ops), set(self._names), dict(self._next), self._sites,
            dict(module.constraints), dict(module.tools),
        )  # fmt: skip

    def rewind(self, mark: Mark) -> None:
        """Forget what was emitted since ``mark``, which was made with the same region open."""
        del self.region_now.ops[mark.num_ops :]
        self._names, self._next, self._sites = set(mark.names), dict(mark.next), mark.sites
        self.module.constraints = dict(mark.constraints)
        self.module.tools = dict(mark.tools)

    @contextmanager
    def at(self, span: Place | None) -> Iterator[None]:
        """Give the ops of the block this place."""
        before, self.span = self.span, span
        try:
            yield
        finally:
            self.span = before

    def finish(self) -> graph.Function:
        """Add the function to its module and return it."""
        function = graph.Function(
            kind=self.kind,
            name=self.name,
            params=tuple(self._params),
            result=self.result,
            body=replace(self._open[0].finish(), label=""),
            doc=self.doc,
            span=self._declared_at,
        )
        self.module.functions[self.name] = function
        return function

    def _results(
        self,
        name: str,
        hint: Hint | Sequence[Hint],
        types: ValueType | Sequence[ValueType] | None,
        effect: bool,
    ) -> tuple[Value, ...]:
        spec = OPS[name]
        given = [types] if isinstance(types, ValueType) else list(types or ())
        if spec.results is None:
            declared = given
        else:
            declared = [*([EFFECT] if effect else []), *spec.results]
            if isinstance(types, ValueType):
                declared[-1:] = given
            else:
                declared[: len(given)] = given
        if isinstance(hint, str) or hint is None:
            hints: list[Hint] = [*[None for _ in declared[1:]], hint]
        else:
            hints = [*hint, *[None] * len(declared)]
        return tuple(self.value(h, t) for h, t in zip(hints, declared, strict=False))


class ModuleBuilder:
    """Collects functions, constraints and tools of a program."""

    def __init__(self, *sources: str, config: Mapping[str, AttrValue] | None = None) -> None:
        self.sources = sources
        self.config = dict(config or {})
        self.functions: dict[str, graph.Function] = {}
        self.constraints: dict[str, Type] = {}
        self.tools: dict[str, graph.ToolDecl] = {}

    def function(
        self,
        kind: str,
        name: str,
        result: Type | None = None,
        *,
        doc: str = "",
        span: Place | None = None,
    ) -> FunctionBuilder:
        """Begin a ``prompt`` or an ``fn``; its ``finish`` adds it here."""
        return FunctionBuilder(self, kind, name, result, doc, span)

    def constraint(self, type_: Type, name: str | None = None) -> Symbol:
        """Return the symbol of a constraint; an equal one that is already there is used again."""
        for known, other in self.constraints.items():
            if type(other) is type(type_) and str(other) == str(type_) and other == type_:
                return Symbol(known)
        stem = name or f"C{len(self.constraints)}"
        chosen, count = stem, 1
        while chosen in self.constraints:
            chosen, count = f"{stem}.{count}", count + 1
        self.constraints[chosen] = type_
        return Symbol(chosen)

    def tool(self, declaration: graph.ToolDecl) -> Symbol:
        """Declare a host function."""
        self.tools[declaration.name] = declaration
        return Symbol(declaration.name)

    def finish(self) -> graph.Module:
        return graph.Module(
            functions=dict(self.functions),
            constraints=dict(self.constraints),
            tools=dict(self.tools),
            config=self.config,
            sources=self.sources,
        )


def _has_value(given: object) -> bool:
    if isinstance(given, list | tuple):
        return any(map(_has_value, given))
    return isinstance(given, Value)


def _constant(given: object) -> AttrValue:
    if isinstance(given, list | tuple):
        return tuple(map(_constant, given))
    if given is None or isinstance(given, bool | int | float | str | Symbol):
        return given
    raise TypeError(f"not an attribute value: {given!r}")
