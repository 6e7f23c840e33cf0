"""Scripts with pictures: sent as SGLang sends them, refused where the model takes text only."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from generators.seeing_stub import ANSWER, SeeingStub
from generators.sglang_scripts import has_sglang, run_here, run_with_sglang

import sglc
from sglc.compat import sgl

pytestmark = pytest.mark.timeout(60)
JPEG = b"\xff\xd8\xff\xe0 not really"


@pytest.fixture
def stub() -> Iterator[SeeingStub]:
    made = SeeingStub()
    yield made
    made.close()


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    (tmp_path / "cat.jpeg").write_bytes(JPEG)
    return tmp_path / "cat.jpeg"


def _sent(body: dict[str, Any]) -> tuple[str, list[bytes]]:
    """Return the text of a request and the bytes of its pictures."""
    given = body["image_data"]
    images = [given] if isinstance(given, str) else given
    return body["text"], [base64.b64decode(each.rpartition(",")[2]) for each in images]


@pytest.mark.skipif(not has_sglang(), reason="pip install --no-deps sglang")
def test_the_same_picture_and_text_are_sent(
    stub: SeeingStub, cat: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = run_with_sglang(stub.url, "image_qa.py", str(cat))
    run_here("image_qa.py", str(cat), options=("--backend", stub.url))
    assert capsys.readouterr().out == printed == ANSWER + "\n"
    theirs, ours = map(_sent, stub.bodies)
    assert ours == theirs
    assert ours[1] == [JPEG]
    assert "<image>" in ours[0]


def test_the_example_of_llava_runs_with_its_template(
    stub: SeeingStub, cat: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    folder = cat.parent / "images"
    folder.mkdir()
    for name in ("cat.jpeg", "dog.jpeg"):
        (folder / name).write_bytes(JPEG)
    monkeypatch.chdir(cat.parent)
    run_here("local_example_llava_next.py", options=("--backend", stub.url))
    said = capsys.readouterr().out
    assert said.startswith("chat template: llama-3-instruct-llava\n")
    assert said.count(ANSWER) == 4
    texts = {body["text"] for body in stub.bodies}
    assert texts == {
        "<|start_header_id|>user<|end_header_id|>\n\n<image>\nWhat is this?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    }
    assert all(body["sampling_params"]["stop"] == ["<|eot_id|>"] for body in stub.bodies)


def test_two_pictures_are_both_sent(stub: SeeingStub, cat: Path) -> None:
    @sgl.function
    def compare(s: Any, first: Any, second: Any) -> None:
        s += sgl.user(sgl.image(first) + sgl.image(second) + "Which is older?")
        s += sgl.assistant(sgl.gen("answer"))

    with sglc.RuntimeEndpoint(stub.url) as backend:
        state = compare.run(str(cat), b"GIF89a", backend=backend)
        assert state["answer"] == ANSWER
        content = state.messages()[0]["content"]
    text, images = _sent(stub.bodies[-1])
    assert text == "USER:<image><image>Which is older?\nASSISTANT:"
    assert images == [JPEG, b"GIF89a"]
    assert content[0] == {"type": "text", "text": "<image><image>Which is older?"}
    assert [part["type"] for part in content[1:]] == ["image_url", "image_url"]


def test_a_model_of_text_says_so_before_anything_is_spent(cat: Path) -> None:
    with pytest.raises(sglc.RunFailed, match=r"image_qa.py:7:19: the model takes text only"):
        run_here("image_qa.py", str(cat), options=("--backend", "local"))
