"""Family 06: what a program costs."""

from __future__ import annotations

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label
from sglc.compiler.diagnostics.table import report
from sglc.compiler.source import Span


def dead_gen(span: Span, name: str = "") -> Diagnostic:
    what = f"`{name}` is" if name else "it is"
    return report(
        "SGL0601",
        span,
        "this gen has no effect",
        label=f"{what} never read, and no later gen sees its text",
        helps=("remove it, or return its value",),
    )


def order_defeats_sharing(
    span: Span, shared: int, total: int, *, early: str, late: str, possible: int
) -> Diagnostic:
    """``early`` varies and stands before ``late``, which does not."""
    return report(
        "SGL0602",
        span,
        f"only {_thousands(shared)} of {_thousands(total)} prompt tokens are shared across"
        " the batch",
        label=f"`{early}` comes before `{late}`",
        notes=(
            f"swapping them would share {_thousands(possible)} tokens (changes the prompt, so"
            " never done for you)",
        ),
    )


def trailing_space(span: Span) -> Diagnostic:
    return report(
        "SGL0603",
        span,
        "text ends with a space before a gen",
        label="models write the space as part of the next word",
        helps=("remove the space, or turn token healing on",),
    )


def may_overflow(span: Span, worst: int, limit: int, model: str = "") -> Diagnostic:
    owner = f" of `{model}`" if model else ""
    return report(
        "SGL0604",
        span,
        f"may need {_thousands(worst)} tokens, the context{owner} holds {_thousands(limit)}",
        label="the longest prompt ends here",
        helps=("lower max_tokens or loop bounds, or clip what is inserted: `text.clip(x, 400)`",),
    )


def fork_too_wide(span: Span, width: int, limit: int) -> Diagnostic:
    return report(
        "SGL0605",
        span,
        f"fork makes {width} branches, the limit is {limit}",
        helps=("raise `max_branches` in `config:`, or fork in rounds",),
    )


def over_budget(span: Span | None, estimate: int | None, budget: int) -> Diagnostic:
    """``estimate``: the most tokens it may take, None if there is no most; ``span``: where most of
    them are written."""
    most = "any number of" if estimate is None else f"up to {_thousands(estimate)}"
    return report(
        "SGL0606",
        span,
        f"may take {most} tokens, the budget is {_thousands(budget)}",
        label="most may be written here",
        helps=("lower max_tokens or loop bounds; `sglc estimate` shows where they go",),
    )


def identical_branches(
    span: Span, count: int | None, var: str, source: Span | None = None
) -> Diagnostic:
    number = f"{count} branches" if count is not None else "all branches"
    return report(
        "SGL0607",
        span,
        f"{number} will produce the same text",
        labels=(Label(source, "temperature is set here"),) if source else (),
        notes=(f"nothing in the branch depends on `{var}` and temperature is 0",),
        helps=("set temperature > 0, or drop the fork",),
    )


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", " ")
