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
# * make a model overfit on purpose, see it, and cure it in several ways.
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

# The cells that follow use four tools of Python's own library: `copy.deepcopy` (a copy of a model that later steps
# do not change), `dataclasses` (a class that is only a list of named fields), `math`, and `time`.

# %%
import copy
import dataclasses
import math
import tempfile
import time
from pathlib import Path

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
STEPS, BATCH = (4, 256) if FAST else (240, 1024)  # BATCH: tokens, about
corpus = makemore.read("names")
V = len(corpus.vocab)  # 27
held_out = {split: corpus.rows(split)[: 50 if FAST else None] for split in ("validation", "test")}
random_order = np.random.default_rng(0).permutation(corpus.rows("train"))  # the file begins with common names
train_lines, validation_lines = (set(corpus.lines(corpus.rows(split))) for split in ("train", "validation"))
print(len(random_order), "names to train on,", len(corpus.rows("validation")), "to validate")
print("in both:", len(train_lines & validation_lines))

# %% tags=["hide-input"]
assert not train_lines & validation_lines

# %% [markdown]
# This is makemore's own split. A hash of its letters decides where a name goes, so a name that stands in the list
# twice is on one side only. Everything below is chosen on the *validation* names. The *test* names wait until the end.
#
# ## Building it
#
# ### Momentum: a step downhill
#
# The oldest optimiser goes against the gradient $g$. A little *momentum* makes it go against a running mean $m$ of
# gradients, in which what changes from batch to batch averages out:
#
# $$m \leftarrow 0.9\, m + 0.1\, g \qquad w \leftarrow w - \eta\, m$$
#
# where $w$ is a weight and $\eta$ (eta) the *rate*. In code:
#
# | expression | in | out |
# | --- | --- | --- |
# | `m.lerp(g, 0.1)` | `m` = 1, `g` = 5 | 1.4: from `m` a tenth of the way to `g`, which is $0.9\, m + 0.1\, g$ |
# | `m.lerp_(g, 0.1)` | the same | the same, but written into `m` itself: the `_` at the end says so |
# | `zip(weights, gradients)` | two lists | pairs: the first of each, the second of each ... |
# | `@torch.no_grad()` | a function | the same function; torch records nothing in it for `backward` |


# %%
class Momentum:
    """Go against a running mean of the gradients."""

    def __init__(self, weights: list[Tensor], decay: float = 0.0) -> None:
        self.decay = decay
        self.means = [torch.zeros_like(w) for w in weights]

    @torch.no_grad()
    def step(self, weights: list[Tensor], gradients: list[Tensor], rate: float) -> None:
        for w, g, m in zip(weights, gradients, self.means):
            m.lerp_(g, 0.1)  # m = 0.9 m + 0.1 g
            w -= rate * (m + self.decay * w)


# %% [markdown]
# ### AdamW
#
# One rate for all weights is a poor fit: the gradient of one weight may be a thousand times that of another. Adam
# keeps two running means for each weight, $m$ of its gradients and $v$ of their squares, and divides one by the root
# of the other:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g \qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2 \qquad
# w \leftarrow w - \eta\, \frac{\hat m}{\sqrt{\hat v} + 10^{-8}}$$
#
# What is left has no size of its own, roughly between -1 and 1: how *sure* the gradients are of the direction. The
# tiny number below the line only prevents a division by 0. Two details.
#
# * **Bias correction.** Both means start at 0, and so are too small at first, by the known factor $1 - \beta^t$
#   after $t$ steps. Divide by it: $\hat m = m / (1 - \beta_1^t)$, $\hat v = v / (1 - \beta_2^t)$.
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
        for w, g, m, v in zip(weights, gradients, self.means, self.squares):
            m.lerp_(g, 1 - b1)  # m = b1 m + (1 - b1) g
            v.lerp_(g * g, 1 - b2)
            m_hat = m / (1 - b1**self.t)
            v_hat = v / (1 - b2**self.t)
            if w.ndim > 1:
                w *= 1 - rate * self.decay
            w -= rate * m_hat / (v_hat.sqrt() + 1e-8)


