"""Pictures that a program names: files, bytes and addresses, as what a server is sent."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sglc.compiler.plan.media import Picture

if TYPE_CHECKING:
    from sglc.program.expressions import Media

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)


def picture_of(media: Media) -> Picture:
    """Return what is sent for a picture: an address as it is, else the bytes of the file.

    Raises:
        ValueError: the file cannot be read, or is none of an image; it is a video.
    """
    source = media.source
    if media.kind == "video":
        raise ValueError("no backend takes videos yet: give frames of it as image(…)")
    if isinstance(source, str) and source.startswith(("http://", "https://", "data:")):
        return Picture("image", source)
    named = None
    if not isinstance(source, bytes):
        path = Path(source)
        named = mimetypes.guess_type(path.name)[0]
        try:
            source = path.read_bytes()
        except OSError as error:
            raise ValueError(f"image({str(path)!r}) cannot be read: {error.strerror}") from None
    kind = _kind(source) or named
    if kind is None or not kind.startswith("image/"):
        raise ValueError("these bytes are no image of a known kind (PNG, JPEG, GIF, WebP, BMP)")
    return Picture("image", f"data:{kind};base64,{base64.b64encode(source).decode()}")


def _kind(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)
