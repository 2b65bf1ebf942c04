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
# *Before this: lesson 1. Allow 3 hours.*
#
# ## What you will be able to do
#
# * say why a one-hot vector times a matrix picks a row, and read a weight as the logarithm of a count;
# * work out the gradient of the loss by hand, and check it against autograd;
# * train a table by gradient descent until it is lesson 1's, and say why the rare pairs come last;
# * say in counts what regularisation does to a table.
#
# ## The idea
#
# Lesson 1 counted, and wrote its table down. Here the same table is found another way. Start with noise.
# Measure the loss. For each number in the table work out whether the loss falls when it goes up or when it
# goes down; move all of them a little that way. Do it again, some thousands of times.
#
# Why take the long way? Because counting makes tables and nothing else. The long way works for whatever has
# a loss that can be differentiated, and it trains every model from here to the Transformer. And this is the
# one place where we know what must come out: no table fits the names better than their own counts. So the
# loss has to come down to lesson 1's, and the table has to become lesson 1's.
#
# ![a, as a one-hot vector, picks row a of W; softmax turns the row into probabilities p of what follows; n
# came, so a little of p minus one-hot n is taken from row a](pictures/03_learning.svg)

# %%
import time
from collections.abc import Callable

import matplotlib.pyplot as plt
import torch
from torch.nn import functional as F

import makemore
from makemore.course import FAST, beside, names, show

words = names()
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

# %%
ids = torch.tensor([0, *(stoi[c] for c in "emma")])  # (T,): what stands before e, m, m, a and the end
onehot = F.one_hot(ids, V).float()  # (T, V)
print("  ", "".join(itos))
for i, row in zip(ids, onehot, strict=True):
    print(itos[i], "", "".join("1" if number else "·" for number in row))

# %% [markdown]
# The network is one matrix `W` of weights, filled with noise for now: `torch.randn` draws *normal* numbers,
# most of them between -2 and 2, with mean 0 and standard deviation 1. (`F.one_hot` returns whole numbers, hence
# `.float()`; without its second argument it would guess V from the largest id.) One-hot times `W`: of the V
# products in each sum all but one are 0 times something. What is left over is a row of `W`.

# %%
noise = torch.randn(V, V, generator=torch.Generator().manual_seed(2147483647))
W = noise.clone()  # (V, V)
logits = onehot @ W  # (T, V) @ (V, V) -> (T, V)
assert torch.equal(logits, W[ids])
print(
    "the same numbers:",
    [round(v, 2) for v in logits[1, :4].tolist()],
    [round(v, 2) for v in W[5, :4].tolist()],
)

# %% [markdown]
# So nobody multiplies. `W[ids]` does the same, and needs no zeros.
#
# ### From any numbers to probabilities
#
# Weights can be any numbers, negative ones too. Probabilities cannot. But `exp` makes every number positive, as
# counts are, and counts can be divided by their sum. That is the *softmax*, and the numbers that go in are
# *logits*. Read backwards, it says what a weight is: **the logarithm of a count, up to a constant for each
# row.** Think of a recipe: `exp(weight)` is how many parts of a character go into its row. 0 is one part, a
# negative weight less than one part, and only the proportions matter. To see it, put logarithms of counts in.


# %%
def softmax(logits: torch.Tensor) -> torch.Tensor:
    """Logits (..., V) to probabilities (..., V)."""
    counts = (logits - logits.amax(-1, keepdim=True)).exp()  # none above 1
    return counts / counts.sum(-1, keepdim=True)


assert torch.allclose(softmax(N.log()), P)
assert torch.allclose(softmax(N.log() + 7), P, atol=1e-6)
assert torch.allclose(softmax(W), W.softmax(1))  # torch has it too
print("softmax of log N is P, to", f"{(softmax(N.log()) - P).abs().max():.0e}")
print("exp(100) in float32:", torch.tensor(100.0).exp().item())

# %% [markdown]
# Adding 7 to a row multiplies all its counts by the same factor, and the division takes the factor out again:
# that is the constant for each row. So only differences within a row mean anything. That freedom has a use:
# with the largest logit of each row taken away first, no `exp` can overflow.
#
# ### The loss, by indexing
#
# As in lesson 1: the mean of -log p over all pairs. Each pair asks for one of the V probabilities in its row,
# the one of the character that came. Indexing with two lists picks them all.

