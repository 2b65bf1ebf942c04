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
# # 6. Initialisation and normalisation
#
# *Before this: lesson 4. Allow 3 hours.*
#
# ## What you will be able to do
#
# * say what the loss must be before the first step, and what is wrong where it is not;
# * read histograms of activations, gradients and updates, and name the layer that is ill;
# * choose first weights with which a signal neither dies nor explodes, however many layers it passes;
# * write batch normalisation for training and for use, and know how it goes wrong.
#
# ## The idea
#
# Training begins with random weights, and it matters which. The network of lesson 4 has two places where
# random numbers that are too large do harm.
#
# ![Wide inputs land on the flat ends of tanh. A tall wrong bar costs more than even bars.](pictures/06_start.svg)
#
# **tanh is flat at its ends.** The gradient that comes back through it is multiplied by its slope. Where the
# input is far from 0 the slope is nearly 0, and so is all that the weights before it are told. **Softmax can
# be confidently wrong.** A network that has seen nothing has no reason to prefer a character. If its logits
# are large by chance, it does so nevertheless, and the first steps go into unlearning that.
#
# Both are mended by smaller random numbers. How small can be calculated for one layer, and hardly for fifty
# of different kinds. Batch normalisation does not calculate: it measures what comes out of a layer, and sets
# it right.
#
# Each of the five networks of this lesson makes one improvement on the one before. None has more hidden units,
# none sees more data, and the table at the end says what each is worth.

# %%
import copy
import math
import random
import time

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.nn import functional as F

from makemore.course import FAST, beside, names, show

words = names()
itos = [".", *sorted(set("".join(words)))]  # id -> character; the dot is the boundary
stoi = {character: i for i, character in enumerate(itos)}
B, T = 32, 3  # windows in a batch, characters in a window
C, H, V = 10, 200, len(itos)  # channels of a character, hidden units, vocabulary

# %% [markdown]
# ## Building it
#
# The numbers to compare with come from makemore part 3, so the data must be cut as they are cut there: shuffled
# with seed 42, 80 % to train, 10 % to validate, 10 % to test.

# %%
random.seed(42)
random.shuffle(words)
cuts = int(0.8 * len(words)), int(0.9 * len(words))
train_words, val_words = words[: cuts[0]], words[cuts[0] : cuts[1]]


def windows(some: list[str]) -> tuple[Tensor, Tensor]:
    """Names to the T characters before each character, (M, T), and that character, (M,)."""
    X, Y = [], []
    for word in some:
        before = [0] * T
        for i in [*(stoi[c] for c in word), 0]:
            X.append(before)
            Y.append(i)
            before = [*before[1:], i]
    return torch.tensor(X), torch.tensor(Y)


Xtr, Ytr = windows(train_words)
Xval, Yval = windows(val_words)
known = set(train_words)
share = sum(word in known for word in val_words) / len(val_words)
print(len(Ytr), "characters to predict in training,", len(Yval), "in validation")
print(f"{share:.0%} of the validation names are in training too")
assert 0.12 < share < 0.16

# %% [markdown]
# That last line is a flaw of this way of cutting, the leak of lesson 4: names that occur twice land on both sides.
# Whoever compares with the videos has to put up with it. makemore's own split has no such names.
#
# Now lesson 4's network: embed, one tanh layer, logits. Only one thing is new. All weights are random numbers of
# the normal distribution (`torch.randn`), and each group of them is multiplied by a factor: `w1`, `b1`, `w2` or
# `b2`. The whole lesson is about those factors.


# %%
def first_weights(
    g: torch.Generator, w1: float = 1, b1: float = 1, w2: float = 1, b2: float = 1
) -> list[Tensor]:
    """First weights E, W1, b1, W2, b2: normal numbers times the scales given."""
    return [
        torch.randn(V, C, generator=g),
        torch.randn(T * C, H, generator=g) * w1,
        torch.randn(H, generator=g) * b1,
        torch.randn(H, V, generator=g) * w2,
        torch.randn(V, generator=g) * b2,
    ]


