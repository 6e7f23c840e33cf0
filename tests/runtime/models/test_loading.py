from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer as Inner
from tokenizers import decoders, pre_tokenizers
from tokenizers import models as inner_models

from sglc.compiler.plan.segments import RoleBegin, RoleEnd, Text
from sglc.runtime.models import ModelError, load_model, loading, resolve
from sglc.runtime.models.config import read_config
from sglc.runtime.models.dummy import DummyWeights
from sglc.runtime.models.files import load_files
from sglc.runtime.models.placement import choose_device, choose_dtype, fitting_slots
from sglc.runtime.models.registry import ARCHITECTURES, find_architecture

IDS = [5, 9, 40, 3, 77]


def write_tokenizer(directory: Path) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())[:90]
    inner = Inner(inner_models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.add_special_tokens(["<|im_start|>", "<|im_end|>"])
    (directory / "tokenizer.json").write_text(inner.to_str(), encoding="utf-8")


@pytest.fixture
def model_dir(make_reference: Callable[..., Any], tmp_path: Path) -> Iterator[Path]:
    """A tiny Llama with a tokenizer; load_model sets the number of threads, so it is put back."""
    make_reference("Llama").save_pretrained(tmp_path)
    write_tokenizer(tmp_path)
    threads = torch.get_num_threads()
    yield tmp_path
    torch.set_num_threads(threads)


def edit(directory: Path, **changes: Any) -> None:
    """Change config.json; None takes a key out."""
    path = directory / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


def edit_weights(directory: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    path = directory / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)


def test_load_model(model_dir: Path, driver: Any) -> None:
    source = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    )
    (model_dir / "chat_template.jinja").write_text(source)
    model = load_model(model_dir)
    assert (model.dtype, model.device.type) == (torch.float32, "cpu")
    assert torch.get_num_threads() == 1
    runner = model.runner(100)
    assert (runner.vocab_size, runner.max_context, runner.num_slots) == (96, 128, 100)
    assert model.template is not None
    segments = [RoleBegin("user"), Text("a"), RoleEnd("user")]
    ids = model.encoder().encode(segments)
    assert driver(runner).step([("x", ids)], rows=[len(ids) - 1]).shape == (1, 96)
    assert model.runner().num_slots > 1000
    with pytest.raises(ValueError, match="num_slots is 1"):
        model.runner(1)


def test_too_long_a_sequence(model_dir: Path, driver: Any) -> None:
    state = driver(load_model(model_dir).runner(200))
    with pytest.raises(ValueError, match="sequence of 129 tokens; the model takes 128"):
        state.step([("x", [3] * 129)])


def test_logits_may_be_changed_in_place(model_dir: Path, driver: Any) -> None:
    logits = driver(load_model(model_dir).runner(20)).step([("x", IDS)])
    logits.mul_(2.0)
    assert not logits.is_inference()


