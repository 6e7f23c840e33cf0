"""What became of a function, line by line: what ``sglc explain module:function`` prints."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Iterator
from types import FunctionType

from sglc.compiler.diagnostics.codes import python as codes
from sglc.compiler.diagnostics.diagnostic import Diagnostic
from sglc.compiler.python.lower import Lowered, Staged
from sglc.compiler.python.reasons import Reason
from sglc.compiler.source import SourceFile, Span

_MARKS = {"lowered": "graph ", "host": "python", "staged": "here  "}


def report(func: FunctionType, found: Lowered | Staged) -> Iterator[str]:
    """Yield the lines of a report: how the function runs, its source with marks, what is behind."""
    code = func.__code__
    place = f"{code.co_filename}:{code.co_firstlineno}"
    if isinstance(found, Lowered):
        ops = [op for _, op in found.module.walk()]
        calls = sum(op.spec.model for op in ops)
        yield (
            f"{func.__name__} ({place}) is one graph: {_count(calls, 'model call')}, "
            f"{_count(len(found.hosts), 'host statement')}"
        )
    else:
        yield f"{func.__name__} ({place}) runs step by step: {found.reason.text}"
    yield ""
    lines, first = inspect.getsourcelines(code)
    width = len(str(first + len(lines)))
    for number, text in enumerate(lines, first):
        status = found.notes.lines.get((code.co_filename, number))
        mark = _MARKS.get(str(status), "      ")
        yield f"{number:>{width}} {mark} | {text.rstrip()}".rstrip()
    yield ""
    if isinstance(found, Lowered):
        yield from _hosts(found)
    else:
        yield "graph: would be lowered; python: stays as it is; here: why it cannot be one graph."


def _hosts(found: Lowered) -> Iterator[str]:
    for name, value in found.fixed.items():
        yield f"part of the graph: {name} = {value!r}"
    for host in found.hosts:
        line = getattr(host.body[0], "lineno", 0)
        yield f"{host.name} (line {line}): {host.text}"


def diagnostic_of(func: FunctionType, reason: Reason) -> Diagnostic:
    """Return the diagnostic of a function that runs step by step."""
    text = "".join(linecache.getlines(reason.file)) or "\n"
    file = SourceFile(reason.file, text)
    line = min(max(reason.line, 1), file.num_lines)
    start = file.line_starts[line - 1] + min(reason.column - 1, len(file.line(line)))
    span = Span(file, start, max(start, file.line_starts[line - 1] + len(file.line(line))))
    if reason.code == "SGL0903":
        return codes.state_escapes(span, "s", reason.text)
    return codes.staged_execution(span, func.__name__, reason.text)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
