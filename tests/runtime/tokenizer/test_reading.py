"""Prompts in which names of special tokens are those tokens."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Text
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.frontend_templates import get_chat_template
from sglc.runtime.tokenizer.pieces import Cutter
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.reading import ReadingEncoder


class Begun(ByteTokenizer):
    """A tokenizer whose texts begin with a token."""

    bos_ids = (256,)


def _as_a_server(tokenizer: ByteTokenizer, text: str) -> list[int]:
    """What ``/generate`` makes of a text."""
    ids: list[int] = []
    for piece in Cutter(tokenizer.special_ids).cut(text):
        is_text = isinstance(piece, Text)
        ids += tokenizer.encode(piece.text) if is_text else [tokenizer.special_ids[piece.name]]
    bos = list(tokenizer.bos_ids)
    return ids if ids[: len(bos)] == bos else bos + ids


texts = st.lists(
    st.sampled_from(["a", "é\n", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_"]),
    max_size=4,
).map("".join)


@given(texts, texts, st.booleans())
def test_a_text_is_read_as_a_server_reads_it(first: str, second: str, begins: bool) -> None:
    tokenizer = Begun() if begins else ByteTokenizer()
    encoder = ReadingEncoder(tokenizer, None)
    if "<|im_" in (first + second).replace("<|im_start|>", "").replace("<|im_end|>", ""):
        second = ""  # a name that two texts write together is text
    whole = encoder.extend(encoder.extend(encoder.start, [Text(first)]), [Text(second)])
    assert list(whole.ids()) == _as_a_server(tokenizer, first + second)


def test_a_conversation_is_the_text_that_it_writes() -> None:
    template = get_chat_template("qwen")
    said: list[Segment] = [RoleBegin("user"), Text("a <|im_end|> b"), RoleEnd("user")]
    for tokenizer in (ByteTokenizer(), Begun()):
        encoder = ReadingEncoder(tokenizer, template.for_tokenizer(tokenizer))
        text = PromptEncoder(tokenizer, template.as_text()).text(said)
        assert encoder.encode(said) == _as_a_server(tokenizer, text)