def test_shards(
    make_reference: Any, load_dir: Any, driver: Any, expect: Any, tmp_path: Path
) -> None:
    reference = make_reference("Llama")
    reference.save_pretrained(tmp_path, max_shard_size="60KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2
    wanted = expect(reference, IDS)
    assert torch.allclose(driver(load_dir(tmp_path)).step([("x", IDS)]), wanted, atol=1e-4)
    shard = sorted(tmp_path.glob("*.safetensors"))[1]
    shard.unlink()
    with pytest.raises(ModelError, match=f"{shard.name}: no such file, though"):
        load_dir(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(ModelError, match="`weight_map` is missing"):
        load_dir(tmp_path)


def test_tied_head_that_is_saved_all_the_same(
    make_reference: Any, load_dir: Any, driver: Any, expect: Any, tmp_path: Path
) -> None:
    reference = make_reference("Llama", tie_word_embeddings=True)
    reference.save_pretrained(tmp_path)
    edit_weights(tmp_path, lambda t: t.update({"lm_head.weight": t["model.norm.weight"].clone()}))
    found = driver(load_dir(tmp_path)).step([("x", IDS)])
    assert torch.allclose(found, expect(reference, IDS), atol=1e-4)


def test_tensors_that_do_not_fit_are_all_named(model_dir: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        del tensors["model.layers.1.mlp.up_proj.weight"]
        del tensors["lm_head.weight"]
        tensors["model.layers.0.extra"] = torch.zeros(1)
        tensors["model.norm.weight"] = torch.zeros(7)

    edit_weights(model_dir, change)
    with pytest.raises(ModelError) as error:
        load_model(model_dir)
    text = str(error.value)
    assert "missing: lm_head.weight, model.layers.1.mlp.up_proj.weight" in text
    assert "unexpected: model.layers.0.extra" in text
    assert "wrong shape: model.norm.weight is [7], not [48]" in text


@pytest.mark.parametrize("keep", [0, 4, 200, 60_000])
def test_truncated_weights(model_dir: Path, keep: int) -> None:
    path = model_dir / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"model\.safetensors: truncated, or not a safetensors"):
        load_model(model_dir)


def test_no_weights(model_dir: Path) -> None:
    (model_dir / "model.safetensors").rename(model_dir / "pytorch_model.bin")
    with pytest.raises(ModelError, match="save them again as safetensors"):
        load_model(model_dir)
    (model_dir / "pytorch_model.bin").unlink()
    with pytest.raises(ModelError, match=r"neither model\.safetensors nor"):
        load_model(model_dir)


def test_a_tokenizer_of_another_model(model_dir: Path) -> None:
    edit(model_dir, vocab_size=80)
    with pytest.raises(ModelError, match="has 10 tokens past vocab_size 80 of config"):
        load_model(model_dir)


def test_no_tokenizer(model_dir: Path) -> None:
    (model_dir / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"tokenizer\.json: no such file"):
        load_model(model_dir)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"architectures": ["GPT2LMHeadModel"]},
            "`GPT2LMHeadModel` is not supported; known: Llama",
        ),
        ({"architectures": None}, "`architectures` is missing"),
        ({"hidden_size": None}, "`hidden_size` is missing"),
        ({"hidden_size": "48"}, "`hidden_size` is '48', not a number"),
        ({"num_hidden_layers": 0}, "`num_hidden_layers` is 0, not a whole number"),
        ({"num_key_value_heads": 3}, "4 is not a multiple of num_key_value_heads 3"),
        ({"head_dim": 13}, "head_dim 13 is odd"),
        ({"hidden_act": "relu"}, "hidden_act `relu` is not supported; known: gelu"),
        ({"rope_parameters": {"rope_type": "longrope"}}, "rope type `longrope` is not supported"),
        ({"rope_parameters": {"full_attention": {}}}, "differ by layer"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantization `gptq`"),
        ({"dtype": "float8_e4m3fn"}, "the checkpoint's dtype is 'float8_e4m3fn'"),
        ({"sliding_window": 4, "layer_types": ["odd"]}, "`layer_types` is"),
        ({"num_hidden_layers": 2}, "unexpected: model.layers.2.input_layernorm.weight"),
    ],
)
def test_configs_that_are_refused(model_dir: Path, changes: dict[str, Any], message: str) -> None:
    edit(model_dir, **changes)
    with pytest.raises(ModelError, match=message):
        load_model(model_dir)


