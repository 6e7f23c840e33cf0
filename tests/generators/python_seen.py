"""All that can be seen of a program that has run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sglc


@dataclass(frozen=True)
class Seen:
    """What it returned, its prompt, its variables, the tokens of its calls."""

    returned: Any
    text: str
    messages: Any
    variables: dict[str, Any]
    tokens: dict[str, int]


def seen(state: sglc.ProgramState) -> Seen:
    """Look at a run, whatever of it failed."""

    def read(get: Any) -> Any:
        try:
            return get()
        except sglc.RunFailed as error:
            return f"lost: {error.error.message}"

    names = list(state.variables)
    tokens = {}
    for name in names:
        try:
            meta = state.get_meta_info(name)
        except (KeyError, sglc.RunFailed):
            continue
        if "completion_tokens" in meta:
            tokens[name] = meta["completion_tokens"]
    return Seen(
        repr(state.ret_value),
        read(state.text),
        read(state.messages),
        {name: read(lambda name=name: state[name]) for name in names},
        tokens,
    )
