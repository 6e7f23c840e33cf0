"""Types that are written in another notation and become rules: schemas and grammars."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from sglc.constraints.calls import inlined
from sglc.constraints.lark_grammar import grammar_rules
from sglc.constraints.pushdown import Pushdown
from sglc.constraints.schemas import compiled
from sglc.constraints.syntax import Node
from sglc.constraints.type_data import to_data
from sglc.constraints.types import Grammar, Schema, Type


def rules_of(t: Schema | Grammar) -> tuple[Mapping[str, Node], str]:
    """The rules of ``t`` by name, and the name of the first.

    Raises:
        SchemaError, GrammarError: it is wrong, or has what cannot be enforced.
    """
    if isinstance(t, Grammar):
        return grammar_rules(t.text, t.start), t.start
    made = compiled(t)
    return made.rules, made.start


def tree_of(t: Schema | Grammar, max_nodes: int) -> Node | None:
    """The texts of ``t`` as one tree without calls.

    None if rules recur, if the tree would have more than ``max_nodes`` nodes, or if an automaton
    made of it at once would be larger than a machine that is worked out where it is used.
    """
    if isinstance(t, Schema) and not compiled(t).is_small:
        return None
    rules, start = rules_of(t)
    return inlined(rules, start, max_nodes)


def pushdown(t: Type, rules: Mapping[str, Node], start: str) -> Pushdown:
    """The machine of ``t``, named after what ``t`` is made of."""
    identity = json.dumps(["sglc language 1", to_data(t)], sort_keys=True, default=str)
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
    return Pushdown(rules, start, digest)