def test_broken_config(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.json: no such file"):
        read_config(tmp_path)
    for content, message in (("{", "not valid JSON"), ("[]", "not a JSON object")):
        (tmp_path / "config.json").write_text(content)
        with pytest.raises(ModelError, match=message):
            read_config(tmp_path)


def test_windows_count_only_where_the_architecture_says_so(model_dir: Path) -> None:
    for name, flag, windows in (
        ("LlamaForCausalLM", None, (None, None, None)),
        ("MistralForCausalLM", None, (9, 9, 9)),
        ("Qwen2ForCausalLM", None, (None, None, None)),
        ("Qwen2ForCausalLM", False, (None, None, None)),
        ("Qwen2ForCausalLM", True, (None, None, 9)),
    ):
        edit(model_dir, sliding_window=9, use_sliding_window=flag, max_window_layers=2)
        config = read_config(model_dir)
        assert find_architecture(name).windows(config) == windows, (name, flag)


def test_dtypes_and_devices(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    edit(model_dir, dtype="bfloat16")
    small = read_config(model_dir)
    assert choose_dtype("auto", small, cpu) == torch.float32
    assert choose_dtype("float16", small, cpu) == torch.float16
    edit(model_dir, num_hidden_layers=100_000)
    large = read_config(model_dir)
    for has, wanted in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr("sglc.runtime.models.placement._cpu_has_bf16", lambda has=has: has)
        assert choose_dtype("auto", large, cpu) == wanted
    with pytest.raises(ModelError, match="dtype is 'int8'; known: auto, float32"):
        choose_dtype("int8", small, cpu)
    with pytest.raises(ModelError, match="device is 'tpu'; known: auto, cpu, cuda"):
        choose_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == cpu
    with pytest.raises(ModelError, match="torch sees no CUDA device"):
        choose_device("cuda")


def test_slots_that_fit(model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_model(model_dir)
    per_slot = 3 * 2 * 2 * 12 * 4  # layers, keys and values, heads, channels, bytes
    path = "sglc.runtime.models.placement._free_host_bytes"
    monkeypatch.setattr(path, lambda: 1000 * per_slot)
    assert fitting_slots(model.shape, model.dtype, model.device) == 800
    assert fitting_slots(model.shape, model.dtype, model.device, cap=64) == 64
    monkeypatch.setattr(path, lambda: 0)
    with pytest.raises(ModelError, match="too little for a KV cache"):
        fitting_slots(model.shape, model.dtype, model.device)


def test_slots_beside_what_else_needs_memory(
    model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(model_dir)
    per_slot = 3 * 2 * 2 * 12 * 4
    path = "sglc.runtime.models.placement._memory"
    monkeypatch.setattr(path, lambda device: (600 * per_slot, 1000 * per_slot))
    slots = fitting_slots(model.shape, model.dtype, model.device, static_fraction=0.75)
    assert slots == 600 - 250
    with pytest.raises(ModelError, match=r"raise the fraction of 0\.4"):
        fitting_slots(model.shape, model.dtype, model.device, static_fraction=0.4)


def test_dummy_weights_are_the_same_each_time(model_dir: Path) -> None:
    (model_dir / "model.safetensors").unlink()
    assert loading.load_model(model_dir, dummy=True).decoder
    drawn = []
    for _ in "ab":
        weights = DummyWeights()
        weights.check({"a.weight": (40, 50), "b.weight": (40, 50), "x_norm.weight": (5,)}, ())
        drawn.append([weights.tensor(name) for name in ("a.weight", "b.weight", "x_norm.weight")])
    assert all(torch.equal(one, two) for one, two in zip(*drawn, strict=True))
    assert not torch.equal(drawn[0][0], drawn[0][1])
    assert drawn[0][0].std() == pytest.approx(0.02, rel=0.2)
    assert torch.equal(drawn[0][2], torch.ones(5))


def test_a_context_may_be_shorter_than_the_models(model_dir: Path) -> None:
    longest = loading.load_model(model_dir).config.max_context
    assert loading.load_model(model_dir, context_length=7).config.max_context == 7
    with pytest.raises(ModelError, match=f"the model has {longest}"):
        loading.load_model(model_dir, context_length=longest + 1)


def test_tokenizer_and_template_from_elsewhere(model_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (model_dir / "tokenizer.json").rename(other / "tokenizer.json")
    template = tmp_path / "mine.jinja"
    template.write_text(
        "{% for m in messages %}[{{ m.role }}]{{ m.content }};{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    files = load_files(model_dir, other, str(template))
    assert files.template is not None
    assert files.template.render([{"role": "user", "content": "a"}]) == "[user]a;"
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        load_files(model_dir)
    with pytest.raises(ModelError, match=r"no chat template `vicuna`.*vicuna_v1"):
        load_files(model_dir, other, "vicuna")
    with pytest.raises(ModelError, match="no such file"):
        load_files(model_dir, other, "t.json")
    named = load_files(model_dir, other, "chatml")
    assert named.template is not None
    assert named.tokenizer.eos_ids == {named.tokenizer.special_ids["<|im_end|>"]}
    assert named.template.stop == ("<|endoftext|>",)  # no special token of this tokenizer
    with pytest.raises(ModelError, match="No such file"):
        load_files(model_dir, other, str(tmp_path / "none.jinja"))


def test_resolve(tmp_path: Path) -> None:
    assert resolve(str(tmp_path)) == tmp_path
    (tmp_path / "x.gguf").touch()
    with pytest.raises(ModelError, match="a model is a directory with"):
        resolve(str(tmp_path / "x.gguf"))
    with pytest.raises(ModelError, match="no such directory, and not a hub id"):
        resolve(str(tmp_path / "missing"))


@pytest.mark.parametrize(
    ("status", "name", "message"),
    [
        (401, "HfHubHTTPError", "wants a login"),
        (403, "GatedRepoError", "accept the model's terms"),
        (404, "RepositoryNotFoundError", "not on the hub"),
        (500, "HfHubHTTPError", "the hub client failed: 500"),
        (None, "LocalEntryNotFoundError", "the hub cannot be reached"),
        (None, "ConnectionError", "the hub cannot be reached"),
    ],
)
def test_what_the_hub_may_say(
    monkeypatch: pytest.MonkeyPatch, status: int | None, name: str, message: str
) -> None:
    import huggingface_hub

    kind = type(name, (Exception,), {"__module__": "huggingface_hub.errors"})

    def refuse(*args: object, **kwargs: object) -> str:
        error = kind(str(status))
        error.response = type("Response", (), {"status_code": status})()  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(ModelError, match=f"some/model: .*{message}"):
        resolve("some/model")


def test_offline_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("huggingface_hub")
    with pytest.raises(ModelError, match="cannot be reached"):
        resolve("nobody/no-such-model-at-all")


def test_every_architecture_can_be_imported() -> None:
    for name in ARCHITECTURES:
        assert find_architecture(name).hf_name == name


def test_the_package_itself_loads_no_torch() -> None:
    code = "import sys, sglc.runtime.models; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
