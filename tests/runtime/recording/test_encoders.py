"""What turns text into tokens comes back as it was, pictures included."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from generators.saved_tokenizers import SPECIALS, byte_level

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Segment, Special, Text
from sglc.runtime.models.files import load_files
from sglc.runtime.models.hub import resolve
from sglc.runtime.recording.encoders import encoder_data, encoder_of
from sglc.runtime.recording.pictures import stable_ids
from sglc.runtime.recording.recording import Recording, RecordingError
from sglc.runtime.recording.values import to_line
from sglc.runtime.remote.templates import MESSAGES, TEXT_CHATML
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.tokenizer.byte import ByteTokenizer
from sglc.runtime.tokenizer.chatml import CHATML
from sglc.runtime.tokenizer.frontend_templates import get_chat_template
from sglc.runtime.tokenizer.prompt import PromptEncoder

TALK: tuple[Segment, ...] = (
    RoleBegin("system"), Text("Be brief. é"), RoleEnd("system"),
    RoleBegin("user"), Text("the cat sat"), RoleEnd("user"),
    RoleBegin("assistant"), Text(" on"),
)  # fmt: skip


def back(data: dict[str, Any]) -> PromptEncoder:
    """The encoder of a recording that went through a file."""
    return encoder_of(Recording(Path("a.sglrec"), {"model": json.loads(to_line(data))}))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    byte_level().save(str(tmp_path / "tokenizer.json"))
    named = {"bos_token": SPECIALS[0], "eos_token": SPECIALS[1]}
    template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}"
    )
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({**named, "chat_template": template})
    )
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [1, 3]}')
    return tmp_path


def encoders(folder: Path) -> dict[str, PromptEncoder]:
    files, named = load_files(folder), load_files(folder, chat_template="vicuna_v1.1")
    embedded = load_files("embedded")
    remote = RemoteTokenizer()
    return {
        "files": PromptEncoder(files.tokenizer, files.template),
        "another template": PromptEncoder(named.tokenizer, named.template),
        "no template": PromptEncoder(files.tokenizer, None),
        "embedded": PromptEncoder(embedded.tokenizer, embedded.template),
        "bytes": PromptEncoder(ByteTokenizer(), CHATML),
        "remote text": PromptEncoder(remote, TEXT_CHATML),
        "remote messages": PromptEncoder(remote, MESSAGES),
        "remote, SGLang's": PromptEncoder(remote, get_chat_template("llama-2-chat").as_text()),
    }


def test_encoders_come_back(saved: Path) -> None:
    for name, encoder in encoders(saved).items():
        again = back(encoder_data(encoder))
        assert again.tokenizer.digest == encoder.tokenizer.digest, name
        assert again.tokenizer.eos_ids == encoder.tokenizer.eos_ids, name
        segments = TALK if encoder.template is not None else (Text("the cat"), Special("</s>"))
        if name.startswith("remote") and encoder.template is None:
            segments = segments[:1]
        assert again.encode(segments) == encoder.encode(segments), name
        assert again.text(segments) == encoder.text(segments), name
        before, now = encoder.template, again.template
        assert (before and before.stop) == (now and now.stop), name


def test_the_files_need_not_be_there_any_more(saved: Path) -> None:
    files = load_files(saved)
    encoder = PromptEncoder(files.tokenizer, files.template)
    data = encoder_data(encoder)
    shutil.rmtree(saved)
    assert back(data).encode(TALK) == encoder.encode(TALK)


def test_what_was_changed_or_is_of_another_kind_is_refused(saved: Path) -> None:
    files = load_files(saved)
    data = encoder_data(PromptEncoder(files.tokenizer, files.template))
    with pytest.raises(RecordingError, match="another tokenizer than `files` is now"):
        back({**data, "tokenizer": "0" * 64})
    for broken in ({"kind": "abacus"}, {"files": "AAAA"}, {"files": None}, {"template": {}}):
        with pytest.raises(RecordingError, match="its tokenizer cannot be read"):
            back({**data, **broken})
    files.tokenizer.directory = None
    with pytest.raises(RecordingError, match="cannot keep a Tokenizer"):
        encoder_data(PromptEncoder(files.tokenizer, None))
    assert resolve("embedded").is_dir()


def test_pictures_are_known_by_what_they_show() -> None:
    tokenizers = RemoteTokenizer(), RemoteTokenizer()
    urls = ["data:image/png;base64,AA", "http://x/cat.png", "http://x/dog.png"]
    orders = urls, urls[::-1]
    ids = []
    for tokenizer, order in zip(tokenizers, orders, strict=True):
        media = {url: tokenizer.new_media("image", url) for url in order}
        numbers = [tokenizer.special_ids[media[url].name] for url in urls]
        ids.append((*b"a ", tokenizer.bos_ids[0], *numbers))
        assert stable_ids(tokenizer)(ids[-1])[:3] == ids[-1][:3]
        ids[-1] = stable_ids(tokenizer)(ids[-1])
    assert ids[0] == ids[1]
    assert len(set(ids[0][3:])) == 3
    assert stable_ids(ByteTokenizer())([1, 300]) == (1, 300)
