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
# # 3. Learning the table
#
# *Before this: lesson 2. Allow 3 hours.*
#
# ## What you will be able to do
#
# * say why a one-hot vector times a matrix picks a row, and read a weight as the logarithm of a count;
# * write the loop that trains every model of this course, with torch's autograd, and check it against your own gradient;
# * say why the rare pairs come last, and why stopping early leaves something for pairs that were never seen;
# * say what a penalty on large weights does.
#
# ## The idea
#
# Lesson 2 went downhill with an engine of our own, and found lesson 1's table. Now torch does the work, and the table
# becomes what it is for the rest of the course: the simplest *neural network*, one matrix of weights. Start with noise.
# Measure the loss. Let autograd say for each weight whether the loss falls when it goes up or when it goes down; move
# all of them a little that way. Do it again, some thousands of times.
#
# Why dwell on a table that counting finds at once? Because it is the one place where we know what must come out: no table
# fits the names better than their own counts. So one can look closely at what descent does, what it does first, and what it
# never quite does. All of it will be true of larger networks too, where nobody knows the answer.
#
# ![a, as a one-hot vector, picks row a of W; softmax turns the row into probabilities p of what follows; n
# came, so a little of p minus one-hot n is taken from row a](pictures/03_learning.svg)

# %%
import time

import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

import makemore
from makemore.course import FAST, beside, names, show

words = names()[:3000] if FAST else names()
itos = [".", *sorted(set("".join(words)))]  # id -> character
stoi = {character: i for i, character in enumerate(itos)}  # character -> id
V = len(itos)