# %% [markdown]
# Is it AdamW? Give it and torch's the same weights and the same gradients, from tiny ones to huge ones, and compare. torch's
# optimisers take *groups* of parameters, each with settings of its own, here with decay and without; they read
# the gradients from `.grad`, where `backward` would have put them. (`nn.Parameter` is a tensor that a training may
# change; lesson 11 explains it.)

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
gap = max((a - b).abs().max().item() for a, b in zip(ours, theirs))
gone = max((a - b).abs().max().item() for a, b in zip(ours, start))
print(f"after 20 steps a weight has moved by up to {gone:.3f}, and the two differ by {gap:.0e}")

# %% tags=["hide-input"]
assert gap < 1e-6

# %% [markdown]
# They differ by rounding: it is AdamW.
#
# **Before you run it:** the next cell makes AdamW's *first* step, three times: for a gradient of 0.0001, one of 1 and
# one of 10,000, each at a rate of 0.01. How far does the weight move each time?

# %%
for size in (1e-4, 1.0, 1e4):
    w = [torch.zeros(1)]
    AdamW(w).step(w, [torch.tensor([size])], rate=0.01)
    print(f"gradient {size:8g}   first step {w[0].item():.4f}")

# %% tags=["hide-input"]
assert abs(w[0].item() + 0.01) < 1e-5

# %% [markdown]
# By -0.01 each time. At the first step both means hold one gradient, so the step is $\eta\, g / \sqrt{g^2}$: every
# weight moves by the whole rate, up or down, however small its gradient is and however little one batch can know.
# Remember that; it comes back with warm-up.
#
# ### Muon
#
# AdamW treats a matrix as a heap of numbers. But a matrix *does* something: it turns directions into directions. The
# *singular value decomposition* $M = U S V^\top$ says which ($U$ and $V$, matrices whose columns have length 1 and are at
# right angles to each other) and how strongly ($S$, the *singular values*, one for each direction). In the
# gradient of a hidden layer a few directions are strong, and the others, many times weaker, hardly
# ever get a say. Muon keeps a running mean as Momentum does, and then makes *all singular values the same*: it steps
# along $U V^\top$.
#
# The decomposition is slow. There is a way with nothing but matrix products. For an odd polynomial such as
#
# $$p(x) = a x + b x^3 + c x^5$$
#
# the matrix $a X + b (X X^\top) X + c (X X^\top)^2 X$ has the same $U$ and $V$ as $X$, and singular values $p(s)$ instead
# of $s$. So choose $a$, $b$, $c$ such that $p$ pushes everything between 0 and 1 towards 1, and apply it a few times. It
# need not be exact: the numbers of Keller Jordan, who found Muon, are steep at 0, so that five times will do, and
# leave the values somewhere around 1.
#
# | expression | shape or value in | out |
# | --- | --- | --- |
# | `M.norm()` | `[[3, 0], [0, 4]]` | 5: the root of the sum of all squares |
# | `M.T` | (2, 3) | (3, 2): rows and columns exchanged |
# | `X @ X.T` | (2, 3) and (3, 2) | (2, 2): the matrix product |
# | `torch.linalg.svdvals(M)` | `[[3, 0], [0, 4]]` | `[4, 3]`: its singular values, the largest first |
# | `orthogonal(M)`, below | `[[3, 0], [0, 4]]` | singular values near 1 instead of 4 and 3 |

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
        for w, g, m in zip(weights, gradients, self.means):
            m.lerp_(g, 0.05)
            w *= 1 - rate * self.decay
            w -= 0.2 * rate * max(w.shape) ** 0.5 * orthogonal(g.lerp(m, 0.95))


# %% [markdown]
# Two details here too. It orthogonalises $0.95\, m + 0.05\, g$, the mean with the newest gradient counted once more
# (*Nesterov's* momentum). And $0.2 \sqrt{\text{longer side}}$ gives the numbers of the step about the size that AdamW's have, so
# that both can be tried at the same rates.
#
# To see it at work we need a real gradient: of the model before its first step, on one batch. The model comes from
# the library (`build` makes it; it is the one that lesson 10 built by hand), and the loss is the cross-entropy of that
# lesson: padding has the target -1, and `ignore_index=-1` leaves it out. `flatten(0, 1)` makes one long dimension of
# the first two, (B, T, V) to (B T, V), since `F.cross_entropy` wants one row for each prediction.


# %%
def new_model(layers: int = 2, channels: int = 48, dropout: float = 0.0) -> nn.Module:
    """A Transformer with weights from torch's global generator, built as in lesson 10."""
    if FAST:
        layers, channels = 1, 16
    knobs = {"n_layer": layers, "n_head": 4, "n_embd": channels, "dropout": dropout}
    return build("transformer", V, configure("transformer", longest=corpus.longest, **knobs))


