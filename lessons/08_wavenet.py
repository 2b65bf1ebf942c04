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
# # 8. WaveNet
#
# *Before this: lesson 6. Allow 3 hours.*
#
# ## What you will be able to do
#
# * give a network a wider view of the past, in one wide layer or as a tree of small ones;
# * follow the shape of a tensor through every layer, and find a bug there that raises no error;
# * turn the tree into dilated causal convolutions: the same numbers, without doing any work twice;
# * measure how far back a network looks, instead of believing what its author says.
#
# ## The idea
#
# Three characters of context are too few, so take eight. The simplest way is a *flat* network: the embeddings
# of all eight side by side in one long vector, and one layer that takes it all in. That helps, but it is crude.
# The layer has a matrix of its own for each of the eight places. What it learns of the pair `ll` at the end of
# the window says nothing about `ll` one place further left. And it crushes everything in one go.
#
# The other way is slower and kinder: fuse two neighbours at a time. One small layer makes one vector of two
# characters, whatever the place they stand at. Another makes one of two pairs, a third one of two fours.
#
# ![The window .isabell fused to pairs, to fours, to one vector of eight, which predicts a](pictures/08_tree.svg)
#
# It is a binary tree, and each level has one set of weights for all of its nodes. Twice the context costs one
# more level. That is the shape of WaveNet, which was invented for sound: at 16,000 samples a second one needs a
# context of thousands, and no flat layer is wide enough.
#
# The tree hides a second idea. To predict the next letter, the window moves on by one, and a whole new tree is
# computed. But most of its nodes were in the trees before. The second half of this lesson computes each node
# once. What comes out has a name: a *dilated causal convolution*.

# %%
import math
import random
import tempfile
import time

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.nn import functional as F

import makemore
from makemore.course import FAST, beside, names, show

words = names()
itos = [".", *sorted(set("".join(words)))]  # id -> character
stoi = {character: i for i, character in enumerate(itos)}  # character -> id
V = len(itos)  # 27
longest = max(map(len, words))  # 15

# %% [markdown]
# ## Building it
#
# ### Windows of eight
#
# The split is that of the lectures, so that our numbers can stand beside theirs: shuffle with a fixed seed,
# train on 80 % of the names, choose settings on 10 %, keep 10 %. Some names stand in the file twice, once for
# girls and once for boys, so 12 or 13 % of the held-out ones are in training too. All numbers on this split,
# published or ours, may be a little too kind for it. makemore's own split has no name on two sides.

# %%
random.seed(42)
random.shuffle(words)
cuts = int(0.8 * len(words)), int(0.9 * len(words))
split = {"train": words[: cuts[0]], "validation": words[cuts[0] : cuts[1]], "test": words[cuts[1] :]}
seen = set(split["train"])
for name in ("validation", "test"):
    known = sum(word in seen for word in split[name]) / len(split[name])
    print(f"{name}: {len(split[name]):,} names, {known:.0%} of them are in training too")
    assert 0.115 < known < 0.135

# %% [markdown]
# A line of ids is the boundary 0, the letters, and zeros up to a common length T. The targets are the same
# letters one place earlier, then the boundary that ends the name, and -1 where there is nothing to predict.
#
# With seven more boundaries in front, there are eight characters to look back on even at the start of a name.
#
# | expression | in | out |
# | --- | --- | --- |
# | `F.pad(x, (2, 0))` | `[[5, 6]]` | `[[0, 0, 5, 6]]`: two zeros before, none after |
# | `x.unfold(1, 3, 1)` | `[[0, 0, 5, 6]]` | `[[[0, 0, 5], [0, 5, 6]]]`: a window of 3 slides along dimension 1, by 1 each time |
# | `x[m]` | `x` = `[7, 8, 9]`, `m` = `[True, False, True]` | `[7, 9]`: those where the mask is True |
# | `t.split(2)` | `[1, 2, 3]` | `[1, 2]` and `[3]`: pieces of two |

# %%
T = longest + 1


def lines(some: list[str]) -> tuple[Tensor, Tensor]:
    """Names to inputs and targets, both (N, T)."""
    ids = [[stoi[c] for c in word] for word in some]
    inputs = torch.tensor([[0, *i] + [0] * (T - 1 - len(i)) for i in ids])
    targets = torch.tensor([[*i, 0] + [-1] * (T - 1 - len(i)) for i in ids])
    return inputs, targets


def windows(some: list[str], n: int = 8) -> tuple[Tensor, Tensor]:
    """Names to windows of n ids (M, n), and what follows each (M,)."""
    inputs, targets = lines(some)
    every = F.pad(inputs, (n - 1, 0)).unfold(1, n, 1)  # (N, T, n): the n characters up to each position
    return every[targets >= 0], targets[targets >= 0]


for window, target in zip(*windows(["isabella"])):
    print("".join(itos[i] for i in window), "->", itos[target])
data = {name: windows(some) for name, some in split.items()}
print({name: len(Y) for name, (X, Y) in data.items()})
assert len(data["train"][1]) == 182_625

# %% [markdown]
# ### Layers as blocks
#
# A network is a list of layers, each a small object that is called with a tensor and returns one. Those with
# something to learn keep it in `weights`. `x @ W` multiplies the *last* dimension of `x` whatever stands
# before it: (B, I) or (B, T, I), the same code does both. Remember that, it comes back twice.


