"""What comes behind a decode in its message, as far as it is known before anything is written."""

from __future__ import annotations

from sglc.runtime.core.script import Later
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.options import gen_options


def following(frame: Frame, node: NodeCode) -> tuple[str | Later, ...]:
    """Return the texts and decodes behind a decode, up to the end of its message.

    They stand in the same block; a text that is not there yet ends what is known.
    """
    found: list[str | Later] = []
    slot = node.outputs[0]
    for each in frame.code.nodes[node.index + 1 :]:
        if not each.args or each.args[0] != slot:
            continue
        if each.op == "put":
            text = frame.values[each.args[1]]
            if not isinstance(text, str):
                break
            found.append(text)
        elif each.op == "gen":
            found.append(Later(gen_options(frame, each).stop))
        else:
            break
        slot = each.outputs[0]
    return tuple(found)