def mean_nll(model: nn.Module, lines: np.ndarray) -> Tensor:
    """Mean of -log p over every token of some rows of the corpus, in nats."""
    inputs, targets = corpus.batch(lines)  # (B, T) each; targets are -1 at padding
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    logits, _ = model(x)  # (B, T, V)
    total = F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=-1, reduction="sum")
    return total / (y != -1).sum()


torch.manual_seed(1)
model = new_model()
hidden_names = [n for n, w in model.named_parameters() if n.startswith("blocks.") and w.ndim == 2]
hidden_count = sum(model.get_parameter(n).numel() for n in hidden_names)
print(count_parameters(model), "weights, of them in hidden matrices:", hidden_count)
loss = mean_nll(model, random_order[:128])
(gradient,) = torch.autograd.grad(loss, [model.get_parameter("blocks.0.fc.weight")])  # (4 C, C)
before = torch.linalg.svdvals(gradient / gradient.norm())
after = torch.linalg.svdvals(orthogonal(gradient))
U, _, Vh = torch.linalg.svd(gradient, full_matrices=False)
print(f"largest : middle singular value, before {before[0] / before.median():.0f}, ", end="")
print(f"after {after[0] / after.median():.1f}")
alike = F.cosine_similarity(orthogonal(gradient).flatten(), (U @ Vh).flatten(), dim=0)
print(f"cosine between the step and the exact U Vᵀ: {alike:.3f}")

# %% tags=["hide-input"]
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
assert 0.6 < after.median() < 1.3
assert after.max() < 1.3
assert alike > 0.7

# %% [markdown]
# In the gradient the strongest direction was about 84 times as strong as the middle one; in the step it is 1.5 times
# as strong. And the step points nearly where the exact $U V^\top$ does: a cosine of 1 would be the same direction,
# 0 a right angle.
#
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

# %% tags=["hide-input"]
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
#
# | expression | in | out |
# | --- | --- | --- |
# | `share_of_rate(0.025)` | half of the warm-up | 0.5 |
# | `share_of_rate(0.05)` | the end of the warm-up | 1 |
# | `share_of_rate(0.525)` | half of the rest | 0.5, on a straight line |
# | `share_of_rate(1)` | the end | 0 |


# %%
def share_of_rate(done: float, shape: str = "linear", warmup: float = 0.05) -> float:
    """The share of the full rate when a share of the training is done; both from 0 to 1."""
    if done < warmup:
        return done / warmup
    left = (1 - done) / (1 - warmup)  # 1 after the warm-up, 0 at the end
    if shape == "constant":
        return 1.0
    if shape == "linear":
        return left
    return (1 - math.cos(math.pi * left)) / 2  # cosine: slow, fast, slow


SHAPES = ("constant", "cosine", "linear")

# %% tags=["hide-input"]
assert abs(share_of_rate(0.025) - 0.5) < 1e-9
assert abs(share_of_rate(0.525) - 0.5) < 1e-9
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
    length = torch.stack([g.norm() for g in gradients]).norm()  # that of all together
    scale = (most / length).clamp(max=1)  # clamp(max=1): what is above 1 becomes 1
    return [g * scale for g in gradients], length.item()


few = [torch.tensor([3.0, 0.0]), torch.tensor([[4.0]])]
print("length 5, clipped at 1:", clipped(few, 1.0))

# %% tags=["hide-input"]
assert clipped(few, 1.0)[1] == 5
assert torch.equal(clipped(few, 10.0)[0][0], few[0])  # shorter ones are not made longer

# %% [markdown]
# 3 and 4 together have the length $\sqrt{3^2 + 4^2} = 5$. Clipped at 1 they become 0.6 and 0.8, which still point the same
# way.
#
# ### The plan and the loop
#
# Everything that is decided before a training begins (the usual word is *hyperparameters*) is in one place, here
# called a plan. A *dataclass* is a class that only holds named fields, with what they are unless one says otherwise.
# `dataclasses.replace(base, dropout=0.2)` is a copy with that one field changed: one change at a time can be taken at
# its word. `frozen=True` makes a plan unchangeable, so that it can be the key of a dict.


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

    @property
    def validation(self) -> float:
        return self.curve[-1][2]


