"""Whether threads wait for something that is not Python."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import Final

from sglc.runs.hub import SLOW_S, Hub

_SAMPLES: Final = 5
"""How often a thread is looked at before it counts as one that waits."""
_COMPUTES: Final = 0.1
"""Above this part of the time threads compute: more of them would not help."""


def stand_still(hubs: Sequence[Hub], over: threading.Event) -> bool:
    """Whether the threads of all hubs sleep in one place for a while, inside of a program.

    One that waits for its turn to run Python does not: it gets on, as this thread does. ``over``
    ends the looking.
    """
    if any(hub.busy_since_s is None for hub in hubs):
        return False
    begin_s, cpu_s, places = time.monotonic(), _cpu_s(hubs), _places(hubs)
    for _ in range(_SAMPLES):
        if over.wait(SLOW_S / _SAMPLES) or _places(hubs) != places:
            return False
        if not all(map(_is_asleep, hubs)):
            return False
    return _cpu_s(hubs) - cpu_s < _COMPUTES * (time.monotonic() - begin_s)


def _places(hubs: Sequence[Hub]) -> list[tuple[int, int]]:
    """Return where the threads of hubs are: frame and instruction."""
    frames = sys._current_frames()
    found = (frames.get(hub.thread) for hub in hubs)
    return [(0, 0) if frame is None else (id(frame), frame.f_lasti) for frame in found]


def _is_asleep(hub: Hub) -> bool:
    """Whether the system says that a thread waits for something; where it does not say, True."""
    try:
        with open(f"/proc/self/task/{hub.native_thread}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"R"
    except OSError:
        return True


def _cpu_s(hubs: Sequence[Hub]) -> float:
    """Time that the threads of hubs have computed; none where it cannot be told."""
    clock_of = getattr(time, "pthread_getcpuclockid", None)
    if clock_of is None:
        return 0.0
    return sum(time.clock_gettime(clock_of(hub.thread)) for hub in hubs)