def forward(weights: list[Tensor], X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Windows X (B, T) to logits (B, V), and on the way to what goes into tanh and comes out, both (B, H)."""
    E, W1, b1, W2, b2 = weights
    e = E[X].flatten(1)  # (B, T, C) -> (B, T C)
    a = e @ W1 + b1  # (B, H)
    h = torch.tanh(a)  # (B, H)
    return h @ W2 + b2, a, h


def seeded() -> torch.Generator:
    """The generator that the first weights of all five networks come from."""
    return torch.Generator().manual_seed(2147483647)


# %% [markdown]
# ### The loss at the start
#
# Before the first step the network knows nothing. Knowing nothing has a price that can be calculated: a probability
# of 1/27 for each character, a loss of log 27. Here is what it pays instead.
#
# Beside it stands the *standard deviation* $\sigma$ of the logits, which says how far they typically lie from their
# mean $\mu$. It is the root of the *variance* $\sigma^2$, the mean of the squared distances from the mean. This
# lesson uses both all the time:
#
# $$\mu = \frac{1}{n} \sum_i x_i \qquad \sigma^2 = \frac{1}{n} \sum_i (x_i - \mu)^2$$
#
# | expression | in | out |
# | --- | --- | --- |
# | `x.std(correction=0)` | `[1., 2., 3., 6.]` | `1.8708`, the $\sigma$ above |
# | `x.std()` | the same | `2.1602`: divided by $n - 1$ instead of $n$, no matter for many numbers |
# | `logits.softmax(1)` | (1000, 27) | (1000, 27): each row probabilities |
# | `p.max(1).values`, `p.argmax(1)` | (1000, 27) | (1000,) each: the largest of each row, and where it stands |

# %%
weights = first_weights(seeded())
with torch.no_grad():
    logits, a, h = forward(weights, Xtr[:1000])  # (1000, V)
first_loss = F.cross_entropy(logits, Ytr[:1000]).item()
print(f"loss before the first step {first_loss:.2f}, that of knowing nothing {math.log(V):.4f}")
print(f"logits: standard deviation {logits.std():.1f}")
most = logits.softmax(1).max(1).values  # (1000,)
hit = (logits.argmax(1) == Ytr[:1000]).float().mean()
print(
    f"the likeliest character gets {most.mean():.0%} of the probability on average, and is the right one in {hit:.0%}"
)

# %% tags=["hide-input"]
assert first_loss > 5 * math.log(V)
assert most.mean() > 0.8
assert hit < 0.2
x = torch.tensor([1.0, 2, 3, 6])
assert [round(each.item(), 4) for each in (x.std(correction=0), x.std())] == [1.8708, 2.1602]

# %% [markdown]
# Far worse than a guess. Nearly all probability goes to one character, nearly always a wrong one. It does not
# take a network to see why: four logits are enough. The truth is the third of them.
#
# **Before you run it:** the same four logits are multiplied by 0, 1, 10 and 100. What is the loss with 0? And
# roughly, by how much does the loss rise from 10 to 100?

# %%
for factor in (0, 1, 10, 100):
    four = factor * torch.tensor([0.4, -1.1, -0.3, 1.2])
    p = [round(x, 3) for x in four.softmax(0).tolist()]
    print(f"times {factor:3}: probabilities {p}, loss {F.cross_entropy(four, torch.tensor(2)):.2f}")

# %% [markdown]
# With 0 all four are alike, and the loss is log 4 = 1.39. Large logits are sure, and then the loss grows with them:
# ten times as large, ten times the loss.
#
# Small logits are all alike to softmax, whatever they are, and cost log of their number. So let the output
# layer start small: `W2` times 0.01, and no preference for any character, `b2` = 0. (`**SMALL` passes the entries
# of the dict by name, as if `w2=0.01, b2=0` were written there.)

# %%
SMALL = {"w2": 0.01, "b2": 0}
with torch.no_grad():
    logits, _, _ = forward(first_weights(seeded(), **SMALL), Xtr[:1000])
loss = F.cross_entropy(logits, Ytr[:1000]).item()
print(f"loss before the first step {loss:.4f}, that of knowing nothing {math.log(V):.4f}")

# %% tags=["hide-input"]
assert abs(loss - math.log(V)) < 0.05

# %% [markdown]
# That is the price of knowing nothing, as it should be. Why not 0 for `W2` too? The gradient of everything before
# it passes through it. Were it 0, the first step could not move the other weights at all.

# %%
weights = [w.requires_grad_() for w in first_weights(seeded(), w2=0, b2=0)]
gradients = torch.autograd.grad(F.cross_entropy(forward(weights, Xtr[:B])[0], Ytr[:B]), weights)
sizes = {name: d.abs().max().item() for name, d in zip(("E", "W1", "b1", "W2", "b2"), gradients)}
print("largest gradient:", {name: round(size, 3) for name, size in sizes.items()})

# %% tags=["hide-input"]
assert sizes["E"] == sizes["W1"] == sizes["b1"] == 0 < sizes["W2"]

# %% [markdown]
# Only `W2` and `b2` have a gradient. `E`, `W1` and `b1` would sit still.
#
# Now the plain step of training, as in lesson 4: a batch, its loss, the gradients, a small move against them.
# A thousand of these from either start. A curve that begins with a steep fall and then runs almost level is
# often called a hockey stick; look for the steep fall at the start.


# %%
def train(weights: list[Tensor], steps: int, g: torch.Generator, rate: float = 0.1) -> Tensor:
    """Train in place; return the loss of each batch (steps,)."""
    losses = torch.zeros(steps)
    weights = [w.requires_grad_() for w in weights]
    for step in range(steps):
        at = torch.randint(0, len(Xtr), (B,), generator=g)
        loss = F.cross_entropy(forward(weights, Xtr[at])[0], Ytr[at])
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for w, d in zip(weights, gradients):
                w -= rate * d
        losses[step] = loss.detach()
    return losses


STEPS = 100 if FAST else 1000
curves = {}
for name, scales in (("unscaled", {}), ("output layer small", SMALL)):
    g = seeded()
    curves[name] = train(first_weights(g, **scales), STEPS, g)
ahead = [curve[STEPS // 2 :].mean().item() for curve in curves.values()]
print(f"mean loss over the second half: {ahead[0]:.2f} unscaled, {ahead[1]:.2f} with a small output layer")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
for name, losses in curves.items():
    ax.plot(torch.arange(5, STEPS, 10), losses.view(-1, 10).mean(1), label=name)
ax.axhline(math.log(V), color="black", linestyle="--", linewidth=0.8, label="log V: knowing nothing")
ax.set_title("The first steps of training, ten at a time")
ax.set_xlabel("step")
ax.set_ylabel("loss (nats per token)")
ax.legend()
show(
    "the hockey stick. The steep blade is not learning: there the network only takes back what chance made it "
    "so sure of. The other line starts at log V, and all of its steps go into names."
)
assert ahead[1] < ahead[0]

# %% [markdown]
# A thousand steps with a small output layer do more than a thousand from the unscaled start, by far.
#
# ### Saturated tanh
#
# The loss is right now, and the second fault does not show in it. It hides in the hidden layer. Look at what
# goes into tanh (the *pre-activation*) and what comes out (the *activation*). `GENTLE` also scales `W1` by
# 0.2 and `b1` by 0.01.

# %%
GENTLE = {"w1": 0.2, "b1": 0.01, "w2": 0.01, "b2": 0}
inside = {}
with torch.no_grad():
    for name, scales in (("W1 unscaled", SMALL), ("W1 times 0.2", GENTLE)):
        _, a, h = forward(first_weights(seeded(), **scales), Xtr[:B])  # (B, H) each
        inside[name] = a, h
        beyond = (h.abs() > 0.97).float().mean()
        print(f"{name:12} into tanh: std {a.std():.2f}; out of it: {beyond:.0%} beyond ±0.97")

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for name, (a, h) in inside.items():
    axes[0].hist(a.flatten(), bins=60, range=(-15, 15), alpha=0.6, label=name)
    axes[1].hist(h.flatten(), bins=60, range=(-1, 1), alpha=0.6, label=name)
for ax, what in zip(axes, ("goes into tanh", "comes out of tanh")):
    ax.set_title(f"What {what}")
    ax.set_xlabel("pre-activation" if ax is axes[0] else "activation")
    ax.set_ylabel("count (32 windows, 200 units)")
    ax.legend(fontsize=9)
axes[1].set_xticks([-1, -0.5, 0, 0.5, 1])
show(
    "the two towers on the right. With W1 unscaled, inputs spread far beyond what tanh can tell apart, and it "
    "answers -1 or 1 to almost everything. Times 0.2, all of its range is in use."
)

# %% [markdown]
# Unscaled, two outputs in three are beyond ±0.97; scaled, 4 in a hundred. An output of 1 would not be bad in
# itself. But the slope of tanh is
#
# $$\frac{d \tanh(a)}{d a} = 1 - \tanh^2(a) = 1 - h^2$$
#
# and the gradient is multiplied by it on its way back: at $h = 0.97$ hardly 6% comes through, at 0.99 only 2%. The
# picture has a white dot wherever a unit does not listen to a window. A column that is white from top to bottom
# would be a *dead* unit: no window of the batch can teach it anything. (`flat.all(0)` says of each column whether
# all of it is true.)

# %%
passed = []
for name, (_, h) in inside.items():
    flat = h.abs() > 0.99  # (B, H)
    passed.append((1 - h**2).mean().item())
    print(f"{name:12} {flat.float().mean():4.0%} flat, {flat.all(0).sum()} units dead,", end=" ")
    print(f"{passed[-1]:.0%} of the gradient comes through tanh")

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 2.9), sharey=True)
for ax, (name, (_, h)) in zip(axes, inside.items()):
    flat = h.abs() > 0.99
    ax.imshow(flat.numpy(), cmap="gray", aspect="auto", interpolation="nearest", vmin=0, vmax=1)
    ax.set_title(f"{name}: white is |h| > 0.99")
    ax.set_xlabel("hidden unit")
axes[0].set_ylabel("window of the batch")
show(
    "the white. On the left a large part of the batch teaches the units nothing; on the right there is hardly any."
)
assert passed[0] < 0.4 < 0.5 < passed[1]

# %% [markdown]
# No unit is dead in either, but four times as much of the gradient comes through the scaled layer.
#
# ### Kaiming: where the 0.2 comes from
#
# It was found by trying. It can be calculated. Each input of tanh is a sum over its *fan-in*, here T C = 30
# products. Variances of independent numbers add up, so the sum of $n$ products of standard normal numbers has
# variance $n$, and standard deviation $\sqrt n$:
#
# $$a = \sum_{i=1}^{n} x_i w_i \qquad \sigma_a^2 = n\,\sigma_x^2 \sigma_w^2 \qquad \sigma_a = \sqrt n \; \sigma_x \sigma_w$$

# %%
g = torch.Generator().manual_seed(4)
for n in (10, 30, 100, 1000):
    x, W = torch.randn(1000, n, generator=g), torch.randn(n, H, generator=g)
    plain, scaled = ((x @ each).std().item() for each in (W, W / math.sqrt(n)))
    print(f"fan-in {n:4}: std {plain:5.2f}, √n = {math.sqrt(n):5.2f}; with W / √n: {scaled:.2f}")
    assert abs(scaled - 1) < 0.1

# %% [markdown]
# So a standard deviation of $1 / \sqrt n$ keeps the spread as it was. But then comes tanh, which pulls everything
# towards 0. A *gain* makes up for that:
#
# $$\sigma_w = \frac{\text{gain}}{\sqrt{\text{fan-in}}}$$
#
# For tanh 5/3 is usual, for relu (`max(0, a)`), which throws one half away, $\sqrt 2$. This is Kaiming
# initialisation, after the first name of He and colleagues (2015). The first of the exercises finds out where gains
# come from.
#
# With one layer a gain that is somewhat off does no harm. With many, each layer hands its error on to the
# next. Here are twenty layers of 100 units, and nothing but the gain is different.
#
# **Before you run it:** with gain 1, what becomes of the signal over twenty layers? And with gain 3?

# %%
GAINS = {"gain 1": 1, "gain 5/3": 5 / 3, "gain 3": 3}
DEPTH, N = 20, 100
spread, flat = {}, {}
for name, gain in GAINS.items():
    g = torch.Generator().manual_seed(4)
    h = torch.randn(500, N, generator=g)  # (500, N)
    spread[name], flat[name] = [], []
    for _ in range(DEPTH):
        h = torch.tanh(h @ (torch.randn(N, N, generator=g) * gain / math.sqrt(N)))
        spread[name].append(h.std().item())
        flat[name].append((h.abs() > 0.97).float().mean().item())
    print(
        f"{name:8} std {spread[name][0]:.2f} after layer 1, {spread[name][-1]:.2f} after 20; {flat[name][-1]:.0%} flat"
    )

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
for ax, series, what in zip(
    axes, (spread, flat), ("Spread of activations", "Share of saturated activations"), strict=True
):
    for name in GAINS:
        ax.plot(range(1, DEPTH + 1), series[name], marker=".", label=name)
    ax.set_title(what)
    ax.set_xlabel("layer")
    ax.set_xticks([1, 5, 10, 15, 20])
    ax.set_ylabel("standard deviation" if ax is axes[0] else "share with |h| > 0.97")
    ax.set_ylim(0, 1)
    ax.legend()
show(
    "the level line. With gain 5/3 layer 20 sees what layer 5 sees. With 1 the signal fades from layer to layer; "
    "with 3 it stays large, but only because the units are driven into the flat ends."
)
assert spread["gain 1"][-1] < spread["gain 1"][0] / 2
assert abs(spread["gain 5/3"][-1] - spread["gain 5/3"][4]) < 0.05
assert flat["gain 3"][-1] > 0.3

# %% [markdown]
# With gain 1 the signal fades to a quarter of what it was after the first layer, and goes on fading. With gain 3 it
# stays large, and two activations in five are flat.
#
# For our layer the rule says half as large again as what trying had found. The 0.2 is nearer to gain 1, which
# gives 1 / √30 = 0.183. Both are right in their way: 5/3 is for a signal that has to pass many layers of tanh,
# and here it passes one. The table at the end has both, and they differ by 0.004. (Is 5/3 right for tanh, to
# the digit? It is a rule of thumb; the first exercise measures.)

# %%
KAIMING = {"w1": (5 / 3) / math.sqrt(T * C), "b1": 0.01, "w2": 0.01, "b2": 0}
print(f"W1 times {KAIMING['w1']:.3f}, where trying had found 0.2")
for name in ("linear", "tanh", "relu"):
    print(f"torch's gain for {name}: {torch.nn.init.calculate_gain(name):.3f}")

# %% [markdown]
# ### Batch normalisation
#
# Initialisation sets the spread right at step 0, and then the weights move, and with them the spread of what
# each layer gets from the one before: *internal covariate shift*, as Ioffe and Szegedy (2015) called it. They
# asked: if we want the inputs of tanh to have mean 0 and standard deviation 1, why not just make them so? Take
# each unit's mean $\mu$ and variance $\sigma^2$ over the batch, subtract, divide. That can be differentiated, so it
# can be a layer like any other.
#
# Two more things are needed. Mean 0 and deviation 1 are good to begin with, but the network must be free to
# leave them: a *gain* $\gamma$ and a *bias* $\beta$ for each unit, which are learned.
#
# $$z = \gamma\,\frac{a - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# And in use there may be no batch, just one name to go on with. So while training, the layer keeps running averages
# of the means and variances it saw, and in use those stand in for the batch.
#
# | expression | in | out |
# | --- | --- | --- |
# | `a.mean(0)`, `a.var(0, correction=0)` | (32, 200) | (200,) each: one number a unit, over the batch |
# | `a - a.mean(0)` | (32, 200) and (200,) | (32, 200), by broadcasting: lesson 1's rule, and here it is right |
# | `x.lerp_(y, 0.1)` | x `[0., 10.]`, y `[1., 0.]` | x becomes `[0.1, 9.0]`: a tenth of the way to y, in place |


# %%
class BatchNorm:
    """Gives each column of (B, H) the mean `bias` and the standard deviation `gain`."""

    def __init__(self, H: int, momentum: float = 0.001) -> None:
        self.gain, self.bias = torch.ones(H), torch.zeros(H)  # learned
        self.mean, self.var = torch.zeros(H), torch.ones(H)  # running averages, not learned
        self.momentum, self.training = momentum, True
        self.parameters = [self.gain, self.bias]

    def __call__(self, a: Tensor) -> Tensor:
        if self.training:
            mean, var = a.mean(0), a.var(0, correction=0)  # (H,) of this batch
            with torch.no_grad():
                n = len(a)
                self.mean.lerp_(mean, self.momentum)  # 0.999 of the old, 0.001 of the new
                self.var.lerp_(var * n / max(1, n - 1), self.momentum)
        else:
            mean, var = self.mean, self.var  # (H,) of training as a whole
        return self.gain * (a - mean) / (var + 1e-5).sqrt() + self.bias


# %% [markdown]
# Two details of the code. The `1e-5`, $\varepsilon$, keeps a unit that never changes from a division by 0. And
# there are two variances, as in the paper: the batch is divided by its own, the mean of squares (`correction=0`),
# while the running average is after that of *all* data, which a sample underestimates: $n / (n - 1)$ corrects it.
#
# (Whether that shift is why it helps is another question: later work, such as Santurkar et al. 2018, found that
# it makes the loss smoother to descend on, and that the shift has little to do with it. What it does here we
# measure.)
#
# However badly the weights are scaled, what comes out is right:

# %%
for w1 in (0.1, 1, 10):
    E, W1, b1, _, _ = first_weights(seeded(), w1=w1)
    a = E[Xtr[:B]].flatten(1) @ W1  # (B, H)
    z = BatchNorm(H)(a)
    print(f"W1 times {w1:4}: std {a.std():7.3f} before, {z.std(0, correction=0).mean():.3f} after")
shifted = BatchNorm(H)(a + b1)
print(f"with b1 and without: at most {(shifted - z).abs().max():.0e} apart")

# %% tags=["hide-input"]
assert z.mean(0).abs().max() < 1e-3
assert (z.std(0, correction=0) - 1).abs().max() < 0.01
assert torch.allclose(shifted, z, atol=1e-3)
assert torch.tensor([0.0, 10]).lerp_(torch.tensor([1.0, 0]), 0.1).allclose(torch.tensor([0.1, 9]))

# %% [markdown]
# The last line is worth a thought. A bias before BatchNorm is added, and then subtracted again with the mean.
# It does nothing and learns nothing, so `b1` is left out. BatchNorm's own bias does its work.
#
# ## Looking inside
#
# One hidden layer hardly needs BatchNorm. To see what it is for, stack six, and make their weights too small on
# purpose: gain 0.5 where 5/3 would be right. `Shift` is what stands in BatchNorm's place where there is none:
# a bias.

# %%
LAYERS, WIDTH = 6, 100


class Shift:
    """Adds a bias to each column."""

    def __init__(self, H: int) -> None:
        self.bias = torch.zeros(H)
        self.parameters = [self.bias]

    def __call__(self, a: Tensor) -> Tensor:
        return a + self.bias


# %%
class Deep:
    """An embedding, LAYERS tanh layers of WIDTH units, each normalised or shifted, and an output layer."""

    def __init__(self, gain: float, norm: type) -> None:
        g = torch.Generator().manual_seed(4)
        self.E = torch.randn(V, C, generator=g)
        self.Ws, self.norms = [], []
        fan_in = T * C
        for _ in range(LAYERS):
            self.Ws.append(torch.randn(fan_in, WIDTH, generator=g) * gain / math.sqrt(fan_in))
            self.norms.append(norm(WIDTH))
            fan_in = WIDTH
        self.head, self.b = torch.randn(WIDTH, V, generator=g) * 0.01, torch.zeros(V)
        self.weights = [self.E, *self.Ws, self.head, self.b]
        for each in self.norms:
            self.weights += each.parameters
        for w in self.weights:
            w.requires_grad_()

    def __call__(self, X: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Windows (B, T) to logits (B, V) and the activations of each layer (B, WIDTH)."""
        h, hs = self.E[X].flatten(1), []  # (B, T C)
        for W, norm in zip(self.Ws, self.norms):
            h = torch.tanh(norm(h @ W))  # (B, WIDTH)
            hs.append(h)
        return h @ self.head + self.b, hs


# %% [markdown]
# First the forward way: what each layer hands to the next, before the first step. (`torch.histogram(h, 41,
# range=(-1, 1))` counts how many numbers fall into each of 41 equal pieces of that range, and returns the counts
# and the 42 edges of the pieces.)
#
# **Before you run it:** with gain 0.5 and no BatchNorm, by what factor will the spread shrink from layer to layer,
# roughly?

# %%
NETS = {"without BatchNorm": Shift, "with BatchNorm": BatchNorm}
firsts = {}  # the activations of each layer, and the gradients of the loss for them
for name, norm in NETS.items():
    logits, hs = Deep(0.5, norm)(Xtr[:1000])
    firsts[name] = hs, torch.autograd.grad(F.cross_entropy(logits, Ytr[:1000]), hs)
    print(f"{name:18} std of each layer:", *(f"{h.std():.3f}" for h in hs))

# %% tags=["hide-input"]
colours = plt.get_cmap("viridis")(torch.linspace(0, 0.9, LAYERS).numpy())
fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")  # each with a scale of its own
for ax, (name, (hs, _)) in zip(axes, firsts.items()):
    for i, h in enumerate(hs):
        count, edges = torch.histogram(h.detach(), 41, range=(-1, 1))
        ax.plot((edges[1:] + edges[:-1]) / 2, count / count.sum(), color=colours[i], label=f"layer {i + 1}")
    ax.set_title(f"Activations {name}")
    ax.set_xlabel("activation, out of tanh")
    ax.set_xticks([-1, -0.5, 0, 0.5, 1])
    ax.set_ylim(bottom=0)
    ax.set_ylabel("share of activations")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=9)
