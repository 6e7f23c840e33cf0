"""How the scores of choices are told: by the names that SGLang's choice methods give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sglc.compiler.plan.select import mean_logprob
from sglc.runtime.tokenizer.token_rows import Triple


def choice_meta(
    method: str, rows: Sequence[Sequence[Triple]], alone: Sequence[Sequence[float]] = ()
) -> dict[str, Any]:
    """Return what is known of choices: of each its counted tokens, their mean and what decided.

    ``alone`` are the log probabilities without context, for the method that looks at them.
    """
    means = [mean_logprob([row[0] for row in each]) for each in rows]
    found: dict[str, Any] = {
        "normalized_prompt_logprobs": means,
        "input_token_logprobs": [list(each) for each in rows],
        "output_token_logprobs": [[] for _ in rows],
    }
    if method == "greedy":
        width = max(map(len, rows))
        found["greedy_logprob_matrix"] = [
            [*(row[0] for row in each), *[mean] * (width - len(each))]
            for each, mean in zip(rows, means, strict=True)
        ]
    elif method == "unconditional":
        found["unconditional_token_logprobs"] = [list(row) for row in alone]
        found["normalized_unconditional_prompt_logprobs"] = [
            mean - mean_logprob(row) for mean, row in zip(means, alone, strict=True)
        ]
    return found
