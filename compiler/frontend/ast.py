"""The syntax tree of a `.sgl` file.

Nodes are frozen, carry the place they were written at, and compare by identity. A type is an
expression; what is a type is decided by the checks, not here. ``Name`` is an identifier where it is
declared or used as a label; an identifier used as a value is a ``Var``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sglc.compiler.source import SourceFile, Span


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Node:
    """Anything with a place in a file."""

    span: Span

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.span})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Name(Node):
    """A declared name or label; for record keys ``value`` is the text without its quotes."""

    value: str


# ---- expressions ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TextChunk(Node):
    """Literal text after escapes and dedent; ``span`` covers all it was written with."""

    value: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Hole(Node):
    """``{expr}`` or ``{name = expr}``; ``span`` includes the braces."""

    name: Name | None
    expr: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Text(Node):
    """A quoted text. Neighbouring chunks are joined, empty chunks are left out."""

    parts: tuple[TextChunk | Hole, ...]
    raw: bool = False

    @property
    def value(self) -> str | None:
        """The constant text, or None when there are holes."""
        chunks = [part.value for part in self.parts if isinstance(part, TextChunk)]
        return "".join(chunks) if len(chunks) == len(self.parts) else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Int(Node):
    value: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Float(Node):
    value: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Bool(Node):
    value: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NoneLiteral(Node):
    """``none``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Regex(Node):
    """``/pattern/``; ``\\/`` is kept as written, ``pattern[0]`` is at ``span.start + 1``."""

    pattern: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Var(Node):
    """A name used as a value or as a type."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Selector(Node):
    """``.judge.score``: the path to a field of each member of a group."""

    path: tuple[Name, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class List(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ListComp(Node):
    """``[element for var in iterable if condition]``."""

    element: Expr
    var: Name
    iterable: Expr
    condition: Expr | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Pair(Node):
    """``key: value`` of a record value, or ``key: type`` of a record type."""

    key: Name
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Record(Node):
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Attr(Node):
    """``value.name``."""

    value: Expr
    name: Name


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Kwarg(Node):
    """``name=value`` in a call, a decorator or a ``with``."""

    name: Name
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Call(Node):
    """``callee(args, kwargs)``; positional arguments come first."""

    callee: Expr
    args: tuple[Expr, ...]
    kwargs: tuple[Kwarg, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Index(Node):
    """``value[index]``; also ``list[T]``."""

    value: Expr
    index: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Slice(Node):
    """``value[start:stop]``."""

    value: Expr
    start: Expr | None
    stop: Expr | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class OptionalMark(Node):
    """``T?``."""

    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Unary(Node):
    op: Literal["+", "-"]
    operand: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Binary(Node):
    op: Literal["+", "-", "*", "/", "%"]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Range(Node):
    """``first..last``, both ends included."""

    first: Expr
    last: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Union(Node):
    """``a | b | c``, flat: at least two options."""

    options: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Compare(Node):
    op: Literal["==", "!=", "<", "<=", ">", ">="]
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class In(Node):
    """``item in container``."""

    item: Expr
    container: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NotIn(Node):
    """``item not in container``."""

    item: Expr
    container: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Not(Node):
    """``not operand``."""

    operand: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class And(Node):
    """``a and b and c``, flat: at least two operands."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Or(Node):
    """``a or b or c``, flat: at least two operands."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Ternary(Node):
    """``then if condition else otherwise``."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Say(Node):
    """An expression alone on a line: its value is appended to the stream."""

    expr: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Bind(Node):
    """``name: type = value``."""

    name: Name
    type: Expr | None
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Include(Node):
    """``include p(...)``."""

    target: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class IncludeBind(Node):
    """``name: type = include p(...)``."""

    name: Name
    type: Expr | None
    target: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Keep(Node):
    """``keep branch``."""

    branch: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Check(Node):
    """``check condition, message``."""

    condition: Expr
    message: Expr | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Return(Node):
    value: Expr | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Break(Node):
    """``break``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Continue(Node):
    """``continue``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Pass(Node):
    """``pass``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Role(Node):
    """``user: ...`` or ``role "tool": ...``; ``name`` of the former is the keyword as a text."""

    name: Text
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class IfArm(Node):
    """``if condition:`` or ``elif condition:`` and its block."""

    condition: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class If(Node):
    """``if``/``elif`` arms in order; ``otherwise`` is None without an ``else``."""

    arms: tuple[IfArm, ...]
    otherwise: tuple[Stmt, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Case(Node):
    """``value, value: ...``."""

    values: tuple[Expr, ...]
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Match(Node):
    """``match subject:``; ``otherwise`` is None without an ``else``."""

    subject: Expr
    cases: tuple[Case, ...]
    otherwise: tuple[Stmt, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class For(Node):
    """``for var in iterable:`` or ``for index, var in iterable:``; ``index`` counts from 0."""

    index: Name | None
    var: Name
    iterable: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class While(Node):
    """``while condition limit n:``."""

    condition: Expr
    limit: Expr
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ForkEach(Node):
    """``fork var in iterable as group:``."""

    var: Name
    iterable: Expr
    group: Name
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Branch(Node):
    """``label: ...`` inside a ``fork as``."""

    name: Name
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ForkNamed(Node):
    """``fork as group:``."""

    group: Name
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Side(Node):
    """``side as name:``."""

    name: Name | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SpanBlock(Node):
    """``span name:``: names a stretch of the prompt."""

    name: Name
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class With(Node):
    """``with option=value, ...:``."""

    options: tuple[Kwarg, ...]
    body: tuple[Stmt, ...]


SimpleStmt = Say | Bind | Include | IncludeBind | Keep | Check | Return | Break | Continue | Pass
BlockStmt = Role | If | Match | For | While | ForkEach | ForkNamed | Side | SpanBlock | With
Stmt = SimpleStmt | BlockStmt


# ---- file items -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Import(Node):
    """``import a.b as c``; ``module`` is ``a.b``."""

    module: Name
    alias: Name | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ImportNames(Node):
    """``from a.b import c, d``."""

    module: Name
    names: tuple[Name, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ConfigEntry(Node):
    name: Name
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Config(Node):
    entries: tuple[ConfigEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Decorator(Node):
    """``@name(args)``."""

    name: Name
    args: tuple[Expr, ...]
    kwargs: tuple[Kwarg, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Declaration(Node):
    """An item with a name; ``doc`` is the text of the ``##`` lines directly above it."""

    name: Name
    decorators: tuple[Decorator, ...] = ()
    doc: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Let(Declaration):
    type: Expr | None
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TypeAlias(Declaration):
    value: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TypeField(Node):
    name: Name
    type: Expr
    default: Expr | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class TypeRecord(Declaration):
    fields: tuple[TypeField, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Param(Node):
    name: Name
    type: Expr
    default: Expr | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Tool(Declaration):
    """``tool name(params) -> returns from "module:function"``."""

    params: tuple[Param, ...]
    returns: Expr
    source: Text | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Fn(Declaration):
    """``fn name(params) -> returns = body``."""

    params: tuple[Param, ...]
    returns: Expr
    body: Expr


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Prompt(Declaration):
    params: tuple[Param, ...]
    returns: Expr | None
    body: tuple[Stmt, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Batch(Node):
    """``batch prompt from rows to output``."""

    prompt: Name
    rows: Expr
    output: Expr | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Run(Node):
    """``name = run call using mock`` inside a test."""

    name: Name
    call: Expr
    using: Expr | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Expect(Node):
    """``expect condition, message`` inside a test."""

    condition: Expr
    message: Expr | None


TestStmt = Run | Expect


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Test(Node):
    title: Text
    body: tuple[TestStmt, ...]


Item = (
    Import | ImportNames | Config | Let | TypeAlias | TypeRecord | Tool | Fn | Prompt | Batch | Test
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Module(Node):
    """What could be parsed of a file, in source order."""

    file: SourceFile
    items: tuple[Item, ...]