show(
    "the needle on the left: what reaches the last layers is almost 0 for any window. On the right, where the scale "
    "is another, all layers look alike and use the whole range of tanh."
)
spreads = {name: [h.std().item() for h in hs] for name, (hs, _) in firsts.items()}
assert spreads["without BatchNorm"][-1] < spreads["without BatchNorm"][0] / 10
assert max(spreads["with BatchNorm"]) < 1.2 * min(spreads["with BatchNorm"])

# %% [markdown]
# Without BatchNorm the spread halves with each layer, as gain 0.5 says. With it, it stays at 0.63 or so.
#
# Then the way back. Gradients differ by orders of magnitude, so their logarithm is plotted: a step to the left
# by 1 is a gradient ten times smaller.

# %%
for name, (_, gradients) in firsts.items():
    print(f"{name:18} std of the gradient of each layer:", *(f"{d.std():.0e}" for d in gradients))

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), sharey=True, layout="constrained")
for ax, (name, (_, gradients)) in zip(axes, firsts.items()):
    for i, d in enumerate(gradients):
        count, edges = torch.histogram(d.abs().clamp(min=1e-12).log10(), 50, range=(-10, -2))
        ax.plot((edges[1:] + edges[:-1]) / 2, count / count.sum(), color=colours[i], label=f"layer {i + 1}")
    ax.set_title(f"Gradients {name}")
    ax.set_xlabel("log10 of the gradient of an activation")
    ax.set_ylabel("share of gradients")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=9)
