"""What a recording says of the model that was asked."""

from __future__ import annotations

from typing import Any

from sglc.runtime.executor.executor import Executor
from sglc.runtime.executor.stream import Encoder
from sglc.runtime.recording.encoders import encoder_data


def model_data(executor: Executor, encoder: Encoder, name: str) -> dict[str, Any]:
    """Return what a replay has to know of a model, as JSON.

    Raises:
        RecordingError: its tokenizer cannot be kept.
    """
    return {
        "name": name,
        "vocab_size": executor.vocab_size,
        "max_context": executor.max_context,
        **encoder_data(encoder),
    }
