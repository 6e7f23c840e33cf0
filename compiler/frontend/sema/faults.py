"""Wordings for mistakes that share a code with another one of ``diagnostics.codes``."""

from __future__ import annotations

from collections.abc import Iterable

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label
from sglc.compiler.diagnostics.suggest import did_you_mean
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def not_a_type(span: Span, reason: str = "") -> Diagnostic:
    return report("SGL0404", span, "this is not a type", label=reason or "a type is wanted here")


def undefined_type(
    span: Span, name: str, candidates: Iterable[str], known_as: str | None
) -> Diagnostic:
    helps = (f"write `{known_as}`",) if known_as else did_you_mean(name, candidates)
    return report("SGL0101", span, f"unknown type `{name}`", label="not defined", helps=helps)


def recursive_type(span: Span, name: str) -> Diagnostic:
    return report(
        "SGL0404",
        span,
        f"`{name}` contains itself without end",
        label="its texts could nest to any depth",
        helps=("write `@depth(3)` above it, and end every path with a list or an optional",),
    )


def type_too_large(span: Span) -> Diagnostic:
    return report("SGL0509", span, "this type is too large", label="too large to enforce")


def bad_value(span: Span, what: str, reason: str) -> Diagnostic:
    """``reason`` follows the name: ``must be ...``."""
    return report("SGL0401", span, f"`{what}` {reason}")


def method_of_all(span: Span) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        '`by` does not go with `tokenizations="all"`',
        helps=(
            "over all tokenizations the most probable choice wins: leave `by` out here, or write "
            '`tokenizations="canonical"`',
        ),
    )


def constant_failed(span: Span, reason: str) -> Diagnostic:
    return report("SGL0401", span, f"this has no value: {reason}")


def not_constant(span: Span) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        "this is not known before the program runs",
        label="a constant is wanted here",
    )


def untrusted_load(span: Span) -> Diagnostic:
    return report("SGL0703", span, "an untrusted program may not read files")


def untrusted_import(span: Span, module: str) -> Diagnostic:
    return report("SGL0703", span, f"an untrusted program may not import `{module}`")


def not_a_value(span: Span, name: str, what: str, helps: tuple[str, ...] = ()) -> Diagnostic:
    return report("SGL0401", span, f"`{name}` is {what}, not a value", helps=helps)


def type_as_value(span: Span) -> Diagnostic:
    return report(
        "SGL0401", span, "a type is not a value", helps=("to let the model write one: `gen(...)`",)
    )


def not_callable(span: Span, what: str, helps: tuple[str, ...] = ()) -> Diagnostic:
    return report("SGL0401", span, f"{what} cannot be called", helps=helps)


def wrong_operand(span: Span, op: str, found: str, wanted: str) -> Diagnostic:
    return report(
        "SGL0401", span, f"`{op}` takes {wanted}, not `{found}`", label=f"this is `{found}`"
    )


def nested_gen(span: Span, form: str) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        f"`{form}` cannot be a part of another expression",
        label="what it writes would have no clear place in the prompt",
        helps=(f"give it a line or a hole of its own: `x = {form}(...)`, then use `x`",),
    )


def nested_binding(span: Span, name: str) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        f"`{name}` cannot be bound in a text that is not said",
        helps=(f"bind it on a line of its own: `{name} = ...`",),
    )


def wants(span: Span, wanted: str, found: str, helps: tuple[str, ...] = ()) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        f"expected {wanted}, found `{found}`",
        label=f"this is `{found}`",
        helps=helps,
    )


def not_iterable(span: Span, found: str) -> Diagnostic:
    helps = ("for a number of turns write a range: `1..n`",) if found.startswith("int") else ()
    return wants(span, "a list", found, helps)


def not_sayable(span: Span, found: str, reason: str = "") -> Diagnostic:
    return report(
        "SGL0401", span, f"`{found}` cannot become text", label=reason or f"this is `{found}`"
    )


def value_returned(span: Span, name: str) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        f"`{name}` declares no result",
        label="its captures are its result",
        helps=(f"declare one: `prompt {name}(...) -> str:`",),
    )


def recursion(span: Span, kind: str, cycle: tuple[str, ...]) -> Diagnostic:
    way = " calls ".join(f"`{name}`" for name in cycle)
    what = "a `fn` must come to an end" if kind == "fn" else "nothing bounds how deep it goes"
    return report(
        "SGL0302",
        span,
        "model call in an unbounded recursion" if kind != "fn" else "unbounded recursion",
        label=what,
        notes=(way,),
        helps=("write a loop: `for n in 1..10:` or `while condition limit 10:`",),
    )


def unknown_decorator(span: Span, name: str, candidates: Iterable[str]) -> Diagnostic:
    return report(
        "SGL0101", span, f"unknown decorator `@{name}`", helps=did_you_mean(name, candidates)
    )


def shadowed_builtin(span: Span, name: str) -> Diagnostic:
    return report("SGL0105", span, f"`{name}` shadows a built-in")


def call_in_test(span: Span, name: str) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        f"`{name}` cannot be called in an `expect`",
        helps=(f"run it first: `r = run {name}(...)`",),
    )


def load_outside_let(span: Span) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        "`load` reads a file before the program runs",
        helps=('write `let text = load("file")` at the top of the file',),
    )


def misplaced_special(span: Span) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        "`special` is not a value",
        label="only a said text can hold a special token",
    )


def probs_of_nothing(span: Span) -> Diagnostic:
    return report(
        "SGL0401",
        span,
        "`probs` takes a name that a `select` gave its value",
        helps=("write `x = select(...)`, then `probs(x)`",),
    )


def leaves_branch(span: Span, word: str) -> Diagnostic:
    return report(
        "SGL0306",
        span,
        f"`{word}` inside of a branch",
        label="a branch cannot end the prompt",
        helps=("bind a name in the branch, and decide after it",),
    )


def kept_elsewhere(span: Span, began: str | None, here: str | None, group: Span) -> Diagnostic:
    """A branch would bring along another open message than the one that is open here."""
    place = f"inside a `{began}` message" if began else "outside of messages"
    now = f"inside `{here}`" if here else "outside of messages"
    return report(
        "SGL0201",
        span,
        f"`keep` {now} of a branch that began {place}",
        label="its prompt is in another state than the one here",
        labels=(Label(group, f"began {place}"),),
        helps=("put the `keep` into the same message as the fork",),
    )


def unreadable_module(span: Span, reason: str) -> Diagnostic:
    return report("SGL0107", span, "this module cannot be read", label=reason)


def default_before(span: Span, name: str) -> Diagnostic:
    return report(
        "SGL0402",
        span,
        f"parameter `{name}` needs a default",
        label="it comes after one that has a default",
    )


def maybe_none(span: Span, found: str) -> Diagnostic:
    return report(
        "SGL0407",
        span,
        "this may be none here",
        label=f"this is `{found}`",
        helps=("give it a name and test that first: `if x != none:`",),
    )
