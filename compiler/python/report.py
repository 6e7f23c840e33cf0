"""What became of a function, line by line: what ``sglc explain module:function`` prints."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Iterator
from types import FunctionType

from sglc.compiler.diagnostics.codes import python as codes
from sglc.compiler.diagnostics.diagnostic import Diagnostic
from sglc.compiler.plan.plan import Loc
from sglc.compiler.python.build import place_of
from sglc.compiler.python.forced import forced_reads
from sglc.compiler.python.lower import Lowered, Staged
from sglc.compiler.python.pieces import Words
from sglc.compiler.python.reasons import Reason, Unsupported
from sglc.compiler.python.source import read_function
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
    try:
        lines, first = inspect.getsourcelines(code)
    except OSError:  # there is none, which is why it runs step by step
        return
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


def diagnostics_of(func: FunctionType, reason: Reason, words: Words) -> Iterator[Diagnostic]:
    """Yield what is to be said of a function that runs step by step: why, and what it waits for."""
    span = _span(Loc(reason.file, reason.line, reason.column))
    if reason.code == "SGL0903":
        yield codes.state_escapes(span, "s", reason.text)
    else:
        yield codes.staged_execution(span, func.__name__, reason.text)
    try:
        source = read_function(func)
    except Unsupported:  # which is the reason
        return
    for read in forced_reads(source, words):
        span = _span(place_of(source.file, read), place_of(source.file, read, at_end=True))
        yield codes.forced_in_loop(span, span.text)


def _span(place: Loc, until: Loc | None = None) -> Span:
    """What stands at a place, on its line."""
    file = SourceFile(place.file, "".join(linecache.getlines(place.file)) or "\n")
    line = min(max(place.line, 1), file.num_lines)
    start = file.line_starts[line - 1] + min(place.column - 1, len(file.line(line)))
    end = file.line_starts[line - 1] + len(file.line(line))
    if until is not None and until.line == line:
        end = min(end, start + until.column - place.column)
    return Span(file, start, max(start, end))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
