# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 12. Training well
#
# *Before this: lesson 10. Allow 3 hours.*
#
# ## What you will be able to do
#
# * write AdamW and Muon in a dozen lines each, and show that they are what torch calls by these names;
# * say what warm-up, a schedule, clipping, weight decay and dropout are for, and what each is worth here;
# * tell an effect from luck, with a few seeds and an interval;
# * make a model overfit on purpose, see it, and cure it in five ways.
#
# So far each lesson changed the model. This one keeps the model, the small Transformer of the last lesson, and
# changes only how it is trained.
#
# ## The idea
#
# A gradient says which way is downhill from here, for this batch. A training must still decide everything else.
# How is a gradient made into a step? How long are the steps, at first and at the end? What if one batch is odd?
# When is it enough? Each box of the picture is one of these decisions, and each got a name and a paper.
#
# ![a batch gives a loss, its gradient is clipped, the optimiser chooses the direction, the rate the length of the step that changes the weights](pictures/12_step.svg)
#
# None of them is true because a paper says so. Every one is a claim that can be *measured*, and that is how this
# lesson goes. The rules of a fair experiment:
#
# 1. **The same split.** All train on the same names, and all are scored on the same others.
# 2. **One change at a time**, to one common starting point, the *base*.
# 3. **The same luck.** A seed fixes the first weights and the order of the batches. Base and change get the same
#    seeds, so that what both owe to luck cancels in the difference.
# 4. **Several seeds.** One difference says nothing about how much the next would differ. Three say a little.

# %%
import copy
import dataclasses
import math
import tempfile
import time
from functools import cache
from pathlib import Path
from unittest.mock import patch

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import makemore
from makemore.corpus.batches import epoch
from makemore.course import FAST, beside, show
from makemore.models import build, configure, count_parameters

SEEDS = (1, 2) if FAST else (1, 2, 3)
STEPS, BATCH = (4, 256) if FAST else (400, 1024)  # BATCH: tokens, about
corpus = makemore.read("names")
V = len(corpus.vocab)  # 27
held_out = {split: corpus.rows(split)[: 50 if FAST else None] for split in ("validation", "test")}
random_order = np.random.default_rng(0).permutation(corpus.rows("train"))  # the file begins with common names
train_lines, validation_lines = (set(corpus.lines(corpus.rows(split))) for split in ("train", "validation"))
print(len(random_order), "names to train on,", len(corpus.rows("validation")), "to validate")
print("in both:", len(train_lines & validation_lines))
assert not train_lines & validation_lines

# %% [markdown]
# This is makemore's own split. A hash of its letters decides where a name goes, so a name that stands in the list
# twice is on one side only. Everything below is chosen on the *validation* names. The *test* names wait until the end.
#
# ## Building it
#
# ### Momentum: a step downhill
#
# The oldest optimiser goes against the gradient. A little *momentum* makes it go against a running mean of
# gradients, in which what changes from batch to batch averages out. `lerp_` moves its left side a share of the way
# towards the right one.


# %%
class Momentum:
    """Go against a running mean of the gradients."""

    def __init__(self, weights: list[Tensor], decay: float = 0.0) -> None:
        self.decay = decay
        self.means = [torch.zeros_like(w) for w in weights]

    @torch.no_grad()
    def step(self, weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
        for w, g, m in zip(weights, gradients, self.means, strict=True):
            m.lerp_(g, 0.1)  # m = 0.9 m + 0.1 g
            w -= rate * (m + self.decay * w)


# %% [markdown]
# ### AdamW
#
# One rate for all weights is a poor fit: the gradient of one weight may be a thousand times that of another. Adam
# keeps two running means for each weight, of its gradients and of their squares, and divides one by the root of the
# other. What is left has no size of its own, roughly between -1 and 1: how *sure* the gradients are of the
# direction. Two details.
#
# * **Bias correction.** Both means start at 0, and so are too small at first, by the known factor 1 - βᵗ after t
#   steps. Divide by it.
# * **Decoupled decay.** Weight decay pulls each weight towards 0. If that pull were added to the gradient, as in
#   plain Adam, it would be divided by the root as well, and be weak just where gradients are large. The W in AdamW
#   says that it acts on the weight directly. Biases and gains, which are vectors, are left alone.


# %%
class AdamW:
    """Each weight moves by the mean of its gradients over the root of the mean of their squares."""

    def __init__(self, weights: list[Tensor], decay: float = 0.01, betas: tuple = (0.9, 0.99)) -> None:
        self.decay, self.betas, self.t = decay, betas, 0
        self.means = [torch.zeros_like(w) for w in weights]
        self.squares = [torch.zeros_like(w) for w in weights]

    @torch.no_grad()
    def step(self, weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
        self.t += 1
        b1, b2 = self.betas
        for w, g, m, v in zip(weights, gradients, self.means, self.squares, strict=True):
            m.lerp_(g, 1 - b1)  # m = b1 m + (1 - b1) g
            v.lerp_(g * g, 1 - b2)
            m_hat = m / (1 - b1**self.t)
            v_hat = v / (1 - b2**self.t)
            if w.ndim > 1:
                w *= 1 - rate * self.decay
            w -= rate * m_hat / (v_hat.sqrt() + 1e-8)


# %% [markdown]
# Is it AdamW? Give it and torch's the same weights and the same gradients, from tiny ones to huge ones, and compare.

# %%
torch.manual_seed(0)
ours = [torch.randn(6, 4), torch.randn(6)]
start = [w.clone() for w in ours]
theirs = [nn.Parameter(w.clone()) for w in ours]
by_hand = AdamW(ours, decay=0.1)
groups = [{"params": theirs[:1], "weight_decay": 0.1}, {"params": theirs[1:], "weight_decay": 0.0}]
by_torch = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.99))
for step in range(20):
    for w in theirs:
        w.grad = torch.randn_like(w) * 10.0 ** (step % 5 - 2)
    by_hand.step(ours, [w.grad for w in theirs], 0.01)
    by_torch.step()