# %%
class Embedding:
    """Ids (...) to their vectors (..., C)."""

    def __init__(self, V: int, C: int, g: torch.Generator) -> None:
        self.table = torch.randn(V, C, generator=g)
        self.weights = [self.table]

    def __call__(self, ids: Tensor) -> Tensor:
        return self.table[ids]


class Linear:
    """From x (..., I) to x W + b (..., O)."""

    def __init__(self, I: int, O: int, g: torch.Generator, gain: float = 1.0, bias: bool = False) -> None:  # noqa: E741
        self.W = torch.randn(I, O, generator=g) * gain / math.sqrt(I)  # outputs as large as inputs
        self.b = torch.zeros(O)
        self.weights = [self.W, self.b] if bias else [self.W]

    def __call__(self, x: Tensor) -> Tensor:
        return x @ self.W + self.b


class Tanh:
    """The bend between two linear layers."""

    def __call__(self, x: Tensor) -> Tensor:
        return x.tanh()


# %% [markdown]
# BatchNorm as it is usually first written, for inputs (B, H): each channel minus its mean over the batch,
# divided by its standard deviation, then a gain and a shift that are learned. The shift makes a bias in the
# layer before useless. Running averages stand in for the batch when the network is used:
#
# $$y = \frac{x - \mu}{\sqrt{\sigma^2 + 10^{-5}}}\, g + s$$
#
# with the mean $\mu$ and the variance $\sigma^2$ of the channel, the gain $g$ and the shift $s$. `torch.var_mean` returns
# variance and mean in one call, and `rsqrt` is one over the square root.


# %%
class BatchNorm:
    """Normalises each channel over the examples of a batch."""

    def __init__(self, H: int) -> None:
        self.gain, self.shift = torch.ones(H), torch.zeros(H)
        self.weights = [self.gain, self.shift]
        self.mean, self.var = torch.zeros(H), torch.ones(H)  # running averages
        self.training = True

    def over(self, x: Tensor) -> tuple[int, ...]:
        return (0,)

    def __call__(self, x: Tensor) -> Tensor:
        mean, var = self.mean, self.var
        if self.training:
            var, mean = torch.var_mean(x, self.over(x), keepdim=True)
            with torch.no_grad():
                self.mean = 0.99 * self.mean + 0.01 * mean
                self.var = 0.99 * self.var + 0.01 * var
        return (x - mean) * (var + 1e-5).rsqrt() * self.gain + self.shift


# %% [markdown]
# The last block does the fusing. It has nothing to learn, and does not even move a number: a tensor (B, T, C)
# lies in memory position after position, so two neighbours of C channels *are* 2 C numbers in a row. `view`
# only reads them that way.
#
# | expression | shape in | shape out |
# | --- | --- | --- |
# | `Embedding(27, 10, g)(ids)` | (4, 8) | (4, 8, 10): a vector for each id |
# | `Fuse(2)(x)` | (4, 8, 10) | (4, 4, 20): pairs of neighbours |
# | `Fuse(8)(x)` | (4, 8, 10) | (4, 1, 80): all eight at once |
# | `Linear(20, 68, g)(x)` | (4, 4, 20) | (4, 4, 68): the same small layer at each of the four places |
# | `torch.arange(12).view(1, 4, 3)` | | (1, 4, 3): the numbers 0 to 11 as four positions of three channels |


