"""About how large an automaton will be, told from the tree before anything is built."""

from __future__ import annotations

from sglc.constraints.calls import children
from sglc.constraints.syntax import Exactly, Node, Repeat, Text


def rough_states(node: Node) -> int:
    """About how many states the automaton of a tree has, at least where nothing of it is shared.

    Counted repetitions multiply; what a construction may add or find equal is not foreseen.
    """
    match node:
        case Text(text):
            return len(text)
        case Exactly(members):
            return members.num_states
        case Repeat(inner, least, most):
            return rough_states(inner) * max(least, 1 if most is None else most)
    return max(1, sum(map(rough_states, children(node))))
