"""What starts a node of the ops that neither the model nor a tool has a part in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sglc.runtime.executor.arms import ARMS
from sglc.runtime.executor.calls import start_call
from sglc.runtime.executor.exits import EXITS
from sglc.runtime.executor.loops import LOOPS
from sglc.runtime.executor.machine import Starter
from sglc.runtime.executor.prompts import PROMPTS
from sglc.runtime.executor.regions import CONTROL

STARTERS: Final[Mapping[str, Starter]] = {
    **ARMS, **CONTROL, **EXITS, **LOOPS, **PROMPTS, "call": start_call, "include": start_call,
}  # fmt: skip
