"""Names of the arms of ``if`` and ``match``: what plans and counts call them."""

from __future__ import annotations

import json

from sglc.compiler.plan.plan import Scalar


def arm_name(label: str, case: tuple[Scalar, ...]) -> str:
    """Return ``do`` or ``else``, or of a case its first literal: a text as it is, else as JSON.

    Two arms of one op may have one name: a case for ``else`` beside an ``else``.
    """
    if label != "case" or not case:
        return label
    return case[0] if isinstance(case[0], str) else json.dumps(case[0])
