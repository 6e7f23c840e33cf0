"""Arguments of SGLang's servers, as options of an engine in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from sglc.compiler.diagnostics.suggest import meant

if TYPE_CHECKING:
    from sglc.runtime.options import LocalOptions

_LOCAL: Final = {
    "tokenizer_path": "tokenizer",
    "mem_fraction_static": "memory_fraction",
    "max_total_tokens": "num_slots",
}
_ENGINE: Final = {
    "max_running_requests": "max_running",
    "max_num_reqs": "max_running",
    "max_prefill_tokens": "max_prefill_tokens",
    "schedule_policy": "schedule_policy",
    "schedule_heuristic": "schedule_policy",
}
_DISABLES: Final = {
    "disable_radix_cache": "radix_cache",
    "disable_jump_forward": "jump_forward",
    "disable_regex_jump_forward": "jump_forward",
}
_DTYPES: Final = {"half": "float16", "float": "float32"}
_ONLY: Final[Mapping[str, tuple[tuple[Any, ...], str]]] = {
    "tp_size": ((1,), "an engine computes on one device"),
    "dp_size": ((1,), "an engine is one replica"),
    "nnodes": ((1,), "an engine is one process"),
    "node_rank": ((0,), "an engine is one process"),
    "tokenizer_mode": (("auto",), "there is one kind of tokenizer"),
    "quantization": ((None,), "weights are used as they are stored"),
    "kv_cache_dtype": (("auto",), "the K/V cache has the type of the model"),
    "is_embedding": ((False, None), "an engine generates, and embeds with `encode`"),
    "skip_tokenizer_init": ((False, None), "programs are text"),
    "disable_cuda_graph": ((True, None), "there are no CUDA graphs"),
    "enable_torch_compile": ((False, None), "the model is not compiled"),
    "disable_overlap_schedule": ((True, None), "steps do not overlap"),
    "enable_p2p_check": ((False, None), "an engine computes on one device"),
}
_SHORT: Final = {"tp": "tp_size", "dp": "dp_size", "tensor_parallel_size": "tp_size",
    "data_parallel_size": "dp_size", "quant": "quantization", "model": "model_path"}  # fmt: skip
_LOGGING: Final = ("log_level", "log_level_http", "log_requests", "show_time_cost")


def local_options(model_path: str, given: Mapping[str, Any]) -> LocalOptions:
    """Return the options of a model in this process.

    Raises:
        TypeError: there is no such option; the message names what is near.
        ValueError: an option is out of its range, or asks for what an engine does not have.
    """
    from sglc.runtime.config import EngineConfig, cache_folder
    from sglc.runtime.options import LocalOptions

    engine: EngineConfig = given.get("engine") or EngineConfig.from_env()
    own = {item.name for item in fields(LocalOptions)} - {"model", "engine"}
    options: dict[str, Any] = {"cache_folder": cache_folder()}
    changed: dict[str, Any] = {}
    for key, value in given.items():
        name = _SHORT.get(key, key)
        if name == "engine" or name in _LOGGING or name == "trust_remote_code":
            continue  # there is no log, and no code of a model is ever run
        if name in _ONLY:
            allowed, reason = _ONLY[name]
            if value not in allowed:
                raise ValueError(f"{key} cannot be {value!r}: {reason}")
        elif name in _LOCAL or name in own:
            options[_LOCAL.get(name, name)] = value
        elif name in _ENGINE:
            changed[_ENGINE[name]] = value
        elif name in _DISABLES:
            changed[_DISABLES[name]] = not value
        elif name == "chunked_prefill_size":
            changed["chunk_size"] = value
        elif name == "disable_outlines_disk_cache" or name == "disable_disk_cache":
            options["cache_folder"] = None if value else options["cache_folder"]
        else:
            raise TypeError(_unknown(key, own))
    if changed.get("chunk_size", 1) <= 0:
        changed["chunk_size"] = changed.get("max_prefill_tokens", engine.max_prefill_tokens)
    options = {name: value for name, value in options.items() if not _is_unset(name, value)}
    if "dtype" in options:
        options["dtype"] = _DTYPES.get(options["dtype"], options["dtype"])
    changed = {name: value for name, value in changed.items() if value is not None}
    return LocalOptions(model=model_path, engine=replace(engine, **changed), **options)


def _is_unset(name: str, value: Any) -> bool:
    """Whether an argument is None, as SGLang has it for what is left to the server."""
    return value is None and name != "cache_folder"


def _unknown(name: str, own: set[str]) -> str:
    known = sorted({*own, *_LOCAL, *_ENGINE, *_DISABLES, *_ONLY, *_LOGGING, "chunked_prefill_size"})
    hint = meant(name, known, f"known: {', '.join(known)}")
    return f"an engine has no option `{name}`; {hint}"
