"""What plans and counts call the arms of ``if`` and ``match``, and their places."""

from __future__ import annotations

import json
from pathlib import PurePath

from sglc.compiler.plan.plan import Scalar


def arm_name(label: str, case: tuple[Scalar, ...]) -> str:
    """Return ``do`` or ``else``, or of a case its first literal: a text as it is, else as JSON.

    Two arms of one op may have one name: a case for ``else`` beside an ``else``.
    """
    if label != "case" or not case:
        return label
    return case[0] if isinstance(case[0], str) else json.dumps(case[0])


def place_name(file: str, line: int, column: int) -> str:
    """Return a place by the name of its file alone, wherever that lies."""
    return f"{PurePath(file).name}:{line}:{column}"
