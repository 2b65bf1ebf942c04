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
# # 10. Attention and the Transformer
#
# *Before this: lessons 6 and 9. Allow 3 hours.*
#
# ## What you will be able to do
#
# * average the past in three ways, and say why the clumsiest of them is the one that can learn;
# * write attention from plain tensors: queries, keys, values, the mask, heads;
# * build a whole GPT, train it in minutes, and prove that it does not look ahead;
# * look into its heads with statistics, not only with the eye;
# * generate with cached keys and values, and say what that saves and what it does not.
#
# ## The idea
#
# The models so far deal with the past in two ways. A window of characters forgets what falls out of it. A
# recurrent network squeezes everything into one state: it must decide what to keep before it knows what will
# be asked, and it must walk, one place after the other. A third way: keep *all* of the past, and let every
# place look at it directly. Nothing has to pass through the places between, and all places can look at once.
#
# The simplest look is the average of all characters so far, a *bag of words*. It hears every character
# equally loud and forgets their order. *Attention* is an average too, but a weighted one, and the weights
# are chosen afresh at every place by what is written there:
#
# * the place that looks sends out a **query**: what am I looking for?
# * every place so far has a **key**: what do I offer? The better it fits the query, the larger the weight;
# * and every place has a **value**: what do I hand over? The answer is the weighted sum of the values.
#
# ![the l of kayl looks back: weights 0.1, 0.1, 0.3, 0.4, 0.1 for the letters so far, then the sum of weight times value](pictures/10_attention.svg)
#
# The weights in the picture are made up. Which ones a network finds useful we shall see when it is trained.
# In one formula, with the queries, keys and values of all places as the rows of three matrices $Q$, $K$ and $V$,
# each row of $D$ numbers:
#
# $$\text{attention}(Q, K, V) = \text{softmax}\left(\frac{Q K^\top}{\sqrt D}\right) V$$
#
# Every part of it is built below, $\sqrt D$ included. Attention and a small network after it, stacked a few times, are a *Transformer*; one that only looks back
# and predicts the next character is a *GPT*.

# %%
import math
import time

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

import makemore
from makemore.corpus.batches import epoch
from makemore.course import FAST, beside, show
from makemore.metrics.losses import in_order
from makemore.models.loss import nll
from makemore.training.optimizer import Muon, schedule

torch.set_num_threads(1)  # so that times can be compared
corpus = makemore.read("names")
V = len(corpus.vocab)  # the vocabulary: 27, id 0 is the boundary

# %% [markdown]
# The numbers to compare with come from the program `makemore.py`, so the split is its own: shuffle with seed
# 3407, and the last 1,000 names are the test. Some of them are in training too: the file lists the girls'
# names, then the boys', and many are on both lists. That flatters whoever knows the training names by heart,
# so we shall also score the others alone. (`torch.randperm(n)` is 0 to
# n - 1 in random order; `corpus.batch` makes ids and targets of some rows, padded to the longest.)

# %%
order = torch.randperm(len(corpus), generator=torch.Generator().manual_seed(3407)).numpy()
train_rows, test_rows = order[:-1000], order[-1000:][: 100 if FAST else None]
known = set(corpus.lines(train_rows))
is_known = torch.tensor([name in known for name in corpus.lines(test_rows)]).numpy()
both_rows, fresh_rows = test_rows[is_known], test_rows[~is_known]
print(f"{len(train_rows):,} names to train, {len(test_rows):,} to test")
print(f"of these {len(both_rows)} are in training too, {len(fresh_rows)} are not")


def batch(rows) -> tuple[Tensor, Tensor]:
    """Ids (B, T) that begin with the boundary, and targets (B, T) that end with it, -1 at padding."""
    inputs, targets = corpus.batch(rows)
    return torch.from_numpy(inputs), torch.from_numpy(targets)


def ids_of(name: str) -> Tensor:
    """A name as ids (1, T), the boundary before it."""
    return torch.from_numpy(corpus.vocab.encode("\n" + name).astype("int64"))[None]


print("inputs: ", batch(test_rows[:1])[0][0].tolist())
print("targets:", batch(test_rows[:1])[1][0].tolist())

# %% [markdown]
# ## Building it
#
# ### Averaging the past, three ways
#
# `x` holds a vector for each place of each line. Place `t` should get the mean of `x[0]` to `x[t]`. The
# obvious way is a loop. (`torch.randn` makes normally distributed numbers; a *channel* is one of the C numbers of
# a vector.)

# %%
B, T, C = 2, 6, 4  # lines, places, channels
x = torch.randn(B, T, C, generator=torch.Generator().manual_seed(1))

by_loop = torch.zeros(B, T, C)
for b in range(B):
    for t in range(T):
        by_loop[b, t] = x[b, : t + 1].mean(0)

# %% [markdown]
# A mean is a weighted sum, and weighted sums of rows are a matrix product. Row `t` of the matrix holds the
# weights of place `t`: equal for the past, 0 for the future. That is a lower triangle, each row divided by
# its sum.
#
# | expression | in | out |
# | --- | --- | --- |
# | `torch.ones(2, 2).tril()` | `[[1, 1], [1, 1]]` | `[[1, 0], [1, 1]]`: nothing above the diagonal |
# | `torch.ones(2, 2).triu(1)` | `[[1, 1], [1, 1]]` | `[[0, 1], [0, 0]]`: only what is above it |
# | `A @ x` | (T, T) and (B, T, C) | (B, T, C): the matrix product, for each of the B lines |
# | `s.masked_fill(m, -math.inf)` | `s` = `[5, 7]`, `m` = `[False, True]` | `[5, -inf]` |
# | `s.softmax(-1)` | `[0, 0, -inf]` | `[0.5, 0.5, 0]`: `exp`, then divided by the sum along the last dimension |

# %%
A = torch.ones(T, T).tril()
A = A / A.sum(1, keepdim=True)  # (T, T)
by_matrix = A @ x  # (T, T) @ (B, T, C) -> (B, T, C)
print(A)
print("as the loop:", torch.allclose(by_matrix, by_loop, atol=1e-6))

# %% tags=["hide-input"]
assert torch.allclose(by_matrix, by_loop, atol=1e-6)

# %% [markdown]
# The third way begins with *scores*: how interesting is place `s` for place `t`? Here they are all 0, every
# place is as interesting as any other. The future is struck out with minus infinity, and a softmax makes
# weights of the scores: $e^0$ is 1 for each place seen, $e^{-\infty}$ is 0, and each row is divided by its sum.
#
# **Before you run it:** row 2 of the scores is `[0, 0, 0, -inf, -inf, -inf]`. What does the softmax make of it?

# %%
future = torch.ones(T, T, dtype=torch.bool).triu(1)  # (T, T): above the diagonal
scores = torch.zeros(T, T).masked_fill(future, -math.inf)
by_softmax = scores.softmax(-1) @ x
print("row 2:", scores.softmax(-1)[2])
print("as the loop:", torch.allclose(by_softmax, by_loop, atol=1e-6))

# %% tags=["hide-input"]
assert torch.allclose(by_softmax, by_loop, atol=1e-6)

# %% [markdown]
# A third for each of the three places seen: the same average, the third way. It looks like a detour. But the scores may now be *anything*, and whatever they are, the future gets weight
# exactly 0 and the weights of the past sum to 1. The matrix was an average and nothing else; the scores
# are a dial for each pair of places. Attention is the rule that sets the dials.
#
# ### The bag of words, trained
#
# First, how far does the plain average get? The last character, plus the average of all so far, through one
# hidden layer. Weights live in a dictionary under the names that the library uses, so that it can load them
# later.


