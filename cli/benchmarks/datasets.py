"""The flags that say what a benchmark asks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sglc.cli.benchmarks.prompts import Prompt, PromptMaker
from sglc.cli.errors import UsageError
from sglc.cli.numbers import at_least

if TYPE_CHECKING:
    from sglc.runtime.tokenizer.base import TokenizerLike

NAMES = ("random", "generated-shared-prefix", "sharegpt")
_DEFAULTS: dict[str, dict[str, int | float | Path | None]] = {
    "random": {"random_input_len": 1024, "random_output_len": 128, "random_range_ratio": 0.0},
    "generated-shared-prefix": {
        "gsp_num_groups": 64,
        "gsp_prompts_per_group": 16,
        "gsp_system_prompt_len": 2048,
        "gsp_question_len": 128,
        "gsp_output_len": 256,
    },
    "sharegpt": {"dataset_path": None, "sharegpt_output_len": None, "sharegpt_context_len": None},
}
_COUNT = 1000


def add_dataset_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags; without them prompts are drawn at random."""
    group = parser.add_argument_group("what is asked")
    add, count = group.add_argument, at_least(1)
    add("--dataset-name", choices=NAMES, default="random")
    add("--dataset-path", type=Path, metavar="FILE", help="of sharegpt: conversations as JSON")
    add("--num-prompts", type=count, metavar="N", help=f"how many ({_COUNT}, or all groups)")
    add("--random-input-len", type=count, metavar="N", help="tokens of a prompt at most (1024)")
    add("--random-output-len", type=count, metavar="N", help="tokens to write at most (128)")
    add(
        "--random-range-ratio",
        type=_ratio,
        metavar="R",
        help="the shortest length as a share of the longest (0: from one token on)",
    )
    add("--gsp-num-groups", type=count, metavar="N", help="groups that share a prefix (64)")
    add("--gsp-prompts-per-group", type=count, metavar="N", help="prompts of a group (16)")
    add("--gsp-system-prompt-len", type=count, metavar="N", help="tokens shared (2048)")
    add("--gsp-question-len", type=count, metavar="N", help="tokens of its own (128)")
    add("--gsp-output-len", type=count, metavar="N", help="tokens to write (256)")
    add("--sharegpt-output-len", type=count, metavar="N", help="not as many as the answer has")
    add("--sharegpt-context-len", type=count, metavar="N", help="leave out what is longer")
    add("--seed", type=int, default=1, help="of what is drawn (1)")


def check_dataset(args: argparse.Namespace) -> None:
    """Refuse flags of another data set than the one that is asked for, and fill in the defaults.

    Raises:
        UsageError: naming the flag.
    """
    for name, defaults in _DEFAULTS.items():
        for dest, default in defaults.items():
            if getattr(args, dest) is None:
                setattr(args, dest, default)
            elif name != args.dataset_name:
                flag = "--" + dest.replace("_", "-")
                raise UsageError(f"{flag} goes with --dataset-name {name}")
    if args.dataset_name == "sharegpt" and args.dataset_path is None:
        raise UsageError("--dataset-name sharegpt takes its conversations from --dataset-path FILE")
    if args.dataset_name == "generated-shared-prefix":
        most = args.gsp_num_groups * args.gsp_prompts_per_group
        if args.num_prompts is not None and args.num_prompts > most:
            raise UsageError(
                f"--num-prompts {args.num_prompts} is more than the {most} of --gsp-num-groups "
                f"{args.gsp_num_groups} times --gsp-prompts-per-group {args.gsp_prompts_per_group}"
            )
        args.num_prompts = args.num_prompts or most
    args.num_prompts = args.num_prompts or _COUNT


def dataset_of(args: argparse.Namespace, tokenizer: TokenizerLike) -> list[Prompt]:
    """Return ``--num-prompts`` prompts.

    Raises:
        UsageError: the file of conversations cannot be used.
    """
    maker = PromptMaker(tokenizer, args.seed)
    if args.dataset_name == "random":
        return maker.drawn(
            args.num_prompts,
            args.random_input_len,
            args.random_output_len,
            args.random_range_ratio,
        )
    if args.dataset_name == "sharegpt":
        return maker.from_conversations(
            args.dataset_path, args.num_prompts, args.sharegpt_output_len, args.sharegpt_context_len
        )
    found = maker.sharing(
        args.gsp_num_groups,
        args.gsp_prompts_per_group,
        args.gsp_system_prompt_len,
        args.gsp_question_len,
        args.gsp_output_len,
    )
    return found[: args.num_prompts]


def _ratio(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, not {text!r}") from None
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, not {text}")
    return value
