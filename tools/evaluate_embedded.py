"""Measure a folder with the embedded model: capitals, arithmetic, stopping, example programs.

    python -m tools.evaluate_embedded runtime/embedded

Exits with 1 when a figure is below what the model has to reach.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from tools.evaluation.decoder import Decoder, visible
from tools.evaluation.programs import EXAMPLES, Example
from tools.evaluation.suites import Suite, suites

MAX_ANSWER_TOKENS = 32
REQUIRED_EXAMPLES = 0.9


class Score(NamedTuple):
    """How many cases of a suite are right, and the misses with their completions."""

    suite: Suite
    num_right: int
    misses: list[tuple[str, str]]

    @property
    def share(self) -> float:
        """Share of right answers, 0 to 1."""
        return self.num_right / len(self.suite.cases)

    @property
    def passes(self) -> bool:
        """Whether the suite reaches what it requires."""
        return self.share >= self.suite.required


class Shown(NamedTuple):
    """An example with its completion."""

    example: Example
    text: str

    @property
    def passes(self) -> bool:
        """Whether the completion makes sense."""
        return self.example.is_sensible(self.text)


class Report(NamedTuple):
    """All scores and all examples."""

    scores: list[Score]
    examples: list[Shown]

    @property
    def share_sensible(self) -> float:
        """Share of the examples with a sensible answer, 0 to 1."""
        return sum(each.passes for each in self.examples) / len(self.examples)

    @property
    def passes(self) -> bool:
        """Whether every suite and enough of the examples are right."""
        return all(each.passes for each in self.scores) and (
            self.share_sensible >= REQUIRED_EXAMPLES
        )


def score(decoder: Decoder, suite: Suite) -> Score:
    """Answer the cases of one suite."""
    prompts = [case.prompt for case in suite.cases]
    texts = decoder.complete(prompts, MAX_ANSWER_TOKENS, suite.stop)
    misses = [
        (case.prompt, text)
        for case, text in zip(suite.cases, texts, strict=True)
        if not case.is_right(text)
    ]
    return Score(suite, len(prompts) - len(misses), misses)


def show(decoder: Decoder, examples: Sequence[Example]) -> list[Shown]:
    """Complete examples; those that stop alike are batched."""
    shown: dict[str, Shown] = {}
    for stop, max_tokens in sorted({(each.stop, each.max_tokens) for each in examples}):
        batch = [each for each in examples if (each.stop, each.max_tokens) == (stop, max_tokens)]
        texts = decoder.complete([each.prompt for each in batch], max_tokens, stop)
        shown |= {each.prompt: Shown(each, text) for each, text in zip(batch, texts, strict=True)}
    return [shown[each.prompt] for each in examples]


def evaluate(folder: Path, num_sums: int = 400) -> Report:
    """Measure the model in ``folder``."""
    decoder = Decoder(folder)
    scores = [score(decoder, suite) for suite in suites(num_sums)]
    return Report(scores, show(decoder, EXAMPLES))


def print_report(report: Report, *, verbose: bool = False) -> None:
    """Print one line for each suite, the misses if ``verbose``, and the examples."""
    for each in report.scores:
        mark = "ok  " if each.passes else "FAIL"
        print(f"{mark} {each.suite.name}: {each.num_right}/{len(each.suite.cases)}")
        for prompt, text in each.misses if verbose else []:
            print(f"       {prompt!r} -> {text!r}")
    for shown in report.examples:
        mark = "ok  " if shown.passes else "FAIL"
        print(f"{mark} {shown.example.program}: {shown.example.prompt[-70:]!r}")
        print(f"       {visible(shown.text)!r}")


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runtime/embedded"))
    parser.add_argument("--sums", type=int, default=400, help="how many held-out sums")
    parser.add_argument("--verbose", action="store_true", help="print wrong answers")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    report = evaluate(options.folder, options.sums)
    print_report(report, verbose=options.verbose)
    return 0 if report.passes else 1


if __name__ == "__main__":
    sys.exit(main())