# %% [markdown]
# The loop has nothing new in it. Batches come from the library, which puts names of about one length together, about
# 1,024 tokens at a time; their order depends on the seed alone.


# %%
def batches(lines: np.ndarray, seed: int):
    """Batches of rows without end: every row once, then again in another order. `yield` hands out one at a time."""
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
    pairs = [(kind(rest, plan.decay), rest)]
    if hidden:
        pairs.append((Muon(hidden, plan.decay), hidden))
    return pairs


# %%
def train(plan: Plan, seed: int) -> Result:
    """Train a new model by the plan."""
    torch.manual_seed(seed)  # the first weights, then dropout
    model = new_model(plan.layers, plan.channels, plan.dropout)
    pairs = optimisers(plan, model)
    weights = [w for _, cared_for in pairs for w in cared_for]
    lines = random_order[: plan.lines]
    served, result = batches(lines, seed), Result([], [], [], model, None)
    every = STEPS  # how often it is scored: at the beginning and the end, and with few names on the way too
    if plan.lines < len(random_order):
        every = STEPS // (2 if FAST else 12)
    for step in range(STEPS + 1):
        if step % every == 0 or step == STEPS:
            note(result, step, lines[: 50 if FAST else 500])
        if step == STEPS or result.validation == math.inf:
            return result
        loss = mean_nll(model, next(served))
        gradients, length = clipped(torch.autograd.grad(loss, weights), plan.clip)
        rate = plan.rate * share_of_rate((step + 0.5) / STEPS, plan.shape, plan.warmup)
        for optimiser, mine in pairs:
            optimiser.step(mine, gradients[: len(mine)], rate)
            gradients = gradients[len(mine) :]
        result.losses.append(loss.item())
        result.lengths.append(length)


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


done_before: dict[tuple[Plan, int], Result] = {}  # plan and seed -> what came of it


def run(plan: Plan, seed: int) -> Result:
    """Train, unless it was done before."""
    if (plan, seed) not in done_before:
        result = done_before[plan, seed] = train(plan, seed)
        changed = {k: v for k, v in vars(plan).items() if v != getattr(Plan(), k)}
        print(f"seed {seed}  validation {result.validation:.4f}  {changed or 'base'}")
    return done_before[plan, seed]


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
# mean of $n$ differences with standard deviation $s$ has a standard error of $s / \sqrt n$. With so few differences
# $s$ itself is a guess, and Student's $t$ says by how much to widen: for three seeds 4.30 standard errors to each side
# instead of the 1.96 that go with many. Where the interval does not hold 0 we call the effect *clear*, otherwise it is *within the
# spread*: perhaps there, perhaps not, and not to be built upon.

# %%
STUDENT = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}  # for 95 %, by the number of differences
table: dict[str, tuple[float, float]] = {}  # what was changed -> effect, half of its interval


def effect(name: str, changed: Plan, against: Plan = base) -> None:
    """Measure what a change does, print it, and put it into the table."""
    before = [result.validation for result in runs(against)]
    after = [result.validation for result in runs(changed)]
    if math.inf in before + after:  # a training is lost when its loss is no number any more
        lost = after.count(math.inf)
        print(f"{name}: lost {lost} of {len(after)} trainings, before {before.count(math.inf)}")
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
#
# **Before you run it:** AdamW's step has about the size of the rate, whatever the gradient. Momentum's has the size of
# the gradient times the rate, and the gradients here are shorter than 1. Which of them will want the larger rate, and
# by how much?

# %%
fine = (3e-3, 12e-3, 24e-3, 48e-3)
RATES = {"Momentum": (0.1, 0.4, 1.6, 6.4), "AdamW": fine, "Muon": fine}
if FAST:
    RATES = {name: rates[1:3] for name, rates in RATES.items()}
found, best_rate = {}, {}
for name, rates in RATES.items():
    plans = [dataclasses.replace(base, optimiser=name, rate=rate) for rate in rates]
    found[name] = [run(plan, SEEDS[0]).validation for plan in plans]
    best_rate[name] = rates[int(np.argmin(found[name]))]
print("the best of these:", best_rate)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
for name, rates in RATES.items():
    ax.semilogx(rates, found[name], marker="o", label=name)
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
if not FAST:
    at_base = found["AdamW"][fine.index(base.rate)]
    assert at_base < min(found["AdamW"]) + 0.02  # the base's rate is a good one
    assert best_rate["Momentum"] > 20 * best_rate["AdamW"]

