"""The search step of DARTS: this library's beside a plain one written from the paper's formulas.

A search step moves alpha (first or second order) and then the weights. The plain step computes what the paper writes
down, operation by operation: first order two forward and backward passes, second order five, with a deep copy of the
network for the look-ahead. Both start from the same weights, see the same images and must find the same gradient: it
is compared in double precision first, and the script stops where it differs. (In single precision the second order's
difference quotient loses digits in either implementation.) Times are measured in turn in one process, memory in a
process of its own for each.

    python benchmarks/bilevel_step.py
    python benchmarks/bilevel_step.py --channels 8 --cells 5 --batch 32
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from tdgnas import graphs
from tdgnas.spaces import DartsCells
from tdgnas.spaces.cells.depthwise import DepthwiseConv2d
from tdgnas.supernet import Supernet

LR, MOMENTUM, DECAY, CLIP = 0.025, 0.9, 3e-4, 5.0
ALPHA_LR, ALPHA_DECAY, BETAS = 3e-4, 1e-3, (0.5, 0.999)
Batch = tuple[Tensor, Tensor]


class PlainNetwork(nn.Module):
    """The search network as the paper describes it: each edge sums all its weighted operations."""

    def __init__(self, supernet: Supernet) -> None:
        super().__init__()
        self.space = supernet.space
        self.ops = nn.ModuleDict({name: plain(graphs.make(op)) for name, op in self.space.graph.ops.items()})
        self.ops.load_state_dict(supernet.ops.state_dict())
        self.to(supernet.alpha)

    def forward(self, images: Tensor, alpha: Tensor) -> Tensor:
        """Logits of one alpha."""
        weights = torch.cat([torch.softmax(alpha[where], 0) for where in self.space.slices])
        values = {graphs.INPUT: images}
        for node in self.space.graph.nodes:
            terms = []
            for term in node.terms:
                value = values[term.source]
                if term.op is not None:
                    value = self.ops[term.op.name](value)
                for condition in term.conditions:
                    start = self.space.slices[condition.decision].start
                    value = weights[start + condition.choices[0]] * value
                terms.append(value)
            values[node.name] = torch.cat(terms, 1) if node.combine == "concat" else sum(terms[1:], terms[0])
        return values[self.space.graph.output]


def plain(module: nn.Module) -> nn.Module:
    """Replace the library's depthwise convolutions by torch's."""
    for name, child in module.named_children():
        if isinstance(child, DepthwiseConv2d):
            own = nn.Conv2d(
                child.in_channels,
                child.out_channels,
                child.kernel_size,
                child.stride,
                child.padding,
                child.dilation,
                child.groups,
                bias=False,
            )
            own.load_state_dict(child.state_dict())
            setattr(module, name, own)
        else:
            plain(child)
    return module


def twin(network: PlainNetwork) -> PlainNetwork:
    """A deep copy of all but the space."""
    return copy.deepcopy(network, {id(network.space): network.space})


def plain_gradient(
    network: PlainNetwork,
    alpha: Tensor,
    train: Batch,
    valid: Batch,
    optimiser: torch.optim.Optimizer,
    xi: float,
) -> Tensor:
    """The gradient of alpha by the paper's formulas (eqs. 5 to 8)."""
    if xi == 0:
        alpha.grad = None
        functional.cross_entropy(network(valid[0], alpha), valid[1]).backward()
        return alpha.grad.clone()
    weights = list(network.parameters())
    ahead = twin(network)
    slopes = torch.autograd.grad(functional.cross_entropy(network(train[0], alpha), train[1]), weights)
    with torch.no_grad():
        for weight, target, slope in zip(weights, ahead.parameters(), slopes, strict=True):
            buffer = optimiser.state.get(weight, {}).get("momentum_buffer")
            moment = 0.0 if buffer is None else MOMENTUM * buffer
            target.copy_(weight - xi * (moment + slope + DECAY * weight))
    alpha.grad = None
    functional.cross_entropy(ahead(valid[0], alpha), valid[1]).backward()
    gradient = alpha.grad.clone()
    v = [weight.grad for weight in ahead.parameters()]
    radius = 0.01 / torch.cat([part.flatten() for part in v]).norm()
    sides = []
    for sign in (1, -1):
        moved = twin(network)
        with torch.no_grad():
            for weight, part in zip(moved.parameters(), v, strict=True):
                weight.add_(sign * radius * part)
        loss = functional.cross_entropy(moved(train[0], alpha), train[1])
        sides.append(torch.autograd.grad(loss, alpha)[0])
    return gradient - xi * (sides[0] - sides[1]) / (2 * radius)


