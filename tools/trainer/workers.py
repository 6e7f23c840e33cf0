"""Data-parallel training on CPU cores that may be busy with other work.

The processes, one for each core, share parameters and moments. In each step they take first
micro-batches and then parameters to update from common counters, so a slowed process takes fewer.
Only the order of the additions of the gradients depends on the timing.
"""

import ctypes
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from typing import Any

import torch
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import Tensor, nn

from tools.trainer.muon import Updater


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long and how fast to train: to the end of the steps or of the time, what comes first."""

    num_steps: int
    max_minutes: float = math.inf
    first_step: int = 0
    decay_from: int = 0
    warmup_steps: int = 40
    matrix_lr: float = 0.02
    other_lr: float = 0.004

    def progress(self, step: int, minutes: float) -> float:
        """Return how much of the training is over, 0 to 1, after ``step`` steps and ``minutes``."""
        return min(1.0, max(self._steps(step), minutes / self.max_minutes))

    def _steps(self, step: int) -> float:
        return (step - self.decay_from) / (self.num_steps - self.decay_from)

    def scale(self, step: int, progress: float) -> float:
        """Return the factor of the learning rates: a short rise, then linear to zero."""
        return min((step - self.first_step + 1) / self.warmup_steps, 1 - progress)


@dataclass(frozen=True, kw_only=True)
class Batches:
    """Rows of tokens; a step takes ``num_micro`` micro-batches, the first of them one long row."""

    tokens: Tensor
    weights: Tensor
    starts: Tensor
    row_len: int
    num_rows: int
    num_micro: int
    long_len: int

    @property
    def tokens_per_step(self) -> int:
        """Tokens that one step trains on."""
        return self.row_len * self.num_rows * (self.num_micro - 1) + self.long_len

    def get(self, step: int, micro: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return inputs [B, L], targets [B, L] and weights [B, L]."""
        first = (step * self.num_micro + micro) * self.num_rows
        rows = torch.arange(first, first + self.num_rows) % len(self.starts)
        begins = self.starts[rows]
        length = self.row_len
        if micro == 0:
            length = self.long_len
            begins = begins[:1].clamp(max=len(self.tokens) - length - 1)
        index = begins[:, None] + torch.arange(length + 1)
        taken = self.tokens[index]
        return taken[:, :-1], taken[:, 1:], self.weights[index[:, 1:]]


@dataclass(frozen=True)
class Shared:
    """What the processes have in common."""

    model: nn.Module
    batches: Batches
    schedule: Schedule
    updaters: list[Updater]
    grads: list[list[Tensor]]
    losses: Tensor
    progress: Tensor
    micro: "Synchronized[int]"
    param: "Synchronized[int]"
    barrier: Barrier
    niceness: int = 0


@dataclass
class Log:
    """The loss curve: step, mean loss since the row before, tokens per second."""

    rows: list[tuple[int, float, float]] = field(default_factory=list)

    @property
    def last_step(self) -> int:
        """Steps done so far."""
        return self.rows[-1][0] if self.rows else 0


def _take(counter: "Synchronized[int]") -> int:
    with counter.get_lock():
        taken = counter.value
        counter.value = taken + 1
    return taken


def _accumulate(shared: Shared, rank: int, step: int) -> None:
    """Add the gradients of the micro-batches this process gets hold of."""
    batches = shared.batches
    while (micro := _take(shared.micro)) < batches.num_micro:
        inputs, targets, weights = batches.get(step, micro)
        logits = shared.model(input_ids=inputs, use_cache=False).logits
        each = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        loss = (each * weights.flatten()).sum() / weights.sum() / batches.num_micro
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        shared.losses[rank] += loss.item()


def _update(shared: Shared, scale: float, num_updates: int) -> None:
    """Update the parameters this process gets hold of."""
    while (index := _take(shared.param)) < len(shared.updaters):
        total = torch.stack([grads[index] for grads in shared.grads]).sum(0)
        shared.updaters[index].update(total, scale, num_updates)


