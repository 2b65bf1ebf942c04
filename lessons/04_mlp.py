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
# # 4. An MLP with a context
#
# *Before this: lesson 3. Allow 3 hours.*
#
# ## What you will be able to do
#
# * build the network of Bengio and others (2003), from which today's language models descend, shape by shape;
# * say why the loss is one call and not an exponential, a sum and a logarithm;
# * train with minibatches, and find a learning rate instead of guessing it;
# * tell whether a held-out number can be believed, and measure by how much the usual one cannot.
#
# The lesson trains for 200,000 steps, twice, which takes a minute or so each time. It is a plain script as well:
# `python 04_mlp.py` does the same, and saves the figures in `figures/`.
#
# ## The idea
#
# One character of context is too little, and a table for more does not scale. It treats every context as a
# thing of its own: what it has counted after `emm` says nothing about `imm`, though to us they are alike.
#
# So each character gets ten numbers, its *embedding* (in mathematics, a *vector*: numbers in a row). The
# embeddings of the last three characters, side by side, go through a small network, out of which come the 27
# logits. The embeddings are learned together with the rest. Two characters that can often stand in for each other,
# as `e` and `i` can, may then move close together. And what the network learns after `emm` helps after `imm` too.
# Further down we look at where they went.
#
# ![three characters, each looked up in E; their rows side by side; a hidden layer; 27 logits](pictures/04_mlp.svg)
#
# The letters for the shapes: B examples at a time, T characters of context, C channels of an embedding, H
# hidden ones, V characters in all.

# %%
import random
import tempfile
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import makemore
from makemore.course import FAST, beside, names, show

words = names()
itos = [".", *sorted(set("".join(words)))]  # id -> character
stoi = {character: i for i, character in enumerate(itos)}  # character -> id
T, C, H, V = 3, 10, 200, len(itos)
tokens = sum(len(word) + 1 for word in words)
print(f"a table for {T} characters back: {V ** (T + 1):,} numbers, to be filled from {tokens:,} characters")

# %% [markdown]
# ## Building it
#
# ### Examples
#
# A name becomes one example for each of its characters, and one for its end: the three characters before, and
# the one to predict. Where there is nothing before, the context is filled with the boundary.


# %%
def windows(some: list[str]) -> tuple[Tensor, Tensor]:
    """Return all examples in some names: contexts (N, T), and what follows each (N,)."""
    contexts, following = [], []
    for word in some:
        context = [0] * T
        for character in word + ".":
            contexts.append(context)
            following.append(stoi[character])
            context = [*context[1:], stoi[character]]
    return torch.tensor(contexts), torch.tensor(following)


for context, y in zip(*windows(["emma"])):
    print("".join(itos[i] for i in context), "->", itos[y])

x, y = windows(words[:5])  # (B, T), (B,)
print(words[:5], "are", len(x), "examples: contexts", tuple(x.shape), "and what follows", tuple(y.shape))

# %% [markdown]
# Those five names, as 32 examples, will be our first batch.
#
# ### Splits
#
# A network can learn its examples by heart. So some names are kept from it, and in fact twice over. *Validation*
# names are for choosing: the learning rate, the sizes, when to stop. But what is chosen because it looks best on
# them looks better than it is. So there are *test* names, on which nothing is ever chosen: they are scored once,
# in the end.
#
# The usual way is to shuffle the lines and cut them 80 to 10 to 10, and so do Karpathy's videos, which our numbers
# are compared with.
#
# **Before you run it:** something is wrong with this way. Can you think what? (The answer is far below, under *The
# leak*.)

# %%
shuffled = words.copy()
random.Random(42).shuffle(shuffled)
a, b = int(0.8 * len(words)), int(0.9 * len(words))
split = {"train": shuffled[:a], "validation": shuffled[a:b], "test": shuffled[b:]}
data = {part: windows(some) for part, some in split.items()}
for part, (contexts, following) in data.items():
    print(f"{part:10} {len(split[part]):6,} names: {tuple(contexts.shape)} and {tuple(following.shape)}")
X, Y = data["train"]  # (N, T), (N,)

# %% [markdown]
# ### Embedding: ids to vectors
#
# `E` has a row for each character. Lesson 3 put ids into a network as one-hot vectors; multiplied by a matrix,
# such a vector does no more than pick a row. Indexing picks the row without multiplying by all the zeros, and
# PyTorch indexes with tensors of any shape.
#
# | expression | in | out |
# | --- | --- | --- |
# | `torch.randn(27, 2, generator=g)` | the shape; where random numbers come from | (27, 2) numbers of the *normal distribution*: mean 0, standard deviation 1 |
# | `small[5]` | one id | (2,): row 5 |
# | `small[x]` | ids, (32, 3) | (32, 3, 2): a row for each id |
# | `F.one_hot(x, 27)` | ids, (32, 3) | (32, 3, 27), whole numbers (int64); without the 27 it goes up to the largest id only |
# | `... .float() @ small` | (32, 3, 27) and (27, 2) | (32, 3, 2), the same rows |
#
# The video begins with two numbers a character, in a table C. With its seed it looks like this:

