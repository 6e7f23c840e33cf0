"""What every endpoint works with: configuration, tokenizer and template, the engine."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from starlette.requests import Request

from sglc.runtime.models.files import ModelFiles, load_files
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.server.config import ServerConfig
from sglc.server.engine.client import EngineClient

_LONG_CHARS = 1 << 15  # a longer text is encoded beside the event loop


@dataclass(slots=True)
class Service:
    """One server. ``encoder`` has no state that requests could see of each other."""

    config: ServerConfig
    files: ModelFiles
    encoder: PromptEncoder
    engine: EngineClient

    @classmethod
    def of(cls, config: ServerConfig, engine: EngineClient) -> Service:
        """Read the tokenizer and the chat template of the model.

        Raises:
            ModelError: they are missing or broken.
        """
        files = load_files(config.model)
        return cls(config, files, PromptEncoder(files.tokenizer, files.template), engine)

    @property
    def max_context(self) -> int:
        """Largest number of tokens of a prompt and what is written behind it."""
        assert self.engine.ready is not None
        return self.engine.ready.max_context

    async def encode(self, text: str) -> list[int]:
        """Return the ids of a plain text, the tokenizer's begin token first."""
        tokenizer = self.files.tokenizer
        if len(text) > _LONG_CHARS:
            ids = await asyncio.to_thread(tokenizer.encode, text)
        else:
            ids = tokenizer.encode(text)
        return [*tokenizer.bos_ids, *ids]

    def draw_seed(self, given: int | None) -> int:
        """Return the seed of a request: its own, the server's, or a new one."""
        if given is not None:
            return given
        return self.config.seed if self.config.seed is not None else secrets.randbits(63)


def service_of(request: Request) -> Service:
    """Return the service that a request is for."""
    service: Service = request.app.state.service
    return service
