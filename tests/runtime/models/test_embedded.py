"""The model that ships with the project, through the same door as any other."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Text
from sglc.runtime.models import EMBEDDED, load_model
from sglc.runtime.models.loading import LoadedModel
from sglc.runtime.tokenizer.chatml import CHATML


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(EMBEDDED)


def test_it_is_small_and_runs_in_fp32(model: LoadedModel) -> None:
    assert model.dtype == torch.float32
    assert model.config.num_parameters < 20_000_000


def test_it_speaks_chatml(model: LoadedModel) -> None:
    assert model.template is not None
    assert model.template.prefix_stable
    assert model.template.roles == CHATML.roles
    assert model.template.generation == CHATML.generation
    assert model.tokenizer.special_ids["<|im_end|>"] in model.tokenizer.eos_ids


def test_it_answers_the_same_however_the_prompt_is_cut(model: LoadedModel, driver: Any) -> None:
    segments = [RoleBegin("user"), Text("Hello!"), RoleEnd("user"), RoleBegin("assistant")]
    ids = model.encoder().encode(segments)
    state = driver(model.runner(400))
    whole = state.step([("whole", ids)])
    assert whole.isfinite().all()
    parts = torch.cat([state.step([("parts", [i])]) for i in ids])
    assert (whole - parts).abs().max() < 1e-3