class PlainStep:
    """One search step, plainly."""

    def __init__(self, supernet: Supernet, order: int) -> None:
        self.network, self.order = PlainNetwork(supernet), order
        self.alpha = supernet.alpha.clone().requires_grad_()
        self.optimiser = torch.optim.SGD(self.network.parameters(), LR, momentum=MOMENTUM, weight_decay=DECAY)
        self.alpha_optimiser = torch.optim.Adam([self.alpha], ALPHA_LR, betas=BETAS, weight_decay=ALPHA_DECAY)

    def gradient(self, train: Batch, valid: Batch) -> Tensor:
        """Gradient of alpha."""
        xi = LR if self.order == 2 else 0.0
        return plain_gradient(self.network, self.alpha, train, valid, self.optimiser, xi)

    def __call__(self, train: Batch, valid: Batch) -> None:
        """Alpha, then the weights."""
        self.alpha.grad = self.gradient(train, valid)
        self.alpha_optimiser.step()
        self.optimiser.zero_grad()
        functional.cross_entropy(self.network(train[0], self.alpha), train[1]).backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        self.optimiser.step()


class OurStep:
    """One search step of the library."""

    def __init__(self, supernet: Supernet, order: int) -> None:
        self.order = order
        self.supernet = Supernet(supernet.space, device=supernet.device).to(supernet.alpha.dtype)
        self.supernet.load_state_dict(supernet.state_dict())
        self.alpha = supernet.alpha.clone().requires_grad_()
        self.weights = list(self.supernet.parameters())
        self.optimiser = torch.optim.SGD(self.weights, LR, momentum=MOMENTUM, weight_decay=DECAY)
        self.alpha_optimiser = torch.optim.Adam([self.alpha], ALPHA_LR, betas=BETAS, weight_decay=ALPHA_DECAY)

    def gradient(self, train: Batch, valid: Batch) -> Tensor:
        """Gradient of alpha."""
        xi = LR if self.order == 2 else 0.0
        return self.supernet.bilevel_gradient(self.alpha, train, valid, xi=xi, optimiser=self.optimiser)

    def __call__(self, train: Batch, valid: Batch) -> None:
        """Alpha, then the weights."""
        self.alpha.grad = self.gradient(train, valid)
        self.alpha_optimiser.step()
        self.optimiser.zero_grad()
        with self.supernet.batchnorm.use("train"):
            functional.cross_entropy(self.supernet.mixed(train[0], self.alpha.detach()), train[1]).backward()
        nn.utils.clip_grad_norm_(self.weights, CLIP)
        self.optimiser.step()


STEPS: dict[str, Callable[..., OurStep | PlainStep]] = {"plain": PlainStep, "ours": OurStep}


def batches(options: argparse.Namespace, device: torch.device) -> tuple[Batch, Batch]:
    """Random images and labels for training and validation."""
    generator = torch.Generator().manual_seed(1)
    made = []
    for _ in range(2):
        images = torch.randn(options.batch, 3, options.size, options.size, generator=generator)
        made.append((images.to(device), torch.randint(10, (options.batch,), generator=generator).to(device)))
    return made[0], made[1]


def make(options: argparse.Namespace) -> Supernet:
    """The supernet of the options."""
    space = DartsCells(cells=options.cells, channels=options.channels, image_size=options.size)
    return Supernet(space, device=options.device)


