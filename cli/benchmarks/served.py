"""What a server says of its model, and the tokenizer of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sglc.cli.benchmarks.clients import BenchServer
from sglc.cli.errors import CommandError
from sglc.cli.models import FilesOnce

if TYPE_CHECKING:
    from sglc.runtime.tokenizer.base import TokenizerLike


async def served_model(server: BenchServer) -> str:
    """Return the name of the first model.

    Raises:
        CommandError: the server cannot be asked, or has none.
    """
    reply = await server.get("/v1/models")
    try:
        return str(reply["data"][0]["id"])
    except (KeyError, IndexError, TypeError):
        raise CommandError(f"{server.url}/v1/models names no model: give one as --model") from None


async def model_path(server: BenchServer) -> str:
    """Return where a server of SGLang's kind has its tokenizer from.

    Raises:
        CommandError: the server cannot be asked, or does not say it.
    """
    info = await server.get("/get_model_info")
    try:
        return str(info.get("tokenizer_path") or info["model_path"])
    except (AttributeError, KeyError):
        raise CommandError(
            f"{server.url}/get_model_info names no model: give --tokenizer"
        ) from None


def tokenizer_of(given: str | None, path: str) -> TokenizerLike:
    """Return the tokenizer that is ``given``, else the one at ``path``, which the server said.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        return FilesOnce(None).load(given or path).tokenizer
    except CommandError as error:
        if given is not None:
            raise
        raise CommandError(
            f"the tokenizer of {path} is not here: give it as --tokenizer ({error})"
        ) from None
