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
# # 13. The modern block
#
# *Before this: lesson 12. Allow 3 hours.*
#
# ## What you will be able to do
#
# * write RMSNorm, rotary positions, gated units, QK-norm and grouped queries, each in a few lines of plain tensors;
# * say of each what it replaces, what it leaves out, and what it is meant to be good for;
# * measure what each is worth on names, with an interval, and say so when it is nothing;
# * put them together and get, number by number, the library's `llama`.
#
# ## The idea
#
# Lesson 10 built the Transformer as it was in 2019. Most large language models of 2026 are still that: blocks of
# attention and a small network, each added to a stream. But nearly every part inside a block was exchanged for
# another. The new parts are not deep. Each fits in a few lines, and most of them *leave something out*:
#
# | part of lesson 10 | what stands there today | what changes |
# | --- | --- | --- |
# | LayerNorm | RMSNorm | no mean, no bias: only the size is set |
# | a table of positions, added to $x$ | rotary positions | queries and keys are turned by an angle |
# | two layers with a GELU | SwiGLU | three matrices: one path multiplies another |
# | scores of any size | QK-norm | queries and keys get a fixed size |
# | keys and values for each head | grouped queries | several heads share keys and values |
# | biases everywhere | none | fewer weights |
#
# ![two blocks side by side: LayerNorm, attention with a table of positions, GELU; and RMSNorm, attention with rotary positions and QK-norm, SwiGLU](pictures/13_blocks.svg)
#
# Two questions follow us through the lesson. What does each part *do*? That can be shown exactly. And what is it
# *worth*? That can only be measured, and lesson 12 said how: the same split, one change at a time, the same luck,
# several seeds. Large models need these parts to stay stable and fast over months. A model of 27,000 weights has
# no such troubles. So do not be surprised if a part that is everywhere turns out to be worth nothing *here*.

# %%
import math
import time
import zlib

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import makemore
from makemore.corpus.batches import epoch
from makemore.course import FAST, beside, show
from makemore.training.optimizer import schedule

torch.set_num_threads(1)
corpus = makemore.read("names")
V = len(corpus.vocab)  # 27 characters, id 0 is the boundary
train_rows = np.random.default_rng(0).permutation(corpus.rows("train"))
validation_rows = corpus.rows("validation")[: 50 if FAST else None]
test_rows = corpus.rows("test")[: 50 if FAST else None]
print(
    f"{len(train_rows):,} names to train on, {len(validation_rows):,} to validate, {len(test_rows):,} to test"
)

# %% [markdown]
# This is makemore's own split, in which no name is on two sides. All choices use the validation names.
#
# ## Building it
#
# ### RMSNorm: only the size
#
# LayerNorm does two things to a vector $x$ of $C$ channels. It subtracts the mean, and it divides by the spread:
#
# $$\mathrm{LayerNorm}(x) = \frac{x - \mathrm{mean}(x)}{\sqrt{\mathrm{mean}((x - \mathrm{mean}(x))^2) + \epsilon}} \cdot g + b$$
#
# *RMS* is the *root mean square*: square all numbers, take the mean, take the root. It is the size of a typical
# channel. RMSNorm divides by it, and that is all:
#
# $$\mathrm{RMSNorm}(x) = \frac{x}{\sqrt{\mathrm{mean}(x^2) + \epsilon}} \cdot g$$
#
# $g$ is the *gain*, a learned number for each channel, 1 at the start. $b$ is the bias, 0 at the start. $\epsilon$ is
# tiny, and only there so that nothing is divided by zero.
#
# **Before you run it:** what do the two make of 1, 2, 3, 4? Which result has a negative number in it? And what
# changes if all four are multiplied by 10?


