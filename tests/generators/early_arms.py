"""Every arm of a module begins before its decision, as far as that is possible."""

from __future__ import annotations

from dataclasses import replace

from sglc.compiler.ir.graph import Module
from sglc.compiler.ir.op import Op, Region
from sglc.compiler.plan.arms import arm_name


def with_early_arms(module: Module) -> Module:
    """Return the module with all arms of every ``if`` and ``match`` named in ``spec``."""
    functions = {
        name: function.with_body(_region(function.body))
        for name, function in module.functions.items()
    }
    return replace(module, functions=functions)


def _region(region: Region) -> Region:
    return replace(region, ops=tuple(map(_op, region.ops)))


def _op(op: Op) -> Op:
    op = op.with_(regions=tuple(map(_region, op.regions)))
    if "spec" not in op.spec.attrs:
        return op
    names = dict.fromkeys(arm_name(region.label, region.case) for region in op.regions)
    return op.with_(attrs={**op.attrs, "spec": tuple(names)})
