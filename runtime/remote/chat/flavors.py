"""How servers of OpenAI's chat dialect differ from each other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal

from sglc.runtime.remote.capabilities import ALL_SAMPLING, OPENAI_SAMPLING, Capabilities

_REASONING: Final = re.compile(r"o\d|gpt-(?:[5-9]|\d{2,})(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """A kind of server.

    Attributes:
        limit_field: what ``max_tokens`` is called.
        continues: a last message of the assistant is continued only if it is asked for
            (``continue_final_message``); else always, where there is prefill at all.
        guided: the field of a regex or grammar: of the body itself, or of ``structured_outputs``.
        counts_on: usage can be had with every event, so that a stream that we end is billed.
    """

    capabilities: Capabilities
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    continues: bool = False
    guided: Literal["body", "structured_outputs"] = "body"
    counts_on: bool = False


OPENAI: Final = Flavor(
    capabilities=Capabilities(
        name="OpenAI chat",
        prompts="chat",
        prefill=False,
        constraints=frozenset({"json_schema"}),
        schema_mode=True,
        logprobs=True,
        images=True,
        max_stops=4,
        max_samples=128,
        seeds=True,
        sampling=OPENAI_SAMPLING,
        bills=True,
    ),
    limit_field="max_completion_tokens",
)
REASONING: Final = replace(
    OPENAI,
    capabilities=replace(
        OPENAI.capabilities,
        name="OpenAI chat, reasoning models",
        logprobs=False,
        max_stops=0,
        seeds=False,
        sampling=frozenset(),
        only_temperature=1.0,
    ),
)
COMPATIBLE: Final = Flavor(
    capabilities=Capabilities(
        name="chat of an OpenAI-compatible server",
        prompts="chat",
        prefill=False,
        constraints=frozenset({"json_schema"}),
        schema_mode=True,
        logprobs=True,
        images=True,
        max_stops=4,
        sampling=OPENAI_SAMPLING,
        bills=True,
    )
)
SGLC: Final = Flavor(
    capabilities=Capabilities(
        name="chat of sglc",
        prompts="chat",
        constraints=frozenset({"regex", "json_schema", "ebnf"}),
        logprobs=True,
        max_stops=128,
        max_samples=128,
        seeds=True,
        sampling=ALL_SAMPLING,
        ignore_eos=True,
    ),
    counts_on=True,
)
SGLANG: Final = Flavor(
    capabilities=Capabilities(
        name="chat of sglang 0.5",
        prompts="chat",
        constraints=frozenset({"regex", "json_schema", "ebnf"}),
        logprobs=True,
        images=True,
        max_samples=128,
        seeds=True,
        sampling=ALL_SAMPLING,
        ignore_eos=True,
    ),
    continues=True,
    counts_on=True,
)
VLLM: Final = Flavor(
    capabilities=Capabilities(
        name="chat of vLLM",
        prompts="chat",
        constraints=frozenset({"regex", "json_schema"}),
        logprobs=True,
        images=True,
        max_samples=128,
        seeds=True,
        sampling=ALL_SAMPLING,
        ignore_eos=True,
    ),
    continues=True,
    guided="structured_outputs",
    counts_on=True,
)

FLAVORS: Final = {
    "openai": OPENAI,
    "reasoning": REASONING,
    "compatible": COMPATIBLE,
    "sglc": SGLC,
    "sglang": SGLANG,
    "vllm": VLLM,
}


def flavor_of(model: str) -> Flavor:
    """Return what OpenAI's own servers do for a model."""
    name = model.rpartition("/")[2].lower()
    return REASONING if _REASONING.match(name) and "chat" not in name else OPENAI
