"""Collects the diagnostics of one run."""

from __future__ import annotations

import re
from typing import TextIO

from sglc.compiler.diagnostics.diagnostic import Diagnostic, Severity
from sglc.compiler.diagnostics.render import render

_ALLOW = re.compile(r"#\s*sglc:\s*allow\s+(SGL\d{4}(?:[\s,]+SGL\d{4})*)")


class DiagnosticSink:
    """Where every stage reports to. Warnings and notes can be silenced on their line."""

    def __init__(self) -> None:
        self._found: dict[object, Diagnostic] = {}

    def add(self, diagnostic: Diagnostic) -> None:
        """Report a mistake; the same mistake at the same place counts once."""
        if diagnostic.severity is not Severity.ERROR and _is_allowed(diagnostic):
            return
        key = (diagnostic.code, diagnostic.span, diagnostic.message)
        self._found.setdefault(key, diagnostic)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """Everything reported, by file and place."""
        return sorted(self._found.values(), key=_place)

    @property
    def has_errors(self) -> bool:
        return any(d.severity is Severity.ERROR for d in self._found.values())

    def count(self, severity: Severity) -> int:
        """Return how many diagnostics have this severity."""
        return sum(d.severity is severity for d in self._found.values())

    def summary(self) -> str:
        """Return e.g. ``2 errors, 1 warning``, or an empty text."""
        counts = ((severity.value, self.count(severity)) for severity in Severity)
        return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for word, n in counts if n)

    def print(self, stream: TextIO, *, color: bool = False) -> None:
        """Write every diagnostic as text, separated by blank lines."""
        stream.write("\n".join(render(d, color=color) for d in self.diagnostics))


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    span = diagnostic.span
    if span is None:
        return ("", -1, -1, diagnostic.code, diagnostic.message)
    return (span.file.name, span.start, span.end, diagnostic.code, diagnostic.message)


def _is_allowed(diagnostic: Diagnostic) -> bool:
    if diagnostic.span is None:
        return False
    match = _ALLOW.search(diagnostic.span.file.line(diagnostic.span.line))
    return match is not None and diagnostic.code in re.split(r"[\s,]+", match[1])
