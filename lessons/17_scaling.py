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
# # 17. Scaling
#
# *Before this: lessons 12 and 15. Allow 2 hours.*
#
# ## What you will be able to do
#
# * measure how the loss falls with the size of a model and with the amount of data, on one core;
# * fit a small law to a grid of trainings, and predict a larger training before you run it;
# * count the compute of a training, and find the best size for a budget;
# * say where such a law stops.
#
# ## The idea
#
# Every lesson so far asked: which model is better? This one asks: how *much* better does a model become if it is larger, or
# sees more names? There is a reason to ask. A large language model is trained once, for months. Nobody can try ten sizes. So one trains
# many small ones, finds a rule, and computes from the rule how the large one should look.
#
# In 2020 Kaplan and others found that the rule is simple. The loss falls as a *power law*: each time the size is multiplied by
# some factor, the part of the loss that can be lost at all shrinks by a fixed factor. In 2022 Hoffmann and others put size and data into one
# formula, with $N$ weights and $D$ tokens of training data:
#
# $$L(N, D) = L_\infty + \frac{A}{N^\alpha} + \frac{B}{D^\beta}$$
#
# Three terms. $L_\infty$ is the floor: what no model of this family can get below, as the next letter of a name is partly
# chance. The second is what a model of $N$ weights is too small for. The third is what cannot be learned from only $D$ tokens. $A, B, \alpha$ (alpha) and $\beta$
# (beta) are numbers to be found.
#
# ![loss against size: small models are limited by their size, large ones by the data, and below both lies the floor](pictures/17_law.svg)
#
# We do the same with models of one thousand to some ten thousand weights. We fit the law, write down predictions, and only then train what was
# predicted.

# %%
import math
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import makemore
from makemore.course import FAST, beside, show

torch.set_num_threads(1)
SEEDS = (1, 2, 3)
CONTEXT, CHANNELS = 6, 10  # letters that a model sees, numbers for each letter

# %% [markdown]
# ## Building it
#
# ### Data by halves
#
# The model is lesson 4's: a window of letters, an embedding for each, one hidden layer of tanh. It is small and quick, and its size is set
# by one number, the hidden units. All windows of all names are made once. The names were shuffled first, so that the first quarter of
# the windows is a fair subsample.


