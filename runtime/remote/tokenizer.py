"""The vocabulary of a backend that is asked over HTTP: bytes, and tokens that are no text.

What a server makes of a text is its own affair, so a prompt stays bytes until it is sent. What is
no text is one token each: the borders of messages, for servers that take messages, and pictures.
So a prompt can be read back exactly, whatever its texts hold.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sglc.compiler.plan.segments import Media, Special
from sglc.runtime.tokenizer.byte import without_surrogates

ROLES: Final = ("system", "developer", "user", "assistant", "tool")
BEGIN: Final = "<|begin|>"
END: Final = "<|end|>"
_FIRST_MEDIA: Final = 1024  # ids from here on are pictures and videos
_MAX_MEDIA: Final = 1 << 24

Ids = tuple[int, ...]


def role_token(role: str) -> str:
    """Return the name of the token that begins a message."""
    return f"<|{role}|>"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt; ``is_open`` says that its end has not come: it is a prefill."""

    role: str
    parts: tuple[str | Media, ...]
    is_open: bool = False

    @property
    def text(self) -> str:
        """The text of the parts that are text."""
        return "".join(part for part in self.parts if isinstance(part, str))


class RemoteTokenizer:
    """Implements TokenizerLike: id b is byte b; ids from 256 on are no text.

    A stream that begins with text begins with ``<|begin|>``, which is nothing: so that there is a
    stream to go on from that holds no text.
    """

    def __init__(self) -> None:
        names = (BEGIN, END, *map(role_token, ROLES))
        self._names = dict(enumerate(names, 256))
        self._media: weakref.WeakValueDictionary[int, Media] = weakref.WeakValueDictionary()
        self._num_media = 0
        self.special_ids: Mapping[str, int] = _SpecialIds(
            {name: i for i, name in self._names.items()}
        )
        self.token_bytes: Sequence[bytes] = _TokenBytes()
        self.vocab_size = _FIRST_MEDIA + _MAX_MEDIA
        self.bos_ids: Ids = (self.special_ids[BEGIN],)
        self.eos_ids = frozenset((self.special_ids[END],))
        self.digest = hashlib.sha256(b"sglc remote tokenizer 1").hexdigest()

    def encode(self, text: str, *, continues: bool = False) -> list[int]:
        """Return the UTF-8 bytes of ``text``; lone surrogates are U+FFFD."""
        return list(_utf8(text))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ``ids``, what is no text left out."""
        return bytes(i for i in ids if i < 256).decode(errors="replace")

    def commit_points(self, text: str, following: Collection[int] | None = None) -> list[int]:
        """Return every border between characters: no byte depends on another."""
        return list(range(len(text) + 1))

    def new_media(self, kind: Literal["image", "video"], url: str, shown: str = "") -> Media:
        """Return the token of a picture or video; it is known as long as somebody holds it.

        ``shown`` stands for it in a prompt that is sent as text.

        Raises:
            ValueError: so many were made that there are no ids left.
        """
        if self._num_media >= _MAX_MEDIA:
            raise ValueError(f"a backend takes {_MAX_MEDIA} pictures and videos at most")
        number = self._num_media
        self._num_media += 1
        made = Media(f"<|{kind} {number}|>", kind, url, shown)
        self._media[_FIRST_MEDIA + number] = made
        return made

    def parts(self, ids: Sequence[int]) -> Iterator[str | Media | Special]:
        """Yield the texts and special tokens of a prompt in turn; ``<|begin|>`` is left out.

        Raises:
            ValueError: a picture that nobody holds any more.
        """
        text = bytearray()
        for token in ids:
            if token < 256:
                text.append(token)
                continue
            if token == self.bos_ids[0]:
                continue
            if text:
                yield text.decode(errors="replace")
                text.clear()
            found = self._names.get(token)
            yield self._media_of(token) if found is None else Special(found)
        if text:
            yield text.decode(errors="replace")

    def text_of(self, ids: Sequence[int]) -> tuple[str, tuple[Media, ...]]:
        """Return a prompt for a server that takes text, with its pictures in their order.

        Raises:
            ValueError: there are messages in it.
        """
        media: list[Media] = []
        text: list[str] = []
        for part in self.parts(ids):
            if isinstance(part, Media):
                media.append(part)
                text.append(part.shown)
            elif isinstance(part, Special):
                raise ValueError("the server takes text, and the prompt has messages")
            else:
                text.append(part)
        return "".join(text), tuple(media)

    def messages(self, ids: Sequence[int]) -> list[Message]:
        """Return a prompt for a server that takes messages; the last one may be open.

        Raises:
            ValueError: there is text between messages.
        """
        found: list[Message] = []
        role: str | None = None
        parts: list[str | Media] = []
        for part in self.parts(ids):
            if isinstance(part, Special) and not isinstance(part, Media):
                if part.name == END:
                    if role is not None:
                        found.append(Message(role, tuple(parts)))
                    role = None
                else:
                    if role is not None:
                        found.append(Message(role, tuple(parts)))
                    role = part.name[2:-2]
                parts = []
            elif role is None:
                what = f"the text {_clip(part)}" if isinstance(part, str) else f"the {part.kind}"
                raise ValueError(
                    f"the server takes messages, and {what} stands outside of them: write it "
                    "inside of `user`, `system` or `assistant`"
                )
            else:
                parts.append(part)
        if role is not None:
            found.append(Message(role, tuple(parts), is_open=True))
        return found

    def open_role(self, ids: Sequence[int]) -> tuple[str | None, bool]:
        """Return the role of the message that a prompt ends in, and whether anything is in it."""
        for number, token in enumerate(reversed(ids)):
            name = self._names.get(token)
            if name is not None:
                return (None if name in (BEGIN, END) else name[2:-2]), number > 0
        return None, bool(ids)

    def open_message(self, ids: Sequence[int]) -> tuple[Ids, str]:
        """Return a prompt up to where its open message begins, and the text of that."""
        for number, token in enumerate(reversed(ids)):
            if token in self._names:
                at = len(ids) - number
                return tuple(ids[:at]), self.decode(ids[at:])
        return (), self.decode(ids)

    def _media_of(self, token: int) -> Media:
        try:
            return self._media[token]
        except KeyError:
            raise ValueError("the prompt has a picture that is there no more") from None


class _SpecialIds(Mapping[str, int]):
    """Ids by name: those of messages, and any picture by its number."""

    def __init__(self, fixed: Mapping[str, int]) -> None:
        self._fixed = fixed

    def __getitem__(self, name: str) -> int:
        kind, _, number = name[2:-2].partition(" ")
        if kind in ("image", "video") and number.isdecimal():
            return _FIRST_MEDIA + int(number)
        return self._fixed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fixed)

    def __len__(self) -> int:
        return len(self._fixed)


class _TokenBytes(Sequence[bytes]):
    """What each id adds to the text, without a table of the pictures."""

    def __getitem__(self, i: int) -> bytes:  # type: ignore[override]  # nobody slices it
        if not -1 < i < len(self):
            raise IndexError(i)
        return _BYTES[i] if i < 256 else b""

    def __len__(self) -> int:
        return _FIRST_MEDIA + _MAX_MEDIA


_BYTES: Final = tuple(bytes([i]) for i in range(256))


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return without_surrogates(text).encode()


def _clip(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
