"""Masks on disk, by vocabulary, automaton and end rule: mapped, so that loading reads nothing."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sglc.constraints.artifacts import ArtifactFolder, code_digest
from sglc.runtime.core.script import Constraint
from sglc.runtime.core.vocabulary import Vocabulary
from sglc.runtime.masks.mask import Mask
from sglc.runtime.masks.precompute import StateMasks
from sglc.runtime.masks.trie import Ints, Longs

_KIND = "masks"
_PACKAGE = Path(__file__).parent
_INDEX = ("mask_of", "reach", "begins", "checks")  # checked as a whole; the words mask by mask


class MaskStore:
    """The masks of one vocabulary in a folder; ``digest`` names its tokenizer."""

    def __init__(self, folder: ArtifactFolder, digest: str, vocabulary: Vocabulary) -> None:
        self._folder = folder
        self._identity = [digest, len(vocabulary.token_bytes), sorted(vocabulary.eos_ids)]

    def load(self, constraint: Constraint) -> StoredMasks | None:
        """Return the masks of a constraint; None if they are not there."""
        found = self._folder.read(_KIND, self._key(constraint))
        if found is None:
            return None
        data, arrays = found
        try:
            if data["crc"] != _crc(arrays):
                return None
            return StoredMasks(
                num_words=int(data["num_words"]),
                num_left_out=int(data["num_left_out"]),
                mask_of=np.frombuffer(arrays["mask_of"], np.int32),
                reach=np.frombuffer(arrays["reach"], np.int32),
                begins=np.frombuffer(arrays["begins"], np.int64),
                checks=np.frombuffer(arrays["checks"], np.uint32),
                words=np.frombuffer(arrays["words"], np.int32),
            )
        except (KeyError, ValueError, TypeError):
            return None

    def save(self, constraint: Constraint, found: StateMasks) -> int:
        """Write the masks of a constraint; return the size of the file, 0 if there is none."""
        parts = [m.words if m.at is None else np.concatenate((m.at, m.words)) for m in found.masks]
        begins = np.cumsum([0, *map(len, parts)], dtype=np.int64)
        arrays: dict[str, NDArray[np.generic]] = {
            "mask_of": found.mask_of,
            "reach": found.reach,
            "begins": begins,
            "checks": np.array([zlib.crc32(part.data) for part in parts], np.uint32),
            "words": np.concatenate([*parts, np.zeros(0, np.int32)]),
        }
        buffers = {name: memoryview(array.tobytes()) for name, array in arrays.items()}
        data = {
            "num_words": found.masks[0].num_words if found.masks else 0,
            "num_left_out": found.num_left_out,
            "crc": _crc(buffers),
        }
        return self._folder.write(_KIND, self._key(constraint), data, buffers)

    def _key(self, constraint: Constraint) -> list[object]:
        return [code_digest(_PACKAGE), *self._identity, constraint.machine.digest, constraint.end]


class StoredMasks(NamedTuple):
    """Masks in a mapped file.

    ``num_left_out``, ``mask_of`` and ``reach``: see ``StateMasks``. Mask m is
    ``words[begins[m] : begins[m + 1]]``: all ``num_words``, or where those stand that are not 0,
    then what they are. ``checks``: the CRC-32 of each mask.
    """

    num_words: int
    num_left_out: int
    mask_of: Ints
    reach: Ints
    begins: Longs
    checks: NDArray[np.uint32]
    words: Ints

    def get(self, state: int) -> tuple[Mask, int] | None:
        """Return mask and reach of a state; None if they are not there or damaged."""
        if state >= len(self.mask_of):
            return None
        number = int(self.mask_of[state])
        if number < 0:
            return None
        words = self.words[self.begins[number] : self.begins[number + 1]]
        if zlib.crc32(words.data) != self.checks[number]:
            return None
        if len(words) == self.num_words:
            return Mask(self.num_words, words, None), int(self.reach[state])
        half = len(words) // 2
        return Mask(self.num_words, words[half:], words[:half]), int(self.reach[state])


def _crc(arrays: Mapping[str, memoryview]) -> int:
    check = 0
    for name in _INDEX:
        check = zlib.crc32(arrays[name], check)
    return check