show(
    "the march to the left: each layer on the way back to the first gets a smaller gradient. "
    "With BatchNorm they stay together."
)
fall = {name: (gradients[0].std() / gradients[-1].std()).item() for name, (_, gradients) in firsts.items()}
assert fall["without BatchNorm"] < 0.1
assert 0.2 < fall["with BatchNorm"] < 5

# %% [markdown]
# Layer 1 gets a thirtieth of what layer 6 gets; with BatchNorm, all get about the same.
#
# What counts in the end is by how much a step changes the weights, compared with how large they are: the
# *update ratio*, the standard deviation of `rate * gradient` over that of the weights. A rule of thumb says
# that about one part in a thousand is right. Much less, and the layer hardly learns; much more, and it is
# thrown about.


# %%
def deep_train(net: Deep, steps: int, rate: float = 0.1) -> tuple[Tensor, Tensor]:
    """Train in place; return the losses (steps,) and log10 of the update ratio of each layer (steps, LAYERS)."""
    g = torch.Generator().manual_seed(5)
    losses, ratios = torch.zeros(steps), torch.zeros(steps, LAYERS)
    for step in range(steps):
        at = torch.randint(0, len(Xtr), (B,), generator=g)
        loss = F.cross_entropy(net(Xtr[at])[0], Ytr[at])
        gradients = torch.autograd.grad(loss, net.weights)
        with torch.no_grad():
            losses[step] = loss
            for i, (W, d) in enumerate(zip(net.Ws, gradients[1 : LAYERS + 1])):
                ratios[step, i] = (rate * d.std() / W.std()).log10()
            for w, d in zip(net.weights, gradients):
                w -= rate * d
    return losses, ratios