# %%
def draw(generator: torch.Generator, std: float, *shape: int) -> Tensor:
    """Normally distributed numbers."""
    return torch.randn(shape, generator=generator) * std


def linear(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Multiply by W (outputs, inputs), add b. x: (..., inputs). Returns (..., outputs)."""
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def bow(w: dict[str, Tensor], idx: Tensor) -> Tensor:
    """The average of the past: ids (B, T) to logits (B, T, V)."""
    T = idx.shape[1]
    A = torch.ones(T, T).tril()
    e = w["embedding.weight"][idx]  # (B, T, C)
    u = e + A / A.sum(1, keepdim=True) @ e  # the character itself, and the average
    h = u + linear(w, "proj", torch.tanh(linear(w, "fc", u)))  # (B, T, C)
    return linear(w, "head", h)


# %%
C = 64  # channels, from here on
generator = torch.Generator().manual_seed(8)
bow_weights = {"embedding.weight": draw(generator, 0.1, V, C)}
for name, outputs, inputs in (("fc", 4 * C, C), ("proj", C, 4 * C), ("head", V, C)):
    bow_weights[f"{name}.weight"] = draw(generator, inputs**-0.5, outputs, inputs)
    bow_weights[f"{name}.bias"] = torch.zeros(outputs)

# %% [markdown]
# One training loop serves both models of this lesson. What is new in it:
#
# * An *optimiser* is an object that holds weights and makes a step when `step()` is called: it reads the gradient
#   that `backward` has put into each weight's `.grad`, and changes the weight. So far we wrote
#   `weight -= rate * weight.grad` ourselves. `torch.optim.AdamW` is a better such rule, and `Muon` another, for
#   matrices, from the library. How they work, and what they are worth, is for lesson 12.
# * `weight.grad = None` before `backward()`: otherwise the new gradient would be added to the old one. (Optimisers
#   have `zero_grad()`, which does this to all their weights.)
# * `clip_grad_norm_` makes gradients shorter that are too long, and `schedule` says which share of the full rate is
#   due: it rises for a twentieth of the time and then falls to zero. Lesson 12 again.
# * `epoch` puts names of about one length together, so that little padding is computed, and `nll` returns the sum of
#   $-\log p$ over the tokens, padding left out, and their number.
#
# No step is chosen by the test names: the weights are those of the last one.


# %%
def mean_loss(forward, w: dict[str, Tensor], rows) -> float:
    """Loss over all tokens of some names, in nats per token."""
    total, count = 0.0, 0
    with torch.no_grad():  # nothing will be learned from these
        for some in in_order(rows, corpus.lengths[rows], 4096):  # names of one length together
            inputs, targets = batch(some)
            loss, tokens = nll(forward(w, inputs), targets)
            total, count = total + loss.item(), count + tokens.item()
    return total / count


# %%
def train(forward, w: dict[str, Tensor], steps: int, rate: float, hidden: list[str]) -> list[tuple]:
    """Train weights in place, the matrices named hidden by Muon. Returns (step, train, test) on the way."""
    others = [weight.requires_grad_() for name, weight in w.items() if name not in hidden]
    muon = Muon([w[name].requires_grad_() for name in hidden], rate, 0.01)
    adamw = torch.optim.AdamW(others, betas=(0.9, 0.99), fused=True)
    lengths = corpus.lengths[train_rows]
    waiting, passes = [], 0  # batches to come; how often the names have been gone through
    curve, recent, since = [], [], time.perf_counter()
    for step in range(1, steps + 1):
        if not waiting:  # all names seen: once more, in another order, 1,024 tokens a step
            waiting, passes = list(epoch(lengths, 1024, 8, passes)), passes + 1
        rows = train_rows[waiting.pop(0)]
        inputs, targets = batch(rows)
        total, count = nll(forward(w, inputs), targets)
        loss = total / count
        for weight in w.values():
            weight.grad = None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
        for optimizer in (adamw, muon):
            optimizer.param_groups[0]["lr"] = rate * schedule((step - 0.5) / steps)
            optimizer.step()
        recent.append(loss.item())
        if step % (steps // (2 if FAST else 10)) == 0:
            curve.append((step, sum(recent) / len(recent), mean_loss(forward, w, test_rows)))
            recent, seconds = [], time.perf_counter() - since
            print(f"step {step:5}   train {curve[-1][1]:.4f}   test {curve[-1][2]:.4f}   {seconds:4.0f} s")
    return curve


# %%
bow_curve = train(bow, bow_weights, 10 if FAST else 2000, 1e-2, ["fc.weight", "proj.weight"])

# %% [markdown]
# About 2.18 on the test names: about what the network of lesson 4 reached with three characters. To know
# which letters came before is worth as much as to know the order of the last three.
#
# ### Weights that depend on what is written
#
# Now the dials. Each place has a vector `x` of C channels. Three matrices make three shorter vectors of it, of
# D channels: its query, its key, its value. The score of place `s` for place `t` is the dot product of the
# query of `t` with the key of `s`: large if they point the same way. The matrices will be learned; here
# they are random, as at the start of training.
#
# | expression | shape in | shape out |
# | --- | --- | --- |
# | `table[ids_of("isabella")]` | (1, 9) | (1, 9, 64): a vector for each character, the boundary first |
# | `x @ Wq.T` | (1, 9, 64) and (64, 16) | (1, 9, 16): a query for each place |
# | `k.mT` | (1, 9, 16) | (1, 16, 9): the last two dimensions exchanged |
# | `q @ k.mT` | (1, 9, 16) and (1, 16, 9) | (1, 9, 9): a score for each pair of places |
# | `weights @ v` | (1, 9, 9) and (1, 9, 16) | (1, 9, 16): for each place a weighted sum of the values |

# %%
D = 16  # channels of a head
generator = torch.Generator().manual_seed(3)
table = draw(generator, 1.0, V, C)  # a vector for each character
Wq, Wk, Wv = (draw(generator, C**-0.5, D, C) for _ in range(3))

name = "isabella"
x = table[ids_of(name)]  # (B, T, C) = (1, 9, 64)
q, k, v = x @ Wq.T, x @ Wk.T, x @ Wv.T  # (B, T, D) each
scores = q @ k.mT / math.sqrt(D)  # (B, T, T): [t, s] is how well key s fits query t
T = x.shape[1]
future = torch.ones(T, T, dtype=torch.bool).triu(1)
weights = scores.masked_fill(future, -math.inf).softmax(-1)  # (B, T, T)
y = weights @ v  # (B, T, D)
print("each row of weights sums to", weights.sum(-1))

# %% tags=["hide-input"]
assert torch.allclose(weights.sum(-1), torch.ones(1, T))
letters = list("." + name)
A = torch.ones(T, T).tril()
fig, axes = plt.subplots(1, 2, figsize=(9, 5.2))
for ax, table_, title in zip(
    axes, (A / A.sum(1, keepdim=True), weights[0]), ("average", "attention"), strict=True
):
    image = ax.imshow(table_, cmap="Blues", vmin=0, vmax=1)
    ax.set_xticks(range(T), letters)
    ax.set_yticks(range(T), letters)
    ax.set_title(f"Weights, {title}")
    ax.set_xlabel("place looked at")
    ax.set_ylabel("place that looks")
fig.colorbar(image, ax=axes, label="weight", shrink=0.8)
show(
    "the empty corner above the diagonal, the future, in both. On the left a row is even, on the right it depends "
    "on the letters: equal letters that look (l and l) share their likes, and equal letters looked at get equal weight."
)
assert torch.allclose(weights[0, -1, 3], weights[0, -1, 8])  # both are an a

# %% [markdown]
# ### Why divide by √D
#
# If the components of query and key are independent, with mean 0 and deviation 1, their dot product is a sum
# of $D$ such products, and its standard deviation is $\sqrt D$. A softmax over large scores puts nearly all weight on
# the largest: it is *saturated*. That is bad at the start of training, for two reasons. Each place hears one
# other by accident; and the slope of the softmax, $p\,(1 - p)$ for each weight $p$, is nearly 0, so that there
# is hardly any gradient to correct the accident. Dividing by $\sqrt D$ keeps the scores at size 1, however long the
# vectors are.
#
# **Before you run it:** 16 keys that know nothing of the query share the weight. A fair share would be 1/16, or 6%.
# With vectors of 256 channels and without the division, what will the largest of the 16 weights be on average?

# %%
sizes = [4, 8, 16, 32, 64, 128, 256]
largest, slope = {"q·k": [], "q·k / √D": []}, {"q·k": [], "q·k / √D": []}
generator = torch.Generator().manual_seed(4)
for size in sizes:
    queries, keys = draw(generator, 1.0, 2000, 1, size), draw(generator, 1.0, 2000, 16, size)
    dots = (queries * keys).sum(-1)  # (2000, 16): 2,000 queries, 16 keys for each
    for kind, divisor in (("q·k", 1.0), ("q·k / √D", math.sqrt(size))):
        p = (dots / divisor).softmax(-1)
        largest[kind].append(p.amax(-1).mean().item())
        slope[kind].append((p * (1 - p)).sum(-1).mean().item())
    print(f"D = {size:3}: standard deviation of q·k {dots.std():5.2f}, √D {math.sqrt(size):5.2f}")
print(f"largest weight at D = 256: {largest['q·k'][-1]:.2f}; divided by √D: {largest['q·k / √D'][-1]:.2f}")

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 4))
for ax, values, title, label in (
    (axes[0], largest, "The largest of 16 weights", "weight, mean of 2,000 queries"),
    (axes[1], slope, "What slope the softmax has left", "sum of p (1 - p), mean of 2,000 queries"),
):
    for kind, marker in (("q·k", "o"), ("q·k / √D", "s")):
        ax.semilogx(sizes, values[kind], marker=marker, base=2, label=f"scores {kind}")
    ax.set_title(title)
    ax.set_xlabel("D, channels of query and key")
    ax.set_ylabel(label)
    ax.set_ylim(0, 1)
    ax.legend()
show(
    "the lines with dots: the longer the vectors, the more weight one place takes, and the flatter the softmax. Divided "
    "by √D (squares) both stay where they are."
)
assert largest["q·k"][-1] > 0.8 > 0.5 > max(largest["q·k / √D"])
assert slope["q·k"][-1] < 0.5 * min(slope["q·k / √D"])

# %% [markdown]
# The deviation is $\sqrt D$ to within a few hundredths. Without the division one key takes nearly everything, though
# none of them means anything.
#
# ### Heads
#
# One softmax yields one average for each place. But a place may want to know several things: what stands
# right before it, how the name began, whether there was a vowel lately. So the C channels are cut into H *heads*
# of $D = C / H$ channels, each with queries, keys and values of its own. (In this lesson H is the number of heads;
# in lessons 4 to 9 it was the number of hidden units.) It costs no more multiplications than one
# head of C channels, only a table of weights for each head.
#
# Here is attention as we shall use it, all heads at once. The letters of `einsum` are those of the shapes:
# what is not in the result is summed over.
#
# | expression | shapes in | shape out |
# | --- | --- | --- |
# | `torch.einsum("td,sd->ts", q, k)` | (T, D) and (S, D) | (T, S): summed over d, the same as `q @ k.T` |
# | `torch.einsum("bthd,bshd->bhts", q, k)` | (B, T, H, D) and (B, S, H, D) | (B, H, T, S): that for each line and head |
# | `torch.einsum("bhts,bshd->bthd", weights, v)` | (B, H, T, S) and (B, S, H, D) | (B, T, H, D): summed over s |
#
# One more thing is prepared: there may be more keys than queries, S
# of them, and then the T queries are the last T places. That will pay when we generate.


# %%
H = 4  # heads


def attend(q: Tensor, k: Tensor, v: Tensor, causal: bool = True) -> tuple[Tensor, Tensor]:
    """q: (B, T, H, D); k, v: (B, S, H, D). Returns the outputs (B, T, H, D) and the weights (B, H, T, S)."""
    T, S = q.shape[1], k.shape[1]
    scores = torch.einsum("bthd,bshd->bhts", q, k) / math.sqrt(q.shape[-1])
    if causal:
        future = torch.ones(T, S, dtype=torch.bool).triu(S - T + 1)  # place S - T + t sees itself and before
        scores = scores.masked_fill(future, -math.inf)
    weights = scores.softmax(-1)  # (B, H, T, S)
    return torch.einsum("bhts,bshd->bthd", weights, v), weights


q, k, v = draw(generator, 1.0, 3, 2, 7, H, D)  # (B, T, H, D) each
together, _ = attend(q, k, v)

# %% tags=["hide-input"]
for h in range(H):  # each head alone, as above
    scores = q[:, :, h] @ k[:, :, h].mT / math.sqrt(D)
    alone = scores.masked_fill(torch.ones(7, 7, dtype=torch.bool).triu(1), -math.inf).softmax(-1) @ v[:, :, h]
    assert torch.allclose(together[:, :, h], alone, atol=1e-6)
even, _ = attend(torch.zeros_like(q), k, v)  # queries of zero: all scores equal
assert torch.allclose(even, v.cumsum(1) / torch.arange(1, 8).view(7, 1, 1), atol=1e-6)
print("heads together are the heads alone, and without queries attention is the plain average")

# %% [markdown]
# ### Nobody may look ahead
#
# In training all places of a name predict at once, and the answer to place `t` stands at place `t + 1`. A
# model that sees it copies it: the training loss becomes wonderful, and the names terrible. A wrong mask
# gives no error. So it gets a test: *change a later character, and no earlier output may move.* This function
# tries it at every place. (`% V` is the remainder after a division by V: the id after the last is 0 again.)


# %%
def sees_ahead(forward, idx: Tensor) -> bool:
    """Whether an output changes when a later character does. forward: ids (B, T) to anything (B, T, ...)."""
    before = forward(idx)
    for t in range(1, idx.shape[1]):
        changed = idx.clone()
        changed[:, t] = (idx[:, t] + 1) % V
        if not torch.allclose(forward(changed)[:, :t], before[:, :t], atol=1e-5):
            return True
    return False


def one_layer(idx: Tensor, causal: bool = True) -> Tensor:
    """Ids (B, T) to the outputs of one random head (B, T, D)."""
    x = table[idx][:, :, None]  # (B, T, 1, C): one head
    return attend(x @ Wq.T, x @ Wk.T, x @ Wv.T, causal)[0][:, :, 0]


print("sees ahead, with the mask:   ", sees_ahead(one_layer, ids_of(name)))
print("sees ahead, without the mask:", sees_ahead(lambda idx: one_layer(idx, causal=False), ids_of(name)))

# %% tags=["hide-input"]
assert not sees_ahead(one_layer, ids_of(name))
assert sees_ahead(lambda idx: one_layer(idx, causal=False), ids_of(name))

# %% [markdown]
# ### Order is invisible
#
# A weighted sum does not know the order of what it sums. Shuffle the past, and the last place of a layer of
# attention gets exactly the same: keys and values travel together. It could not tell `amy` from `may`. So the
# place itself is made part of `x`: a second table with a vector for each position, added to that of the
# character. Queries and keys can then ask for "the place before mine" as well as for "a vowel".

# %%
idx = ids_of(name)  # (1, 9)
shuffled = idx[:, [0, 5, 2, 7, 1, 6, 4, 3, 8]]  # the first and the last place stay
plain, moved = one_layer(idx)[:, -1], one_layer(shuffled)[:, -1]
print("without positions, the last output moves by", f"{(plain - moved).abs().max():.0e}")

positions = draw(torch.Generator().manual_seed(5), 0.5, 16, C)


def with_positions(idx: Tensor) -> Tensor:
    """The same layer, a vector for each position added to x."""
    x = (table[idx] + positions[: idx.shape[1]])[:, :, None]
    return attend(x @ Wq.T, x @ Wk.T, x @ Wv.T)[0][:, :, 0]


moved = (with_positions(idx) - with_positions(shuffled))[:, -1].abs().max()
print("with them, by", f"{moved:.2f}")

# %% tags=["hide-input"]
assert torch.allclose(plain, one_layer(shuffled)[:, -1], atol=1e-5)
assert moved > 0.01

# %% [markdown]
# Without positions only rounding is left. With them the order counts.
#
# ### The residual stream
#
# Attention gathers. To make something of what was gathered, a small network of two layers follows it, at each
# place on its own. These two parts are stacked. How they are joined decides whether a deep stack works: a part
# does not *replace* `x`, it *adds* to it.
#
# $$x \leftarrow x + \text{attention}(\text{norm}(x)) \qquad x \leftarrow x + \text{network}(\text{norm}(x))$$
#
# So `x` runs through the whole model like a stream, from which every part reads and into which it writes.
# What the embedding said about the character is still there at the top, and the gradient runs back as
# directly: the derivative of $x + f(x)$ is 1 plus something.
#
# `norm` is *LayerNorm*. The stream grows with every addition, and the parts want inputs of one size. LayerNorm
# takes each vector by itself, subtracts the mean of its C channels and divides by their standard deviation, then
# scales and shifts each channel by learned numbers, a gain $g$ and a bias $b$:
#
# $$\text{norm}(x) = g\, \frac{x - \text{mean}(x)}{\sqrt{\text{variance}(x) + 10^{-5}}} + b$$
#
# Unlike BatchNorm it never looks at other lines: nothing
# differs between training and use.
#
# The small network bends its middle layer with a GELU, which multiplies each number by the probability that a standard
# normal one is below it (`torch.erf` is how that probability is computed):
#
# | expression | in | out |
# | --- | --- | --- |
# | `layer_norm(x, ones, zeros)` | `[1, 3]` | `[-1, 1]`: mean 2 taken off, divided by the deviation 1 |
# | `gelu(x)` | `[-3, 0, 3]` | `[-0.004, 0, 2.996]`: large numbers pass, negative ones hardly do |
# | `F.normalize(x, dim=-1)` | `[3, 4]` | `[0.6, 0.8]`: the same direction, length 1 |


# %%
def layer_norm(x: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """Each vector of C channels to mean 0 and deviation 1, then scaled and shifted. x: (..., C)."""
    centred = x - x.mean(-1, keepdim=True)
    variance = centred.pow(2).mean(-1, keepdim=True)  # divided by C, not by C - 1
    return centred / (variance + 1e-5).sqrt() * gain + bias


def gelu(x: Tensor) -> Tensor:
    """Each number times the probability that a standard normal one is below it: a ReLU with a soft corner."""
    return x * (1 + torch.erf(x / math.sqrt(2))) / 2


x = 3 + 5 * draw(generator, 1.0, 2, 7, C)
gain, bias = draw(generator, 1.0, C), draw(generator, 1.0, C)
print("as torch's:", torch.allclose(layer_norm(x, gain, bias), F.layer_norm(x, (C,), gain, bias), atol=1e-5))
print("as torch's:", torch.allclose(gelu(x), F.gelu(x), atol=1e-5))
normed = layer_norm(x, torch.ones(C), torch.zeros(C))
print(f"before: mean {x[0, 0].mean():.2f}, deviation {x[0, 0].std(correction=0):.2f}")
print(f"after:  mean {normed[0, 0].mean():.2f}, deviation {normed[0, 0].std(correction=0):.2f}")

# %% tags=["hide-input"]
assert torch.allclose(layer_norm(x, gain, bias), F.layer_norm(x, (C,), gain, bias), atol=1e-5)
assert torch.allclose(gelu(x), F.gelu(x), atol=1e-5)
assert torch.allclose(layer_norm(torch.tensor([1.0, 3.0]), 1, 0), torch.tensor([-1.0, 1.0]), atol=1e-4)
assert torch.allclose(gelu(torch.tensor([-3.0, 0.0, 3.0])), torch.tensor([-0.004, 0, 2.996]), atol=1e-3)

# %% [markdown]
# Both are torch's to within rounding, so from here on we take torch's, which are quicker. In the two
# parts, `unbind(2)` takes a tensor apart along dimension 2, here into queries, keys and values, and
# `torch.cat([a, b], 1)` puts two behind each other along dimension 1.


# %%
def norm(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """LayerNorm with the gain and bias of that name."""
    return F.layer_norm(x, (C,), w[f"{name}.weight"], w[f"{name}.bias"])


def attention_part(w: dict[str, Tensor], b: int, x: Tensor, past: tuple = ()) -> tuple[Tensor, tuple, Tensor]:
    """What the attention of block b adds to the stream, its keys and values, its weights.

    x: (B, T, C), the new places; past: keys and values of the places before them, (B, S, H, D) each, or ().
    """
    B, T, _ = x.shape
    qkv = linear(w, f"blocks.{b}.qkv", norm(w, f"blocks.{b}.norm1", x))  # (B, T, 3 C): three matrices in one
    q, k, v = qkv.view(B, T, 3, H, C // H).unbind(2)  # (B, T, H, D) each
    if past:
        k, v = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)  # (B, S + T, H, D)
    y, weights = attend(q, k, v)
    return linear(w, f"blocks.{b}.out", y.reshape(B, T, C)), (k, v), weights  # the heads side by side, mixed


def network_part(w: dict[str, Tensor], b: int, x: Tensor) -> Tensor:
    """What the small network of block b adds: four times as wide inside, each place on its own."""
    return linear(w, f"blocks.{b}.proj", F.gelu(linear(w, f"blocks.{b}.fc", norm(w, f"blocks.{b}.norm2", x))))


# %% [markdown]
# The weights at the start: small, and those of `out` and `proj`, which write into the stream, smaller the more
# of them there are. So the stream begins as little more than character plus position, and the model learns
# what to add.


# %%
def new_weights(generator: torch.Generator, layers: int, places: int = 16) -> dict[str, Tensor]:
    """Draw the weights of a GPT, under the names that the library uses. places: the longest name and its start."""
    w = {"embedding.weight": draw(generator, 1.0, V, C), "positions.weight": draw(generator, 0.5, places, C)}
    for b in range(layers):
        for name, outputs, inputs in (("qkv", 3 * C, C), ("out", C, C), ("fc", 4 * C, C), ("proj", C, 4 * C)):
            std = 0.02 / math.sqrt(2 * layers) if name in ("out", "proj") else 0.02
            w[f"blocks.{b}.{name}.weight"] = draw(generator, std, outputs, inputs)
            w[f"blocks.{b}.{name}.bias"] = torch.zeros(outputs)
        for name in ("norm1", "norm2"):
            w[f"blocks.{b}.{name}.weight"], w[f"blocks.{b}.{name}.bias"] = torch.ones(C), torch.zeros(C)
    w["norm.weight"], w["norm.bias"] = torch.ones(C), torch.zeros(C)
    w["head.weight"] = draw(generator, 0.02, V, C)
    return w


# %% [markdown]
# Is the `x +` worth it? Send a name through eight untrained blocks, with it and without, and measure how alike
# the vectors of its places are: the cosine between two of them, 1 if they point the same way. Attention that has
# not learned anything is nearly an average, and an average of averages is the same everywhere.


# %%
def alike(x: Tensor) -> float:
    """Mean cosine between the vectors of two different places. x: (1, T, C)."""
    unit, T = F.normalize(x[0], dim=-1), x.shape[1]
    return ((unit @ unit.T).sum().item() - T) / (T * (T - 1))


w = new_weights(torch.Generator().manual_seed(6), layers=8)
likeness = {}
for kind, keep in (("x + part(x)", 1.0), ("part(x) alone", 0.0)):
    x = w["embedding.weight"][ids_of(name)] + w["positions.weight"][:T]
    likeness[kind] = [alike(x)]
    for b in range(8):
        x = keep * x + attention_part(w, b, x)[0]
        x = keep * x + network_part(w, b, x)
        likeness[kind].append(alike(x))
    print(f"{kind:14} after 8 blocks: mean cosine {likeness[kind][-1]:.2f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
for (kind, values), marker in zip(likeness.items(), "os"):
    ax.plot(values, marker=marker, label=kind)
ax.set_title("How alike the places of one name are, untrained")
ax.set_xlabel("blocks passed")
ax.set_ylabel("mean cosine between places")
ax.legend()
show(
    "the line without the sum: it rises towards 1, all places say the same, and the letters are lost before learning has "
    "begun. In the stream they stay apart."
)
assert likeness["part(x) alone"][-1] > 0.9 > likeness["x + part(x)"][-1] + 0.2

# %% [markdown]
# Without the sum all places have become one and the same vector.
#
# ### The whole GPT
#
# Character plus position; the blocks; a last norm; logits. It also returns all keys and values, and all weights
# of attention to look at.


# %%
L = 4  # blocks


def gpt(w: dict[str, Tensor], idx: Tensor, past: tuple = ()) -> tuple[Tensor, tuple, list[Tensor]]:
    """Ids (B, T) to logits (B, T, V), keys and values (2 a block, (B, S + T, H, D)), weights (B, H, T, S + T).

    past: the keys and values that the last call returned, if idx goes on from there.
    """
    S = past[0].shape[1] if past else 0
    x = w["embedding.weight"][idx] + w["positions.weight"][S : S + idx.shape[1]]  # (B, T, C)
    new, maps = (), []
    for b in range(L):
        added, keys_values, weights = attention_part(w, b, x, past[2 * b : 2 * b + 2])
        x = x + added
        x = x + network_part(w, b, x)
        new += keys_values
        maps.append(weights)
    return norm(w, "norm", x) @ w["head.weight"].T, new, maps


def logits_of(w: dict[str, Tensor], idx: Tensor) -> Tensor:
    """Ids (B, T) to logits (B, T, V), for training."""
    return gpt(w, idx)[0]


# %% [markdown]
# Four blocks of four heads and 64 channels: the shape of `makemore.py`'s Transformer, to the last weight. Before
# training, three checks. It guesses all characters alike. It does not see ahead. And with the positions
# zeroed it *still* knows something of the order: one layer cannot, but in the second every place reads others
# that have read what came before *them*. The mask itself gives the order away.

# %%
gpt_weights = new_weights(torch.Generator().manual_seed(8), layers=L)
print(f"{sum(weight.numel() for weight in gpt_weights.values()):,} weights")

start = mean_loss(logits_of, gpt_weights, test_rows)
print(f"loss before training {start:.4f}, guessing {math.log(V):.4f}")
print("sees ahead:", sees_ahead(lambda idx: logits_of(gpt_weights, idx), ids_of(name)))

no_order = {key: weight.double() for key, weight in gpt_weights.items()}  # 64 bits: less rounding
no_order["positions.weight"] = torch.zeros(16, C, dtype=torch.float64)
moved = (logits_of(no_order, idx) - logits_of(no_order, shuffled))[:, -1].abs().max().item()
print(f"without positions, the last logits move by {moved:.0e} when the past is shuffled")

# %% tags=["hide-input"]
assert sum(weight.numel() for weight in gpt_weights.values()) == 204_544
assert abs(start - math.log(V)) < 0.1
assert not sees_ahead(lambda idx: logits_of(gpt_weights, idx), ids_of(name))
assert moved > 1e-9

# %% [markdown]
# And now it learns, which takes a minute or two.
#
# **Before you run it:** the bag of words got to about 2.18. The GPT sees the same characters, but weighs them. How
# far will it get on the test names? And will its loss on the training names be below that, or much the same?

# %%
matrices = [f"blocks.{b}.{part}.weight" for b in range(L) for part in ("qkv", "out", "fc", "proj")]
gpt_curve = train(logits_of, gpt_weights, 10 if FAST else 2500, 5e-3, matrices)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8, 4))
for curve, what, colour in ((bow_curve, "bag of words", "C1"), (gpt_curve, "GPT", "C0")):
    steps, trained, tested = zip(*curve)
    ax.plot(steps, trained, color=colour, linestyle="--", marker="o", label=f"{what}, training batches")
    ax.plot(steps, tested, color=colour, marker="s", label=f"{what}, test names")
ax.set_title("Learning")
ax.set_xlabel("steps of 1,024 tokens")
ax.set_ylabel("loss (nats per token)")
ax.legend()
show(
    "the distance between the two solid lines: what looking is worth over averaging. And where the dashed line of the "
    "GPT falls below its solid one: from there on it learns its training names better than names."
)

# %% [markdown]
# About 1.93 on the test names, a quarter of a nat better than the bag of words. The training batches end near 1.7: the
# model knows its training names better than others.
#
# ### Generating, and doing no work twice
#
# To write a name: feed in the boundary, sample a character from the last logits, append it, feed in everything
# again. That works, and wastes nearly all it does. The first place is computed for every new character, and
# comes out the same each time: the mask forbids that anything later changes it, as the test above has shown.
# Of all that was computed for the past, a new place needs only the keys and values. So keep them, and feed in
# *one* character.


# %%
@torch.no_grad()
def generate(w: dict[str, Tensor], n: int, length: int, cached: bool, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Sample n lines at once, all of one length (cut them at the boundary). Returns ids (n, length), logits (n, length, V)."""
    generator = torch.Generator().manual_seed(seed)
    idx = torch.zeros(n, 1, dtype=torch.int64)  # the boundary, where every name starts
    past, seen = (), []
    for _ in range(length):
        if cached:
            logits, past, _ = gpt(w, idx[:, -1:], past)  # one new place: (n, 1, V)
        else:
            logits, _, _ = gpt(w, idx)  # all of them again: (n, T, V)
        seen.append(logits[:, -1])
        drawn = torch.multinomial(logits[:, -1].softmax(-1), 1, generator=generator)  # (n, 1)
        idx = torch.cat([idx, drawn], 1)
    return idx[:, 1:], torch.stack(seen, 1)


# %%
naive, naive_logits = generate(gpt_weights, 20, 16, cached=False)
quick, quick_logits = generate(gpt_weights, 20, 16, cached=True)
print("the same names, cached and not:", torch.equal(naive, quick))
print([corpus.vocab.decode(ids).split("\n")[0] for ids in quick])

# %% tags=["hide-input"]
assert torch.allclose(naive_logits, quick_logits, atol=1e-4)
assert torch.equal(naive, quick)  # the same samples from the same probabilities

# %% [markdown]
# How much is saved? Count multiplications. A place costs $12\, C^2$ in the matrices of a block (3 for queries,
# keys and values, 1 for `out`, 4 and 4 for the network) and $2\, C$ for every pair of query and key: one dot
# product, one weighted value. To sample place $t$, the cached way pays for one place and $t$ pairs, the naive one
# for $t$ places and $t^2$ pairs (it computes the masked ones too). torch's `FlopCounterMode` counts for us, and agrees.


# %%
def multiplications(length: int, cached: bool) -> int:
    """How many a line of that length costs to generate."""
    total = 0
    for t in range(1, length + 1):
        places, pairs = (1, t) if cached else (t, t * t)
        total += L * (places * 12 * C * C + pairs * 2 * C) + places * V * C
    return total


for cached in (False, True):
    with FlopCounterMode(display=False) as counter:
        generate(gpt_weights, 1, 16, cached)
    ours = multiplications(16, cached)
    assert abs(counter.get_total_flops() / (2 * ours) - 1) < 1e-3  # it counts the additions too
    print(f"16 characters, {'cached:' if cached else 'naive: '} {ours:12,} multiplications")
print(f"the price: {2 * L * C} numbers kept for each place of each line")

# %% [markdown]
# And on the clock? For lines longer than names the weights need more positions; for the time it does not
# matter that they are untrained. The two ways take turns, and the best of a few runs counts, since whatever
# else the computer does only adds time.


# %%
def seconds(n: int, length: int) -> tuple[float, float]:
    """Least time to generate n lines of that length at once, naive and cached."""
    times = {False: [], True: []}
    for cached in (False, True) * (1 if FAST else 3):
        since = time.perf_counter()
        generate(long_weights, n, length, cached)
        times[cached].append(time.perf_counter() - since)
    return min(times[False]), min(times[True])


long_weights = new_weights(torch.Generator().manual_seed(9), layers=L, places=256)
generate(long_weights, 1, 8, cached=True)  # the first run of anything is slow
lengths = {1: [4, 8, 16, 32, 64, 128], 32: [4, 8, 16, 32, 64]}
if FAST:
    lengths = {1: [4, 8], 32: [4, 8]}
ratios = {}
for n, each in lengths.items():
    ratios[n] = []
    for length in each:
        slow, fast = seconds(n, length)
        ratios[n].append(slow / fast)
        times = f"naive {slow:7.3f} s, cached {fast:7.3f} s, ratio {slow / fast:5.1f}"
        print(f"{n:2} at once, {length:3} characters: {times}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8, 4))
counted = [multiplications(length, False) / multiplications(length, True) for length in lengths[1]]
ax.loglog(lengths[1], counted, linestyle="--", color="black", base=2, label="multiplications, counted")
for n, marker in ((1, "o"), (32, "s")):
    ax.loglog(lengths[n], ratios[n], marker=marker, base=2, label=f"time, {n} line{'s' * (n > 1)} at once")
ax.axhline(1, color="grey", linewidth=0.8)
ax.set_title("What the cache saves")
ax.set_xlabel("length of the line (characters)")
ax.set_ylabel("naive / cached (ratio)")
ax.legend()
show(
    "how the measured lines compare with the dashed one as lines grow. The cache saves multiplications, not the "
    "fixed cost of starting a few hundred operations for each character. The more lines at once and the longer they are, the less that cost counts."
)
assert counted == sorted(counted)
assert counted[0] > 2

# %% [markdown]
# ## Looking inside
#
# What do the heads look at? Here are all of them on one name that is not among the training names.

# %%
fresh = [each for each in corpus.lines(fresh_rows) if 6 <= len(each) <= 8]
with torch.no_grad():
    maps = gpt(gpt_weights, ids_of(fresh[0]))[2]  # L tables (1, H, T, T)

# %% tags=["hide-input"]
letters = list("." + fresh[0])
fig, axes = plt.subplots(L, H, figsize=(9, 10), layout="constrained")
for b in range(L):
    for h in range(H):
        ax = axes[b, h]
        image = ax.imshow(maps[b][0, h], cmap="Blues", vmin=0, vmax=1)
        ax.set_title(f"Block {b + 1}, head {h + 1}", fontsize=9)
        ax.set_xticks(range(len(letters)), letters)
        ax.set_yticks(range(len(letters)), letters)
fig.supxlabel("place looked at")
fig.supylabel("place that looks")
fig.colorbar(image, ax=axes, label="weight", shrink=0.5)
show(
    "a dark line just below the diagonal: a head that looks one back. A dark first column: one that looks at the start. "
    "Dark squares here and there: a head that chooses case by case."
)

# %% [markdown]
# One name proves nothing, and eyes find patterns in anything. So measure, over all places of all test names:
# how much of its weight does a head put on the place itself, on the one before, on the start, on vowels?
# These overlap (the one before may be a vowel), and some weight lies there by chance: what the plain average
# puts there is the yardstick. And how large is the largest weight, wherever it lies? A head that decides has
# it near 1, one that only averages has it no larger than the average.

# %%
inputs, targets = batch(test_rows)  # (B, T)
B, T = inputs.shape
with torch.no_grad():
    maps = torch.stack(gpt(gpt_weights, inputs)[2])  # (L, B, H, T, S)
plain = torch.ones(T, T).tril()
plain = (plain / plain.sum(1, keepdim=True)).expand(1, B, T, T)
every = torch.cat([maps.transpose(1, 2).flatten(0, 1), plain])  # (L H + 1, B, T, S), the average last
real = targets >= 0  # (B, T): places that look, without padding,
real[:, 0] = False  # and without the start, which has nothing to choose from


def mean_over(what: Tensor) -> Tensor:
    """What the weights find on average: (B, T, S) or smaller, weighted and summed: (L H + 1,)."""
    return (every * what).sum(-1)[:, real].mean(1)


back = torch.arange(T)[:, None] - torch.arange(T)  # (T, S): how far back
vowel = torch.isin(inputs, ids_of("aeiou")[0, 1:])  # (B, S)
shares = {
    "itself": mean_over(back == 0),
    "one back": mean_over(back == 1),
    "start": mean_over(torch.arange(T) == 0),
    "vowels": mean_over(vowel[:, None]),
    "largest": every.amax(-1)[:, real].mean(1),
}
distance = mean_over(back)
heads = [f"block {b + 1}, head {h + 1}" for b in range(L) for h in range(H)]

# %% tags=["hide-input"]
grid = torch.stack(list(shares.values()), 1) * 100  # (L H + 1, 5), percent
fig, ax = plt.subplots(figsize=(7, 7.5))
image = ax.imshow(grid, cmap="Blues", vmin=0, vmax=100, aspect="auto")
for row in range(len(grid)):
    for column in range(len(shares)):
        share = grid[row, column]
        ax.text(
            column, row, f"{share:.0f}", ha="center", va="center", color="white" if share > 60 else "black"
        )
ax.set_xticks(range(len(shares)), list(shares))
ax.set_yticks(range(len(grid)), [*heads, "the plain average"])
ax.axhline(len(heads) - 0.5, color="black")
ax.set_title("Where the heads put their weight, test names")
ax.set_xlabel("place looked at; the largest weight")
ax.set_ylabel("head")
fig.colorbar(image, ax=ax, label="share of the weight (%)", shrink=0.6)
show(
    "the numbers far from those in the last row, which are what averaging gives. A head may be near them in the first four "
    "columns and far in the last: it looks at one place firmly, but at which depends on the name."
)

# %% [markdown]
# For each of three places the head that puts most weight there, no head twice, and how far back the heads look on
# average. A share only a little above the average's is hardly a habit. And since the heads of a block are
# interchangeable, which of them gets a habit is chance.

# %%
picked = {}
for place in ("one back", "start", "vowels"):
    share = shares[place]
    by_share = share[:-1].argsort(descending=True).tolist()  # the heads, the largest share first
    picked[place] = next(h for h in by_share if h not in picked.values())  # the first that is not taken
    mine, average = share[picked[place]], share[-1]
    print(f"{place:9} {heads[picked[place]]}: {mine:4.0%} of its weight, the average {average:4.0%}")
near, far = int(distance[:-1].argmin()), int(distance[:-1].argmax())
print(f"shortest distance: {heads[near]}, {distance[near]:.1f} characters back on average")
print(f"longest distance:  {heads[far]}, {distance[far]:.1f}; the average {distance[-1]:.1f}")

# %% tags=["hide-input"]
if not FAST:
    assert shares["one back"][picked["one back"]] > 1.5 * shares["one back"][-1]
    assert distance[near] < 0.9 * distance[-1]
    assert (shares["largest"][:-1] > shares["largest"][-1]).all()  # all of them do more than average

# %% [markdown]
# Only the first of the three has a habit. The other two are the first among their kind, but put hardly more weight on
# the start, or on vowels, than plain averaging does. So the titles of the next figure give the share, and the
# average's beside it, and no name.
#
# These three heads on three names, none of them among the training names.

# %% tags=["hide-input"]
fig, axes = plt.subplots(3, 3, figsize=(9, 10), layout="constrained")
for row, (place, head) in zip(axes, picked.items()):
    b, h = divmod(head, H)
    for ax, each in zip(row, fresh[:3]):
        with torch.no_grad():
            ax.imshow(gpt(gpt_weights, ids_of(each))[2][b][0, h], cmap="Blues", vmin=0, vmax=1)
        letters = list("." + each)
        ax.set_xticks(range(len(letters)), letters)
        ax.set_yticks(range(len(letters)), letters)
    share, average = shares[place][head], shares[place][-1]
    on = {"one back": "the place before", "start": "the start", "vowels": "vowels"}[place]
    title = f"{heads[head]}: {share:.0%} of its weight on {on}, the average {average:.0%}"
    row[1].set_title(title, fontsize=10)
    row[0].set_title(f"{b + 1}.{h + 1}", fontsize=10)
    row[2].set_title(f"{b + 1}.{h + 1}", fontsize=10)
fig.supxlabel("place looked at")
fig.supylabel("place that looks")
show(
    "how steady a head is. With all its weight one back, the first row would be dark just below the diagonal; all on the "
    "start, the second would be dark in its first column; all on vowels, the third in the columns of a, e, i, o, u. Where "
    "that is not so, the rest of the name decides."
)

# %% [markdown]
# ### Your own name
#
# And yours? Put it in, in lower case and with the letters a to z only. For each letter: how likely the GPT found it, and
# to which earlier place the head with the habit of looking one back gave most of its weight.

# %%
yours = "emma"  # put your own name here

with torch.no_grad():
    logits, _, maps = gpt(gpt_weights, ids_of(yours))  # (1, T, V)
p = logits[0].softmax(-1)  # (T, V)
b, h = divmod(picked["one back"], H)  # divmod(7, 4) is (1, 3): how often 4 fits, and what is left
written, characters = "." + yours, "." + "abcdefghijklmnopqrstuvwxyz"
total = 0.0
for t, letter in enumerate(yours + "."):
    its_p = p[t, characters.index(letter)].item()
    total -= math.log(its_p)
    guess, at = characters[int(p[t].argmax())], int(maps[b][0, h, t].argmax())
    what = f"first guess {guess}   looks at place {at}, {written[at]}"
    print(f"{written[: t + 1]:>16} -> {letter} {its_p:6.1%}   {what}")
print(f"the whole name: -log p = {total:.2f}")

# %% [markdown]
# The smaller the last number, the more ordinary the name. `makemore score` and `makemore explain` print the like for a
# trained run.

# %% [markdown]
# A map shows where a head reads, not whether the model needs it. For that, take the head out: with its
# columns in `out` at zero it writes nothing into the stream. How much worse does the model get?


# %%
def without(b: int, h: int) -> dict[str, Tensor]:
    """The trained weights, head h of block b silenced."""
    out = gpt_weights[f"blocks.{b}.out.weight"].detach().clone()  # (C, C), D columns for each head
    out[:, h * C // H : (h + 1) * C // H] = 0
    changed = dict(gpt_weights)  # a copy of the dict; the other tensors are shared
    changed[f"blocks.{b}.out.weight"] = out
    return changed


gpt_loss = mean_loss(logits_of, gpt_weights, test_rows)
rises = [mean_loss(logits_of, without(b, h), test_rows) - gpt_loss for b in range(L) for h in range(H)]
print(f"most needed: {heads[rises.index(max(rises))]}, without it the loss rises by {max(rises):.3f}")

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 4))
for ax, values, title, label in (
    (axes[0], distance[:-1].tolist(), "How far back a head looks", "mean distance (characters)"),
    (axes[1], rises, "What the loss rises without it", "rise (nats per token)"),
):
    for b in range(L):
        ax.bar(range(b * H, b * H + H), values[b * H : b * H + H], label=f"block {b + 1}")
    ax.set_title(title)
    ax.set_xlabel("head of the block")
    ax.set_ylabel(label)
    ax.set_xticks(range(L * H), [h + 1 for _ in range(L) for h in range(H)], fontsize=9)
axes[0].axhline(distance[-1], color="black", linestyle="--", label="plain average")
axes[0].set_ylim(0, 1.5 * distance.max().item())
axes[0].legend(fontsize=9, ncols=2)
show(
    "the heads whose bar on the right is high: the model leans on them. Compare with how far they look, on the left."
)
if not FAST:
    assert max(rises) > 0.03

# %% [markdown]
# ## The number to compare with
#
# The README of makemore claims about 1.92 for this shape; reruns of the same program with several seeds gave
# 1.95 to 2.03. It keeps the weights of the step that did best *on the test names*, which is kind to itself. The
# library trains it with dropout, and takes a part of its targets from a 6-gram (the teacher of lesson 5), which
# is meant to help with names that it has not seen. Ours has no dropout, no teacher, and keeps the weights of
# the last step. But it has one thing that makemore.py has not: Muon, where makemore.py has AdamW. Lesson 12
# finds that Muon is worth about a tenth of a nat in short trainings, more than the gap to those reruns; so where
# ours is ahead, thank the optimiser.

# %%
bow_loss = mean_loss(bow, bow_weights, test_rows)
beside("bag of words, 36,571 weights", bow_loss, 2.1604, "the library, more tokens")
beside("GPT, 204,544 weights", gpt_loss, 1.92, "makemore README, claimed")
beside("the same", gpt_loss, 1.95, "makemore.py rerun, best seed")
beside("the same", gpt_loss, 2.03, "makemore.py rerun, worst seed")
beside("the same", gpt_loss, 1.8870, "the library, this split")

# %% tags=["hide-input"]
assert sum(weight.numel() for weight in bow_weights.values()) == 36_571
if not FAST:
    assert 2.10 < bow_loss < 2.22
    assert gpt_loss < bow_loss - 0.15
    assert gpt_loss < 2.0
    assert gpt_curve[-1][1] < gpt_curve[-1][2] - 0.02  # training names have become easier than others

# %% [markdown]
# Do the test names that are in training too flatter us? Here is the loss without them, beside the library's
# figures on its own split, where no name is on two sides. (Those are other names, so compare with care.) The
# last line says how much the loss rises when the names seen in training are left out.

# %%
fresh_loss = mean_loss(logits_of, gpt_weights, fresh_rows)
print("test names that are in training too:", round(mean_loss(logits_of, gpt_weights, both_rows), 4))
beside("test names that are not, GPT", fresh_loss, 1.9554, "the library, leak-free split")
bow_fresh = mean_loss(bow, bow_weights, fresh_rows)
beside("test names that are not, bag of words", bow_fresh, 2.1851, "the same")
print(f"flattered by: GPT {fresh_loss - gpt_loss:.3f}, bag of words {bow_fresh - bow_loss:.3f}")

# %% tags=["hide-input"]
if not FAST:
    assert fresh_loss - gpt_loss > 0.02 > abs(bow_fresh - bow_loss)

# %% [markdown]
# That rise has two possible causes: the model knows those names by heart, or they are easier than others. The bag
# of words has forgotten the order and can hardly know a name by heart, and its loss hardly changes. So the names
# are not much easier, for that model at least, and most of the GPT's rise is likely to be memory. To be sure one
# would have to train it without those names, as lesson 4 did with its network.

# %% [markdown]
# ## The same through the library
#
# The weights have the library's names, so its `transformer` loads them. Same ids, same logits; the state that it
# carries is our keys and values; and a step with the state is what the whole line gives.

# %%
from makemore.models import build, configure

model = build(
    "transformer", V, configure("transformer", corpus.longest, n_layer=L, n_head=H, n_embd=C, dropout=0.0)
)
model.load_state_dict(gpt_weights)
model.eval()
with torch.no_grad():
    inputs, _ = batch(test_rows[:50])  # (B, T)
    ours, ours_past, _ = gpt(gpt_weights, inputs)
    theirs, state = model(inputs)
    steps, going = [], None
    for t in range(inputs.shape[1]):
        step, going = model(inputs[:, t : t + 1], going)  # one character and what came before
        steps.append(step[:, 0])
print("transformer: the same logits, to", f"{(ours - theirs).abs().max():.0e}")
print("one character at a time: the same, to", f"{(torch.stack(steps, 1) - theirs).abs().max():.0e}")

# %% tags=["hide-input"]
assert torch.allclose(ours, theirs, atol=1e-4)
assert state[0].shape == (50, inputs.shape[1], H, C // H)  # (B, S, H, D)
assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(ours_past, state))
assert torch.allclose(torch.stack(steps, 1), theirs, atol=1e-4)
assert not sees_ahead(lambda idx: model(idx)[0], ids_of(name))

# %% [markdown]
# And `bow` is our average, which it computes in a fourth way: a running sum and a count, its state.

# %%
with torch.no_grad():
    bag = build("bow", V, configure("bow", corpus.longest)).eval()
    bag.load_state_dict(bow_weights)
    its_logits, state = bag(inputs)
    apart = (bow(bow_weights, inputs) - its_logits).abs().max()
print("bow: the same, to", f"{apart:.0e}")
print("shapes of its state:", [tuple(part.shape) for part in state])

# %% tags=["hide-input"]
assert apart < 1e-4

# %% [markdown]
# That state is all an average needs to know of the past, however long. Attention has its price here: its
# state grows with the line. The library's sampler steps any model by its state, and computes names that have
# begun alike only once.

# %%
from makemore.sampling.draw import sample
from makemore.sampling.options import SampleOptions

drawn = [line.text for line in sample(model, corpus.vocab, 1000, SampleOptions(max_length=15, seed=1))]
print(drawn[:12])
copies = sum(line in known for line in drawn) / len(drawn)
print(f"{copies:.0%} of 1,000 samples are training names, letter for letter")

# %% [markdown]
# ## What is still wrong
#
# Much of this was taken on trust. Why Muon, why this learning rate, and why so many steps? Is a gap of a
# hundredth between two models an effect, or the luck of a seed and of a thousand names? And the dashed line in
# the figure of learning says that this model has begun to know its training names better than names; nothing
# above stops it, and some of the copies just counted will be its work too. (Only some: real names are likely,
# so a perfect model would make many of them. Lesson 15 tells the two apart.) Lesson 12 answers these
# questions by experiment. The shape of the model is that of 2019, and lesson 13 brings it up to date. And our
# dictionaries of weights are not how others write PyTorch: that is the next lesson.
#
# *To read and watch:*
#
# * Vaswani and others, [Attention Is All You Need](https://arxiv.org/abs/1706.03762) (2017).
# * [The Annotated Transformer](https://nlp.seas.harvard.edu/annotated-transformer/): that paper line by line, as a program.
# * Andrej Karpathy, *Let's build GPT*, in [Neural Networks: Zero to Hero](https://karpathy.ai/zero-to-hero.html), and
#   [nanoGPT](https://github.com/karpathy/nanoGPT): the same at the size of GPT-2.
#
# ## Exercises
#
# `makemore lessons start 10` puts this lesson and a file `exercises.py` into the directory `lesson-10`. Fill in
# its three functions, then let `makemore lessons check 10` tell you how you did.
#
# 1. `window_attention`: attention that sees only a few places back.
# 2. `window_step`: the same one place at a time, with cached keys and values that stop growing.
# 3. `influence`: find out which inputs any model's outputs depend on. It catches every model that looks ahead.
#
# **The open challenge.** Build a model of names whose only way to look back is attention, with as many blocks, heads and
# channels as you like, and train it. Write it in `challenge.py`; `makemore lessons check 10 challenge` trains it on
# makemore's training names, scores it on the validation names and keeps a board of your tries. The goal is 1.99
# nats per token.
