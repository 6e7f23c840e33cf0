"""``data:`` URLs: what is sent along needs no fetching."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from sglc.server.security.fetch import Fetched, check_type
from sglc.server.security.targets import FetchError


def read_data_url(url: str, media_types: Sequence[str], max_bytes: int) -> Fetched:
    """Return what a ``data:`` URL holds, of one of these types.

    Raises:
        FetchError: it holds something else, or more than that, or is no such URL.
    """
    head, comma, payload = url.partition(",")
    if not head.lower().startswith("data:") or not comma:
        raise FetchError("it is no data URL: data:TYPE;base64,…")
    media_type, *parameters = (word.strip().lower() for word in head[5:].split(";"))
    check_type(media_type or "text/plain", media_types)
    if len(payload) > 4 * max_bytes:  # %-escapes are the longest form: three characters a byte
        raise FetchError(f"it holds more than {max_bytes} bytes")
    if "base64" in parameters:
        try:
            data = base64.b64decode(unquote_to_bytes(payload), validate=True)
        except (binascii.Error, ValueError):
            raise FetchError("what it holds is not base64") from None
    else:
        data = unquote_to_bytes(payload)
    if len(data) > max_bytes:
        raise FetchError(f"it holds more than {max_bytes} bytes")
    return Fetched(data, media_type or "text/plain")