# %% [markdown]
# Momentum's best rate is many times that of AdamW. Whoever compares the two at the same rate compares nothing. The
# base takes 0.012 for AdamW, at the bottom of its line or close to it.
#
# ### AdamW against Muon, each at its best rate

# %%
muon = dataclasses.replace(base, optimiser="Muon", rate=best_rate["Muon"])
effect("Muon", muon)
effect("Momentum", dataclasses.replace(base, optimiser="Momentum", rate=best_rate["Momentum"]))

# %% tags=["hide-input"]
if not FAST:
    assert table["Muon"][0] < -0.05  # far beyond what seeds do
    assert table["Momentum"][0] > 0.1

# %% [markdown]
# Step for step Muon is better here, and clearly so. But each of its steps computes more, all those products of
# matrices. What does that cost? The two take turns, a few steps each, and the fastest turn of each counts: whatever
# else the machine does can only add time.

# %%
turns = {"AdamW": [], "Muon": []}
for _ in range(1 if FAST else 4):
    for name in turns:
        torch.manual_seed(1)
        model = new_model()
        pairs = optimisers(Plan(optimiser=name), model)
        served = batches(random_order, 1)
        began = time.perf_counter()
        for _ in range(2 if FAST else 15):
            loss = mean_nll(model, next(served))
            gradients = torch.autograd.grad(loss, [w for _, mine in pairs for w in mine])
            for optimiser, mine in pairs:
                optimiser.step(mine, gradients[: len(mine)], 1e-3)
                gradients = gradients[len(mine) :]
        turns[name].append(time.perf_counter() - began)
ratio = min(turns["Muon"]) / min(turns["AdamW"])
print(f"a step with Muon takes {ratio:.2f} times as long as one with AdamW")

# %% [markdown]
# The ratio depends on the machine. For matrices as small as ours it is close to 1: most of the time goes into the
# loss and its gradient.
#
# ### Schedules
#
# **Before you run it:** the rate of the base falls to 0, so in the second half its steps are shorter than those of a
# constant rate. It walks less far. Will it end higher or lower?

# %%
for shape in SHAPES[:2]:
    effect(f"schedule: {shape}", dataclasses.replace(base, shape=shape))


# %% tags=["hide-input"]
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
# Lower, with each of the three seeds; but the three differences are so unlike that the interval still reaches 0. By our
# own rule that is within the spread. The figure is the better evidence: the losses are close as long as the rates are,
# and part when one of them falls. Why should it? Every gradient is that of a batch, so every step is partly noise, and
# at a constant rate the weights keep jittering around where they should be. As the rate falls, they settle. Whether
# the line is straight or a cosine makes no difference that we could see.
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

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for ax, plan, title in zip(axes, (base, high), ("rate of the base", "rate x 4")):
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
# At the base's rate nothing is to be seen in the end. At the high rate the figure shows a lag from the first steps on,
# and the mean effect is a harm; but its interval is the widest of this lesson. One seed of the three got off badly even
# *with* warm-up. At such a rate a training is a gamble, and three throws say little. Warm-up costs a line and is in
# nearly every recipe, as an insurance for high rates. To know what it pays here you would need more seeds: change
# `SEEDS`, and let it run overnight.
#
# ### Clipping
#
# First the lengths of the gradients, which cost nothing to look at. Then again two questions: does clipping matter where
# all is well, and where the rate is too high? The second is asked of Momentum, because there it ought to matter
# most: AdamW divides by the size of recent gradients, so a long one cannot take it far. In Momentum nothing
# stands between a gradient and the weights, and a rate of 12 is far above its best.

# %%
wild = dataclasses.replace(base, optimiser="Momentum", rate=12.0)
effect("no clipping", dataclasses.replace(base, clip=math.inf))
effect("Momentum, rate 12, no clipping (against it clipped)", dataclasses.replace(wild, clip=math.inf), wild)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for ax, plan, title in zip(axes, (high, wild), ("AdamW, rate x 4", "Momentum, rate 12")):
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
    assert verdict("Momentum, rate 12, no clipping (against it clipped)") == "worse"

