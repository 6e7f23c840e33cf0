"""The passes by their names; each is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from sglc.compiler.passes.base import Pass

PASSES: Final[Mapping[str, str]] = {
    "fold": "sglc.compiler.passes.fold:Fold",
    "gvn": "sglc.compiler.passes.gvn:ValueNumbering",
    "dce": "sglc.compiler.passes.dce:DeadCode",
    "peval": "sglc.compiler.passes.peval:PartialEvaluation",
    "decide": "sglc.compiler.passes.decide:Decide",
    "bounds": "sglc.compiler.passes.bounds:Bounds",
    "motion": "sglc.compiler.passes.motion:Motion",
    "kv": "sglc.compiler.passes.kv:KeyValues",
    "seams": "sglc.compiler.passes.seams:Seams",
    "jump": "sglc.compiler.passes.jump:JumpForward",
    "fields": "sglc.compiler.passes.fields:Fields",
    "fuse": "sglc.compiler.passes.fuse:Fuse",
    "spec": "sglc.compiler.passes.spec:Speculation",
    "script": "sglc.compiler.passes.script:Script",
    "prefix": "sglc.compiler.passes.prefix:Prefix",
    "once": "sglc.compiler.passes.once:Once",
    "batch": "sglc.compiler.passes.batch:Batch",
}
"""``module:Class`` of every pass."""


def pass_class(name: str) -> type[Pass]:
    """Return the class of a pass.

    Raises:
        KeyError: there is no pass of this name.
    """
    module, _, class_name = PASSES[name].partition(":")
    found: type[Pass] = getattr(import_module(module), class_name)
    return found
