"""Builds the nodes of statements and file items while the parser reduces."""

from __future__ import annotations

from sglc.compiler.frontend import ast
from sglc.compiler.frontend.expressions import Args, ExpressionBuilder
from sglc.compiler.frontend.tokens import Token

Suite = tuple[ast.Stmt, ...]
Params = tuple[ast.Param, ...]
Decorators = tuple[ast.Decorator, ...]


class TreeBuilder(ExpressionBuilder):
    """One ``make_x`` per rule or alias ``x``; see ``ExpressionBuilder``."""

    # -- simple statements

    def make_say(self, start: int, end: int, expr: ast.Expr) -> ast.Say:
        return ast.Say(expr=expr, span=self.span(start, end))

    def make_bind(
        self,
        start: int,
        end: int,
        name: ast.Name,
        type_: ast.Expr | None,
        value: ast.Expr | ast.Include,
    ) -> ast.Bind | ast.IncludeBind:
        span = self.span(start, end)
        if isinstance(value, ast.Include):
            return ast.IncludeBind(
                name=self.declared(name), type=type_, target=value.target, span=span
            )
        return ast.Bind(name=self.declared(name), type=type_, value=value, span=span)

    def make_include(self, start: int, end: int, target: ast.Expr) -> ast.Include:
        return ast.Include(target=target, span=self.span(start, end))

    make_include_expr = make_include

    def make_keep(self, start: int, end: int, branch: ast.Expr) -> ast.Keep:
        return ast.Keep(branch=branch, span=self.span(start, end))

    def make_check(
        self, start: int, end: int, condition: ast.Expr, message: ast.Expr | None
    ) -> ast.Check:
        return ast.Check(condition=condition, message=message, span=self.span(start, end))

    def make_return_(self, start: int, end: int, value: ast.Expr | None) -> ast.Return:
        return ast.Return(value=value, span=self.span(start, end))

    def make_break_(self, start: int, end: int) -> ast.Break:
        return ast.Break(span=self.span(start, end))

    def make_continue_(self, start: int, end: int) -> ast.Continue:
        return ast.Continue(span=self.span(start, end))

    def make_pass_(self, start: int, end: int) -> ast.Pass:
        return ast.Pass(span=self.span(start, end))

    # -- blocks

    def make_suite(self, start: int, end: int, *body: ast.Stmt) -> Suite:
        return body

    def make_role_keyword(self, start: int, end: int, word: Token, body: Suite) -> ast.Role:
        place = self.span(word.start, word.end)
        name = ast.Text(parts=(ast.TextChunk(value=word.text, span=place),), span=place)
        return ast.Role(name=name, body=body, span=self.span(start, end))

    def make_role_named(self, start: int, end: int, name: ast.Text, body: Suite) -> ast.Role:
        return ast.Role(name=name, body=body, span=self.span(start, end))

    def make_if_(
        self,
        start: int,
        end: int,
        condition: ast.Expr,
        body: Suite,
        *rest: ast.IfArm | Suite | None,
    ) -> ast.If:
        stop = body[-1].span.end
        first = ast.IfArm(condition=condition, body=body, span=self.span(start, stop))
        arms = (first, *(arm for arm in rest if isinstance(arm, ast.IfArm)))
        otherwise = rest[-1] if rest else None
        assert not isinstance(otherwise, ast.IfArm)
        return ast.If(arms=arms, otherwise=otherwise, span=self.span(start, end))

    def make_elif_(self, start: int, end: int, condition: ast.Expr, body: Suite) -> ast.IfArm:
        return ast.IfArm(condition=condition, body=body, span=self.span(start, end))

    def make_else_(self, start: int, end: int, body: Suite) -> Suite:
        return body

    def make_match(
        self, start: int, end: int, subject: ast.Expr, *rest: ast.Case | Suite | None
    ) -> ast.Match:
        cases = tuple(case for case in rest if isinstance(case, ast.Case))
        otherwise = rest[-1]
        assert not isinstance(otherwise, ast.Case)
        return ast.Match(
            subject=subject, cases=cases, otherwise=otherwise, span=self.span(start, end)
        )

    def make_case(self, start: int, end: int, *children: ast.Expr | Suite) -> ast.Case:
        values = tuple(child for child in children if not isinstance(child, tuple))
        body = children[-1]
        assert isinstance(body, tuple)
        return ast.Case(values=values, body=body, span=self.span(start, end))

    def make_for_(
        self,
        start: int,
        end: int,
        first: ast.Name,
        second: ast.Name | None,
        iterable: ast.Expr,
        body: Suite,
    ) -> ast.For:
        return ast.For(
            index=self.declared(first) if second else None,
            var=self.declared(second or first),
            iterable=iterable,
            body=body,
            span=self.span(start, end),
        )

    def make_while_(
        self, start: int, end: int, condition: ast.Expr, limit: ast.Expr, body: Suite
    ) -> ast.While:
        return ast.While(condition=condition, limit=limit, body=body, span=self.span(start, end))

    def make_fork_each(
        self,
        start: int,
        end: int,
        var: ast.Name,
        iterable: ast.Expr,
        group: ast.Name,
        body: Suite,
    ) -> ast.ForkEach:
        return ast.ForkEach(
            var=self.declared(var),
            iterable=iterable,
            group=self.declared(group),
            body=body,
            span=self.span(start, end),
        )

    def make_fork_named(
        self, start: int, end: int, group: ast.Name, *branches: ast.Branch
    ) -> ast.ForkNamed:
        return ast.ForkNamed(
            group=self.declared(group), branches=branches, span=self.span(start, end)
        )

    def make_branch(self, start: int, end: int, name: ast.Name, body: Suite) -> ast.Branch:
        return ast.Branch(name=self.declared(name), body=body, span=self.span(start, end))

    def make_side(self, start: int, end: int, name: ast.Name | None, body: Suite) -> ast.Side:
        declared = self.declared(name) if name else None
        return ast.Side(name=declared, body=body, span=self.span(start, end))

    def make_span(self, start: int, end: int, name: ast.Name, body: Suite) -> ast.SpanBlock:
        return ast.SpanBlock(name=self.declared(name), body=body, span=self.span(start, end))

    def make_with_(self, start: int, end: int, *children: ast.Kwarg | Suite) -> ast.With:
        options = tuple(child for child in children if isinstance(child, ast.Kwarg))
        body = children[-1]
        assert isinstance(body, tuple)
        return ast.With(options=options, body=body, span=self.span(start, end))

    # -- items

    def make_start(self, start: int, end: int) -> None:
        """Nothing: items have been taken one by one."""

    def make_dotted(self, start: int, end: int, *names: ast.Name) -> ast.Name:
        return ast.Name(value=".".join(n.value for n in names), span=self.span(start, end))

    def make_import_mod(
        self, start: int, end: int, module: ast.Name, alias: ast.Name | None
    ) -> ast.Import:
        declared = self.declared(alias) if alias else None
        return ast.Import(module=module, alias=declared, span=self.span(start, end))

    def make_import_names(
        self, start: int, end: int, module: ast.Name, *names: ast.Name
    ) -> ast.ImportNames:
        declared = tuple(self.declared(name) for name in names)
        return ast.ImportNames(module=module, names=declared, span=self.span(start, end))

    def make_config(self, start: int, end: int, *entries: ast.ConfigEntry) -> ast.Config:
        return ast.Config(entries=entries, span=self.span(start, end))

    def make_entry(self, start: int, end: int, name: ast.Name, value: ast.Expr) -> ast.ConfigEntry:
        return ast.ConfigEntry(name=name, value=value, span=self.span(start, end))

    def make_let_(
        self, start: int, end: int, name: ast.Name, type_: ast.Expr | None, value: ast.Expr
    ) -> ast.Let:
        return ast.Let(
            name=self.declared(name),
            type=type_,
            value=value,
            doc=self.doc(start),
            span=self.span(start, end),
        )

    def make_decos(self, start: int, end: int, *decorators: ast.Decorator) -> Decorators:
        return decorators

    def make_deco(self, start: int, end: int, name: ast.Name, args: Args | None) -> ast.Decorator:
        positional, named = args or ((), ())
        return ast.Decorator(name=name, args=positional, kwargs=named, span=self.span(start, end))

    def make_type_alias(
        self,
        start: int,
        end: int,
        decorators: Decorators | None,
        name: ast.Name,
        value: ast.Expr,
    ) -> ast.TypeAlias:
        return ast.TypeAlias(
            name=self.declared(name),
            value=value,
            decorators=decorators or (),
            doc=self.doc(start),
            span=self.span(start, end),
        )

    def make_type_record(
        self,
        start: int,
        end: int,
        decorators: Decorators | None,
        name: ast.Name,
        *fields: ast.TypeField,
    ) -> ast.TypeRecord:
        return ast.TypeRecord(
            name=self.declared(name),
            fields=fields,
            decorators=decorators or (),
            doc=self.doc(start),
            span=self.span(start, end),
        )

    def make_field(
        self,
        start: int,
        end: int,
        key: ast.Name | ast.Text,
        type_: ast.Expr,
        default: ast.Expr | None,
    ) -> ast.TypeField:
        return ast.TypeField(
            name=self.key(key), type=type_, default=default, span=self.span(start, end)
        )

    def make_params(self, start: int, end: int, *params: ast.Param | None) -> Params:
        return tuple(param for param in params if param is not None)

    def make_param(
        self, start: int, end: int, name: ast.Name, type_: ast.Expr, default: ast.Expr | None
    ) -> ast.Param:
        return ast.Param(
            name=self.declared(name), type=type_, default=default, span=self.span(start, end)
        )

    def make_tool(
        self,
        start: int,
        end: int,
        decorators: Decorators | None,
        name: ast.Name,
        params: Params,
        returns: ast.Expr,
        source: ast.Text | None,
    ) -> ast.Tool:
        return ast.Tool(
            name=self.declared(name),
            params=params,
            returns=returns,
            source=source,
            decorators=decorators or (),
            doc=self.doc(start),
            span=self.span(start, end),
        )

    def make_fn(
        self,
        start: int,
        end: int,
        decorators: Decorators | None,
        name: ast.Name,
        params: Params,
        returns: ast.Expr,
        body: ast.Expr,
    ) -> ast.Fn:
        return ast.Fn(
            name=self.declared(name),
            params=params,
            returns=returns,
            body=body,
            decorators=decorators or (),
            doc=self.doc(start),
            span=self.span(start, end),
        )

    def make_prompt(
        self,
        start: int,
        end: int,
        decorators: Decorators | None,
        name: ast.Name,
        params: Params,
        returns: ast.Expr | None,
        body: Suite,
    ) -> ast.Prompt:
        return ast.Prompt(
            name=self.declared(name),
            params=params,
            returns=returns,
            body=body,
            decorators=decorators or (),
            doc=self.doc(start),
            span=self.span(start, end),
        )

    def make_batch(
        self, start: int, end: int, prompt: ast.Name, rows: ast.Expr, output: ast.Expr | None
    ) -> ast.Batch:
        return ast.Batch(prompt=prompt, rows=rows, output=output, span=self.span(start, end))

    def make_test(self, start: int, end: int, title: ast.Text, *body: ast.TestStmt) -> ast.Test:
        return ast.Test(title=title, body=body, span=self.span(start, end))

    def make_run(
        self, start: int, end: int, name: ast.Name, call: ast.Expr, using: ast.Expr | None
    ) -> ast.Run:
        return ast.Run(name=self.declared(name), call=call, using=using, span=self.span(start, end))

    def make_expect(
        self, start: int, end: int, condition: ast.Expr, message: ast.Expr | None
    ) -> ast.Expect:
        return ast.Expect(condition=condition, message=message, span=self.span(start, end))

    def doc(self, start: int) -> str | None:
        """Return the text of the ``##`` lines directly above the item that starts here."""
        number = self.file.position(start).line - 1
        lines: list[str] = []
        while number >= 1 and (line := self.file.line(number)).startswith("##"):
            lines.append(line[2:].removeprefix(" ").rstrip())
            number -= 1
        return "\n".join(reversed(lines)) if lines else None