def timed(step: Callable[[Batch, Batch], None], train: Batch, valid: Batch) -> tuple[float, float]:
    """Wall and processor seconds of one step."""
    if train[0].device.type == "cuda":
        torch.cuda.synchronize()
    wall, processor = time.perf_counter(), time.process_time()
    step(train, valid)
    if train[0].device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - wall, time.process_time() - processor


def memory(options: argparse.Namespace) -> None:
    """Print how many MiB two steps of one kind need beyond what is there before them."""
    supernet = make(options)
    step = STEPS[options.only](supernet, options.order)
    train, valid = batches(options, supernet.device)
    if supernet.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
    else:
        # A process started by another one begins with that one's peak; 5 sets the mark to what is in memory now.
        Path("/proc/self/clear_refs").write_text("5")
        before = resident("VmRSS")
    for _ in range(2):
        step(train, valid)
    after = torch.cuda.max_memory_allocated() if supernet.device.type == "cuda" else resident("VmHWM")
    print(json.dumps((after - before) / 2**20))


def resident(field: str) -> int:
    """Bytes in memory, now (VmRSS) or at the most since the mark was last reset (VmHWM)."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(lines[field].split()[0]) * 1024


def measured_memory(name: str, order: int) -> float:
    """Run :func:`memory` in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--only", name, "--order", str(order)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.strip().splitlines()[-1]))


def disagreement(options: argparse.Namespace, order: int) -> float:
    """Relative difference of the two gradients in double precision, on a few images.

    :raises SystemExit: when it is more than rounding.
    """
    supernet = make(options).double()
    few = argparse.Namespace(**{**vars(options), "batch": min(4, options.batch)})
    train, valid = ((images.double(), labels) for images, labels in batches(few, supernet.device))
    # With a weight step behind them, so that there are momentum buffers to look ahead with.
    steps = [kind(supernet, order) for kind in STEPS.values()]
    for step in steps:
        step(train, valid)
    other, own = (step.gradient(train, valid) for step in steps)
    found = float((own - other).norm() / other.norm())
    if not found < 1e-5:
        raise SystemExit(f"the gradients of order {order} differ by {found:.1e} of their length")
    return found


def compare(options: argparse.Namespace, order: int) -> str:
    """One row of the table."""
    supernet = make(options)
    train, valid = batches(options, supernet.device)
    difference = disagreement(options, order)
    # Before anything large is in memory here: a plain second-order step of the default size takes 9 GiB.
    needs = {name: measured_memory(name, order) for name in STEPS}
    steps = {name: kind(supernet, order) for name, kind in STEPS.items()}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for turn in range(options.repeats + 1):
        for name in steps if turn % 2 else reversed(list(steps)):
            seconds = timed(steps[name], train, valid)
            if turn:  # the first turn warms up
                times[name].append(seconds)
    ratios = [
        statistics.median(a[k] / b[k] for a, b in zip(times["plain"], times["ours"], strict=True))
        for k in (0, 1)
    ]
    middle = {name: statistics.median(wall for wall, _ in own) for name, own in times.items()}
    return (
        f"| {order} | {middle['plain']:.2f} | {middle['ours']:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} | "
        f"{needs['plain']:.0f} | {needs['ours']:.0f} | {needs['plain'] / needs['ours']:.2f} | {difference:.1e} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=32, help="height and width of the images")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--only", choices=sorted(STEPS), help="measure the memory of one kind of step, then stop"
    )
    parser.add_argument("--order", type=int, choices=(1, 2), default=1, help="with --only")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.only:
        memory(options)
        return
    print(f"C={options.channels}, {options.cells} cells, batch {options.batch}, {options.threads} threads\n")
    print(
        "| order | plain, s | ours, s | times faster | processor time | plain, MiB | ours, MiB | times less "
        "| difference of the gradients |\n|---|---|---|---|---|---|---|---|---|"
    )
    for order in (1, 2):
        print(compare(options, order), flush=True)


if __name__ == "__main__":
    main()
