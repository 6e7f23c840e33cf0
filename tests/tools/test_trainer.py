"""The parts of the trainer: marks, rows, optimizer, schedule."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tokenizers")

from tools.trainer.muon import Updater, orthogonalize  # noqa: E402
from tools.trainer.rows import KEY_WEIGHT, Stream, encode, row_starts, split_marks  # noqa: E402
from tools.trainer.vocabulary import train_tokenizer  # noqa: E402
from tools.trainer.workers import Batches, Schedule  # noqa: E402


def test_marks_are_split_from_the_text() -> None:
    assert split_marks("a\x02b\x03") == ("ab", [False, True])


def test_encode_weighs_marked_tokens_and_cuts_where_told() -> None:
    tokenizer = train_tokenizer(seed=1, vocab_size=300, num_documents=50)
    ids, weights = encode(tokenizer, "1 + 1 =\x04 \x0212\x03\n")
    assert weights == [1, 1, 1, 1, 1, 1, 1, KEY_WEIGHT, KEY_WEIGHT, 1, 1][-len(ids) :]
    assert tokenizer.decode(ids[:-1]) == "1 + 1 = 12\n"


def test_rows_open_with_the_document_that_was_cut() -> None:
    stream = Stream(np.arange(12), np.ones(12, np.float32), np.array([0, 3, 5, 10]))
    assert row_starts(stream, 4).tolist() == [0, 3, 5]


def test_long_document_goes_on_in_the_next_row() -> None:
    stream = Stream(np.arange(12), np.ones(12, np.float32), np.array([0]))
    assert row_starts(stream, 4).tolist() == [0, 4]


def test_first_micro_batch_is_one_long_row() -> None:
    batches = Batches(
        tokens=torch.arange(40),
        weights=torch.ones(40),
        starts=torch.tensor([0, 4, 8, 12]),
        row_len=4,
        num_rows=2,
        num_micro=2,
        long_len=16,
    )
    inputs, targets, _ = batches.get(step=0, micro=0)
    assert inputs.tolist() == [list(range(16))]
    inputs, targets, _ = batches.get(step=0, micro=1)
    assert inputs.tolist() == [[8, 9, 10, 11], [12, 13, 14, 15]]
    assert targets.tolist() == [[9, 10, 11, 12], [13, 14, 15, 16]]
    assert batches.tokens_per_step == 24


def test_orthogonalize_brings_singular_values_near_one() -> None:
    matrix = torch.randn(8, 24, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrix))
    assert 0.5 < values.min() <= values.max() < 1.5


@pytest.mark.parametrize("is_matrix", [True, False])
def test_updater_descends(is_matrix: bool) -> None:
    param = torch.full((4, 4), 2.0) + torch.eye(4)
    moments = (torch.zeros(4, 4), torch.zeros(4, 4))
    updater = Updater(param, moments, is_matrix, matrix_lr=0.05, other_lr=0.05)
    before = float(param.square().sum())
    for n in range(1, 120):
        updater.update(2 * param, scale=1.0, num_updates=n)
    assert float(param.square().sum()) < before / 2


def test_schedule_rises_then_falls_to_zero_with_steps_or_time() -> None:
    schedule = Schedule(num_steps=100, max_minutes=10, warmup_steps=10)
    assert schedule.scale(0, schedule.progress(0, 0)) == pytest.approx(0.1)
    assert schedule.scale(50, schedule.progress(50, 0)) == 0.5
    assert schedule.scale(50, schedule.progress(50, 9)) == pytest.approx(0.1)
    assert schedule.progress(20, 10) == 1
