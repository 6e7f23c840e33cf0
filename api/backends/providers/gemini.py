"""``Gemini`` and ``VertexAI``: models of Google, by key or by project."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sglc.backends.remote import ServerBackend

if TYPE_CHECKING:
    from sglc.runtime.remote.open import Remote
    from sglc.runtime.remote.policy import Policy


class Gemini(ServerBackend):
    """A model behind Gemini's API.

        sglc.set_default_backend(sglc.Gemini("gemini-2.5-flash"))

    The key is that of ``GEMINI_API_KEY`` or ``GOOGLE_API_KEY`` unless it is given. Further options
    are those of every server (``ServerBackend``).

    Raises:
        ValueError: there is no key.
    """

    def __init__(
        self,
        model_name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        **limits: Any,
    ) -> None:
        from sglc.runtime.config import first_set

        key = api_key or first_set("GEMINI_API_KEY", "GOOGLE_API_KEY")
        if key is None:
            raise ValueError("there is no key: give api_key, or set GEMINI_API_KEY")

        def open_server(policy: Policy) -> Remote:
            from sglc.runtime.remote.chat.open import open_gemini

            return open_gemini(model_name, url=base_url, api_key=key, policy=policy)

        super().__init__(open_server, name=model_name, **limits)


class VertexAI(ServerBackend):
    """A model of Google in a project of Vertex AI.

        sglc.set_default_backend(sglc.VertexAI("gemini-2.5-flash", project="me"))

    ``access_token`` is a token, or a function that gives one that is valid for a while; without it
    the default credentials of the machine are asked (package ``google-auth``). The project and
    location are those of ``GOOGLE_CLOUD_PROJECT`` (``GCP_PROJECT_ID``) and
    ``GOOGLE_CLOUD_LOCATION`` (``GCP_LOCATION``), else ``global``, unless given. Further options are
    those of every server (``ServerBackend``).

    Raises:
        ValueError: there is no project.
        ModuleNotFoundError: there is no token, and nothing that could give one.
    """

    def __init__(
        self,
        model_name: str,
        *,
        project: str | None = None,
        location: str | None = None,
        access_token: str | Callable[[], str] | None = None,
        base_url: str | None = None,
        **limits: Any,
    ) -> None:
        from sglc.runtime.config import first_set

        owner = project or first_set("GOOGLE_CLOUD_PROJECT", "GCP_PROJECT_ID")
        if owner is None:
            raise ValueError("there is no project: give it, or set GOOGLE_CLOUD_PROJECT")
        place = location or first_set("GOOGLE_CLOUD_LOCATION", "GCP_LOCATION") or "global"
        given = access_token if access_token is not None else _default_token()

        def open_server(policy: Policy) -> Remote:
            from sglc.runtime.remote.chat.open import open_gemini

            return open_gemini(
                model_name, url=base_url, api_key=given, project=owner, location=place,
                policy=policy,
            )  # fmt: skip

        super().__init__(open_server, name=model_name, **limits)


def _default_token() -> Callable[[], str]:
    """Return what gives a token of the machine's default credentials.

    Raises:
        ModuleNotFoundError: the package that knows them is not there.
    """
    try:
        auth = import_module("google.auth")
        transport = import_module("google.auth.transport.requests")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "there is no token: give access_token, or `pip install google-auth requests` for the "
            "default credentials of this machine",
            name="google.auth",
        ) from None
    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    credentials, _ = auth.default(scopes=scopes)

    def token() -> str:
        if not credentials.valid:
            credentials.refresh(transport.Request())
        return str(credentials.token)

    return token