# %%
DEEP = 20 if FAST else 1000
ratios = {}
for name, norm in NETS.items():
    _, ratios[name] = deep_train(Deep(0.5, norm), DEEP)
    print(f"{name:18} update ratio over the first 20 steps: {10 ** ratios[name][:20].mean():.0e}")

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
for ax, name in zip(axes, NETS):
    smooth = ratios[name].view(-1, 10, LAYERS).mean(1)  # (DEEP / 10, LAYERS)
    for i in range(LAYERS):
        ax.plot(range(5, DEEP, 10), smooth[:, i], color=colours[i], label=f"layer {i + 1}")
    ax.axhline(-3, color="black", linestyle="--", linewidth=0.8, label="one in a thousand")
    ax.set_title(f"Updates {name}")
    ax.set_xlabel("step")
    ax.set_ylabel("log10 of the update ratio")
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside right center", fontsize=9)
show(
    "the way to the dashed line. Without BatchNorm the first steps hardly change anything, and later the layers "
    "drift apart. With it all layers move at one pace from the start, and rather fast."
)
assert ratios["without BatchNorm"][:30].mean() < -3.5 < -2.5 < ratios["with BatchNorm"][:30].mean()

# %% [markdown]
# Why fast? BatchNorm divides by the spread, so the size of the weights before it makes no difference to what
# comes out. Weights of half the size then have gradients of twice the size, and their update ratio is four
# times as large. BatchNorm forgives small weights, but it does not choose the learning rate for you: watch the
# ratio.

# %%
steep = {}
for gain in (0.5, 1):
    net = Deep(gain, BatchNorm)
    loss = F.cross_entropy(net(Xtr[:1000])[0], Ytr[:1000])
    (d,) = torch.autograd.grad(loss, net.Ws[:1])
    steep[gain] = d.std().item()
print(f"gradient of the first weights: std {steep[0.5]:.1e} with gain 0.5, {steep[1]:.1e} with gain 1")

# %% tags=["hide-input"]
assert abs(steep[0.5] / steep[1] - 2) < 0.1

# %% [markdown]
# Half the size, twice the gradient. Does it matter for the loss? The same networks from four gains, mean of the
# last hundred steps:

# %%
print(f"{'gain':>6}" + "".join(f"{name:>20}" for name in NETS))
reached = {name: [] for name in NETS}
for gain in (0.5, 1, 5 / 3, 3):
    for name, norm in NETS.items():
        losses, _ = deep_train(Deep(gain, norm), DEEP)
        reached[name].append(losses[-100:].mean().item())
    print(f"{gain:6.2f}" + "".join(f"{reached[name][-1]:20.3f}" for name in NETS))

# %% tags=["hide-input"]
if not FAST:
    without, with_norm = reached.values()
    assert max(with_norm) - min(with_norm) < (max(without) - min(without)) / 2
    assert without[0] > with_norm[0] + 0.05
    assert without[2] < with_norm[2] + 0.02

# %% [markdown]
# That is what BatchNorm is good for. It does not beat a stack with good first weights: with gain 5/3 the one
# without it does as well, even a little better. It makes the first weights matter little, so that deep networks of
# many kinds train without anyone calculating gains.
#
# ## The number to compare with
#
# Now the table. Five networks, 200,000 steps of 32 windows each, rate 0.1 and 0.01 for the second half. One after
# the other that is a million steps on small tensors, where much of the time goes into asking for the arithmetic
# rather than into doing it. So all five are trained side by side: each tensor gets a first dimension for the network,
# K = 5, one call multiplies all five, and all see the same batches. Nothing passes between them: the gradient of the
# sum of five losses is each one's own. For the same reason BatchNorm is done here by `F.batch_norm`, torch's own, with
# the tensors of our `norm`: one call instead of a dozen. That it gives what our class gives is checked further down.
#
# | expression | in | out |
# | --- | --- | --- |
# | `torch.stack([a, b])` | two of (3, 4) | (2, 3, 4), in a new first dimension |
# | `torch.bmm(e, W1)` | (5, 32, 30) and (5, 30, 200) | (5, 32, 200): five products, each with its own matrix |
# | `torch.baddbmm(b, h, W2)` | the same, and b (5, 1, 27) | `b + torch.bmm(h, W2)` in one call |
# | `F.embedding(rows, E)` | ids, (5, 32, 3), and a table (135, 10) | (5, 32, 3, 10): `E[rows]`, with a quicker gradient |
# | `E.flatten(0, 1)` | (5, 27, 10) | (135, 10): the five tables below each other |
# | `Y.repeat(5)` | (32,) | (160,): five times, one after the other |
# | `F.cross_entropy(..., reduction="none")` | (160, 27) and (160,) | (160,): every loss, not their mean |

# %%
ROWS = {
    "unscaled": {},
    "small output layer": SMALL,
    "tanh not saturated": GENTLE,
    "Kaiming": KAIMING,
    "BatchNorm": KAIMING,
}
K = len(ROWS)
stack = []
for scales in ROWS.values():
    g = seeded()  # each time the same numbers, only scaled; after the last network g chooses the batches
    stack.append(first_weights(g, **scales))
E, W1, b1, W2, b2 = (torch.stack(each) for each in zip(*stack))  # (K, V, C), (K, T C, H), ...
b1 = b1[:-1, None]  # (K - 1, 1, H): the last network has BatchNorm's bias instead
norm = BatchNorm(H)
parameters = [p.requires_grad_() for p in (E, W1, b1, W2, b2, *norm.parameters)]
without_norm = sum(p[-1].numel() for p in (E, W1, b1, W2, b2))
with_norm = sum(p[-1].numel() for p in (E, W1, W2, b2)) + norm.gain.numel() + norm.bias.numel()
print(f"each learns {without_norm:,} numbers, the one with BatchNorm {with_norm:,}")

