"""Static types that no model can write: streams, branches and groups of branches.

They sit beside the types of ``sglc.constraints.types``, so that every expression of a program has
one ``Type``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sglc.constraints.types import Field, Type


@dataclass(frozen=True, slots=True)
class BranchType(Type):
    """One branch of a fork or a side: its captures, plus ``text``, ``stream`` and ``logprob``."""

    kind: ClassVar[str] = "branch"
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupType(Type):
    """The branches of ``fork x in xs as name``: indexable; ``g.field`` gathers a list."""

    kind: ClassVar[str] = "group"
    branch: BranchType


@dataclass(frozen=True, slots=True)
class StreamType(Type):
    """A version of a prompt stream."""

    kind: ClassVar[str] = "stream"
