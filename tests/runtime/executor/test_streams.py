"""Ids of streams: made version by version, they are those of the whole; kept ids stay."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from functools import cache

import pytest
from generators import saved_tokenizers
from generators.tokenizers import FILES, KINDS, LETTERS, UNSURE, tokenizer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special, Text
from sglc.runtime.executor.stream import Stream
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.byte import ByteTokenizer, without_surrogates
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.encoded import Written
from sglc.runtime.tokenizer.files import Tokenizer
from sglc.runtime.tokenizer.prompt import PromptEncoder

NAMES = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


class Talking:
    """A tokenizer of the tests, with the special tokens of ChatML behind its own."""

    digest = "talking"

    def __init__(self, inner: TokenizerLike, *, begins: bool) -> None:
        self._inner = inner
        size = len(inner.token_bytes)
        self.special_ids = {name: size + i for i, name in enumerate(NAMES)}
        self.token_bytes = (*inner.token_bytes, b"", b"", b"")
        self.vocab_size = size + 3
        self.bos_ids: tuple[int, ...] = (size,) if begins else ()
        self.eos_ids = frozenset((size + 2,))

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        return self._inner.encode(text, continues=continues)

    def commit_points(self, text: str, following: Collection[int] | None = None) -> list[int]:
        return self._inner.commit_points(text, following)

    def decode(self, ids: Sequence[int]) -> str:
        return self._inner.decode(ids)


@cache
def talking(kind: str, *, begins: bool = False) -> Talking:
    made: TokenizerLike = ByteTokenizer()
    if kind in saved_tokenizers.KINDS:
        made = Tokenizer(saved_tokenizers.KINDS[kind]().to_str(), FILES)
    elif kind != "bytes":
        made = tokenizer(kind)
    return Talking(made, begins=begins)


def whole(made: Talking, segments: Sequence[Segment]) -> list[int]:
    """The definition: every run of text between special tokens is encoded as one string."""
    content = [s for s in segments if s != Text("")]
    ids: list[int] = []
    if not content or not isinstance(content[0], RoleBegin | RoleEnd):
        ids += () if content and content[0] == Special("<|endoftext|>") else made.bos_ids
    run, is_first = "", True
    for piece in pieces(segments):
        if isinstance(piece, Text):
            run += piece.text
            continue
        ids += [*made.encode(run, continues=not is_first), made.special_ids[piece.name]]
        run, is_first = "", False
    return [*ids, *made.encode(run, continues=not is_first)]


def pieces(segments: Sequence[Segment]) -> Iterator[Text | Special]:
    for segment in segments:
        match segment:
            case RoleBegin(role):
                yield from (Special("<|im_start|>"), Text(f"{role}\n"))
            case RoleEnd():
                yield from (Special("<|im_end|>"), Text("\n"))
            case _:
                yield segment


WORDS = st.lists(LETTERS, max_size=8).map("".join) | st.text(max_size=5)
SEGMENTS = st.lists(
    (WORDS | WORDS.map(lambda text: text * 40)).map(Text)
    | st.sampled_from([RoleBegin("user"), RoleEnd("user")])
    | st.sampled_from([Special("<|im_end|>"), Special("<|endoftext|>")]),
    max_size=9,
)
# Where a text and its tokens have the same bytes, so that any tokens may spell it.
WRITING = [*(kind for kind in KINDS if not kind.endswith("nfc")), "metaspace-never", "bytes"]
# What is cut at random has no ids of its own.
STEADY = [
    *(kind for kind in (*KINDS, *UNSURE) if kind != "dropout"),
    *saved_tokenizers.KINDS,
    "bytes",
]
thorough = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("kind", STEADY)
@thorough
@given(segments=SEGMENTS, order=st.randoms(use_true_random=False), begins=st.booleans())
def test_ids_do_not_depend_on_how_a_stream_came_to_be(
    kind: str, segments: list[Segment], order: random.Random, begins: bool
) -> None:
    made = talking(kind, begins=begins)
    encoder = PromptEncoder(made, CHATML)
    versions = [Stream(encoder)]
    texts: list[list[Segment]] = [[]]
    for segment in segments:
        at = order.randrange(len(versions)) if order.random() < 0.3 else len(versions) - 1
        versions.append(versions[at].append(segment))
        texts.append([*texts[at], segment])
        if order.random() < 0.4:
            asked = order.randrange(len(versions))
            assert list(versions[asked].ids()) == whole(made, texts[asked])
    for version, text in zip(versions, texts, strict=True):
        assert list(version.ids()) == whole(made, text)
        assert encoder.encode(text) == whole(made, text)
        assert list(version.ids_with("x1 ")) == whole(made, [*text, Text("x1 ")])
        assert version.healed_ids() == encoder.withhold(whole(made, text), text)


@cache
def pieces_of(kind: str) -> dict[bytes, int]:
    return {piece: i for i, piece in enumerate(talking(kind).token_bytes) if piece}


def drawn_ids(kind: str, data: bytes, order: random.Random) -> tuple[int, ...]:
    """Any tokens that spell ``data``."""
    known, ids = pieces_of(kind), []
    while data:
        fitting = [n for n in range(1, min(len(data), 12) + 1) if data[:n] in known]
        size = order.choice(fitting)
        ids.append(known[data[:size]])
        data = data[size:]
    return tuple(ids)


def spelled(made: Talking, ids: Sequence[int]) -> bytes:
    names = {i: name.encode() for name, i in made.special_ids.items()}
    return b"".join(names.get(i, made.token_bytes[i]) for i in ids)


@pytest.mark.parametrize("kind", WRITING)
@thorough
@given(segments=SEGMENTS, order=st.randoms(use_true_random=False), heals=st.booleans())
def test_ids_that_were_written_stay(
    kind: str, segments: list[Segment], order: random.Random, heals: bool
) -> None:
    made = talking(kind)
    encoder = PromptEncoder(made, CHATML)
    stream = Stream(encoder).append(Text("a b"))
    expected = "a b"
    for segment in segments:
        if isinstance(segment, Text):
            segment = Text(without_surrogates(segment.text))
        ids, heal = stream.healed_ids() if heals else (stream.ids(), b"")
        if not isinstance(segment, Text) or order.random() < 0.4:
            stream = stream.append(segment)
        else:
            written = drawn_ids(kind, heal + segment.text.encode(), order)
            stream = stream.append(segment, written=Written(written, heal))
            assert stream.ids() == ids + written, "nothing is encoded where a decode ends"
        expected = encoder.text(stream.segments())
        assert spelled(made, stream.ids()).decode() == expected
        assert encoder.encode(stream.segments()) == list(plain(stream).ids())


def plain(stream: Stream) -> Stream:
    """The same text, all of it given."""
    made = Stream(stream.encoder)
    for segment in stream.segments():
        made = made.append(segment)
    return made


@pytest.mark.parametrize("kind", WRITING)
@thorough
@given(segments=SEGMENTS, order=st.randoms(use_true_random=False))
def test_a_model_that_writes_what_the_tokenizer_gives_changes_nothing(
    kind: str, segments: list[Segment], order: random.Random
) -> None:
    made = talking(kind)
    stream = Stream(PromptEncoder(made, CHATML)).append(Text("a b"))
    for segment in segments:
        before, after = stream.ids(), whole(made, [*stream.segments(), segment])
        written = None
        if list(before) == after[: len(before)] and order.random() < 0.7:
            written = Written(tuple(after[len(before) :]))
        stream = stream.append(segment, written=written)
        assert list(stream.ids()) == after


def ids_of(kind: str, *parts: str) -> tuple[int, ...]:
    return tuple(pieces_of(kind)[part.encode()] for part in parts)


def test_only_the_seam_is_encoded_again() -> None:
    encoder = PromptEncoder(talking("gpt2"), None)
    stream = Stream(encoder).append(Text("x:"))
    begin = stream.ids()
    letters = ids_of("gpt2", *" the cat")
    wrote = stream.append(Text(" the cat"), written=Written(letters))
    assert wrote.ids() == begin + letters
    after = wrote.append(Text("'s"))
    tail = tuple(talking("gpt2").encode(" cat's", continues=True))
    assert after.ids() == begin + ids_of("gpt2", *" the") + tail
    assert plain(after).ids() != after.ids()


def test_a_token_across_the_commit_point_is_encoded_again() -> None:
    encoder = PromptEncoder(talking("gpt2"), None)
    stream = Stream(encoder).append(Text("x:"))
    two = ids_of("gpt2", "  ") if b"  " in pieces_of("gpt2") else ids_of("gpt2", " ", " ")
    wrote = stream.append(
        Text("a  b"), written=Written((*ids_of("gpt2", "a"), *two, *ids_of("gpt2", "b")))
    )
    after = wrote.append(Text("c"))
    tail = tuple(talking("gpt2").encode("  bc", continues=True))
    assert after.ids() == stream.ids() + ids_of("gpt2", "a") + tail


@pytest.mark.parametrize(
    ("text", "parts", "kept"),
    [
        ("ab\ufffdc", [b"a", b"b", b"\xff", b"c"], 2),  # what is no UTF-8 is text of its own
        ("aé", [b"a", b"\xc3", b"\xa9"], 3),
        ("a\ufffd", [b"a", b"\xc3"], 1),
        ("abc", [b"a", b"", b"b"], 1),  # a special token is no text, and does not stay
        ("ab", [b"a", b"b", b"c"], 2),  # more than the text has
        ("abc", [b"a"], 1),  # a text that goes on within a token
        ("", [b"a"], 0),
    ],
)
def test_ids_are_kept_as_far_as_they_spell_the_text(
    text: str, parts: list[bytes], kept: int
) -> None:
    made = talking("bytes")
    encoder = PromptEncoder(made, None)
    ids = tuple(made.special_ids["<|im_end|>"] if not p else p[0] for p in parts)
    stream = Stream(encoder).append(Text("x")).append(Text(text), written=Written(ids))
    assert stream.ids() == (ord("x"), *ids[:kept], *text.encode()[len(b"".join(parts[:kept])) :])


def test_cost_is_that_of_the_new_text() -> None:
    encoder = PromptEncoder(talking("gpt2"), CHATML)
    stream = Stream(encoder).append(RoleBegin("user"))
    for number in range(200):
        stream = stream.append(Text(f" and then {number} more"))
        stream.ids()
    text = stream.text.removeprefix("<|im_start|>")
    assert len(text) > 3000
    assert encoder.counts.tokenizer_calls == 200
    assert encoder.counts.encoded_chars < len(text) + 200 * len(" more")


def test_versions_that_part_share_the_work() -> None:
    encoder = PromptEncoder(talking("gpt2"), None)
    stream = Stream(encoder).append(Text("the cat is here " * 10))
    branches = [stream.append(Text(f" number {i}")).append(Text(".")) for i in range(20)]
    found = [branch.ids() for branch in branches]
    assert encoder.counts.tokenizer_calls == 21
    assert encoder.counts.encoded_chars < 160 + 20 * len(" here  number 10.")
    assert found == [tuple(encoder.encode(branch.segments())) for branch in branches]


def test_streams_that_begin_alike_share_the_work() -> None:
    encoder = PromptEncoder(talking("gpt2"), None)
    shots = Text("the cat is here " * 40)
    for number in range(20):
        Stream(encoder).append(shots).append(Text(f"{number}?")).ids()
    assert encoder.counts.tokenizer_calls == 21
    assert encoder.counts.encoded_chars < 640 + 20 * len("here 10?")


def test_ids_that_are_settled_are_held_once() -> None:
    encoder = PromptEncoder(talking("gpt2"), None)
    versions = [Stream(encoder).append(Text("the cat is here " * 100))]
    for number in range(50):
        versions.append(versions[-1].append(Text(f" {number}")))
        versions[-1].ids()
    held: set[int] = set()
    total = 0
    for version in versions:
        encoded = version.encoded()
        for part in (*encoded._settled, encoded.end.ids):
            total += len(part) * (id(part) not in held)
            held.add(id(part))
    assert total < 3 * len(versions[-1].ids())
