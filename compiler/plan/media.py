"""Pictures and videos as values of a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture or video by its address: ``http:``, ``https:`` or ``data:`` with the bytes."""

    kind: Literal["image", "video"]
    url: str
