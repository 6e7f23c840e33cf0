"""An answer as blocks of content: texts and calls of tools, one behind the other."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sglc.server.openai.choices import AnswerEvent, CallArguments, CallBegun, Ended, Said


@dataclass(frozen=True, slots=True)
class BlockEvent:
    """An event of a stream: its name, and its data."""

    name: str
    data: dict[str, Any]


@dataclass(slots=True)
class Blocks:
    """What an answer has come to, and the events that say so.

    ``content`` are the blocks that are complete; ``end`` is set when the answer is.
    """

    content: list[dict[str, Any]] = field(default_factory=list)
    end: Ended | None = None
    _open: dict[str, Any] | None = None
    _pieces: list[str] = field(default_factory=list)

    def take(self, event: AnswerEvent) -> Iterator[BlockEvent]:
        """Add what was said."""
        match event:
            case Said(_, text):
                if not text:
                    return
                if self._open is None or self._open["type"] != "text":
                    yield from self._begin({"type": "text", "text": ""})
                yield self._delta({"type": "text_delta", "text": text}, text)
            case CallBegun(_, _, name):
                call_id = "toolu_" + secrets.token_hex(12)
                yield from self._begin(
                    {"type": "tool_use", "id": call_id, "name": name, "input": {}}
                )
            case CallArguments(_, _, text):
                yield self._delta({"type": "input_json_delta", "partial_json": text}, text)
            case Ended():
                yield from self._close()
                self.end = event

    def _begin(self, block: dict[str, Any]) -> Iterator[BlockEvent]:
        yield from self._close()
        self._open = block
        yield self._event("content_block_start", content_block=block)

    def _delta(self, delta: dict[str, Any], piece: str) -> BlockEvent:
        self._pieces.append(piece)
        return self._event("content_block_delta", delta=delta)

    def _close(self) -> Iterator[BlockEvent]:
        if self._open is None:
            return
        yield self._event("content_block_stop")
        text = "".join(self._pieces)
        if self._open["type"] == "text":
            self.content.append({**self._open, "text": text})
        else:
            self.content.append({**self._open, "input": _input(text)})
        self._open = None
        self._pieces.clear()

    def _event(self, name: str, **more: Any) -> BlockEvent:
        return BlockEvent(name, {"type": name, "index": len(self.content), **more})


def _input(text: str) -> dict[str, Any]:
    """Return the input of a call; one that was cut short by ``max_tokens`` has none."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
