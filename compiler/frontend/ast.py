"""The syntax tree of a `.sgl` file.

Nodes are frozen, carry the place they were written at, and compare by identity. A type is an
expression; what is a type is decided by the checks, not here. ``Name`` is an identifier where it is
declared or used as a label; an identifier used as a value is a ``Var``.
"""

from __future__ import annotations

from typing import ClassVar, Literal, dataclass_transform

from sglc.compiler.source import SourceFile, Span


@dataclass_transform(kw_only_default=True, frozen_default=True, eq_default=False)
class _Fields:
    """Makes subclasses like frozen keyword-only dataclasses, without the cost.

    Seventy generated constructors took a quarter of the time of checking a small program.
    """

    FIELDS: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **values: object) -> None:
        self.__dict__.update(values)

    def __init_subclass__(cls) -> None:
        own = vars(cls).get("__annotations__", {})  # this class alone, as text: never evaluated
        cls.FIELDS = tuple(dict.fromkeys((*cls.FIELDS, *own)))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen")


class Node(_Fields):
    """Anything with a place in a file. ``FIELDS`` names what a node of a class holds."""

    span: Span

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.span})"


class Name(Node):
    """A declared name or label; for record keys ``value`` is the text without its quotes."""

    value: str


# ---- expressions ----------------------------------------------------------------------------


class TextChunk(Node):
    """Literal text after escapes and dedent; ``span`` covers all it was written with."""

    value: str


class Hole(Node):
    """``{expr}`` or ``{name = expr}``; ``span`` includes the braces."""

    name: Name | None
    expr: Expr


class Text(Node):
    """A quoted text. Neighbouring chunks are joined, empty chunks are left out."""

    parts: tuple[TextChunk | Hole, ...]
    raw: bool = False

    @property
    def value(self) -> str | None:
        """The constant text, or None when there are holes."""
        chunks = [part.value for part in self.parts if isinstance(part, TextChunk)]
        return "".join(chunks) if len(chunks) == len(self.parts) else None


class Int(Node):
    value: int


class Float(Node):
    value: float


class Bool(Node):
    value: bool


class NoneLiteral(Node):
    """``none``."""


class Regex(Node):
    """``/pattern/``; ``\\/`` is kept as written, ``pattern[0]`` is at ``span.start + 1``."""

    pattern: str


class Var(Node):
    """A name used as a value or as a type."""

    name: str


class Selector(Node):
    """``.judge.score``: the path to a field of each member of a group."""

    path: tuple[Name, ...]


class List(Node):
    items: tuple[Expr, ...]


class ListComp(Node):
    """``[element for var in iterable if condition]``."""

    element: Expr
    var: Name
    iterable: Expr
    condition: Expr | None


class Pair(Node):
    """``key: value`` of a record value, or ``key: type`` of a record type."""

    key: Name
    value: Expr


class Record(Node):
    pairs: tuple[Pair, ...]


class Attr(Node):
    """``value.name``."""

    value: Expr
    name: Name


class Kwarg(Node):
    """``name=value`` in a call, a decorator or a ``with``."""

    name: Name
    value: Expr


class Call(Node):
    """``callee(args, kwargs)``; positional arguments come first."""

    callee: Expr
    args: tuple[Expr, ...]
    kwargs: tuple[Kwarg, ...]


class Index(Node):
    """``value[index]``; also ``list[T]``."""

    value: Expr
    index: Expr


class Slice(Node):
    """``value[start:stop]``."""

    value: Expr
    start: Expr | None
    stop: Expr | None


class OptionalMark(Node):
    """``T?``."""

    value: Expr


class Unary(Node):
    op: Literal["+", "-"]
    operand: Expr


class Binary(Node):
    op: Literal["+", "-", "*", "/", "%"]
    left: Expr
    right: Expr


class Range(Node):
    """``first..last``, both ends included."""

    first: Expr
    last: Expr


class Union(Node):
    """``a | b | c``, flat: at least two options."""

    options: tuple[Expr, ...]


class Compare(Node):
    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Expr
    right: Expr


class In(Node):
    """``item in container``."""

    item: Expr
    container: Expr


class NotIn(Node):
    """``item not in container``."""

    item: Expr
    container: Expr


class Not(Node):
    """``not operand``."""

    operand: Expr


class And(Node):
    """``a and b and c``, flat: at least two operands."""

    operands: tuple[Expr, ...]


class Or(Node):
    """``a or b or c``, flat: at least two operands."""

    operands: tuple[Expr, ...]


class Ternary(Node):
    """``then if condition else otherwise``."""

    condition: Expr
    then: Expr
    otherwise: Expr


class Try(Node):
    """``try value else fallback``."""

    value: Expr
    fallback: Expr


Literals = Text | Int | Float | Bool | NoneLiteral | Regex
Operators = Unary | Binary | Range | Union | Compare | In | NotIn | Not | And | Or | Ternary | Try
Expr = (
    Literals
    | Operators
    | Var
    | Selector
    | List
    | ListComp
    | Record
    | Attr
    | Call
    | Index
    | Slice
    | OptionalMark
)


# ---- statements -----------------------------------------------------------------------------


class Say(Node):
    """An expression alone on a line: its value is appended to the stream."""

    expr: Expr


