"""Seams: what a model wrote keeps the tokens it wrote, up to the text that follows.

A text may be cut into tokens in many ways, and a model need not write the one that the tokenizer
gives. With ``canonical`` seams the prompt behind a decode is what the tokenizer makes of all text
so far, so where the model wrote something else, K/V that is there is thrown away and computed
again. With ``repair`` its tokens stay up to the last commit point of the text, and only what is
behind that is encoded again, together with what follows. Text, messages and values are the same
for the same tokens drawn; what follows is drawn behind tokens that the model chose rather than
those that it would have been given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from sglc.compiler.ir.graph import Function, Module, rewrite
from sglc.compiler.ir.op import Op, Value
from sglc.compiler.ir.ops import SEAMS
from sglc.compiler.ir.text import write_op
from sglc.compiler.ir.traits import makes_branch
from sglc.compiler.passes.base import Context, Pass
from sglc.compiler.passes.facts import Facts
from sglc.compiler.passes.report import Saved, change


@dataclass(frozen=True)
class Seams(Pass):
    """Set how the prompt behind decodes is made: ``policy`` is ``repair`` or ``canonical``."""

    name: ClassVar[str] = "seams"
    policy: str = "repair"

    def __post_init__(self) -> None:
        if self.policy not in SEAMS:
            raise ValueError(f"policy is one of {', '.join(SEAMS)}, not {self.policy}")

    def run(self, module: Module, context: Context) -> Module:
        facts = Facts(module)
        made = {
            name: self._function(function, facts, context)
            for name, function in module.functions.items()
        }
        return replace(module, functions=made)

    def _function(self, function: Function, facts: Facts, context: Context) -> Function:
        repaired: set[Value] = set()
        if self.policy == "repair":
            is_included = function.name in facts.included
            repaired.update(
                value
                for op in function.walk()
                if _goes_on(op, is_included)
                for value in op.inputs()
            )
        sewn = partial(_sewn, function.name, repaired, context)
        return function.with_body(rewrite(function.body, sewn))


def _sewn(function: str, repaired: set[Value], context: Context, op: Op) -> Sequence[Op]:
    """Give an op the seam of its version: that of ``repaired`` ones, or else the canonical one."""
    if "seam" not in op.spec.attrs:
        return [op]
    is_repaired = op.results[0] in repaired
    if is_repaired == (op.attrs.get("seam") == "repair"):
        return [op]
    attrs = {key: value for key, value in op.attrs.items() if key != "seam"}
    if is_repaired:
        attrs["seam"] = "repair"
    saved = Saved(prefill=_most_tokens(op)) if is_repaired else Saved()
    after = f'seam = "{"repair" if is_repaired else "canonical"}"'
    context.report(change(Seams.name, function, [op], write_op(op), after, saved))
    return [op.with_(attrs=attrs)]


def _goes_on(op: Op, is_included: bool) -> bool:
    """Whether a stream that the op reads may be gone on from, there or where the op hands it on."""
    spec = op.spec
    if spec.exits == frozenset({"function"}):
        return is_included
    reads_only = spec.reads_stream and not (spec.writes_stream or op.regions or makes_branch(op))
    return not (spec.hint or reads_only)


def _most_tokens(op: Op) -> int | None:
    """The tokens of a decode that surely is no longer; None if only the run can tell."""
    most = op.attrs.get("max_tokens")
    return most if isinstance(most, int) and op.kwarg("max_tokens") is None else None