# %%
generator = torch.Generator().manual_seed(2147483647)
small = torch.randn(V, 2, generator=generator)
print(small[:3])
print("ids", tuple(x.shape), "-> embeddings", tuple(small[x].shape))
print(
    "one-hot vectors are",
    F.one_hot(x, V).dtype,
    "and times the table:",
    (F.one_hot(x, V).float() @ small)[0, 0],
)

# %% [markdown]
# The context of the first example is `...`, so its first row is that of the dot. From here on with ten numbers:

# %%
generator = torch.Generator().manual_seed(2147483647)
E = torch.randn(V, C, generator=generator)
e = E[x]  # (B, T, C)
print("ids", tuple(x.shape), "-> embeddings", tuple(e.shape))

# %% tags=["hide-input"]
assert (len(x), len(y)) == (32, 32)
assert torch.equal(F.one_hot(x, V).float() @ small, small[x])  # (B, T, V) @ (V, 2)
assert torch.equal(F.one_hot(x, V).float() @ E, e)

# %% [markdown]
# ### Hidden layer
#
# The three embeddings are put side by side, so that each place has its own ten rows of `W1`: an `a` that was
# just written can mean something else than one that was written three characters ago.
#
# | expression | in | out |
# | --- | --- | --- |
# | `torch.cat([a, b], 1)` | (32, 2) and (32, 2) | (32, 4): b to the right of a |
# | `small[x].view(32, 6)` | (32, 3, 2) | (32, 6): the same numbers in another shape |
# | `small[x].view(-1, 6)` | (32, 3, 2) | (32, 6): a length of -1 is worked out from the others |
# | `e.flatten(1)` | (32, 3, 10) | (32, 30): all from dimension 1 on becomes one dimension |
# | `flat @ W1` | (32, 30) and (30, 200) | (32, 200): each row times each column, added up |
# | `torch.tanh(...)` | `[-9, -0.5, 0, 0.5, 9]` | `[-1, -0.46, 0, 0.46, 1]`, to two digits |
#
# In letters, with $e$ for the 30 numbers in a row of `flat`:
#
# $$h = \tanh(e W_1 + b_1), \qquad \text{logits} = h W_2 + b_2$$

# %%
flat = e.flatten(1)  # (B, T C)
W1 = torch.randn(T * C, H, generator=generator)
b1 = torch.randn(H, generator=generator)
h = torch.tanh(flat @ W1 + b1)  # (B, T C) @ (T C, H) + (H,): b1 is broadcast over the rows
print("side by side", tuple(flat.shape), "-> hidden", tuple(h.shape))
print("copied by flatten:", flat.data_ptr() != e.data_ptr())

# %% tags=["hide-input"]
assert torch.equal(small[x].view(32, 6), small[x].view(-1, 6))
assert torch.equal(small[x].view(32, 6), torch.cat([small[x][:, 0], small[x][:, 1], small[x][:, 2]], 1))
assert torch.equal(flat, torch.cat([e[:, 0], e[:, 1], e[:, 2]], 1))
assert flat.data_ptr() == e.data_ptr()  # nothing was copied
assert [round(t, 2) for t in torch.tensor([-9, -0.5, 0, 0.5, 9]).tanh().tolist()] == [-1, -0.46, 0, 0.46, 1]

# %% [markdown]
# `data_ptr` is where in memory a tensor begins. It is the same for both: the numbers already lie in this order, and
# `flatten` changes only the shape. So it costs nothing.
#
# Why the tanh? Two matrices one after the other are no more than one matrix. Such a network could add up what each
# place has to say by itself, and nothing else. Is that not enough? Count how often a name ends after two
# characters, and how often it goes on with an `a`.

# %%
text = ".".join(words) + "."
for two in ("ah", "ck", "ch", "ak"):
    print(f"after {two}: the end {text.count(two + '.'):5,}   an a {text.count(two + 'a'):5,}")

# %% [markdown]
# After `ah` and `ck` the end is likelier, after `ch` and `ak` it is `a`. No sum can say so. Let each character
# give points for the end over `a`, by the place it stands in. `ah` and `ck` together get the points of a and c in
# the first place, and of h and k in the second. So do `ch` and `ak`. But the first two sums would have to be above
# 0, and the other two below. Something has to bend between the matrices.

# %%
W2 = torch.randn(H, V, generator=generator)
b2 = torch.randn(V, generator=generator)
straight = (flat @ W1) @ W2  # (B, V), without tanh
one_matrix = flat @ (W1 @ W2)  # (B, T C) @ (T C, V)
print(f"two matrices against one: {(straight / one_matrix - 1).abs().median():.0e} of the number apart")

logits = h @ W2 + b2  # (B, H) @ (H, V) + (V,) -> (B, V)
print("hidden", tuple(h.shape), "-> logits", tuple(logits.shape))

# %% tags=["hide-input"]
assert torch.allclose(straight, one_matrix, rtol=1e-3, atol=1e-2)