# %%
def windows(corpus: makemore.Corpus, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """All windows (M, CONTEXT) of some lines, and what follows each (M,)."""
    inputs, targets = map(torch.from_numpy, corpus.batch(rows))  # (B, T) each; targets are -1 at padding
    before = torch.zeros(len(inputs), CONTEXT - 1, dtype=inputs.dtype)
    every = torch.cat([before, inputs], 1).unfold(1, CONTEXT, 1)  # (B, T, CONTEXT)
    return every[targets != -1].long(), targets[targets != -1].long()


def load(name: str) -> tuple[int, tuple, tuple]:
    """The size of the vocabulary, and windows to train on and to validate with."""
    corpus = makemore.read(name)
    rows = np.random.default_rng(0).permutation(corpus.rows("train"))[: 500 if FAST else None]
    held = corpus.rows("validation")[: 50 if FAST else 2000]
    return len(corpus.vocab), windows(corpus, rows), windows(corpus, held)


V, train_data, validation_data = load("names")
ALL = len(train_data[0])
print(f"{ALL:,} tokens to train on, {len(validation_data[0]):,} to validate")
print(train_data[0][:3], train_data[1][:3])

# %% [markdown]
# A *token* is a letter or the end of a name. `unfold(1, CONTEXT, 1)` takes all pieces of length `CONTEXT` along dimension 1, one step apart.
#
# | expression | shape or value in | out |
# | --- | --- | --- |
# | `x.unfold(1, 3, 1)` | `[[0, 0, 5, 13]]`, (1, 4) | `[[[0, 0, 5], [0, 5, 13]]]`, (1, 2, 3) |
# | `torch.baddbmm(b, x, W)` | (S, 1, O), (S, M, I), (S, I, O) | (S, M, O): S products of matrices, each with its bias added |
# | `(z.flatten(0, 1), y.flatten())` | (S, M, V), (S, M) | (S M, V), (S M,) for the cross-entropy |
#
# ### Several networks as one
#
# Each training is repeated with three seeds. Small matrices waste most of the time on getting started, so the three run
# side by side, as in lesson 6: every weight gets a first dimension $S$ for the seeds, and `baddbmm` multiplies all of them at once. They do not
# touch each other. The sum of their losses has the gradient of each in its place.


# %%
def new_weights(hidden: int, V: int) -> list[Tensor]:
    """Weights of one network for each seed, as tensors with S in front."""
    each = []
    for seed in SEEDS:
        g = torch.Generator().manual_seed(seed)
        I = CONTEXT * CHANNELS  # noqa: E741
        each.append(
            [
                torch.randn(V, CHANNELS, generator=g),
                torch.randn(I, hidden, generator=g) / I**0.5,
                torch.zeros(1, hidden),
                torch.randn(hidden, V, generator=g) * 0.1 / hidden**0.5,
                torch.zeros(1, V),
            ]
        )
    return [torch.stack(same) for same in zip(*each)]


def losses_of(weights: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """The loss of each token. x: (S, M, CONTEXT), y: (S, M). Returns (S, M), in nats."""
    table, W1, b1, W2, b2 = weights
    S = len(table)
    e = table[torch.arange(S)[:, None, None], x].flatten(2)  # (S, M, I): the embeddings side by side
    z = torch.baddbmm(b2, torch.tanh(torch.baddbmm(b1, e, W1)), W2)  # (S, M, V)
    return F.cross_entropy(z.flatten(0, 1), y.flatten(), reduction="none").view(y.shape)


def size_of(weights: list[Tensor]) -> int:
    """The number of weights of one network."""
    return sum(w[0].numel() for w in weights)


for hidden in (8, 32, 128, 512):
    print(f"{hidden:4} hidden units: {size_of(new_weights(hidden, V)):7,} weights")

# %% [markdown]
# ### One pass
#
# Each network sees its tokens *once*, in steps of 64, with Adam and a rate that rises shortly and then falls to zero. So $D$ is at
# the same time the number of tokens trained on and the number of different ones, as it is in the large trainings. Nothing can be
# learned by heart from a single look. The learning rate of 0.02 was found before, by a few tries at several sizes.
#
# One thing must change with the size. Adam moves every weight by about the rate, and a logit is a sum over all hidden units. With twice the units
# one step moves it about twice as far. So above 64 units the rate of the last matrix is divided by their number: with 256 it is a quarter. Yang and others
# worked out in 2022 how each rate should change with the size, so that what was tuned on a small model fits a large one. What happens without it we
# shall see under *Looking inside*.


# %%
def train(hidden: int, V: int, data: tuple, tokens: int, passes: int = 1, widest: float = 64) -> tuple:
    """Train on the first tokens. Returns the weights, and the seconds of CPU for one network.

    Above `widest` hidden units the rate of the last matrix shrinks.
    """
    began, batch = time.process_time(), 64
    x, y = data[0][:tokens], data[1][:tokens]
    weights = [w.requires_grad_() for w in new_weights(hidden, V)]
    groups = [
        {"params": [*weights[:3], weights[4]]},
        {"params": [weights[3]]},
    ]  # the last matrix has its own rate
    adam = torch.optim.Adam(groups, betas=(0.9, 0.99), fused=True)
    orders = []
    for seed in SEEDS:
        g = torch.Generator().manual_seed(seed)
        orders.append(torch.cat([torch.randperm(tokens, generator=g) for _ in range(passes)]))
    steps = tokens * passes // batch
    order = torch.stack(orders)[:, : steps * batch].view(len(SEEDS), steps, batch)
    for step in range(steps):
        chosen = order[:, step]  # (S, batch): others for each seed
        loss = losses_of(weights, x[chosen], y[chosen]).mean(1).sum()
        for w in weights:
            w.grad = None
        loss.backward()
        done = step / steps
        rate = 0.02 * min(1, (done + 1 / steps) / 0.05) * (1 - done)
        adam.param_groups[0]["lr"] = rate
        adam.param_groups[1]["lr"] = rate * min(1, widest / hidden)
        adam.step()
    return [w.detach() for w in weights], (time.process_time() - began) / len(SEEDS)


@torch.no_grad()
def validate(weights: list[Tensor], data: tuple) -> np.ndarray:
    """The mean loss of each seed's network on held-out windows: (S,), in nats per token."""
    x, y = (part.expand(len(SEEDS), *part.shape) for part in data)
    return losses_of(weights, x, y).mean(1).double().numpy()


# %% [markdown]
# ### The grid
#
# Five sizes, each twice the one before, and four amounts of data, 1/16 to 1/2 of the names. All other trainings of this lesson are kept
# out of the fit.
#
# **Before you run it:** take 8 hidden units and an eighth of the names. What will help more: twice the units, or twice the names? And
# with 64 units?

# %%
SIZES = (8, 16, 32, 64, 128)
PARTS = (16, 8, 4, 2)  # 1/16 of the names, and so on
train(8, V, train_data, 640)  # the first training is slow, because torch loads parts of itself
trained = {}  # (hidden, part): weights
grid = []  # a row for each training: N, D, the losses of the seeds, seconds
for hidden in SIZES:
    for part in PARTS:
        weights, seconds = train(hidden, V, train_data, ALL // part)
        trained[hidden, part] = weights
        grid.append((size_of(weights), ALL // part, validate(weights, validation_data), seconds))

N = np.array([row[0] for row in grid], dtype=float)  # (20,)
D = np.array([row[1] for row in grid], dtype=float)  # (20,)
losses = np.array([row[2] for row in grid])  # (20, S)
seconds = np.array([row[3] for row in grid])  # (20,)
table = losses.mean(1).reshape(len(SIZES), len(PARTS))
print("weights  " + "".join(f"{ALL // part:>9,}" for part in PARTS) + "   tokens")
for hidden, row in zip(SIZES, table):
    print(f"{size_of(new_weights(hidden, V)):7,}  " + "".join(f"{loss:9.4f}" for loss in row))
print(f"standard deviation between seeds: {losses.std(1, ddof=1).mean():.4f}")

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for j, part in enumerate(PARTS):
    left.plot(N.reshape(table.shape)[:, j], table[:, j], marker="osv^"[j], label=f"1/{part} of the names")
for i, hidden in enumerate(SIZES):
    right.plot(D.reshape(table.shape)[i], table[i], marker="osv^D"[i], label=f"{hidden} hidden units")
for ax, what in ((left, "weights, N"), (right, "tokens, D")):
    ax.set_xscale("log")
    ax.set(title=f"Loss by {what.split(',')[0]}", xlabel=what, ylabel="validation loss (nats per token)")
    ax.set_ylim(2.12, 2.55)
    ax.legend(fontsize=9, ncols=2, loc="upper right")
ticks = [ALL // part for part in PARTS]
right.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
right.minorticks_off()
show(
    "lines that flatten. On the left more weights help little where data are few; on the right more data help little "
    "where weights are few."
)

# %% [markdown]
# Read along a row: twice the names take off 0.02 to 0.08. Read down a column: twice the units take off much at first and little at last, 0.08 and
# 0.02 with half of the names. With 8 units and an eighth of the names, twice the units (2.376) help more than twice the names (2.397). With 64 units it is the other
# way round: 2.255 for the units, 2.218 for the names. That is what the law says: the larger of its two terms is the one to work on.
#
# The seeds differ by about 0.01 (the standard deviation), so single small differences mean nothing, but the pattern is clear.
#
# ### A law for one number
#
# First the size alone, with half of the names: $L = L_\infty + a N^{-\alpha}$. If $L_\infty$ were known, then
#
# $$\log(L - L_\infty) = \log a - \alpha \log N$$
#
# would be a straight line, and a straight line is fitted by *least squares*: the slope and height for which the squared errors add up
# to the least. $L_\infty$ is not known, so try many, and keep the one whose line fits best. `np.polyfit(x, y, 1)` fits a
# line and returns slope and height.

# %%
half = D == ALL // 2
x, y = np.log(N[half]), losses[half].mean(1)
best = (math.inf, 0.0, 0.0, 0.0)
for floor in np.linspace(0, y.min() - 0.01, 400):
    slope, height = np.polyfit(x, np.log(y - floor), 1)
    error = np.square(np.exp(height + slope * x) + floor - y).sum()
    best = min(best, (error, floor, math.exp(height), -slope))
error, floor, a, alpha = best
print(f"L = {floor:.3f} + {a:.2f} / N^{alpha:.3f}, typical error {math.sqrt(error / len(x)):.4f}")
for shift in (-0.1, -0.05):
    slope, height = np.polyfit(x, np.log(y - floor - shift), 1)
    off = np.exp(height + slope * x) + floor + shift - y
    print(
        f"with a floor of {floor + shift:.3f}: exponent {-slope:.3f}, error {math.sqrt(np.square(off).mean()):.4f}"
    )

# %% [markdown]
# Five points and three numbers: it fits to within 0.001. But look at the other floors. A floor that is 0.1 lower changes the exponent from 0.77 to 0.37, and the error
# is still only 0.01. Points that end far above the floor hardly tell where it lies. So never believe an exponent that comes without its floor.
#
# ### A law for both
#
# Now $L(N, D) = L_\infty + A N^{-\alpha} + B D^{-\beta}$, with five unknown numbers. The trick is the same. Once $\alpha$ and
# $\beta$ are chosen, $N^{-\alpha}$ and $D^{-\beta}$ are known columns of numbers, and $L_\infty, A, B$ enter
# *linearly*: least squares finds them in one step. `np.linalg.pinv(X)` is the matrix that does it: `pinv(X) @ y` are the
# best factors for the columns of `X`. So we try a square of exponents. The matrix does not depend on the losses, so it can serve for many sets of
# losses at once, which the bootstrap will need.


# %%
def fit(N: np.ndarray, D: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fit the law to K sets of losses y (rows, K). Returns (K, 5): L_inf, A, alpha, B, beta."""
    K = y.shape[1]
    lowest, laws = np.full(K, np.inf), np.ones((K, 5))
    exponents = np.arange(0.1, 1.5, 0.1 if FAST else 0.02)
    for alpha in exponents:
        for beta in exponents:
            X = np.stack([np.ones(len(N)), N**-alpha, D**-beta], 1)  # (rows, 3)
            factors = np.linalg.pinv(X) @ y  # (3, K)
            errors = np.square(X @ factors - y).sum(0)  # (K,)
            better = (errors < lowest) & (factors > 0).all(0)
            lowest[better] = errors[better]
            floor, A, B = factors[:, better]
            laws[better] = np.stack([floor, A, 0 * A + alpha, B, 0 * B + beta], 1)
    return laws


def predict(law: np.ndarray, N: float, D: float) -> np.ndarray:
    """The loss that laws (..., 5) expect of N weights and D tokens."""
    floor, A, alpha, B, beta = np.moveaxis(law, -1, 0)
    return floor + A * N**-alpha + B * D**-beta


law = fit(N, D, losses.mean(1)[:, None])[0]
floor, A, alpha, B, beta = law
print(f"L = {floor:.3f} + {A:.2f} / N^{alpha:.2f} + {B:.2f} / D^{beta:.2f}")
off = np.array([predict(law, n, d) for n, d in zip(N, D)]) - losses.mean(1)
print(f"typical error {math.sqrt(np.square(off).mean()):.4f}, largest {np.abs(off).max():.4f}")

# %% tags=["hide-input"]
made = 1.5 + 4 * N**-0.3 + 9 * D**-0.5
found = fit(N, D, made[:, None])[0]
assert np.allclose(found, [1.5, 4, 0.3, 9, 0.5], atol=1e-6)

# %% [markdown]
# A folded cell tests the fit with losses made from a known law, and gets its five numbers back.
# The floor is 1.88 now, and not 2.11. That is no contradiction: 2.11 holds for half of the names, and contains
# the third term, $4.65 / D^{0.26}$ with $D = 102{,}774$, which is 0.23.
#
# The typical error is 0.011, of the size of the luck of the seeds. The largest is 0.036.
#
# ### A prediction, written down first
#
# How sure is the law? *Bootstrap*: the three seeds of each cell are three lucky or unlucky trainings. Choose three of them at random, the
# same one allowed twice, in every cell; fit again; predict again. Do it 200 times. The middle 95% of the predictions are the interval.
#
# **Before you run it:** four trainings were kept out: twice the data, twice the size, four times the size, and four times the size with twice the data. For which
# will the law be furthest off, and will the truth lie above or below the prediction?

# %%
rng = np.random.default_rng(0)
again = 10 if FAST else 200
chosen = rng.integers(len(SEEDS), size=(len(N), again, len(SEEDS)))  # (20, again, 3): which seeds
resampled = np.take_along_axis(losses[:, None, :], chosen, 2).mean(2)  # (20, again)
laws = fit(N, D, resampled)  # (again, 5)

ASKED = {
    "twice the data": (128, 1),
    "twice the size": (256, 2),
    "4 times the size": (512, 2),
    "4 times the size, twice the data": (512, 1),
}
written = {}
for what, (hidden, part) in ASKED.items():
    n, d = size_of(new_weights(hidden, V)), ALL // part
    low, high = np.percentile(predict(laws, n, d), (2.5, 97.5))
    written[what] = (predict(law, n, d), low, high)
    print(
        f"{what:32} N = {n:6,}  D = {d:7,}   predicted {written[what][0]:.4f}, 95% from {low:.4f} to {high:.4f}"
    )

# %% [markdown]
# These numbers stand. Now the trainings.

# %%
checked = {}
for what, (hidden, part) in ASKED.items():
    weights, taken = train(hidden, V, train_data, ALL // part)
    trained[hidden, part] = weights
    found = validate(weights, validation_data)
    checked[what] = (size_of(weights), ALL // part, found, taken)
    guess, low, high = written[what]
    verdict = "inside" if low <= found.mean() <= high else "above" if found.mean() > high else "below"
    print(
        f"{what:32} predicted {guess:.4f} ({low:.4f} to {high:.4f})   measured {found.mean():.4f} "
        f"± {found.std(ddof=1):.4f}   off by {found.mean() - guess:+.4f}: {verdict}"
    )

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4.4))
ax.plot([predict(law, n, d) for n, d in zip(N, D)], losses.mean(1), "o", color="C0", label="the grid, fitted")
for i, what in enumerate(checked):
    found = checked[what][2]
    guess, low, high = written[what]
    ax.errorbar(
        guess,
        found.mean(),
        xerr=[[guess - low], [high - guess]],
        fmt="s^Dv"[i],
        color=f"C{i + 1}",
        capsize=3,
        label=what,
    )
ends = [min(losses.min(), 1.95 if not FAST else losses.min()), losses.max()]
ax.plot(ends, ends, color="black", linewidth=0.8, linestyle="--")
ax.set(title="Predicted and measured", xlabel="loss by the law (nats per token)", ylabel="loss measured")
ax.legend(fontsize=9)
show(
    "how close the points are to the dashed line, where prediction and truth are equal. The coloured ones at the lower "
    "left were not in the fit; a point above the line is a model that did worse than the law said."
)

# %% [markdown]
# The truth: **one hit, three misses.** Twice the data is inside the interval. The larger models did *better* than the law said, by 0.011, 0.015 and 0.035, and
# all three are outside it. As a rule of thumb the law is good: the worst miss is 1.7% of the loss, for four times the size and twice the data at
# once. As a statement of how sure one can be, the intervals were too narrow. They count the luck of the seeds, and not that three
# simple terms are a guess at the shape. The miss grows with the distance from the grid, as one should expect, and size is where the law
# fails: it sees the gain fade too soon.
#
# ### Compute
#
# What does a training cost? A token passes forward through the network: each weight is multiplied once and the product is added once, so
# $2N$ operations. Backwards there are two such products for each matrix, one for the gradient of the weights and one for that of the inputs:
# $4N$. With $D$ tokens that makes
#
# $$C = 6 N D .$$
#
# (Embeddings are looked up, not multiplied. There are 270 weights of them, which we count all the same, as the rule does.) Are the seconds proportional to it?
#
# **Before you run it:** the largest training of the grid has about 12 times the weights of the smallest and 8 times the tokens. Will
# it take 90 times as long?

# %%
flops = 6 * N * D
print("hidden   operations   seconds   operations a second")
with_half = {hidden: grid[i * len(PARTS) + 3] for i, hidden in enumerate(SIZES)}  # half of the names
with_half[512] = checked["4 times the size"]
for hidden, (n, d, _, taken) in with_half.items():
    print(f"{hidden:6} {6 * n * d:12.2e} {taken:9.2f} {6 * n * d / taken:15.2e}")
times = seconds[flops.argmax()] / seconds[flops.argmin()]
print(
    f"largest to smallest of the grid: {flops.max() / flops.min():.0f} times the operations, {times:.1f} times the seconds"
)

# %% [markdown]
# Not at all: 92 times the operations take about 11 times the seconds, on the machine that ran this page. With few units nearly all the time is the overhead of each step, and hardly any of it
# multiplication, so a model of twice the size costs next to nothing more. The operations a second grow from 1.6 to 39 billion. Only where they stop growing is
# $6ND$ a good measure of time, as it is for large models. Here it is a measure of *work* that does not depend on the machine. (The seconds do.)
#
# ### The best size for a budget
#
# You have a budget of $C$ operations. A large model then sees few tokens, a small one many: $D = C / (6N)$. Put that into the law, and the
# loss depends on $N$ alone. It is high at both ends, so there is a best size between them. At the best size the derivative by $\log N$ is 0:
#
# $$\alpha A N^{-\alpha} = \beta B D^{-\beta}, \qquad\text{so with } D = \frac{C}{6N}:\quad N^{\alpha + \beta} = \frac{\alpha A}{\beta B} \left(\frac{C}{6}\right)^{\beta} .$$
#
# The size should grow as $C^{\beta / (\alpha + \beta)}$, the data as $C^{\alpha / (\alpha + \beta)}$.


# %%
def best_size(law: np.ndarray, budget: float) -> tuple[float, float]:
    """The N and D with the lowest loss for 6 N D operations."""
    _, A, alpha, B, beta = law
    n = (alpha * A / (beta * B) * (budget / 6) ** beta) ** (1 / (alpha + beta))
    return n, budget / (6 * n)


print("operations   best N       its D    D / N   passes over the names   loss by the law")
for budget in (1e8, 1e9, 1e10, 1e11, 1e12):
    n, d = best_size(law, budget)
    print(f"{budget:10.0e} {n:8,.0f} {d:11,.0f} {d / n:8.1f} {d / ALL:23.2f} {predict(law, n, d):17.4f}")
print(f"N grows as C^{beta / (alpha + beta):.2f}, D as C^{alpha / (alpha + beta):.2f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 4.4))
for i, budget in enumerate((3e8, 1e9, 3e9)):
    sizes = np.geomspace(300, 60_000, 200)
    ax.semilogx(
        sizes, predict(law, sizes, budget / (6 * sizes)), color=f"C{i}", label=f"{budget:.0e} operations"
    )
    n, d = best_size(law, budget)
    ax.plot(n, predict(law, n, d), "*", color=f"C{i}", markersize=14)
    near = np.abs(np.log(flops / budget)) < 0.5
    ax.plot(N[near], losses.mean(1)[near], "o", color=f"C{i}", markerfacecolor="white")
ax.set_ylim(2.0, 3.0)
ax.set(title="Which size for a budget?", xlabel="weights, N", ylabel="loss (nats per token)")
ax.legend(fontsize=9)
show(
    "the valleys, and how flat they are: near a star a size twice too large or too small costs little. The stars move right as "
    "the budget grows. Open circles are trainings of the grid with about that budget."
)

# %% [markdown]
# Ten times the compute should buy about 1.9 times the weights and 5.4 times the data: exponents of 0.27 and 0.73. Hoffmann and others found about 0.5 for both, with some 20 tokens for each weight. Ours asks for more data and less
# size. But $\beta$, on which this depends, is badly known, and we have just seen that the law underrates size. Do not take the exponents for more than they are.
#
# The fifth column is the point. From about $10^{10}$ operations on, the best training wants more names than there are.
#
# ## Looking inside
#
# ### When there are no more names
#
# The law asks for ever more data, and the list ends. What then? One may go through it again. Here 128 hidden units always take the same number of steps,
# those of one pass over all names. But the names are fewer, and seen more often.
#
# **Before you run it:** half of the names seen twice, a quarter seen four times, and so on to a sixteenth seen 16 times. From where on does it hurt?

# %%
repeated = {1: checked["twice the data"][2]}
for passes in (2, 4, 8, 16):
    weights, _ = train(128, V, train_data, ALL // passes, passes)
    repeated[passes] = validate(weights, validation_data)
for passes, found in repeated.items():
    once = predict(law, size_of(weights), ALL // passes)
    print(
        f"{ALL // passes:7,} tokens, {passes:2} times: {found.mean():.4f}   once only, by the law: {once:.4f}   "
        f"worse than fresh names by {found.mean() - repeated[1].mean():+.4f}"
    )

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
ax.semilogx(
    list(repeated),
    [found.mean() for found in repeated.values()],
    "o-",
    base=2,
    label="repeated, the same number of steps",
)
ax.semilogx(
    list(repeated),
    [predict(law, size_of(weights), ALL / p) for p in repeated],
    "s--",
    base=2,
    label="seen once, by the law",
)
ax.axhline(repeated[1].mean(), color="black", linewidth=0.8, linestyle=":", label="all names, once")
ax.set(
    title="The same work on fewer names",
    xlabel="times that each name is seen",
    ylabel="validation loss (nats per token)",
)
ax.legend(fontsize=9)
show(
    "the solid line: flat at first, where seeing names twice is nearly as good as new ones, then rising. The gap to the dashed line "
    "is what the repetition still gained."
)

# %% [markdown]
# Half of the names seen twice are as good as all names seen once (a difference of 0.001 is luck). A quarter seen four times costs 0.02. Then it gets bad: a sixteenth seen 16 times is worse than the law's
# value for *one* pass over them, because the network now learns its names by heart. Muennighoff and others found the same for large models in 2023: up to about four
# passes, repeated data are almost as good as new ones.
#
# So the law of one pass ends where the list ends. A few passes more stretch it. After that only other means help.
#
# ### A recipe that does not scale
#
# What if the last matrix keeps its rate, whatever the size?
#
# **Before you run it:** with 512 hidden units and half of the names, will it cost much? And would a fit of such trainings notice?

# %%
for hidden in (128, 256, 512):
    weights, _ = train(hidden, V, train_data, ALL // 2, widest=math.inf)
    same_rate = validate(weights, validation_data).mean()
    scaled = validate(trained[hidden, 2], validation_data).mean()
    print(f"{hidden:4} hidden units: rate scaled {scaled:.4f}, the same rate {same_rate:.4f}")

# %% [markdown]
# It costs a great deal: with one rate for all sizes, 512 units are *worse* than 256, and those worse than 128. With the scaled rate each size is better than the one before. And a
# grid of up to 64 units would not notice, because up to there the two recipes are the same: the fit would look fine, and all predictions for larger
# models would come out too good.
#
# ### Your name, and the size
#
# What do the larger models know about a name that the smaller ones do not? The loss of one name, under networks that saw half of the names.

# %%
yours = "emma"  # put your own name here, in small letters from a to z
letters = [ord(letter) - 96 for letter in yours]  # a is 1, z is 26
x = torch.tensor([0] * CONTEXT + letters).unfold(0, CONTEXT, 1)  # (letters + 1, CONTEXT)
y = torch.tensor([*letters, 0])
print("hidden   " + "".join(f"{letter:>7}" for letter in yours + ".") + "     mean")
for hidden in (*SIZES, 256):
    weights = trained[hidden, 2]
    of_each = losses_of(weights, x.expand(len(SEEDS), *x.shape), y.expand(len(SEEDS), *y.shape)).mean(0)
    print(f"{hidden:6}   " + "".join(f"{loss:7.2f}" for loss in of_each) + f"  {of_each.mean():7.3f}")

# %% [markdown]
# Losses in nats, means over the three seeds: 0 is certainty, 3.30 a blind guess among 27.
# For emma the first letter stays where it is, at 3.1: nobody can know how a name begins. The gain is in the middle, in the second m above all, from 4.17
# to 1.43: only larger networks have room for "after em often comes another m". The end of the name is not easier for the large ones.
#
# ## The number to compare with
#
# The exponents first. Hoffmann and others fitted models of 44 million to 16 billion weights on text. Besiroglu and others read the points
# off their figures in 2024, fitted them again, and got 0.35 and 0.37.

# %%
beside("alpha, the exponent of the size", alpha, 0.34, "Hoffmann and others 2022")
beside("beta, the exponent of the data", beta, 0.28, "Hoffmann and others 2022")
alphas, betas = np.percentile(laws[:, 2], (2.5, 97.5)), np.percentile(laws[:, 4], (2.5, 97.5))
print(
    f"ours, by the bootstrap: alpha {alphas[0]:.2f} to {alphas[1]:.2f}, beta {betas[0]:.2f} to {betas[1]:.2f}"
)

# %% [markdown]
# Ours for the data, 0.26, is near theirs, but its interval from 0.10 to 0.44 would contain many numbers. Ours for the size, 0.70, is twice theirs. There is no reason for them to be the same:
# another kind of model, other data, and sizes that are a hundred thousand times smaller. What carries over is the shape.
#
# Then the floor. The library's figures on this split, for test names: its MLP, which is this lesson's with eight letters, trained for many passes, and
# an LSTM.

# %%
test_data = windows(makemore.read("names"), makemore.read("names").rows("test")[: 50 if FAST else None])
tested = validate(trained[512, 1], test_data).mean()
beside("512 hidden units, one pass, test", tested, 2.0448, "makemore mlp, context 8, benchmarks")
beside("the same", tested, 1.9446, "makemore lstm, benchmarks")
print(
    f"floor of the law {law[0]:.3f}; by the bootstrap {np.percentile(laws[:, 0], 2.5):.3f} to {np.percentile(laws[:, 0], 97.5):.3f}"
)

# %% [markdown]
# Without a single repetition, and with six letters, 512 units come to 2.079 on test names. The library's MLP has 2.045 after many passes and with cures for
# overfitting. An LSTM, which sees the whole beginning of a name, gets to 1.945.
#
# The floor of the law, 1.88, lies below all of them. It says what this family would reach with endless names and weights,
# and it is an extrapolation: the bootstrap lets it lie anywhere from 1.40 to 1.99. The true entropy of names, the loss of someone who knows all that can be known, cannot be read off
# such a fit. All we know is that it is below the best loss that any model has reached.
#
# ### Words: a list with more data
#
# The bundled English words have four times the tokens of the names. So a law from small parts of them can be checked with data that are
# farther off: fitted on 1/64 to 1/8 of the words, with 8, 32 and 128 hidden units, and asked about half of them, four times as much as it ever saw.

# %%
vocabulary, word_data, word_validation = load("words")
WORDS = len(word_data[0])
rows = []
for hidden in (8, 32, 128):
    for part in (64, 32, 16, 8):
        weights, _ = train(hidden, vocabulary, word_data, WORDS // part)
        rows.append((size_of(weights), WORDS // part, validate(weights, word_validation)))
word_sizes = np.array([row[0] for row in rows], dtype=float)
word_tokens = np.array([row[1] for row in rows], dtype=float)
word_losses = np.array([row[2] for row in rows])
word_law = fit(word_sizes, word_tokens, word_losses.mean(1)[:, None])[0]
print(f"words: {WORDS:,} tokens, {vocabulary} characters")
print("L = {:.3f} + {:.2f} / N^{:.2f} + {:.2f} / D^{:.2f}".format(*word_law))
chosen = rng.integers(len(SEEDS), size=(len(rows), again, len(SEEDS)))
word_laws = fit(word_sizes, word_tokens, np.take_along_axis(word_losses[:, None, :], chosen, 2).mean(2))
low, high = np.percentile(predict(word_laws, size_of(weights), WORDS // 2), (2.5, 97.5))
guess = predict(word_law, size_of(weights), WORDS // 2)
print(f"128 hidden units, {WORDS // 2:,} tokens: predicted {guess:.4f}, 95% from {low:.4f} to {high:.4f}")

# %% [markdown]
# That is written down. Now half of the words.

# %%
weights, _ = train(128, vocabulary, word_data, WORDS // 2)
found = validate(weights, word_validation)
print(f"measured {found.mean():.4f} ± {found.std(ddof=1):.4f}, off by {found.mean() - guess:+.4f}")
print(f"for comparison, with an eighth of the words: {word_losses[-1].mean():.4f}")

# %% [markdown]
# Another miss: the interval ended at 2.293, and the truth is 2.307. The law promised 0.065 more than came. It had given a warning. The exponent of the data is 0.10, the smallest
# that was tried: the fit ran into the edge of the square, which means that these points do not determine it. Asking for four times the
# data of the grid is asking far. (The losses of words do not compare with those of names: 70 characters, other lines.)
#
# Still, four times the data took the loss from 2.384 to 2.307, and the list of words is not used up. In names we would have run out.
#
# ## The same through the library
#
# The library's `mlp` is the same network. We put the weights of the network of 128 hidden units and all names into it: it must count as many weights and
# have the same loss.

# %%
from makemore.models import build, configure, count_parameters

knobs = {"context": CONTEXT, "n_embd": CHANNELS, "n_embd2": 128, "dropout": 0.0}
corpus = makemore.read("names")
model = build("mlp", V, configure("mlp", longest=corpus.longest, **knobs)).eval()
table, W1, b1, W2, b2 = (w[0] for w in trained[128, 1])  # those of the first seed
model.load_state_dict(
    {"embedding.weight": table, "fc.weight": W1.T, "fc.bias": b1[0], "head.weight": W2.T, "head.bias": b2[0]}
)
x, y = map(torch.from_numpy, corpus.batch(corpus.rows("validation")[: 50 if FAST else 2000]))
with torch.no_grad():
    logits, _ = model(x)
by_library = F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=-1).item()
print(f"{count_parameters(model):,} weights there, {size_of(trained[128, 1]):,} here")
print(f"loss there {by_library:.4f}, here {checked['twice the data'][2][0]:.4f}")

# %% tags=["hide-input"]
assert count_parameters(model) == size_of(trained[128, 1])
assert abs(by_library - checked["twice the data"][2][0]) < 1e-4

# %% [markdown]
# And trained by `makemore.train`, with dropout and the optimiser of its recipe, for 600 steps. The teacher, a 6-gram whose predictions are part of the
# targets, is switched off, as ours has none:

# %%
import tempfile

with tempfile.TemporaryDirectory() as directory:
    run = makemore.train(
        "names", type="mlp", context=CONTEXT, n_embd=CHANNELS, n_embd2=128, work_dir=directory,
        precision="float32", max_steps=2 if FAST else 600, teacher=0.0,
    )  # fmt: skip
    print("losses:", {split: round(loss, 4) for split, loss in run.summary().nll.items()})

# %% [markdown]
# 2.150 on the validation names, where ours had 2.105 after 3,211 steps of one pass. The two trainings differ in steps, batches, optimiser and dropout, so
# the difference says nothing about the network, which is the same.
#
# ## What is still wrong
#
# * **The law is a description, not a law of nature.** Nobody has derived the three terms. Fitted on small models it holds for somewhat larger ones,
#   and the farther one goes, the less one knows. The bootstrap counts the luck of seeds only. It does not count that the formula may be wrong.
# * **One family, one recipe.** The rates follow one rule for all sizes and amounts of data. Rates tuned for each would bend the curves.
#   And the floor is that of a window of six letters. Another family has another floor.
# * **32,000 names are all there are.** Beyond one or two passes, more compute buys less and less, and a better model has to come from
#   elsewhere: a better family, or cures of overfitting (lesson 12), or a mixture (lesson 18).
#
# *To read and watch:*
#
# * Kaplan and others, [Scaling Laws for Neural Language Models](https://arxiv.org/abs/2001.08361) (2020).
# * Hoffmann and others, [Training Compute-Optimal Large Language Models](https://arxiv.org/abs/2203.15556) (2022), and Besiroglu and others,
#   [Chinchilla Scaling: A replication attempt](https://arxiv.org/abs/2404.10102) (2024).
# * Yang and others, [Tensor Programs V](https://arxiv.org/abs/2203.03466) (2022): rates that fit every size.
# * Muennighoff and others, [Scaling Data-Constrained Language Models](https://arxiv.org/abs/2305.16264) (2023): what repeating is worth.
#
# ## Exercises
#
# `makemore lessons start 17` puts this lesson and a file `exercises.py` into the directory `lesson-17`. Fill in
# its three functions, then let `makemore lessons check 17` tell you how you did.
#
# 1. `power_law`: fit a floor, a factor and an exponent by straight lines in logarithms.
# 2. `transformer_cost`: the weights of a Transformer, and the operations of a training.
# 3. `best_size`: the best size and data for a budget, also where the data run out.
#
# **The open challenge.** Write `challenge.py` in `lesson-17`: an MLP whose training costs no more than $10^{11}$ operations, counted as $6 N D$ with $D$ all
# tokens that it sees, repeated ones too. Use this lesson's grid to choose the size, the number of passes and the learning rate. Get below 2.07 on the held-out
# names. `makemore lessons check 17 challenge` scores you.
