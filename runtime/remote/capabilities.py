"""What each kind of server can do natively: one table, read before anything is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Prompts = Literal["text", "chat", "tokens"]
Constraints = Literal["regex", "json_schema", "ebnf"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a kind of server can do.

    Attributes:
        name: what the kind is called.
        prompts: a prompt is text, messages, or tokens of a model that runs here.
        prefill: a text goes on from any place: in the middle of an assistant's message too.
        constraints: what a text can be held to; empty for nothing.
        schema_mode: whole answers are held to the provider's own subset of JSON Schema; what the
            subset cannot say is checked afterwards (``schemas.py``).
        scoring: choices can be scored behind a prompt (``select``).
        logprobs: the log probability of each token that is written.
        reports: those of the prompt too, and the most probable tokens at each place.
        images: pictures in prompts.
        max_stops: stop texts that the server looks for; we look for any others. 0: none.
        blank_stops: among them may be texts of white space alone.
        max_samples: texts of one request.
        seeds: a seed decides what is drawn; without it, sampled texts differ from run to run.
        sampling: the names in ``SamplingParams`` that the server takes.
        token_ids: ids of its model can be named, such as those that end a text, and are told.
        max_temperature: the highest that it takes; None for any.
        only_temperature: the one that it samples at, where it takes none.
        temperature_or_top_p: one of them at a time: both are refused.
        ignore_eos: the end-of-sequence token can be overridden.
        bills: each request is paid for, so that none is sent on a guess (``spec`` of a plan).
    """

    name: str
    prompts: Prompts
    prefill: bool = True
    constraints: frozenset[Constraints] = frozenset()
    schema_mode: bool = False
    scoring: bool = False
    logprobs: bool = False
    reports: bool = False
    images: bool = False
    max_stops: int | None = None
    blank_stops: bool = True
    max_samples: int = 1
    seeds: bool = False
    sampling: frozenset[str] = frozenset({"temperature", "top_p"})
    token_ids: bool = False
    max_temperature: float | None = None
    only_temperature: float | None = None
    temperature_or_top_p: bool = False
    ignore_eos: bool = False
    bills: bool = False


_PENALTIES: Final = frozenset({"frequency_penalty", "presence_penalty"})
OPENAI_SAMPLING: Final = frozenset({"temperature", "top_p"}) | _PENALTIES
ALL_SAMPLING: Final = OPENAI_SAMPLING | {"top_k", "min_p", "repetition_penalty", "min_new_tokens"}

LOCAL: Final = Capabilities(
    name="local",
    prompts="tokens",
    constraints=frozenset({"regex", "json_schema", "ebnf"}),
    scoring=True,
    logprobs=True,
    reports=True,
    max_samples=1,
    seeds=True,
    sampling=ALL_SAMPLING | {"logit_bias"},
    token_ids=True,
    ignore_eos=True,
)
SGLC: Final = Capabilities(
    name="sglc",
    prompts="text",
    constraints=frozenset({"regex", "json_schema", "ebnf"}),
    scoring=True,
    logprobs=True,
    reports=True,
    max_stops=128,
    max_samples=512,
    seeds=True,
    sampling=ALL_SAMPLING | {"logit_bias"},
    token_ids=True,
    ignore_eos=True,
)
# 0.4 knows no repetition_penalty in `sampling_params` before 0.3.4; no release of it draws by seed
SGLANG_04: Final = Capabilities(
    name="sglang 0.2 to 0.4",
    prompts="text",
    constraints=frozenset({"regex", "json_schema"}),
    scoring=True,
    logprobs=True,
    reports=True,
    images=True,
    max_samples=128,
    sampling=ALL_SAMPLING,
    token_ids=True,
    ignore_eos=True,
)
SGLANG_05: Final = Capabilities(
    name="sglang 0.5",
    prompts="text",
    constraints=frozenset({"regex", "json_schema", "ebnf"}),
    scoring=True,
    logprobs=True,
    reports=True,
    images=True,
    max_samples=128,
    seeds=True,
    sampling=ALL_SAMPLING | {"logit_bias"},
    token_ids=True,
    ignore_eos=True,
)
OPENAI_COMPLETIONS: Final = Capabilities(
    name="OpenAI completions",
    prompts="text",
    logprobs=True,
    max_stops=4,
    max_samples=128,
    seeds=True,
    sampling=OPENAI_SAMPLING | {"logit_bias"},
    bills=True,
)
COMPATIBLE_COMPLETIONS: Final = Capabilities(
    name="completions of an OpenAI-compatible server",
    prompts="text",
    scoring=True,
    logprobs=True,
    max_stops=4,
    max_samples=128,
    seeds=True,
    sampling=OPENAI_SAMPLING | {"logit_bias"},
    bills=True,
)
SGLANG_COMPLETIONS: Final = Capabilities(
    name="completions of SGLang",
    prompts="text",
    constraints=frozenset({"regex", "json_schema"}),
    scoring=True,
    logprobs=True,
    max_samples=128,
    sampling=ALL_SAMPLING,
    token_ids=True,
    ignore_eos=True,
)
SGLC_COMPLETIONS: Final = Capabilities(
    name="completions of sglc",
    prompts="text",
    constraints=frozenset({"regex", "json_schema", "ebnf"}),
    scoring=True,
    logprobs=True,
    max_stops=128,
    max_samples=128,
    seeds=True,
    sampling=ALL_SAMPLING | {"logit_bias"},
    token_ids=True,
    ignore_eos=True,
)

TABLE: Final = {
    each.name: each
    for each in (
        LOCAL, SGLC, SGLANG_04, SGLANG_05, OPENAI_COMPLETIONS, COMPATIBLE_COMPLETIONS,
        SGLANG_COMPLETIONS, SGLC_COMPLETIONS,
    )
}  # fmt: skip
