"""Family 05: what the model is allowed to write."""

from __future__ import annotations

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def empty_language(span: Span, type_: str, reason: str = "") -> Diagnostic:
    return report(
        "SGL0501",
        span,
        f"no text satisfies `{type_}`",
        label=reason or "accepts nothing",
    )


def unsupported_regex(span: Span, reason: str, helps: tuple[str, ...] = ()) -> Diagnostic:
    """``reason`` names the feature or the fault, such as ``a conditional is not regular``."""
    return report("SGL0502", span, "this regex cannot be used", label=reason, helps=helps)


def max_tokens_too_small(span: Span, max_tokens: int, shortest: int, type_: str) -> Diagnostic:
    return report(
        "SGL0503",
        span,
        f"max_tokens={max_tokens} cuts every `{type_}` short",
        label=f"the shortest needs at least {shortest} tokens",
        helps=("raise it, or leave it out: it is inferred from the type",),
    )


def prefix_choice(span: Span, choice: str, longer: str, other: Span | None = None) -> Diagnostic:
    return report(
        "SGL0504",
        span,
        f'"{choice}" is a prefix of "{longer}"',
        label="scored on fewer tokens than the longer one",
        labels=(Label(other, "the longer choice"),) if other else (),
        helps=("end both with the text that follows, so that they differ",),
    )


def duplicate_choice(span: Span, choice: str, first: Span | None = None) -> Diagnostic:
    return report(
        "SGL0505",
        span,
        f"duplicate choice {choice}",
        label="listed again",
        labels=(Label(first, "first listed here"),) if first else (),
    )


def suspicious_dot(span: Span, example: str, states: tuple[int, int] | None = None) -> Diagnostic:
    """``states`` are the automaton's states with the dot escaped and as it is."""
    gain = f" ({states[0]} automaton states instead of {states[1]})" if states else ""
    return report(
        "SGL0506",
        span,
        "`.` matches any character here",
        label=f'accepts e.g. "{example}"',
        helps=(rf"write `\.`{gain}",),
    )


def bad_stop(span: Span, stop: str, type_: str, *, always: bool) -> Diagnostic:
    when = "every" if always else "no"
    effect = "the text would always be cut" if always else "it would never stop anything"
    return report(
        "SGL0507", span, f'{when} `{type_}` contains the stop text "{stop}"', label=effect
    )


def accepts_empty(span: Span, type_: str) -> Diagnostic:
    return report(
        "SGL0508",
        span,
        f"`{type_}` accepts the empty text",
        label="the model may write nothing",
        helps=("demand at least one character, such as `str(min=1)` or `+` instead of `*`",),
    )


def automaton_too_large(span: Span, type_: str, limit: int) -> Diagnostic:
    return report(
        "SGL0509",
        span,
        f"the automaton of `{type_}` has more than {limit} states",
        label="too large to enforce",
        helps=("lower the repetition counts, or split it into several gens",),
    )


def not_enforceable(span: Span, type_: str, backend: str) -> Diagnostic:
    return report(
        "SGL0510",
        span,
        f"backend `{backend}` cannot hold the model to `{type_}`",
        label="would be generated without the constraint",
    )


def unsupported_rules(span: Span, kind: str, reason: str) -> Diagnostic:
    """``kind`` is ``schema`` or ``grammar``; ``reason`` names the place inside of it."""
    helps = ("say it another way, or drop it and check the value after the `gen`",)
    return report("SGL0511", span, f"this {kind} cannot be used", label=reason, helps=helps)
