"""A pass that breaks the law: it changes what the model is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Literal, Op, Region
from sglc.compiler.ir.traits import appends_text
from sglc.compiler.passes.base import Context, Pass


@dataclass(frozen=True)
class Broken(Pass):
    """Write all constant texts in capitals."""

    name: ClassVar[str] = "broken"

    def run(self, module: Module, context: Context) -> Module:
        made = {name: f.with_body(_loud(f.body)) for name, f in module.functions.items()}
        return replace(module, functions=made)


def _loud(region: Region) -> Region:
    return replace(region, ops=tuple(map(_louder, region.ops)))


def _louder(op: Op) -> Op:
    said = op.args[1] if appends_text(op) else None
    if not isinstance(said, Literal):
        return op
    return op.with_(args=(op.args[0], Literal(str(said.value).upper())))