def pairs_of(some: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Names to their pairs: this character (M,) and the next one (M,)."""
    stream = torch.tensor([0] + [stoi[c] for word in some for c in word + "."])
    return stream[:-1], stream[1:]


x, y = pairs_of(words)
M = len(x)
N = torch.bincount(x * V + y, minlength=V * V).view(V, V)  # lesson 1's counts
n = N.sum(1, keepdim=True)  # (V, 1): how often each character was followed by anything
P = N / n  # lesson 1's table
best = -P.double()[x, y].log().mean().item()
print(f"{M:,} pairs; lesson 1's table has a loss of {best:.4f}")

# %% [markdown]
# ## Building it
#
# ### A row for each character
#
# A network multiplies and adds. The id 5 is not an amount, and it makes no sense to multiply it: `e` is not
# five times `a`. So a character goes in as V numbers that are all 0, but for a 1 at its own place. That is
# called *one-hot*.
#
# **Before you run it:** how many of the 27 x 5 numbers that stand for `.emma` are 1?

# %%
ids = torch.tensor([0, *(stoi[c] for c in "emma")])  # (T,): what stands before e, m, m, a and the end
onehot = F.one_hot(ids, V).float()  # (T, V)
print("  ", "".join(itos))
for i, row in zip(ids, onehot):
    print(itos[i], "", "".join("1" if number else "·" for number in row))

# %% [markdown]
# Five, one for each character. The network is one matrix `W` of weights, filled with noise for now: `torch.randn` draws *normal* numbers,
# most of them between -2 and 2, with mean 0 and standard deviation 1. (`F.one_hot` returns whole numbers, hence
# `.float()`; without its second argument it would guess V from the largest id.) One-hot times `W`: of the V
# products in each sum all but one are 0 times something. What is left over is a row of `W`.

# %%
noise = torch.randn(V, V, generator=torch.Generator().manual_seed(2147483647))
W = noise.clone()  # (V, V)
logits = onehot @ W  # (T, V) @ (V, V) -> (T, V)
print(
    "the same numbers:",
    [round(v, 2) for v in logits[1, :4].tolist()],
    [round(v, 2) for v in W[5, :4].tolist()],
)

# %% tags=["hide-input"]
assert torch.equal(logits, W[ids])

# %% [markdown]
# So nobody multiplies. `W[ids]` does the same, and needs no zeros.
#
# ### From any numbers to probabilities
#
# Lesson 2 made logits into probabilities by the *softmax*: `exp` makes every number positive, as counts are, and counts can
# be divided by their sum. Read backwards, it says what a weight is: **the logarithm of a count, up to a constant for each
# row.** Think of a recipe: `exp(weight)` is how many parts of a character go into its row. 0 is one part, a
# negative weight less than one part, and only the proportions matter. To see it, put logarithms of counts in.
#
# **Before you run it:** add 7 to all 27 logits of a row. What becomes of its probabilities?


# %%
def softmax(logits: torch.Tensor) -> torch.Tensor:
    """Logits (..., V) to probabilities (..., V)."""
    counts = (logits - logits.amax(-1, keepdim=True)).exp()  # amax: the largest of each row; none above 1
    return counts / counts.sum(-1, keepdim=True)


print("softmax of log N is P, to", f"{(softmax(N.log()) - P).abs().max():.0e}")
print("with 7 added to all logits:", f"{(softmax(N.log() + 7) - P).abs().max():.0e}")
print("exp(100) in float32:", torch.tensor(100.0).exp().item())

# %% tags=["hide-input"]
assert torch.allclose(softmax(N.log()), P)
assert torch.allclose(softmax(N.log() + 7), P, atol=1e-6)
assert torch.allclose(softmax(W), W.softmax(1))  # torch has it too

# %% [markdown]
# Nothing but rounding. Adding 7 to a row multiplies all its counts by the same factor, and the division takes the factor
# out again: that is the constant for each row. So only differences within a row mean anything. That freedom has a use:
# with the largest logit of each row taken away first, no `exp` can overflow. (`exp(100)` is infinite in numbers of 32 bits.)
#
# | expression | in | out |
# | --- | --- | --- |
# | `F.one_hot(ids, V)`, ids `[0, 5]` | (2,) | two rows of V numbers, 1 at place 0 and at place 5, (2, V) |
# | `onehot @ W`, the matrix product | (2, V), (V, V) | rows 0 and 5 of W, (2, V) |
# | `softmax([0, log 3])` | (2,) | `[0.25, 0.75]`: 1 part to 3 |
# | `F.cross_entropy([[0, log 3]], [1])`, of the next section | (1, 2), (1,) | 0.288, which is -log 0.75 |
#
# ### The loss, by indexing
#
# As in lesson 1: the mean of -log p over all pairs. Each pair asks for one of the V probabilities in its row,
# the one of the character that came. Indexing with two lists picks them all.

# %%
p = softmax(W[x])  # (M, V): a row for each pair
loss = -p[torch.arange(M), y].log().mean()  # one probability a row
even = torch.tensor(float(V)).log()
print(f"noise {loss:.4f}, guessing {even:.4f}, lesson 1 {best:.4f}")

# %% tags=["hide-input"]
assert torch.allclose(loss, F.cross_entropy(W[x], y))
assert loss > even

# %% [markdown]
# `F.cross_entropy` is all of it in one call, from logits to loss. Noise is worse than guessing: it is sure of
# things that are not so.
#
# ### Which way is down
#
# Lesson 2 found the gradient of the loss of one pair by its row of logits:
#
# $$\frac{d\,\text{loss}}{d\,\text{logits}} = p - \text{onehot}(y)$$
#
# Descent goes against it. Every logit is pushed down by its own probability, and the one of the character that came is
# pushed up by 1. The pushes add up to 0. A model that was right and sure is left alone, one that was wrong and sure gets
# the hardest push. The loss is a mean over M pairs, so each push is divided by M.
#
# From here on *autograd* finds gradients, torch's own and much larger version of what you wrote. `requires_grad_()` tells
# it to keep a record of all that is computed from `W`. `backward()` walks back through the record, from the loss to `W`, and
# *adds* the gradient to `W.grad`. For tensors on the way it throws the gradient away, unless `retain_grad()` asks for it.
# `detach()` gives the same numbers without the record.

# %%
W.requires_grad_()
logits = W[x]  # (M, V)
logits.retain_grad()
loss = F.cross_entropy(logits, y)
loss.backward()  # autograd's way

push = softmax(logits.detach())  # ours
push[torch.arange(M), y] -= 1
push /= M
print(f"pushes up to {push.abs().max():.1e}, at most {(logits.grad - push).abs().max():.0e} from autograd's")

# %% tags=["hide-input"]
assert torch.allclose(logits.grad, push, atol=1e-11)

# %% [markdown]
# ### Back to counts
#
# Row a of `W` was used by every pair that begins with a, so their pushes are added. There are $n_a$ of them. Each pushes
# entry b by $p(b \mid a)$, and $N_{ab}$ of them also by -1:
#
# $$\frac{d\,\text{loss}}{d W_{ab}} = \frac{n_a\,p(b \mid a) - N_{ab}}{M} = \frac{\text{expected count} - \text{count}}{M}$$
#
# That is worth a pause. But for the M, the gradient says *how many times too often the model expects the
# pair*. It is 0 everywhere when each pair is expected as often as it occurs, and that is lesson 1's table.
# Descent cannot end anywhere else.
#
# It also saves work, as in lesson 2. Pairs enter by their counts only, so V x V numbers with the counts as weights do for
# all M rows.


# %%
def mean_nll(W: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Mean of -log p over counted pairs: logits W (V, V), counts (V, V)."""
    return -(counts * W.log_softmax(1)).sum() / counts.sum()


def by_row(W):
    return F.cross_entropy(W[x], y)


def by_count(W):
    return mean_nll(W, N)


W = noise.double().requires_grad_()  # float64: in a sum of so many rows, float32 rounds visibly
losses, gradients, seconds = [], [], []
for loss_of in (by_row, by_count):
    times = []
    for _ in range(3):
        W.grad = None
        before = time.perf_counter()
        loss = loss_of(W)
        loss.backward()
        times.append(time.perf_counter() - before)
    losses.append(loss.item())
    gradients.append(W.grad)
    seconds.append(min(times))
print(f"loss {losses[0]:.4f} and {losses[1]:.4f}")
print(f"largest gradient {gradients[0].abs().max():.4f}", end=", ")
print(f"largest difference {(gradients[0] - gradients[1]).abs().max():.0e}")
print(f"a step takes {1000 * seconds[0]:.1f} ms with rows, {1000 * seconds[1]:.2f} ms with counts")


# %% tags=["hide-input"]
assert abs(losses[0] - losses[1]) < 1e-9
assert torch.allclose(gradients[0], gradients[1])
assert torch.allclose(gradients[1], (n * softmax(W.detach()) - N) / M)

# %% [markdown]
# ### Going down
#
# The same gradient, in a small part of the time.
#
# Here is the loop that trains every model in this course: loss, gradient, a step against it. The *learning
# rate* says how long the step is. 50 would be absurd for other models. Here the loss is a mean over all pairs,
# and any one weight has a say in few of them, so gradients are tiny. The step itself stands under `no_grad`,
# which stops the record: it is no part of the loss, and not to be differentiated.

# %%
rate = 50.0
W = noise.clone().requires_grad_()
for step in range(101):
    loss = mean_nll(W, N)
    W.grad = None  # else gradients of earlier steps add up
    loss.backward()
    with torch.no_grad():
        W -= rate * W.grad
    if step % 20 == 0:
        print(f"step {step:3}  loss {loss.item():.4f}")

# %% tags=["hide-input"]
assert best < loss < even

# %% [markdown]
# Most of the way is done in a few dozen steps. The rest needs patience, so from now on we use the gradient we
# found ourselves, in a function. It has a penalty too, for later.


# %%
def descend(
    counts: torch.Tensor, W: torch.Tensor, rate: float, steps: int, penalty: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor]:
    """Full-batch gradient descent on mean_nll(W, counts) + penalty * mean(W²).

    Returns the last W (V, V), and mean_nll before every step (steps,).
    """
    n, M = counts.sum(1, keepdim=True), counts.sum()  # (V, 1), ()
    losses = []
    for _ in range(steps):
        logp = W.log_softmax(1)  # (V, V)
        losses.append(-(counts * logp).sum() / M)
        W = W - rate * ((n * logp.exp() - counts) / M + 2 * penalty * W / V**2)
    return W, torch.stack(losses)


by_hand, losses = descend(N, noise, rate, 101)

steps = 300 if FAST else 20_000
tables, curves = {}, {}
for some_rate in (5.0, 50.0, 500.0):
    tables[some_rate], curves[some_rate] = descend(N.double(), noise.double(), some_rate, steps)
    print(f"rate {some_rate:3.0f}: after {steps:,} steps {curves[some_rate][-1]:.4f}")
learned = tables[rate]

# %% tags=["hide-input"]
assert torch.allclose(losses[-1], loss.detach(), atol=1e-3)

# %% [markdown]
# The loss gets as close to lesson 1's as we like, so the picture shows what is still missing, on logarithmic
# axes.

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
for some_rate, losses in curves.items():
    ax.loglog(range(1, steps + 1), losses - best, label=f"learning rate {some_rate:.0f}")
ax.set_title("How far the learned table is from the counted one")
ax.set_xlabel("step")
ax.set_ylabel(f"loss above {best:.4f} (nats per token)")
ax.legend()
show(
    "the slope. Ten times the steps leave a tenth of what was missing. Ten times the rate does it in a tenth of "
    "the steps, and ten times more than that throws the weights about."
)
if not FAST:
    assert curves[50.0][-1] < curves[5.0][-1] < best + 2e-3 < even < curves[500.0][-1]

# %% [markdown]
# ### A penalty on large weights
#
# What is still missing after so many steps? A pair that never occurs ought to have probability 0, and its
# logit sinks towards minus infinity for as long as we let it. Lesson 1 said why that is not even desirable,
# and added `s` to each count. Networks are usually given another pull, a penalty on large weights:
#
# $$\text{loss} = \text{mean}(-\log p) + \text{penalty} \cdot \text{mean}(W^2)$$
#
# It draws every weight towards 0, and with all weights 0 all characters are equally likely. $\text{mean}(W^2)$ is a sum of $V^2$
# squares divided by $V^2$, and a square $W_{ab}^2$ has the slope $2 W_{ab}$ (lesson 2). So the gradient gains one more
# term, and descent comes to rest where the two terms add up to 0:
#
# $$\frac{\text{expected count} - \text{count}}{M} + \frac{2 \cdot \text{penalty} \cdot W_{ab}}{V^2} = 0$$
#
# `descend` has it in its last line. Adding such a pull is called *regularisation*.

# %%
print("penalty   loss without the penalty   mean(W²)   probability of q after q, which never occurs")
for penalty in (0.001, 0.01, 0.1, 1.0):
    W, losses = descend(N.double(), torch.zeros(V, V).double(), rate / (1 + penalty), steps // 4, penalty)
    q = W[stoi["q"]].softmax(0)[stoi["q"]]
    print(f"{penalty:7}   {losses[-1]:24.4f}   {(W**2).mean():8.2f}   {q:.5f}")

# %% tags=["hide-input"]
assert N[stoi["q"], stoi["q"]] == 0

# %% [markdown]
# The stronger the penalty, the smaller the weights, the worse the fit to the counted names, and the more is left for a
# pair that was never seen. That is what smoothing did in lesson 1. Are the two the same? The next section says how far.
#
# ### Two ways to pull a table flat
#
# *Optional: skip it at first reading.* Nothing later needs it.
#
# **With fake data.** Write every possible pair once under the list, and train on that. Nothing else changes,
# and since the counts are now those of lesson 1 with s = 1, so is the table.


# %%
def smoothed(counts: torch.Tensor, s: float) -> torch.Tensor:
    """Counts (V, V) to probabilities (V, V), every count raised by s: lesson 1."""
    return (counts + s) / (counts + s).sum(1, keepdim=True)


every = torch.arange(V)
x_more = torch.cat([x, every.repeat_interleave(V)])  # (M + V²,): at the end each character V times,
y_more = torch.cat([y, every.repeat(V)])  # (M + V²,): and each other one after it
N_more = torch.bincount(x_more * V + y_more, minlength=V * V).view(V, V).double()
with_fakes, _ = descend(N_more, torch.zeros(V, V).double(), rate, steps)
difference = (with_fakes.softmax(1) - smoothed(N, 1)).abs().max()
print(f"learned with fake pairs, and smoothed with s = 1: at most {difference:.0e} apart")

# %% tags=["hide-input"]
assert torch.equal(N_more, N + 1.0)
assert FAST or difference < 0.01

# %% [markdown]
# **With a penalty.** With all weights 0 the table is even, and so it is with a very large s. Do
# the two come to the same? Write down where each comes to rest, for one pair. Here n is the sum of the counts
# in its row, p the probability, and so n p the expected count. Smoothing is a fraction; multiply by its
# denominator:
#
# $$p = \frac{\text{count} + s}{n + s V} \quad\Rightarrow\quad n p = \text{count} + s\,(1 - V p)$$
#
# With the penalty, multiply the equation of the last section by M:
#
# $$n p = \text{count} - c\,W, \qquad c = 2 \cdot \text{penalty} \cdot M / V^2$$
#
# Both lift what is rarer than even, and press down what is more common. Smoothing goes by how far $V p$ is
# from 1. The penalty goes by $W$, which is $\log(V p)$ but for a constant of the row. The constant decides nothing:
# expected counts and counts have the same sum n in a row, so the lifts of a row must add up to 0, and the
# constant is whatever makes them do so. (Those of smoothing add up to 0 anyway.) Near 1, $\log(V p)$ is about
# $V p - 1$. So this much can be foretold: *pulls so strong that the table is nearly even are the same, with
# s = c.* Weaker ones are alike but not the same, because for a pair that grows
# ever rarer the lift by the logarithm has no end, and that by $1 - V p$ stops at 1.
#
# To see it in numbers, take 1,000 names only, as lesson 1 did, because that is where a pull matters. For each
# penalty we look for the closest s. Two tables are *apart* by the share of characters they would have to
# choose differently: half the sum of the differences in a row, averaged over rows as often as they occur.

# %%
shuffled = [words[i] for i in torch.randperm(len(words), generator=torch.Generator().manual_seed(1))]
x_few, y_few = pairs_of(shuffled[:1000])
x_others, y_others = pairs_of(shuffled[1000:6000])
N_few = torch.bincount(x_few * V + y_few, minlength=V * V).view(V, V).double()
n_few, M_few, never = N_few.sum(1, keepdim=True), N_few.sum(), N_few == 0
amounts = torch.logspace(-3, 5, 1601).tolist()
candidates = torch.stack([smoothed(N_few, s) for s in amounts])  # (1601, V, V)


def apart(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Share of characters that two tables (..., V, V) would have to choose differently."""
    return ((p - q).abs() * n_few / M_few).sum((-2, -1)) / 2


# %% tags=["hide-input"]
assert (n_few > 0).all()

# %%
print("                          apart from    apart from    on pairs never seen")
print("penalty       c  closest s  that s     the counts    penalty   that s")
rows = []
for penalty in [10 ** (k / 2) for k in range(-6, 5, 5 if FAST else 1)]:
    W, _ = descend(N_few, torch.zeros(V, V).double(), rate / (1 + penalty), steps, penalty)
    p, c = W.softmax(1), (2 * penalty * M_few / V**2).item()
    assert FAST or (n_few * p - N_few + c * W).abs().max() < 0.1  # at rest, to a tenth of a count
    distances = apart(candidates, p)
    i = int(distances.argmin())
    off, moved = distances[i].item(), apart(p, N_few / n_few).item()
    unseen = [((n_few * table)[never].sum() / M_few).item() for table in (p, candidates[i])]
    assert unseen[0] > 0.999 * unseen[1]
    rows.append((c, amounts[i], off, moved, p))
    print(
        f"{penalty:7.3f} {c:7.2f} {amounts[i]:10.2f} {off:7.1%} {moved:14.1%} {unseen[0]:12.1%} {unseen[1]:9.1%}"
    )
c, s, off, moved, _ = rows[-1]

# %% tags=["hide-input"]
if not FAST:
    assert abs(s / c - 1) < 0.1  # the strongest: the same pull ...
    assert off < 0.01 * moved  # ... to the same table
    assert rows[0][2] > 0.2 * rows[0][3]  # the weakest: not the same table
    assert all(0.6 < s / c < 1.4 for c, s, *_ in rows)

# %% [markdown]
# The closest s stays near c all the way. How near the tables come is another matter. In the last lines they
# are one table: both have gone a long way from the counts, to the same place. In the first lines they have
# hardly left, and what lies between them is a good part of what either has moved. The last two columns say
# where they part: the penalty gives more to pairs that were never seen, as foretold. So regularising a network
# *is* smoothing in what it does, and in the limit to the letter. But the two are not the same function.
#
# *For those who know some statistics:* a pull is what one believes before seeing data, a *prior*.
# Fake counts are a Dirichlet prior on each row of probabilities. The penalty is a Gaussian prior on each
# weight, of variance 1 / c.
#
# Neither pull is right or wrong in itself. What counts is how lines do that were not seen.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(10, 4))
u = torch.logspace(-2, 0.5, 200)
axes[0].plot(u, 1 - u, label="smoothing: 1 - V p")
axes[0].plot(u, -u.log(), label="penalty: -log(V p)")
axes[0].axhline(0, color="black", linewidth=0.8)
axes[0].set_title("The lift of a pair")
axes[0].set_xlabel("V p: how probable, 1 being even")
axes[0].set_ylabel("lift (counts, for s = 1 or c = 1)")
strengths = [c for c, *_ in rows]
by_s = [-smoothed(N_few, c)[x_others, y_others].log().mean() for c in strengths]
by_c = [-p[x_others, y_others].log().mean() for *_, p in rows]
axes[1].semilogx(strengths, by_s, marker="o", label="smoothing")
axes[1].semilogx(strengths, by_c, marker="s", label="penalty")
axes[1].set_title("1,000 names learned, 5,000 others scored")
axes[1].set_xlabel("strength: s, or c = 2 * penalty * M / V²")
axes[1].set_ylabel("loss on the others (nats per token)")
for ax in axes:
    ax.legend()
show(
    "left: the formulas touch at 1 and part towards 0. Right: both fall a little, then rise, and the lowest "
    "points are nearly equal, so either pull will do."
)
assert FAST or abs(min(by_s) - min(by_c)) < 0.01
assert FAST or (0 < by_s.index(min(by_s)) < len(rows) - 1 and 0 < by_c.index(min(by_c)) < len(rows) - 1)

# %% [markdown]
# ## Looking inside
#
# The learned table beside the counted one.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 3, figsize=(10, 4), sharey=True)
marked = [stoi[c] for c in ".einrvz"]
for ax, table, title in zip(axes, (noise.softmax(1), learned.softmax(1), P), ("noise", "learned", "counted")):
    image = ax.imshow(table, cmap="Blues", vmin=0, vmax=0.5)
    ax.set_xticks(marked, [itos[i] for i in marked])
    ax.set_yticks(marked, [itos[i] for i in marked])
    ax.set_title(title)
    ax.set_xlabel("next character")
axes[0].set_ylabel("this character")
fig.colorbar(image, ax=axes, shrink=0.8, label="probability (0.5 and more: darkest)")
show("a difference between the last two. There is none that the eye can find.")

# %% [markdown]
# How did it get there? Here are all V x V pairs three times on the way. Where the gradient is 0, the expected
# count is the count: on the diagonal.

# %% tags=["hide-input"]
marks = [20, 100, steps] if FAST else [100, 1_000, steps]
fig, ax = plt.subplots(figsize=(7, 4.5))
on_the_way, done = noise.double(), 0
for mark, shape in zip(marks, "^so"):
    on_the_way, _ = descend(N.double(), on_the_way, rate, mark - done)
    done = mark
    expected = n * on_the_way.softmax(1)  # (V, V)
    ax.loglog(
        N.clamp(min=0.3).flatten(), expected.flatten(), shape, markersize=3, label=f"after {mark:,} steps"
    )
ax.plot([1, N.max()], [1, N.max()], color="black", linewidth=0.8, label="expected = count")
ax.set_xticks([0.3, 1, 10, 100, 1000], ["never", "1", "10", "100", "1,000"])
ax.set_title("What the model expects, pair by pair")
ax.set_xlabel("count of the pair")
ax.set_ylabel("expected count")
ax.legend()
show(
    "which pairs reach the diagonal first: the frequent ones, on the right. Pairs that never occur keep sinking."
)
assert torch.allclose(on_the_way, learned)
print(
    f"pairs never seen, expected count: {expected[N == 0].mean():.2f}  M / (rate * steps): {M / rate / steps:.2f}"
)
assert FAST or 0.4 < expected[N == 0].mean() * rate * steps / M < 1

# %% [markdown]
# The gradient of a pair is in proportion to how often it occurs. So the frequent is learned first, and a pair
# of count k has its turn after about M / (rate k) steps. A pair that never occurs has nothing to hold on to:
# the lower its expected count, the weaker the push. If nothing else in the row moved, about M / (rate t) would
# be left of it after t steps. The line printed above shows that it is less, though of that size: the other
# logits of the row rise meanwhile, and that takes away some more. In other words, *stopping early*
# leaves a little on everything that was never seen. It is a third way to smooth, and the only one that saves
# work.
#
# ### Your own name
#
# What does the table say of it? For each letter, the most likely guesses after the letter before, and the
# probability of the one that came. (`topk(3)` finds the three largest, and `indices` where they are.)

# %%
yours = "emma"  # put your own name here, in small letters from a to z

line = "." + yours + "."
for a, b in zip(line, line[1:]):
    p = learned[stoi[a]].softmax(0)  # (V,)
    guesses = ", ".join(f"{itos[i]} {p[i]:.2f}" for i in p.topk(3).indices)
    print(f"after {a}: most likely {guesses:24}   {b} came, with {p[stoi[b]]:.2f}")

# %% [markdown]
# With `emma` the table finds only a and the end likely. The second m is a surprise: after an m it expects an a, an i or an e.
#
# ## The number to compare with
#
# The learned table ought to have the loss of the counted one, and every row that occurs often enough ought to
# be the same. Makemore part 1 has a penalty of 0.01, and prints loss and penalty in one number after its
# last step. Ours is at rest, and so a little lower.

# %%
loss = mean_nll(learned, N).item()
beside(f"learned, rate 50, {steps:,} steps", loss, 2.4540, "makemore part 1, counted")
W, _ = descend(N.double(), noise.double(), rate, steps, penalty=0.01)
nll_part, pull_part = mean_nll(W, N).item(), (0.01 * (W**2).mean()).item()
beside("the same with 0.01 mean(W²) in the loss", nll_part + pull_part, 2.4818, "makemore part 1")
print(f"of which the penalty is {pull_part:.4f}")

difference = (learned.softmax(1) - P).abs()
often = (n >= 1000)[:, 0]
print(f"largest difference of two probabilities: {difference.max():.4f}")
print(f"in the {often.sum()} rows that occur 1,000 times or more: {difference[often].max():.4f}")

# %% tags=["hide-input"]
if not FAST:
    assert abs(loss - 2.454014) < 1e-3
    assert 2.478 < nll_part + pull_part < 2.4818
    assert difference[often].max() < 0.005
    assert difference.max() < 0.01

# %% [markdown]
# ## The same through the library
#
# `bigram_nn` is one parameter, `weight` (V, V), and looks its rows up. `written_out` is the product with
# one-hot vectors. The loss comes as a sum and a number of tokens, so that batches add up exactly. With our
# table in it, the library has our logits and our loss.

# %%
from makemore.models import build, configure
from makemore.models.loss import nll

model = build("bigram_nn", V, configure("bigram_nn", longest=15))
with torch.no_grad():
    model.weight.copy_(learned)
    logits, _ = model(x[None])  # (1, M) -> (1, M, V)
    assert torch.equal(logits[0], learned.float()[x])
    assert torch.equal(model.written_out(ids[None])[0], logits.new_tensor(learned.tolist())[ids])
    total, tokens = nll(logits, y[None])
print(f"{total / tokens:.4f} nats per token, ours {loss:.4f}")

# %% tags=["hide-input"]
assert abs(total / tokens - loss) < 1e-4

# %% [markdown]
# `makemore.train` learns the table from small batches of lines, with an optimiser that gives each weight a
# learning rate of its own. That is a later lesson. Its test lines are held out:

# %%
import tempfile

if not FAST:
    with tempfile.TemporaryDirectory() as directory:
        run = makemore.train("names", type="bigram_nn", work_dir=directory)
        print("losses:", {split: round(loss, 4) for split, loss in run.summary().nll.items()})
        print(run.sample(8, seed=1))
        assert abs(run.summary().nll["test"] - 2.4547) < 5e-3  # what counting reached

# %% [markdown]
# ## What is still wrong
#
# The names are as bad as before. It is the same table, found with more work. But look at what the work never
# asked: where the logits came from. One-hot, loss, gradient, step: all of it stays when `W[x]` is replaced by
# something that has seen three characters, or ten. A table would need a row for each context, and most
# contexts never occur. The next lesson has no rows to fill: it describes each character by a few numbers,
# learns those too, and so what it learns about one context helps with others like it.
#
# *To read and watch:*
#
# * Andrej Karpathy, [Neural Networks: Zero to Hero](https://karpathy.ai/zero-to-hero.html): the second half of makemore part 1 is this lesson.
# * PyTorch, [A gentle introduction to torch.autograd](https://docs.pytorch.org/tutorials/beginner/blitz/autograd_tutorial.html).
#
# ## Exercises
#
# `makemore lessons start 3` puts this lesson and a file `exercises.py` into the directory `lesson-3`. Fill in
# its three functions, then let `makemore lessons check 3` tell you how you did.
#
# 1. `loss_and_gradient`: both by hand, from pairs, with logits that would overflow.
# 2. `two_back`: a model of two characters back that no counting gives, and descent does.
# 3. `find_penalty`: a detective's: from a finished table, how strongly was it regularised?
#
# **The open challenge.** Learn a model of names with nothing but tables of logits that are added up, and gradient descent: a
# table for pairs of characters has 729 rows, and `near[b] + far[a]` of the second exercise is only the beginning. No hidden
# layer. `makemore lessons check 3 challenge` scores it on held-out names. Can you get below 2.10?