# %%
class Fuse:
    """From x (B, T, C) to (B, T / n, n C): n neighbours become one."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __call__(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        return x.view(B, T // self.n, self.n * C)


x = torch.arange(12).view(1, 4, 3)  # (B, T, C): channels of four positions
print("four positions:", x[0].tolist())
print("two pairs:     ", Fuse(2)(x)[0].tolist())
assert torch.equal(Fuse(2)(x), torch.cat([x[:, 0::2], x[:, 1::2]], 2))  # the same the long way

# %% [markdown]
# And the box that they go into.


# %%
class Network:
    """Layers one after the other: windows of ids (B, n) to logits (B, V)."""

    def __init__(self, layers: list) -> None:
        self.layers = layers
        self.weights = [w.requires_grad_() for layer in layers for w in getattr(layer, "weights", [])]
        self.context = math.prod(layer.n for layer in layers if isinstance(layer, Fuse))

    def __call__(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x[:, 0]  # one node is left: (B, 1, V) to (B, V)

    def training(self, on: bool) -> None:
        for layer in self.layers:
            if isinstance(layer, BatchNorm):
                layer.training = on

    def parameters(self) -> int:
        return sum(w.numel() for w in self.weights)


# %% [markdown]
# ### Flat and tree
#
# With these blocks both networks are one expression. Flat fuses eight at once; the tree fuses two, three times.
# The channels are chosen so that both have about 22,000 parameters, as in the video. The last layer starts
# small, so that at first all letters are about equally likely.
#
# **Before you run it:** the cell prints the shape after every layer. Write down for the tree how many positions are
# left after each of its three `Fuse`, and how many channels each of them makes.


# %%
def flat(C: int, H: int, seed: int = 1) -> Network:
    g = torch.Generator().manual_seed(seed)
    hidden = [Fuse(8), Linear(8 * C, H, g), BatchNorm(H), Tanh()]
    return Network([Embedding(V, C, g), *hidden, Linear(H, V, g, gain=0.1, bias=True)])


def tree(C: int, H: int, norm: type[BatchNorm], levels: int = 3, seed: int = 1) -> Network:
    g = torch.Generator().manual_seed(seed)
    layers = [Embedding(V, C, g)]
    for level in range(levels):
        layers += [Fuse(2), Linear(2 * (H if level else C), H, g), norm(H), Tanh()]
    return Network([*layers, Linear(H, V, g, gain=0.1, bias=True)])


def shapes(net: Network, ids: Tensor) -> None:
    x = ids
    print(f"{'ids':10} {tuple(x.shape)}")
    for layer in net.layers:
        x = layer(x)
        print(f"{type(layer).__name__:10} {tuple(x.shape)}")


few = data["train"][0][:4]
for name, net in (("flat", flat(10, 200)), ("tree", tree(10, 68, BatchNorm))):
    print(f"{name}, {net.parameters():,} parameters")
    shapes(net, few)
assert (flat(10, 200).parameters(), tree(10, 68, BatchNorm).parameters()) == (22_097, 22_397)

# %% [markdown]
# Read the tree's column of shapes: T goes 8, 4, 2, 1, while the channels double at each `Fuse` and are brought
# back to 68 by each `Linear`. No matrix is larger than 136 by 68, because each one sees only two things.
#
# ### A bug without an error
#
# Both networks run, and both would train. Yet one of these layers does something that nobody meant. It was
# written for (B, H), and in the tree it gets (B, 4, 68). Let it see some batches, and look at what it
# remembers.
#
# **Before you run it:** a BatchNorm of 68 channels should keep 68 means. How many does this one keep in the first layer
# of the tree, where each line has four nodes?

# %%
buggy = tree(10, 68, BatchNorm)
batches = 50 if FAST else 300
picks = torch.Generator().manual_seed(2)
with torch.no_grad():
    for _ in range(batches):
        buggy(data["train"][0][torch.randint(len(data["train"][0]), (256,), generator=picks)])
norms = [layer for layer in buggy.layers if isinstance(layer, BatchNorm)]
for norm in norms:
    print("channels:", tuple(norm.gain.shape), "  running mean:", tuple(norm.mean.shape))
assert [tuple(norm.mean.shape) for norm in norms] == [(1, 4, 68), (1, 2, 68), (1, 1, 68)]

# %% [markdown]
# 68 channels, but 4 times 68 means. The mean was taken over dimension 0 alone, so each of the four nodes got a
# mean and a variance of its own. Adding (1, 4, 68) to the (68,) that stood there is legal: broadcasting made
# the running mean larger and said nothing. An update in place would have been refused, because it must keep
# its shape; that is a reason to like them. The next cell tries one: `a.lerp_(b, 0.01)` moves `a` a hundredth of the way
# to `b`, $0.99\, a + 0.01\, b$, and writes the result into `a` itself, as the `_` at the end says.

# %%
try:
    torch.zeros(68).lerp_(norms[0].mean, 0.01)  # 0.99 of the one and 0.01 of the other, in place
    raise AssertionError("a tensor changed its shape in place")
except RuntimeError as error:
    print("refused:", error)

# %% [markdown]
# Two things are wrong with it. Each estimate rests on B numbers where 4 B were to be had, so it is noisier. And
# worse: the tree's promise is broken. The four nodes share their weights, so that the same two letters give
# the same vector wherever they stand. With statistics for each node they do not. The channel must be
# normalised over *all* dimensions but its own.


# %%
class BatchNormMended(BatchNorm):
    """Normalises each channel over everything else: examples and nodes."""

    def over(self, x: Tensor) -> tuple[int, ...]:
        return tuple(range(x.ndim - 1))  # (0,) for (B, H), (0, 1) for (B, T, H)


mended = tree(10, 68, BatchNormMended)  # the same seed, the same weights
picks = torch.Generator().manual_seed(2)
with torch.no_grad():
    for _ in range(batches):
        mended(data["train"][0][torch.randint(len(data["train"][0]), (256,), generator=picks)])

pairs = torch.tensor([[stoi[c] for c in "elelelel"]])  # (1, 8): the same pair in all four places
for name, net in (("dimension 0", buggy), ("dimensions 0 and 1", mended)):
    net.training(False)
    x = pairs
    for layer in net.layers[:5]:  # up to the first tanh
        x = layer(x)  # in the end (1, 4, 68)
    apart = (x - x[:, -1:]).abs().amax((0, 2))  # (4,): how far each node is from the last one
    print(f"over {name:18} el, against el in the last place:", [round(a, 4) for a in apart.tolist()])
    assert (apart.max() < 1e-5) == (net is mended)

# %% [markdown]
# With the statistics of dimension 0 the same pair `el` gives another vector in each place, up to 1 away; with those
# over both dimensions it gives the same one everywhere. Look at the numbers it keeps. At the left, what the first BatchNorm takes for the mean of each channel, node
# by node; at the right, the standard deviations that it divides by.

# %% tags=["hide-input"]
first, right = norms[0], next(layer for layer in mended.layers if isinstance(layer, BatchNorm))
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), width_ratios=(2, 1), layout="constrained")
rows = torch.cat([first.mean[0], right.mean[0]])  # (5, 68)
image = axes[0].imshow(rows, cmap="RdBu", vmin=-2, vmax=2, aspect="auto", interpolation="nearest")
axes[0].axhline(3.5, color="black")
axes[0].set_yticks(range(5), ["1, oldest", "2", "3", "4, newest", "mended: all"])
axes[0].set_title("Running means of the first BatchNorm")
axes[0].set_xlabel("channel")
axes[0].set_ylabel("node")
fig.colorbar(image, ax=axes[0], label="running mean")
axes[1].bar(range(1, 5), first.var[0].sqrt().mean(1), label="over dimension 0")
axes[1].axhline(right.var.sqrt().mean(), color="black", linestyle="--", label="over 0 and 1")
axes[1].set_xticks(range(1, 5))
axes[1].set_title("What it divides by")
axes[1].set_xlabel("node")
axes[1].set_ylabel("standard deviation (mean of channels)", fontsize=8)
axes[1].set_ylim(0, 1.5)
axes[1].legend()
show(
    "four rows that differ, above the one that should be. The oldest node sees hardly anything but boundaries: it "
    "varies least, so the little that it does see is blown up most."
)
spread = first.var[0].sqrt().mean(1)  # (4,)
assert FAST or spread[0] < right.var.sqrt().mean() < spread[3]

# %% [markdown]
# ### Training
#
# The loss is the mean of -log p over all windows, as in every lesson. Before training it should be near that of
# guessing.


# %%
def mean_nll(net: Network, name: str) -> Tensor:
    """-log p of every target of a split (M,)."""
    net.training(False)
    with torch.no_grad():
        parts = zip(*(t[: 2000 if FAST else None].split(4096) for t in data[name]))
        return torch.cat([F.cross_entropy(net(X), Y, reduction="none") for X, Y in parts])


print(f"untrained: {mean_nll(mended, 'validation').mean():.3f}   guessing: {math.log(V):.3f}")
assert abs(mean_nll(mended, "validation").mean() - math.log(V)) < 0.1

# %% [markdown]
# Makemore part 5 takes 200,000 steps of 32 windows with plain gradient descent. 32 windows hardly keep a
# processor busy, so we take larger batches and fewer steps. And instead of `w -= rate * w.grad` an *optimiser* makes the
# steps: an object of `torch.optim` that holds the weights. Its `zero_grad()` forgets the old gradients, `backward()`
# computes new ones, and `step()` changes the weights. This one, AdamW, divides each step by the size that the weight's
# gradients lately had, and pulls the weights towards zero a little; lesson 12 builds it. The rate rises over the first
# steps and then falls to zero in a straight line. The settings are the best by validation loss of a handful
# that were tried. (`fused=True` only makes it quicker.)


# %%
def train(net: Network, steps: int, rate: float, decay: float, batch: int) -> Network:
    """Train a network on the training windows, and return it."""
    X, Y = data["train"]
    g = torch.Generator().manual_seed(3)
    steps = 20 if FAST else steps
    adam = torch.optim.AdamW(net.weights, betas=(0.9, 0.99), weight_decay=decay, fused=True)
    net.training(True)
    began, recent = time.perf_counter(), 0.0
    for step in range(steps):
        i = torch.randint(len(X), (batch,), generator=g)
        loss = F.cross_entropy(net(X[i]), Y[i])
        adam.param_groups[0]["lr"] = rate * min(20 * (step + 1) / steps, 1 - step / steps)
        adam.zero_grad()
        loss.backward()
        adam.step()
        recent += loss.item() / (steps // 5)
        if (step + 1) % (steps // 5) == 0:
            print(
                f"  step {step + 1:6,}  loss {recent:.3f}  {time.perf_counter() - began:4.0f} s", flush=True
            )
            recent = 0.0
    return net


# %%
recipe = {"steps": 11_500, "rate": 5e-3, "decay": 0.05, "batch": 512}
print(
    f"{recipe['steps'] * recipe['batch'] / 1e6:.1f} million windows; makemore part 5 takes {200_000 * 32 / 1e6:.1f}"
)
nets = {
    "flat": flat(10, 200),
    "tree, BatchNorm over 0": tree(10, 68, BatchNorm),
    "tree": tree(10, 68, BatchNormMended),
}
for name, net in nets.items():
    print(f"{name}, {net.parameters():,} parameters")
    train(net, **recipe)

# %% [markdown]
# ### The tree as a convolution
#
# Say we want the logits at every position of a line, to train on it or to score it. So far that means: cut out
# the window of each position and grow a tree over it. How much of that is done more than once? Take the pair
# made of the two letters up to position t. It is the last pair of the window that ends at t. When the window
# ends at t + 2 it is the last but one, at t + 4 and t + 6 it moves on, and each time it is fused anew. Four
# times in all; each four is made twice.
#
# So turn it round. Instead of asking *which nodes does this window need?*, compute for every position t
#
# $$\begin{aligned}
# \text{pair}_t &= \text{level}_1(\text{character}_{t-1}, \text{character}_t) \\
# \text{four}_t &= \text{level}_2(\text{pair}_{t-2}, \text{pair}_t) \\
# \text{eight}_t &= \text{level}_3(\text{four}_{t-4}, \text{four}_t)
# \end{aligned}$$
#
# ![Every position of .christopher has a node on each level; the tree of the last one is marked](pictures/08_dilated.svg)
#
# The marked tree is the one of the last position. All the others are there too, made of the same nodes. Each
# line of the three is a *convolution*: the same small layer at every position of the line. It is *causal*,
# since it never looks right of t, and *dilated*, since its two inputs are d = 1, 2, 4 positions apart. In code
# it is two slices side by side, one of them d positions late.
#
# | expression | in | out |
# | --- | --- | --- |
# | `x[:, :-2]` and `x[:, 2:]` | `[[1, 2, 3, 4]]` | `[[1, 2]]` and `[[3, 4]]`: two apart |
# | `with_earlier(x, 1)` | (B, 8, 10) | (B, 7, 20) |
# | `with_earlier(x, 2)` | (B, 7, 68) | (B, 5, 136) |
# | `x.mT` | (B, T, C) | (B, C, T): the last two dimensions exchanged |


# %%
def with_earlier(x: Tensor, d: int) -> Tensor:
    """From x (B, T, C) to (B, T - d, 2 C): what stood d positions before, and what stands here."""
    return torch.cat([x[:, :-d], x[:, d:]], 2)


def by_convolution(net: Network, x: Tensor) -> Tensor:
    """A tree after its embedding, at all positions at once: x (B, n - 1 + T, C) to logits (B, T, V)."""
    hidden = net.layers[1:-1]
    for level, (linear, norm) in enumerate(zip(hidden[1::4], hidden[2::4])):
        x = with_earlier(x, 2**level)  # 1 + 2 + 4 positions fewer in the end: T are left
        x = norm(linear(x)).tanh()
    return net.layers[-1](x)


def by_windows(net: Network, x: Tensor) -> Tensor:
    """The same, or a flat network, with a window cut out for each position."""
    B, T = x.shape[0], x.shape[1] - net.context + 1
    x = x.unfold(1, net.context, 1).mT.flatten(0, 1).contiguous()  # (B, T, C, n) to (B T, n, C)
    for layer in net.layers[1:]:
        x = layer(x)
    return x.view(B, T, -1)


def embedded(net: Network, ids: Tensor) -> Tensor:
    """Ids (B, T) to vectors (B, n - 1 + T, C), with boundaries for what is before the line."""
    return net.layers[0](F.pad(ids, (net.context - 1, 0)))


# %% [markdown]
# `linear` and `norm` are the tree's own objects, untouched: `x @ W` does not care how many positions there are,
# and in use BatchNorm is a gain and a shift for each channel. So the two must agree, at every position of every
# line. With the bug it cannot even be tried: there are statistics for four nodes, and a line has no four nodes.

# %%
some, _ = lines(split["validation"][:200])  # (200, T)
with torch.no_grad():
    for name in ("tree", "tree, BatchNorm over 0"):
        x = embedded(nets[name], some)
        nets[name].training(False)
        slow = by_windows(nets[name], x)  # (200, T, V)
        try:
            quick = by_convolution(nets[name], x)
            print(f"{name}: {tuple(quick.shape)}, largest difference {(slow - quick).abs().max():.0e}")
            assert torch.allclose(slow, quick, atol=1e-4)
            assert name == "tree"
        except RuntimeError as error:
            print(f"{name}: {error}")
            assert name != "tree"

# %% [markdown]
# torch has this operation ready made, as `conv1d`. It wants channels before positions, and its weights as
# (outputs, inputs, taps). Our W (2 I, O) holds the tap for t - d in its upper half, the one for t in the lower.

# %%
with torch.no_grad():
    linear = nets["tree"].layers[6]  # of level 2, (136, 68)
    x = torch.randn(3, 20, 68, generator=torch.Generator().manual_seed(4))  # (B, T, H)
    ours = linear(with_earlier(x, 2))  # (B, T - 2, H)
    taps = linear.W.view(2, 68, 68).permute(2, 1, 0)  # (O, I, 2)
    torchs = F.conv1d(x.mT, taps, linear.b, dilation=2).mT
print("conv1d:", tuple(torchs.shape), f"largest difference {(ours - torchs).abs().max():.0e}")
assert torch.allclose(ours, torchs, atol=1e-4)

# %% [markdown]
# ### What it saves
#
# Count the multiplications at one position. The tree does level $k$ once for each of its nodes, the convolution
# once. With $L$ levels that is $2^L - 1$ small layers against $L$, so the gap opens as the context grows.

# %%
line = torch.randint(V, (1, 600), generator=torch.Generator().manual_seed(5))  # one long line


def fastest(f, net: Network) -> float:
    """Seconds for the logits of the line, the fastest of some tries."""
    times = []
    for _ in range(2 if FAST else 7):
        began = time.perf_counter()
        f(net, embedded(net, line))
        times.append(time.perf_counter() - began)
    return min(times)


print("context   multiplications: tree, convolution, ratio      seconds: tree, convolution, ratio")
measured = {}
for levels in range(1, 7):
    net = tree(10, 68, BatchNormMended, levels)
    net.training(False)
    sizes = [layer.W.numel() for layer in net.layers if isinstance(layer, Linear)][:-1]
    once = sum(sizes)
    anew = sum(size * 2 ** (levels - 1 - k) for k, size in enumerate(sizes))
    with torch.no_grad():
        seconds = measured[net.context] = fastest(by_windows, net), fastest(by_convolution, net)
    print(
        f"{net.context:7} {anew:20,} {once:12,} {anew / once:6.1f} "
        f"{seconds[0]:20.4f} {seconds[1]:12.4f} {seconds[0] / seconds[1]:6.1f}"
    )
    if levels == 3:
        assert (anew, once) == (33_184, 19_856)

# %% [markdown]
# The times do not follow the multiplications exactly. Windows must also be cut out, and the normalisations and
# tanhs of all those nodes are saved as well.
#
# Be fair, though. A name has some six letters, and a batch of names is padded to the longest of them; work
# on padding is work for nothing, and may eat up what a context of eight saves. It is on long lines, in
# text and in sound, that nobody does without. And for sampling there is more to gain: keep the last d values of each
# level, and one more character costs L small layers. The library does that, as we will see.
#
# ### Larger
#
# The tree that part 5 ends with has 24 channels in the embedding and 128 in the layers. More parameters overfit
# sooner, so it gets smaller batches, whose statistics are noisier, and fewer steps.

# %%
large = tree(24, 128, BatchNormMended)
assert large.parameters() == 76_579
nets["tree, larger"] = train(large, steps=8_000, rate=1e-2, decay=0.05, batch=256)

# %% [markdown]
# ## Looking inside
#
# How far back does a network look? Ask the gradient. If a logit at position t depends on the vector that went in
# at position s, then its derivative by that vector is not zero. The size of all those derivatives, for each t
# and s, is a picture of what reaches where. It needs no knowledge of what is inside. (`torch.autograd.grad(a, b, g)` is
# the gradient of the sum of `a * g` by `b`. With `is_grads_batched=True` it takes many such `g` at once, here one for each
# of the V logits.)
#
# **Before you run it:** the tree sees eight characters. How large will the gradient be from seven characters back, and
# how large from eight back: smaller, tiny, or exactly 0?

# %%
long = [word for word in words if len(word) >= 12][:40]
ids = lines(long)[0][:, :13]  # (B, 13): the boundary and 12 letters


def reach(f, net: Network) -> Tensor:
    """Size of the derivative of the logits at t by the vector at s, mean over lines: (13, 13)."""
    net.training(False)
    x = embedded(net, ids).detach().requires_grad_()  # (B, n - 1 + 13, C)
    logits = f(net, x)  # (B, 13, V)
    every = torch.eye(V)[:, None].expand(V, len(ids), V)  # a gradient for each of the V logits
    sizes = []
    for t in range(13):
        (gradient,) = torch.autograd.grad(logits[:, t], x, every, retain_graph=True, is_grads_batched=True)
        gradient = gradient[:, :, net.context - 1 :]  # (V, B, 13, C), without what is before the line
        sizes.append(gradient.square().sum((0, 3)).sqrt().mean(0))
    return torch.stack(sizes)


maps = {"flat": reach(by_windows, nets["flat"]), "dilated": reach(by_convolution, nets["tree"])}
back = torch.arange(13)[:, None] - torch.arange(13)  # (13, 13): t - s
for sizes in maps.values():
    assert (sizes[(back < 0) | (back > 7)] == 0).all()  # nothing from the future, nothing from 8 or more back
    assert (sizes[(back >= 0) & (back <= 7)] > 0).all()  # all of the window
    assert FAST or sizes[-1].argmax() == 12  # the last position looks at its own character most

# %% [markdown]
# Up to seven back it is there, from eight back it is exactly 0: the cell above has checked it for every position. At the
# left the picture of the tree in its dilated form, at the right both networks at the last position.
# Compare the shapes of the two lines rather than their heights, which depend on how large each network's
# vectors are. And do not expect the flat one to be as smooth: its oldest places have weights of their own,
# and few names are long enough to train them.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
image = axes[0].imshow(maps["dilated"].where(maps["dilated"] > 0, torch.nan).log10(), cmap="viridis")
axes[0].set_title("Dilated: what reaches where")
axes[0].set_xticks(range(0, 13, 2))
axes[0].set_xlabel("s, position of the input")
axes[0].set_ylabel("t, position of the logits")
fig.colorbar(image, ax=axes[0], shrink=0.75, label="log10 of the gradient's size")
for (name, sizes), marker in zip(maps.items(), "os"):
    axes[1].plot(range(13), sizes[-1].flip(0), marker=marker, label=name)
axes[1].axvline(7.5, color="black", linewidth=0.8, linestyle="--", label="end of the window")
axes[1].set_title("At the last position")
axes[1].set_xlabel("characters back, t - s")
axes[1].set_ylabel("size of the gradient")
axes[1].set_ylim(bottom=0)
axes[1].legend()
show(
    "white, where nothing reaches: above the diagonal (the future) and from eight back on. The newest character counts "
    "most, and past the dashed line the gradient is not small but zero."
)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 3.8))
for k, (name, marker) in enumerate((("tree over each window", "o"), ("dilated convolution", "s"))):
    ax.loglog(list(measured), [1000 * seconds[k] for seconds in measured.values()], marker=marker, label=name)
ax.set_xticks(list(measured), [str(n) for n in measured])
ax.minorticks_off()
ax.set_title("Logits at all 600 positions of a line")
ax.set_xlabel("context (characters)")
ax.set_ylabel("time (milliseconds)")
ax.legend()
show(
    "the slopes. Where the context doubles, the tree's time roughly doubles too; the convolution's grows by that of "
    "one more layer."
)

# %% [markdown]
# ## The number to compare with
#
# Losses in nats per token, over whole splits, with the running averages in place of the batch's.

# %%
losses = {name: {part: mean_nll(net, part) for part in split} for name, net in nets.items()}
published = {
    "flat": (1.918, 2.027),
    "tree, BatchNorm over 0": (1.941, 2.029),
    "tree": (1.912, 2.022),
    "tree, larger": (1.769, 1.993),
}
for name, (train_loss, validation_loss) in published.items():
    beside(f"{name}: train", losses[name]["train"].mean().item(), train_loss, "makemore part 5")
    beside(
        f"{name}: validation", losses[name]["validation"].mean().item(), validation_loss, "makemore part 5"
    )
for name, parts in losses.items():
    print(f"test, looked at once: {parts['test'].mean():.4f}  {name}, {nets[name].parameters():,} parameters")

# %% tags=["hide-input"]
if not FAST:
    for name, (_, validation_loss) in published.items():
        assert losses[name]["validation"].mean() < validation_loss + 0.005

# %% [markdown]
# Before reading anything into small differences: other names would have given others. The validation names are a sample,
# and two networks can be compared on it token by token. Twice the standard error of that difference is a fair
# margin; another seed for the weights would move it some more.

# %%
for a, b in (("tree", "flat"), ("tree", "tree, BatchNorm over 0"), ("tree, larger", "tree")):
    difference = losses[a]["validation"] - losses[b]["validation"]  # (M,)
    margin = 2 * difference.std() / math.sqrt(len(difference))
    verdict = "better" if difference.mean() < -margin else "worse" if difference.mean() > margin else "a tie"
    print(f"{a} minus {b}: {difference.mean():+.4f} ± {margin:.4f}, {verdict}")

# %% tags=["hide-input"]
if not FAST:
    mean = {name: parts["validation"].mean() for name, parts in losses.items()}
    assert abs(mean["tree"] - mean["flat"]) < 0.02
    assert abs(mean["tree"] - mean["tree, BatchNorm over 0"]) < 0.02
    assert mean["tree, larger"] < mean["tree"] - 0.01

# %% [markdown]
# At the same size the tree is ahead of flat by less than 0.02: with eight letters of context the shape matters
# less than one hopes. What the tree buys is that it *can* grow. The bug costs about 0.01, and that is why it is so
# easily missed: nothing crashes, the loss looks plausible, and only the shape of a running mean tells. (The
# video gained a little by mending it. Its batches have 32 windows, ours 512, so that our estimates for single
# nodes are better ones. What mending is worth besides cannot be read off the loss: without it there is no
# convolution.)
#
# Some names of the larger tree:


# %%
@torch.no_grad()
def sample(net: Network, g: torch.Generator) -> str:
    """Draw one name."""
    window, out = [0] * net.context, ""
    while len(out) < 30:
        p = net(torch.tensor([window]))[0].softmax(0)  # (V,)
        c = int(torch.multinomial(p, 1, generator=g))
        if c == 0:
            break
        window, out = [*window[1:], c], out + itos[c]
    return out


g = torch.Generator().manual_seed(6)
print([sample(large, g) for _ in range(12)])

# %% [markdown]
# ### Your own name
#
# How surprising is each letter of your name, in nats, for the flat network and for the larger tree? The first letters
# are as hard for both; a longer view can help only where there is something to see.

# %%
yours = "emma"  # put your own name here: letters a to z, lower case
contexts, targets = windows([yours])
for name in ("flat", "tree, larger"):
    with torch.no_grad():
        nll = F.cross_entropy(nets[name](contexts), targets, reduction="none")  # (letters and the end,)
    letters = "  ".join(f"{letter} {x:.1f}" for letter, x in zip([*yours, "end"], nll.tolist()))
    print(f"{name:14} {letters}   together {nll.sum():.1f}")

# %% [markdown]
# ## The same through the library
#
# `wavenet` is this network with three improvements. The first two stand in the WaveNet paper, the third is of
# the same year:
#
# * each layer *adds* to what came in instead of replacing it, so gradients reach the first layer undiminished;
# * each layer has a gate: tanh says what to say, a sigmoid how loudly;
# * LayerNorm instead of BatchNorm: it normalises each position over its own channels, so no line ever sees
#   another. With BatchNorm it does, and there is a trap in it: batches of lines of *one* length waste nothing
#   on padding, but then the statistics of the batch tell how long the lines are. The network can learn to read
#   that: its training loss then looks splendid, and in use the hint is gone. The library's own BatchNorm model,
#   `mlp_bn`, therefore asks for batches of mixed lengths.
#
# At the start of a line it has zeros on each level, where ours has the vectors of boundaries. We take a
# library model of fewer parameters than our tree, and rebuild its forward pass from its weights with nothing
# but shifting and concatenating.

# %%
from makemore.models import build, configure, count_parameters

torch.manual_seed(7)
model = build("wavenet", V, configure("wavenet", longest, n_layer=3, n_embd=35, dropout=0.0)).eval()
print(f"{count_parameters(model):,} parameters")
for name, weight in model.state_dict().items():
    if not name.startswith(("blocks.1", "blocks.2")):
        print(f"{name:20} {tuple(weight.shape)}")


# %%
def shifted(x: Tensor, d: int) -> Tensor:
    """Move x (B, T, C) d positions later, with zeros before it."""
    B, T, C = x.shape
    return torch.cat([x.new_zeros(B, d, C), x], 1)[:, :T]


print(shifted(torch.arange(1.0, 6).view(1, 5, 1), 2).flatten().tolist())


# %%
def rebuilt(w: dict[str, Tensor], ids: Tensor, levels: int) -> Tensor:
    """The logits (B, T, V) of the library's wavenet from its weights by name."""

    def normalised(x: Tensor, name: str) -> Tensor:
        var, mean = torch.var_mean(x, -1, keepdim=True, correction=0)  # over channels: (B, T, 1)
        return (x - mean) / (var + 1e-5).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = w["embedding.weight"][ids]  # (B, T, C)
    for level in range(levels):
        block = f"blocks.{level}"
        y = normalised(x, f"{block}.norm")
        two = torch.cat([shifted(y, 2**level), y], 2)  # (B, T, 2 C): t - d and t
        filtered, gate = linear(two, f"{block}.conv").chunk(2, 2)  # (B, T, C) each
        x = x + linear(filtered.tanh() * gate.sigmoid(), f"{block}.proj")
    return linear(normalised(x, "norm"), "head")


