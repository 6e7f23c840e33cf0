"""What jump-forward means, from its definition: everything is cut anew, from the begin of a decode.

The fast form and the words for it are in ``scheduler/jump.py``.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Sequence
from itertools import accumulate

from sglc.runtime.core.script import Constraint
from sglc.runtime.core.text_encoder import TextEncoder


def jump_reference(
    encoder: TextEncoder,
    token_bytes: Sequence[bytes],
    constraint: Constraint,
    ids: Sequence[int],
    *,
    max_ids: int,
    ends: Collection[int],
) -> list[int] | None:
    """Return the ids of a decode after what is forced behind ``ids``, None if they stay."""
    machine = constraint.machine
    written = b"".join(token_bytes[token] for token in ids)
    forced = machine.forced(machine.run(machine.start, written))
    whole = written + forced
    try:
        text, size = codecs.utf_8_decode(whole, "strict", False)  # a last half character waits
    except UnicodeDecodeError:
        return None
    cut = encoder.encode(text, continues=True)
    if not forced or b"".join(token_bytes[token] for token in cut) != whole[:size]:
        return None
    following = [byte for byte in range(256) if machine.prefix_ok(whole + bytes([byte]))]
    may_leave = constraint.end == "leave" and machine.accepts(whole)
    is_known = size == len(whole) and (not following or not may_leave)
    points = encoder.commit_points(text, following if is_known else None)
    points = [len(text[:point].encode()) for point in points]
    limit = len(whole) if is_known and not following else points[-1]
    own_ends = [0, *accumulate(len(token_bytes[token]) for token in ids)]
    keep = max(count for count, end in enumerate(own_ends) if end in points)
    found = list(ids[:keep])
    size = own_ends[keep]
    ends_of_cut = list(accumulate(len(token_bytes[token]) for token in cut))
    for token, end in zip(cut, ends_of_cut, strict=True):
        if end <= own_ends[keep]:
            continue
        if end > limit or token in ends or len(found) == max_ids:
            break
        found.append(token)
        size = end
    same = next(
        (i for i, (a, b) in enumerate(zip(ids, found, strict=False)) if a != b),
        min(len(ids), len(found)),
    )
    pays = len(found) - same > len(ids) - same
    return found if size > len(written) and pays else None
