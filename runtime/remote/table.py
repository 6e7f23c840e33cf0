"""What each kind of server can do, as a table for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sglc.runtime.remote.capabilities import TABLE, Capabilities
from sglc.runtime.remote.chat.anthropic import ANTHROPIC, capabilities_of
from sglc.runtime.remote.chat.flavors import FLAVORS
from sglc.runtime.remote.chat.gemini import GEMINI, GEMINI_2_0, GEMINI_3

_HEAD: Final = (
    "", "prompts", "goes on in a message", "holds texts to", "`select`", "log probabilities",
    "pictures", "stops", "texts a request", "seeds", "sampling", "bills",
)  # fmt: skip
_SHORT: Final = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "frequency_penalty": "penalties",
    "presence_penalty": "penalties",
    "repetition_penalty": "repetition",
    "min_new_tokens": "min_tokens",
    "logit_bias": "bias",
}


def kinds() -> tuple[Capabilities, ...]:
    """Return every kind of server; of LiteLLM, its library says for each model what it can."""
    chats = (flavor.capabilities for flavor in FLAVORS.values())
    newest = capabilities_of("claude-newest")
    return (*TABLE.values(), *chats, ANTHROPIC, newest, GEMINI_2_0, GEMINI, GEMINI_3)


def capability_table() -> str:
    """Return the table in Markdown, a row for each kind."""
    rows = [_HEAD, ("---",) * len(_HEAD), *(tuple(_cells(each)) for each in kinds())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(can: Capabilities) -> Iterator[str]:
    yield can.name
    yield {"text": "text", "chat": "messages", "tokens": "tokens"}[can.prompts]
    yield "yes" if can.prefill else "with `num_api_spec_tokens`"
    yield _held(can)
    yield "scored" if can.scoring else "written" if can.constraints else "no"
    yield _yes(can.logprobs)
    yield _yes(can.images)
    yield "any" if can.max_stops is None else str(can.max_stops)
    yield str(can.max_samples)
    yield _yes(can.seeds)
    yield ", ".join(_sampling(can))
    yield _yes(can.bills)


def _held(can: Capabilities) -> str:
    if not can.constraints:
        return "no"
    if can.schema_mode:
        return "a schema of its own"
    return ", ".join(sorted(each.replace("_", " ") for each in can.constraints))


def _sampling(can: Capabilities) -> list[str]:
    if can.only_temperature is not None:
        return [f"temperature {can.only_temperature:g}"]
    found = list(dict.fromkeys(_SHORT[name] for name in _SHORT if name in can.sampling))
    if can.max_temperature is not None:
        found[0] = f"temperature to {can.max_temperature:g}"
    return found


def _yes(value: bool) -> str:
    return "yes" if value else "no"
