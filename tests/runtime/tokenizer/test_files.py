from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sglc.runtime.models.files import load_files
from sglc.runtime.tokenizer.base import TokenizerLike
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.byte_tables import scheme_of
from sglc.runtime.tokenizer.files import Tokenizer

NASTY = [
    "<s>",
    "<0x41>",
    "</s>",
    "<|im_end|>",
    "[INST]",
    " ",
    "  ",
    "\n",
    "the",
    "cat",
    "é",
    "😀",
    "\0",
]
# U+2581 stands for the space inside SentencePiece vocabularies, so it cannot come back as itself.
TEXTS = st.lists(st.sampled_from(NASTY) | st.text(max_size=4), max_size=8).map(
    lambda parts: "".join(parts).replace("▁", "_")
)
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def check(tokenizer: TokenizerLike, text: str, space: bool) -> None:
    ids = tokenizer.encode(text)
    joined = b"".join(tokenizer.token_bytes[i] for i in ids)
    assert joined == ((" " + text) if text and space else text).encode()
    assert tokenizer.decode(ids) == text
    assert not set(ids) & set(tokenizer.special_ids.values())


@quick
@given(text=TEXTS)
def test_bytes_of_tokens_join_to_the_text(text: str, tokenizers: dict[str, Tokenizer]) -> None:
    for tokenizer in tokenizers.values():
        check(tokenizer, text, tokenizer.prefix_space != "never")


@quick
@given(text=TEXTS)
def test_a_long_text_is_its_parts(text: str, tokenizers: dict[str, Tokenizer]) -> None:
    """The library is asked in another way for it."""
    for tokenizer in tokenizers.values():
        long = text + "\n\n" + "the cat " * 200
        assert (
            tokenizer.encode(long)
            == tokenizer._inner.encode(
                " " + long if tokenizer.prefix_space != "never" else long, add_special_tokens=False
            ).ids
        )


def test_other_threads_run_while_a_long_text_is_encoded() -> None:
    tokenizer = load_files("embedded").tokenizer
    is_over, turns = threading.Event(), 0

    def others() -> None:
        nonlocal turns
        while not is_over.wait(0.002):
            turns += 1

    thread = threading.Thread(target=others)
    thread.start()
    before = turns
    tokenizer.encode("a[" * 200_000)
    after = turns
    is_over.set()
    thread.join()
    assert after - before > 10  # with the interpreter's lock held it is 0, or 1


@quick
@given(text=TEXTS)
def test_the_byte_tokenizer(text: str) -> None:
    check(ByteTokenizer(), text, space=False)


def test_ids_are_those_of_the_library(
    tokenizers: dict[str, Tokenizer], originals: dict[str, Any]
) -> None:
    for name, tokenizer in tokenizers.items():
        inner = originals[name]
        for text in ("the cat", "cat\n12", "naïve ☃"):
            assert tokenizer.encode(text) == inner.encode(text, add_special_tokens=False).ids


def test_prefix_space(tokenizers: dict[str, Tokenizer]) -> None:
    first = tokenizers["metaspace-first"]
    assert first.encode("cat", continues=True) != first.encode("cat")
    assert first.decode(first.encode("cat", continues=True)) == "cat"
    always = tokenizers["metaspace-always"]
    assert always.encode("cat", continues=True) == always.encode("cat")
    assert [t.prefix_space for t in tokenizers.values()] == [
        "never", "always", "always", "always", "first", "never"
    ]  # fmt: skip


def test_names_of_special_tokens(tokenizers: dict[str, Tokenizer]) -> None:
    for name, tokenizer in tokenizers.items():
        bos, eos = tokenizer.special_ids["<s>"], tokenizer.special_ids["</s>"]
        assert tokenizer.token_bytes[bos] == b""
        assert tokenizer.eos_ids == {eos}
        assert tokenizer.bos_ids == (() if name.startswith("byte") else (bos,))
        assert tokenizer.decode([bos, *tokenizer.encode("hi"), eos]).strip() == "hi"


def test_eos_from_every_file(saved: Callable[..., Path]) -> None:
    path = saved(
        generation_config={"eos_token_id": [2, 3]},
        config={"eos_token_id": 5},
        special_tokens_map={"eos_token": {"content": "</s>"}},
    )
    assert Tokenizer.from_dir(path).eos_ids == {1, 2, 3, 5}


def test_tokens_only_tokenizer_config_knows(saved: Callable[..., Path]) -> None:
    size = Tokenizer.from_dir(saved()).vocab_size
    added = {
        str(size): {"content": "<think>", "special": False},
        str(size + 1): {"content": "<|tool|>", "special": True},
    }
    tokenizer = Tokenizer.from_dir(saved(tokenizer_config={"added_tokens_decoder": added}))
    assert tokenizer.encode("<think>") == [size]
    assert tokenizer.token_bytes[size:] == (b"<think>", b"")
    assert tokenizer.special_ids["<|tool|>"] == size + 1
    assert size + 1 not in tokenizer.encode("<|tool|>")
    added = {"3": {"content": "<think>", "special": False}}
    with pytest.raises(ValueError, match="'<think>' is 3 in tokenizer_config"):
        Tokenizer.from_dir(saved(tokenizer_config={"added_tokens_decoder": added}))


def test_a_special_token_that_only_the_settings_call_special(saved: Callable[..., Path]) -> None:
    plain = Tokenizer.from_dir(saved())
    (id_,) = plain.encode("the")
    tokenizer = Tokenizer.from_dir(saved(tokenizer_config={"additional_special_tokens": ["the"]}))
    assert tokenizer.special_ids["the"] == id_
    assert tokenizer.token_bytes[id_] == b""
    assert plain.digest != tokenizer.digest


def test_digest_is_of_the_content(saved: Callable[..., Path]) -> None:
    assert Tokenizer.from_dir(saved()).digest == Tokenizer.from_dir(saved()).digest
    assert len(ByteTokenizer().digest) == 64


def test_lone_surrogates_become_replacement_characters(tokenizers: dict[str, Tokenizer]) -> None:
    for tokenizer in (ByteTokenizer(), *tokenizers.values()):
        assert tokenizer.decode(tokenizer.encode("a\ud800b")) == "a\ufffdb"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (None, "", r"tokenizer\.json: no such file: make one with transformers"),
        ("tokenizer.model", "x", "only tokenizer.model is there; convert it"),
        ("tokenizer.json", "{", "tokenizer.json: "),
        ("tokenizer.json", "{}", "tokenizer.json: not a tokenizer"),
        ("tokenizer.json", "[]", "tokenizer.json: "),
    ],
)
def test_broken_files(tmp_path: Path, name: str | None, content: str, message: str) -> None:
    if name:
        (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        Tokenizer.from_dir(tmp_path)


def test_broken_settings(saved: Callable[..., Path]) -> None:
    path = saved()
    (path / "tokenizer_config.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"tokenizer_config\.json: not a JSON object"):
        Tokenizer.from_dir(path)


def test_wordpiece_is_refused() -> None:
    with pytest.raises(ValueError, match="WordPiece kind are not supported"):
        scheme_of({"model": {"type": "WordPiece"}, "decoder": {"type": "WordPiece"}})


def test_byte_tokenizer_loads_no_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys, sglc.runtime.tokenizer.byte, sglc.runtime.tokenizer.chatml as c\n"
        "import sglc.runtime.tokenizer.prompt\n"
        "c.CHATML.render([{'role': 'user', 'content': 'x'}])\n"
        "print(sorted({'torch', 'numpy', 'tokenizers', 'jinja2'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
