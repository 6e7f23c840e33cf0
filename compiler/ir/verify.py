"""Checks that a module keeps the rules V1 to V10 of ``docs/ir.md``; run between passes in tests.

A broken rule is a mistake of a frontend or a pass, not of a program: the message names function,
op and rule.
"""

from __future__ import annotations

from collections.abc import Callable

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Op
from sglc.compiler.ir.verify_effects import check_effects
from sglc.compiler.ir.verify_module import check_module
from sglc.compiler.ir.verify_shape import check_shape
from sglc.compiler.ir.verify_streams import check_streams

Report = Callable[[str, "Op | None", str], None]
"""Told the rule, the op at fault if there is one, and what is wrong with it."""


class VerifyError(ValueError):
    """A module breaks a rule. ``op`` is None when the fault is not in one op."""

    def __init__(self, rule: str, function: str, op: Op | None, reason: str) -> None:
        place = f"@{function}" if function else "module"
        if op is not None:
            results = ", ".join(map(str, op.results))
            place += f": {results + ' = ' if results else ''}{op.name}"
        at = f" ({op.span.line}:{op.span.column})" if op is not None and op.span else ""
        super().__init__(f"{rule}: {place}{at}: {reason}")
        self.rule = rule
        self.function = function
        self.op = op
        self.reason = reason


def violations(module: Module, *, languages: bool = False) -> list[VerifyError]:
    """Return every broken rule that can be told apart.

    Streams and effects of a function are only looked at when its shape is right. ``languages``
    also builds the automaton of every constraint, to see that it accepts something.
    """
    found: list[VerifyError] = []

    def reporter(function: str) -> Report:
        return lambda rule, op, reason: found.append(VerifyError(rule, function, op, reason))

    check_module(module, reporter, languages)
    for function in module.functions.values():
        before = len(found)
        report = reporter(function.name)
        check_shape(function, module, report)
        if len(found) == before:
            check_streams(function, module, report)
            check_effects(function, report)
    return found


def verify(module: Module, *, languages: bool = False) -> None:
    """Do nothing if the module keeps every rule.

    Raises:
        VerifyError: the first rule it breaks.
    """
    for error in violations(module, languages=languages):
        raise error
