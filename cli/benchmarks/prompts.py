"""What a benchmark asks: prompts as token ids, each with the number of tokens to write."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sglc.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from sglc.runtime.tokenizer.base import TokenizerLike

_LEAST = 2  # tokens of a prompt or an answer of a conversation that is worth asking


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids, at least one, and how many tokens shall follow."""

    ids: tuple[int, ...]
    num_output: int


class PromptMaker:
    """Draws prompts; the same seed draws the same ones.

    Raises:
        CommandError: the tokenizer has no token that holds text.
    """

    def __init__(self, tokenizer: TokenizerLike, seed: int) -> None:
        self._tokenizer = tokenizer
        self._random = random.Random(seed)
        special = set(tokenizer.special_ids.values())
        texts = tokenizer.token_bytes
        self._ids = [i for i, text in enumerate(texts) if text and i not in special]
        if not self._ids:
            raise CommandError("the tokenizer has no token that holds text to draw prompts from")

    def ids(self, length: int) -> tuple[int, ...]:
        """Return tokens drawn at random, none of them special."""
        return tuple(self._random.choices(self._ids, k=length))

    def drawn(self, count: int, num_input: int, num_output: int, ratio: float) -> list[Prompt]:
        """Return ``random``: lengths are drawn from ``ratio`` of a length up to all of it."""
        return [
            Prompt(self.ids(self._length(num_input, ratio)), self._length(num_output, ratio))
            for _ in range(count)
        ]

    def _length(self, most: int, ratio: float) -> int:
        return self._random.randint(max(int(most * ratio), 1), most)

    def sharing(
        self, num_groups: int, group_size: int, num_shared: int, num_own: int, num_output: int
    ) -> list[Prompt]:
        """Return ``generated-shared-prefix``: the prompts of a group begin alike; shuffled."""
        found = []
        for _ in range(num_groups):
            shared = self.ids(num_shared)
            found += [Prompt(shared + self.ids(num_own), num_output) for _ in range(group_size)]
        self._random.shuffle(found)
        return found

    def from_conversations(
        self, path: Path, count: int, num_output: int | None, max_context: int | None
    ) -> list[Prompt]:
        """Return ``sharegpt``: first questions, as long an answer as they had or ``num_output``.

        Very short ones, and those that are longer than ``max_context``, are left out.

        Raises:
            UsageError: the file cannot be read, or holds fewer than ``count`` that can be asked.
        """
        turns = conversations(path)
        self._random.shuffle(turns)
        found: list[Prompt] = []
        for question, answer in turns:
            if len(found) == count:
                break
            ids = tuple(self._tokenizer.encode(question))
            answer_len = num_output or len(self._tokenizer.encode(answer))
            is_short = len(ids) < _LEAST or answer_len < (1 if num_output else _LEAST)
            if not is_short and (max_context is None or len(ids) + answer_len <= max_context):
                found.append(Prompt(ids, answer_len))
        if len(found) < count:
            raise UsageError(
                f"{path} has {len(found)} conversations that can be asked, not {count}: "
                f"give --num-prompts {len(found)} or less"
                if found
                else f"{path} has no conversation that can be asked"
            )
        return found


def conversations(path: Path) -> list[tuple[str, str]]:
    """Read the first question and answer of each conversation of a file in ShareGPT's form.

    Raises:
        UsageError: the file cannot be read, or has another form; the message names the place.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"--dataset-path {path}: {error}") from None
    if not isinstance(data, list):
        raise UsageError(f"--dataset-path {path}: must be a list of conversations")
    found = []
    for number, item in enumerate(data):
        turns = item.get("conversations", item.get("conversation")) if _is_object(item) else None
        if not isinstance(turns, list):
            raise UsageError(f"--dataset-path {path}: [{number}] has no list `conversations`")
        if len(turns) < 2:
            continue
        values = [turn.get("value") if _is_object(turn) else None for turn in turns[:2]]
        if not all(isinstance(value, str) for value in values):
            raise UsageError(f"--dataset-path {path}: [{number}] has a turn without `value`")
        found.append((str(values[0]), str(values[1])))
    return found


def _is_object(item: Any) -> bool:
    return isinstance(item, dict)


def num_tokens(prompts: Sequence[Prompt]) -> tuple[int, int]:
    """Return how many tokens prompts have, and how many are to follow them."""
    return sum(len(each.ids) for each in prompts), sum(each.num_output for each in prompts)
