"""The output of a response: items, and the events that build them up."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sglc.server.openai.choices import AnswerEvent, CallArguments, CallBegun, Ended, Said
from sglc.server.openai.logprobs import TokenNames, chat_logprobs

OutputEvent = dict[str, Any]


@dataclass(slots=True)
class Output:
    """Items of one answer: a message where it has text, then the calls.

    ``take`` hears what is said and yields the events of a stream, all but their numbers.
    """

    names: TokenNames
    has_logprobs: bool
    items: list[dict[str, Any]] = field(default_factory=list)
    end: Ended | None = None

    def take(self, event: AnswerEvent) -> Iterator[OutputEvent]:
        """Hear an event."""
        match event:
            case Said():
                if not self.items:
                    yield from self._begin_message()
                yield self._say(event)
            case CallBegun(name=name):
                yield from self._finish("completed")
                yield self._begin(
                    {
                        "id": "fc_" + secrets.token_hex(16),
                        "type": "function_call",
                        "status": "in_progress",
                        "call_id": "call_" + secrets.token_hex(12),
                        "name": name,
                        "arguments": "",
                    }
                )
            case CallArguments(text=text):
                self.items[-1]["arguments"] += text
                yield self._about("response.function_call_arguments.delta", delta=text)
            case Ended():
                self.end = event
                if not self.items:  # an answer without any text is an empty one
                    yield from self._begin_message()
                yield from self._finish("incomplete" if event.finish == "length" else "completed")

    def _begin_message(self) -> Iterator[OutputEvent]:
        yield self._begin(
            {
                "id": "msg_" + secrets.token_hex(16),
                "type": "message",
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            }
        )
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        yield self._about("response.content_part.added", content_index=0, part=dict(part))
        self.items[-1]["content"] = [part]

    def _begin(self, item: dict[str, Any]) -> OutputEvent:
        self.items.append(item)
        index = len(self.items) - 1
        return {"type": "response.output_item.added", "output_index": index, "item": dict(item)}

    def _say(self, said: Said) -> OutputEvent:
        part = self.items[-1]["content"][0]
        logprobs = chat_logprobs(self.names, said.tokens) if self.has_logprobs else []
        part["text"] += said.text
        part["logprobs"] += logprobs
        return self._about(
            "response.output_text.delta", content_index=0, delta=said.text, logprobs=logprobs
        )

    def _finish(self, status: str) -> Iterator[OutputEvent]:
        """Finish the item that is open, if there is one."""
        item = self.items[-1] if self.items else None
        if item is None:
            return
        item["status"] = status
        if item["type"] == "message":
            part = item["content"][0]
            yield self._about(
                "response.output_text.done",
                content_index=0,
                text=part["text"],
                logprobs=part["logprobs"],
            )
            yield self._about("response.content_part.done", content_index=0, part=part)
        else:
            yield self._about(
                "response.function_call_arguments.done",
                name=item["name"],
                arguments=item["arguments"],
            )
        index = len(self.items) - 1
        yield {"type": "response.output_item.done", "output_index": index, "item": item}

    def _about(self, kind: str, **more: Any) -> OutputEvent:
        """Return an event about the item that is open."""
        index = len(self.items) - 1
        return {"type": kind, "item_id": self.items[-1]["id"], "output_index": index, **more}
