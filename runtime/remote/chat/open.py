"""Opening backends of chat servers: which dialect, which address, which key, what it can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote, urlsplit

from sglc.runtime.remote.backend import RemoteBackend
from sglc.runtime.remote.capabilities import Capabilities
from sglc.runtime.remote.chat.anthropic import VERSION, AnthropicWire, capabilities_of
from sglc.runtime.remote.chat.flavors import COMPATIBLE, FLAVORS, OPENAI, Flavor, flavor_of
from sglc.runtime.remote.chat.gemini import GeminiWire, capabilities_of_gemini, path_of
from sglc.runtime.remote.chat.openai import PATH, ChatWire
from sglc.runtime.remote.client import Client
from sglc.runtime.remote.connection import Connect, Connection
from sglc.runtime.remote.open import Remote, models_at
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.templates import MESSAGES
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.remote.wire import Wire
from sglc.runtime.tokenizer.prompt import PromptEncoder

OPENAI_URL: Final = "https://api.openai.com/v1"
ANTHROPIC_URL: Final = "https://api.anthropic.com"
GEMINI_URL: Final = "https://generativelanguage.googleapis.com"
_OWNERS: Final = {"sglc": "sglc", "sglang": "sglang", "vllm": "vllm"}

Headers = Mapping[str, str]
MakeWire = Callable[[RemoteTokenizer], Wire]


def open_openai(
    model: str | None = None,
    *,
    url: str | None = None,
    api_key: str | None = None,
    flavor: str | Flavor | None = None,
    headers: Headers | None = None,
    policy: Policy | None = None,
) -> Remote:
    """Return a backend of OpenAI's chat dialect.

    ``url`` is the address as OpenAI's clients take it, ``/v1`` included; a server of another owner
    is asked what it is, unless ``flavor`` says so. ``model`` None is the first one that it names.

    Raises:
        RemoteError: the server is not there.
        ValueError: the flavor is unknown; the model is not named, and the server names none.
    """
    base = OPENAI_URL if url is None else _with_path(url)
    given = dict(headers or {})
    if api_key is not None:
        given["Authorization"] = f"Bearer {api_key}"
    policy = policy or Policy()
    connect = _connector(base, given, policy)
    if isinstance(flavor, str):
        if flavor not in FLAVORS:
            raise ValueError(f"unknown flavor {flavor!r} (known: {', '.join(FLAVORS)})")
        flavor = FLAVORS[flavor]
    if base == OPENAI_URL and flavor is None:
        flavor = OPENAI if model is None else flavor_of(model)
    if flavor is None or model is None:
        with Connection(connect) as server:
            named = models_at(server, "/models")
        if model is None:
            if not named:
                raise ValueError(f"{base} does not name its models: give `model`")
            model = str(named[0].get("id"))
        if flavor is None:
            owner = str(named[0].get("owned_by")) if named else ""
            flavor = FLAVORS[_OWNERS[owner]] if owner in _OWNERS else COMPATIBLE
    chosen, name = flavor, model
    return _remote(lambda tokenizer: ChatWire(chosen, tokenizer, name), connect, policy, model)


def open_azure(
    deployment: str,
    *,
    endpoint: str,
    api_version: str,
    api_key: str,
    model: str | None = None,
    policy: Policy | None = None,
) -> Remote:
    """Return a backend of a deployment at Azure; ``model`` is what it runs, if not of its name."""
    base = f"{endpoint.rstrip('/')}/openai/deployments/{quote(deployment, safe='')}"
    path = f"{PATH}?api-version={quote(api_version, safe='')}"
    policy = policy or Policy()
    flavor = flavor_of(model or deployment)
    if flavor is OPENAI:  # most versions of Azure's API know no newer name
        flavor = replace(flavor, limit_field="max_tokens")
    return _remote(
        lambda tokenizer: ChatWire(flavor, tokenizer, model or deployment, path),
        _connector(base, {"api-key": api_key}, policy),
        policy,
        model or deployment,
    )


def open_anthropic(
    model: str,
    *,
    url: str | None = None,
    api_key: str | None = None,
    capabilities: Capabilities | None = None,
    headers: Headers | None = None,
    policy: Policy | None = None,
) -> Remote:
    """Return a backend of Anthropic's dialect; ``url`` is the address without ``/v1``."""
    base = (url or ANTHROPIC_URL).rstrip("/").removesuffix("/v1")
    given = {"anthropic-version": VERSION, **(headers or {})}
    if api_key is not None:
        given["x-api-key"] = api_key
    policy = policy or Policy()
    can = capabilities or capabilities_of(model)
    return _remote(
        lambda tokenizer: AnthropicWire(can, tokenizer, model),
        _connector(base, given, policy),
        policy,
        model,
    )


def open_gemini(
    model: str,
    *,
    url: str | None = None,
    api_key: str | Callable[[], str] | None = None,
    project: str | None = None,
    location: str = "global",
    headers: Headers | None = None,
    policy: Policy | None = None,
) -> Remote:
    """Return a backend of Gemini's dialect; with a ``project`` at Vertex AI.

    ``api_key`` is the key there and the access token here, or what gives one that is valid now.
    """
    if url is None:
        host = "aiplatform.googleapis.com"
        vertex = f"https://{host}" if location == "global" else f"https://{location}-{host}"
        url = GEMINI_URL if project is None else vertex
    given = dict(headers or {})
    token = None if isinstance(api_key, str) else api_key
    if isinstance(api_key, str) and project is None:
        given["x-goog-api-key"] = api_key
    elif isinstance(api_key, str):
        given["Authorization"] = f"Bearer {api_key}"
    policy = policy or Policy()
    path = path_of(quote(model, safe=""), project=project, location=location)
    return _remote(
        lambda tokenizer: GeminiWire(capabilities_of_gemini(model), tokenizer, path),
        _connector(url.rstrip("/"), given, policy, token),
        policy,
        model,
    )


def open_litellm(model: str, *, policy: Policy | None = None, **options: Any) -> Remote:
    """Return a backend that has LiteLLM ask; ``options`` are those of its calls.

    Raises:
        ModuleNotFoundError: the library is not installed.
    """
    from sglc.runtime.remote.chat.litellm import LibraryClient, flavor_of, library

    litellm = library()
    flavor = flavor_of(litellm, model)
    policy = policy or Policy()
    return _remote(
        lambda tokenizer: ChatWire(flavor, tokenizer, model, ""),
        lambda meter: LibraryClient(litellm, policy, meter, options),
        policy,
        model,
    )


def _remote(make_wire: MakeWire, connect: Connect, policy: Policy, model: str) -> Remote:
    tokenizer = RemoteTokenizer()
    wire = make_wire(tokenizer)
    backend = RemoteBackend(wire, connect, tokenizer, policy)
    return Remote(backend, PromptEncoder(tokenizer, MESSAGES), wire.capabilities, model)


def _connector(
    base: str, headers: Headers, policy: Policy, token: Callable[[], str] | None = None
) -> Connect:
    return lambda meter: Client(base, policy, meter, headers, token)


def _with_path(url: str) -> str:
    """Return an address; one that is a host alone gets the path that nearly all have."""
    url = url.rstrip("/").removesuffix(PATH)
    return url if urlsplit(url).path else url + "/v1"
