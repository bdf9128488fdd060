"""Trains the small model on a CPU.

    python train.py FOLDER [--steps N] [--workers N] [--resume]

FOLDER holds tokenizer.json, and gets checkpoint.pt and, at the end, weights.pt: the moving average
of the weights. Each worker is a process with one thread that computes its part of every batch; the
gradients are averaged between them. On a busy machine that wastes far less than several threads in
one process, which wait for each other hundreds of times in a step. The README says how long it
takes.
"""

import argparse
import datetime
import pathlib
import time

import torch
from tokenizers import Tokenizer
from torch import Tensor, distributed, nn
from torch.nn import functional

from batches import TrainingBatch, training_batch
from curriculum import stage_at
from evaluation import EVALUATION_SEED, accuracies, every_case, right_cases
from model import ModelShape, SmallModel
from optimizer import make_optimizers
from quantization_noise import rounded_weights
from tokenizer import load_tokenizer

SEED = 1
TOKENS_OF_A_STEP = 10_240
PEAK_RATE = 3e-3
WARM_UP_STEPS = 60
# The rate falls in the last third, and most of that is trained under the rounding of Q4_K.
DECAY_SHARE = 0.35
ROUNDED_SHARE = 0.3
BALANCE_WEIGHT = 0.01
AVERAGE_DECAY = 0.99
STEPS_BETWEEN_LOGS = 20
STEPS_BETWEEN_CHECKPOINTS = 50
STEPS_BETWEEN_EVALUATIONS = 200

# A worker may be paused for long where the machine has better things to do.
PATIENCE = datetime.timedelta(days=2)


def rate_at(step: int, steps: int) -> float:
    """Up in a line, level, down in a line to a fiftieth."""
    falling = max(0.02, min(1.0, (steps - step) / (steps * DECAY_SHARE)))
    return PEAK_RATE * min(1.0, (step + 1) / WARM_UP_STEPS) * falling


def loss_of(model: SmallModel, part: TrainingBatch) -> tuple[Tensor, Tensor]:
    """The weighted mean of the tokens' losses, and the load's loss."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, balance = model(part.batch, part.wanted)
    losses = functional.cross_entropy(logits.float(), part.targets, reduction="none")
    return (losses * part.weights).sum() / part.weights.sum(), balance


def average_gradients(model: nn.Module, workers: int) -> None:
    """Gives every worker the mean of all workers' gradients."""
    gradients = [parameter.grad for parameter in model.parameters()]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= workers
    for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients])):
        gradient.copy_(mean.view_as(gradient))


class Trainer:
    """A worker's state: weights, their moving average, optimizers, and the next step. The workers'
    states are equal, for they start equal and take equal steps."""

    def __init__(self, folder: pathlib.Path, steps: int, worker: int, workers: int) -> None:
        torch.manual_seed(SEED)
        self.folder, self.steps, self.step = folder, steps, 0
        self.worker, self.workers = worker, workers
        self.tokenizer: Tokenizer = load_tokenizer(folder)
        self.model = SmallModel(ModelShape(vocab_size=self.tokenizer.get_vocab_size()))
        self.optimizers = make_optimizers(self.model, PEAK_RATE)
        self.average = torch.optim.swa_utils.AveragedModel(
            self.model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE_DECAY)
        )
        self.cases = every_case(EVALUATION_SEED)

    def save(self) -> None:
        state = {
            "step": self.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }
        unfinished = self.folder / "checkpoint.part"
        torch.save(state, unfinished)
        unfinished.rename(self.folder / "checkpoint.pt")
        torch.save(self.average.module.state_dict(), self.folder / "weights.pt")

    def load(self) -> None:
        state = torch.load(self.folder / "checkpoint.pt", weights_only=True)
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)

    def train_step(self) -> tuple[float, float]:
        """Returns this worker's loss, and its load's."""
        seed = f"{SEED}/{self.step}/{self.worker}"
        stage = stage_at(self.step)
        part = training_batch(self.tokenizer, seed, stage, TOKENS_OF_A_STEP // self.workers)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate_at(self.step, self.steps)
            optimizer.zero_grad()
        rounding = self.step >= self.steps * (1 - ROUNDED_SHARE)
        with rounded_weights(self.model, rounding):
            loss, balance = loss_of(self.model, part)
            (loss + BALANCE_WEIGHT * balance).backward()
        average_gradients(self.model, self.workers)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update_parameters(self.model)
        self.step += 1
        return loss.item(), balance.item()

    def report(self) -> None:
        """Asks the evaluation set: the first worker the average's weights as they are, the last
        worker the same weights rounded."""
        averaged = self.average.module
        for is_mine, rounding in [
            (self.worker == 0, False),
            (self.worker == self.workers - 1, True),
        ]:
            if is_mine:
                with rounded_weights(averaged, rounding):
                    right = right_cases(averaged, self.tokenizer, self.cases)
                shares = accuracies(self.cases, right).items()
                title = "rounded" if rounding else "exact"
                print(title, ", ".join(f"{kind} {share:.1%}" for kind, share in shares), flush=True)

    def run(self) -> None:
        losses: list[float] = []
        while self.step < self.steps:
            loss, balance = self.train_step()
            losses.append(loss)
            if self.step % STEPS_BETWEEN_LOGS == 0 and self.worker == 0:
                mean, cpu = sum(losses) / len(losses), time.process_time()
                losses.clear()
                print(
                    f"step {self.step} loss {mean:.4f} load {balance:.3f} {cpu:.0f} s", flush=True
                )
            if self.step % STEPS_BETWEEN_CHECKPOINTS == 0 and self.worker == 0:
                self.save()
            if self.step % STEPS_BETWEEN_EVALUATIONS == 0 or self.step == self.steps:
                self.report()
        if self.worker == 0:
            self.save()


def work(worker: int, arguments: argparse.Namespace) -> None:
    torch.set_num_threads(1)
    store = distributed.FileStore(str(arguments.folder / "workers"), arguments.workers)
    distributed.init_process_group(
        "gloo", store=store, rank=worker, world_size=arguments.workers, timeout=PATIENCE
    )
    trainer = Trainer(arguments.folder, arguments.steps, worker, arguments.workers)
    if arguments.resume:
        trainer.load()
    trainer.run()
    distributed.destroy_process_group()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=3200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args()
    (arguments.folder / "workers").unlink(missing_ok=True)
    torch.multiprocessing.spawn(work, (arguments,), arguments.workers)
