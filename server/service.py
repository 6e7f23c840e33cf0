"""What every endpoint works with: configuration, tokenizer and template, the engine."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from starlette.requests import Request

from sglc.compiler.plan.segments import Text
from sglc.runtime.models.files import ModelFiles, load_files
from sglc.runtime.tokenizer.conversation import Conversations
from sglc.runtime.tokenizer.pieces import Cutter
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.token_rows import TokenTexts
from sglc.server.config import ServerConfig
from sglc.server.engine.client import EngineClient
from sglc.server.errors import ApiError
from sglc.server.native.running import Running
from sglc.server.native.sessions import Sessions
from sglc.server.operations.key_store import KeyStore
from sglc.server.operations.operations import Operations
from sglc.server.programs.service import Programs
from sglc.server.programs.upload import CompilerSettings
from sglc.server.storage.storage import Storage

# A text of more characters per token than this is none that anybody means to be read. What is
# longer is refused before it is encoded, which would take a second for a million characters.
_CHARS_PER_TOKEN = 64
_LONG_CHARS = 1 << 10  # a longer text is encoded beside the event loop: it takes milliseconds


@dataclass(slots=True)
class Service:
    """One server. ``encoder`` has no state that requests could see of each other.

    ``conversations`` is None for a model without a chat template.
    """

    config: ServerConfig
    files: ModelFiles
    encoder: PromptEncoder
    engine: EngineClient
    cutter: Cutter
    storage: Storage
    programs: Programs
    conversations: Conversations | None
    token_texts: TokenTexts
    seeds: random.Random
    operations: Operations
    running: Running = field(default_factory=Running)
    sessions: Sessions = field(default_factory=Sessions)

    @classmethod
    def of(
        cls,
        config: ServerConfig,
        engine: EngineClient,
        storage: Storage,
        operations: Operations,
    ) -> Service:
        """Read the tokenizer and the chat template of the model.

        Raises:
            ModelError: they are missing or broken.
        """
        files = load_files(config.model, config.tokenizer, config.chat_template)
        tokenizer, template = files.tokenizer, files.template
        return cls(
            config,
            files,
            PromptEncoder(tokenizer, template),
            engine,
            Cutter(tokenizer.special_ids),
            storage,
            Programs(
                config.programs, config.storage / "programs", engine, compiler_settings(config)
            ),
            None if template is None else Conversations(tokenizer, template),
            TokenTexts(files.tokenizer),
            random.Random(config.seed),
            operations,
        )

    @property
    def keys(self) -> KeyStore:
        """Who may use it."""
        return self.operations.keys

    @property
    def max_context(self) -> int:
        """Largest number of tokens of a prompt and what is written behind it."""
        assert self.engine.ready is not None
        return self.engine.ready.max_context

    @property
    def vocab_size(self) -> int:
        """The number of logits; token ids are below it."""
        assert self.engine.ready is not None
        return self.engine.ready.vocab_size

    def check_chars(self, num_chars: int, field: str) -> None:
        """Refuse a text that cannot fit, however it is encoded.

        Raises:
            ApiError: 400, with its length and the model's context.
        """
        if num_chars > self.max_context * _CHARS_PER_TOKEN:
            raise ApiError(
                400,
                f"the prompt has {num_chars} characters, far more than the model's context of "
                f"{self.max_context} tokens: shorten it",
                param=field,
                code="context_length_exceeded",
            )

    async def encode(self, text: str, field: str, *, specials: bool = False) -> list[int]:
        """Return the ids of a prompt, the tokenizer's begin token first.

        With ``specials`` the names of special tokens in it are those tokens: a prompt that its
        author has put into a chat template. Otherwise they are text, as in what a user says.
        Others have their turn before each, so that who encodes many of them holds up nobody.

        Raises:
            ApiError: 400: it cannot fit; names the field.
        """
        self.check_chars(len(text), field)
        if len(text) > _LONG_CHARS:
            return await asyncio.to_thread(self._encode, text, specials)
        await asyncio.sleep(0)
        return self._encode(text, specials)

    def _encode(self, text: str, specials: bool) -> list[int]:
        tokenizer = self.files.tokenizer
        ids: list[int] = []
        for piece in self.cutter.cut(text) if specials else (Text(text),):
            if isinstance(piece, Text):
                ids += tokenizer.encode(piece.text, continues=bool(ids))
            else:
                ids.append(tokenizer.special_ids[piece.name])
        bos = list(tokenizer.bos_ids)
        return ids if ids[: len(bos)] == bos else bos + ids

    def draw_seed(self, given: int | None) -> int:
        """Return the seed of a request: its own, or the next of the server's."""
        return self.seeds.getrandbits(63) if given is None else given


def compiler_settings(config: ServerConfig) -> CompilerSettings:
    """Return what compiling an uploaded program may take, and the model it is for."""
    programs = config.programs
    return CompilerSettings(
        model=config.model,
        tokenizer=config.tokenizer,
        chat_template=config.chat_template,
        model_names=frozenset({config.model, config.model_name}),
        timeout_s=programs.compile_timeout_s,
        memory_bytes=programs.compile_memory_bytes,
        max_source_chars=programs.max_source_chars,
    )


def service_of(request: Request) -> Service:
    """Return the service that a request is for."""
    service: Service = request.app.state.service
    return service
