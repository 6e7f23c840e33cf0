"""Which device and dtype a model runs in, and how many KV slots fit."""

from __future__ import annotations

import os

import torch

from sglc.runtime.attention.base import AttentionShape, kv_bytes_per_slot
from sglc.runtime.models.config import ModelConfig
from sglc.runtime.models.errors import ModelError

_DTYPES = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
SMALL_MODEL = 200_000_000
"""Models of fewer parameters run in fp32 on a CPU: the work is overhead, not bandwidth."""


def choose_device(name: str) -> torch.device:
    """Resolve ``auto``.

    Raises:
        ModelError: the name is not known, or no CUDA device is there.
    """
    if name not in ("auto", "cpu", "cuda") and not name.startswith("cuda:"):
        raise ModelError(f"device is {name!r}; known: auto, cpu, cuda")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name != "cpu" and not torch.cuda.is_available():
        raise ModelError(f"device is {name!r}, but torch sees no CUDA device")
    return torch.device(name)


def choose_dtype(name: str, config: ModelConfig, device: torch.device) -> torch.dtype:
    """Resolve ``auto``: the checkpoint's dtype where the device is fast in it.

    Raises:
        ModelError: the name, or the checkpoint's dtype, is not one of the three.
    """
    known = ", ".join(_DTYPES)
    if name != "auto":
        if name not in _DTYPES:
            raise ModelError(f"dtype is {name!r}; known: auto, {known}")
        return _DTYPES[name]
    dtype = _DTYPES.get(config.dtype)
    if dtype is None:
        raise ModelError(f"the checkpoint's dtype is {config.dtype!r}; known: {known}")
    if device.type == "cuda":
        lacks_bf16 = dtype == torch.bfloat16 and not torch.cuda.is_bf16_supported(
            including_emulation=False
        )
        return torch.float16 if lacks_bf16 else dtype
    if config.num_parameters < SMALL_MODEL or not _cpu_has_bf16():
        return torch.float32
    return dtype


def _cpu_has_bf16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(k) for k in ("amx_bf16", "avx512_bf16", "bf16"))


def fitting_slots(
    shape: AttentionShape,
    dtype: torch.dtype,
    device: torch.device,
    *,
    static_fraction: float | None = None,
    fraction: float = 0.8,
    cap: int = 1 << 17,
) -> int:
    """Return how many slots, the dummy included, fit into memory behind the weights.

    They take ``fraction`` of what is free, at most ``cap`` slots; with ``static_fraction`` all
    that is free but for the rest of the whole memory, which stays for everything else.

    Raises:
        ModelError: not even 16 fit.
    """
    free_bytes, total_bytes = _memory(device)
    slot_bytes = kv_bytes_per_slot(shape, dtype)
    if static_fraction is None:
        count = min(cap, int(free_bytes * fraction) // slot_bytes)
    else:
        count = int(free_bytes - (1 - static_fraction) * total_bytes) // slot_bytes
    if count < 16:
        advice = "" if static_fraction is None else f": raise the fraction of {static_fraction}"
        raise ModelError(
            f"{free_bytes} of {total_bytes} bytes of memory are free: too little for a KV cache"
            + advice
        )
    return count


def _memory(device: torch.device) -> tuple[int, int]:
    """Return how much memory is free, and how much there is."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)
    free = _free_host_bytes()
    try:
        return free, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return free, free


def _free_host_bytes() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return 1 << 31