# %% [markdown]
# Without tanh two matrices do what one does, but for rounding. With it, that is the whole network.
# `requires_grad_()` tells PyTorch to keep track of what is computed from a tensor, so that there can be gradients
# for it. (`numel()` is how many numbers a tensor has.)


# %%
def fresh(seed: int, C: int = C) -> list[Tensor]:
    """Return new weights E, W1, b1, W2, b2 from the normal distribution, ready to be trained."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(V, C), (T * C, H), (H,), (H, V), (V,)]
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def forward(weights: list[Tensor], x: Tensor) -> Tensor:
    """Contexts (B, T) to logits (B, V)."""
    E, W1, b1, W2, b2 = weights
    h = torch.tanh(E[x].flatten(1) @ W1 + b1)  # (B, T) -> (B, T, C) -> (B, T C) -> (B, H)
    return h @ W2 + b2


weights = fresh(2147483647)
for name, weight in zip(("E", "W1", "b1", "W2", "b2"), weights):
    print(f"{name:2} {tuple(weight.shape)!s:9} {weight.numel():6,}")
parameters = sum(weight.numel() for weight in weights)
print(f"in all {parameters:,}; the table would be {V ** (T + 1) / parameters:.0f} times as large")

# %% tags=["hide-input"]
assert torch.allclose(forward(weights, x), logits, atol=1e-4)
assert parameters == 11_897
assert round(V ** (T + 1) / parameters) == 45

# %% [markdown]
# 11,897 numbers, most of them in the two matrices.
#
# ### Cross-entropy
#
# From logits to the loss as in lesson 3: exponentials, divided by their sum, and of the probability of what
# really came the negative logarithm. With $z$ for the logits of one example, and $y$ for what came:
#
# $$-\log p_y = -\log \frac{e^{z_y}}{\sum_v e^{z_v}}$$
#
# PyTorch has one function for all of it.
#
# | expression | in | out |
# | --- | --- | --- |
# | `p[torch.arange(3), y]` | p (3, 3); y `[2, 0, 1]` | (3,): `p[0, 2]`, `p[1, 0]`, `p[2, 1]` |
# | `F.cross_entropy(logits, y)` | (32, 27) and (32,) | a number: the mean of $-\log p_y$ |
#
# **Before you run it:** guessing among 27 characters costs log 27 = 3.30. The network has learned nothing yet. What
# will it cost: about that, less, or more?

# %%
counts = logits.exp()  # (B, V)
p = counts / counts.sum(1, keepdim=True)  # (B, V) / (B, 1)
by_hand = -p[torch.arange(len(y)), y].log().mean()
print(f"by hand: {by_hand.item():.4f}   F.cross_entropy: {F.cross_entropy(logits, y).item():.4f}")

# %% tags=["hide-input"]
assert torch.allclose(by_hand, F.cross_entropy(logits, y), rtol=1e-4)
assert by_hand > 5 * torch.tensor(V).log()

# %% [markdown]
# Far more. A network with random weights does not know that it knows nothing: it is sure, and wrong. Lesson 6 is
# about that.
#
# The two ways are equal, as long as the logits are of moderate size. A 32-bit float ends at about 3.4e38, which is
# exp(88.7). Beyond lies infinity, and infinity divided by infinity is not a number. On the other side small
# probabilities become 0, whose logarithm is infinite. One such example, and every weight is `nan` after the next
# step.


# %%
def careless(logits: Tensor, y: Tensor) -> Tensor:
    """Return -log p of each y (B,) under logits (B, V), as it is written on paper."""
    counts = logits.exp()
    return -(counts / counts.sum(1, keepdim=True))[torch.arange(len(y)), y].log()


cases = [((20, 0), 1, 20), ((80, 0), 1, 80), ((89, 0), 0, 0), ((0, 110), 0, 110), ((-120, -121), 0, 0.3133)]
print("logits                 right    on paper   F.cross_entropy")
for row, target, right in cases:
    z, at = torch.tensor([row], dtype=torch.float32), torch.tensor([target])  # (1, 2), (1,)
    paper, theirs = careless(z, at).item(), F.cross_entropy(z, at).item()
    print(f"{row!s:12} y = {target} {right:10.4f} {paper:11.4f} {theirs:17.4f}")
    assert abs(theirs - right) < 1e-4

# %% [markdown]
# On paper the last three fail: `nan` is *not a number*, `inf` infinity. PyTorch gets all five right. The way out
# is a line of algebra. The same number taken off all logits changes no probability, since it cancels in the
# quotient. So take off the largest, m. Then the largest exponential is exp(0) = 1, and nothing overflows. The sum
# is at least 1, so its logarithm is harmless. And the logarithm of the quotient is never computed as such:
#
# $$-\log p_y = \log \sum_v e^{z_v} - z_y \qquad\text{with}\qquad \log \sum_v e^{z_v} = m + \log \sum_v e^{z_v - m}$$


# %%
def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    """Return the mean of -log p of y (B,) under logits (B, V), whatever their size."""
    m = logits.max(1, keepdim=True).values  # (B, 1)
    log_sum = m + (logits - m).exp().sum(1, keepdim=True).log()  # (B, 1)
    return (log_sum[:, 0] - logits[torch.arange(len(y)), y]).mean()


large = 100 * logits  # far beyond what exp can take
print(f"on paper: {careless(large, y).mean().item()}   with the trick: {cross_entropy(large, y).item():.1f}")

# %% tags=["hide-input"]
assert torch.allclose(cross_entropy(large, y), F.cross_entropy(large, y))
assert not careless(large, y).mean().isfinite()

# %% [markdown]
# Logits a hundred times as large cost a hundred times as much, and nothing overflows. `F.cross_entropy` does just
# this, and makes fewer tensors on the way, forward and backward. Use it.
#
# ### Minibatches
#
# The gradient over all examples is a mean, and a mean can be estimated from a few. How good is the estimate? Below,
# the gradient of some random examples is held against that of all. The *cosine* of the angle between the two says
# how alike their directions are: 1 is the same direction, 0 is at right angles.
#
# | expression | in | out |
# | --- | --- | --- |
# | `torch.autograd.grad(loss, weights)` | a number, and a list of tensors | a list of gradients; like `backward`, but returned and not stored |
# | `torch.randint(0, 100, (4,))` | from, up to but without, shape | such as `[83, 5, 40, 83]` |
# | `F.cosine_similarity(a, b, dim=0)` | `[1, 0]` and `[1, 1]` | `0.7071` |
#
# **Before you run it:** there are 182,625 examples. How many are enough to find the direction of the exact gradient
# to a cosine of about 0.9?


# %%
def gradient(x: Tensor, y: Tensor) -> Tensor:
    """Return the gradient of all weights as one vector (11897,)."""
    loss = F.cross_entropy(forward(weights, x), y)
    return torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights)])


began = time.perf_counter()
exact = gradient(X, Y)
print(f"{len(X):7,} examples: {1000 * (time.perf_counter() - began):7.1f} ms, the exact gradient")
cosines = {}
for B in (2, 8, 32, 128, 512):
    began = time.perf_counter()
    found = []
    for _ in range(20):
        some = torch.randint(0, len(X), (B,), generator=generator)
        found.append(F.cosine_similarity(gradient(X[some], Y[some]), exact, dim=0).item())
    cosines[B] = sum(found) / 20
    ms = 1000 * (time.perf_counter() - began) / 20
    print(f"{B:7,} examples: {ms:7.1f} ms, cosine {cosines[B]:.2f}")

# %% tags=["hide-input"]
assert sorted(cosines.values()) == list(cosines.values())
assert cosines[32] > 0.3

# %% [markdown]
# A few hundred are enough, one or two in a thousand; and 32 examples point roughly the right way, and take next to
# no time. What is wrong with a rough gradient points elsewhere each time, so over many steps it averages out. And
# in the time of one exact gradient there is time for many rough ones.
#
# ### Finding a learning rate
#
# First the loop that everything below uses. It is written for speed, since each step does little work: the numbers
# of all examples are chosen at once, all batches are looked up at once, and weights are updated in place.


# %%
def descend(weights: list[Tensor], rates: list[float], X: Tensor, Y: Tensor, g: torch.Generator) -> Tensor:
    """Take one step on 32 random examples for each rate; return the loss of each batch (S,)."""
    some = torch.randint(0, len(X), (len(rates), 32), generator=g)  # (S, B)
    losses = torch.empty(len(rates))
    for step, (x, y, rate) in enumerate(zip(X[some], Y[some], rates)):
        loss = F.cross_entropy(forward(weights, x), y)
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():  # from here on PyTorch keeps no track for gradients
            losses[step] = loss
            for weight, gradient in zip(weights, gradients):
                weight.sub_(gradient, alpha=rate)  # weight -= rate * gradient
    return losses


# %% [markdown]
# Too small a rate wastes time, too large a one throws the weights about. Nobody knows the right one beforehand;
# not even its order of magnitude. So try all of them in one short run: let the rate grow by the same *factor*
# each step. `torch.linspace(-3, 0.5, 1000)` is 1,000 numbers from -3 to 0.5 at equal distances; they are the
# exponents. (`unfold(0, 25, 1)` lays a window of 25 steps over the losses and moves it on by 1, which gives the
# means.)

# %%
exponents = torch.linspace(-3, 0.5, 1000)
rates = (10**exponents).tolist()
swept = descend(fresh(1), rates, X, Y, torch.Generator().manual_seed(1))  # (1000,)
smooth = swept.unfold(0, 25, 1).mean(1)  # (976,): means of 25 steps

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
ax.semilogx(rates, swept, color="0.8", linewidth=0.7, label="each step")
ax.semilogx(rates[12:-12], smooth, linewidth=2, label="mean of 25 steps")
ax.set_title("One short run, the learning rate growing")
ax.set_xlabel("learning rate")
ax.set_ylabel("loss of the batch (nats per token)")
ax.legend()
show(
    "the valley. On its left side the loss falls while the rate grows; on its right side each step "
    "overshoots, and the loss rises again. A good rate lies in the valley, with some room before the rise."
)

# %% [markdown]
# This is a hint, no more: the larger rates came later, and had better weights to start from. To be sure, give a few
# candidates a short run each, all from the same start.

# %%
candidates = {}
for rate in (0.001, 0.01, 0.1, 1.0):
    losses = descend(fresh(1), [rate] * (200 if FAST else 3000), X, Y, torch.Generator().manual_seed(1))
    candidates[rate] = losses[-len(losses) // 3 :].mean().item()
    print(f"rate {rate:5}: loss of the last third {candidates[rate]:7.3f}")
best = min(candidates, key=candidates.get)
print("best:", best)

# %% tags=["hide-input"]
assert best == 0.1

# %% [markdown]
# With 0.001 the network is still unlearning its first mistakes, with 1.0 it is thrown about. 0.1 it is.
#
# ### Training
#
# Half of the steps at the rate that was found. By then the loss falls only slowly, because each rough step throws
# the weights a little past the mark. So the other half is done with steps ten times as small.

# %%
STEPS = 1_000 if FAST else 200_000


def train(X: Tensor, Y: Tensor, seed: int, C: int = C, steps: int = STEPS) -> tuple[list[Tensor], Tensor]:
    """Train new weights on examples; return them, and the loss of each batch (steps,)."""
    weights, g = fresh(seed, C), torch.Generator().manual_seed(seed)
    history = []
    for part in range(10):
        rate = best if part < 5 else best / 10
        history.append(descend(weights, [rate] * (steps // 10), X, Y, g))
        done = (part + 1) * steps // 10
        print(
            f"step {done:7,} of {steps:,}  rate {rate:.2f}  mean loss of the batches {history[-1].mean():.4f}"
        )
    return weights, torch.cat(history)


weights, history = train(X, Y, 2147483647)

# %% [markdown]
# The loss jumps down where the rate does. Then little is left to gain.
#
# ### Sampling names
#
# The context slides along: its first character is dropped, and what was picked is put at its end.
# (`@torch.no_grad()` over a function: nothing in it is for gradients. `softmax(1)` turns each row of logits into
# probabilities.)


# %%
@torch.no_grad()
def sample(weights: list[Tensor], g: torch.Generator, start: str = "") -> str:
    """Sample one name from the network, from a beginning on."""
    out, context = start, ([0] * T + [stoi[c] for c in start])[-T:]
    while True:
        p = forward(weights, torch.tensor([context])).softmax(1)  # (1, V)
        i = int(torch.multinomial(p, 1, generator=g))
        if i == 0:
            return out
        out += itos[i]
        context = [*context[1:], i]


generator = torch.Generator().manual_seed(10)
sampled = [sample(weights, generator) for _ in range(20)]
for i in range(0, 20, 5):
    print("  ".join(f"{name:14}" for name in sampled[i : i + 5]))
known = set(words)
print(sum(name in known for name in sampled), "of the 20 are in the list")

# %% [markdown]
# Most can be said aloud, which could not be said of pairs.
#
# ### Your own name
#
# What did the network expect at each letter of your name (a to z, lower case)? And what does it make of its first
# two letters?

# %%
yours = "emma"  # put your own name here
with torch.no_grad():
    p = forward(weights, windows([yours])[0]).softmax(1)  # (len(yours) + 1, V)
for row, letter in zip(p, yours + "."):
    likeliest = [itos[i] for i in row.topk(3).indices]
    print(f"{letter} had {row[stoi[letter]]:4.0%}; the likeliest were {' '.join(likeliest)}")
generator = torch.Generator().manual_seed(3)
print("others from the same beginning:", *(sample(weights, generator, yours[:2]) for _ in range(8)))

# %% [markdown]
# The dot is the end of the name. (`makemore explain` shows the same for any model of the library.)
#
# ## Looking inside
#
# ### The loss over time

# %%
every = STEPS // 200
means = history.view(-1, every).mean(1)  # (200,)
print(
    f"first batch {history[0]:.1f}, guessing {torch.tensor(V).log():.2f}, last thousand steps {history[-1000:].mean():.2f}"
)

# %% tags=["hide-input"]
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.plot(range(1, STEPS // 200 + 1), history[: STEPS // 200])
left.axhline(torch.tensor(V).log(), color="black", linestyle="--", linewidth=0.8, label="guessing: log 27")
left.set_title(f"The first {STEPS // 200:,} steps, each one")
left.set_xlabel("step")
left.legend()
right.plot(torch.arange(1, 201) * every, means)
right.set_ylim(means.min() - 0.05, means[1:].max() + 0.05)
right.set_title(f"All steps, means of {every:,}")
right.set_xlabel("step")
right.xaxis.set_major_locator(plt.MaxNLocator(4))
for ax in (left, right):
    ax.set_ylabel("loss (nats per token)")
show(
    "on the left, how far above mere guessing it starts: lesson 6 is about that. On the right, the step down "
    "halfway, where the learning rate was lowered."
)
assert history[0] > 3 * torch.tensor(V).log()

# %% [markdown]
# ### The embeddings
#
# Ten dimensions cannot be plotted. *Principal components* are the directions in which the 27 points are spread
# most. The singular value decomposition (`svd`) finds them, and the first two can be plotted (below, on the left).
# How it does that is linear algebra which may be skipped: nothing later needs it. The two show a part of the
# spread only; the labels say how much. So, for the picture alone, another network is trained for a while with
# embeddings of two numbers, which can be plotted as they are (on the right).
#
# **Before you run it:** nobody tells the network what a vowel is. Which letters will lie close together?

# %%
weights_flat, history_flat = train(X, Y, 2147483647, C=2, steps=STEPS // 4)

# %% tags=["hide-input"]
E, W1, b1, W2, b2 = (weight.detach() for weight in weights)
E_flat = weights_flat[0].detach()  # (V, 2)
U, S, _ = torch.linalg.svd(E - E.mean(0), full_matrices=False)  # (V, C), (C,)
share = S**2 / (S**2).sum()  # (C,)
vowels = [stoi[c] for c in "aeiou"]


def spread_out(at: Tensor, least: float = 0.055) -> Tensor:
    """Move points (V, 2) in a square of side 1 apart, until their letters do not cover each other."""
    at = at.clone()
    for _ in range(300):
        gap = at[:, None] - at  # (V, V, 2)
        distance = gap.norm(dim=2).clamp(min=1e-6)  # (V, V)
        push = (least - distance).clamp(min=0).fill_diagonal_(0)
        at += 0.3 * (gap * (push / distance)[..., None]).sum(1)
    return at


fig, axes = plt.subplots(1, 2, figsize=(10, 5.2))
for ax, at in zip(axes, (U[:, :2] * S[:2], E_flat)):  # (V, 2)
    colors = ["C1" if i in vowels else "black" if i == 0 else "C0" for i in range(V)]
    low, size = at.min(0).values, at.max(0).values - at.min(0).values
    letters = spread_out((at - low) / size) * size + low
    moved = ((letters - at) / size).norm(dim=1) > 0.01  # (V,)
    ax.scatter(at[moved, 0], at[moved, 1], s=14, c=[c for c, m in zip(colors, moved) if m])
    for i, character in enumerate(itos):
        ax.plot([at[i, 0], letters[i, 0]], [at[i, 1], letters[i, 1]], color="0.8", linewidth=0.7, zorder=0)
        ax.text(*letters[i].tolist(), character, ha="center", va="center", fontsize=13, color=colors[i])
axes[0].set_title("Ten dimensions, the main two")
axes[0].set_xlabel(f"first principal component ({share[0]:.0%} of variance)")
axes[0].set_ylabel(f"second principal component ({share[1]:.0%} of variance)")
axes[1].set_title("Two dimensions, as they are")
axes[1].set_xlabel("first number of the embedding")
axes[1].xaxis.set_major_locator(plt.MaxNLocator(5))
axes[1].set_ylabel("second number of the embedding")
show(
    "on the right the vowels (orange) close together, though nobody told the network what a vowel is: they can often "
    "stand in for each other. On the left a few characters lie far out. (A letter that would cover another one is moved "
    "aside; the dot at the end of its line is its place.)"
)

# %% [markdown]
# The vowels do. A flat picture of ten dimensions can mislead, though. Are the vowels close together in all ten?
# (`torch.cdist(E, E)` is the table of all distances between rows, and `topk(4, largest=False)` finds the four smallest;
# the first of them is the letter itself.)

# %%
consonants = [i for i in range(1, V) if i not in vowels]
for table in (E, E_flat):
    distances = torch.cdist(table, table)  # (V, V)
    among = distances[vowels][:, vowels].sum() / 20  # 20 ordered pairs; the distance to itself is 0
    across = distances[vowels][:, consonants].mean()
    print(f"{table.shape[1]:2} dimensions: to the other vowels {among:.2f}, to consonants {across:.2f}")
    for i in vowels:
        nearest = distances[i].topk(4, largest=False).indices[1:]
        print("  nearest to", itos[i], "are", *(itos[k] for k in nearest))
    assert FAST or table is E_flat or among < across

# %% [markdown]
# On the mean, yes. A single vowel may still be out of place: the weights began at random, and in ten dimensions
# there is room for an `a` that lies elsewhere and is told apart by the next layer.
#
# ### Which place matters
#
# Put wrong characters into one place of the context, those of other examples, and see how much the loss rises. What
# the network does not use it does not miss. (`x[:, -2]` is the second place from the end, for all rows.)


# %%
@torch.no_grad()
def mean_loss(weights: list[Tensor], x: Tensor, y: Tensor) -> float:
    """Return the exact loss over examples x (N, T), y (N,)."""
    return F.cross_entropy(forward(weights, x), y).item()


x, y = data["validation"]
mixed = {0: mean_loss(weights, x, y)}
for back in (3, 2, 1):
    spoiled = x.clone()
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(back))
    spoiled[:, -back] = x[order, -back]
    mixed[back] = mean_loss(weights, spoiled, y)
    print(f"{back} back spoiled: loss {mixed[back]:.3f} instead of {mixed[0]:.3f}")

# %% tags=["hide-input"]
assert FAST or mixed[0] < min(mixed[3], mixed[2]) < max(mixed[3], mixed[2]) < mixed[1]

# %% [markdown]
# The last character matters most by far. But the one farthest back is still worth something. Who knows what the
# fourth would be worth?
#
# ## The number to compare with
#
# The loss over every example of each split; no minibatches here, so nothing is left to chance.

# %%
losses = {part: mean_loss(weights, *examples) for part, examples in data.items()}
beside("training names", losses["train"], 2.1260, "makemore part 2")
beside("validation names", losses["validation"], 2.1701, "makemore part 2")
print(f"{'test names':44} ours {losses['test']:8.4f}")

# %% tags=["hide-input"]
if not FAST:
    assert losses["train"] < 2.1260 + 0.03
    assert losses["validation"] < 2.1701 + 0.03
    assert losses["validation"] - losses["train"] < 0.08

# %% [markdown]
# Both published numbers are met to within 0.003. The gap between training and validation is small: 11,897 numbers
# are too few to learn 25,626 names by heart.
#
# ### The leak
#
# Now to what is wrong with the split. The file is two lists, the girls' and then the boys', and many a name is in
# both. Shuffle the lines, cut them, and some of the copies come apart: one to train on, one to be tested on. That
# is an exam with questions that were in the exercises.

# %%
known = set(split["train"])
print(f"{len(words) - len(set(words)):,} names stand in the list twice")
for part in ("validation", "test"):
    share = sum(word in known for word in split[part]) / len(split[part])
    print(f"{share:.1%} of the {part} names are in training too")
    assert 0.11 < share < 0.17

# %% [markdown]
# What is that worth? The held-out names that were seen in training are scored apart from the others. But perhaps
# they are only easier: a name that both girls and boys have may well be. So every model is trained a second time,
# *without* those names, and scores them again. What it loses by that was memory, near enough.
#
# Three models, with more and more to remember with: pairs, the network, and the table that was too large, of
# four characters in a row. It is easily counted now that the examples are there.
#
# **Before you run it:** for which of the three is the leak worth most?


# %%
def number(x: Tensor, back: int) -> Tensor:
    """Return the last `back` characters of contexts (N, T) as one number each, (N,)."""
    return sum(x[:, -i] * V ** (i - 1) for i in range(1, back + 1))


def count(x: Tensor, y: Tensor, back: int) -> Tensor:
    """Count what follows the last `back` characters; return log-probabilities (V ** back, V)."""
    N = torch.bincount(number(x, back) * V + y, minlength=V ** (back + 1)).view(-1, V) + 0.1  # (V ** back, V)
    return (N / N.sum(1, keepdim=True)).log()


held_out = split["validation"] + split["test"]
leaked = set(held_out) & known
X_less, Y_less = windows([word for word in split["train"] if word not in leaked])
print(f"{len(leaked)} different names leaked; {len(X) - len(X_less):,} examples less without them")
weights_less, _ = train(X_less, Y_less, 2147483647)

# %%
leaky = windows([word for word in held_out if word in known])
clean = windows([word for word in held_out if word not in known])


def counted_losses(back: int) -> list[float]:
    """Return the losses of a counted table: on leaked names, on them without having counted them, on all others."""
    usual, less = count(X, Y, back), count(X_less, Y_less, back)
    tested = ((usual, leaky), (less, leaky), (usual, clean))
    return [F.cross_entropy(table[number(x, back)], y).item() for table, (x, y) in tested]


scores = {
    "pairs\n729 numbers": counted_losses(1),
    "network\n11,897": [
        mean_loss(weights, *leaky),
        mean_loss(weights_less, *leaky),
        mean_loss(weights, *clean),
    ],
    "fours\n531,441": counted_losses(3),
}
for model, (usual, less, others) in scores.items():
    print(
        f"{model.split()[0]:8} leaked {usual:.3f}, kept out {less:.3f}: memory {less - usual:.3f}; others {others:.3f}"
    )

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8, 4.4))
for i, label in enumerate(("leaked names, as usual", "leaked names, kept out of training", "all others")):
    found = [losses_of[i] for losses_of in scores.values()]
    bars = ax.bar(torch.arange(3) + 0.27 * (i - 1), found, 0.25, label=label)
    ax.bar_label(bars, fmt="%.3f", fontsize=9)
ax.set_xticks(range(3), scores)
ax.set_ylim(1.7, 2.8)
ax.set_title("Held-out names that leaked, and those that did not")
ax.set_xlabel("model, and how many numbers it has")
ax.set_ylabel("loss (nats per token), from 1.7 up")
ax.legend()
show(
    "the step from the first bar to the second, which is memory. Pairs remember hardly anything of a name, the network "
    "a little, the table of fours a lot: the more numbers a model has, the more the leak flatters it."
)
assert len(words) - len(set(words)) == 2539
memory = [less - usual for usual, less, _ in scores.values()]
assert memory[0] < memory[2]
if not FAST:
    assert memory[0] < memory[1] < memory[2]
    assert scores["fours\n531,441"][2] < scores["network\n11,897"][2]

# %% [markdown]
# Pairs remember 0.007 nats per token of a name, the network 0.036, the table of fours 0.174. (It is also ahead of
# the network on names that it has not seen. We come back to that.)
#
# So numbers on this split can compare models that remember alike, and no others. We keep to it where published
# numbers have been measured on it. To find out how good a model is at names it has never seen, equal names must go
# to the same side. The library decides by a hash of the name's own text: equal text, equal hash, equal side.
#
# ## The same through the library
#
# `mlp` is this network. With our weights in it, it must give our logits. `Linear` keeps its matrix transposed,
# (out, in), so ours are turned.

# %%
from makemore.models import build, configure, count_parameters

model = build("mlp", V, configure("mlp", longest=15, context=T, n_embd=C, n_embd2=H, dropout=0.0))
with torch.no_grad():
    model.embedding.weight.copy_(E)
    model.fc.weight.copy_(W1.T)
    model.fc.bias.copy_(b1)
    model.head.weight.copy_(W2.T)
    model.head.bias.copy_(b2)

idx = torch.tensor([[0, *(stoi[c] for c in "emma")]])  # (1, 5): a whole line, cut into windows inside
logits, _ = model(idx)  # (1, 5, V)
ours = forward(weights, windows(["emma"])[0])  # (5, V)
print(f"largest difference of a logit: {(logits[0] - ours).abs().max():.0e}")

corpus = makemore.Corpus.from_lines(split["validation"])
found = makemore.evaluate(model, corpus, np.arange(len(corpus)))
print(f"validation: by hand {losses['validation']:.6f}, through the library {found.nll:.6f}")

# %% tags=["hide-input"]
assert count_parameters(model) == parameters
assert torch.allclose(logits[0], ours, atol=1e-4)
assert len(corpus.vocab) == V
assert abs(found.nll - losses["validation"]) < 1e-4

# %% [markdown]
# The same logits, and the same loss. And the library's own split does not leak.

# %%
corpus = makemore.read("names")
lines = {part: set(corpus.lines(corpus.rows(part))) for part in ("train", "validation", "test")}
print({part: f"{total:,} names" for part, total in corpus.counts().items()})
print("names on both sides:", len(lines["train"] & (lines["validation"] | lines["test"])))

# %% tags=["hide-input"]
assert not lines["train"] & (lines["validation"] | lines["test"])

# %% [markdown]
# `makemore.train` does all of this lesson, on that split. It is the same network with the same 11,897 numbers; how
# it needs so few steps is what the next lessons are about.

# %%
if not FAST:
    with tempfile.TemporaryDirectory() as directory:
        run = makemore.train(
            "names", type="mlp", context=T, n_embd=C, n_embd2=H, dropout=0.0, teacher=0.0,
            max_steps=1500, work_dir=directory,
        )  # fmt: skip
        print({part: f"{loss:.4f}" for part, loss in run.summary().nll.items()})
        print(run.sample(8, seed=1))
        assert run.summary().nll["test"] < 2.2

# %% [markdown]
# ## What is still wrong
#
# * The table of fours, which only counts, does better on names it has not seen than our network, which has the same
#   three characters to go by. The network cannot be at its best.
# * It starts with a loss many times that of guessing: it is *sure*, and wrong. The first steps do nothing but undo
#   that. Lesson 6 shows how to start better.
# * It sees three characters. More would help, but then all of them are squeezed into one layer at once. Later lessons
#   join them step by step, or carry them along in a state.
#
# *To read and watch:*
#
# * Bengio and others, [A Neural Probabilistic Language Model](https://www.jmlr.org/papers/v3/bengio03a.html) (2003).
# * Andrej Karpathy, [makemore part 2](https://www.youtube.com/watch?v=TCH_1BHY58I).
# * PyTorch's page on [cross-entropy](https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html).
#
# ## Exercises
#
# `makemore lessons start 4` puts this lesson and a file `exercises.py` into the directory `lesson-4`. Fill in its
# three functions, then let `makemore lessons check 4` tell you how you did.
#
# 1. `windows`: the examples from a stream of ids, where no context may look across the end of a name.
# 2. `direct_logits`: the network as Bengio and others had it, with a shortcut from the embeddings to the logits.
# 3. `leak`: how much of a held-out number comes from names that were in training too.
#
# **The open challenge.** Write `challenge.py` in `lesson-4`: this lesson's network, with whatever context, sizes,
# batches and learning rates you find, and nothing else. Three characters, 11,897 numbers and 1,500 steps of the
# library are at 2.1156 on the held-out names; get below 2.08. `makemore lessons check 4 challenge` trains and
# scores yours. Two minutes of training are enough.
