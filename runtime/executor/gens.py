"""``gen``: one decode, from its options to a value of the type asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from sglc.compiler.plan.seeds import BY_STREAM, seed_key
from sglc.compiler.plan.select import distinct_choices
from sglc.constraints.automaton import Automaton
from sglc.constraints.language import max_tokens_of, parse, until
from sglc.constraints.leading import leading_value, states_behind
from sglc.constraints.types import Literal, Record, Union
from sglc.runtime.core.events import Decoded, DecodeResult, Scored, ScoreResult
from sglc.runtime.core.script import Constraint, Decode, StreamRequest
from sglc.runtime.executor.code import NodeCode
from sglc.runtime.executor.constraints import ConstraintCompiler, Preparation
from sglc.runtime.executor.errors import OpError
from sglc.runtime.executor.following import following
from sglc.runtime.executor.frame import Frame
from sglc.runtime.executor.modelcall import Meta, ModelCall, listed
from sglc.runtime.executor.options import gen_options
from sglc.runtime.executor.prompt_scores import (
    finish_reason,
    prompt_script,
    report_of,
    reported,
)
from sglc.runtime.executor.stream import Stream
from sglc.runtime.tokenizer.encoded import Written

_AHEAD: Final = "num_api_spec_tokens"


class GenCall(ModelCall):
    """``gen``: one decode; its value is what the text means in the type asked for."""

    __slots__ = (
        "_constraint", "_heal", "_ids", "_is_whole", "_options", "_report", "_result", "_scored",
    )  # fmt: skip

    def __init__(self, frame: Frame, node: NodeCode, *, whole: bool = False) -> None:
        super().__init__(frame, node)
        self._is_whole = whole
        self._report = report_of(node.attrs)
        self._scored: ScoreResult | None = None

    def prepare(self, compiler: ConstraintCompiler) -> Preparation | None:
        frame, node = self.frame, self.node
        self._options = gen_options(frame, node)
        self._constraint: Preparation | None = None
        slot = node.kwarg("choices")
        if slot is not None:
            choices = distinct_choices(listed(frame.values[slot]))
            wanted = until(Union(tuple(map(Literal, choices))), self._options.stop)
            self._constraint = compiler.prepare(wanted)
        elif node.attrs.get("constraint") is not None:
            name = str(node.attrs["constraint"])
            code = frame.run.code
            self._constraint = code.constraints.get((name, self._options.stop))
            if self._constraint is None:
                wanted = until(code.plan.constraints[name], self._options.stop)
                self._constraint = compiler.prepare(wanted)
        return self._constraint

    @property
    def heals(self) -> bool:
        """Whether the tokens at the end of the prompt may become longer ones; after ``prepare``."""
        return self._options.healing

    def requests(self) -> Sequence[StreamRequest]:
        frame, node, options = self.frame, self.node, self._options
        run = frame.run
        ids, heal = self.stream.healed_ids() if options.healing else (self.stream.ids(), b"")
        if not ids:
            raise OpError("model", "the stream is empty: there is nothing to go on from")
        self._heal, self._ids = heal, ids
        ends = self.stream.encoder.ends
        constraint, expect = self._constraint, node.attrs.get("expect")
        if constraint is not None:
            options = options.within(max_tokens_of(constraint.type))
            expect = expect and constraint.num_tokens(expect, self.stream.encoder.tokenizer)
        if not expect and run.code.plan.hints.get("order_rows"):
            expect = node.lengths.expected(options.max_tokens)
        ahead = node.attrs.get(_AHEAD) or run.code.plan.hints.get(_AHEAD)
        decode = Decode(
            options.max_tokens,
            options.sampling,
            self._key(),
            # inside of a constraint the texts are part of it
            options.stop
            if constraint is not None
            else tuple(dict.fromkeys((*options.stop, *ends.texts))),
            stop_ids=ends.ids.union(node.attrs.get("stop_ids", ())),
            constraint=self._held_to(),
            num_logprobs=self._num_logprobs(),
            report=self._report if self._is_whole else None,
            ignore_eos=node.attrs.get("ignore_eos") is True,
            jump=node.attrs.get("jump") is True,
            expect=min(expect or 0, options.max_tokens),
            ahead=ahead if isinstance(ahead, int) else 0,
            then=following(frame, node) if ahead else (),
            heal=heal,
            label=self.name,
        )
        prompt = prompt_script(ids, None if self._is_whole else self._report)
        deltas = run.deltas and bool(self.name or self.show)
        return (StreamRequest((*prompt, decode), deltas=deltas),)

    def _key(self) -> int:
        """The key of the random numbers of the decode."""
        run, site = self.frame.run, str(self.node.attrs.get("rng", ""))
        if site == BY_STREAM:
            return self.stream.lineage.key(run.seed, run.instance)
        return seed_key(run.seed, run.instance, self.frame.place(self.node), site)

    def appended(self, text: str, logprob: float) -> Stream:
        return self.stream.decoded(text, logprob, self.written())

    def _num_logprobs(self) -> int | None:
        if self._report is None:
            return None
        return 0 if self._is_whole else self._report.num_top

    def _held_to(self) -> Constraint | None:
        """The constraint of the decode, which ends behind the fields that are read."""
        preparation, count = self._constraint, self.node.attrs.get("fields")
        if preparation is None:
            return None
        found = preparation.result().constraint
        wanted = preparation.type
        if not isinstance(wanted, Record) or not isinstance(found.machine, Automaton):
            return found
        done = frozenset() if count is None else states_behind(found.machine, wanted, count)
        return replace(found, done=done) if done else found

    def receive(self, number: int, event: Decoded | Scored) -> bool:
        if isinstance(event, Scored):
            self._scored = event.result
            return False
        result = self._result = event.result
        count = result.num_written
        self.frame.run.fuel.tokens += count
        self.node.lengths.add(count)
        stats = self.frame.run.stats[self.node.loc]
        stats.completion_tokens += count
        stats.completion_tokens_wo_jump_forward += count - result.num_forced
        return True

    def finish(self) -> tuple[str, float, tuple[Any, ...]]:
        result, constraint = self._result, self._constraint
        if constraint is None:
            return result.text, sum(result.logprobs), (result.text,)
        count = self.node.attrs.get("fields")
        machines = constraint.result().machines
        value: Any
        try:
            if count is not None and isinstance(constraint.type, Record):
                value = leading_value(result.text, count)
            else:
                value = parse(constraint.type, result.text, machines.__getitem__)
        except ValueError as error:
            raise OpError("parse", f"the generated text is no {constraint.type}: {error}") from None
        return result.text, sum(result.logprobs), (value,)

    def meta(self) -> Meta:
        """Return the meta information of the text, by the names of SGLang's ``meta_info``."""
        result = self._result
        if result.meta is not None:
            return partial(dict, result.meta)
        if result.num_tokens is not None:
            return partial(_told, result)
        found: dict[str, Any] = {
            "finish_reason": finish_reason(result),
            "prompt_tokens": len(self._ids),
            "completion_tokens": len(result.ids),
            "completion_tokens_wo_jump_forward": len(result.ids) - result.num_forced,
        }
        if self.cached_tokens is not None:
            found["cached_tokens"] = self.cached_tokens
        if self._report is None:
            return found.copy
        tokenizer = self.stream.encoder.tokenizer
        return partial(reported, found, self._ids, self._scored, result, self._report, tokenizer)

    def written(self) -> Written | None:
        if self.node.attrs.get("seam") != "repair":
            return None
        result = self._result
        return Written(result.ids[: result.num_kept], self._heal)


def _told(result: DecodeResult) -> dict[str, Any]:
    """Return what is known of a text that was there already; its ids are bytes and no tokens."""
    reason = finish_reason(result)
    if reason["type"] == "length":
        reason["length"] = result.num_tokens
    found: dict[str, Any] = {
        "finish_reason": reason,
        "completion_tokens": result.num_tokens,
        "completion_tokens_wo_jump_forward": result.num_tokens,
    }
    if result.logprobs:
        found["output_token_logprobs"] = [[value, None, None] for value in result.logprobs]
    return found
