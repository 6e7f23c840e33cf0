"""Plans under other names, so that functions of several programs can be in one run."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sglc.compiler.plan.plan import AttrValue, Block, Node, Plan

_SYMBOLS: Final = ("callee", "constraint", "tool")
"""Attributes of nodes that are names of the plan."""


def renamed(plan: Plan, prefix: str) -> Plan:
    """Return a plan whose functions, constraints and tools are called ``prefix.name``."""
    return replace(
        plan,
        functions={
            f"{prefix}.{name}": replace(
                function, name=f"{prefix}.{function.name}", body=_block(function.body, prefix)
            )
            for name, function in plan.functions.items()
        },
        entry=f"{prefix}.{plan.entry}",
        constraints={f"{prefix}.{name}": type_ for name, type_ in plan.constraints.items()},
        tools={f"{prefix}.{name}": tool for name, tool in plan.tools.items()},
    )


def _block(block: Block, prefix: str) -> Block:
    return replace(block, nodes=tuple(_node(node, prefix) for node in block.nodes))


def _node(node: Node, prefix: str) -> Node:
    attrs: dict[str, AttrValue] = {
        name: f"{prefix}.{value}" if name in _SYMBOLS and value is not None else value
        for name, value in node.attrs.items()
    }
    return replace(node, attrs=attrs, blocks=tuple(_block(block, prefix) for block in node.blocks))
