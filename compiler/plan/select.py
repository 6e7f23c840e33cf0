"""What ``select`` means, given log probabilities: one definition for all who run it.

For every choice the whole stream with the choice appended is tokenised again. The ids shared by
the stream as it is and by all of these are the context, one id at least; every other id of a choice
has a log probability. Only tokens that hold bytes of the choice count, one that straddles its
beginning included. Choices are distinct and not empty.

With all tokenizations, what the ids of a choice behind the context spell may be spelled by any
tokens: the probability of the choice is the sum over all sequences that do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

METHODS = ("token_avg", "greedy", "unconditional")
TOKENIZATIONS = ("canonical", "all")
_SHARE_DIGITS = 6


class SelectError(ValueError):
    """The choices cannot be scored; the message says why."""


def distinct_choices(choices: Sequence[object]) -> list[str]:
    """Return the choices without repeats.

    Raises:
        SelectError: there are none, or one is no text or empty.
    """
    texts: list[str] = []
    for choice in choices:
        if not isinstance(choice, str) or not choice:
            raise SelectError(f"a choice is text that is not empty, not {choice!r}")
        texts.append(choice)
    if not texts:
        raise SelectError("there are no choices")
    return list(dict.fromkeys(texts))


def context_len(sequences: Sequence[Sequence[int]]) -> int:
    """Return how many ids all sequences share at their beginning, at least 1."""
    first = sequences[0]
    count = min(map(len, sequences))
    for index in range(count):
        if any(ids[index] != first[index] for ids in sequences):
            return max(index, 1)
    return max(count, 1)


def first_counted(token_lens: Sequence[int], choice_len: int) -> int:
    """Return the index of the first token that holds one of the last ``choice_len`` bytes."""
    index, covered = len(token_lens), 0
    while index > 0 and covered < choice_len:
        index -= 1
        covered += token_lens[index]
    return index


def choose(
    method: str,
    logprobs: Sequence[Sequence[float]],
    unconditional: Sequence[Sequence[float]] = (),
) -> int:
    """Return the index of the winner; the earlier one of equals.

    Args:
        method: ``token_avg``: the largest mean. ``greedy``: the largest first log probability,
            among equals the largest second, and so on; a choice that is over goes on with its
            mean. ``unconditional``: the largest difference between the mean and the mean without
            context.
        logprobs: of the counted tokens of every choice.
        unconditional: the same for every choice alone, as a stream of its own; its first token
            has none unless the tokenizer begins texts with a token. Only for that method.

    Raises:
        SelectError: the method is unknown.
    """
    means = [mean_logprob(row) for row in logprobs]
    if method == "token_avg":
        return _first_largest(means)
    if method == "unconditional":
        return _first_largest(
            [mean - mean_logprob(row) for mean, row in zip(means, unconditional, strict=True)]
        )
    if method == "greedy":
        width = max(map(len, logprobs))
        rows = [
            [*row, *[mean] * (width - len(row))] for row, mean in zip(logprobs, means, strict=True)
        ]
        return _first_largest(rows)
    raise SelectError(f"unknown method {method!r} (known: {', '.join(METHODS)})")


def shares(logprobs: Sequence[Sequence[float]]) -> list[float]:
    """Return the softmax of the summed log probabilities, to 6 decimals."""
    return shares_of([math.fsum(row) for row in logprobs])


def choose_all(totals: Sequence[float]) -> int:
    """Return the index of the most probable choice; the earlier one of equals.

    Args:
        totals: log probabilities of the choices, over all their tokenizations. Differences below
            one in 10^9 are rounding: the order of a sum must not decide.
    """
    return _first_largest([round(total, 9) for total in totals])


def log_sum(logprobs: Sequence[float]) -> float:
    """Return the log of the sum of probabilities given as logs; of none, minus infinity."""
    top = max(logprobs, default=-math.inf)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(logprob - top) for logprob in logprobs))


def shares_of(totals: Sequence[float]) -> list[float]:
    """Return the softmax of log probabilities, to 6 decimals."""
    top = max(totals)
    weights = [math.exp(total - top) for total in totals]
    whole = math.fsum(weights)
    return [round(weight / whole, _SHARE_DIGITS) for weight in weights]


def mean_logprob(row: Sequence[float]) -> float:
    """Return the mean of log probabilities; of none, 0."""
    return math.fsum(row) / len(row) if row else 0.0


def _first_largest(keys: Sequence[float] | Sequence[list[float]]) -> int:
    return max(range(len(keys)), key=keys.__getitem__)