# %% tags=["hide-input"]
assert (without_norm, with_norm) == (11_897, 12_097)


# %%
first_rows = V * torch.arange(K)[:, None, None]  # (K, 1, 1): network k has the rows from 27 k on


def side_by_side(X: Tensor) -> Tensor:
    """Windows (B, T) to the logits of all networks, (K, B, V)."""
    rows = X + first_rows  # (K, B, T)
    e = F.embedding(rows, E.flatten(0, 1)).flatten(2)  # (K, B, T C)
    a = torch.bmm(e, W1)  # (K, B, H)
    z = F.batch_norm(a[-1], norm.mean, norm.var, norm.gain, norm.bias, norm.training, norm.momentum)  # (B, H)
    a = torch.cat([a[:-1] + b1, z[None]])
    return torch.baddbmm(b2[:, None], torch.tanh(a), W2)  # (K, B, V)


# %%
STEPS = 200 if FAST else 200_000
history = torch.zeros(STEPS, K)
started = time.perf_counter()
for step in range(STEPS):
    if step % 1000 == 0:
        batches = torch.randint(0, len(Xtr), (1000, B), generator=g)
        Xs, Ys = Xtr[batches], Ytr[batches]  # (1000, B, T), (1000, B): looked up at once, which is quicker
    X, Y = Xs[step % 1000], Ys[step % 1000]  # (B, T), (B,)
    each = F.cross_entropy(side_by_side(X).flatten(0, 1), Y.repeat(K), reduction="none")  # (K B,)
    losses = each.view(K, B).mean(1)  # (K,)
    gradients = torch.autograd.grad(losses.sum(), parameters)
    rate = 0.1 if step < STEPS / 2 else 0.01
    with torch.no_grad():
        for p, d in zip(parameters, gradients):
            p.sub_(d, alpha=rate)
        history[step] = losses
    if step % (STEPS // 10) == 0:
        took = time.perf_counter() - started
        print(f"step {step:7,}  {took:4.0f} s  losses", [round(x, 2) for x in losses.tolist()])

# %% [markdown]
# (The losses printed are those of single batches, and jump about.) Did each learn as it would have alone? The
# first two did learn alone, further up, for a while and from the same batches. Their first losses must be the
# same. (Later ones drift apart: sums in another order are rounded otherwise, and training makes such differences
# grow.)

# %%
for k, (name, losses) in enumerate(curves.items()):
    apart = (history[:20, k] / losses[:20] - 1).abs().max().item()
    print(f"{name}: side by side and alone differ by {apart:.0e} of the loss")
    assert apart < 0.01

# %% [markdown]
# They are, but for rounding. And the result, over all training and all validation windows. BatchNorm is in use now,
# so it takes its running averages.
#
# **Before you run it:** which of the four improvements will be worth most on validation names? And BatchNorm,
# the most famous of them?

# %%
PUBLISHED = {
    "unscaled": (2.1260, 2.1701),
    "small output layer": (2.07, 2.13),
    "tanh not saturated": (2.0356, 2.1027),
    "Kaiming": (2.0377, 2.1070),
    "BatchNorm": (2.0668, 2.1048),
}


@torch.no_grad()
def scores(X: Tensor, Y: Tensor) -> Tensor:
    """The loss of each window (M, T), by each network: (K, M)."""
    parts = []
    for at in torch.arange(len(Y)).split(5000):
        logits = side_by_side(X[at]).flatten(0, 1)  # (K 5000, V)
        parts.append(F.cross_entropy(logits, Y[at].repeat(K), reduction="none").view(K, -1))
    return torch.cat(parts, 1)


# %%
norm.training = False
M = 20_000 if FAST else len(Ytr)
on_train, on_val = scores(Xtr[:M], Ytr[:M]), scores(Xval, Yval)
ours = {}
for k, (name, (train_loss, val_loss)) in enumerate(PUBLISHED.items()):
    source = "makemore part 3" if k else "makemore part 2"
    ours[name] = on_train[k].mean().item(), on_val[k].mean().item()
    beside(f"{name}: training", ours[name][0], train_loss, source)
    beside(f"{name}: validation", ours[name][1], val_loss, source)

# %% tags=["hide-input"]
for name, published in PUBLISHED.items():
    for mine, theirs in zip(ours[name], published):
        assert FAST or abs(mine - theirs) < 0.02, name

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharex=True, sharey=True)
for i, (ax, what) in enumerate(zip(axes, ("training", "validation"))):
    theirs, mine = ([row[i] for row in table.values()] for table in (PUBLISHED, ours))
    ax.plot(theirs, range(K), "s", markersize=9, fillstyle="none", label="published")
    ax.plot(mine, range(K), "o-", markersize=4, linewidth=1, label="ours")
    ax.set_yticks(range(K), list(ROWS))
    ax.set_title(f"Loss on {what} names")
    ax.set_xlabel("loss (nats per token)")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(fontsize=9)
axes[0].set_ylabel("network, each with one repair more")
axes[0].set_ylim(K - 0.6, -0.4)
show(
    "the two steps at the top, and then a wall: on validation names the last three are hardly apart. "
    "Our dots should lie in the published squares or close by."
)

# %% [markdown]
# Row by row, and the picture that explains it:
#
# * **small output layer**: the steep fall at the start. Its steps are now spent on names.
# * **tanh not saturated**: the two towers and the white dots. More of the gradient comes through to `W1` and
#   `E`.
# * **Kaiming**: the level line of gain 5/3. With a single layer, the scale that was found by trying was good
#   enough. The rule does no better here, but it needed no trying.
# * **BatchNorm**: the needle and the march. With one hidden layer that starts well there is nothing to mend,
#   and on validation names it does not help. On training names it is worse. A likely reason: each batch has its
#   own mean and deviation, so a window never looks quite the same twice, and such noise makes it harder to learn
#   the training names by heart.
#
# How sure is such a table? Two things are left to chance: which names are held out, and the random numbers of
# the training. The first can be judged from how much two networks differ window by window.

# %%
labels = list(ROWS)
for k, (one, two) in enumerate(zip(labels, labels[1:])):
    gained = on_val[k] - on_val[k + 1]  # (M,)
    margin = 2 * gained.std().item() / math.sqrt(len(gained))  # two standard errors
    verdict = "a tie" if abs(gained.mean()) < margin else "better" if gained.mean() > 0 else "worse"
    print(f"{one + ' -> ' + two:42} gains {gained.mean():7.4f} ± {margin:.4f}: {verdict}")
fresh = torch.tensor([word not in known for word in val_words for _ in range(len(word) + 1)])  # (M,)
unseen = on_val[:, fresh].mean(1).tolist()
for name, loss in zip(ROWS, unseen):
    print(f"{name:20} {loss:.4f} on the validation names that are not in training")

