"""The tensors of a checkpoint: one safetensors file, or shards with an index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from sglc.runtime.models.config import read_json
from sglc.runtime.models.errors import ModelError

_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"


class Checkpoint:
    """Tensors by name, read from the files on demand. A context manager: it keeps files open.

    Raises:
        ModelError: on opening or reading, a file is missing, truncated or not safetensors.
    """

    def __init__(self, directory: Path) -> None:
        self._stack = ExitStack()
        self._files: dict[str, tuple[Path, Any]] = {}  # tensor name -> its file, opened
        self.directory = directory
        try:
            for path in _weight_files(directory):
                opened = self._open(path)
                self._files |= dict.fromkeys(opened.keys(), (path, opened))
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.clear()
        self._stack.close()

    def _open(self, path: Path) -> Any:
        try:
            return self._stack.enter_context(safe_open(path, framework="pt"))
        except FileNotFoundError:
            raise ModelError(f"{path}: no such file, though {_INDEX} names it") from None
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path}: truncated, or not a safetensors file: {error}") from None

    def tensor(self, name: str) -> Tensor:
        """Read one tensor, in the dtype it is stored in."""
        path, opened = self._files[name]
        try:
            tensor: Tensor = opened.get_tensor(name)
        except (SafetensorError, OSError, RuntimeError) as error:
            raise ModelError(f"{path}: cannot read tensor `{name}`: {error}") from None
        return tensor

    def check(self, wanted: Mapping[str, tuple[int, ...]], ignored: Iterable[str]) -> None:
        """Compare names and shapes with what a model needs, before any weight is read.

        ``ignored`` are suffixes of names that may be there and are not used.

        Raises:
            ModelError: listing every kind of difference, with names.
        """
        there, suffixes = set(self._files), tuple(ignored)
        missing = sorted(set(wanted) - there)
        unexpected = sorted(n for n in there - set(wanted) if not n.endswith(suffixes))
        wrong = []
        for name in sorted(there & set(wanted)):
            shape = tuple(self._files[name][1].get_slice(name).get_shape())
            if shape != wanted[name]:
                wrong.append(f"{name} is {list(shape)}, not {list(wanted[name])}")
        problems = [
            f"{what}: {_listed(names)}"
            for what, names in (
                ("missing", missing), ("unexpected", unexpected), ("wrong shape", wrong)
            )
            if names
        ]  # fmt: skip
        if problems:
            text = "\n  ".join(problems)
            raise ModelError(f"{self.directory}: weights do not fit config.json\n  {text}")


def _weight_files(directory: Path) -> list[Path]:
    index = directory / _INDEX
    if index.exists():
        names = read_json(index).get("weight_map")
        if not isinstance(names, dict) or not names:
            raise ModelError(f"{index}: `weight_map` is missing")
        return [directory / name for name in sorted(set(names.values()))]
    if (directory / _SINGLE).exists():
        return [directory / _SINGLE]
    if any(directory.glob("pytorch_model*.bin")):
        raise ModelError(
            f"{directory}: only pytorch_model.bin weights; save them again as safetensors "
            "(transformers: model.save_pretrained(path))"
        )
    raise ModelError(f"{directory}: no weights: neither {_SINGLE} nor {_INDEX}")


def _listed(names: list[str]) -> str:
    more = f", and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
