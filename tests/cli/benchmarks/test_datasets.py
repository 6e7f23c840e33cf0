"""Data sets: lengths, shared prefixes, files of conversations, flags that do not go together."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from sglc.cli.benchmarks.datasets import add_dataset_flags, check_dataset, dataset_of
from sglc.cli.benchmarks.prompts import Prompt, PromptMaker, num_tokens
from sglc.cli.errors import UsageError
from sglc.runtime.tokenizer.byte import ByteTokenizer

TOKENIZER = ByteTokenizer()


def asked(*words: str) -> list[Prompt]:
    parser = argparse.ArgumentParser()
    add_dataset_flags(parser)
    args = parser.parse_args(words)
    check_dataset(args)
    return dataset_of(args, TOKENIZER)


def test_lengths_are_drawn_from_a_share_up_to_all() -> None:
    found = asked(
        "--num-prompt", "200", "--random-input", "10", "--random-output", "4",
        "--random-range", "0.5",
    )  # fmt: skip
    assert {len(each.ids) for each in found} == set(range(5, 11))
    assert {each.num_output for each in found} == {2, 3, 4}


def test_a_ratio_of_one_makes_all_equally_long() -> None:
    words = ("--num-prompts", "5", "--random-input-len", "7", "--random-output-len", "3")
    assert num_tokens(asked(*words, "--random-range-ratio", "1")) == (35, 15)


def test_no_token_is_special_and_a_seed_repeats_itself() -> None:
    special = set(TOKENIZER.special_ids.values())
    found = asked("--num-prompts", "50")
    assert not special & {token for each in found for token in each.ids}
    assert found == asked("--num-prompts", "50", "--seed", "1")
    assert found != asked("--num-prompts", "50", "--seed", "2")


def test_prompts_of_a_group_begin_alike() -> None:
    words = (
        "--dataset-name", "generated-shared-prefix", "--gsp-num-groups", "3",
        "--gsp-prompts-per-group", "4", "--gsp-system-prompt-len", "20", "--gsp-question-len", "5",
        "--gsp-output-len", "2",
    )  # fmt: skip
    found = asked(*words)
    assert len(found) == 12
    assert {len(each.ids) for each in found} == {25}
    assert len({each.ids[:20] for each in found}) == 3
    assert len({each.ids for each in found}) == 12
    assert asked(*words, "--num-prompts", "5") == found[:5]


def written(path: Path, *turns: tuple[str, ...]) -> Path:
    data = [{"conversations": [{"from": "x", "value": each} for each in turn]} for turn in turns]
    path.write_text(json.dumps(data))
    return path


def test_conversations_are_asked_for_as_long_an_answer_as_they_had(tmp_path: Path) -> None:
    path = written(
        tmp_path / "c.json",
        ("question", "answer!"),
        ("alone",),
        ("q", "too short"),
        ("x" * 50, "yy"),
    )
    words = ("--dataset-name", "sharegpt", "--dataset-path", str(path), "--num-prompts")
    lengths = {(len(each.ids), each.num_output) for each in asked(*words, "2")}
    assert lengths == {(8, 7), (50, 2)}
    (short,) = asked(*words, "1", "--sharegpt-context-len", "20")
    assert short.ids == tuple(TOKENIZER.encode("question"))
    assert asked(*words, "2", "--sharegpt-output-len", "3")[0].num_output == 3
    with pytest.raises(UsageError, match="has 2 conversations that can be asked, not 3"):
        asked(*words, "3")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "c.json"),
        ("{}", "must be a list"),
        ("[{}]", r"\[0\] has no list"),
        ('[{"conversations": [{"value": "a"}, {"value": 1}]}]', r"\[0\] has a turn without"),
        ("[]", "no conversation that can be asked"),
    ],
)
def test_a_file_of_another_form_is_refused_with_the_place(
    text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        asked("--dataset-name", "sharegpt", "--dataset-path", str(path))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--gsp-num-groups 2", "--gsp-num-groups goes with --dataset-name generated-shared-prefix"),
        ("--dataset-path f", "--dataset-path goes with --dataset-name sharegpt"),
        ("--dataset-name sharegpt", "from --dataset-path FILE"),
        ("--dataset-name sharegpt --dataset-path f --random-input-len 3", "goes with .* random"),
        ("--dataset-name generated-shared-prefix --num-prompts 9999", "more than the 1024"),
    ],
)
def test_flags_that_say_nothing_are_refused(words: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        asked(*words.split())


def test_a_prompt_has_the_length_that_is_asked_for() -> None:
    assert len(PromptMaker(TOKENIZER, 0).ids(33)) == 33
