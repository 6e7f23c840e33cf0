"""The methods of choices as objects, as ``sglang.lang.choices`` has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ChoicesSamplingMethod:
    """How the best of some texts is found; see ``sglc.select``."""

    name: str

    @property
    def requires_unconditional_logprobs(self) -> bool:
        """Whether the texts are scored without the prompt too."""
        return self.name.startswith("unconditional")

    def __str__(self) -> str:
        return self.name


token_length_normalized = ChoicesSamplingMethod("token_length_normalized")
greedy_token_selection = ChoicesSamplingMethod("greedy_token_selection")
unconditional_likelihood_normalized = ChoicesSamplingMethod("unconditional_likelihood_normalized")
