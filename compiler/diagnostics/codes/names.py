"""Family 01: names that do not mean what they should."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label
from sglc.compiler.diagnostics.suggest import did_you_mean
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def undefined_name(
    span: Span, name: str, candidates: Iterable[str] = (), where: str = ""
) -> Diagnostic:
    """``where`` is the prompt, fn or test the name is used in."""
    return report(
        "SGL0101",
        span,
        f"unknown name `{name}`",
        label=f"not defined in `{where}`" if where else "not defined",
        helps=did_you_mean(name, candidates),
    )


def maybe_unset(
    span: Span, name: str, bound: Sequence[Span] = (), condition: str = ""
) -> Diagnostic:
    """``condition`` says, as source text, when the name has no value."""
    places = ", ".join(f"{place.line}:{place.column}" for place in bound)
    facts = [f"bound at {places}"] if places else []
    facts += [f"not bound when `{condition}`"] if condition else []
    return report(
        "SGL0102",
        span,
        f"`{name}` may be unset here",
        notes=(", ".join(facts),) if facts else (),
        helps=(f"bind `{name}` on every path, or test it first: `if {name} != none:`",),
    )


def duplicate_name(span: Span, name: str, first: Span | None = None, what: str = "") -> Diagnostic:
    return report(
        "SGL0103",
        span,
        f"duplicate {what or 'name'} `{name}`",
        label="defined again",
        labels=(Label(first, "first defined here"),) if first else (),
    )


def unused_name(span: Span, name: str, kind: str = "binding") -> Diagnostic:
    return report(
        "SGL0104",
        span,
        f"unused {kind} `{name}`",
        label="never read",
        helps=(f"remove it, or call it `_{name}` to say that this is intended",),
    )


def shadowed_name(
    span: Span, name: str, outer: Span | None = None, what: str = "name"
) -> Diagnostic:
    return report(
        "SGL0105",
        span,
        f"`{name}` shadows a {what}",
        label="hides it from here on",
        labels=(Label(outer, "the one that is hidden"),) if outer else (),
    )


def import_cycle(span: Span, modules: Sequence[str]) -> Diagnostic:
    """``modules`` is the way around, first and last the same."""
    return report(
        "SGL0106",
        span,
        "modules import each other",
        label="closes the cycle",
        notes=(" imports ".join(f"`{module}`" for module in modules),),
        helps=("move what both need into a module of its own",),
    )


def unknown_import(
    span: Span,
    module: str,
    name: str | None = None,
    candidates: Iterable[str] = (),
    note: str = "",
) -> Diagnostic:
    """A module that is not there, or with ``name`` a name that the module does not have."""
    if name is None:
        message, label, wanted = f"unknown module `{module}`", "no such module", module
    else:
        message, label, wanted = f"`{module}` has no `{name}`", "not in the module", name
    helps = did_you_mean(wanted, candidates)
    notes = (note,) if note else ()
    return report("SGL0107", span, message, label=label, notes=notes, helps=helps)


def name_in_branch(span: Span, name: str, access: str, fork: Span | None = None) -> Diagnostic:
    """``access`` is the way to it from here, such as ``tip[i].detail``."""
    return report(
        "SGL0108",
        span,
        f"`{name}` lives inside a branch",
        label="not visible outside of it",
        labels=(Label(fork, "the branches are made here"),) if fork else (),
        helps=(f"use `{access}`",),
    )