# %% [markdown]
# With AdamW clipping is an insurance; what it paid out on these tidy names, the first effect above says, with its
# interval. Momentum at so high a rate is clearly worse without it, or lost altogether. To know
# which case is yours, print the lengths of the gradients.
#
# ### Weight decay and dropout, where nothing is wrong
#
# *Dropout* sets a share of the channels to zero in each training step, others each time, so that no channel can rely
# on a particular other one. *Weight decay* shrinks weights that the data do not keep large. Both keep a model from
# learning its training names by heart. In this short training each name is seen once or
# twice, so there is no danger.
#
# How strong is a decay of $d$? Each step multiplies a weight by $1 - \eta d$. Over a training what is left of it is
# about $e^{-d\,(\eta_1 + \eta_2 + \dots)}$. The sum of all rates is what makes a decay strong or weak, and it is printed below.

# %%
tokens = int((corpus.lengths[random_order] + 1).sum())
print(f"each name is seen {STEPS * BATCH / tokens:.1f} times")
summed = sum(base.rate * share_of_rate((step + 0.5) / STEPS) for step in range(STEPS))
for decay in (0.01, 2.0):
    print(f"decay {decay}: a weight without gradients keeps {math.exp(-decay * summed):.0%} of itself")
effect("decay 2", dataclasses.replace(base, decay=2.0))
effect("dropout 0.2", dataclasses.replace(base, dropout=0.2))

# %% tags=["hide-input"]
if not FAST:
    assert table["decay 2"][0] > 0
    assert table["dropout 0.2"][0] > 0

# %% [markdown]
# A cure for an illness that the patient does not have is no use: both changes raised the mean loss. So let us make it
# ill.
#
# ### Overfitting, provoked
#
# The same plan, the same number of steps, but only 1,000 names. Each is seen dozens of times.
#
# **Before you run it:** sketch two curves on paper, the loss on the 1,000 training names and the loss on the
# validation names, over the steps.

# %%
FEW = 100 if FAST else 1000
ill = dataclasses.replace(base, lines=FEW)
steps, of_train, of_validation = np.mean([r.curve for r in runs(ill)], 0).T
lowest = of_validation.argmin()
at_lowest = f"lowest {of_validation[lowest]:.4f} at step {steps[lowest]:.0f}"
print(f"validation: {at_lowest}, at the end {of_validation[-1]:.4f}")
print(f"training: at the end {of_train[-1]:.4f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
for result in runs(ill):
    step, of_one_train, of_one_validation = np.array(result.curve).T
    ax.plot(step, of_one_train, color="C0", linewidth=0.7, alpha=0.6)
    ax.plot(step, of_one_validation, color="C1", linewidth=0.7, alpha=0.6)
ax.plot(steps, of_train, color="C0", label=f"training names ({FEW:,})")
ax.plot(steps, of_validation, color="C1", label="validation names")
ax.plot(steps[lowest], of_validation[lowest], "o", color="black", label="lowest")
ax.set(title=f"Trained on {FEW:,} names only", xlabel="step", ylabel="loss (nats per token)")
ax.set_ylim(None, 4)
ax.legend()
show("the two lines part, and the upper one turns. From there on the model learns its names by heart.")
if not FAST:
    assert of_train[-1] < of_train[lowest] - 0.2  # training goes on falling
    assert of_validation[-1] > of_validation[lowest] + 0.1  # while validation rises

# %% [markdown]
# A gap between the lines is *not* the sign. Any model that learns knows its own names better. The sign is that the
# validation loss **rises**.
#
# ### Your own name, under an ill model
#
# What does it look like from inside, to be overfitted? Put in your own name, in lower case and with the letters a to z
# only. Each column is one training on the 1,000 names with the first seed: its best weights and its last ones; the
# training on all names stands beside them. Each number is the probability of the letter, after what comes before it.

# %%
yours = "emma"  # put your own name here


@torch.no_grad()
def letter_by_letter(model: nn.Module, name: str) -> Tensor:
    """The probability of each letter of a name, and of its end: (T,)."""
    ids = torch.from_numpy(corpus.vocab.encode("\n" + name + "\n").astype("int64"))  # 0, the letters, 0
    model.eval()
    p = model(ids[None, :-1])[0][0].softmax(-1)  # (T, V)
    return p[range(len(name) + 1), ids[1:]]


models = {"ill, best": runs(ill)[0].best, "ill, last": runs(ill)[0].last, "all names": runs(base)[0].last}
known = corpus.lines(random_order[:1])[0]  # the first of the 1,000 names
for name in (yours, known):
    its = name in set(corpus.lines(random_order[:FEW]))
    print(f"{name}, {'one' if its else 'not one'} of the {FEW:,} names")
    columns = [letter_by_letter(model, name) for model in models.values()]
    print("      ", *(f"{title:>10}" for title in models))
    for i, letter in enumerate(name + "."):
        print(f"{letter:>6}", *(f"{column[i]:10.1%}" for column in columns))
    print(
        "  mean",
        *(f"{-column.log().mean():10.2f}" for column in columns),
        "(nats per token: lower is better)",
    )

# %% [markdown]
# `yasser` is one of the 1,000, and the last weights are better at it than the best ones are: 2.11 nats per token instead
# of 2.41. They have seen it dozens of times. `emma` is not, and there they are worse, 2.55 instead of 2.35: above all they
# hardly believe that it can end where it ends, 1.1% instead of 13.7%. That is overfitting from inside: the probability
# that one name gained is taken from others. Try your own name, and a rare one.
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
    "decay 5": dataclasses.replace(ill, decay=5.0),
    "a smaller model": dataclasses.replace(ill, layers=1, channels=16),
    "4 times the names": dataclasses.replace(ill, lines=4 * FEW),
}
for name, plan in cures.items():
    effect(f"{FEW:,} names: {name}", plan, ill)
