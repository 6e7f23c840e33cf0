"""Family 03: the order in which things happen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label
from sglc.compiler.diagnostics.suggest import did_you_mean
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def unreachable(span: Span, after: Span | None = None, what: str = "return") -> Diagnostic:
    """``what`` names the statement that ends the block before this one."""
    return report(
        "SGL0301",
        span,
        "unreachable statement",
        label="never runs",
        labels=(Label(after, f"the block ends with this `{what}`"),) if after else (),
    )


def unbounded_model_call(span: Span, what: str, cycle: Sequence[str] = ()) -> Diagnostic:
    """``what`` is the loop or call; ``cycle`` the prompts that call each other."""
    way = " calls ".join(f"`{name}`" for name in cycle)
    return report(
        "SGL0302",
        span,
        f"model call in an unbounded {what}",
        label="may run forever",
        notes=(way,) if way else (),
        helps=("bound it: `while condition limit 10:` or `for n in 1..10:`",),
    )


def missing_return(span: Span, name: str, type_: str) -> Diagnostic:
    return report(
        "SGL0303",
        span,
        f"`{name}` can end without a value",
        label=f"promises `{type_}`",
        helps=("return a value on every path, or declare the result optional: `-> T?`",),
    )


def tool_result_said(span: Span, tool: str) -> Diagnostic:
    return report(
        "SGL0304",
        span,
        f"the result of `{tool}` becomes part of the prompt",
        label="an expression alone on a line is said",
        helps=(f"write `_ = {tool}(...)` to discard it, or bind it to a name",),
    )


def stream_op_in_fn(span: Span, what: str, fn: str) -> Diagnostic:
    return report(
        "SGL0305",
        span,
        f"`{what}` inside `fn {fn}`",
        label="a `fn` is pure: it has no prompt to write to",
        helps=(f"make `{fn}` a `prompt`, or pass the value in as a parameter",),
    )


def stray_jump(span: Span, word: str) -> Diagnostic:
    return report("SGL0306", span, f"`{word}` outside of a loop", label="no loop to leave here")


def match_not_exhaustive(span: Span, missing: Sequence[str]) -> Diagnostic:
    """``missing`` are the uncovered choices, in the notation of the language."""
    return report(
        "SGL0307",
        span,
        "match does not cover every choice",
        label=f"not covered: {', '.join(missing)}",
        helps=("add the missing cases, or an `else:`",),
    )


def case_outside_domain(
    span: Span, case: str, domain: str, candidates: Iterable[str] = ()
) -> Diagnostic:
    return report(
        "SGL0308",
        span,
        f"the case {case} never applies",
        label=f"the value is {domain}",
        helps=did_you_mean(case, candidates),
    )


def constant_condition(span: Span, value: bool) -> Diagnostic:
    return report("SGL0309", span, f"this condition is always {str(value).lower()}")
