"""Streams that must be named though nobody reads them: the last version that stays does for one.

The end of a branch, or of a prompt that is only called, names a version of its stream. Where that
is not needed, an earlier one of the same stream will do, with the same role open; for the stream of
a choice or a loop that nobody reads, the version from before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from sglc.compiler.ir.op import Op, Region, Value
from sglc.compiler.ir.traits import role_step
from sglc.compiler.passes.facts import Definitions
from sglc.compiler.passes.handing import handed_on


@dataclass(frozen=True, slots=True)
class Versions:
    """``needed`` values and ``live`` ops (by identity) are those that stay, as far as known.

    ``owners`` says which op an op stands in.
    """

    made: Definitions
    needed: Set[Value]
    live: Set[int]
    owners: Mapping[int, tuple[Op, Region] | None]

    def kept(self, stream: Value) -> Value:
        """Return the last version up to ``stream`` that stays and can be named where it is.

        ``stream`` itself where there is none.
        """
        version, depth = stream, 0
        entered: list[Op] = []  # choices that the version stands in: none in there can be named
        while True:
            while entered and not self._is_in(entered[-1], version):
                entered.pop()
            made = self.made.ops.get(version)
            can_end = depth == 0 and not entered
            if can_end and (version in self.needed or made is None):
                return version
            if made is None or (not made.spec.writes_stream and made.spec.results is not None):
                return version if can_end else stream
            if made.regions:
                given = handed_on(made, made.results.index(version))
                if not made.spec.loop:
                    entered.append(made)
                following = given[0] if given else None
            else:
                if can_end and id(made) in self.live and not role_step(made):
                    return version
                depth -= role_step(made)
                following = made.args[0]
            if not isinstance(following, Value):
                return stream
            version = following

    def _is_in(self, owner: Op, version: Value) -> bool:
        """Whether a version is made, or entered with, in a region of ``owner``."""
        made = self.made.ops.get(version)
        if made is None:
            around, _ = self.made.regions.get(version, (None, None))
        else:
            around = self._owner(made)
        while around is not None and around is not owner:
            around = self._owner(around)
        return around is owner

    def _owner(self, op: Op) -> Op | None:
        found = self.owners[id(op)]
        return None if found is None else found[0]