# %% tags=["hide-input"]
if not FAST:
    val = [loss for _, loss in ours.values()]
    assert val[0] - val[2] > 0.04
    assert max(val[2:]) - min(val[2:]) < 0.02
    assert ours["BatchNorm"][0] > ours["Kaiming"][0] + 0.01
    assert all(alone > with_known for alone, with_known in zip(unseen, val))

# %% [markdown]
# Two steps are better beyond their margins, two are ties. The margins leave the second kind of chance out. Each
# row is a single training, in the videos and here, and nobody should read much into the last digits. (That ours
# land so near the published ones is no merit: in the first four rows the seed and the order of the random numbers
# are those of the video, so weights and batches are the same.) The last lines score only the names that are not in
# training as well. All five networks are worse there. That is not the worth of the leak alone: a name that stands
# in the list twice may also be an easier one. To take the two apart one has to train without those names, as
# lesson 4 did.
#
# ### Your own name
#
# What does each of the five make of your name (a to z, lower case)?

# %%
yours = "emma"  # put your own name here
for name, losses in zip(ROWS, scores(*windows([yours]))):
    letters = "  ".join(f"{c} {loss:.1f}" for c, loss in zip(yours + ".", losses))
    print(f"{name:20} {losses.mean():.2f} nats per token:  {letters}")

# %% [markdown]
# One name is five or ten tokens, so the order of the five may well be another than in the table. That is why one
# scores thousands.
#
# ### Running averages and exact ones
#
# The running averages were collected while the weights were moving. Are they any good? Freeze the network,
# take mean and variance over all training windows, and compare. This is called *calibrating*. (`copy.deepcopy(norm)`
# is a second BatchNorm with tensors of its own, so that the first one stays as it is.)

# %%
exact = copy.deepcopy(norm)
with torch.no_grad():
    a = E[-1][Xtr].flatten(1) @ W1[-1]  # (M, H)
    exact.mean, exact.var = a.mean(0), a.var(0)


@torch.no_grad()
def last(X: Tensor, norm: BatchNorm) -> Tensor:
    """Windows (B, T) to the logits (B, V) of the network with BatchNorm, alone."""
    return torch.tanh(norm(E[-1][X].flatten(1) @ W1[-1])) @ W2[-1] + b2[-1]


running_loss, exact_loss = (F.cross_entropy(last(Xval, each), Yval).item() for each in (norm, exact))
print(f"validation: {running_loss:.4f} with running averages, {exact_loss:.4f} with exact ones")

# %% tags=["hide-input"]
assert abs(running_loss - ours["BatchNorm"][1]) < 1e-4
assert FAST or abs(running_loss - exact_loss) < 0.01

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.8))
pairs = (norm.mean, exact.mean), (norm.var.sqrt(), exact.var.sqrt())
for ax, (running, right), what in zip(axes, pairs, ("Means", "Standard deviations")):
    ax.plot(right, running, ".", label="a hidden unit")
    ax.axline(
        (right.mean().item(),) * 2, slope=1, color="black", linewidth=0.8, linestyle="--", label="equal"
    )
    ax.set_title(f"{what} of the pre-activations")
    ax.set_xlabel("exact, over all training windows")
    ax.set_ylabel("running average")
    ax.legend(fontsize=9)
show("dots on the dashed line: the running averages arrive where the exact ones are, and cost no extra pass.")

# %% [markdown]
# So there is no need to calibrate. But mind the `momentum`: an average that takes 0.001 of each batch needs
# some thousands of steps to forget the 0 and 1 it began with. After a short training it is wrong.
#
# ### Batch statistics left on
#
# The classic mistake is to forget `norm.training = False`. Nothing complains. Write names one at a time, and
# the batch is a single window.
#
# **Before you run it:** what are the mean and the variance of a batch of one? So what does BatchNorm return?


# %%
def write(norm: BatchNorm, count: int) -> list[str]:
    """Sample names, one at a time."""
    g, out = torch.Generator().manual_seed(4), []
    for _ in range(count):
        before, name = [0] * T, ""
        while len(name) < 20:
            p = last(torch.tensor([before]), norm)[0].softmax(0)  # (V,)
            i = int(torch.multinomial(p, 1, generator=g))
            if i == 0:
                break
            before, name = [*before[1:], i], name + itos[i]
        out.append(name)
    return out


# %%
left_on = copy.deepcopy(norm)
left_on.training = True
print("running averages:   ", write(norm, 8))
print("batch statistics on:", write(left_on, 8))
one, other = (last(torch.tensor([[stoi[c] for c in window]]), left_on) for window in ("emm", ".jq"))
print("the same logits after emm and .jq:", torch.equal(one, other))
deaf = F.cross_entropy(one.expand(len(Yval), V), Yval).item()
print(
    f"validation, window by window: {deaf:.2f} with batch statistics, {running_loss:.2f} with running averages"
)

# %% tags=["hide-input"]
assert torch.equal(one, other)
assert FAST or deaf > running_loss + 0.3

# %% [markdown]
# The mean of one window is itself, so `a - mean` is 0, *whatever the window holds*, and only the bias comes out.
# The network has become deaf: a loss of 2.99 is not much better than guessing.
#
# In a larger batch it is harder to notice, and so more dangerous. The names look right, but what follows
# `emm` depends on what else happens to be in the batch.

# %%
emm = torch.tensor([[stoi[c] for c in "emm"]])
companies = {
    "running averages": (norm, emm),
    "with 31 random windows": (left_on, torch.cat([emm, Xval[torch.arange(31) * 700]])),
    "with 31 beginnings of names": (left_on, torch.cat([emm, torch.zeros(31, T, dtype=torch.int64)])),
    "alone": (left_on, emm),
}
after = {name: last(X, each)[0].softmax(0) for name, (each, X) in companies.items()}  # (V,) each
letters = after["running averages"].topk(7).indices.tolist()
for name, p in after.items():
    print(f"{name:28}", "  ".join(f"{itos[i]} {p[i]:4.0%}" for i in letters))

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8, 4))
for i, (name, p) in enumerate(after.items()):
    ax.bar([at + 0.2 * (i - 1.5) for at in range(7)], p[letters].tolist(), width=0.2, label=name)
ax.set_xticks(range(7), [itos[i] for i in letters])
ax.set_title("What follows emm, in different company")
ax.set_xlabel("next character")
ax.set_ylabel("probability")
ax.legend(title="emm in a batch", fontsize=9)
show(
    "bars of one letter that differ. The window is the same four times; with batch statistics its company decides."
)
assert not torch.allclose(after["with 31 random windows"], after["with 31 beginnings of names"], atol=0.01)

# %% [markdown]
# ## The same through the library
#
# makemore's `mlp` is the fourth network: Kaiming for the hidden layer, 0.01 for the output. So its loss
# starts where it should. A model of the library gets the new characters, and as its *state* those before
# them: our windows, cut in two.

# %%
from makemore.models import build, configure, count_parameters


