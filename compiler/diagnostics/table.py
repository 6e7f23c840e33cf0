"""Every code with its severity and title: the table of the language reference."""

from __future__ import annotations

from typing import NamedTuple

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Label, Severity
from sglc.compiler.source import Span

_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE


class Entry(NamedTuple):
    """A row of the table."""

    severity: Severity
    title: str


TABLE = {
    "SGL0001": Entry(_E, "unexpected token"),
    "SGL0002": Entry(_E, "wrong indentation"),
    "SGL0003": Entry(_E, "unterminated text"),
    "SGL0004": Entry(_E, "lone `}` in a text"),
    "SGL0005": Entry(_E, "reserved word used as a name"),
    "SGL0006": Entry(_E, "unknown escape in a text"),
    "SGL0101": Entry(_E, "undefined name"),
    "SGL0102": Entry(_E, "name that may be unset"),
    "SGL0103": Entry(_E, "duplicate name"),
    "SGL0104": Entry(_W, "unused binding or parameter"),
    "SGL0105": Entry(_W, "name shadows another"),
    "SGL0106": Entry(_E, "import cycle"),
    "SGL0107": Entry(_E, "unknown module or name in it"),
    "SGL0108": Entry(_E, "name lives inside a branch"),
    "SGL0201": Entry(_E, "role inside a role"),
    "SGL0202": Entry(_W, "text outside any role in a chat prompt"),
    "SGL0203": Entry(_N, "gen outside `assistant`"),
    "SGL0204": Entry(_W, "empty message"),
    "SGL0205": Entry(_E, "role unknown to the chat template"),
    "SGL0206": Entry(_E, "role left open"),
    "SGL0207": Entry(_E, "model cannot see images"),
    "SGL0208": Entry(_N, "chat template is not prefix-stable"),
    "SGL0301": Entry(_E, "unreachable statement"),
    "SGL0302": Entry(_E, "model call in an unbounded loop or recursion"),
    "SGL0303": Entry(_E, "missing return"),
    "SGL0304": Entry(_W, "tool result is said by accident"),
    "SGL0305": Entry(_E, "stream operation inside `fn`"),
    "SGL0306": Entry(_E, "stray `break` or `continue`"),
    "SGL0307": Entry(_E, "match is not exhaustive"),
    "SGL0308": Entry(_E, "case outside the domain"),
    "SGL0309": Entry(_W, "condition is constant"),
    "SGL0401": Entry(_E, "type mismatch"),
    "SGL0402": Entry(_E, "missing or extra argument"),
    "SGL0403": Entry(_E, "no such field"),
    "SGL0404": Entry(_E, "not a constraint type"),
    "SGL0405": Entry(_E, "comparison can never be true"),
    "SGL0406": Entry(_E, "unknown gen option"),
    "SGL0407": Entry(_E, "optional used unchecked"),
    "SGL0408": Entry(_E, "test mocks an unknown capture"),
    "SGL0409": Entry(_E, "batch column missing or unused"),
    "SGL0501": Entry(_E, "constraint that no text satisfies"),
    "SGL0502": Entry(_E, "unsupported regex feature"),
    "SGL0503": Entry(_E, "max_tokens below the shortest member"),
    "SGL0504": Entry(_W, "choice is a prefix of another"),
    "SGL0505": Entry(_E, "duplicate choice"),
    "SGL0506": Entry(_W, "suspicious unescaped `.`"),
    "SGL0507": Entry(_E, "stop text that never or always appears"),
    "SGL0508": Entry(_W, "constraint accepts the empty text"),
    "SGL0509": Entry(_E, "automaton above the size limit"),
    "SGL0510": Entry(_E, "backend cannot enforce the constraint"),
    "SGL0511": Entry(_E, "schema or grammar that cannot be enforced"),
    "SGL0601": Entry(_W, "dead gen"),
    "SGL0602": Entry(_N, "order defeats prefix sharing"),
    "SGL0603": Entry(_W, "trailing space before a gen"),
    "SGL0604": Entry(_W, "may overflow the context"),
    "SGL0605": Entry(_E, "fork wider than the limit"),
    "SGL0606": Entry(_E, "estimate above the budget"),
    "SGL0607": Entry(_W, "identical branches at temperature 0"),
    "SGL0701": Entry(_E, "tool is not bound"),
    "SGL0702": Entry(_W, "effectful tool inside a fork"),
    "SGL0703": Entry(_E, "untrusted program binds host code"),
    "SGL0704": Entry(_E, "signature differs from the host function"),
    "SGL0901": Entry(_N, "falls back to staged execution"),
    "SGL0902": Entry(_N, "value forced in a loop serializes gens"),
    "SGL0903": Entry(_N, "state escapes analysis"),
}


def report(
    code: str,
    span: Span | None,
    message: str,
    *,
    label: str = "",
    labels: tuple[Label, ...] = (),
    notes: tuple[str, ...] = (),
    helps: tuple[str, ...] = (),
) -> Diagnostic:
    """Build the diagnostic of a code; its severity comes from the table."""
    return Diagnostic(
        code=code,
        severity=TABLE[code].severity,
        message=message,
        span=span,
        label=label,
        labels=labels,
        notes=notes,
        helps=helps,
    )
