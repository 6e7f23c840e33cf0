"""Why a function, or a line of it, is not lowered; and what became of every line."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Final, Literal

Status = Literal["lowered", "host", "staged"]
_ORDER: Final[dict[Status, int]] = {"host": 0, "lowered": 1, "staged": 2}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a function runs step by step: at a line and column (from 1) of ``file``.

    ``code`` is that of the diagnostic: SGL0901, or SGL0903 for a state that escapes.
    """

    file: str
    line: int
    column: int
    text: str
    code: str = "SGL0901"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text}"


class Unsupported(Exception):
    """Something that cannot be proven to mean the same in the graph."""

    def __init__(self, text: str, node: ast.AST | None = None, code: str = "SGL0901") -> None:
        super().__init__(text)
        self.text = text
        self.node = node
        self.code = code
        self.file = ""  # set where the function is known that the node is of


class NotConstant(Unsupported):
    """A value that the graph must know is not known yet: that of ``name``."""

    def __init__(self, name: str, node: ast.AST | None) -> None:
        super().__init__(f"the graph needs the value of `{name}`, which only the run knows", node)
        self.name = name


class NotPlain(Exception):
    """Host code may make more than data: what it gives may be something to append."""


@dataclass(slots=True)
class Notes:
    """What became of the lines of files: ``lines[file, line]``."""

    lines: dict[tuple[str, int], Status] = field(default_factory=dict)

    def note(self, file: str, node: ast.AST, status: Status) -> None:
        """A node was lowered, or outlined. Of a line with both, lowered counts.

        Of a statement that has a block it is the first line, unless all of it is outlined.
        """
        first = getattr(node, "lineno", 0)
        has_block = isinstance(node, ast.stmt | ast.match_case) and hasattr(node, "body")
        is_whole = status == "host" or (status == "lowered" and not has_block)
        last = getattr(node, "end_lineno", first) if is_whole else first
        for line in range(first, last + 1):
            known = self.lines.get((file, line))
            if known is None or _ORDER[status] > _ORDER[known]:
                self.lines[file, line] = status