with torch.no_grad():
    model.head.weight.normal_()  # it starts near zero; larger logits make a stricter test
    logits, _ = model(some)
    ours = rebuilt(model.state_dict(), some, 3)
print(f"logits up to {logits.abs().max():.1f}, largest difference {(logits - ours).abs().max():.0e}")
assert torch.allclose(logits, ours, atol=1e-4, rtol=1e-4)

# %% [markdown]
# (`chunk(2, 2)` cuts a tensor into two along dimension 2, and `sigmoid` is $1 / (1 + e^{-x})$, a number between 0 and 1.)
# What it returns beside the logits is what sampling needs: for each level the last d inputs, 1 + 2 + 4 vectors,
# however long the line. Give it one character and the state, and it goes on from there. This is the same
# convolution once more, read position by position.

# %%
with torch.no_grad():
    stepped, state = [], None
    for t in range(some.shape[1]):
        logits_t, state = model(some[:, t : t + 1], state)  # one character a call
        stepped.append(logits_t)
print("state:", [tuple(past.shape) for past in state])
assert torch.allclose(torch.cat(stepped, 1), logits, atol=1e-4, rtol=1e-4)
assert [past.shape[1] for past in state] == [1, 2, 4]

# %% [markdown]
# `makemore.train` trains it on a split where no name is on two sides, so its held-out losses do not compare with
# those above: they get no help from names seen in training. Its recipe differs too: the library says how in
# `makemore.runs.settings`.