lowest_of = {}
all_plans = {"nothing": ill}
all_plans.update(cures)
for name, plan in all_plans.items():
    curve = np.mean([r.curve for r in runs(plan)], 0)[:, 2]
    lowest = curve.argmin()
    print(f"{name:18} end {curve[-1]:.4f}  lowest {curve[lowest]:.4f} at step {steps[lowest]:.0f}")
    lowest_of[name] = curve[lowest]
lows = np.array([min(v for _, _, v in r.curve) - r.validation for r in runs(ill)])
half = STUDENT[len(SEEDS)] * lows.std(ddof=1) / math.sqrt(len(lows))
table[f"{FEW:,} names: early stopping"] = float(lows.mean()), float(half)
print(f"early stopping: {lows.mean():+.4f} ± {half:.4f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8, 4.5))
styles = ["-", "--", "-.", ":", (0, (5, 1))]
for style, (name, plan) in zip(styles, all_plans.items()):
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
    assert all(table[name][0] < -0.1 and verdict(name) == "better" for name in cured)
    assert min(cured, key=lambda name: table[name][0]).endswith("4 times the names")

    same_names = [lowest_of[name] for name in all_plans if "4" not in name]
    assert max(same_names) - min(same_names) < 0.15
    assert lowest_of["4 times the names"] < min(same_names) - 0.05

# %% [markdown]
# Two columns were printed for each cure: the loss at the end, and the lowest. At the end all cures are clearly better
# than none. At the lowest point the lines are much closer together: most of the harm was done by going on, and a copy of the
# weights, which costs nothing, undoes most of it. Only more names take the loss well below, since they alone bring
# knowledge; the others keep the model from pretending to have it.

# %% [markdown]
# ## The number to compare with
#
# ### What each change was worth
#
# One row for each change, with its 95 % interval over the seeds. Negative is better, and infinite means that trainings
# were lost. Not all intervals can be right: of twenty changes that do nothing at all, one is called clear on average.

# %%
print(f"{'change':52} {'effect':>8}   {'±':6}")
for name, (mean, half) in table.items():
    print(f"{name:52} {mean:+8.4f}   {half:.4f}   {verdict(name)}")

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 4.5))
few_names = [name for name in table if name.startswith(f"{FEW:,} names")]
sides = [name for name in table if name not in few_names], few_names
for ax, chosen, title in zip(axes, sides, ("all names", f"{FEW:,} names")):
    chosen = [name for name in chosen if math.isfinite(table[name][0])]
    labels = [name.removeprefix(f"{FEW:,} names: ").split(" (")[0] for name in chosen]
    means, halves = np.array([table[name] for name in chosen]).T
    ax.errorbar(means, range(len(chosen)), xerr=halves, fmt="o", capsize=3)
    ax.axvline(0, color="black", linewidth=0.8, linestyle="--")
    ax.set_yticks(range(len(chosen)), labels, fontsize=9)
    ax.invert_yaxis()
    ax.set(title=f"Effects, {title}", xlabel="change of validation loss (nats)")
axes[0].set_ylabel("what was changed")
axes[1].set_ylabel("what was changed")
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
# 40% of each target is what a 6-gram expects (lesson 5 builds it). The difference should lie in that list;
# `makemore.train` has it all.


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

