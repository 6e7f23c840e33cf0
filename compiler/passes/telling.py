"""Branches of forks that were written out, and of whose ends somebody hears.

Such an end is told as long as something of the branch is run, with the text up to there. It is no
reason to run anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sglc.compiler.ir.op import Op, Value

if TYPE_CHECKING:
    from sglc.compiler.passes.liveness import Liveness


class ToldEnds:
    """The ops that make these branches, as far as it is known yet which of them stay."""

    def __init__(self, branches: Iterable[Op], alive: Liveness) -> None:
        self._waiting = list(branches)
        self._alive = alive
        self._told: set[int] = set()

    def take(self) -> list[Op]:
        """Return those that stay by what is alive now and were not returned before."""
        waiting, self._waiting = self._waiting, []
        found: list[Op] = []
        for op in waiting:
            (found if self._runs(op) else self._waiting).append(op)
        self._told.update(map(id, found))
        return found

    def has(self, branch: Op) -> bool:
        """Whether ``take`` has returned the op."""
        return id(branch) in self._told

    def _runs(self, branch: Op) -> bool:
        """Whether a version of its stream stays that is made in the branch."""
        alive = self._alive
        start, version = branch.args
        kept = alive.versions.kept(version) if isinstance(version, Value) else None
        while isinstance(version, Value) and version != start:
            made = alive.made.ops.get(version)
            if version == kept:
                return version in alive.needed or (made is not None and alive.is_live(made))
            if made is None or made.regions:
                return False
            version = made.args[0]
        return False
