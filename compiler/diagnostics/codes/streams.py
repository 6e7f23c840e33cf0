"""Family 02: the conversation that a program writes."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label
from sglc.compiler.diagnostics.suggest import did_you_mean
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def role_in_role(span: Span, inner: str, outer: str, opened: Span | None = None) -> Diagnostic:
    return report(
        "SGL0201",
        span,
        f"message `{inner}` inside message `{outer}`",
        label="a message cannot hold another",
        labels=(Label(opened, f"`{outer}` opens here"),) if opened else (),
        helps=(f"end `{outer}` first: write `{inner}:` at the same indentation",),
    )


def text_outside_role(span: Span, prompt: str) -> Diagnostic:
    return report(
        "SGL0202",
        span,
        "text outside any role in a chat prompt",
        label="belongs to no message",
        notes=(f"`{prompt}` opens messages elsewhere, so a chat template is applied",),
        helps=("put it under `system:`, `user:` or `assistant:`",),
    )


def gen_outside_assistant(span: Span, role: str) -> Diagnostic:
    return report(
        "SGL0203",
        span,
        f"the model writes inside `{role}`",
        label="chat models are trained to write in `assistant`",
    )


def empty_message(span: Span, role: str) -> Diagnostic:
    return report(
        "SGL0204",
        span,
        f"empty `{role}` message",
        label="says nothing",
        helps=("remove it; some chat templates refuse empty messages",),
    )


def unknown_role(span: Span, role: str, known: Sequence[str]) -> Diagnostic:
    names = ", ".join(f"`{name}`" for name in known)
    return report(
        "SGL0205",
        span,
        f"the chat template has no role `{role}`",
        notes=(f"it knows {names}",) if known else (),
        helps=did_you_mean(role, known),
    )


def role_left_open(span: Span, role: str) -> Diagnostic:
    return report(
        "SGL0206",
        span,
        f"role `{role}` is left open",
        label="opened here",
        helps=(f"close it: `s += {role}_end()`, or write `with s.{role}():`",),
    )


def model_cannot_see(span: Span, model: str, kind: str = "images") -> Diagnostic:
    return report(
        "SGL0207",
        span,
        f"model `{model}` cannot see {kind}",
        label="needs a vision model",
        helps=("choose a vision-language model, or remove the value from the prompt",),
    )


def template_not_prefix_stable(span: Span, model: str, reason: str = "") -> Diagnostic:
    return report(
        "SGL0208",
        span,
        f"the chat template of `{model}` rewrites earlier messages",
        label="messages before this one change when it is added",
        notes=(
            *((reason,) if reason else ()),
            "the prefix is computed again for every message; results are not affected",
        ),
    )
