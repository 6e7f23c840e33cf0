"""Jump-forward on a tokenizer trained here: what is appended, saved, and left alone."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import Any

import pytest
from tokenizers import Tokenizer as Inner
from tokenizers import decoders, models, pre_tokenizers, trainers

from sglc.constraints.automaton import Automaton
from sglc.runtime.config import EngineConfig
from sglc.runtime.core.events import Decoded, DecodeResult, Delta, Ended, Event, Failed
from sglc.runtime.core.sampling import SamplingParams
from sglc.runtime.core.script import Constraint, Decode, Extend, StreamRequest
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.engine.hash_model import hash_logits
from sglc.runtime.engine.hash_runner import HashRunner
from sglc.runtime.engine.naive_backend import NaiveBackend
from sglc.runtime.scheduler.scheduler import Scheduler
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.json_files import TokenizerFiles

CORPUS = ['{"name": "Harry", "house": "Gryffindor", "alive": "yes", "wand": {"wood": "holly"}}']
EOS = 0
MAX_CONTEXT = 200
CARD = Automaton.from_regex(
    r'\{"name": "[a-z]{1,3}", "house": "(Gryffindor|Slytherin)", "alive": "(yes|no)"\}'
)
PLAIN = SamplingParams()
SPOT = Automaton.from_regex(r'\{"house": "Gryffindor"\}')


class World:
    """A trained tokenizer, and backends over the hash model."""

    def __init__(self) -> None:
        inner = Inner(models.BPE())
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=330,
            special_tokens=["<|end|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        inner.train_from_iterator(CORPUS * 4, trainer)
        files = TokenizerFiles({"eos_token": "<|end|>"}, ("<|end|>",), {}, frozenset({EOS}), {})
        self.tokenizer = Tokenizer(json.dumps(json.loads(inner.to_str())), files)
        self.vocabulary = Vocabulary.of(self.tokenizer.token_bytes, {EOS})
        # a model that likes long tokens cuts its text mostly as the tokenizer does
        self.long_tokens = SamplingParams(
            logit_bias=tuple(
                (i, 30.0 * len(piece)) for i, piece in enumerate(self.tokenizer.token_bytes)
            )
        )

    def scheduler(self, *, jump: bool, **limits: int) -> Scheduler:
        size = self.tokenizer.vocab_size
        runner = HashRunner(size, 2000, MAX_CONTEXT, eos_id=EOS)
        config = EngineConfig(jump_forward=jump, **limits)
        return Scheduler(runner, self.vocabulary, config, self.tokenizer)

    def naive(self, *, jump: bool) -> NaiveBackend:
        size = self.tokenizer.vocab_size
        encoder = self.tokenizer if jump else None
        return NaiveBackend(
            lambda ids: hash_logits(ids, size, EOS), self.vocabulary, size, MAX_CONTEXT, encoder
        )

    def decode(
        self, machine: Automaton, prompt: str, *, closing: bool = True, **options: Any
    ) -> StreamRequest:
        ids = tuple(self.tokenizer.encode(prompt))
        options = {"max_tokens": 150, "sampling": self.long_tokens} | options
        return StreamRequest(
            (Extend(ids), Decode(constraint=Constraint(machine, "eos", closing), **options))
        )


@pytest.fixture(scope="module")
def trained() -> World:
    return World()


def run(backend: Any, *requests: StreamRequest) -> list[list[Event]]:
    numbers = [backend.submit(request) for request in requests]
    events: dict[int, list[Event]] = {number: [] for number in numbers}
    while not backend.idle:
        for event in backend.step():
            events[event.stream].append(event)
    return [events[number] for number in numbers]


def result(events: list[Event]) -> DecodeResult:
    (found,) = [event.result for event in events if isinstance(event, Decoded)]
    assert "".join(event.text for event in events if isinstance(event, Delta)) == found.text
    return found


def some_card(rng: random.Random) -> Automaton:
    """A language in which much is forced, at odd places."""
    parts = []
    for _ in range(rng.randint(1, 4)):
        texts = [
            '{"name": "',
            '", "wood',
            " holly",
            "Gryff",
            "é",
            "'re",
            " 12",
            "\n  ",
            '": "',
            "x",
        ]
        parts.append("".join(rng.choice(texts) for _ in range(rng.randint(1, 4))))
        free = [
            "[a-z]{1,3}",
            "(Gryffindor|Gryphon|Slytherin)",
            "(yes|yes please|no)",
            "[ \n]?",
            "é?",
        ]
        parts.append(rng.choice(free))
    escaped = [p if i % 2 else p.replace("{", r"\{") for i, p in enumerate(parts)]
    return Automaton.from_regex("".join(escaped))


def test_greedy_text_is_the_same_where_the_model_cuts_as_the_tokenizer_does(trained: World) -> None:
    canonical = forced = 0
    for seed in range(300):
        rng = random.Random(seed)
        machine = some_card(rng)
        request = trained.decode(machine, f"card {rng.random()}: ")
        (plain,) = map(result, run(trained.scheduler(jump=False), request))
        (jumped,) = map(result, run(trained.scheduler(jump=True), request))
        assert machine.accepts(jumped.text.encode())
        ids = plain.ids[: plain.num_kept]
        if tuple(trained.tokenizer.encode(plain.text, continues=True)) == ids:
            canonical += 1
            forced += jumped.num_forced > 0
            assert jumped.text == plain.text
            assert jumped.ids == plain.ids
    assert canonical > 100
    assert forced > 80


@pytest.mark.parametrize("chunk_size", [1, 100])
def test_a_batch_says_what_the_definition_says(trained: World, chunk_size: int) -> None:
    rng = random.Random(chunk_size)
    requests = []
    for number in range(12):
        plain = SamplingParams(temperature=1.0, repetition_penalty=1.2, frequency_penalty=0.3)
        sampling = rng.choice([trained.long_tokens, plain])
        stop = rng.choice([(), ("yes",), ('", "',)])
        requests.append(
            trained.decode(
                some_card(rng), f"card {number}", sampling=sampling, stop=stop, key=number,
                max_tokens=rng.choice([4, 20, 150]), closing=False,
            )
        )  # fmt: skip
    expected = [result(events) for events in run(trained.naive(jump=True), *requests)]
    scheduler = trained.scheduler(jump=True, chunk_size=chunk_size)
    assert [result(events) for events in run(scheduler, *requests)] == expected
    assert sum(one.num_forced for one in expected) == scheduler.stats()["forced_tokens"] > 0


def test_jumps_leave_enough_to_finish(trained: World) -> None:
    """As the definition says, at every budget; and nothing is cut off."""
    rng = random.Random(1)
    jumped = refused = 0
    for number in range(40):
        machine = some_card(rng)
        budget = rng.randint(2, 25)
        request = trained.decode(machine, f"card {number}", max_tokens=budget, key=number)
        (expected,) = run(trained.naive(jump=True), request)
        (events,) = run(trained.scheduler(jump=True), request)
        if isinstance(expected[-1], Failed):
            assert events == expected
            refused += 1
            continue
        found = result(events)
        assert found == result(expected)
        assert machine.accepts(found.text.encode())
        jumped += found.num_forced > 0
    assert jumped > 5
    assert refused > 5


def test_a_jump_that_would_use_up_the_budget_is_not_made(trained: World) -> None:
    """A token that the tokenizer never writes is the only way to finish in time."""
    pieces = (*trained.tokenizer.token_bytes, b'{"house": "Gryffindor"}')
    size = len(pieces)
    vocabulary = Vocabulary.of(pieces, {EOS})
    runner = HashRunner(size, 2000, MAX_CONTEXT, eos_id=EOS)
    config = EngineConfig(jump_forward=True)
    naive = NaiveBackend(
        lambda ids: hash_logits(ids, size, EOS), vocabulary, size, MAX_CONTEXT, trained.tokenizer
    )
    for backend in (Scheduler(runner, vocabulary, config, trained.tokenizer), naive):
        found = result(run(backend, trained.decode(SPOT, "a", max_tokens=3, sampling=PLAIN))[0])
        assert found.ids == (size - 1,)
        assert found.finish == "constraint"


def test_one_member_takes_no_pass(trained: World) -> None:
    scheduler = trained.scheduler(jump=True)
    (events,) = run(scheduler, trained.decode(SPOT, "card: "))
    found = result(events)
    assert found.text == '{"house": "Gryffindor"}'
    assert found.finish == "constraint"
    assert list(found.ids) == trained.tokenizer.encode(found.text)
    assert found.num_forced == len(found.ids)
    assert scheduler.stats()["forward_passes"] == 0
    assert isinstance(events[-1], Ended)
    assert events[-1].stats.forced_tokens == len(found.ids)


def test_one_member_and_what_follows_it_are_prefilled_at_once(trained: World) -> None:
    scheduler = trained.scheduler(jump=True)
    request = trained.decode(SPOT, "card: ")
    more = tuple(trained.tokenizer.encode("and so on", continues=True))
    (events,) = run(scheduler, replace(request, script=(*request.script, Extend(more))))
    assert scheduler.stats()["forward_passes"] == 1
    assert scheduler.stats()["decoded_tokens"] == 0
    (extend, _) = request.script
    assert isinstance(extend, Extend)
    tokens = len(extend.ids) + len(result(events).ids) + len(more)
    assert scheduler.stats()["prefilled_tokens"] == tokens


def test_steps_are_saved_and_counted(trained: World) -> None:
    passes = {}
    for jump in (False, True):
        scheduler = trained.scheduler(jump=jump)
        (events,) = run(scheduler, trained.decode(CARD, "card: "))
        passes[jump] = scheduler.stats()["forward_passes"]
        found = result(events)
        (end,) = [event for event in events if isinstance(event, Ended)]
        assert end.stats.forced_tokens == scheduler.stats()["forced_tokens"]
        assert end.stats.decode_steps == passes[jump]
        assert (found.num_forced > len(found.ids) / 2) == jump
    assert passes[True] < passes[False] / 2


@pytest.mark.parametrize("how", ["decode", "engine"])
def test_jumping_can_be_left_out(trained: World, how: str) -> None:
    options: dict[str, Any] = {"jump": False} if how == "decode" else {}
    scheduler = trained.scheduler(jump=how != "engine")
    found = result(run(scheduler, trained.decode(SPOT, "card: ", **options))[0])
    assert found.text == '{"house": "Gryffindor"}'
    assert found.num_forced == 0


@pytest.mark.parametrize("machine", [SPOT, CARD], ids=["one", "card"])
@pytest.mark.parametrize("again", [False, True], ids=["fresh", "cached"])
def test_forced_tokens_have_the_logprobs_of_sampled_ones(
    trained: World, machine: Automaton, again: bool
) -> None:
    request = trained.decode(machine, "card: ", num_logprobs=2)
    (plain,) = map(result, run(trained.scheduler(jump=False), request))
    scheduler = trained.scheduler(jump=True)
    (jumped,) = map(result, run(scheduler, request))
    passes = scheduler.stats()["forward_passes"]
    if again:
        (jumped,) = map(result, run(scheduler, request))
    assert jumped.num_forced > len(jumped.ids) / 2
    assert jumped.ids == plain.ids
    assert jumped.logprobs == pytest.approx(plain.logprobs)
    assert jumped.top_logprobs is not None
    assert plain.top_logprobs is not None
    for one, other in zip(jumped.top_logprobs, plain.top_logprobs, strict=True):
        assert [token for token, _ in one] == [token for token, _ in other]
        assert [value for _, value in one] == pytest.approx([value for _, value in other])
    assert passes <= len(jumped.ids) - jumped.num_forced + 1


def test_forced_tokens_count_as_tokens_of_the_decode(trained: World) -> None:
    for most in range(1, 6):
        found = result(
            run(
                trained.scheduler(jump=True),
                trained.decode(SPOT, "a", max_tokens=most, closing=False),
            )[0]
        )
        assert len(found.ids) == most
        assert found.finish == "length"
        whole = trained.tokenizer.encode('{"house": "Gryffindor"}')
        assert list(found.ids) == whole[:most]


def test_a_stop_string_within_forced_text_ends_there(trained: World) -> None:
    request = trained.decode(SPOT, "card: ", stop=("Gryf",))
    scheduler = trained.scheduler(jump=True)
    found = result(run(scheduler, request)[0])
    assert (found.text, found.finish, found.matched) == ('{"house": "', "stop", "Gryf")
    kept = [trained.tokenizer.token_bytes[i] for i in found.ids[: found.num_kept]]
    assert b"".join(kept) == found.text.encode()


def test_a_stop_id_is_not_forced(trained: World) -> None:
    ids = trained.tokenizer.encode('{"house": "Gryffindor"}')
    request = trained.decode(SPOT, "card: ", stop_ids=frozenset(ids[3:4]))
    found = result(run(trained.scheduler(jump=True), request)[0])
    assert (found.finish, found.matched, found.ids) == ("stop", ids[3], tuple(ids[:4]))
    assert found.num_forced == 3


def test_the_context_limits_what_is_forced(trained: World) -> None:
    ids = trained.tokenizer.encode('{"house": "Gryffindor"}')
    prompt = (5,) * (MAX_CONTEXT - 3)
    decode = Decode(50, constraint=Constraint(SPOT, "eos", closing=False))
    found = result(run(trained.scheduler(jump=True), StreamRequest((Extend(prompt), decode)))[0])
    assert (found.finish, found.ids) == ("length", tuple(ids[:3]))


def test_what_was_forced_is_found_in_the_cache(trained: World) -> None:
    scheduler = trained.scheduler(jump=True)
    request = trained.decode(CARD, "card: ")
    (first,) = run(scheduler, request)
    (again,) = run(scheduler, request)
    assert result(first) == result(again)
    (end,) = [event for event in again if isinstance(event, Ended)]
    assert end.stats.prefilled_tokens == 0
    usage = scheduler.slot_usage
    assert (usage.held, usage.free + usage.cached) == (0, usage.total)


def test_cancelling_between_jump_and_prefill_frees_all(trained: World) -> None:
    scheduler = trained.scheduler(jump=True, chunk_size=1)
    streams = [scheduler.submit(trained.decode(CARD, f"card {i}: ")) for i in range(4)]
    for _ in range(12):
        scheduler.step()
    for stream in streams:
        scheduler.cancel(stream)
    assert scheduler.idle
    assert scheduler.slot_usage.held == 0
    assert scheduler.flush_cache() + scheduler.slot_usage.free >= scheduler.slot_usage.total


def test_a_tokenizer_without_commit_points_jumps_to_the_end_only(
    trained: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trained.tokenizer, "_commit", None)
    found = result(run(trained.scheduler(jump=True), trained.decode(SPOT, "card: "))[0])
    assert found.num_forced == len(found.ids)
    found = result(run(trained.scheduler(jump=True), trained.decode(CARD, "card: "))[0])
    card = replace(found, ids=found.ids[: found.num_kept])
    assert CARD.accepts(card.text.encode())
    assert found.num_forced < len(found.ids) / 2
