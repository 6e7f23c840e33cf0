"""Vocabularies of realistic size for benchmarks: byte-level BPE, trained on text that is at hand.

The text is the sources and documents of the Python installation that runs this, so sizes are
those of real tokenizers and the words are not. Trained once, kept in the cache folder.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_SUFFIXES = {".py", ".pyi", ".rst", ".md", ".txt", ".json", ".h"}
_MAX_FILE_BYTES = 200_000


def tokenizer_file(size: int, folder: Path, corpus_mib: int = 120) -> Path:
    """Return the path of a tokenizer.json with ``size`` tokens, trained if it is not there.

    The first 256 ids are the single bytes' strings in some order; ``</s>`` is the last id.
    """
    path = folder / f"bpe-{size}.json"
    if path.exists():
        return path
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - 1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(corpus_mib * 2**20), trainer)
    tokenizer.add_special_tokens(["</s>"])
    found = tokenizer.get_vocab_size()
    if found != size:
        raise SystemExit(f"only {found} of {size} tokens: {corpus_mib} MiB of text are too few")
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(path))
    return path


def _texts(max_bytes: int) -> Iterator[str]:
    roots = dict.fromkeys([sysconfig.get_paths()["stdlib"], *filter(None, sys.path[1:])])
    left = max_bytes
    for root in map(Path, roots):
        if not root.is_dir():
            continue
        for path in sorted(root.rglob("*")):
            if path.suffix not in _SUFFIXES or not path.is_file():
                continue
            text = path.read_bytes()[:_MAX_FILE_BYTES].decode("utf-8", "ignore")
            left -= len(text)
            yield text
            if left < 0:
                return