# %% tags=["hide-input"]
if not FAST:
    assert test_muon < test_base - 0.04
    assert test_muon < 2.15
    assert test_stopped < test_ill - 0.1
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

shares = torch.linspace(0, 1, 101).tolist()  # 0, 0.01, 0.02, ... 1
apart = max(abs(schedule(share) - share_of_rate(share)) for share in shares)
print(f"the schedules differ by {apart:.0e} at most")

# %% tags=["hide-input"]
assert apart < 1e-12

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
    flat, its, first = [nn.utils.parameters_to_vector(m.parameters()) for m in (model, twin, start)]
    share = (flat - its).norm() / (flat - first).norm()
    return (flat - its).abs().max().item(), share.item(), abs(loss.item() - its_loss.item())


# %%
adam_apart, _, adam_off = five_steps("AdamW")
print(f"AdamW: weights apart by up to {adam_apart:.0e}, losses by {adam_off:.0e}")
_, share, _ = five_steps("Muon")
print(f"Muon: weights apart by {share:.2%} of the way gone")

# %% tags=["hide-input"]
assert adam_apart < 1e-5
assert adam_off < 1e-5
assert share < 0.1

# %% [markdown]
# The library's five steps are ours, to within rounding. (Where a processor has 16-bit products the library's Muon takes
# them, as torch's does, and then a few per cent of the way remain.)
#
# Last, does the library notice overfitting? Since a name's split depends on nothing but the name, a file with our 1,000
# training names and all held-out ones is split just as before. The usual defences have to be taken away first:
# dropout, the teacher, and patience, which would stop the training early. `on_event` is called with everything that
# happens in the training; here it puts it into a list. (`TemporaryDirectory` makes a directory that is removed at the
# end of the `with`.)

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

# %%
for event in events:
    if isinstance(event, Evaluation):
        star = "*" if event.best else ""
        print(f"step {event.step:4}  train {event.train:.4f}  validation {event.validation:.4f} {star}")
    if isinstance(event, Overfitting):
        print(f"Overfitting: since step {event.since} the validation loss rose by more than chance explains")
print("its best weights on the test names:", round(summary.nll["test"], 4))

# %% tags=["hide-input"]
assert summary.lines["train"] == FEW
assert summary.lines["validation"] == len(held_out["validation"])
if not FAST:
    assert any(isinstance(event, Overfitting) for event in events)
    assert summary.best_step < STEPS / 2

# %% [markdown]
# It does. Its rule is stricter than our eye: three evaluations in a row more than two standard errors above the lowest
# one, where the error is that of the difference, name by name. And what it kept are the weights of the lowest point.
#
# ## What is still wrong
#
# All of this was judged by one number, the loss. A person who wants names asks for something else: are they good, are
# they new, are they not all alike? A model with a low loss can still repeat its training names, and how one
# *samples* from it matters as much as how it was trained. Lesson 15 measures all that, and lesson 16 is about
# sampling. Whether a larger model or a longer training would pay more than any of this, lesson 17 asks. And the model
# itself is that of 2019; lesson 13 brings it up to date.
#
# And the lesson's own limits: three seeds, one small model, one list, some ten thousand tokens to judge by. Another model can
# turn an order around. The method is what to take along, more than its results here.
#
# *To read and watch:*
#
# * Kingma and Ba, [Adam](https://arxiv.org/abs/1412.6980) (2014), and Loshchilov and Hutter,
#   [AdamW](https://arxiv.org/abs/1711.05101) (2017).
# * Keller Jordan, [Muon](https://kellerjordan.github.io/posts/muon/) (2024).
# * Srivastava and others, [Dropout](https://jmlr.org/papers/v15/srivastava14a.html) (2014).
# * Chen and others, [Lion](https://arxiv.org/abs/2302.06675) (2023), for exercise 2.
# * torch's own optimisers: [docs.pytorch.org](https://docs.pytorch.org/docs/stable/optim.html).
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
# **The open challenge.** Take a small Transformer as it is, at most 65,000 weights (that of this lesson has 60,000),
# and train it as well as you can: optimiser, rate, schedule, batch, steps, dropout, all are yours. Write it in
# `challenge.py`; `makemore lessons check 12 challenge` trains it on makemore's training names, scores it on the
# validation names and keeps a board of your tries. The goal is 2.0 nats per token.
