"""LiteLLM: a library that speaks the dialects of many providers, with OpenAI's words.

Its own retries are off, since the policy has its own; it is told to refuse what a provider does not
take, instead of leaving it out.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import replace
from types import ModuleType
from typing import Any, Final

from sglc.runtime.remote.capabilities import Capabilities
from sglc.runtime.remote.chat.flavors import COMPATIBLE, Flavor
from sglc.runtime.remote.client import Client
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.faults import clipped, is_spent, may_pass
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.usage import Meter

LITELLM: Final[Capabilities] = replace(COMPATIBLE.capabilities, name="LiteLLM", max_samples=1)


def library() -> ModuleType:
    """Return the library.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    try:
        return importlib.import_module("litellm")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "LiteLLM is not installed: pip install 'sglc[litellm]'", name="litellm"
        ) from None


def flavor_of(litellm: ModuleType, model: str) -> Flavor:
    """Return what the library says a provider does for a model."""
    takes = set(litellm.get_supported_openai_params(model=model) or ())
    has_schemas = bool(litellm.supports_response_schema(model=model))
    sampling = LITELLM.sampling & takes
    capabilities = replace(
        LITELLM,
        constraints=LITELLM.constraints if has_schemas else frozenset(),
        schema_mode=has_schemas,
        images=bool(litellm.supports_vision(model=model)),
        logprobs="logprobs" in takes,
        seeds="seed" in takes,
        max_stops=4 if "stop" in takes else 0,
        max_samples=128 if "n" in takes else 1,
        sampling=sampling,
        only_temperature=None if "temperature" in sampling else 1.0,
    )
    return Flavor(capabilities=capabilities)


class LibraryClient(Client):
    """A client that has the library ask; a path means nothing.

    ``options`` go with every call: ``api_key``, ``api_base`` and others of the library.
    """

    def __init__(
        self, litellm: ModuleType, policy: Policy, meter: Meter, options: Mapping[str, Any]
    ) -> None:
        super().__init__("LiteLLM", policy, meter)
        self._litellm = litellm
        self._options = dict(options)
        key = self._options.get("api_key")
        self._secrets = [key] if isinstance(key, str) else []

    async def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> Any:
        try:
            async with asyncio.timeout(self._policy.total_s):
                reply = await self._call(body)
        except Exception as error:
            raise self._error(error) from None
        return reply.model_dump()

    async def _events(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Any]:
        try:
            async with asyncio.timeout(self._policy.total_s):
                chunks = await self._call(body)
                try:
                    async for chunk in chunks:
                        yield chunk.model_dump()
                finally:
                    with suppress(AttributeError):  # not all of its streams can be closed
                        await chunks.aclose()
        except Exception as error:
            raise self._error(error) from None

    async def _call(self, body: Mapping[str, Any] | None) -> Any:
        self.meter.add(requests=1)
        return await self._litellm.acompletion(
            **(body or {}), num_retries=0, max_retries=0, drop_params=False, **self._options
        )

    def _error(self, error: Exception) -> RemoteError:
        """Return an error of the library, or of what it calls, as one of ours."""
        if isinstance(error, TimeoutError):
            return RemoteError(
                f"LiteLLM has not answered within {self._policy.total_s:g} s; raise timeout_s if "
                "the provider is only slow"
            )
        status = getattr(error, "status_code", None)
        said = self._without_secrets(str(error) or type(error).__name__)
        return RemoteError(
            f"LiteLLM: {clipped(said)}",
            is_transient=may_pass(status) and not is_spent({"code": getattr(error, "code", None)}),
            status=status if isinstance(status, int) else None,
        )
