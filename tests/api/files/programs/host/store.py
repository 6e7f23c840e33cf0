"""Functions behind tools, with types of their own."""

from __future__ import annotations

import asyncio
import enum
from dataclasses import dataclass, field

import pydantic


class Kind(enum.Enum):
    FILE = "file"
    FOLDER = "folder"


@dataclass
class Hit:
    path: str
    lines: list[int] = field(default_factory=list)
    kind: Kind = Kind.FILE


@dataclass
class Query:
    path: str
    lines: list[int] = field(default_factory=list)


class Found(pydantic.BaseModel):
    path: str
    lines: list[int]


async def lookup(query: Query) -> Query:
    """Find something, without keeping anybody waiting."""
    assert isinstance(query, Query)
    await asyncio.sleep(0)
    return Query(query.path.upper(), [*query.lines, 7])


def grown(found: Found) -> Found:
    assert isinstance(found, Found)
    return Found(path=found.path, lines=[*found.lines, 8])
