"""A region on a drawing of streams: items on lanes, and the lines between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sglc.compiler.ir.op import Op, Value

ROW_UP: Final = 34.0
ROW_DOWN: Final = 22.0


@dataclass
class Item:
    """Something on a lane, from ``x0`` to ``x1``, ``up`` above and ``down`` below its line."""

    kind: str
    x0: float
    x1: float
    up: float = ROW_UP
    down: float = ROW_DOWN
    ops: list[Op] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    label: str = ""
    strips: list[Strip] = field(default_factory=list)
    exits_to: int | None = None


@dataclass
class Run:
    """A stretch of line on a lane; ``begins`` says where a line that turns into it comes from.

    ``held``: the engine keeps the stream.
    """

    row: int
    x0: float
    x1: float
    begins: tuple[int, float] | None = None
    dashed: bool = False
    held: bool = False


@dataclass
class Feed:
    """A line that enters a region: from a lane of the region around it to lane ``row``."""

    row: int
    source: Value


@dataclass
class Strip:
    """A laid out region. ``exits``: the lanes and places where it hands streams on.

    ``is_speculative``: it may begin before it is known that it is the one.
    """

    label: str
    items: list[list[Item]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    feeds: list[Feed] = field(default_factory=list)
    exits: list[tuple[int, float]] = field(default_factory=list)
    width: float = 0
    is_speculative: bool = False

    @property
    def num_rows(self) -> int:
        return len(self.items)

    def up(self, row: int) -> float:
        return max((item.up for item in self.items[row]), default=ROW_UP - 16)

    def down(self, row: int) -> float:
        return max((item.down for item in self.items[row]), default=ROW_DOWN - 8)

    def baselines(self) -> list[float]:
        """The height of every lane's line below the upper border."""
        found, y = [], 0.0
        for row in range(self.num_rows):
            y += self.up(row)
            found.append(y)
            y += self.down(row)
        return found

    @property
    def height(self) -> float:
        return sum(self.up(row) + self.down(row) for row in range(self.num_rows))

    @property
    def is_bare(self) -> bool:
        """Whether nothing happens here that a lane shows."""
        return not any(self.items)