class Bind(Node):
    """``name: type = value``."""

    name: Name
    type: Expr | None
    value: Expr


class Include(Node):
    """``include p(...)``."""

    target: Expr


class IncludeBind(Node):
    """``name: type = include p(...)``."""

    name: Name
    type: Expr | None
    target: Expr


class Keep(Node):
    """``keep branch``."""

    branch: Expr


class Check(Node):
    """``check condition, message``."""

    condition: Expr
    message: Expr | None


class Return(Node):
    value: Expr | None


class Break(Node):
    """``break``."""


class Continue(Node):
    """``continue``."""


class Pass(Node):
    """``pass``."""


class Role(Node):
    """``user: ...`` or ``role "tool": ...``; ``name`` of the former is the keyword as a text."""

    name: Text
    body: tuple[Stmt, ...]


class IfArm(Node):
    """``if condition:`` or ``elif condition:`` and its block."""

    condition: Expr
    body: tuple[Stmt, ...]


class If(Node):
    """``if``/``elif`` arms in order; ``otherwise`` is None without an ``else``."""

    arms: tuple[IfArm, ...]
    otherwise: tuple[Stmt, ...] | None


class Case(Node):
    """``value, value: ...``."""

    values: tuple[Expr, ...]
    body: tuple[Stmt, ...]


class Match(Node):
    """``match subject:``; ``otherwise`` is None without an ``else``."""

    subject: Expr
    cases: tuple[Case, ...]
    otherwise: tuple[Stmt, ...] | None


class For(Node):
    """``for var in iterable:`` or ``for index, var in iterable:``; ``index`` counts from 0."""

    index: Name | None
    var: Name
    iterable: Expr
    body: tuple[Stmt, ...]


class While(Node):
    """``while condition limit n:``."""

    condition: Expr
    limit: Expr
    body: tuple[Stmt, ...]


class ForkEach(Node):
    """``fork var in iterable as group:``."""

    var: Name
    iterable: Expr
    group: Name
    body: tuple[Stmt, ...]


class Branch(Node):
    """``label: ...`` inside a ``fork as``."""

    name: Name
    body: tuple[Stmt, ...]


class ForkNamed(Node):
    """``fork as group:``."""

    group: Name
    branches: tuple[Branch, ...]


class Side(Node):
    """``side as name:``."""

    name: Name | None
    body: tuple[Stmt, ...]


class SpanBlock(Node):
    """``span name:``: names a stretch of the prompt."""

    name: Name
    body: tuple[Stmt, ...]


class With(Node):
    """``with option=value, ...:``."""

    options: tuple[Kwarg, ...]
    body: tuple[Stmt, ...]


SimpleStmt = Say | Bind | Include | IncludeBind | Keep | Check | Return | Break | Continue | Pass
BlockStmt = Role | If | Match | For | While | ForkEach | ForkNamed | Side | SpanBlock | With
Stmt = SimpleStmt | BlockStmt


# ---- file items -----------------------------------------------------------------------------


class Import(Node):
    """``import a.b as c``; ``module`` is ``a.b``."""

    module: Name
    alias: Name | None


class ImportNames(Node):
    """``from a.b import c, d``."""

    module: Name
    names: tuple[Name, ...]


class ConfigEntry(Node):
    name: Name
    value: Expr


class Config(Node):
    entries: tuple[ConfigEntry, ...]


class Decorator(Node):
    """``@name(args)``."""

    name: Name
    args: tuple[Expr, ...]
    kwargs: tuple[Kwarg, ...]


class Declaration(Node):
    """An item with a name; ``doc`` is the text of the ``##`` lines directly above it."""

    name: Name
    decorators: tuple[Decorator, ...] = ()
    doc: str | None = None


class Let(Declaration):
    type: Expr | None
    value: Expr


class TypeAlias(Declaration):
    value: Expr


class TypeField(Node):
    name: Name
    type: Expr
    default: Expr | None


class TypeRecord(Declaration):
    fields: tuple[TypeField, ...]


class Param(Node):
    name: Name
    type: Expr
    default: Expr | None


class Tool(Declaration):
    """``tool name(params) -> returns from "module:function"``."""

    params: tuple[Param, ...]
    returns: Expr
    source: Text | None


class Fn(Declaration):
    """``fn name(params) -> returns = body``."""

    params: tuple[Param, ...]
    returns: Expr
    body: Expr


class Prompt(Declaration):
    params: tuple[Param, ...]
    returns: Expr | None
    body: tuple[Stmt, ...]


class Batch(Node):
    """``batch prompt from rows to output``."""

    prompt: Name
    rows: Expr
    output: Expr | None


class Run(Node):
    """``name = run call using mock`` inside a test."""

    name: Name
    call: Expr
    using: Expr | None


class Expect(Node):
    """``expect condition, message`` inside a test."""

    condition: Expr
    message: Expr | None


TestStmt = Run | Expect


class Test(Node):
    title: Text
    body: tuple[TestStmt, ...]


Item = (
    Import | ImportNames | Config | Let | TypeAlias | TypeRecord | Tool | Fn | Prompt | Batch | Test
)


class Module(Node):
    """What could be parsed of a file, in source order."""

    file: SourceFile
    items: tuple[Item, ...]