def through(model: torch.nn.Module, X: Tensor) -> Tensor:
    """Windows (B, T) to the logits (B, V) of one of makemore's models."""
    logits, _ = model(X[:, -1:], (X[:, :-1],))  # (B, 1, V)
    return logits[:, 0]


SIZES = {"context": T, "n_embd": C, "n_embd2": H, "dropout": 0.0}
configs = {"mlp": configure("mlp", longest=15, **SIZES)}
configs["mlp_bn"] = configure("mlp_bn", longest=15, n_layer=1, **SIZES)
models = {}
for name, config in configs.items():
    torch.manual_seed(4)  # the seed of the generator that torch uses when none is named
    model = models[name] = build(name, V, config)
    with torch.no_grad():
        loss = F.cross_entropy(through(model, Xval), Yval).item()
    print(f"{name:7} {count_parameters(model):,} parameters, first loss {loss:.4f}, log V {math.log(V):.4f}")

# %% tags=["hide-input"]
assert abs(loss - math.log(V)) < 0.05
assert [count_parameters(model) for model in models.values()] == [11_897, 12_097]

# %% [markdown]
# `mlp_bn` with one layer is the fifth network. With our weights it must give our logits, in use and in
# training.

# %%
model = models["mlp_bn"]
with torch.no_grad():
    for theirs, mine in (
        (model.embedding.weight, E[-1]),
        (model.fcs[0].weight, W1[-1].T),  # nn.Linear keeps its weights as (outputs, inputs)
        (model.norms[0].gain, norm.gain),
        (model.norms[0].bias, norm.bias),
        (model.norms[0].running_mean, norm.mean),
        (model.norms[0].running_var, norm.var),
        (model.head.weight, W2[-1].T),
        (model.head.bias, b2[-1]),
    ):
        theirs.copy_(mine)
    for training in (False, True):
        model.train(training)
        hand = copy.deepcopy(norm)
        hand.training = training
        apart = (through(model, Xval[:B]) - last(Xval[:B], hand)).abs().max().item()
        print(
            f"{'in training' if training else 'in use'}: the library's logits and ours differ by {apart:.0e}"
        )
        assert apart < 1e-3

# %% [markdown]
# torch has a `BatchNorm1d`. It gives the same in training, the same in use, and keeps the same running
# averages: it too divides a batch by its biased variance and keeps the unbiased one. And it refuses to train
# on a batch of one, of which ours made a deaf network.

# %%
theirs, mine = torch.nn.BatchNorm1d(H, momentum=0.001), BatchNorm(H)
for step in range(100):
    a = (E[-1][Xtr[step * B : (step + 1) * B]].flatten(1) @ W1[-1]).detach()  # (B, H)
    assert torch.allclose(theirs(a), mine(a), atol=1e-3)
assert torch.allclose(theirs.running_mean, mine.mean, atol=1e-4)
assert torch.allclose(theirs.running_var, mine.var, atol=1e-4)
theirs.eval()
mine.training = False
assert torch.allclose(theirs(a[:1]), mine(a[:1]), atol=1e-3)
print("a hundred batches, and one window in use: the same")
theirs.train()
try:
    theirs(a[:1])
except ValueError as error:
    print("in training, of a batch of one:", error)

# %% [markdown]
# The instruments of this lesson need not be built anew for each model. `makemore train --diagnostics` notes
# activations, gradients and update ratios of any model while it trains, plots them, and warns of what is
# wrong. Here it watches a deep `mlp_bn` for a moment, on 1,000 of the names.

# %%
import tempfile
from pathlib import Path

import makemore
from makemore.metrics.layers import read

rows = []
if not FAST:
    with tempfile.TemporaryDirectory() as directory:
        few, to = Path(directory) / "few.txt", Path(directory) / "run"
        few.write_text("\n".join(words[:1000]), "utf-8")
        makemore.train(
            few, type="mlp_bn", n_layer=4, work_dir=to, max_steps=200, teacher=0, seed=4, diagnostics=True
        )
        rows = read(to)
for row in rows[:: max(1, len(rows) // 2)][:2]:
    print(f"step {row.step}, loss {row.loss:.2f}")
    for i in range(4):
        out = row.activations[f"tanh.{i}"]
        ratio = row.parameters[f"fcs.{i}.weight"]["update_ratio"]
        print(f"  layer {i + 1}: std {out['std']:.2f}, {out['saturated']:.0%} saturated, updates {ratio:.1e}")

# %% tags=["hide-input"]
if not FAST:
    stds = [rows[0].activations[f"tanh.{i}"]["std"] for i in range(4)]
    assert max(stds) < 1.2 * min(stds)  # four layers, and none fades

# %% [markdown]
# The spread is the same in all four layers, hardly anything is saturated, and the updates reach a few parts in a
# thousand: nothing to mend.
#
# ## What is still wrong
#
# **BatchNorm couples windows that have nothing to do with each other.** What a window is worth depends on the
# others in its batch. Hence the two modes, and the ways to confuse them. Later networks normalise over the
# channels of one position instead (*LayerNorm*), which needs no company. The Transformer of lesson 10 does so.
#
# **The network is still the old one.** Three characters, squeezed together in a single layer. All repairs
# were to its training, and the last three rows of the table suggest that little more is to be had that way.
#
# **The gradients come from a black box.** We have counted and plotted them, and cannot say yet how they come
# about in a whole network. What is the gradient through BatchNorm, where every output depends on every input of the
# batch? The next lesson computes all of them by hand.
#
# *To read and watch:*
#
# * He and others, [Delving Deep into Rectifiers](https://arxiv.org/abs/1502.01852) (2015): Kaiming initialisation.
# * Ioffe and Szegedy, [Batch Normalization](https://arxiv.org/abs/1502.03167) (2015).
# * Santurkar and others, [How Does Batch Normalization Help Optimization?](https://arxiv.org/abs/1805.11604) (2018).
# * Andrej Karpathy, [makemore part 3](https://www.youtube.com/watch?v=P6sfmUTpUmc).
#
# ## Exercises
#
# `makemore lessons start 6` puts this lesson and a file `exercises.py` into the directory `lesson-6`. Fill in
# its three functions, then let `makemore lessons check 6` tell you how you did.
#
# 1. `kaiming_gain`: the gain that a non-linearity needs, found by measuring. Is 5/3 right for tanh?
# 2. `fold_batchnorm`: in use, BatchNorm is only a multiplication and an addition. Put it into the layer
#    before, so that it costs nothing.
# 3. `tanh_health`: an instrument for your own networks. How much of a layer is flat, how many of its units
#    are dead, and how much of the gradient does it let through?
#
# **The open challenge.** Write `challenge.py` in `lesson-6`: a network of no more than 12,000 numbers, trained as
# well as you can. Good first weights, BatchNorm or not, and a learning rate that fits; and is a hidden layer of
# 200 units the best use of 12,000 numbers, or would a longer context be? Get below 2.07 on the held-out names.
# `makemore lessons check 6 challenge` trains and scores it.
