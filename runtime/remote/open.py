"""Opening a backend: which dialect a server speaks, and what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal, NamedTuple, get_args

from sglc.runtime.remote.backend import RemoteBackend
from sglc.runtime.remote.capabilities import (
    COMPATIBLE_COMPLETIONS,
    OPENAI_COMPLETIONS,
    SGLANG_04,
    SGLANG_05,
    SGLANG_COMPLETIONS,
    SGLC,
    SGLC_COMPLETIONS,
    Capabilities,
)
from sglc.runtime.remote.client import Client
from sglc.runtime.remote.completions import CompletionsWire
from sglc.runtime.remote.connection import Connect, Connection
from sglc.runtime.remote.errors import RemoteError
from sglc.runtime.remote.native import NativeWire
from sglc.runtime.remote.policy import Policy
from sglc.runtime.remote.templates import TEXT_CHATML
from sglc.runtime.remote.tokenizer import RemoteTokenizer
from sglc.runtime.remote.wire import Wire
from sglc.runtime.tokenizer.prompt import PromptEncoder
from sglc.runtime.tokenizer.template import ChatTemplate

Kind = Literal["native", "completions"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_COMPLETIONS: Final = {"sglc": SGLC_COMPLETIONS, "sglang": SGLANG_COMPLETIONS}
OPENAI_URL: Final = "https://api.openai.com"
MODELS: Final = "/v1/models"


class Remote(NamedTuple):
    """A backend with what runs programs on it; ``model`` is its name on the server."""

    backend: RemoteBackend
    encoder: PromptEncoder
    capabilities: Capabilities
    model: str


def open_remote(
    kind: Kind,
    *,
    url: str | None = None,
    model: str | None = None,
    api_key: str | None = None,
    policy: Policy | None = None,
    template: ChatTemplate | None = TEXT_CHATML,
    capabilities: Capabilities | None = None,
    headers: Mapping[str, str] | None = None,
) -> Remote:
    """Return a backend that asks a server; it is asked what it is, unless ``capabilities`` say so.

    ``url`` is the address without ``/v1`` or ``/generate``. ``template`` writes messages as text.
    ``model`` None is the one that the server names first. Close the backend at the end.

    Raises:
        RemoteError: the server is not there, or refuses to say what it is.
        ValueError: the kind is unknown, or has no address.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of server {kind!r} (known: {', '.join(KINDS)})")
    if url is None:
        if kind != "completions":
            raise ValueError(f"a server of kind {kind!r} needs a url, as http://localhost:30000")
        url = OPENAI_URL
    url = base_of(url)
    tokenizer = RemoteTokenizer()
    policy = policy or Policy()
    connect = connector(url, api_key, policy, headers)
    if kind == "native":
        wire, name = _native(connect, tokenizer, capabilities, url)
        model = model or name
    else:
        wire, model = _completions(connect, tokenizer, capabilities, url, model)
    backend = RemoteBackend(
        wire, connect, tokenizer, policy, () if template is None else template.stop
    )
    if template is not None:
        template = replace(template, stop=())  # the backend looks for those
    return Remote(backend, PromptEncoder(tokenizer, template), wire.capabilities, model)


def base_of(url: str) -> str:
    """Return an address without what the paths of a dialect begin with."""
    url = url.rstrip("/")
    for end in ("/v1", "/generate"):
        url = url.removesuffix(end)
    return url


def connector(
    url: str, api_key: str | None, policy: Policy, headers: Mapping[str, str] | None
) -> Connect:
    """Return what makes clients of a server."""
    given = dict(headers or {})
    if api_key is not None:
        given["Authorization"] = f"Bearer {api_key}"
    return lambda meter: Client(url, policy, meter, given)


def _native(
    connect: Connect,
    tokenizer: RemoteTokenizer,
    capabilities: Capabilities | None,
    url: str,
) -> tuple[Wire, str]:
    with Connection(connect) as server:
        info = server.first_of("/get_model_info", "/model_info")
        path = info.get("model_path") if isinstance(info, dict) else None
        if not isinstance(path, str):
            raise RemoteError(
                f"{url} does not name its model at /get_model_info; check that it is a server of "
                "SGLang's dialect"
            )
        if capabilities is None:
            capabilities = SGLC if _owner(models_at(server, MODELS)) == "sglc" else _sglang(server)
    return NativeWire(capabilities, tokenizer), path


def _sglang(server: Connection) -> Capabilities:
    """Tell 0.5 from what was before it, which says less of itself."""
    info = server.first_of("/get_server_info", "/server_info")
    version = str(info.get("version", "")) if isinstance(info, dict) else ""
    return SGLANG_04 if version.startswith(("0.2", "0.3", "0.4")) or not version else SGLANG_05


def _completions(
    connect: Connect,
    tokenizer: RemoteTokenizer,
    capabilities: Capabilities | None,
    url: str,
    model: str | None,
) -> tuple[Wire, str]:
    if url == OPENAI_URL:
        if model is None:
            raise ValueError("name the model, such as model='gpt-3.5-turbo-instruct'")
        capabilities = capabilities or OPENAI_COMPLETIONS
    if capabilities is None or model is None:
        with Connection(connect) as server:
            models = models_at(server, MODELS)
        if model is None:
            if not models:
                raise ValueError(f"{url} does not name its models: give `model`")
            model = str(models[0].get("id"))
        if capabilities is None:
            capabilities = _COMPLETIONS.get(str(_owner(models)), COMPATIBLE_COMPLETIONS)
    return CompletionsWire(capabilities, tokenizer, model), model


def models_at(server: Connection, path: str) -> list[dict[str, Any]]:
    """Return the models that a server names; none where it has no such list.

    Raises:
        RemoteError: it is not there, or refuses.
    """
    found = server.first_of(path)
    data = found.get("data") if isinstance(found, dict) else None
    return [each for each in data or [] if isinstance(each, dict)]


def _owner(models: list[dict[str, Any]]) -> str | None:
    return models[0].get("owned_by") if models else None
