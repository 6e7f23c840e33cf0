"""Family 07: calls into the host."""

from __future__ import annotations

from collections.abc import Iterable

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label
from sglc.compiler.diagnostics.suggest import did_you_mean
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def tool_not_bound(span: Span, name: str, candidates: Iterable[str] = ()) -> Diagnostic:
    return report(
        "SGL0701",
        span,
        f"tool `{name}` is not bound",
        label="no function runs it",
        helps=(
            *did_you_mean(name, candidates),
            'name it here: `from "module:function"`, or register it with the host',
        ),
    )


def effect_in_fork(span: Span, tool: str, fork: Span | None = None) -> Diagnostic:
    return report(
        "SGL0702",
        span,
        f"tool `{tool}` has effects and runs in several branches",
        label="once per branch, in no fixed order",
        labels=(Label(fork, "the branches are made here"),) if fork else (),
        helps=("mark it `@readonly` or `@pure` if it changes nothing, or call it after the fork",),
    )


def untrusted_host_code(span: Span, tool: str, target: str) -> Diagnostic:
    return report(
        "SGL0703",
        span,
        f"tool `{tool}` names host code",
        label=f"an untrusted program may not run `{target}`",
        helps=("drop the `from`, and let the host register the tool",),
    )


def signature_differs(span: Span, tool: str, declared: str, actual: str) -> Diagnostic:
    return report(
        "SGL0704",
        span,
        f"tool `{tool}` differs from the function it names",
        label=f"declared `{declared}`",
        notes=(f"the function is `{actual}`",),
    )
