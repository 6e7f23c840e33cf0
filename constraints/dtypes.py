"""The patterns of the ``dtype`` of SGLang's programs: a text has to be a Python literal of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PATTERNS: Final[Mapping[str, str]] = {
    "int": r"[-+]?[0-9]+",
    "float": r"[-+]?[0-9]*\.?[0-9]+",
    "bool": r"(True|False)",
    "str": r'"[\w\d\s]*"',
}