# %%
with tempfile.TemporaryDirectory() as directory:
    run = makemore.train(
        "names", type="wavenet", n_layer=3, n_embd=35, dropout=0.0, work_dir=directory,
        precision="float32", max_steps=10 if FAST else 800,
    )  # fmt: skip
    nll = run.summary().nll
    print("losses:", {part: round(loss, 4) for part, loss in nll.items()})
    print(run.sample(12, seed=1))
    trained = run.model.state_dict()
    with torch.no_grad():
        assert torch.allclose(run.model.eval()(some)[0], rebuilt(trained, some, 3), atol=1e-3)
assert FAST or nll["test"] < 2.1

# %% [markdown]
# ## What is still wrong
#
# The window is wider, and still a window. What is nine letters back does not exist for our tree; you saw the
# gradient there, and it was exactly zero. Another level doubles the context, costs another matrix, and must be decided
# on beforehand. Nor does a position choose what to look at: which places are fused is fixed by their distance,
# never by what stands there.
#
# The next lesson drops the window. It carries a state from character to character, of one size however
# long the line is, and has to learn what to keep in it. Our blocks are nearly those of torch itself; lesson 11 trades
# them in for `nn.Module`.
#
# *To read and watch:*
#
# * van den Oord and others, [WaveNet](https://arxiv.org/abs/1609.03499) (2016).
# * Bai, Kolter and Koltun, [Convolutional and Recurrent Networks for Sequence Modeling](https://arxiv.org/abs/1803.01271) (2018).
# * Andrej Karpathy, [makemore part 5](https://www.youtube.com/watch?v=t3YJ5hKiMQ0), of
#   [Neural Networks: Zero to Hero](https://karpathy.ai/zero-to-hero.html).
#
# ## Exercises
#
# `makemore lessons start 8` puts this lesson and a file `exercises.py` into the directory `lesson-8`. Fill in
# its three functions, then let `makemore lessons check 8` tell you how you did.
#
# 1. `batch_norm`: normalise (B, T, C) over the right dimensions, when some of the positions are padding.
# 2. `causal_conv`: a dilated causal convolution with any number of taps, which can go on where it stopped.
# 3. `reach`: find out how far back, and how far ahead, a function looks that you know nothing about.
#
# **The open challenge.** Build a network of dilated causal convolutions that looks as far back as you like, with gates,
# sums and norms as you see fit, and train it. Write it in `challenge.py`; `makemore lessons check 8 challenge` trains it
# on makemore's training names, scores it on the validation names and keeps a board of your tries. The goal is 2.03 nats
# per token.
