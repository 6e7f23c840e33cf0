"""What is scored: each suite is a list of prompts with a check of the answer."""

import re
from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple

from tools.corpus.arithmetic import held_out_pairs
from tools.corpus.facts import CAPITALS, FACTS
from tools.corpus.text import chat
from tools.evaluation.decoder import is_finished, visible

GENERATION = "<|im_start|>assistant\n"


class Case(NamedTuple):
    """A prompt and the check of its completion, stop token included."""

    prompt: str
    is_right: Callable[[str], bool]


class Suite(NamedTuple):
    """Cases of one kind, and the share of them that has to be right."""

    name: str
    cases: list[Case]
    required: float
    stop: str = ""


def line(question: str) -> str:
    """Return the prompt of a question line."""
    return f"Q: {question}\nA:"


def user(question: str, system: str = "") -> str:
    """Return the prompt of a chat with one user message."""
    return chat(question, system=system) + GENERATION


def _says(wanted: str) -> Callable[[str], bool]:
    """Check that the answer is finished and ends with ``wanted``, full stop or not."""
    pattern = re.compile(rf"(?:.*\D)?{re.escape(wanted)}\.?", re.DOTALL)

    def check(text: str) -> bool:
        return is_finished(text) and pattern.fullmatch(visible(text)) is not None

    return check


def _capitals(ask: Callable[[str], str]) -> list[Case]:
    return [Case(ask(country), _says(capital)) for country, capital in CAPITALS.items()]


def _values(
    pairs: Iterable[tuple[int, int]],
    ask: Callable[[int, int], str],
    value: Callable[[int, int], int],
) -> list[Case]:
    return [Case(ask(a, b), _says(str(value(a, b)))) for a, b in pairs]


def _plus(a: int, b: int) -> int:
    return a + b


def _times(a: int, b: int) -> int:
    return a * b


def capital_suites() -> list[Suite]:
    """Every country, as question lines and as chat."""
    return [
        Suite("capitals, `Q: What is the capital of X?`",
              _capitals(lambda c: line(f"What is the capital of {c}?")), 0.95, "\n"),
        Suite("capitals, `Q: Capital of X?`",
              _capitals(lambda c: line(f"Capital of {c}?")), 0.95, "\n"),
        Suite("capitals, chat", _capitals(lambda c: user(f"What is the capital of {c}?")), 0.95),
    ]  # fmt: skip


def product_suites() -> list[Suite]:
    """Every product up to 12 x 12."""
    pairs = [(a, b) for a in range(1, 13) for b in range(1, 13)]
    return [
        Suite("products to 12 x 12, `Q: What is a * b?`",
              _values(pairs, lambda a, b: line(f"What is {a} * {b}?"), _times), 0.95, "\n"),
        Suite("products to 12 x 12, chat `a x b`",
              _values(pairs, lambda a, b: user(f"What is {a} x {b}?"), _times), 0.95),
    ]  # fmt: skip


def sum_suites(num_pairs: int, seed: int = 7) -> list[Suite]:
    """Sums of two-digit numbers no document of the corpus adds."""
    pairs = Random(seed).sample(held_out_pairs(), num_pairs)
    return [
        Suite("held-out sums, `Q: What is a + b?`",
              _values(pairs, lambda a, b: line(f"What is {a} + {b}?"), _plus), 0.8, "\n"),
        Suite("held-out sums, chat",
              _values(pairs, lambda a, b: user(f"What is {a} + {b}?"), _plus), 0.8),
        Suite("held-out sums, text `a + b =`",
              _values(pairs, lambda a, b: f"{a} + {b} =", _plus), 0.8, "\n"),
    ]  # fmt: skip


def stop_suite() -> Suite:
    """Common questions: the answer is right and ends with its line."""
    cases = [Case(line(question), _says(answer.rstrip("."))) for question, answer in FACTS]
    return Suite("facts, one line and stop", cases, 0.9, "\n")


def suites(num_sums: int = 400) -> list[Suite]:
    """Return all suites."""
    return [*capital_suites(), *product_suites(), *sum_suites(num_sums), stop_suite()]
