from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from sglc.runtime.layers.linear import DenseLinear
from sglc.runtime.layers.mlp import ACTIVATIONS, GatedMLP
from sglc.runtime.layers.norm import RMSNorm
from sglc.runtime.layers.rotary import Rotary, RotaryConfig, frequencies, interleave

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_linear(dtype: torch.dtype) -> None:
    weight, bias, x = torch.randn(5, 3), torch.randn(5), torch.randn(4, 3)
    weight, bias, x = weight.to(dtype), bias.to(dtype), x.to(dtype)
    residual = torch.randn(4, 5).to(dtype)
    for b in (None, bias):
        layer = DenseLinear(weight, b)
        assert (layer.in_features, layer.out_features) == (3, 5)
        wanted = F.linear(x, weight, b)
        assert torch.allclose(layer(x), wanted, atol=0.05 if dtype == torch.bfloat16 else 1e-6)
        start = residual.clone()
        added = layer.add_to(start, x)
        assert added is start
        assert torch.allclose(added.float(), (residual + wanted).float(), atol=0.05)


@pytest.mark.parametrize("rows", [(7,), (7, 2)])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_rms_norm(rows: tuple[int, ...], scale: float) -> None:
    x, weight = torch.randn(*rows, 16) * scale, torch.randn(16)
    wanted = F.rms_norm(x, (16,), weight, 1e-5)
    assert torch.allclose(RMSNorm(weight, 1e-5)(x), wanted, rtol=1e-5, atol=1e-6)
    low = RMSNorm(weight.bfloat16(), 1e-5)(x.bfloat16())
    assert torch.allclose(low.float(), wanted, rtol=0.03, atol=0.03)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rms_norm_with_a_weight_per_head(dtype: torch.dtype) -> None:
    x, weight = torch.randn(5, 3, 8).to(dtype), torch.randn(3, 8).to(dtype)
    found = RMSNorm(weight, 1e-6)(x)
    for head in range(3):
        wanted = F.rms_norm(x[:, head], (8,), weight[head], 1e-6)
        assert torch.allclose(found[:, head].float(), wanted.float(), atol=0.02)


def test_norm_of_zeros_is_zero() -> None:
    assert not RMSNorm(torch.ones(8), 1e-6)(torch.zeros(2, 8)).any()


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_gated_mlp(activation: str) -> None:
    gate, up, down = torch.randn(6, 4), torch.randn(6, 4), torch.randn(4, 6)
    x, residual = torch.randn(3, 4), torch.randn(3, 4)
    mlp = GatedMLP(DenseLinear(torch.cat((gate, up))), DenseLinear(down), activation)
    wanted = residual + (ACTIVATIONS[activation](x @ gate.t()) * (x @ up.t())) @ down.t()
    assert torch.allclose(mlp.add_to(residual, x), wanted, atol=1e-5)


def rotated(rotary: Rotary, heads: torch.Tensor, positions: list[int]) -> torch.Tensor:
    """Rotate heads whose channels are in halves, as published weights have them."""
    num, dim = heads.shape[1:]
    flat = torch.stack([interleave(row.reshape(-1), dim, dim) for row in heads])
    mine = flat.view(-1, num, dim).contiguous()
    rotary.rotate_(mine, rotary.at(torch.tensor(positions), max(positions)))
    return mine


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_rotation_is_that_of_the_paper(dtype: torch.dtype) -> None:
    positions, dim = [0, 3, 700], 8
    heads = torch.randn(3, 2, dim).to(dtype)
    found = rotated(Rotary(RotaryConfig(theta=100.0), dim, CPU), heads, positions).float()
    for t, position in enumerate(positions):
        for i in range(dim // 2):
            angle = position * 100.0 ** (-2 * i / dim)
            c, s = math.cos(angle), math.sin(angle)
            a, b = heads[t, :, i].float(), heads[t, :, i + dim // 2].float()
            tolerance = 1e-4 if dtype == torch.float32 else 0.03
            assert torch.allclose(found[t, :, 2 * i], a * c - b * s, atol=tolerance)
            assert torch.allclose(found[t, :, 2 * i + 1], a * s + b * c, atol=tolerance)


def test_partial_rotation_leaves_the_rest() -> None:
    rotary = Rotary(RotaryConfig(partial=0.5), 8, CPU)
    heads = torch.randn(2, 3, 8)
    before = heads.clone()
    rotary.rotate_(heads, rotary.at(torch.tensor([5, 6]), 6))
    assert torch.equal(heads[..., 4:], before[..., 4:])
    assert not torch.allclose(heads[..., :4], before[..., :4])
    assert interleave(torch.arange(8), 8, 4).tolist() == [0, 2, 1, 3, 4, 5, 6, 7]


def test_scaled_frequencies() -> None:
    plain, _ = frequencies(RotaryConfig(), 16)
    linear, _ = frequencies(RotaryConfig(rope_type="linear", factor=4.0), 16)
    assert torch.allclose(linear, plain / 4)
    llama3, _ = frequencies(
        RotaryConfig(rope_type="llama3", factor=8.0, original_max_position=64), 16
    )
    assert llama3[0] == plain[0]
    assert torch.allclose(llama3[-1], plain[-1] / 8)
    yarn, factor = frequencies(
        RotaryConfig(rope_type="yarn", factor=4.0, original_max_position=64), 16
    )
    assert yarn[0] == plain[0]
    assert torch.allclose(yarn[-1], plain[-1] / 4)
    assert factor == pytest.approx(0.1 * math.log(4.0) + 1.0)


def test_unknown_rope_type() -> None:
    with pytest.raises(ValueError, match="rope type `longrope` is not supported; known: default"):
        RotaryConfig(rope_type="longrope")
