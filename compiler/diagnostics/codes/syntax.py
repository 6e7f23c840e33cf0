"""Family 00: the text cannot be read as a program."""

from __future__ import annotations

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def unexpected_token(
    span: Span,
    message: str,
    *,
    label: str = "",
    labels: tuple[Label, ...] = (),
    helps: tuple[str, ...] = (),
) -> Diagnostic:
    return report("SGL0001", span, message, label=label, labels=labels, helps=helps)


def bad_indentation(
    span: Span, message: str, *, label: str = "", helps: tuple[str, ...] = ()
) -> Diagnostic:
    return report("SGL0002", span, message, label=label, helps=helps)


def unterminated_text(span: Span, quote: str) -> Diagnostic:
    if quote == '"""':
        label = "opened here, never closed"
        helps = ('close it with `"""`',)
    else:
        label = "the line ends before the text does"
        helps = ('close it with `"`, or use `"""` for a text of several lines',)
    return report("SGL0003", span, "unterminated text", label=label, helps=helps)


def lone_brace(span: Span) -> Diagnostic:
    return report(
        "SGL0004",
        span,
        "lone `}` in a text",
        label="closes nothing",
        helps=("write `}}` for a literal brace",),
    )


def reserved_word(span: Span, word: str, reason: str = "it is part of the language") -> Diagnostic:
    return report(
        "SGL0005",
        span,
        f"`{word}` cannot be used as a name here",
        label=reason,
        helps=(f"choose another name, such as `{word}_`",),
    )


def bad_escape(span: Span, written: str, reason: str = "") -> Diagnostic:
    return report(
        "SGL0006",
        span,
        f"unknown escape `{written}`",
        label=reason or "not an escape",
        helps=(
            r"escapes are \n \r \t \0 \" \\ \/ \{ \} and \uXXXX",
            r'write `\\` for a backslash, or use a verbatim text: r"..."',
        ),
    )
