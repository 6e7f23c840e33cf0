"""Lists of choices: doubles, and ones that begin like another."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.compiler.diagnostics import codes
from sglc.compiler.frontend.sema.body import Body
from sglc.compiler.source import Span

_MAX_COMPARED = 200


def check(body: Body, values: Sequence[str], spans: Sequence[Span]) -> None:
    """Report choices that are the same, and ones that a longer one begins with."""
    first: dict[str, Span] = {}
    for value, span in zip(values, spans, strict=True):
        if value in first:
            place = first[value] if first[value] != span else None
            body.report(codes.duplicate_choice(span, f'"{value}"', place))
        first.setdefault(value, span)
    if len(first) > _MAX_COMPARED:
        return
    for value, span in first.items():
        longer = next((v for v in first if v != value and v.startswith(value)), None)
        if longer is not None:
            place = first[longer] if first[longer] != span else None
            body.report(codes.prefix_choice(span, value, longer, place))
