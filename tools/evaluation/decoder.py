"""Batched greedy decoding with transformers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tools.corpus.text import END_OF_TEXT, IM_END

Message = tuple[str, str]


class Decoder:
    """A model folder that completes many prompts at once."""

    def __init__(self, folder: Path, batch_size: int = 64) -> None:
        """Load the model and its tokenizer from ``folder``."""
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.batch_size = batch_size
        self.ends: list[int] = list(self.model.generation_config.eos_token_id)
        self.line_ends = [
            i for i in range(len(self.tokenizer)) if "\n" in self.tokenizer.decode([i])
        ]

    def chat(self, *messages: Message) -> str:
        """Render messages as the prompt for the next assistant turn."""
        rows = [{"role": role, "content": content} for role, content in messages]
        return str(
            self.tokenizer.apply_chat_template(rows, tokenize=False, add_generation_prompt=True)
        )

    def complete(self, prompts: Sequence[str], max_tokens: int, stop: str = "") -> list[str]:
        """Return greedy completions, cut behind ``stop`` if it is given.

        A completion that came to its end ends with the stop text or a stop token.
        """
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        done: dict[int, str] = {}
        for first in range(0, len(order), self.batch_size):
            chosen = order[first : first + self.batch_size]
            texts = self._batch([prompts[i] for i in chosen], max_tokens, stop)
            done.update(zip(chosen, texts, strict=True))
        return [done[i] for i in range(len(prompts))]

    def _batch(self, prompts: list[str], max_tokens: int, stop: str) -> Iterator[str]:
        inputs = self.tokenizer(
            prompts, return_tensors="pt", padding=True, return_token_type_ids=False
        )
        with torch.inference_mode():
            out = self.model.generate(
                **inputs,
                max_new_tokens=max_tokens,
                do_sample=False,
                eos_token_id=self.ends + (self.line_ends if stop == "\n" else []),
            )
        pad = self.tokenizer.pad_token
        for row in out[:, inputs["input_ids"].shape[1] :]:
            text = str(self.tokenizer.decode(row, skip_special_tokens=False))
            for end in (stop, IM_END, pad):
                if end and end in text:
                    text = text[: text.index(end) + len(end)]
            yield text


def is_finished(text: str) -> bool:
    """Tell whether a completion came to its end by itself."""
    return text.endswith(("\n", IM_END, END_OF_TEXT))


def visible(text: str) -> str:
    """Return a completion without stop tokens and outer space."""
    for token in (IM_END, END_OF_TEXT):
        text = text.partition(token)[0]
    return text.strip()
