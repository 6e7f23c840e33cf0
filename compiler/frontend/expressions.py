"""Builds the nodes of expressions and texts while the parser reduces.

``make_x`` is called for rule or alias ``x`` of the grammar, with the range of the rule and the
children that the grammar keeps; an optional part that is absent is None.
"""

from __future__ import annotations

from typing import Literal, cast

from sglc.compiler.diagnostics import DiagnosticSink, codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.text import Piece, raw_value, text_parts
from sglc.compiler.frontend.tokens import SyntaxFailure, Token
from sglc.compiler.source import SourceFile, Span

# Words that mean something inside expressions: never names.
RESERVED = frozenset(
    {"true", "false", "none", "not", "and", "or", "if", "else", "in", "for", "try"}
)
MAX_DIGITS = 1000
MAX_CHAIN = 5000  # operands of one `and`, `or` or `|`

Suite = tuple[ast.Stmt, ...]
Args = tuple[tuple[ast.Expr, ...], tuple[ast.Kwarg, ...]]


class ExpressionBuilder:
    """The rules of expressions and texts."""

    def __init__(self, file: SourceFile, sink: DiagnosticSink) -> None:
        self.file = file
        self.sink = sink

    def span(self, start: int, end: int) -> Span:
        return Span(self.file, start, end)

    def declared(self, name: ast.Name) -> ast.Name:
        """Check a name where it is introduced."""
        if name.value in RESERVED:
            self.sink.add(codes.reserved_word(name.span, name.value))
        return name

    def check_chain(self, length: int, start: int, end: int) -> None:
        """Refuse a chain of operators that would take too long to read."""
        if length >= MAX_CHAIN:
            span = self.span(start, end)
            message = f"more than {MAX_CHAIN} operands in one expression"
            raise SyntaxFailure(codes.unexpected_token(span, message), start)

    # -- operators

    def make_ternary(
        self, start: int, end: int, then: ast.Expr, condition: ast.Expr, otherwise: ast.Expr
    ) -> ast.Ternary:
        return ast.Ternary(
            condition=condition, then=then, otherwise=otherwise, span=self.span(start, end)
        )

    def make_try_(self, start: int, end: int, value: ast.Expr, fallback: ast.Expr) -> ast.Try:
        return ast.Try(value=value, fallback=fallback, span=self.span(start, end))

    def make_or_(self, start: int, end: int, left: ast.Expr, right: ast.Expr) -> ast.Or:
        first = left.operands if isinstance(left, ast.Or) else (left,)
        self.check_chain(len(first), start, end)
        return ast.Or(operands=(*first, right), span=self.span(start, end))

    def make_and_(self, start: int, end: int, left: ast.Expr, right: ast.Expr) -> ast.And:
        first = left.operands if isinstance(left, ast.And) else (left,)
        self.check_chain(len(first), start, end)
        return ast.And(operands=(*first, right), span=self.span(start, end))

    def make_negate(self, start: int, end: int, operand: ast.Expr) -> ast.Not:
        return ast.Not(operand=operand, span=self.span(start, end))

    def make_cmp(
        self, start: int, end: int, left: ast.Expr, op: Token, right: ast.Expr
    ) -> ast.Compare:
        spelling = cast(Literal["==", "!=", "<", "<=", ">", ">="], op.text)
        return ast.Compare(op=spelling, left=left, right=right, span=self.span(start, end))

    def make_in_(self, start: int, end: int, item: ast.Expr, container: ast.Expr) -> ast.In:
        return ast.In(item=item, container=container, span=self.span(start, end))

    def make_not_in(self, start: int, end: int, item: ast.Expr, container: ast.Expr) -> ast.NotIn:
        return ast.NotIn(item=item, container=container, span=self.span(start, end))

    def make_union(self, start: int, end: int, left: ast.Expr, right: ast.Expr) -> ast.Union:
        first = left.options if isinstance(left, ast.Union) else (left,)
        self.check_chain(len(first), start, end)
        return ast.Union(options=(*first, right), span=self.span(start, end))

    def make_range(self, start: int, end: int, first: ast.Expr, last: ast.Expr) -> ast.Range:
        return ast.Range(first=first, last=last, span=self.span(start, end))

    def make_sum(
        self, start: int, end: int, left: ast.Expr, op: Token, right: ast.Expr
    ) -> ast.Binary:
        spelling = cast(Literal["+", "-", "*", "/", "%"], op.text)
        return ast.Binary(op=spelling, left=left, right=right, span=self.span(start, end))

    make_term = make_sum

    def make_unary(self, start: int, end: int, op: Token, operand: ast.Expr) -> ast.Unary:
        spelling = cast(Literal["+", "-"], op.text)
        return ast.Unary(op=spelling, operand=operand, span=self.span(start, end))

    # -- postfixes

    def make_attr(
        self, start: int, end: int, value: ast.Expr, name: ast.Name
    ) -> ast.Attr | ast.Selector:
        if isinstance(value, ast.Selector):
            return ast.Selector(path=(*value.path, name), span=self.span(start, end))
        return ast.Attr(value=value, name=name, span=self.span(start, end))

    def make_call(self, start: int, end: int, callee: ast.Expr, args: Args | None) -> ast.Call:
        positional, named = args or ((), ())
        return ast.Call(callee=callee, args=positional, kwargs=named, span=self.span(start, end))

    def make_index(self, start: int, end: int, value: ast.Expr, index: ast.Expr) -> ast.Index:
        return ast.Index(value=value, index=index, span=self.span(start, end))

    def make_slice(
        self,
        start: int,
        end: int,
        value: ast.Expr,
        first: ast.Expr | None,
        stop: ast.Expr | None,
    ) -> ast.Slice:
        return ast.Slice(value=value, start=first, stop=stop, span=self.span(start, end))

    def make_optional(self, start: int, end: int, value: ast.Expr) -> ast.OptionalMark:
        return ast.OptionalMark(value=value, span=self.span(start, end))

    def make_args(self, start: int, end: int, *args: ast.Expr | ast.Kwarg) -> Args:
        positional: list[ast.Expr] = []
        named: list[ast.Kwarg] = []
        for arg in args:
            if isinstance(arg, ast.Kwarg):
                named.append(arg)
            else:
                positional.append(arg)
                if named:
                    self.sink.add(
                        codes.unexpected_token(
                            arg.span,
                            "positional argument after a named one",
                            label="move it forward",
                        )
                    )
        return tuple(positional), tuple(named)

    def make_kwarg(self, start: int, end: int, name: ast.Name, value: ast.Expr) -> ast.Kwarg:
        return ast.Kwarg(name=name, value=value, span=self.span(start, end))

    # -- atoms

    def make_var(self, start: int, end: int, name: ast.Name) -> ast.Var:
        if name.value in RESERVED:
            self.sink.add(
                codes.unexpected_token(
                    name.span, f"unexpected `{name.value}`", label="expected an expression"
                )
            )
        return ast.Var(name=name.value, span=name.span)

    def make_int(self, start: int, end: int, token: Token) -> ast.Int:
        if len(token.text) > MAX_DIGITS:
            self.sink.add(codes.unexpected_token(self.span(start, end), "this number is too large"))
            return ast.Int(value=0, span=self.span(start, end))
        return ast.Int(value=int(token.text), span=self.span(start, end))

    def make_float(self, start: int, end: int, token: Token) -> ast.Float:
        value = float(token.text)
        if value == float("inf"):
            self.sink.add(codes.unexpected_token(self.span(start, end), "this number is too large"))
            value = 0.0
        return ast.Float(value=value, span=self.span(start, end))

    def make_true(self, start: int, end: int) -> ast.Bool:
        return ast.Bool(value=True, span=self.span(start, end))

    def make_false(self, start: int, end: int) -> ast.Bool:
        return ast.Bool(value=False, span=self.span(start, end))

    def make_none(self, start: int, end: int) -> ast.NoneLiteral:
        return ast.NoneLiteral(span=self.span(start, end))

    def make_regex(self, start: int, end: int, token: Token) -> ast.Regex:
        return ast.Regex(pattern=token.text[1:-1], span=self.span(start, end))

    def make_selector(self, start: int, end: int, name: ast.Name) -> ast.Selector:
        return ast.Selector(path=(name,), span=self.span(start, end))

    def make_list(self, start: int, end: int, *items: ast.Expr | None) -> ast.List:
        kept = tuple(item for item in items if item is not None)
        return ast.List(items=kept, span=self.span(start, end))

    def make_listcomp(
        self,
        start: int,
        end: int,
        element: ast.Expr,
        var: ast.Name,
        iterable: ast.Expr,
        condition: ast.Expr | None,
    ) -> ast.ListComp:
        return ast.ListComp(
            element=element,
            var=self.declared(var),
            iterable=iterable,
            condition=condition,
            span=self.span(start, end),
        )

    def make_record(self, start: int, end: int, *pairs: ast.Pair | None) -> ast.Record:
        kept = tuple(pair for pair in pairs if pair is not None)
        return ast.Record(pairs=kept, span=self.span(start, end))

    def make_pair(
        self, start: int, end: int, key: ast.Name | ast.Text, value: ast.Expr
    ) -> ast.Pair:
        return ast.Pair(key=self.key(key), value=value, span=self.span(start, end))

    def key(self, key: ast.Name | ast.Text) -> ast.Name:
        """Return the name that a record key spells."""
        if isinstance(key, ast.Name):
            return key
        if key.value is None:
            self.sink.add(
                codes.unexpected_token(
                    key.span,
                    "a field name cannot hold a hole",
                    label="a name, not a text with holes",
                )
            )
        return ast.Name(value=key.value or "", span=key.span)

    # -- texts

    def make_str1(self, start: int, end: int, *pieces: Piece) -> ast.Text:
        parts = text_parts(self.file, [*pieces], self.sink, block=False)
        return ast.Text(parts=parts, span=self.span(start, end))

    def make_str3(self, start: int, end: int, *pieces: Piece) -> ast.Text:
        parts = text_parts(self.file, [*pieces], self.sink, block=True)
        return ast.Text(parts=parts, span=self.span(start, end))

    def make_raw(self, start: int, end: int, token: Token) -> ast.Text:
        value = raw_value(token)
        quote = 3 if token.text.startswith('r"""') else 1
        inside = self.span(start + 1 + quote, end - quote)
        parts = (ast.TextChunk(value=value, span=inside),) if value else ()
        return ast.Text(parts=parts, raw=True, span=self.span(start, end))

    def make_hole(self, start: int, end: int, name: ast.Name | None, expr: ast.Expr) -> ast.Hole:
        return ast.Hole(
            name=self.declared(name) if name else None, expr=expr, span=self.span(start, end)
        )

    make_hole1 = make_hole
    make_hole3 = make_hole
