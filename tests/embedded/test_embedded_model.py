"""The shipped model does what its card says."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import AutoModelForCausalLM  # noqa: E402

from tools.evaluate_embedded import REQUIRED_EXAMPLES, Report, score, show  # noqa: E402
from tools.evaluation.decoder import Decoder  # noqa: E402
from tools.evaluation.programs import EXAMPLES  # noqa: E402
from tools.evaluation.suites import Suite, suites  # noqa: E402

FOLDER = Path(__file__).parents[2] / "runtime" / "embedded"
SUITES = suites(num_sums=200)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Decoder(FOLDER)
    torch.set_num_threads(threads)


def test_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 12_000_000


def test_weights_load_in_bfloat16() -> None:
    model = AutoModelForCausalLM.from_pretrained(FOLDER)
    assert model.dtype == torch.bfloat16
    assert 3e6 < sum(p.numel() for p in model.parameters()) < 6e6
    assert model.generation_config.eos_token_id == [2, 0]


def test_template_is_prefix_stable(decoder: Decoder) -> None:
    messages = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello!"), ("user", "Bye")]
    rows = [{"role": role, "content": content} for role, content in messages]
    texts = [
        decoder.tokenizer.apply_chat_template(rows[:n], tokenize=False)
        for n in range(1, len(rows) + 1)
    ]
    assert all(longer.startswith(text) for text, longer in pairwise(texts))
    assert decoder.chat(*messages) == texts[-1] + "<|im_start|>assistant\n"


@pytest.mark.parametrize("number", ["0", "42", " 144.", "1999"])
def test_digits_are_single_tokens(decoder: Decoder, number: str) -> None:
    tokens = [decoder.tokenizer.decode([i]) for i in decoder.tokenizer(number)["input_ids"]]
    assert tokens == list(number)


@pytest.mark.parametrize("suite", SUITES, ids=[suite.name for suite in SUITES])
def test_suite_reaches_its_share(decoder: Decoder, suite: Suite) -> None:
    result = score(decoder, suite)
    assert result.passes, f"{result.share:.1%}: {result.misses[:5]}"


def test_examples_make_sense(decoder: Decoder) -> None:
    report = Report([], show(decoder, EXAMPLES))
    wrong = [(each.example.prompt, each.text) for each in report.examples if not each.passes]
    assert report.share_sensible >= REQUIRED_EXAMPLES, wrong