gap = max((a - b).abs().max().item() for a, b in zip(ours, theirs, strict=True))
gone = max((a - b).abs().max().item() for a, b in zip(ours, start, strict=True))
print(f"after 20 steps a weight has moved by up to {gone:.3f}, and the two differ by {gap:.0e}")
assert gap < 1e-6

# %% [markdown]
# Remember what its *first* step does. Both means hold one gradient, so the step is g / √g²: every weight moves by the
# whole rate, up or down, however small its gradient is and however little one batch can know.

# %%
for size in (1e-4, 1.0, 1e4):
    w = [torch.zeros(1)]
    AdamW(w).step(w, [torch.tensor([size])], rate=0.01)
    print(f"gradient {size:8g}   first step {w[0].item():.4f}")
    assert abs(w[0].item() + 0.01) < 1e-5

# %% [markdown]
# ### Muon
#
# AdamW treats a matrix as a heap of numbers. But a matrix *does* something: it turns directions into directions. The
# singular value decomposition M = U S Vᵀ says which (U and V) and how strongly (S, the *singular values*). In the
# gradient of a hidden layer a few directions are strong, and the others, many times weaker, hardly ever get a say. Muon keeps a running mean as Momentum does, and then makes *all singular values the same*: it steps along U Vᵀ.
#
# The decomposition is slow. There is a way with nothing but matrix products. For an odd polynomial such as
#
#     p(x) = a x + b x³ + c x⁵
#
# the matrix a X + b (X Xᵀ) X + c (X Xᵀ)² X has the same U and V as X, and singular values p(s) instead of s. So choose
# a, b, c such that p pushes everything between 0 and 1 towards 1, and apply it a few times. It need not be exact: Jordan's
# numbers are steep at 0, so that five times will do, and leave the values somewhere around 1.

# %%
A_, B_, C_ = 3.4445, -4.7750, 2.0315


def orthogonal(M: Tensor) -> Tensor:
    """Return, roughly, U Vᵀ of a matrix (rows, columns) U S Vᵀ."""
    X = M / (M.norm() + 1e-7)  # the root of the sum of all squares: now no singular value is above 1
    if M.shape[0] > M.shape[1]:
        return orthogonal(M.T).T  # so that X Xᵀ is the small product
    for _ in range(5):
        S = X @ X.T  # (rows, rows)
        X = A_ * X + (B_ * S + C_ * S @ S) @ X
    return X


class Muon:
    """Go along a running mean of the gradients with all its singular values made equal; for matrices."""

    def __init__(self, weights: list[Tensor], decay: float = 0.01) -> None:
        self.decay = decay
        self.means = [torch.zeros_like(w) for w in weights]

    @torch.no_grad()
    def step(self, weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
        for w, g, m in zip(weights, gradients, self.means, strict=True):
            m.lerp_(g, 0.05)
            w *= 1 - rate * self.decay
            w -= 0.2 * rate * max(w.shape) ** 0.5 * orthogonal(g.lerp(m, 0.95))


# %% [markdown]
# Two details here too. It orthogonalises 0.95 m + 0.05 g, the mean with the newest gradient counted once more
# (*Nesterov's* momentum). And 0.2 √(longer side) gives the numbers of the step about the size that AdamW's have, so
# that both can be tried at the same rates.
#
# To see it at work we need a real gradient: of the model before its first step, on one batch.


# %%
def new_model(layers: int = 2, channels: int = 48, dropout: float = 0.0) -> nn.Module:
    """A Transformer with weights from torch's global generator, built as in lesson 10."""
    if FAST:
        layers, channels = 1, 16
    knobs = {"n_layer": layers, "n_head": 4, "n_embd": channels, "dropout": dropout}
    return build("transformer", V, configure("transformer", longest=corpus.longest, **knobs))


def mean_nll(model: nn.Module, lines: np.ndarray) -> Tensor:
    """Mean of -log p over every token of some rows of the corpus, in nats."""
    x, y = map(torch.from_numpy, corpus.batch(lines))  # (B, T) each; y is -1 at padding
    logits, _ = model(x)  # (B, T, V)
    total = F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=-1, reduction="sum")
    return total / (y != -1).sum()


torch.manual_seed(1)
model = new_model()
print(count_parameters(model), "weights, of them in hidden matrices:", end=" ")
hidden_names = [n for n, w in model.named_parameters() if n.startswith("blocks.") and w.ndim == 2]
print(sum(model.get_parameter(n).numel() for n in hidden_names))
loss = mean_nll(model, random_order[:128])
(gradient,) = torch.autograd.grad(loss, [model.get_parameter("blocks.0.fc.weight")])  # (4 C, C)
before = torch.linalg.svdvals(gradient / gradient.norm())
after = torch.linalg.svdvals(orthogonal(gradient))
U, _, Vh = torch.linalg.svd(gradient, full_matrices=False)

# %%
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
x = y = torch.linspace(0, 1, 400)
for times in range(1, 6):
    y = A_ * y + B_ * y**3 + C_ * y**5
    if times in (1, 3, 5):
        left.plot(x, y, label=f"{times} time{'s' * (times > 1)}")
