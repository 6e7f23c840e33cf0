"""Abbreviated flags: what is short for one flag of SGLang's stays short for it.

argparse takes any beginning of a flag that is not one of another. Flags of ours would make some
of those ambiguous that users of SGLang write, so these are spelled out first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sglc.cli.unserved_flags import GRANTED, REFUSED

# what SGLang 0.4.1 and before have, spellings of one flag together
_SERVED = (
    "--model-path", "--tokenizer-path", "--chat-template", "--served-model-name", "--load-format",
    "--dtype", "--device", "--base-gpu-id", "--context-length", "--is-embedding",
    "--skip-tokenizer-init", "--trust-remote-code", "--mem-fraction-static", "--max-total-tokens",
    "--max-running-requests", "--max-num-reqs", "--max-prefill-tokens", "--chunked-prefill-size",
    "--schedule-policy", "--schedule-heuristic", "--disable-radix-cache", "--disable-jump-forward",
    "--disable-regex-jump-forward", "--disable-outlines-disk-cache", "--disable-disk-cache",
    "--random-seed", "--watchdog-timeout", "--host", "--port", "--file-storage-pth",
    "--stream-interval", "--enable-cache-report", "--api-key", "--log-level", "--log-requests",
    "--enable-metrics",
)  # fmt: skip


def sglang_flags() -> Iterator[tuple[str, ...]]:
    """Yield SGLang's flags, each with all its spellings."""
    for name in _SERVED:
        yield (name,)
    for flag in REFUSED:
        yield flag.names
    for name in GRANTED:
        yield (name,)


def spelled_out(words: Sequence[str], more: Sequence[tuple[str, ...]] = ()) -> list[str]:
    """Return a command line in which beginnings of single flags of SGLang's are written out.

    ``more`` are flags that the command has besides those of the server.
    """
    flags = [*sglang_flags(), *more]
    return [_spelled_out(word, flags) if word.startswith("--") else word for word in words]


def _spelled_out(word: str, flags: Sequence[tuple[str, ...]]) -> str:
    name, sign, value = word.partition("=")
    if len(name) < 3 or any(name in names for names in flags):
        return word
    found = [names for names in flags if any(each.startswith(name) for each in names)]
    return found[0][0] + sign + value if len(found) == 1 else word
