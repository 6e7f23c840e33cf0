"""Family 09: functions of the Python frontend."""

from __future__ import annotations

from sglc.compiler.diagnostics.diagnostic import Diagnostic
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def staged_execution(span: Span, function: str, reason: str) -> Diagnostic:
    return report(
        "SGL0901",
        span,
        f"`{function}` runs step by step",
        label=reason,
        notes=("results are the same; passes see one stage at a time",),
    )


def forced_in_loop(span: Span, name: str) -> Diagnostic:
    return report(
        "SGL0902",
        span,
        f"`{name}` is needed before the next turn of the loop",
        label="waits for the model here",
        helps=("read in a loop behind this one: then all turns are asked for at once",),
    )


def state_escapes(span: Span, name: str, how: str) -> Diagnostic:
    return report(
        "SGL0903",
        span,
        f"state `{name}` escapes analysis",
        label=how,
        notes=("what happens to it there is not optimized",),
    )
