"""A decode at work: tokens are taken, forced text is appended, and something ends it."""

from __future__ import annotations

import math

from sglc.runtime.core.events import Decoded, Finish
from sglc.runtime.scheduler.guide import NextBytes
from sglc.runtime.scheduler.jump import Jump
from sglc.runtime.scheduler.state import SchedulerState
from sglc.runtime.scheduler.stream import DecodeState, Ending, Stream


class Decoding:
    """Brings on the decode that a stream works on; says when it is over, having reported it."""

    def __init__(self, state: SchedulerState) -> None:
        self._state = state
        self._next_bytes = NextBytes()

    def take(self, stream: Stream, token: int) -> bool:
        """Append a sampled token, and the text that is forced behind it."""
        decode = stream.work
        assert type(decode) is DecodeState
        decode.ids.append(token)
        decode.is_forced.append(False)
        stream.decoded_tokens += 1
        if token in decode.end_ids:
            self._finish(stream, decode, "eos" if token in decode.eos_ids else "stop", token)
            return True
        piece = self._state.vocabulary.token_bytes[token]
        if self._append(stream, decode, token, piece):
            return True
        stream.decoding = True
        return self.jump(stream)

    def end_as_member(self, stream: Stream) -> bool:
        """End where no token is allowed, if what is written is a member."""
        decode = stream.work
        assert type(decode) is DecodeState
        if decode.guide is None or not decode.guide.may_end:
            return False
        self._finish(stream, decode, "constraint", None)
        return True

    def end(self, stream: Stream) -> None:
        """Report a decode that waited for the logprobs of its last tokens only."""
        decode = stream.work
        assert type(decode) is DecodeState
        assert decode.ending is not None
        self._finish(stream, decode, *decode.ending)

    def jump(self, stream: Stream) -> bool:
        """Append the tokens that are forced, if it pays: the stream has then to be prefilled.

        Returns whether the decode is over. One that waits for logprobs is not.
        """
        decode = stream.work
        assert type(decode) is DecodeState
        if decode.tail is None or decode.guide is None:
            return False
        forced = decode.guide.forced()
        if not forced:
            return False
        budget = min(decode.op.max_tokens, self._state.max_context - decode.start)
        found = decode.tail.jump(
            decode.ids,
            forced,
            following=decode.guide.following(forced, self._next_bytes),
            max_ids=budget,
            ends=decode.end_ids,
        )
        if found is None:
            return False
        num_left = budget - found.keep - len(found.ids)
        if not decode.guide.fits(forced[: found.added], num_left):
            return False  # the tokenizer would use up what a shorter way leaves to finish
        self._give_up(stream, decode, found.keep)
        return self._append_all(stream, decode, found, forced)

    def _append_all(self, stream: Stream, decode: DecodeState, found: Jump, forced: bytes) -> bool:
        """Append forced tokens one by one: each may end the decode."""
        state = self._state
        ends_at = found.added - sum(len(state.vocabulary.token_bytes[t]) for t in found.ids)
        at = 0  # forced[:at] is part of the text
        for token in found.ids:
            ends_at += len(state.vocabulary.token_bytes[token])
            decode.ids.append(token)
            decode.is_forced.append(True)
            stream.forced_tokens += 1
            state.counters.forced_tokens += 1
            if decode.op.num_logprobs is not None:
                decode.owed.append(len(decode.ids) - 1)
                decode.logprobs.append(math.nan)  # until the token before it is computed
                decode.top_logprobs.append(())
            piece = forced[at : max(at, ends_at)]
            at += len(piece)
            if self._append(stream, decode, token, piece, is_seen=not piece):
                return decode.ending is None
        return False

    def _give_up(self, stream: Stream, decode: DecodeState, keep: int) -> None:
        """Drop the ids behind the first ``keep``, but not their text; the stream has to prefill."""
        memory = self._state.memory
        dropped = decode.ids[keep:]
        del decode.ids[keep:], decode.is_forced[keep:]
        del decode.logprobs[keep:], decode.top_logprobs[keep:]
        memory.truncate(stream, decode.start + keep)
        memory.commit(stream)
        stream.decoding = False
        if decode.seen is not None and decode.counts is not None:
            for token in dropped:
                decode.counts[token] -= 1
                decode.seen[token] = token in stream.tokens

    def _append(
        self,
        stream: Stream,
        decode: DecodeState,
        token: int,
        piece: bytes,
        *,
        is_seen: bool = False,
    ) -> bool:
        """Append a token that adds ``piece`` to the text; ``is_seen``: its text is there."""
        stream.tokens.append(token)
        if decode.seen is not None and decode.counts is not None:
            decode.seen[token] = True
            decode.counts[token] += 1
        is_over = False
        if decode.guide is not None and not is_seen:
            kept, is_over = decode.guide.advance(piece)
            piece = piece[:kept]
        text, stop = decode.text.push(piece)
        if text and stream.request.deltas:
            delta = decode.tell(stream.id, stream.op, text, decode.num_certain)
            self._state.events.append(delta)
        if stop is not None:
            self._finish(stream, decode, "stop", stop)
        elif is_over:
            self._finish(stream, decode, "constraint", None)
        elif len(decode.ids) >= decode.op.max_tokens or (
            len(stream.tokens) >= self._state.max_context
        ):
            self._finish(stream, decode, "length", None)
        else:
            return False
        return True

    def _finish(
        self, stream: Stream, decode: DecodeState, finish: Finish, matched: str | int | None
    ) -> None:
        """Report a decode, when its logprobs are there; the stream keeps what is in the text."""
        if decode.owed:
            decode.ending = Ending(finish, matched)
            return
        state = self._state
        rest, text = decode.text.finish()
        if stream.request.deltas and (rest or decode.told < len(decode.ids)):
            state.events.append(decode.tell(stream.id, stream.op, rest, len(decode.ids)))
        num_kept = self._num_kept(decode, len(stream.tokens) - decode.start)
        state.memory.truncate(stream, decode.start + num_kept)
        result = decode.result(text, finish, matched, num_kept)
        state.events.append(Decoded(stream.id, stream.op, result))

    def _num_kept(self, decode: DecodeState, count: int) -> int:
        """Length of the longest prefix of the first ``count`` tokens that lies within the text."""
        table = self._state.vocabulary.token_bytes
        ids = decode.ids
        excess = sum(len(table[token]) for token in ids[:count]) - decode.text.num_bytes
        while excess > 0:
            count -= 1
            excess -= len(table[ids[count]])
        return count
