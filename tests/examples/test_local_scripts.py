"""The Python examples that need no key, as written, on the embedded model."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples" / "python"
# what each has to print, line by line
PRINTED = {
    "tip_suggestion": [
        r"Here are two tips for staying healthy: .*",
        r"",
        r"Tip 1:.*\bdiet\b.*",
        r"Tip 2:.*\bexercise\b.*",
        r"In summary.{10,}",
        r"",
    ],
    "tool_use": [
        r".*I need to use a calculator\. The math expression is 12 \* 12 = 144",
        r".*I need to use a calculator\. The math expression is 17 \+ 25 = 42",
        r".*I need to use a search engine\. The key word to search is .*Peru.*",
    ],
    "extraction": [
        r"name='Emma' age=34 city='Oslo'",
        r"name='Leo' age=53 city='Rome'",
        r"the oldest: Leo",
    ],
    "batch_labels": [
        r"I love this phone! +Positive\.",
        r"The food was terrible\. +Negative\.",
        r"- +the review is empty",
        r"It is a great movie\. +Positive\.",
        r"The hotel was dirty\. +Negative\.",
        r"\{'Positive\.': 2, 'Negative\.': 2\}",
    ],
    "streaming_chat": [
        r"user: What is the capital of Japan\?",
        r"assistant: Tokyo\.",
        r"user: Write a short story .*",
        r"assistant: Once upon a time, .{80,}",
    ],
    "self_consistency": [
        *[r".* -> -?\d+"] * 8,
        r"Q: .*",
        r"A: .* The answer is 18, by [5-8] of 8 votes\.",
    ],
    "files_and_tools": [
        r"Emma: Lima\.",
        r"Leo: Nairobi\.",
        r"Nobody: .*files_and_tools\.sgl:6:13: tool `office` failed: KeyError: 'Nobody'",
    ],
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", PRINTED)
def test_script_prints_what_it_should(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / f"{name}.py"))
    printed = capsys.readouterr().out.splitlines()
    wanted = PRINTED[name]
    assert len(printed) == len(wanted), printed
    for line, pattern in zip(printed, wanted, strict=True):
        assert re.fullmatch(pattern, line), f"{line!r} is not {pattern!r}"


def test_every_local_script_is_run() -> None:
    files = {path.stem for path in EXAMPLES.glob("*.py") if "sglc.Engine(" in path.read_text()}
    assert files == PRINTED.keys()
