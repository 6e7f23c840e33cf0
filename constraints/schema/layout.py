"""Where blanks and line ends go, and the trees of objects and arrays that are alike inside."""

from __future__ import annotations

from sglc.constraints.schema.graph import Times
from sglc.constraints.schema.options import SchemaOptions
from sglc.constraints.syntax import Joined, Node, Text, alt, optional, seq


class Layout:
    """The texts around the items of a container that lies ``depth`` levels deep."""

    def __init__(self, options: SchemaOptions, depth: int) -> None:
        self.colon = options.colon
        self.first = options.line(depth + 1)
        self.comma = (options.comma if options.indent is None else ",") + self.first
        self.last = options.line(depth)

    def alike(self, marks: str, item: Node, least: int, most: int | None) -> Node:
        """``least`` to ``most`` times the item, between two marks such as ``[]``."""
        begin, end = marks[0], marks[1]
        empty = Text(begin + end)
        if most is not None and most < max(least, 1):
            return empty if least == 0 == most else alt()
        between = Text(self.comma)
        if most is None and least < 2:
            items: Node = Joined(item, between)
        else:
            more = Times(seq(between, item), max(least - 1, 0), None if most is None else most - 1)
            items = seq(item, more)
        if not self.first and least == 0:
            return seq(Text(begin), optional(items), Text(end))
        full = seq(Text(begin + self.first), items, Text(self.last + end))
        return full if least > 0 else alt(empty, full)