# %%
p = softmax(W[x])  # (M, V): a row for each pair
loss = -p[torch.arange(M), y].log().mean()  # one probability a row
assert torch.allclose(loss, F.cross_entropy(W[x], y))
even = torch.tensor(float(V)).log()
print(f"noise {loss:.4f}, guessing {even:.4f}, lesson 1 {best:.4f}")
assert loss > even

# %% [markdown]
# `F.cross_entropy` is all of it in one call, from logits to loss. Noise is worse than guessing: it is sure of
# things that are not so.
#
# ### Which way is down
#
# A *derivative* is how much the loss changes for a tiny change of one number, divided by that change. The
# *gradient* is all the derivatives together, one for each number. Take one pair, and write its loss with the
# logits:
#
#     -log p[y] = -logit[y] + log(exp(logit[0]) + ... + exp(logit[V-1]))
#
# Now raise logit j by a tiny amount. The first term falls by that amount if j is y, and stays otherwise: its
# derivative is -1 or 0, a one-hot vector with the sign turned. In the second, the sum grows by
# `exp(logit[j])` times the amount, and a logarithm grows by what its argument grows *divided by* the
# argument: `exp(logit[j])` over the sum. But that is p[j]. Together:
#
#     gradient of the loss of one pair, by its logits = p - onehot(y)
#
# Descent goes against it. Every logit is pushed down by its own probability, and the one of the character
# that came is pushed up by 1. The pushes add up to 0. A model that was right and sure is left alone, one that
# was wrong and sure gets the hardest push. The loss is a mean over M pairs, so each push is divided by M.
#
# *Autograd* is the part of PyTorch that finds gradients by itself. `requires_grad_` tells it to keep a record
# of all that is computed from `W`. `backward` goes through the record from the loss back to `W`, and adds the
# gradient to `W.grad`. For tensors on the way it throws the gradient away, unless `retain_grad` asks for it.
# `detach` gives the same numbers without the record.

# %%
W.requires_grad_()
logits = W[x]  # (M, V)
logits.retain_grad()
loss = F.cross_entropy(logits, y)
loss.backward()  # autograd's way

push = softmax(logits.detach())  # ours
push[torch.arange(M), y] -= 1
push /= M
assert torch.allclose(logits.grad, push, atol=1e-11)
print(f"pushes up to {push.abs().max():.1e}, at most {(logits.grad - push).abs().max():.0e} from autograd's")

# %% [markdown]
# ### Back to counts
#
# Row `a` of `W` was used by every pair that begins with `a`, and gets all their pushes. There are `n[a]` of
# them. Each pushes entry `b` by p(b | a), and `N[a, b]` of them also by -1:
#
#     gradient of W[a, b] = (n[a] p(b | a) - N[a, b]) / M = (expected count - count) / M
#
# That is worth a pause. But for the M, the gradient says *how many times too often the model expects the
# pair*. It is 0 everywhere when each pair is expected as often as it occurs, and that is lesson 1's table.
# Descent cannot end anywhere else.
#
# It also saves work. Pairs enter by their counts only, so V x V numbers with the counts as weights do for
# all M rows.


