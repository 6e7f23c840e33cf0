"""Which names a file changes while its functions run, as far as its text tells."""

from __future__ import annotations

import ast
import linecache
import re
from typing import Final

from sglc.compiler.python.source import FunctionSource

_DECLARED: Final = re.compile(r"^[ \t]*(?:global|nonlocal)[ \t]+([^\n;#]+)", re.MULTILINE)
_MUTATORS: Final = (
    "add|append|appendleft|clear|difference_update|discard|extend|extendleft|insert|"
    "intersection_update|move_to_end|pop|popitem|popleft|remove|reverse|rotate|setdefault|sort|"
    "symmetric_difference_update|update"
)


class Changes:
    """Looks into the files of functions."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._declared: dict[str, frozenset[str]] = {}
        self._mutated: dict[tuple[str, str], bool] = {}

    def rebinds(self, source: FunctionSource, node: ast.expr) -> bool:
        """Whether code of the file gives a name, or an attribute, another value."""
        text = self._text(source.file)
        if isinstance(node, ast.Attribute):
            return re.search(rf"\.{node.attr}\b\s*[^\w\s=.,)\]}}:<>!]*=(?!=)", text) is not None
        if source.file not in self._declared:
            names = ",".join(_DECLARED.findall(text)).split(",")
            self._declared[source.file] = frozenset(name.strip() for name in names)
        return isinstance(node, ast.Name) and node.id in self._declared[source.file]

    def mutates(self, source: FunctionSource, node: ast.expr) -> bool:
        """Whether code of the file changes the list or the like that has a name."""
        written = node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)
        key = source.file, written
        if key not in self._mutated:
            name = re.escape(written)
            changed = (
                rf"\b{name}(?:\.(?:{_MUTATORS})\(|\[[^\]\n]*\]\s*[^\w\s=]*=(?!=))|\bdel {name}\["
            )
            self._mutated[key] = re.search(changed, self._text(source.file)) is not None
        return self._mutated[key]

    def _text(self, file: str) -> str:
        if file not in self._texts:
            self._texts[file] = "".join(linecache.getlines(file))
        return self._texts[file]
