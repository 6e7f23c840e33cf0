"""Flags of SGLang that this server has no use for: refused where they ask for what it lacks.

Three kinds. *Refused*: any value but SGLang's default is an error that says why. *Granted*: a
switch that asks for what is so anyway. *Gone*: flags of old versions that had to be named to be
taken away, refused as well.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from sglc.cli.errors import UsageError

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A flag, its spellings, the default of SGLang, and why another value is not served.

    ``takes`` is the type of its value, None for a switch; ``is_many`` for several values.
    """

    names: tuple[str, ...]
    default: Value
    why: str
    takes: type | None = None
    is_many: bool = False
    same: tuple[Value, ...] = ()  # further values that ask for nothing else

    @property
    def dest(self) -> str:
        """The name of the value in the namespace."""
        return self.names[0].removeprefix("--").replace("-", "_")


_ONE_DEVICE = "the model runs on one device"
_NO_COMPILE = "steps are not compiled"
_NO_GRAPHS = "CUDA graphs are not used"
_NO_LORA = "LoRA adapters are not loaded"
_NO_SPARSITY = "attention is never sparse"
_NO_QUANTIZATION = "weights are served as they are stored, in float32, bfloat16 or float16"


def _option(names: str, default: Value, why: str, same: tuple[Value, ...] = ()) -> Refused:
    kind = str if default is None else type(default)
    return Refused(tuple(names.split()), default, why, takes=kind, same=same)


def _switch(names: str, why: str) -> Refused:
    return Refused(tuple(names.split()), False, why)


REFUSED = (
    _option("--tokenizer-mode", "auto", "there is one kind of tokenizer, that of tokenizer.json"),
    _option("--kv-cache-dtype", "auto", "the KV cache has the dtype of the model"),
    _option("--quantization", None, _NO_QUANTIZATION),
    _option("--torchao-config", "", _NO_QUANTIZATION),
    _option("--revision", None, "give the folder of the revision as --model-path"),
    _option("--download-dir", None, "set HF_HOME to where the hub's files are kept"),
    _option("--json-model-override-args", "{}", "change config.json in a copy of the model"),
    _option("--schedule-conservativeness", 1.0, "requests are admitted by what they surely need"),
    _option("--cpu-offload-gb", 0, "weights stay on their device"),
    _option("--num-continuous-decode-steps", 1, "every step is scheduled"),
    _option("--tensor-parallel-size --tp-size --tp", 1, _ONE_DEVICE),
    _option("--data-parallel-size --dp-size --dp", 1, _ONE_DEVICE),
    _option("--expert-parallel-size --ep-size --ep", 1, _ONE_DEVICE),
    _option("--load-balance-method", "round_robin", _ONE_DEVICE),
    _option("--dist-init-addr --nccl-init-addr", None, _ONE_DEVICE),
    _option("--nnodes", 1, _ONE_DEVICE),
    _option("--node-rank", 0, _ONE_DEVICE),
    _option("--additional-ports", None, "the server needs one port; its processes share none"),
    _option("--attention-backend", None, "attention runs on torch", same=("torch_native",)),
    _option("--sampling-backend", None, "sampling runs on torch", same=("pytorch",)),
    _option("--grammar-backend", None, "constraints are built by sglc itself"),
    _option("--constrained-json-whitespace-pattern", None, "JSON is written with single spaces"),
    _option("--cuda-graph-max-bs", None, _NO_GRAPHS),
    _option("--torch-compile-max-bs", 32, _NO_COMPILE),
    _option("--triton-attention-num-kv-splits", 8, "attention runs on torch"),
    _option("--decode-log-interval", 40, "steps are not logged; /metrics counts them"),
    _option("--log-level-http", None, "one level is for all: --log-level"),
    _option("--max-loras-per-batch", 8, _NO_LORA),
    Refused(("--lora-paths",), None, _NO_LORA, takes=str, is_many=True),
    _option("--ds-channel-config-path", None, _NO_SPARSITY),
    _option("--ds-heavy-channel-num", 32, _NO_SPARSITY),
    _option("--ds-heavy-token-num", 256, _NO_SPARSITY),
    _option("--ds-heavy-channel-type", "qk", _NO_SPARSITY),
    _option("--ds-sparse-decode-threshold", 4096, _NO_SPARSITY),
    _switch("--enable-double-sparsity", _NO_SPARSITY),
    _switch("--enable-dp-attention", _ONE_DEVICE),
    _switch("--enable-ep-moe", _ONE_DEVICE),
    _switch("--enable-torch-compile", _NO_COMPILE),
    _switch("--enable-nan-detection", "steps are not searched for NaN"),
    _switch("--enable-overlap-schedule", "steps do not overlap"),
    _switch("--enable-mla", "no model with latent attention is served"),
    _switch("--efficient-weight-load", "weights are read tensor by tensor anyway: leave it out"),
    _switch("--show-time-cost", "/metrics has the times"),
    _switch("--delete-ckpt-after-loading", "files of models are never deleted"),
)

GRANTED = {
    "--disable-cuda-graph": _NO_GRAPHS,
    "--disable-cuda-graph-padding": _NO_GRAPHS,
    "--disable-overlap-schedule": "steps do not overlap",
    "--disable-custom-all-reduce": _ONE_DEVICE,
    "--enable-p2p-check": _ONE_DEVICE,
    "--disable-mla": "no model with latent attention is served",
    "--disable-flashinfer": "attention runs on torch",
    "--disable-flashinfer-sampling": "sampling runs on torch",
    "--triton-attention-reduce-in-fp32": "attention runs on torch",
    "--enable-mixed-chunk": "a step always mixes prompts and decoding",
}


def add_unserved_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    refused = parser.add_argument_group(
        "SGLang's flags for what this server does not have", "refused unless they are the default"
    )
    for flag in REFUSED:
        if flag.takes is None:
            refused.add_argument(*flag.names, action="store_true", help=flag.why)
        else:
            refused.add_argument(
                *flag.names,
                type=flag.takes,
                default=flag.default,
                nargs="*" if flag.is_many else None,
                metavar="X",
                help=flag.why,
            )
    granted = parser.add_argument_group("SGLang's flags for what is so anyway")
    for name, why in GRANTED.items():
        granted.add_argument(name, action="store_true", help=why)


def check_unserved(args: argparse.Namespace) -> None:
    """Refuse what is asked for and not there.

    Raises:
        UsageError: naming the flag, its value, and what is the case instead.
    """
    for flag in REFUSED:
        value = getattr(args, flag.dest)
        if value == flag.default or value in flag.same:
            continue
        name, kept = flag.names[0], "" if flag.takes is None else f" {value}"
        raise UsageError(f"{name}{kept} is not served here: {flag.why}")
