"""Logits against transformers, fp32, over every way to cut the work into batches."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

ROPES: dict[str, dict[str, Any]] = {
    "linear": {"rope_type": "linear", "factor": 4.0},
    "dynamic": {"rope_type": "dynamic", "factor": 4.0},
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("Llama", {}),
    "llama-tied": ("Llama", {"tie_word_embeddings": True}),
    "llama-biases": ("Llama", {"attention_bias": True, "mlp_bias": True}),
    "llama-mha-gelu": ("Llama", {"num_key_value_heads": 4, "hidden_act": "gelu_pytorch_tanh"}),
    **{
        f"llama-{name}": ("Llama", {"rope_parameters": {"rope_theta": 500.0, **rope}})
        for name, rope in ROPES.items()
    },
    "mistral-window": ("Mistral", {"sliding_window": 7, "head_dim": 16}),
    "mistral-full": ("Mistral", {"sliding_window": None, "head_dim": 24}),
    "qwen2": ("Qwen2", {}),
    "qwen2-windows": (
        "Qwen2",
        {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1},
    ),
    "qwen3": ("Qwen3", {"head_dim": 16}),
}
IDS = [random.Random(3).randrange(3, 96) for _ in range(40)]
ATOL = 1e-4


@pytest.fixture(params=list(MODELS))
def pair(
    request: pytest.FixtureRequest, make_reference: Callable[..., Any], loaded: Callable[..., Any]
) -> tuple[Any, Any]:
    family, overrides = MODELS[request.param]
    reference = make_reference(family, **overrides)
    return reference, loaded(reference)


def close(found: torch.Tensor, wanted: torch.Tensor) -> None:
    assert found.dtype == torch.float32
    assert found.shape == wanted.shape
    difference = (found - wanted).abs().max().item()
    assert difference < ATOL, difference


def test_every_way_to_cut_a_sequence(pair: Any, driver: Any, expect: Any) -> None:
    reference, runner = pair
    wanted = expect(reference, IDS)
    assert wanted.std() > 0.5  # or agreement would say little
    state = driver(runner)
    close(state.step([("whole", IDS)]), wanted)
    for i, token in enumerate(IDS):
        close(state.step([("decode", [token])]), wanted[i : i + 1])
    at = 0
    for size in (3, 1, 11, 2, 23):
        close(state.step([("chunks", IDS[at : at + size])]), wanted[at : at + size])
        at += size


def test_a_mixed_batch(pair: Any, driver: Any, expect: Any) -> None:
    reference, runner = pair
    rng = random.Random(5)
    texts = {str(i): [rng.randrange(3, 96) for _ in range(n)] for i, n in enumerate((9, 30, 14, 2))}
    wanted = {name: expect(reference, ids) for name, ids in texts.items()}
    state = driver(runner)
    state.step([("1", texts["1"][:29]), ("2", texts["2"][:8])], rows=[])
    state.share("fork", "1", 12)
    # Decode, prefill, extension and a fork, of different lengths; logits of rows out of order.
    found = state.step(
        [
            ("0", texts["0"]),
            ("1", texts["1"][29:]),
            ("fork", texts["1"][12:20]),
            ("2", texts["2"][8:]),
            ("3", texts["3"]),
        ],
        rows=[9, 3, 25, 17, 24],
    )
    rows = [("1", 29), ("0", 3), ("3", 1), ("1", 19), ("3", 0)]
    close(found, torch.stack([wanted[name][i] for name, i in rows]))


def test_a_prefix_written_and_shared_in_one_batch(pair: Any, driver: Any, expect: Any) -> None:
    reference, runner = pair
    state = driver(runner)
    a, b = IDS[:20], [*IDS[:12], 5, 6, 7]
    shared = state.free[-12:][::-1]  # the slots that a will write are those that b reads
    state.slots["b"] = list(shared)
    found = state.step([("a", a), ("b", b[12:])])
    assert state.slots["a"][:12] == shared
    close(found[:20], expect(reference, a))
    close(found[20:], expect(reference, b)[12:])


def test_many_sequences_of_many_lengths(
    make_reference: Any, loaded: Any, driver: Any, expect: Any
) -> None:
    reference = make_reference("Llama")
    runner = loaded(reference)
    rng = random.Random(1)
    texts = {f"s{n}": [rng.randrange(96) for _ in range(n)] for n in (2, 3, 3, 17, 40, 41, 70, 100)}
    state = driver(runner)
    state.step([(name, ids[:-1]) for name, ids in texts.items()], rows=[])
    found = state.step([(name, ids[-1:]) for name, ids in texts.items()])
    close(found, torch.stack([expect(reference, ids)[-1] for ids in texts.values()]))


def test_bfloat16_stays_near(
    make_reference: Any, load_dir: Any, driver: Any, expect: Any, tmp_path: Path
) -> None:
    reference = make_reference("Qwen3", head_dim=16)
    reference.save_pretrained(tmp_path)
    found = driver(load_dir(tmp_path, torch.bfloat16)).step([("x", IDS)])
    assert found.dtype == torch.float32
    wanted = expect(reference, IDS)
    error = (found - wanted).norm() / wanted.norm()
    assert error < 0.05


def test_the_published_form_of_the_config(
    make_reference: Any, load_dir: Any, driver: Any, expect: Any, tmp_path: Path
) -> None:
    rope = {"rope_theta": 500.0, **ROPES["llama3"]}
    reference = make_reference("Llama", rope_parameters=rope)
    reference.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config |= {"torch_dtype": config.pop("dtype"), "rope_theta": 500.0}
    config["rope_scaling"] = config.pop("rope_parameters")
    del config["rope_scaling"]["rope_theta"]
    path.write_text(json.dumps(config))
    close(driver(load_dir(tmp_path)).step([("x", IDS)]), expect(reference, IDS))