left.set(title="The polynomial, again and again", xlabel="singular value before", ylabel="after")
left.legend()
place = range(1, len(before) + 1)
right.semilogy(place, before, marker=".", label="before: of the gradient")
right.semilogy(place, after, marker=".", label="after: of the step")
right.axhline(1, color="black", linewidth=0.8, linestyle="--")
right.set(title="A real gradient, made orthogonal", xlabel="place in order of size", ylabel="singular value")
right.legend()
show(
    "the step at 0 on the left, steeper each time: what is not quite 0 ends near 1. On the right the few strong "
    "directions and the many weak ones of the gradient, which become about as strong. Only what was next to nothing "
    "stays small."
)
print(f"largest : middle singular value, before {before[0] / before.median():.0f}, ", end="")
print(f"after {after[0] / after.median():.1f}")
alike = F.cosine_similarity(orthogonal(gradient).flatten(), (U @ Vh).flatten(), dim=0)
print(f"cosine between the step and the exact U Vᵀ: {alike:.3f}")
assert 0.6 < after.median() < 1.3
assert after.max() < 1.3
assert alike > 0.7

# %% [markdown]
# And is it Muon? torch has one, which does these products in 16-bit numbers. They carry about two decimal places, so
# the two cannot agree to six. We ask that after 20 steps they are apart by a small share of the way they have gone.

