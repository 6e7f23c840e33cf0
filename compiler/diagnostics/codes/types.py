"""Family 04: values of the wrong kind. Types are passed in the notation of the language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label
from sglc.compiler.diagnostics.suggest import did_you_mean
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def type_mismatch(
    span: Span, expected: str, found: str, where: str = "", helps: tuple[str, ...] = ()
) -> Diagnostic:
    """``where`` says what wants the value, such as ``argument `width` of `judge```."""
    place = f" for {where}" if where else ""
    return report(
        "SGL0401",
        span,
        f"expected `{expected}`{place}, found `{found}`",
        label=f"this is `{found}`",
        helps=helps,
    )


def wrong_arguments(
    span: Span,
    callee: str,
    *,
    missing: Sequence[str] = (),
    extra: Sequence[str] = (),
    signature: str = "",
    candidates: Iterable[str] = (),
) -> Diagnostic:
    """``extra`` holds the unknown or repeated names, or descriptions such as ``a 3rd value``."""
    faults = [f"missing {_quoted(missing)}"] if missing else []
    faults += [f"unexpected {_quoted(extra)}"] if extra else []
    candidates = tuple(candidates)
    return report(
        "SGL0402",
        span,
        f"wrong arguments for `{callee}`: {' and '.join(faults) or 'none fit'}",
        notes=(f"`{callee}{signature}`",) if signature else (),
        helps=tuple(line for name in extra for line in did_you_mean(name, candidates)),
    )


def no_such_field(span: Span, type_: str, name: str, candidates: Iterable[str] = ()) -> Diagnostic:
    known = tuple(candidates)
    listed = ", ".join(f"`{field}`" for field in known[:8])
    return report(
        "SGL0403",
        span,
        f"`{type_}` has no field `{name}`",
        label=f"has {listed}{', …' if len(known) > 8 else ''}" if known else "has no fields",
        helps=did_you_mean(name, known),
    )


def not_a_constraint(span: Span, type_: str, reason: str = "") -> Diagnostic:
    return report(
        "SGL0404",
        span,
        f"the model cannot write a value of type `{type_}`",
        label=reason or "not a type that text can be held to",
    )


def never_true(
    span: Span,
    found: str,
    domain: str,
    *,
    source: Label | None = None,
    candidates: Iterable[str] = (),
) -> Diagnostic:
    """``found`` and ``candidates`` are written as in the language, such as ``"calculator"``.

    ``domain`` is the type of the other side, ``source`` the place it comes from.
    """
    return report(
        "SGL0405",
        span,
        "this comparison can never be true",
        label=f"not one of {domain}",
        labels=(source,) if source else (),
        helps=did_you_mean(found, candidates),
    )


def unknown_option(
    span: Span, name: str, callee: str = "gen", candidates: Iterable[str] = ()
) -> Diagnostic:
    return report(
        "SGL0406",
        span,
        f"`{callee}` has no option `{name}`",
        helps=did_you_mean(name, candidates),
    )


def optional_unchecked(span: Span, name: str, type_: str) -> Diagnostic:
    return report(
        "SGL0407",
        span,
        f"`{name}` may be none here",
        label=f"this is `{type_}`",
        helps=(f"test it first: `if {name} != none:`",),
    )


def mock_unknown_capture(
    span: Span, name: str, prompt: str, candidates: Iterable[str] = ()
) -> Diagnostic:
    return report(
        "SGL0408",
        span,
        f"`{prompt}` captures no `{name}`",
        label="nothing to mock",
        helps=did_you_mean(name, candidates),
    )


def batch_columns(
    span: Span, prompt: str, *, missing: Sequence[str] = (), unused: Sequence[str] = ()
) -> Diagnostic:
    faults = [f"do not give {_quoted(missing)}"] if missing else []
    faults += [f"give {_quoted(unused)}, which it does not take"] if unused else []
    return report("SGL0409", span, f"the rows of this batch of `{prompt}` {' and '.join(faults)}")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
