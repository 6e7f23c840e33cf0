"""Going on in a script: extends are appended, the next decode or score is set up or refused."""

from __future__ import annotations

import numpy as np

from sglc.runtime.core.events import Decoded
from sglc.runtime.core.script import Decode, Embed, Extend, Score
from sglc.runtime.scheduler.choices import ChoiceTrie
from sglc.runtime.scheduler.decoding import Decoding
from sglc.runtime.scheduler.guide import Guide
from sglc.runtime.scheduler.jump import Tail
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import DecodeState, Stream
from sglc.runtime.scheduler.text import DecodeText


class Progress:
    """Moves streams from one op to the next."""

    def __init__(self, state: SchedulerState) -> None:
        self._state = state
        self.decoding = Decoding(state)

    def settle(self, stream: Stream, is_extended: bool = False) -> bool:
        """Take up the op at ``stream.op``, or the first after it that needs more than K/V.

        ``is_extended``: the stream has been given tokens that are still to be computed. Returns
        whether there is anything to compute: what a last decode that takes no sample ends
        with is not. A stream that does not fit into the context or the pool fails here.
        """
        script = stream.request.script
        while stream.op < len(script):
            op = script[stream.op]
            if isinstance(op, Extend):
                stream.tokens += op.ids
                stream.prompt_tokens += len(op.ids)
                is_extended |= bool(op.ids)
                stream.op += 1
            elif isinstance(op, Score):
                stream.work = ChoiceTrie(op)
                break
            elif isinstance(op, Embed):
                stream.work = op
                break
            elif not self._begin_decode(stream, op):
                if stream.is_gone:
                    return False
                stream.op += 1
                is_extended = False
            else:
                break
        if stream.work is None and not is_extended:
            return False
        refusal = self._refusal(stream, 1 if _goes_on(stream) else 0)
        if refusal is not None:
            self._state.fail(stream, refusal)
        return refusal is None

    def _begin_decode(self, stream: Stream, op: Decode) -> bool:
        """Set up a decode; False when it is over already, or the stream has failed."""
        state = self._state
        guide = None
        constraint = op.held_to
        if constraint is not None:
            guide = Guide(constraint, state.masks)
            room = state.max_context - len(stream.tokens)
            refusal = guide.refusal(min(op.max_tokens, room))
            if refusal is not None:
                state.fail(stream, refusal)
                return False
        decode = self._decode_state(stream, op, guide)
        is_complete = guide is not None and guide.is_complete
        refusal = self._refusal(stream, 0 if is_complete else 1)
        if refusal is not None:
            state.fail(stream, refusal)
            return False
        if is_complete:
            result = decode.result("", "constraint", None, 0)
            state.events.append(Decoded(stream.id, stream.op, result))
            return False
        stream.work = decode
        if self.decoding.jump(stream):
            stream.work = None
            return False
        return True

    def _decode_state(self, stream: Stream, op: Decode, guide: Guide | None) -> DecodeState:
        state = self._state
        eos = state.vocabulary.eos_ids
        params = op.sampling
        ignore = op.ignore_eos and guide is None
        banned = eos | op.stop_ids if params.min_new_tokens else frozenset()
        decode = DecodeState(
            op=op,
            start=len(stream.tokens),
            text=DecodeText(op.stop, stream.request.deltas, len(op.heal)),
            guide=guide,
            eos_ids=frozenset() if ignore else eos,
            end_ids=op.stop_ids if ignore else eos | op.stop_ids,
            banned=banned,
            is_plain=guide is None
            and params.is_greedy
            and not params.logit_bias
            and not params.has_penalties
            and not banned,
        )
        if guide is not None and state.cutter is not None and op.jump:
            decode.tail = Tail(state.cutter)
        if params.has_penalties:
            vocab_size = len(state.vocabulary.token_bytes)
            decode.seen = np.zeros(vocab_size, dtype=bool)
            decode.seen[stream.tokens] = True
            decode.counts = np.zeros(vocab_size, dtype=np.int64)
        return decode

    def _refusal(self, stream: Stream, after: int) -> str | None:
        """Say why the stream, with ``after`` tokens more, can never run, if so."""
        length, most = len(stream.tokens), self._state.max_context
        capacity = self._state.memory.pool.capacity
        slots = length
        if isinstance(stream.work, ChoiceTrie):
            after = max(0, stream.work.depth - 1)
            slots += stream.work.num_inner
        if length + after > most:
            return (
                f"the stream is {length} tokens long and needs {after} more, "
                f"but the context holds {most}: shorten the prompt"
            )
        if slots > capacity:
            return (
                f"the stream needs {slots} KV slots, but the pool has {capacity}: shorten the "
                "prompt, or raise max_total_tokens"
            )
        return None


def _goes_on(stream: Stream) -> bool:
    """Whether the stream decodes, and has not found the end of that."""
    return isinstance(stream.work, DecodeState) and stream.work.ending is None
