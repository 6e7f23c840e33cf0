"""``batch`` and ``test``: what runs the prompts of the entry file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend import ast
from sglc.compiler.frontend.checked import BatchInfo
from sglc.compiler.frontend.sema import faults
from sglc.compiler.frontend.sema.bodies import gen_names
from sglc.compiler.frontend.sema.body import Body
from sglc.compiler.frontend.sema.consteval import ConstantReader
from sglc.compiler.frontend.sema.cost import check_order
from sglc.compiler.frontend.sema.exprs import Exprs
from sglc.compiler.frontend.sema.flow import Binding
from sglc.compiler.frontend.sema.program import Broken, Module, Program, PromptEntity
from sglc.compiler.frontend.sema.types import ANY, STR
from sglc.compiler.frontend.static_types import BranchType
from sglc.compiler.plan.arguments import mismatch
from sglc.compiler.source import Span
from sglc.constraints import types as t

_MAX_ROWS = 20
_MAX_ROW_BYTES = 1024 * 1024


def check_batches(program: Program, module: Module) -> None:
    """Check every ``batch`` of a file: its rows fit the parameters of its prompt."""
    for item in module.tree.items:
        if isinstance(item, ast.Batch):
            prompt = _prompt(program, module, item.prompt)
            reader = ConstantReader(program, module)
            known, rows = reader.read(item.rows)
            output = _output(program, reader, item)
            if prompt is None or prompt.info is None or not known:
                continue
            checked = _rows(program, module, item, prompt, rows)
            if checked is not None:
                info = BatchInfo(decl=item, prompt=prompt.info, rows=checked, output=output)
                program.checked.batches.append(info)


def _prompt(program: Program, module: Module, name: ast.Name) -> PromptEntity | None:
    entity = module.names.get(name.value)
    if entity is not None:
        entity.used = True
    if isinstance(entity, PromptEntity):
        return entity
    if entity is None:
        prompts = [key for key, e in module.names.items() if isinstance(e, PromptEntity)]
        program.report(codes.undefined_name(name.span, name.value, prompts))
    elif not isinstance(entity, Broken):
        program.report(faults.wants(name.span, "a prompt", name.value))
    return None


def _output(program: Program, reader: ConstantReader, item: ast.Batch) -> str | None:
    if item.output is None:
        return None
    known, value = reader.read(item.output)
    if known and not isinstance(value, str):
        program.report(faults.bad_value(item.output.span, "to", "must be the name of a file"))
    return value if isinstance(value, str) else None


def _rows(
    program: Program, module: Module, item: ast.Batch, prompt: PromptEntity, rows: Any
) -> tuple[Mapping[str, Any], ...] | str | None:
    if isinstance(rows, str):
        found = _file_rows(program, module, item, rows)
        for number, row in found:
            if not _row(program, prompt, row, item.rows.span, f"line {number}: "):
                return rows
        check_order(program, prompt, [row for _, row in found])
        return rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        reason = "must be a list of records or the name of a JSONL file"
        program.report(faults.bad_value(item.rows.span, "from", reason))
        return None
    written = item.rows.items if isinstance(item.rows, ast.List) else ()
    for index, row in enumerate(rows):
        span = written[index].span if index < len(written) else item.rows.span
        _row(program, prompt, row, span, "")
    check_order(program, prompt, rows)
    return tuple(rows)


def _row(
    program: Program, prompt: PromptEntity, row: Mapping[str, Any], span: Span, where: str
) -> bool:
    params = {param.name: param for param in prompt.params}
    missing = [p.name for p in prompt.params if p.name not in row and not p.has_default]
    unused = [name for name in row if name not in params]
    if missing or unused:
        program.report(codes.batch_columns(span, prompt.name, missing=missing, unused=unused))
        return False
    for name, value in row.items():
        reason = mismatch(params[name].type, value)
        if reason is not None:
            program.report(faults.bad_value(span, name, f"{where}{reason}"))
            return False
    return True


def _file_rows(
    program: Program, module: Module, item: ast.Batch, name: str
) -> list[tuple[int, Mapping[str, Any]]]:
    """Return the first rows of a JSONL file that exists already."""
    if module.folder is None or not program.options.trusted:
        return []
    try:
        with (module.folder / name).open("rb") as file:
            content = file.read(_MAX_ROW_BYTES)
    except (OSError, ValueError):
        return []
    lines = content.decode("utf-8", errors="replace").split("\n")
    if len(content) == _MAX_ROW_BYTES:
        lines.pop()
    rows: list[tuple[int, Mapping[str, Any]]] = []
    for number, line in enumerate(lines, 1):
        if len(rows) == _MAX_ROWS:
            break
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            reason = f"line {number} of {name} is not a JSON object"
            program.report(faults.bad_value(item.rows.span, "from", reason))
            break
        rows.append((number, row))
    return rows


def check_tests(program: Program, module: Module) -> None:
    """Check every ``test`` of a file; a run gives the captures or the result of its prompt."""
    titles: dict[str, ast.Text] = {}
    for item in module.tree.items:
        if not isinstance(item, ast.Test):
            continue
        title = item.title.value
        if title is None:
            program.report(faults.not_constant(item.title.span))
        elif title in titles:
            first = titles[title].span
            program.report(codes.duplicate_name(item.title.span, title, first, "test"))
        else:
            titles[title] = item.title
        _check_test(program, module, item)
        program.checked.tests.append(item)


def _check_test(program: Program, module: Module, test: ast.Test) -> None:
    body = Body(program, module, "test", test.title.value or "test")
    exprs = Exprs(body)
    for stmt in test.body:
        if isinstance(stmt, ast.Run):
            type_ = _run(body, exprs, stmt)
            variable = body.declare(stmt.name, "run")
            body.env = body.env.bind(stmt.name.value, Binding((variable,), type_))
            continue
        facts = exprs.condition(stmt.condition)
        if stmt.message is not None:
            exprs.expect(stmt.message, STR, "the message")
        body.env = body.env.learn(facts.true)


def _run(body: Body, exprs: Exprs, stmt: ast.Run) -> t.Type:
    prompt = exprs.calls.included(stmt.call)
    if prompt is None or not isinstance(stmt.call, ast.Call):
        return ANY
    exprs.calls.arguments(stmt.call, prompt.name, prompt.params)
    if stmt.using is not None:
        _using(body, exprs, stmt.using, prompt)
    if prompt.info is None:
        return ANY
    body.record_callee(stmt.call, prompt.info)
    if prompt.returns is not None:
        return BranchType((t.Field("result", prompt.returns),))
    return BranchType(tuple(t.Field(name, type_) for name, type_ in prompt.info.captures))


def _using(body: Body, exprs: Exprs, using: ast.Expr, prompt: PromptEntity) -> None:
    """What answers the model calls of a run: texts by name, or the file of a recording."""
    match using:
        case ast.Call(callee=ast.Var(name="mock"), args=args, kwargs=kwargs):
            _mocks(body, exprs, args, kwargs, prompt)
        case ast.Call(callee=ast.Var(name="recording"), args=(file,), kwargs=()):
            exprs.expect(file, STR, "the file of a recording")
        case _:
            wanted = '`mock(name=text, ...)` or `recording("file.sglrec")`'
            body.report(faults.wants(using.span, wanted, using.span.text))


def _mocks(
    body: Body,
    exprs: Exprs,
    args: Sequence[ast.Expr],
    kwargs: Sequence[ast.Kwarg],
    prompt: PromptEntity,
) -> None:
    for arg in args:
        exprs.check(arg)
        body.report(faults.wants(arg.span, "`name=text`", arg.span.text))
    names = gen_names(prompt, set())
    for kwarg in kwargs:
        name = kwarg.name.value
        if name not in names:
            body.report(
                codes.mock_unknown_capture(kwarg.name.span, name, prompt.name, sorted(names))
            )
        type_ = exprs.check(kwarg.value)
        texts = t.Union((STR, t.List(STR)))
        exprs.require(kwarg.value, type_, texts, f"mock `{name}`")