# %%
torch.manual_seed(0)
ours = [torch.randn(24, 16)]
start = ours[0].clone()
theirs = nn.Parameter(start.clone())
by_hand = Muon(ours, decay=0.1)
by_torch = torch.optim.Muon([theirs], lr=0.01, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
for _ in range(20):
    theirs.grad = torch.randn(24, 16) * torch.logspace(0, -2, 16)  # some columns matter more
    by_hand.step(ours, [theirs.grad], 0.01)
    by_torch.step()
share = ((ours[0] - theirs).norm() / (ours[0] - start).norm()).item()
print(f"by hand and by torch are apart by {share:.2%} of the way gone")
assert share < 0.03

# %% [markdown]
# Muon is for hidden matrices only. In a table of embeddings each row is looked up by itself, the output layer has a
# row for each character, and vectors have no directions to balance. Those stay with AdamW: "Muon" below means Muon
# for the matrices inside the blocks and AdamW for the rest.
#
# ### How long a step: warm-up and schedule
#
# The rate need not stay the same. *Warm-up* lets it rise from 0 over the first few per cent. The *schedule* says how
# it falls after that. Here it is as a share of the full rate, when a share `done` of the training is done.


# %%
def share_of_rate(done: float, shape: str = "linear", warmup: float = 0.05) -> float:
    """The share of the full rate when a share of the training is done; both from 0 to 1."""
    if done < warmup:
        return done / warmup
    left = (1 - done) / (1 - warmup)  # 1 after the warm-up, 0 at the end
    return {"constant": 1.0, "linear": left, "cosine": (1 - math.cos(math.pi * left)) / 2}[shape]


SHAPES = ("constant", "cosine", "linear")
assert all(share_of_rate(0.05, shape) == 1 for shape in SHAPES)
assert share_of_rate(1, "linear") == share_of_rate(1, "cosine") == 0


# %% [markdown]
# ### One odd batch: clipping
#
# Now and then a batch has a gradient many times as long as usual. *Clipping* makes it shorter, and leaves its
# direction alone: all gradients together are one long vector, and if that is longer than `most`, all are scaled by
# the same number. (torch has it as `clip_grad_norm_`, and calls our `most` `max_norm`.)


# %%
def clipped(gradients: list[Tensor], most: float) -> tuple[list[Tensor], float]:
    """Scale gradients so that together they are no longer than `most`. Returns them and the length before."""
    length = torch.stack([g.norm() for g in gradients]).norm()
    scale = (most / length).clamp(max=1)
    return [g * scale for g in gradients], length.item()


few = [torch.tensor([3.0, 0.0]), torch.tensor([[4.0]])]
print("length 5, clipped at 1:", clipped(few, 1.0))
assert clipped(few, 1.0)[1] == 5
assert torch.equal(clipped(few, 10.0)[0][0], few[0])  # shorter ones are not made longer

# %% [markdown]
# ### The plan and the loop
#
# Everything that is decided before a training begins (the usual word is *hyperparameters*) is in one place, here
# called a plan, so that "one change" can be taken at its word: `dataclasses.replace(base, dropout=0.2)`.


# %%
@dataclasses.dataclass(frozen=True)
class Plan:
    """What is decided before a training begins."""

    optimiser: str = "AdamW"
    rate: float = 12e-3
    shape: str = "linear"
    warmup: float = 0.05
    clip: float = 1.0
    decay: float = 0.01
    dropout: float = 0.0
    layers: int = 2
    channels: int = 48
    lines: int = len(random_order)  # names to train on


@dataclasses.dataclass
class Result:
    """What came of a plan with a seed."""

    losses: list[float]  # of each batch
    lengths: list[float]  # of each gradient, before clipping
    curve: list[tuple[int, float, float]]  # step, loss on training names, loss on validation names
    last: nn.Module  # the model after the last step
    best: nn.Module  # the model when its validation loss was lowest
    seconds: float  # in steps alone

    @property
    def validation(self) -> float:
        return self.curve[-1][2]


# %% [markdown]
# The loop has nothing new in it. Batches come from the library, which puts names of about one length together, about
# 1,024 tokens at a time; their order depends on the seed alone.


# %%
def batches(lines: np.ndarray, seed: int):
    """Batches of rows without end: every row once, then again in another order."""
    number = 0
    while True:
        for chosen in epoch(corpus.lengths[lines], BATCH, seed, number):
            yield lines[chosen]
        number += 1


@torch.no_grad()
def loss_on(model: nn.Module, lines: np.ndarray) -> float:
    """The loss on some rows, dropout off."""
    model.eval()
    by_length = lines[np.argsort(corpus.lengths[lines], kind="stable")]
    total = 0.0
    for part in np.array_split(by_length, 4):  # names of about one length: little padding
        total += mean_nll(model, part).item() * int((corpus.lengths[part] + 1).sum())
    model.train()
    loss = total / int((corpus.lengths[lines] + 1).sum())  # every token weighs the same
    return loss if loss < 100 else math.inf  # a loss that is no number is none


def optimisers(plan: Plan, model: nn.Module) -> list[tuple]:
    """Pairs of an optimiser and the weights it cares for."""
    named = dict(model.named_parameters())
    hidden = [w for n, w in named.items() if plan.optimiser == "Muon" and n in hidden_names]
    rest = [w for w in named.values() if not any(w is h for h in hidden)]
    kind = Momentum if plan.optimiser == "Momentum" else AdamW
    return [(kind(rest, plan.decay), rest)] + [(Muon(hidden, plan.decay), hidden)] * bool(hidden)


# %%
def train(plan: Plan, seed: int) -> Result:
    """Train a new model by the plan."""
    torch.manual_seed(seed)  # the first weights, then dropout
    model = new_model(plan.layers, plan.channels, plan.dropout)
    pairs = optimisers(plan, model)
    weights = [w for _, cared_for in pairs for w in cared_for]
    lines = random_order[: plan.lines]
    served, result = batches(lines, seed), Result([], [], [], model, None, 0.0)
    every = STEPS // (2 if FAST else 16 if plan.lines < len(random_order) else 4)
    for step in range(STEPS + 1):
        if step % every == 0 or step == STEPS:
            note(result, step, lines[: 50 if FAST else 500])
        if step == STEPS or result.validation == math.inf:
            return result
        began = time.perf_counter()
        loss = mean_nll(model, next(served))
        gradients, length = clipped(torch.autograd.grad(loss, weights), plan.clip)
        rate = plan.rate * share_of_rate((step + 0.5) / STEPS, plan.shape, plan.warmup)
        for optimiser, mine in pairs:
            optimiser.step(mine, gradients[: len(mine)], rate)
            gradients = gradients[len(mine) :]
        result.losses.append(loss.item())
        result.lengths.append(length)
        result.seconds += time.perf_counter() - began


# %% [markdown]
# `note` scores the model as it goes, and keeps a copy of the best one so far: that is all there is to *early
# stopping*. `runs` trains a plan with every seed, once.


# %%
def note(result: Result, step: int, lines: np.ndarray) -> None:
    """Score the model of a result, and keep a copy if it is the best so far."""
    validation = loss_on(result.last, held_out["validation"])
    if result.best is None or validation < min(v for _, _, v in result.curve):
        result.best = copy.deepcopy(result.last)
    result.curve.append((step, loss_on(result.last, lines), validation))


@cache
def run(plan: Plan, seed: int) -> Result:
    """Train, unless it was done before."""
    result = train(plan, seed)
    changed = {k: v for k, v in vars(plan).items() if v != getattr(Plan(), k)}
    print(f"seed {seed}  validation {result.validation:.4f}  {result.seconds:4.1f} s  {changed or 'base'}")
    return result


def runs(plan: Plan) -> list[Result]:
    """The results of a plan, one a seed."""
    return [run(plan, seed) for seed in SEEDS]


base = Plan()
losses = [result.validation for result in runs(base)]
print(f"the base, by seed: from {min(losses):.4f} to {max(losses):.4f}")

# %% [markdown]
# That is the spread of luck: the same plan, other first weights and another order. A single training that comes out
# better by as much shows nothing.
#
# ### An effect and its interval
#
# For each seed we take the difference, changed minus base. Their mean is the effect. How sure are we of it? The
# mean of n differences with standard deviation s has a standard error of s / √n. With so few differences s itself
# is a guess, and Student's t says by how much to widen: for three seeds 4.30 standard errors to each side instead of
# the 1.96 that go with many. Where the interval does not hold 0 we call the effect *clear*, otherwise it is *within the
# spread*: perhaps there, perhaps not, and not to be built upon.

# %%
STUDENT = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # for 95 %, by the number of differences
table: dict[str, tuple[float, float]] = {}  # what was changed -> effect, half of its interval


def effect(name: str, changed: Plan, against: Plan = base) -> None:
    """Measure what a change does, print it, and put it into the table."""
    before, after = ([result.validation for result in runs(plan)] for plan in (against, changed))
    if math.inf in before + after:
        print(
            f"{name}: lost {after.count(math.inf)} of {len(after)} trainings, before {before.count(math.inf)}"
        )
        table[name] = (math.inf, 0.0)
        return
    differences = np.array(after) - np.array(before)
    half = STUDENT[len(SEEDS)] * differences.std(ddof=1) / math.sqrt(len(differences))
    table[name] = float(differences.mean()), float(half)
    print(f"{name}: {differences.mean():+.4f} ± {half:.4f}  {verdict(name)}")


def verdict(name: str) -> str:
    """Whether an effect is more than luck explains."""
    mean, half = table[name]
    return "within the spread" if abs(mean) <= half else "better" if mean < 0 else "worse"


# %% [markdown]
# ## Looking inside
#
# ### First of all, the rate
#
# Few other numbers matter as much, and each optimiser has a range of its own. To compare two at the same rate, or one
# that was tuned with one that was not, is the most common way to fool oneself. So each gets a row of rates. One seed
# is enough to see the shape.

# %%
fine = (3e-3, 12e-3, 24e-3, 48e-3)
RATES = {"Momentum": (0.1, 0.4, 1.6, 6.4), "AdamW": fine, "Muon": fine}
fig, ax = plt.subplots(figsize=(7, 4))
best_rate = {}
for name, rates in RATES.items():
    rates = rates[1:3] if FAST else rates
    found = [run(dataclasses.replace(base, optimiser=name, rate=rate), SEEDS[0]).validation for rate in rates]
    best_rate[name] = rates[int(np.argmin(found))]
    ax.semilogx(rates, found, marker="o", label=name)
ax.set(
    title="The loss by optimiser and rate", xlabel="learning rate", ylabel="validation loss (nats per token)"
)
if not FAST:
    ax.set_ylim(2.0, 2.6)  # what is above has gone wrong
ax.legend()
show(
    "how wide the bottom of each line is, and how low. Momentum's rates are another world: its steps have the size of "
    "the gradients, the other two choose their own. A line that leaves the picture went wrong there."
)
print("the best of these:", best_rate)
if not FAST:
    at_base, at_best = (
        run(dataclasses.replace(base, rate=r), 1).validation for r in (base.rate, best_rate["AdamW"])
    )
    assert at_base < at_best + 0.02  # the base's rate is a good one

# %% [markdown]
# ### AdamW against Muon, each at its best rate

# %%
muon = dataclasses.replace(base, optimiser="Muon", rate=best_rate["Muon"])
effect("Muon", muon)
effect("Momentum", dataclasses.replace(base, optimiser="Momentum", rate=best_rate["Momentum"]))
for name, plan in (("AdamW", base), ("Muon", muon)):
    seconds = sorted(result.seconds for result in runs(plan))[len(SEEDS) // 2]
    print(f"{name:6} {seconds:.1f} s for {STEPS} steps")
if not FAST:
    assert table["Muon"][0] < -0.05  # far beyond what seeds do
    assert table["Momentum"][0] > 0.1

# %% [markdown]
# Step for step Muon is better here. But each of its steps computes more, all those products of matrices. The seconds
# printed above do not say what that costs: they were taken at different moments, when the machine may have had more or
# less else to do, and do not compare.
#
# ### Schedules

# %%
for shape in SHAPES[:2]:
    effect(f"schedule: {shape}", dataclasses.replace(base, shape=shape))


def smooth(values: list[float], over: int = 25) -> np.ndarray:
    """The mean of each so many values in a row."""
    over = min(over, len(values))
    return np.convolve(values, np.ones(over) / over, "valid")


fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
done = np.linspace(0, 1, 201)
for shape in SHAPES:
    left.plot(done * STEPS, [share_of_rate(d, shape) * base.rate for d in done], label=shape)
    mean = np.mean([r.losses for r in runs(dataclasses.replace(base, shape=shape))], 0)
    right.plot(smooth(mean), label=shape)
left.set(title="The rate", xlabel="step", ylabel="learning rate")
right.set(title="The loss of the batches", xlabel="step", ylabel="loss (nats per token)")
if not FAST:
    right.set_ylim(2.1, 2.5)
left.legend()
show(
    "the end. While the rates are alike the three losses are close; then those whose rate falls go lower. The bumps are "
    "batches of long and of short names, the same for all. (Mean of the seeds, and of 25 batches in a row.)"
)
if not FAST:
    assert table["schedule: constant"][0] > 0.01
    assert abs(table["schedule: cosine"][0]) < table["schedule: constant"][0]

# %% [markdown]
# Why? Every gradient is that of a batch, so every step is partly noise, and at a constant rate the weights keep
# jittering around where they should be. As the rate falls, they settle. The gain is there for nothing. Whether the line
# is straight or a cosine matters much less.
#
# One warning comes with it: the schedule must know the end. The loss in the *middle* of a falling schedule says little
# about what a shorter training would have reached, so do not stop one early because another looks better there.
#
# ### Warm-up
#
# The first steps of AdamW are as long as the rate allows and go by the sign of a single batch, as we saw. At a modest
# rate that does no harm that is not soon repaired. So we ask twice: at the rate of the base, and at a rate that is
# too high.

# %%
high = dataclasses.replace(base, rate=4 * base.rate)
effect("no warm-up", dataclasses.replace(base, warmup=0.0))
effect("rate x 4, no warm-up (against rate x 4)", dataclasses.replace(high, warmup=0.0), high)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for ax, plan, title in zip(axes, (base, high), ("rate of the base", "rate x 4"), strict=True):
    for warmup, label in ((0.05, "with warm-up"), (0.0, "without")):
        found = [smooth(r.losses, 10) for r in runs(dataclasses.replace(plan, warmup=warmup))]
        ax.plot(np.mean(found, 0)[: STEPS // 2], label=label)
    ax.set(title=f"The first half, {title}", xlabel="step", ylabel="loss of the batches (nats per token)")
axes[1].legend()
show(
    "who is ahead, and for how long. On the left it is the one without, which takes full steps at once; its lead "
    "melts away. On the right it is behind, and does not catch up. (Mean of the seeds, and of 10 batches in a row.)"
)
if not FAST:
    assert table["rate x 4, no warm-up (against rate x 4)"][0] > 0.02

# %% [markdown]
# At the base's rate judge by the interval printed above whether anything is gained. At the high rate the trainings
# without it end worse. So warm-up is what makes high rates possible, more than a gain of its own. It costs a line, which is why it is in nearly every recipe.
#
# ### Clipping
#
# First the lengths of the gradients, which cost nothing to look at. Then again two questions: does clipping matter where
# all is well, and where the rate is too high? And the same of Momentum, because there is a reason to expect a
# difference: AdamW divides by the size of recent gradients, so a long one cannot take it far. In Momentum nothing
# stands between a gradient and the weights, and a rate of 12 is far above its best.

# %%
loose = {"clip": math.inf}
wild = dataclasses.replace(base, optimiser="Momentum", rate=12.0)
effect("no clipping", dataclasses.replace(base, **loose))
effect("rate x 4, no clipping (against rate x 4)", dataclasses.replace(high, **loose), high)
effect("Momentum, rate 12, no clipping (against the same clipped)", dataclasses.replace(wild, **loose), wild)
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for ax, plan, title in zip(axes, (high, wild), ("AdamW, rate x 4", "Momentum, rate 12"), strict=True):
    for clip in (math.inf, 1.0):
        result = run(dataclasses.replace(plan, clip=clip), SEEDS[0])
        ax.semilogy(result.lengths, linewidth=0.8, label="not clipped" if clip > 1 else "clipped at 1")
    ax.axhline(1, color="black", linewidth=0.8, linestyle="--")
    ax.set(title=f"Length of the gradient, {title}", xlabel="step", ylabel="length before clipping")
axes[0].legend()
if not FAST:
    axes[0].set_ylim(0.1, 1e4)
show(
    "the line that shoots up on the right: a step that was too long leads to where gradients are longer still. What is "
    "above the dashed line is cut to it where gradients are clipped."
)
if not FAST:
    assert verdict("Momentum, rate 12, no clipping (against the same clipped)") == "worse"

# %% [markdown]
# With AdamW clipping is an insurance; what it paid out on these tidy names, the first two effects above say,
# with their intervals. Momentum at so high a rate is clearly worse without it, or lost altogether. To know
# which case is yours, print the lengths of the gradients.
#
# ### Weight decay and dropout, where nothing is wrong
#
# *Dropout* sets a share of the channels to zero in each training step, others each time, so that no channel can rely
# on a particular other one. *Weight decay* shrinks weights that the data do not keep large. Both keep a model from
# learning its training names by heart. In this short training each name is seen only a few times, so there is no danger.
#
# How strong is a decay of 1? Each step multiplies a weight by 1 - rate × decay. Over a training what is left of it is
# about exp(-decay × the sum of all rates). That sum is what makes a decay strong or weak, and it is printed below.

# %%
tokens = int((corpus.lengths[random_order] + 1).sum())
print(f"each name is seen {STEPS * BATCH / tokens:.1f} times")
summed = sum(base.rate * share_of_rate((step + 0.5) / STEPS) for step in range(STEPS))
for decay in (0.01, 1.0):
    print(f"decay {decay}: a weight without gradients keeps {math.exp(-decay * summed):.0%} of itself")
effect("decay 1", dataclasses.replace(base, decay=1.0))
effect("dropout 0.2", dataclasses.replace(base, dropout=0.2))
if not FAST:
    assert table["decay 1"][0] > 0
    assert table["dropout 0.2"][0] > 0

# %% [markdown]
# A cure for an illness that the patient does not have is no use: both changes raised the mean loss. So let us make it
# ill.
#
# ### Overfitting, provoked
#
# The same plan, the same number of steps, but only 1,000 names. Each is seen dozens of times.

# %%
FEW = 100 if FAST else 1000
ill = dataclasses.replace(base, lines=FEW)
steps, of_train, of_validation = np.mean([r.curve for r in runs(ill)], 0).T
lowest = of_validation.argmin()
fig, ax = plt.subplots(figsize=(7, 4))
for result in runs(ill):
    ax.plot(*np.array(result.curve)[:, :2].T, color="C0", linewidth=0.7, alpha=0.6)
    ax.plot(*np.array(result.curve)[:, ::2].T, color="C1", linewidth=0.7, alpha=0.6)
ax.plot(steps, of_train, color="C0", label=f"training names ({FEW:,})")
ax.plot(steps, of_validation, color="C1", label="validation names")
ax.plot(steps[lowest], of_validation[lowest], "o", color="black", label="lowest")
ax.set(title=f"Trained on {FEW:,} names only", xlabel="step", ylabel="loss (nats per token)")
ax.set_ylim(None, 4)
ax.legend()
show("the two lines part, and the upper one turns. From there on the model learns its names by heart.")
print(
    f"validation: lowest {of_validation[lowest]:.4f} at step {steps[lowest]:.0f}, at the end {of_validation[-1]:.4f}"
)
print(f"training: at the end {of_train[-1]:.4f}")
if not FAST:
    assert of_train[-1] < of_train[lowest] - 0.2  # training goes on falling
    assert of_validation[-1] > of_validation[lowest] + 0.1  # while validation rises

# %% [markdown]
# A gap between the lines is *not* the sign. Any model that learns knows its own names better. The sign is that the
# validation loss **rises**.
#
# ### Five cures
#
# * **Early stopping**: keep the weights of the step where the validation loss was lowest. It costs a copy.
# * **Dropout** and **weight decay**, as above.
# * **A smaller model**, which has no room to learn names by heart.
# * **More data**: four times as many names.
#
# All are compared with the last weights of the ill training. For early stopping the base is the same training, and the
# loss its lowest one: chosen because it is low, so a little flattered. The test names will tell.

# %%
cures = {
    "dropout 0.3": dataclasses.replace(ill, dropout=0.3),
    "decay 3": dataclasses.replace(ill, decay=3.0),
    "both": dataclasses.replace(ill, dropout=0.3, decay=3.0),
    "a smaller model": dataclasses.replace(ill, layers=1, channels=16),
    "4 times the names": dataclasses.replace(ill, lines=4 * FEW),
}
for name, plan in cures.items():
    effect(f"{FEW:,} names: {name}", plan, ill)
lowest_of = {}
for name, plan in {"nothing": ill, **cures}.items():
    curve = np.mean([r.curve for r in runs(plan)], 0)[:, 2]
    lowest = curve.argmin()
    print(f"{name:20} end {curve[-1]:.4f}  lowest {curve[lowest]:.4f} at step {steps[lowest]:.0f}")
    lowest_of[name] = curve[lowest]
lows = np.array([min(v for _, _, v in r.curve) - r.validation for r in runs(ill)])
half = STUDENT[len(SEEDS)] * lows.std(ddof=1) / math.sqrt(len(lows))
table[f"{FEW:,} names: early stopping"] = float(lows.mean()), float(half)
print(f"early stopping: {lows.mean():+.4f} ± {half:.4f}")

# %%
fig, ax = plt.subplots(figsize=(8, 4.5))
styles = ["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1))]
for style, (name, plan) in zip(styles, {"nothing": ill, **cures}.items(), strict=True):
    curve = np.mean([r.curve for r in runs(plan)], 0)
    ax.plot(curve[:, 0], curve[:, 2], linestyle=style, label=name)
ax.set(
    title=f"Cures of a training on {FEW:,} names", xlabel="step", ylabel="validation loss (nats per token)"
)
if not FAST:
    ax.set_ylim(2.0, 3.2)
ax.legend()
show("which lines still turn upwards, and how low each one gets. (Means of the seeds.)")
if not FAST:
    cured = [name for name in table if name.startswith("1,000")]
    assert all(table[name][0] < -0.3 for name in cured)
    assert min(cured, key=lambda name: table[name][0]).endswith("4 times the names")

    same_names = [lowest_of[name] for name in ("nothing", *cures) if "4" not in name]
    assert max(same_names) - min(same_names) < 0.15
    assert lowest_of["4 times the names"] < min(same_names) - 0.05

# %% [markdown]
# Two columns were printed for each cure: the loss at the end, and the lowest. At the end all cures are far better than
# none. At the lowest point the lines are much closer together: most of the harm was done by going on, and a copy of the
# weights, which costs nothing, undoes most of it. Only more names take the loss far below, since they alone bring
# knowledge; the others keep the model from pretending to have it.

# %% [markdown]
# ## The number to compare with
#
# ### What each change was worth
#
# One row for each change, with its 95 % interval over the seeds. Negative is better, and infinite means that trainings
# were lost. Not all intervals can be right: of twenty changes that do nothing at all, one is called clear on average.

# %%
print(f"{'change':62} {'effect':>8}   {'±':6}")
for name, (mean, half) in table.items():
    print(f"{name:62} {mean:+8.4f}   {half:.4f}   {verdict(name)}")

# %%
fig, axes = plt.subplots(1, 2, figsize=(9, 4.5))
few_names = [name for name in table if name.startswith(f"{FEW:,} names")]
sides = [name for name in table if name not in few_names], few_names
for ax, chosen, title in zip(axes, sides, ("all names", f"{FEW:,} names"), strict=True):
    chosen = [name for name in chosen if math.isfinite(table[name][0])]
    labels = [name.removeprefix(f"{FEW:,} names: ").split(" (")[0] for name in chosen]
    means, halves = np.array([table[name] for name in chosen]).T
    ax.errorbar(means, range(len(chosen)), xerr=halves, fmt="o", capsize=3)
    ax.axvline(0, color="black", linewidth=0.8, linestyle="--")
    ax.set_yticks(range(len(chosen)), labels, fontsize=8)
    ax.invert_yaxis()
    ax.set(title=f"Effects, {title}", xlabel="change of validation loss (nats)", ylabel="what was changed")
show(
    "the bars that stay clear of the dashed line. Left of it a change helps, right of it it harms. The two scales "
    "differ: what cures an illness moves the loss far more than what tunes a healthy training. Lost trainings are left out."
)

# %% [markdown]
# ### The test names, once
#
# Rates, cures and steps were all chosen with the validation names in view. So their losses flatter us a little.
# Now, and only now, the test names. Beside them stands what the library reaches on this same split with its
# recipe for a Transformer: more blocks and channels, more steps, Muon, this schedule, dropout, and a teacher:
# 40% of each target is what a 6-gram expects. The difference should lie in that list; `makemore.train` has it
# all.


# %%
def on_test(models: list[nn.Module]) -> float:
    """The mean test loss of some models."""
    return float(np.mean([loss_on(model, held_out["test"]) for model in models]))


source = "makemore transformer, benchmarks"
test_base, test_muon = (on_test([r.last for r in runs(plan)]) for plan in (base, muon))
beside("the base (AdamW), test", test_base, 1.9554, source)
beside("the same with Muon, test", test_muon, 1.9554, source)
best_cure = min(
    list(cures)[:-1], key=lambda name: table[f"{FEW:,} names: {name}"][0]
)  # of those for the same names
test_ill = on_test([r.last for r in runs(ill)])
test_stopped = on_test([r.best for r in runs(ill)])
test_cured = on_test([r.best for r in runs(cures[best_cure])])
print(f"{FEW:,} names, test: last weights {test_ill:.4f}, stopped early {test_stopped:.4f}, ", end="")
print(f"stopped early and {best_cure} {test_cured:.4f}")
if not FAST:
    assert test_muon < test_base - 0.04
    assert test_muon < 2.15
    assert test_stopped < test_ill - 0.3
    assert test_cured < test_stopped + 0.02

# %% [markdown]
# Overfitting is no rare accident. The original makemore.py trains its default Transformer for as long as one lets it,
# and well before the end its test loss turns upwards: benchmarks/RESULTS.md, Time to quality, has at which step it was
# lowest.
#
# ## The same through the library
#
# The schedule first. `makemore.training.optimizer.schedule` is our straight line with its warm-up.

# %%
from makemore.training.optimizer import optimizers, schedule
from makemore.training.step import batch_of, update

shares = torch.linspace(0, 1, 101).tolist()
assert all(abs(schedule(share) - share_of_rate(share)) < 1e-12 for share in shares)
print("the schedules agree")

# %% [markdown]
# Then the update: loss, gradient, clipping, optimiser. Both models start from the same weights and get the same five
# batches.


# %%
def five_steps(kind: str, rate: float = 1e-3) -> tuple[float, float, float]:
    """Train by hand and by the library. Returns the largest difference, its share of the way gone, and of the losses."""
    torch.manual_seed(1)
    model = new_model()
    twin, start = copy.deepcopy(model), copy.deepcopy(model)
    pairs = optimisers(Plan(optimiser=kind), model)
    weights = [w for _, cared_for in pairs for w in cared_for]
    by_library = optimizers(twin, rate, 0.01, muon=kind == "Muon")
    served = batches(random_order, 1)
    for _ in range(5):
        lines = next(served)
        loss = mean_nll(model, lines)
        gradients, _ = clipped(torch.autograd.grad(loss, weights), 1.0)
        for optimiser, mine in pairs:
            optimiser.step(mine, gradients[: len(mine)], rate)
            gradients = gradients[len(mine) :]
        its_loss = update(twin, by_library, rate, batch_of(corpus, lines))
    flat, its, first = (nn.utils.parameters_to_vector(m.parameters()) for m in (model, twin, start))
    share = (flat - its).norm() / (flat - first).norm()
    return (flat - its).abs().max().item(), share.item(), abs(loss.item() - its_loss.item())


# %%
apart, _, off = five_steps("AdamW")
print(f"AdamW: weights apart by up to {apart:.0e}, losses by {off:.0e}")
assert apart < 1e-5
assert off < 1e-5
_, share, _ = five_steps("Muon")
print(f"Muon: weights apart by {share:.2%} of the way gone")
assert share < 0.1
with patch("makemore.training.optimizer.fast_dtype", lambda device: torch.float32):
    apart, _, off = five_steps("Muon")
print(f"Muon, in 32 bits: weights apart by up to {apart:.0e}, losses by {off:.0e}")
assert apart < 1e-5
assert off < 1e-5

# %% [markdown]
# The library's Muon takes 16-bit products where the processor has them, as torch's does. Made to use 32 bits, like ours,
# it does the same steps.
#
# Last, does the library notice overfitting? Since a name's split depends on nothing but the name, a file with our 1,000
# training names and all held-out ones is split just as before. The usual defences have to be taken away first:
# dropout, the teacher, and patience, which would stop the training early.

# %%
from makemore.training.events import Evaluation, Overfitting

events = []
with tempfile.TemporaryDirectory() as directory:
    held = np.concatenate(list(held_out.values()))
    few_lines = corpus.lines(np.concatenate([random_order[:FEW], held]))
    path = Path(directory) / "few.txt"
    path.write_text("\n".join(few_lines), "utf-8")
    knobs = {"n_layer": 1 if FAST else 2, "n_embd": 16 if FAST else 48, "dropout": 0.0, "teacher": 0.0}
    few_run = makemore.train(
        path, type="transformer", work_dir=Path(directory) / "run", max_steps=STEPS, patience=0,
        seed=1, precision="float32", on_event=events.append, **knobs,
    )  # fmt: skip
    summary = few_run.summary()
    assert summary.lines == {"train": FEW, **{k: len(v) for k, v in held_out.items()}}

# %%
for event in events:
    if isinstance(event, Evaluation):
        print(
            f"step {event.step:4}  train {event.train:.4f}  validation {event.validation:.4f}",
            "*" * event.best,
        )
    if isinstance(event, Overfitting):
        print(
            f"Overfitting: since step {event.since} the validation loss has risen by more than chance explains"
        )
if not FAST:
    assert any(isinstance(event, Overfitting) for event in events)
    assert summary.best_step < STEPS / 2
print("its best weights on the test names:", round(summary.nll["test"], 4))

# %% [markdown]
# It does. Its rule is stricter than our eye: three evaluations in a row more than two standard errors above the lowest
# one, where the error is that of the difference, name by name. And what it kept are the weights of the lowest point.
#
# ## What is still wrong
#
# All of this was judged by one number, the loss. A person who wants names asks for something else: are they good, are
# they new, are they not all alike? A model with a low loss can still repeat its training names, and how one *draws* from it
# matters as much as how it was trained. That is what the next lesson is about.
#
# And the lesson's own limits: three seeds, one small model, one list, some ten thousand tokens to judge by. Another model can
# turn an order around. The method is what to take along, more than its results here.
#
# ## Exercises
#
# `makemore lessons start 12` makes the directory `lesson-12` with this lesson and `exercises.py`, and
# `makemore lessons check 12` grades what you write there.
#
# 1. `early_stopping`: from validation losses that come in one after the other, which weights are kept and when
#    training ends.
# 2. `lion_step`: an optimiser that was found by a program, and that needs half of AdamW's memory.
# 3. `effect`: the mean difference of two recipes over the same seeds, its interval, and the verdict.
#
# ## Further reading
#
# * Kingma and Ba, [Adam](https://arxiv.org/abs/1412.6980) (2014); Loshchilov and Hutter, [AdamW](https://arxiv.org/abs/1711.05101) (2017).
# * Keller Jordan, [Muon](https://kellerjordan.github.io/posts/muon/) (2024).
# * Srivastava and others, [Dropout](https://jmlr.org/papers/v15/srivastava14a.html) (2014).
# * Chen and others, [Lion](https://arxiv.org/abs/2302.06675) (2023).