def keep_freed_memory() -> None:
    """Tell glibc to keep freed tensors: giving each back to the kernel costs much time."""
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        trim_threshold, top_pad, mmap_threshold = -1, -2, -3
        for option in (trim_threshold, mmap_threshold):
            mallopt(option, 1 << 30)
        mallopt(top_pad, 1 << 26)


def work(rank: int, shared: Shared, on_step: Callable[[int, float], None] | None = None) -> None:
    """Run all steps as process ``rank``; ``on_step`` hears the loss of each."""
    torch.set_num_threads(1)
    keep_freed_memory()
    if hasattr(os, "sched_setaffinity"):  # waking each other pulls processes to one core
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank % len(cores)]})
    if shared.niceness:
        os.setpriority(os.PRIO_PROCESS, 0, shared.niceness)
    params = list(shared.model.parameters())
    for param, grad in zip(params, shared.grads[rank], strict=True):
        param.grad = grad
    schedule = shared.schedule
    started = time.monotonic()
    step = schedule.first_step
    while (progress := float(shared.progress)) < 1:
        _accumulate(shared, rank, step)
        shared.barrier.wait()
        _update(shared, schedule.scale(step, progress), step - schedule.first_step + 1)
        shared.barrier.wait()
        if rank == 0:
            loss = float(shared.losses.sum())
            shared.losses.zero_()
            shared.micro.value = shared.param.value = 0
            minutes = (time.monotonic() - started) / 60
            shared.progress.fill_(schedule.progress(step + 1, minutes))
            if on_step:
                on_step(step, loss)
        for grad in shared.grads[rank]:
            grad.zero_()
        shared.barrier.wait()
        step += 1


def share(tensor: Tensor) -> Tensor:
    """Move a tensor to memory that other processes can map."""
    tensor.share_memory_()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return tensor


def _zeros(model: nn.Module) -> list[Tensor]:
    return [share(torch.zeros_like(param)) for param in model.parameters()]


def train(
    model: nn.Module,
    batches: Batches,
    schedule: Schedule,
    num_workers: int,
    log: Log,
    save: Callable[[], None],
    save_every_s: float = 180,
    niceness: tuple[int, ...] = (),
) -> None:
    """Train ``model`` in place and add to ``log``; ``save`` is called behind a row now and then."""
    context: Any = mp.get_context("spawn")
    model.share_memory()
    grads = [_zeros(model) for _ in range(num_workers)]
    moments = zip(_zeros(model), _zeros(model), strict=True)
    updaters = [
        Updater(
            param.data,
            pair,
            is_matrix=param.ndim == 2 and "embed" not in name,
            matrix_lr=schedule.matrix_lr,
            other_lr=schedule.other_lr,
        )
        for (name, param), pair in zip(model.named_parameters(), moments, strict=True)
    ]
    progress = torch.tensor(schedule.progress(schedule.first_step, 0), dtype=torch.float64)
    nice = niceness + (0,) * num_workers
    common = Shared(
        model,
        batches,
        schedule,
        updaters,
        grads,
        losses=share(torch.zeros(num_workers, dtype=torch.float64)),
        progress=share(progress),
        micro=context.Value("i", 0),
        param=context.Value("i", 0),
        barrier=context.Barrier(num_workers),
    )
    jobs = [replace(common, niceness=nice[rank]) for rank in range(num_workers)]
    others = [
        context.Process(target=work, args=(rank, jobs[rank]), daemon=True)
        for rank in range(1, num_workers)
    ]
    for process in others:
        process.start()
    marks = {"row": time.monotonic(), "save": time.monotonic()}
    window: list[float] = []

    def on_step(step: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise FloatingPointError(f"the loss of step {step} is {loss}")
        window.append(loss)
        now = time.monotonic()
        if len(window) == 20 or float(progress) >= 1:
            rate = len(window) * batches.tokens_per_step / (now - marks["row"])
            log.rows.append((step + 1, sum(window) / len(window), rate))
            print(f"step {step + 1}: loss {log.rows[-1][1]:.4f}, {rate:.0f} tokens/s", flush=True)
            window.clear()
            marks["row"] = now
            if now - marks["save"] > save_every_s:
                save()
                marks["save"] = now

    work(0, jobs[0], on_step)
    for process in others:
        process.join()