# %%
def rms_norm(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    """Each vector of C channels to a mean square of 1, then scaled. x: (..., C), gain: (C,)."""
    mean_square = x.square().mean(-1, keepdim=True)  # (..., 1)
    return x / (mean_square + epsilon).sqrt() * gain


x = torch.tensor([1.0, 2.0, 3.0, 4.0])
for what, vector in (("x", x), ("10 x", 10 * x), ("x + 100", x + 100)):
    print(f"{what:8} LayerNorm {[round(v, 3) for v in F.layer_norm(vector, (4,)).tolist()]}")
    print(f"{'':8} RMSNorm   {[round(v, 3) for v in rms_norm(vector, torch.ones(4)).tolist()]}")

# %% tags=["hide-input"]
some = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
some_gain = torch.tensor([1.0, 2.0, 0.5, -1.0])
assert torch.allclose(rms_norm(some, some_gain), F.rms_norm(some, (4,), some_gain, 1e-6), atol=1e-6)
assert torch.allclose(rms_norm(10 * x, torch.ones(4)), rms_norm(x, torch.ones(4)), atol=1e-5)
centred = some - some.mean(-1, keepdim=True)
assert torch.allclose(rms_norm(centred, torch.ones(4)), F.layer_norm(some, (4,), eps=1e-6), atol=1e-5)

# %% [markdown]
# LayerNorm gives -1.342 to 1.342: some channels must be negative, for their mean is 0. RMSNorm keeps the signs
# and the ratios of 1 to 2 to 3 to 4. Both forget the factor 10. That is the one thing a norm in the stream has to
# do, because the stream grows from block to block and the parts want inputs of one size. LayerNorm also forgets
# the 100 that was added to all channels. RMSNorm does not: all four come out near 1.
#
# Does it matter? Only if the channels of the stream have a large common part. For vectors whose mean is 0 the two
# are the same (a folded cell asserts it). We shall look at the mean in a trained stream, under *Looking inside*.
# Zhang and Sennrich, who proposed RMSNorm in 2019, found the same losses in less time. torch has it too, as
# `F.rms_norm`, and we use that one from here on.
#
# | expression | shape or value in | out |
# | --- | --- | --- |
# | `x.square().mean(-1, keepdim=True)` | `[[3., 4.]]`, (1, 2) | `[[12.5]]`, (1, 1) |
# | `F.rms_norm(x, (2,))` | `[[3., 4.]]`, (1, 2) | `[[0.849, 1.131]]`, (1, 2): divided by √12.5 |
# | `F.rms_norm(x, (C,), gain, 1e-6)` | (B, T, C), the gain (C,) | (B, T, C): each place for itself |
#
# ### Rotary positions: two numbers and an angle
#
# Attention does not see order, so lesson 10 added a vector for each place to $x$. That has two drawbacks. The
# table has an end: nobody learned a row for place 17 if no name is so long. And each place is learned alone: that
# place 7 is to place 5 as place 3 is to place 1 has to be found out again for each pair.
#
# *Rotary positions* (RoPE) go another way. Take two channels $(a, b)$ of a query, seen as an arrow in the plane.
# At place $p$, turn it by the angle $p\theta$, where $\theta$ (theta) is a fixed angle for each step:
#
# $$(a, b) \mapsto (a \cos p\theta - b \sin p\theta,\;\; b \cos p\theta + a \sin p\theta)$$
#
# Do the same with the keys. Values are left alone.
#
# **Before you run it:** a score is the dot product of a query and a key. It depends on the lengths of the two
# arrows and on the angle between them. The query at place 5 is turned by $5\theta$ and the key at place 3 by
# $3\theta$. At which other two places will the score of the same two arrows be the same: 3 and 1, 10 and 6, or 3
# and 5?


# %%
def turned(pair: Tensor, angle: float) -> Tensor:
    """Turn an arrow (2,) by an angle; a full turn is 2 pi, about 6.28."""
    a, b = pair
    cos, sin = math.cos(angle), math.sin(angle)
    return torch.stack([a * cos - b * sin, b * cos + a * sin])


theta = 0.5
query, key = torch.tensor([1.0, 0.3]), torch.tensor([0.6, -0.8])
for p, s in ((5, 3), (3, 1), (105, 103), (10, 6), (3, 5)):
    score = turned(query, p * theta) @ turned(key, s * theta)
    print(f"query at {p:3}, key at {s:3}: distance {p - s:2}, score {score:.4f}")

# %% tags=["hide-input"]
scores = [(turned(query, p * theta) @ turned(key, s * theta)).item() for p, s in ((5, 3), (3, 1), (105, 103))]
assert max(scores) - min(scores) < 1e-4
at_zero = (turned(query, 2 * theta) @ key).item()  # only the query, by the distance
assert abs(at_zero - scores[0]) < 1e-5

# %% [markdown]
# At 3 and 1, and at 105 and 103: **the score depends on the distance $p - s$ only.** Turning both by the same
# angle leaves the angle between them as it was. In letters: let $R_p$ be the turn by $p\theta$; turning forth and
# back cancels, so
#
# $$R_p q \cdot R_s k = R_{p-s} q \cdot k .$$
#
# The sign of the distance counts: 3 and 5 give something else.
#
# One angle is not enough: an arrow is back where it was after $2\pi/\theta$ places, and small turns tell near places
# apart badly. So a head of $D$ channels makes $D/2$ pairs, and each has a speed of its own, from 1 (a sixth of a turn
# a step) down to nearly nothing:
#
# $$\theta_i = 10000^{-i/(D/2)}, \qquad i = 0, 1, \dots, D/2 - 1$$
#
# Which channels make a pair is a convention. We take channel $i$ and channel $i + D/2$, as the library does and
# most published models do.


# %%
def angles(start: int, T: int, D: int) -> Tensor:
    """The angle of each place and pair: (T, D / 2), for the places start to start + T - 1."""
    speed = 10000.0 ** (-torch.arange(D // 2) / (D // 2))  # (D / 2,)
    places = torch.arange(start, start + T)  # (T,)
    return places[:, None] * speed


def rotate(x: Tensor, angle: Tensor) -> Tensor:
    """Turn the pairs (i, i + D / 2) of queries or keys. x: (B, H, T, D), angle: (T, D / 2)."""
    a, b = x.chunk(2, -1)  # the first and the second half: (B, H, T, D / 2) each
    cos, sin = angle.cos(), angle.sin()
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


print("angles of a head of 8 channels at places 0 to 3:")
print(angles(0, 4, 8))

# %% [markdown]
# Place 0 is not turned at all. In each column the angle grows by the speed of that pair: 1, 0.1, 0.01, 0.001.
#
# | expression | shape or value in | out |
# | --- | --- | --- |
# | `x.chunk(2, -1)` | `[1, 2, 3, 4]` | `[1, 2]` and `[3, 4]` |
# | `angles(0, 3, 4)` | places 0, 1, 2; two pairs | `[[0, 0], [1, 0.01], [2, 0.02]]`, (3, 2) |
# | `rotate(x, angle)` | (B, H, T, D) and (T, D / 2) | (B, H, T, D): turned, as long as before |
#
# Now all scores of one query arrow and one key arrow, at every pair of places.

# %% tags=["hide-input"]
generator = torch.Generator().manual_seed(3)
one_query, one_key = torch.randn(2, 1, 1, 1, 8, generator=generator)
everywhere = angles(0, 24, 8)
q, k = (
    rotate(one_query.expand(1, 1, 24, 8), everywhere),
    rotate(one_key.expand(1, 1, 24, 8), everywhere),
)
square = (q @ k.mT)[0, 0]  # (24, 24): the same arrows at all places
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
image = left.imshow(square, cmap="RdBu", vmin=-square.abs().max(), vmax=square.abs().max())
left.set(title="One query, one key, at all places", xlabel="place of the key", ylabel="place of the query")
fig.colorbar(image, ax=left, label="score")
for speed in (1, 0.1, 0.01, 0.001):
    right.plot(range(24), [math.cos(speed * d) for d in range(24)], marker=".", label=f"speed {speed}")
right.set(title="What each speed tells apart", xlabel="distance", ylabel="cosine of the angle")
right.set_ylim(-1.7, 1.1)
right.legend(fontsize=9, ncols=2, loc="lower left")
show(
    "the stripes along the diagonals on the left: the same distance, the same score. On the right the fast pair tells "
    "neighbours apart and repeats itself; the slow ones hardly move within a name."
)
for d in range(-20, 20):
    assert square.diagonal(d).std() < 1e-4

# %% [markdown]
# No table, no learned numbers, and no longest line: the angle of place 100 can be computed. (That a model does
# *well* there is another question. It has never seen such a distance.) In names no distance is above 15, so the
# two slow pairs hardly turn at all. They are made for long texts.
#
# ### Gated units: SwiGLU
#
# The small network of a block was $W_2\,\mathrm{gelu}(W_1 x)$. A *gated unit* computes two hidden vectors and
# multiplies them, number by number. $W_3 x$ is the content, $\mathrm{silu}(W_1 x)$ the *gate* that lets it
# through:
#
# $$\mathrm{SwiGLU}(x) = W_2\,\bigl(\mathrm{silu}(W_1 x) \cdot W_3 x\bigr), \qquad \mathrm{silu}(z) = \frac{z}{1 + e^{-z}}$$
#
# You know gates from lesson 9. silu (also called swish) is $z$ times its sigmoid: nearly 0 for negative $z$,
# nearly $z$ for large ones. A product of two things that both depend on $x$ is new: no sum of bent lines gives it
# so easily.
#
# A third matrix costs weights. To be fair, the hidden vector is made narrower. Two matrices of $4C$ hidden
# numbers have
# $2 \cdot 4C \cdot C = 8C^2$ weights. Three of $F$ have $3FC$, so $F = \tfrac83 C$.
#
# Another candidate keeps two matrices and only squares a ReLU: $W_2 \max(0, W_1 x)^2$. It was found by an automatic
# search (So and others, *Primer*, 2021). We take it along.

# %%
z = torch.tensor([-4.0, -1.0, 0.0, 1.0, 4.0])
for what, f in (("gelu", F.gelu), ("silu", F.silu), ("relu²", lambda z: z.relu().square())):
    print(f"{what:6}", [round(v, 3) for v in f(z).tolist()])

for channels in (32, 96, 4096):
    hidden = 8 * math.ceil(channels / 3)  # a multiple of 8 is convenient for the processor
    plain, gated = 2 * channels * 4 * channels, 3 * channels * hidden
    print(
        f"C = {channels:4}: plain 4 C = {4 * channels:6}, gated {hidden:6}, weights {plain:11,} and {gated:11,}"
    )
    assert abs(gated / plain - 1) < 0.05

# %% [markdown]
# gelu and silu look alike; the squared ReLU makes 16 of 4. With the narrower hidden vector both kinds have the
# same number of weights, to within 5%.
#
# ### QK-norm: scores that cannot run away
#
# A score is $q \cdot k / \sqrt{D}$. Nothing keeps queries and keys from growing in training, and if both become
# ten times as long, scores become a hundred times as large. Then the softmax is all or nothing, as lesson 10
# showed, and its gradient is gone. In large models this does happen, and it ends trainings. The cure: an RMSNorm
# for each query and key, just before they are turned. Then both have length $\sqrt{D}$ (times the gain), so with
# a gain of 1 no score is above $\sqrt{D}$.
#
# **Before you run it:** queries and keys of 8 channels, from the normal distribution, are multiplied by 1, 3 and
# 10. How large is the largest weight of a softmax over 16 keys, on average, without and with QK-norm?

# %%
D, ones = 8, torch.ones(8)
queries, keys = torch.randn(2, 500, 16, D, generator=torch.Generator().manual_seed(4))
for factor in (1, 3, 10):
    largest = []
    for f in (lambda x: x, lambda x: rms_norm(x, ones)):
        dots = f(queries * factor) @ f(keys * factor).mT / math.sqrt(D)  # (500, 16, 16)
        largest.append((dots.abs().max().item(), dots.softmax(-1).amax(-1).mean().item()))
    print(
        f"times {factor:2}: without, largest score {largest[0][0]:6.1f}, largest weight {largest[0][1]:.2f};   "
        f"with QK-norm {largest[1][0]:.1f} and {largest[1][1]:.2f}"
    )
    assert largest[1][0] <= math.sqrt(D) + 1e-3

# %% [markdown]
# Without the norm one key soon takes nearly everything. With it nothing changes, and no score is above $\sqrt 8 =
# 2.83$. If a block *needs* sharper weights, the gains, which all its heads share, can learn it.
#
# ### Grouped queries: a smaller cache
#
# Lesson 10 kept the keys and values of all places so far, to generate without computing anything twice. For long
# texts that cache is what fills the memory: $2 \cdot L \cdot H \cdot D$ numbers for each place, with $L$ blocks
# and $H$ heads of $D$ channels. *Grouped queries* let several heads of queries share one head of keys and values.
# With $G$ shared heads in place of $H$, the cache shrinks by $H / G$. The heads still ask different questions;
# they look at the same labels.


# %%
def shared(k: Tensor, H: int) -> Tensor:
    """Give every one of H query heads its keys (or values). k: (B, G, T, D). Returns (B, H, T, D)."""
    return k.repeat_interleave(H // k.shape[1], 1)  # each head H / G times in a row


print("2 heads for 4:", shared(torch.tensor([10, 20]).view(1, 2, 1, 1), 4).flatten().tolist())
for what, layers, groups, channels in (
    ("ours", 2, 4, 8),
    ("ours, grouped", 2, 2, 8),
    ("a Llama 3 of 70 billion, if not grouped", 80, 64, 128),
    ("the same, grouped as it is", 80, 8, 128),
):
    numbers = 2 * layers * groups * channels
    print(
        f"{what:42} {numbers:9,} numbers a place, {numbers * 2 * 8192 / 1e9:8.4f} GB for 8,192 places of 16 bits"
    )

# %% [markdown]
# A model of that size would need more than 20 GB to remember a single text of 8,192 tokens; eight shared heads
# bring it below 3. On names a cache of 128 numbers a place was never a problem. So here grouping can
# only cost something. The question is how much.
#
# ### A Transformer with switches
#
# Now lesson 10's Transformer, with a switch for each part. `parts` is the set of those that are switched on; the
# empty set is the old block. The weights have the names that the library's `llama` uses.
#
# `F.scaled_dot_product_attention` is torch's attention: scores, mask, softmax and weighted sum in one call.

# %%
C, H, L = (16, 2, 1) if FAST else (32, 4, 2)  # channels, heads, blocks
D = C // H  # channels of a head: 8


def norm(w: dict[str, Tensor], name: str, x: Tensor, parts: set[str]) -> Tensor:
    """LayerNorm or RMSNorm over the last dimension, with the weights of that name."""
    if "RMSNorm" in parts:
        return F.rms_norm(x, (C,), w[f"{name}.weight"], 1e-6)
    return F.layer_norm(x, (C,), w[f"{name}.weight"], w[f"{name}.bias"])


def linear(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Multiply by the matrix (outputs, inputs) of that name, and add its bias if it has one."""
    return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))


def attention_part(w: dict, b: int, x: Tensor, parts: set[str], past: tuple = ()) -> tuple[Tensor, tuple]:
    """What the attention of block b adds to the stream, and its keys and values (B, G, S + T, D).

    x: (B, T, C), the new places; past: keys and values of the S places before them, or ().
    """
    B, T, _ = x.shape
    x = norm(w, f"blocks.{b}.norm1", x, parts)
    q, k, v = (linear(w, f"blocks.{b}.{name}", x).view(B, T, -1, D).transpose(1, 2) for name in "qkv")
    if "QK-norm" in parts:
        q = F.rms_norm(q, (D,), w[f"blocks.{b}.q_norm.weight"], 1e-6)  # (B, H, T, D)
        k = F.rms_norm(k, (D,), w[f"blocks.{b}.k_norm.weight"], 1e-6)  # (B, G, T, D)
    S = past[0].shape[2] if past else 0
    if "rotary" in parts:
        angle = angles(S, T, D)  # the new places come after the S old ones
        q, k = rotate(q, angle), rotate(k, angle)
    if past:
        k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
    y = F.scaled_dot_product_attention(q, shared(k, H), shared(v, H), is_causal=T > 1)  # (B, H, T, D)
    return linear(w, f"blocks.{b}.out", y.transpose(1, 2).reshape(B, T, C)), (k, v)


def network_part(w: dict, b: int, x: Tensor, parts: set[str]) -> Tensor:
    """What the small network of block b adds to the stream. x: (B, T, C)."""
    x = norm(w, f"blocks.{b}.norm2", x, parts)
    if "SwiGLU" in parts:
        hidden = F.silu(linear(w, f"blocks.{b}.gate", x)) * linear(w, f"blocks.{b}.up", x)
    elif "squared ReLU" in parts:
        hidden = linear(w, f"blocks.{b}.up", x).relu().square()
    else:
        hidden = F.gelu(linear(w, f"blocks.{b}.up", x))
    return linear(w, f"blocks.{b}.proj", hidden)


def model(w: dict, idx: Tensor, parts: set[str], past: tuple = ()) -> tuple[Tensor, tuple]:
    """Ids (B, T) to logits (B, T, V), and the keys and values of all blocks."""
    x = w["embedding.weight"][idx]  # (B, T, C)
    if "rotary" not in parts:
        S = past[0].shape[2] if past else 0
        x = x + w["positions.weight"][S : S + idx.shape[1]]
    new = ()
    for b in range(L):
        added, keys_values = attention_part(w, b, x, parts, past[2 * b : 2 * b + 2])
        x = x + added
        x = x + network_part(w, b, x, parts)
        new += keys_values
    return linear(w, "head", norm(w, "norm", x, parts)), new


# %% [markdown]
# With `past`, only one new place at a time is fed in; then it may see everything, and no mask is needed.
#
# The weights at the start are drawn as in lesson 10. A detail makes the comparison fairer: each weight gets a
# generator of its own, seeded by its name and the seed. So a part that adds or removes a weight does not change
# how all others start. (`zlib.crc32` makes a number of a text.)


# %%
def new_weights(seed: int, parts: set[str]) -> dict[str, Tensor]:
    """The weights before training, by name."""
    hidden = 8 * math.ceil(C / 3) if "SwiGLU" in parts else 4 * C
    shared_channels = C // 2 if "grouped queries" in parts else C
    shapes = {"embedding": (V, C), "positions": (corpus.longest + 1, C), "head": (V, C)}
    gains = {"norm": C}
    for b in range(L):
        for name, shape in (
            ("q", (C, C)), ("k", (shared_channels, C)), ("v", (shared_channels, C)), ("out", (C, C)),
            ("gate", (hidden, C)), ("up", (hidden, C)), ("proj", (C, hidden)),
        ):  # fmt: skip
            shapes[f"blocks.{b}.{name}"] = shape
        for name, channels in (("norm1", C), ("norm2", C), ("q_norm", D), ("k_norm", D)):
            gains[f"blocks.{b}.{name}"] = channels
    w = {}
    for name, shape in shapes.items():
        last = name.split(".")[-1]
        if (last == "gate" and "SwiGLU" not in parts) or (last == "positions" and "rotary" in parts):
            continue
        std = {"embedding": 1.0, "positions": 0.5}.get(last, 0.02)
        if last in ("out", "proj"):
            std = 0.02 / math.sqrt(2 * L)
        generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {name}".encode()))
        w[f"{name}.weight"] = torch.randn(shape, generator=generator) * std
        if "no biases" not in parts and last not in ("embedding", "positions", "head"):
            w[f"{name}.bias"] = torch.zeros(shape[0])
    for name, channels in gains.items():
        if name.endswith(("q_norm", "k_norm")) and "QK-norm" not in parts:
            continue
        w[f"{name}.weight"] = torch.ones(channels)
        if "RMSNorm" not in parts and not name.endswith(("q_norm", "k_norm")):
            w[f"{name}.bias"] = torch.zeros(channels)
    return w


# %% [markdown]
# Training is lesson 12's base: torch's AdamW, a linear schedule with warm-up, clipping, the weights of the last step.


# %%
STEPS, BATCH, RATE = (3 if FAST else 300), 512, 1e-2


def mean_nll(w: dict, rows: np.ndarray, parts: set[str]) -> Tensor:
    """Mean of -log p over all tokens of some names, in nats."""
    inputs, targets = map(torch.from_numpy, corpus.batch(rows))  # (B, T) each; -1 at padding
    logits, _ = model(w, inputs, parts)
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)


def train(seed: int, parts: set[str], steps: int = STEPS) -> dict[str, Tensor]:
    """Weights trained on the training names."""
    w = new_weights(seed, parts)
    for weight in w.values():
        weight.requires_grad_()
    optimiser = torch.optim.AdamW(w.values(), betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    step = n = 0
    while step < steps:
        for some in epoch(corpus.lengths[train_rows], BATCH, seed, n):  # names of about one length
            loss = mean_nll(w, train_rows[some], parts)
            for weight in w.values():
                weight.grad = None
            loss.backward()
            torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
            optimiser.param_groups[0]["lr"] = RATE * schedule((step + 0.5) / steps)
            optimiser.step()
            step += 1
            if step == steps:
                break
        n += 1
    return {name: weight.detach() for name, weight in w.items()}


# %% [markdown]
# ### Each part alone
#
# One base, seven changes, and all of `llama`'s parts together (`llama` does not group its queries). Three seeds each.
#
# **Before you run it:** write down your ranking. Which part will lower the loss most? Which will do nothing?
# Which will cost something?

# %%
MODERN = {"RMSNorm", "rotary", "SwiGLU", "QK-norm", "no biases"}  # the parts of llama
CHANGES = {
    "RMSNorm": {"RMSNorm"},
    "rotary positions": {"rotary"},
    "SwiGLU": {"SwiGLU"},
    "squared ReLU": {"squared ReLU"},
    "QK-norm": {"QK-norm"},
    "no biases": {"no biases"},
    "grouped queries": {"grouped queries"},
    "all of llama": MODERN,
}
SEEDS = (1, 2) if FAST else (1, 2, 3)
trained, losses = {}, {}
for name, parts in {"the old block": set(), **CHANGES}.items():
    for seed in SEEDS:
        trained[name, seed] = train(seed, parts)
        with torch.no_grad():
            losses[name, seed] = mean_nll(trained[name, seed], validation_rows, parts).item()
    weights = sum(weight.numel() for weight in trained[name, 1].values())
    print(f"{name:18} {weights:7,} weights   " + "  ".join(f"{losses[name, seed]:.4f}" for seed in SEEDS))

# %% [markdown]
# The losses in a column share a seed, and the columns differ about as much as the rows do. That is why one
# compares within a column. Here is lesson 12's paired effect: the mean of the differences over the seeds, and its
# 95% interval,
#
# $$\bar d \pm t \cdot \frac{s}{\sqrt n},$$
#
# where $s$ is the standard deviation of the $n$ differences. $t$ is Student's factor, 4.303 for three of them. It
# is that large because three numbers say little about their own spread.

# %%
STUDENT = {2: 12.706, 3: 4.303}


def effect(name: str) -> tuple[float, float]:
    """Mean difference to the old block over the seeds, and half the width of its 95% interval."""
    differences = np.array([losses[name, seed] - losses["the old block", seed] for seed in SEEDS])
    half = STUDENT[len(SEEDS)] * differences.std(ddof=1) / math.sqrt(len(SEEDS))
    return float(differences.mean()), float(half)


effects = {name: effect(name) for name in CHANGES}
for name, (mean, half) in effects.items():
    verdict = "better" if mean < -half else "worse" if mean > half else "not clear"
    print(f"{name:18} {mean:+.4f} ± {half:.4f}   {verdict}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 4.2))
for i, name in enumerate(CHANGES):
    mean, half = effects[name]
    ax.errorbar(
        mean, i, xerr=half, fmt="o", capsize=4, color="C0", label="mean and interval" if i == 0 else None
    )
    single = [losses[name, seed] - losses["the old block", seed] for seed in SEEDS]
    ax.plot(single, [i + 0.22] * len(SEEDS), "x", color="C1", label="single seeds" if i == 0 else None)
ax.axvline(0, color="black", linewidth=0.8, linestyle="--")
ax.set_yticks(range(len(CHANGES)), list(CHANGES))
ax.invert_yaxis()
ax.set(
    title="What each part is worth here", xlabel="change of validation loss (nats per token)", ylabel="part"
)
ax.legend(fontsize=9)
show(
    "which bars stay clear of the dashed line. Left of it a part helps. A bar across the line says that three seeds "
    "cannot tell."
)

# %% [markdown]
# One part is clearly worth something here: SwiGLU, with -0.021 ± 0.016. That is not much, and with eight
# comparisons one false alarm would be no surprise: if nothing had any effect, the chance of at least one would be
# about a third ($1 - 0.95^8$, if they were independent). For all other parts the interval contains 0. Rotary
# positions, QK-norm and the squared ReLU point downwards in all three seeds, grouped queries upwards in all
# three. More seeds might settle these. RMSNorm and the missing biases do what their inventors claim, which is
# nothing: they leave something out, and the loss stays where it was, as far as three seeds can tell.
#
# All together: -0.028 ± 0.058, which is not clear either, because one seed gained nothing and the other two 0.04.
# The mean is about the sum of the five single effects, -0.032. An honest summary for a model of 27,000 weights
# and 300 steps: **most effects of the modern parts are within the spread of the seeds.**
#
# ### What they cost
#
# A step of training, forward and back, for each variant; they take turns, and the median of the times is printed.

# %%
rows = train_rows[:64]
times = {name: [] for name in ("the old block", *CHANGES)}
for _ in range(2 if FAST else 15):
    for name in times:
        w = {key: weight.clone().requires_grad_() for key, weight in trained[name, 1].items()}
        began = time.perf_counter()
        mean_nll(w, rows, CHANGES.get(name, set())).backward()
        times[name].append(time.perf_counter() - began)
for name, taken in times.items():
    ratio = np.median(taken) / np.median(times["the old block"])
    print(f"{name:18} {1000 * np.median(taken):6.2f} ms a step, {ratio:.2f} times the old block")

# %% [markdown]
# (The times depend on the machine, so look at the ratios, and not at their last digit.) Nothing got faster but
# the variant without biases. Rotary positions and QK-norm cost about a third more each, everything together two
# thirds more. RMSNorm is meant to save time, and does not here. (Grouped queries save memory and time in
# generating, which this does not measure.) With 32 channels a step is hundreds of tiny operations, and each extra
# call counts, however little it computes. With thousands of channels nearly all time goes into the matrices, and
# a turn or a norm is hardly noticed.
#
# Weights: all variants have between 25,600 and 28,320. The largest, SwiGLU, is the best and the smallest, grouped
# queries, the worst, so a part of these two effects may be size.
#
# ## Looking inside
#
# ### Why the mean may be left out
#
# LayerNorm and RMSNorm differ by the mean of the channels. How large is it in the stream of the trained old
# block, compared with the root mean square? Here is the share $\mathrm{mean}(x)^2 / \mathrm{mean}(x^2)$, 0 if the
# mean is 0 and 1 if all channels are equal.

# %%
w = trained["the old block", 1]
inputs, targets = map(torch.from_numpy, corpus.batch(validation_rows[:200]))
real = targets != -1
with torch.no_grad():
    x = w["embedding.weight"][inputs] + w["positions.weight"][: inputs.shape[1]]
    stream = {"start": x}
    for b in range(L):
        x = x + attention_part(w, b, x, set())[0]
        stream[f"attention {b + 1}"] = x
        x = x + network_part(w, b, x, set())
        stream[f"network {b + 1}"] = x
for name, x in stream.items():
    x = x[real]  # (tokens, C): without padding
    share = (x.mean(-1).square() / x.square().mean(-1)).mean()
    print(f"after {name:12} root mean square {x.square().mean().sqrt():6.2f}, share of the mean {share:.1%}")

# %% [markdown]
# One to three per cent. A vector of 32 independent numbers with mean 0 has a share of 1/32 = 3.1% on average, by
# chance alone. So the stream has no common part worth subtracting. LayerNorm's first step does next to nothing
# here, and RMSNorm loses nothing by leaving it out. The root mean square grows from 1.18 to 2.34: setting the
# size is what the norm is needed for.
#
# ### Where the heads look, by distance
#
# The model with all parts knows places only as distances. So for each head, how much weight goes to the character
# itself, to the one before, and so on? The weights of attention are computed again from queries and keys.


# %%
def weights_of(w: dict, idx: Tensor) -> list[Tensor]:
    """The weights of attention (B, H, T, T) of each block, all modern parts switched on."""
    x, found = w["embedding.weight"][idx], []
    for b in range(L):
        h = norm(w, f"blocks.{b}.norm1", x, MODERN)
        q, k = (linear(w, f"blocks.{b}.{name}", h).view(*idx.shape, H, D).transpose(1, 2) for name in "qk")
        q = F.rms_norm(q, (D,), w[f"blocks.{b}.q_norm.weight"], 1e-6)
        k = F.rms_norm(k, (D,), w[f"blocks.{b}.k_norm.weight"], 1e-6)
        angle = angles(0, idx.shape[1], D)
        scores = rotate(q, angle) @ rotate(k, angle).mT / math.sqrt(D)
        future = torch.ones(idx.shape[1], idx.shape[1], dtype=torch.bool).triu(1)
        found.append(scores.masked_fill(future, -math.inf).softmax(-1))
        x = x + attention_part(w, b, x, MODERN)[0]
        x = x + network_part(w, b, x, MODERN)
    return found


modern_weights = trained["all of llama", 1]
long_rows = np.array([row for row in corpus.rows("validation") if corpus.lengths[row] >= 7][:300])
idx = torch.from_numpy(corpus.batch(long_rows)[0])[:, :8]  # (B, 8): the boundary and seven letters
with torch.no_grad():
    maps = weights_of(modern_weights, idx)
by_distance = torch.stack([block.mean(0)[:, -1].flip(-1) for block in maps])  # (L, H, 8), from the last place
for b in range(L):
    gain = modern_weights[f"blocks.{b}.q_norm.weight"] * modern_weights[f"blocks.{b}.k_norm.weight"]  # (D,)
    print(f"block {b + 1}: query gain times key gain, by channel:", [round(v, 1) for v in gain.tolist()])

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, L, figsize=(9, 3.8), sharey=True, squeeze=False)
for b in range(L):
    for h in range(H):
        axes[0, b].plot(range(8), by_distance[b, h], marker="osv^"[h % 4], label=f"head {h + 1}")
    axes[0, b].axhline(1 / 8, color="black", linewidth=0.8, linestyle="--")
    axes[0, b].set(
        title=f"Block {b + 1}", xlabel="characters back from the 7th letter", ylabel="weight, mean of names"
    )
    axes[0, b].legend(fontsize=9)
show(
    "heads that differ: some look at a fixed distance, some anywhere. The dashed line is an even look at all eight "
    "places."
)
assert torch.allclose(by_distance.sum(-1), torch.ones(L, H), atol=1e-4)

# %% [markdown]
# The gains of queries and keys stayed near 1: the heads of a block together did not ask for much larger scores
# than QK-norm allows. In block 1 three of the heads prefer the character before, mildly. In block 2 head 3 looks
# one back, and heads 2 and 4 put half of their weight on one distance, four characters back. A head of a model
# with rotary positions can prefer a *distance* without knowing any place: it needs a query and a key that fit
# best when they are turned by just that much. With a table of positions it would have to learn this for every
# pair of places.
#
# ### Your name, letter by letter
#
# The model with all modern parts reads a name, and then goes on from its first two letters. It keeps keys and
# values, and feeds in one character at a time: its keys were turned when they came in, and need no second turn.

# %%
yours = "emma"  # put your own name here, in small letters from a to z


@torch.no_grad()
def continued(w: dict, beginning: str, generator: torch.Generator) -> str:
    """Sample a name that begins like this, with cached keys and values."""
    idx = torch.from_numpy(corpus.vocab.encode("\n" + beginning).astype("int64"))[None]  # (1, T)
    logits, past = model(w, idx, MODERN)
    while len(beginning) < 15:
        c = torch.multinomial(logits[0, -1].softmax(-1), 1, generator=generator)  # (1,)
        if c == 0:
            break
        beginning += corpus.vocab.decode(c.numpy())
        logits, past = model(w, c[None], MODERN, past)
    return beginning


idx = torch.from_numpy(corpus.vocab.encode("\n" + yours + "\n").astype("int64"))[None]
with torch.no_grad():
    p = model(modern_weights, idx[:, :-1], MODERN)[0].softmax(-1)[0]  # (letters + 1, V)
for row, letter, c in zip(p, yours + ".", idx[0, 1:]):
    print(f"{letter}  {row[c]:6.1%}  " + "#" * round(40 * row[c].item()))
generator = torch.Generator().manual_seed(5)
print([continued(modern_weights, yours[:2], generator) for _ in range(8)])

# %% tags=["hide-input"]
with torch.no_grad():
    whole, _ = model(modern_weights, idx, MODERN)
    past, pieces = (), []
    for t in range(idx.shape[1]):
        piece, past = model(modern_weights, idx[:, t : t + 1], MODERN, past)
        pieces.append(piece)
assert torch.allclose(torch.cat(pieces, 1), whole, atol=1e-4)

# %% [markdown]
# Each bar is the chance that the model gave to the letter that came; the point is the end of the name. A folded cell
# asserts that one character at a time gives the same logits as all at once.
#
# ## The number to compare with
#
# The library measured `llama` and the Transformer on this same split, for the test names. Both are much larger
# than ours, with hundreds of thousands of weights, and trained for longer, with a teacher and Muon.

# %%
with torch.no_grad():
    old_test = np.mean([mean_nll(trained["the old block", seed], test_rows, set()).item() for seed in SEEDS])
    new_test = np.mean([mean_nll(trained["all of llama", seed], test_rows, MODERN).item() for seed in SEEDS])
beside("the old block, test", old_test, 1.9554, "makemore transformer, benchmarks")
beside("all of llama, test", new_test, 1.9580, "makemore llama, benchmarks")

# %% [markdown]
# Ours are far from these losses: 300 steps are few. The order is the same as on the validation names, with the
# same doubt. And look at the right-hand column. The library's `llama` with 337,776 weights has 1.9580, the mean of
# three seeds. Its `transformer` with 204,544 weights has 1.9554. On 32,000 names the block of today is no better than the one
# of 2019, at that size either.
#
# ## The same through the library
#
# `llama` is what we have built: RMSNorm, rotary positions, SwiGLU, QK-norm, no biases. Copy weights from one into
# the other, and the logits must be the same. The gains are 1 at the start, and an error in them would not be
# noticed, so they are made random first.

# %%
from makemore.models import build, configure, count_parameters

torch.manual_seed(1)
theirs = build(
    "llama", V, configure("llama", longest=corpus.longest, n_layer=L, n_head=H, n_embd=C, dropout=0.0)
)
theirs.eval()
copied = {name: weight.detach() for name, weight in theirs.state_dict().items()}
for name, weight in copied.items():
    if "norm" in name:
        weight.uniform_(0.5, 1.5)  # in place: theirs changes too
print(f"{count_parameters(theirs):,} weights there, {sum(w.numel() for w in modern_weights.values()):,} here")
assert set(copied) == set(modern_weights)

inputs, _ = map(torch.from_numpy, corpus.batch(validation_rows[:50]))
with torch.no_grad():
    by_library, _ = theirs(inputs)
    by_hand, _ = model(copied, inputs, MODERN)
print(
    f"logits up to {by_library.abs().max():.2f}, largest difference {(by_library - by_hand).abs().max():.0e}"
)
assert (by_library - by_hand).abs().max() < 1e-5

# %% [markdown]
# The same names of weights, the same number of them, and the same logits up to rounding. The other way round: the
# library's model with *our* trained weights has our loss.

# %%
theirs.load_state_dict(modern_weights)
inputs, targets = map(torch.from_numpy, corpus.batch(validation_rows))
with torch.no_grad():
    logits, _ = theirs(inputs)
loaded = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1).item()
print(f"the library's model with our weights: {loaded:.4f}; ours: {losses['all of llama', 1]:.4f}")
assert abs(loaded - losses["all of llama", 1]) < 1e-4

# %% [markdown]
# And trained by the library, at the same size and for as many steps. It uses Muon for the matrices, and has
# batches of its own. Its teacher, a 6-gram whose predictions are part of the targets, is switched off, as ours
# has none.

# %%
import tempfile

with tempfile.TemporaryDirectory() as directory:
    run = makemore.train(
        "names", type="llama", n_layer=L, n_head=H, n_embd=C, dropout=0.0, work_dir=directory,
        precision="float32", max_steps=STEPS, teacher=0.0,
    )  # fmt: skip
    print("losses:", {split: round(loss, 4) for split, loss in run.summary().nll.items()})
    print(run.sample(8, seed=1))

# %% [markdown]
# 2.140 on validation names, against 2.22 for the mean of ours, with the same network and the same number of steps. But the
# library takes twice as many names a step, Muon instead of AdamW, and another start. How much is due to which we
# have not measured; lesson 12 found that Muon is worth more than most things.
#
# ## What is still wrong
#
# * We measured parts that were made for large models on a small one. What QK-norm is good for, a training of months that
#   does not blow up, cannot be seen in 300 steps. Neither can a cache that fits into memory.
# * Three seeds and one learning rate. A part may like another rate than the old block does; a fairer comparison would tune
#   each, at ten times the cost.
# * One thing has not changed since lesson 10: every place looks at all places before it. The work grows with the
#   square of the length, and the memory with the length. Lesson 14 goes back to recurrence, and makes it fast.
#
# *To read and watch:*
#
# * Touvron and others, [LLaMA](https://arxiv.org/abs/2302.13971) (2023), puts these parts together.
# * Zhang and Sennrich, [RMSNorm](https://arxiv.org/abs/1910.07467) (2019); Su and others,
#   [RoFormer](https://arxiv.org/abs/2104.09864) (2021), rotary positions.
# * Shazeer, [GLU Variants Improve Transformer](https://arxiv.org/abs/2002.05202) (2020). Read its last sentence.
# * Ainslie and others, [GQA](https://arxiv.org/abs/2305.13245) (2023), grouped queries.
#
# ## Exercises
#
# `makemore lessons start 13` puts this lesson and a file `exercises.py` into the directory `lesson-13`. Fill in
# its three functions, then let `makemore lessons check 13` tell you how you did.
#
# 1. `rms_norm`: for numbers of 16 bits too, whose squares are too large for 16 bits.
# 2. `rotary_scores`: the scores of new queries against cached keys and new ones, each at its right place.
# 3. `grouped_attention`: causal attention in which heads of queries share keys and values.
#
# **The open challenge.** Write `challenge.py` in `lesson-13`: a Transformer of the modern parts, with no more
# than 50,000 weights. Choose the parts, the shape, the optimiser of lesson 12 and the number of steps. Get below
# 2.0 on the held-out names with a training of two minutes. `makemore lessons check 13 challenge` scores you.