# %%
def mean_nll(W: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Mean of -log p over counted pairs: logits W (V, V), counts (V, V)."""
    return -(counts * W.log_softmax(1)).sum() / counts.sum()


def clocked(loss_of: Callable[[], torch.Tensor]) -> tuple[float, torch.Tensor, torch.Tensor]:
    """Return the seconds that a loss and its gradient take, the best of 3, and both."""
    seconds = []
    for _ in range(3):
        W.grad = None
        before = time.perf_counter()
        loss = loss_of()
        loss.backward()
        seconds.append(time.perf_counter() - before)
    return min(seconds), loss.detach(), W.grad


W = noise.double().requires_grad_()  # float64: in a sum of so many rows, float32 rounds visibly
slow, loss_by_rows, by_rows = clocked(lambda: F.cross_entropy(W[x], y))
quick, loss_by_counts, by_counts = clocked(lambda: mean_nll(W, N))
assert torch.allclose(loss_by_rows, loss_by_counts)
assert torch.allclose(by_rows, by_counts)
assert torch.allclose(by_counts, (n * softmax(W.detach()) - N) / M)
print(f"loss {loss_by_rows:.4f} and {loss_by_counts:.4f}")
print(
    f"largest gradient {by_rows.abs().max():.4f}, largest difference {(by_rows - by_counts).abs().max():.0e}"
)
print(f"a step takes {1000 * slow:.1f} ms with rows, {1000 * quick:.2f} ms with counts")

# %% [markdown]
# ### Going down
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
assert torch.allclose(losses[-1], loss.detach(), atol=1e-3)

steps = 300 if FAST else 20_000
tables, curves = {}, {}
for some_rate in (5.0, 50.0, 500.0):
    tables[some_rate], curves[some_rate] = descend(N.double(), noise.double(), some_rate, steps)
    print(f"rate {some_rate:3.0f}: after {steps:,} steps {curves[some_rate][-1]:.4f}")
learned = tables[rate]

# %% [markdown]
# The loss gets as close to lesson 1's as we like, so the picture shows what is still missing, on logarithmic
# axes.

# %%
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
# ### Two ways to pull a table flat
#
# What is still missing after so many steps? A pair that never occurs ought to have probability 0, and its
# logit sinks towards minus infinity for as long as we let it. Lesson 1 said why that is not even desirable,
# and added `s` to each count. How does one do that to a network?
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
assert torch.equal(N_more, N + 1.0)
with_fakes, _ = descend(N_more, torch.zeros(V, V).double(), rate, steps)
difference = (with_fakes.softmax(1) - smoothed(N, 1)).abs().max()
print(f"learned with fake pairs, and smoothed with s = 1: at most {difference:.0e} apart")
assert FAST or difference < 0.01

# %% [markdown]
# **With a penalty.** Networks are usually given another pull, a penalty on large weights:
#
#     loss = mean(-log p) + penalty * mean(W²)
#
# It draws every weight towards 0. With all weights 0 the table is even, and so it is with a very large s. Do
# the two come to the same? Write down where each comes to rest, for one pair. Here n is the sum of the counts
# in its row, p the probability, and so n p the expected count. Smoothing is a fraction; multiply by its
# denominator:
#
#     p = (count + s) / (n + s V)
#     n p + s V p = count + s
#     n p = count + s (1 - V p)
#
# With the penalty, descent rests where the gradient is 0. mean(W²) is a sum of V² squares divided by V², and
# the square of a weight W has the derivative 2 W, so the penalty's gradient is 2 * penalty * W / V². It joins
# the gradient that we know; multiply by M:
#
#     (n p - count) / M + 2 * penalty * W / V² = 0
#     n p = count - c W                                    c = 2 * penalty * M / V²
#
# Side by side:
#
#     smoothing    expected count = count + s (1 - V p)
#     penalty      expected count = count - c W
#
# Both lift what is rarer than even, and press down what is more common. Smoothing goes by how far V p is
# from 1. The penalty goes by W, which is log(V p) but for a constant of the row. The constant decides nothing:
# expected counts and counts have the same sum n in a row, so the lifts of a row must add up to 0, and the
# constant is whatever makes them do so. (Those of smoothing add up to 0 anyway.) Near 1, log(V p) is about
# V p - 1. So this much can be foretold: *pulls so strong that the table is nearly even are the same, with
# s = c.* Weaker ones are alike but not the same, because for a pair that grows
# ever rarer the lift by the logarithm has no end, and that by 1 - V p stops at 1.
#
# To see it in numbers, take 1,000 names only, as lesson 1 did, because that is where a pull matters. For each
# penalty we look for the closest s. Two tables are *apart* by the share of characters they would have to
# draw differently: half the sum of the differences in a row, averaged over rows as often as they occur.

# %%
shuffled = [words[i] for i in torch.randperm(len(words), generator=torch.Generator().manual_seed(1))]
x_few, y_few = pairs_of(shuffled[:1000])
x_others, y_others = pairs_of(shuffled[1000:6000])
N_few = torch.bincount(x_few * V + y_few, minlength=V * V).view(V, V).double()
n_few, M_few, never = N_few.sum(1, keepdim=True), N_few.sum(), N_few == 0
assert (n_few > 0).all()
amounts = torch.logspace(-3, 5, 1601).tolist()
candidates = torch.stack([smoothed(N_few, s) for s in amounts])  # (1601, V, V)


def apart(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    """Share of characters that two tables (..., V, V) would have to draw differently."""
    return ((p - q).abs() * n_few / M_few).sum((-2, -1)) / 2


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
# *Optional, for those who know some statistics:* a pull is what one believes before seeing data, a *prior*.
# Fake counts are a Dirichlet prior on each row of probabilities. The penalty is a Gaussian prior on each
# weight, of variance 1 / c.
#
# Neither pull is right or wrong in itself. What counts is how lines do that were not seen.
#
# ## Looking inside
#
# The learned table beside the counted one.

# %%
fig, axes = plt.subplots(1, 3, figsize=(10, 4), sharey=True)
marked = [stoi[c] for c in ".einrvz"]
for ax, table, title in zip(
    axes, (noise.softmax(1), learned.softmax(1), P), ("noise", "learned", "counted"), strict=True
):
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

# %%
marks = [20, 100, steps] if FAST else [100, 1_000, steps]
fig, ax = plt.subplots(figsize=(7, 4.5))
on_the_way, done = noise.double(), 0
for mark, shape in zip(marks, "^so", strict=True):
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
# Last, the two pulls, as formulas and by what they are for: names that were not counted.

# %%
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
# ## The number to compare with
#
# The learned table ought to have the loss of the counted one, and every row that occurs often enough ought to
# be the same. Part 1 of the lectures has a penalty of 0.01, and prints loss and penalty in one number after its
# last step. Ours is at rest, and so a little lower.

# %%
loss = mean_nll(learned, N).item()
beside(f"learned, rate 50, {steps:,} steps", loss, 2.4540, "makemore part 1, counted")
W, _ = descend(N.double(), noise.double(), rate, steps, penalty=0.01)
nll_part, pull_part = mean_nll(W, N).item(), (0.01 * (W**2).mean()).item()
beside("the same with 0.01 mean(W²) in the loss", nll_part + pull_part, 2.4818, "makemore part 1")
print(f"of which the penalty is {pull_part:.4f}; it pulls like {2 * 0.01 * M / V**2:.1f} more of every pair")

difference = (learned.softmax(1) - P).abs()
often = (n >= 1000)[:, 0]
print(f"largest difference of two probabilities: {difference.max():.4f}")
print(f"in the {often.sum()} rows that occur 1,000 times or more: {difference[often].max():.4f}")
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
assert abs(total / tokens - loss) < 1e-4

# %% [markdown]
# `makemore.train` learns the table from small batches of lines, with an optimiser that gives each weight a
# learning rate of its own. That is a later lesson. Its test lines are held out:

# %%
import tempfile

with tempfile.TemporaryDirectory() as directory:
    run = makemore.train("names", type="bigram_nn", work_dir=directory, max_steps=20 if FAST else None)
    print("losses:", {split: round(loss, 4) for split, loss in run.summary().nll.items()})
    print(run.sample(8, seed=1))
    assert FAST or abs(run.summary().nll["test"] - 2.4547) < 5e-3  # what counting reached

# %% [markdown]
# ## What is still wrong
#
# The names are as bad as before. It is the same table, found with more work. But look at what the work never
# asked: where the logits came from. One-hot, loss, gradient, step: all of it stays when `W[x]` is replaced by
# something that has seen three characters, or ten. A table would need a row for each context, and most
# contexts never occur. The next lesson has no rows to fill: it describes each character by a few numbers,
# learns those too, and so what it learns about one context helps with others like it.
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
# ## Further reading
#
# * Andrej Karpathy, [micrograd](https://github.com/karpathy/micrograd): what `backward` does, in a hundred lines.
# * The second half of [makemore part 1](https://www.youtube.com/watch?v=PaCmpygFfXo).
