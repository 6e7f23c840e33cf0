"""All endpoints, dialect by dialect."""

from __future__ import annotations

from collections.abc import Sequence

from sglc.server.anthropic.endpoints import ANTHROPIC
from sglc.server.http.description import describing
from sglc.server.http.endpoint import Endpoint
from sglc.server.native.endpoints import NATIVE
from sglc.server.openai.batches import BATCHES
from sglc.server.openai.endpoints import OPENAI
from sglc.server.openai.files import FILES
from sglc.server.operations.endpoints import OPERATIONS
from sglc.server.programs.endpoints import PROGRAMS
from sglc.server.web.endpoints import WEB


def all_endpoints() -> Sequence[Endpoint]:
    """Return every endpoint that is served."""
    return describing(
        (*NATIVE, *OPENAI, *FILES, *BATCHES, *ANTHROPIC, *PROGRAMS, *OPERATIONS, *WEB)
    )
