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
# # 14. Recurrence without the past
#
# *Before this: lessons 9 and 10. Allow 2 hours.*
#
# ## What you will be able to do
#
# * write a recurrent network whose gates do not look at the past, and say what that buys and what it costs;
# * compute a recurrence of 4,096 steps in 12 rounds, and prove that the numbers are the same;
# * show why the obvious shortcut, a division, breaks within 150 steps;
# * say what a state-space model such as Mamba is, and when it is a convolution;
# * find a task that such a network cannot learn.
#
# ## The idea
#
# Lesson 9's networks carry a state along the line. Their state has one size however long the line is, which
# is what one wants for writing: a Transformer's cache grows with every character. But they must *walk*. A GRU
# computes its gates from the state before, so step 100 cannot begin until step 99 is done. A graphics card
# with thousands of units waits for one of them. That is why Transformers, which do all places at once, took
# over.
#
# Feng and others asked in 2024: what if the gates look at the character only? Take the GRU of lesson 9, and
# cross out the state wherever it goes *into* a gate or a candidate. What is left they call minGRU:
#
# $$z_t = \sigma(W_z x_t) \qquad c_t = W_c x_t \qquad h_t = (1 - z_t)\, h_{t-1} + z_t\, c_t$$
#
# Here $\sigma$ is the sigmoid, $z_t$ says how much to write (lesson 9's z said how much to keep), $c_t$ what
# to write. Both are known for all places before the walk begins. With $a_t = 1 - z_t$ and $b_t = z_t c_t$ all
# that remains of the recurrence is
#
# $$h_t = a_t\, h_{t-1} + b_t$$
#
# for each number of the state by itself: a multiplication and an addition. And two such steps in a row are
# one such step. So the steps can be joined in pairs, the pairs in fours, and so on, all places at once. That
# is called a *parallel scan*.
#
# ![eight places in three rounds: each joins its step with that of the place 1, then 2, then 4 before it](pictures/14_scan.svg)
#
# The letters for the shapes: B lines, T time steps, C channels that come in, H numbers in the state, V
# characters.

# %%
import math
import time

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import makemore
from makemore.corpus.batches import epoch
from makemore.course import FAST, beside, show

torch.set_num_threads(1)  # so that times can be compared
corpus = makemore.read("names")
itos = [".", *corpus.vocab.characters]  # id -> character
stoi = {character: i for i, character in enumerate(itos)}
V = len(itos)

# %% [markdown]
# ## Building it
#
# ### One step at a time
#
# First the operations of torch that are new in this lesson:
#
# | expression | shape or value in | out |
# | --- | --- | --- |
# | `x.unbind(1)` | (B, T, H) | T pieces of (B, H) |
# | `torch.stack(pieces, 1)` | T pieces of (B, H) | (B, T, H) |
# | `x.cumsum(0)` | 1, 2, 3 | 1, 3, 6: running sums |
# | `x.cumprod(0)` | 1, 2, 3 | 1, 2, 6: running products |
# | `x.logcumsumexp(0)` | log 1, log 2, log 3 | log 1, log 3, log 6 |
# | `x.flip(0)` | 1, 2, 3 | 3, 2, 1 |
# | `F.pad(x, (2, 0))` | 1, 2, 3 | 0, 0, 1, 2, 3 |
# | `F.conv1d(x, k)` | x (1, 1, 5), k (1, 1, 3) | (1, 1, 3): `x[i] k[0] + x[i + 1] k[1] + x[i + 2] k[2]` |
# | `x.cummax(0).values` | 1, 3, 2 | 1, 3, 3: the largest so far |
# | `x.gather(0, i)` | x = 5, 6, 7 and i = 2, 2, 0 | 7, 7, 5: `x[i]`, within each line |
#
# Now the plain walk.


# %%
def in_turn(a: Tensor, b: Tensor) -> Tensor:
    """All h[t] = a[t] h[t - 1] + b[t], from h = 0. a, b: (B, T, H). Returns (B, T, H)."""
    h = torch.zeros_like(b[:, 0])  # (B, H)
    hs = []
    for a_t, b_t in zip(a.unbind(1), b.unbind(1)):
        h = a_t * h + b_t
        hs.append(h)
    return torch.stack(hs, 1)


a, b = torch.tensor([0.5, 0.5, 0.9, 0.0]), torch.tensor([1.0, 1.0, 0.0, 7.0])
print("a", [round(x, 1) for x in a.tolist()], " b", b.tolist())
print("h", [round(h, 3) for h in in_turn(a.view(1, 4, 1), b.view(1, 4, 1)).flatten().tolist()])

# %% [markdown]
# Step by step: 0.5 times 0 plus 1 is 1; 0.5 times 1 plus 1 is 1.5; 0.9 of it is kept and nothing added, 1.35;
# and an a of 0 forgets everything, so h is the new 7.
#
# ### Two steps are one
#
# Do step 1 and then step 2, and multiply out:
#
# $$a_2 (a_1 h + b_1) + b_2 = (a_1 a_2)\, h + (a_2 b_1 + b_2)$$
#
# This is again something times h plus something. So a step is a pair (a, b), and two steps are *joined* into
# one:
#
# | first | second | joined |
# | --- | --- | --- |
# | $(a_1, b_1)$ | $(a_2, b_2)$ | $(a_1 a_2,\; a_2 b_1 + b_2)$ |
# | (0.5, 1) | (0.5, 1) | (0.25, 1.5) |
# | (0.5, 1) | (0, 7) | (0, 7) |
# | (0, 7) | (0.5, 1) | (0, 4.5) |
#
# **Before you run it:** of three steps, does it matter whether the first two are joined first, or the last
# two? And does the order of the steps matter?


# %%
def join(first: tuple, second: tuple) -> tuple:
    """Two steps (a, b) as one."""
    a1, b1 = first
    a2, b2 = second
    return a1 * a2, a2 * b1 + b2


one, two, three = (0.5, 1.0), (0.9, 2.0), (0.2, 3.0)
print("(one two) three:", join(join(one, two), three))
print("one (two three):", join(one, join(two, three)))
print("two, then one:  ", join(two, one), "instead of", join(one, two))

# %% tags=["hide-input"]
for left, right in zip(join(join(one, two), three), join(one, join(two, three))):
    assert math.isclose(left, right)
assert join(two, one) != join(one, two)

# %% [markdown]
# How they are grouped does not matter (joining is *associative*), the order does. Associativity is all that a
# parallel scan needs. Sums are associative too, and so running sums (`cumsum`) are computed in the same way.
#
# ### The obvious shortcut, and why it fails
#
# Is there not a formula? Let $A_t = a_1 a_2 \cdots a_t$ be the running product, `cumprod`. Divide the
# recurrence by it: $h_t / A_t = h_{t-1} / A_{t-1} + b_t / A_t$. So $h_t / A_t$ is a running sum, and
#
# $$h_t = A_t \sum_{s \le t} \frac{b_s}{A_s}$$
#
# Two running operations that torch has, and no loop. On paper it is right.
#
# **Before you run it:** let every a be 0.5, a gate that is half open, and every b be 1, so that h goes to 2.
# The smallest 32-bit float above 0 is about $2^{-149}$. What will the formula say at place 100, and what at
# place 200?


# %%
def by_division(a: Tensor, b: Tensor) -> Tensor:
    """The formula. a, b: (B, T, H)."""
    A = a.cumprod(1)
    return A * (b / A).cumsum(1)


half, ones = torch.full((1, 256, 1), 0.5), torch.ones(1, 256, 1)
formula, walked = by_division(half, ones), in_turn(half, ones)
for t in (10, 100, 126, 140, 149, 150, 200):
    print(f"place {t:3}: walked {walked[0, t - 1, 0]:.4f}   formula {formula[0, t - 1, 0]:.4f}")

# %% tags=["hide-input"]
assert abs(formula[0, 99, 0] - 2) < 1e-4
assert formula[0, 199, 0].isnan()
assert walked.isfinite().all()

# %% [markdown]
# At place 100 it is right, and soon after it is not a number. The product A *underflows*: it becomes 0, b / A
# is infinite, and 0 times infinity is nan. The true h is harmless all the time. It goes wrong long before the
# product is 0, as soon as the sum of $b/A$ passes the largest float, about $2^{128}$. Names are too short for
# it. A text is not.
#
# ### In logarithms
#
# The usual cure for products that underflow is to add logarithms. With $\ell_t = \log A_t$, a `cumsum` of
# $\log a$, and a positive b,
#
# $$\log h_t = \ell_t + \log \sum_{s \le t} \exp(\log b_s - \ell_s)$$
#
# and the running logarithm of a sum of exponentials is a function of torch, `logcumsumexp`, which subtracts
# the maximum first, as lesson 4's cross-entropy did. A negative b has no logarithm. Here we take the positive
# and the negative part of b separately, and subtract. (Feng and others make c positive instead.)


# %%
def in_logs(a: Tensor, b: Tensor) -> Tensor:
    """The formula by sums of logarithms. a: (B, T, H) between 0 and 1, b: (B, T, H)."""
    log_A = a.log().cumsum(1)
    positive = (b.clamp(min=0).log() - log_A).logcumsumexp(
        1
    )  # the logarithm of 0 is -inf, and exp(-inf) is 0
    negative = ((-b).clamp(min=0).log() - log_A).logcumsumexp(1)
    return (positive + log_A).exp() - (negative + log_A).exp()


print("at place 200:", f"{in_logs(half, ones)[0, 199, 0]:.4f}")

# %% [markdown]
# Right again, at the price of logarithms and exponentials.
#
# ### By doubling
#
# The other way needs neither division nor logarithms. At the start each place has its own step (a, b). In the
# first round each place joins the step of the place before it with its own, and now has two steps in one. In
# the second round it joins what the place *two* before has, which is two steps too: four in one. Then four
# before, eight before. After $\log_2 T$ rounds, each place has all steps from the beginning joined in one.
# Applied to h = 0, the step (a, b) gives b. So b is the answer.


# %%
def scan(a: Tensor, b: Tensor, rounds: list | None = None) -> Tensor:
    """The same as in_turn in log2 T rounds. a, b: (B, T, H). rounds: a list to note (a, b) in, to look at."""
    back = 1
    while back < a.shape[1]:
        # first: what the place `back` before has; second: what this place has. The first places are complete.
        b = torch.cat([b[:, :back], a[:, back:] * b[:, :-back] + b[:, back:]], 1)
        a = torch.cat([a[:, :back], a[:, back:] * a[:, :-back]], 1)
        back = 2 * back
        if rounds is not None:
            rounds.append((a, b))
    return b


rounds: list = []
halves, units = torch.full((1, 8, 1), 0.5), torch.ones(1, 8, 1)
scan(halves, units, rounds)
print("b at the start: ", units.flatten().tolist())
for number, (_, b_now) in enumerate(rounds, 1):
    print(f"after round {number}:  ", [round(x, 3) for x in b_now.flatten().tolist()])
print("one at a time:  ", [round(x, 3) for x in in_turn(halves, units).flatten().tolist()])

# %% [markdown]
# Eight places, three rounds. After round 1 the first two places are right, after round 2 the first four, and
# after round 3 all. For 4,096 places it takes 12 rounds. In each round all places are computed at once.
#
# Are the numbers the same? For random steps, and long lines:

# %%
g = torch.Generator().manual_seed(1)
a = torch.rand(4, 1000, 8, generator=g)  # (B, T, H), between 0 and 1
b = torch.randn(4, 1000, 8, generator=g)
walked = in_turn(a, b)
for name, way in (("doubling", scan), ("logarithms", in_logs), ("division", by_division)):
    print(f"{name:10} at most {(way(a, b) - walked).abs().max():.0e} from the walk")

a.requires_grad_()
b.requires_grad_()
weights = torch.randn(4, 1000, 8, generator=g)  # any weighting of the outputs, to have a loss
through_walk = torch.autograd.grad((in_turn(a, b) * weights).sum(), (a, b))
through_scan = torch.autograd.grad((scan(a, b) * weights).sum(), (a, b))
apart = max((x - y).abs().max().item() for x, y in zip(through_walk, through_scan))
print(f"gradients through doubling and through the walk: at most {apart:.0e} apart")

# %% tags=["hide-input"]
with torch.no_grad():
    assert torch.allclose(scan(a, b), walked, rtol=0, atol=1e-5)
    assert torch.allclose(in_logs(a, b), walked, rtol=0, atol=5e-3)
    assert not by_division(a, b).isfinite().all()
assert apart < 1e-4
assert math.log2(4096) == 12

# %% [markdown]
# Doubling gives the walk's numbers up to rounding, and its gradients. Logarithms lose some digits, since exp
# turns a small absolute error of a large logarithm into a relative one. Division gives nan.
#
# ### What it buys
#
# Doubling does *more* work: T places in each of $\log_2 T$ rounds, where the walk has T steps in all. It pays
# when a round costs little more than a step, because the machine computes many numbers at once. Here are the
# times for a training pass, forward and backward, of lines of 16 to 4,096 places: the two ways, and beside
# them torch's own `nn.GRU`, which has to walk (and which multiplies matrices on the way, so it has more to do
# in each step). All take turns, and the fastest of some rounds counts. H is 32.

# %%
lengths = [16, 32, 64] if FAST else [16, 64, 256, 1024, 4096]
gru = nn.GRU(32, 32, batch_first=True)


def seconds(way, T: int, B: int) -> float:
    """Time of one forward and backward pass."""
    a, b = torch.rand(B, T, 32).requires_grad_(), torch.randn(B, T, 32).requires_grad_()
    began = time.perf_counter()
    h = gru(b)[0] if way is gru else way(a, b)
    h.sum().backward()
    return time.perf_counter() - began


ways = {"one at a time": in_turn, "doubling": scan, "GRU": gru}
took = {}
for B in (1, 32):
    for T in lengths:
        tries = {name: [] for name in ways}
        for _ in range(1 if FAST else 3):
            for name, way in ways.items():
                tries[name].append(seconds(way, T, B))
        for name, times in tries.items():
            took[B, name, T] = 1000 * min(times)
        print(f"{B:2} lines of {T:5,}:", ", ".join(f"{name} {took[B, name, T]:7.2f} ms" for name in ways))

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
for ax, B in zip(axes, (1, 32)):
    for (name, _), marker in zip(ways.items(), "osD"):
        ax.loglog(lengths, [took[B, name, T] for T in lengths], marker=marker, label=name)
    ax.set_title(f"{B} line{'s' * (B > 1)} at once, on one CPU core")
    ax.set_xlabel("places in the line")
    ax.set_xticks(lengths, [f"{T:,}" for T in lengths])
    ax.minorticks_off()
axes[0].set_ylabel("time, forward and backward (ms)")
axes[0].legend()
show(
    "on the left, how far doubling is below the walk: with one line the walk spends its time on starting tiny operations. "
    "On the right the operations are larger, and doubling's extra work is felt on long lines."
)
if not FAST:
    assert took[1, "doubling", 4096] < 0.5 * took[1, "one at a time", 4096]

# %% [markdown]
# Even on one core, which computes only a few numbers at once, doubling wins where the steps are small,
# because the walk pays the fixed price of an operation T times and doubling $\log_2 T$ times. With more lines
# at once the steps are larger, and the advantage turns round: on long lines the walk is ahead, since doubling
# must carry all places through memory in each round. A graphics card computes thousands of numbers at once.
# It is the machine that the scan was made for, and not the one that these times are from. (The library takes
# the walk on a CPU and doubling elsewhere.)
#
# ### A language model
#
# A layer in plain tensors, with the library's shape: the minGRU on the normalised stream, added to it, then
# the small network of lesson 10, added too. `F.layer_norm` is lesson 10's LayerNorm. Weights are in a
# dictionary under the library's names. Drawing them is as usual: standard deviation one over the square root
# of the inputs.

# %%
C, H, LAYERS = 48, 96, 2


def new(layers: int, seed: int) -> dict[str, Tensor]:
    """The weights of an untrained model."""
    g = torch.Generator().manual_seed(seed)
    w = {"embedding.weight": torch.randn(V, C, generator=g)}
    for n in range(layers):
        shapes = {"gate": (H, C), "write": (H, C), "out": (C, H), "fc": (2 * C, C), "proj": (C, 2 * C)}
        for name, (outputs, inputs) in shapes.items():
            w[f"layers.{n}.{name}.weight"] = torch.randn(outputs, inputs, generator=g) / math.sqrt(inputs)
            w[f"layers.{n}.{name}.bias"] = torch.zeros(outputs)
        for name in ("norm1", "norm2"):
            w[f"layers.{n}.{name}.weight"], w[f"layers.{n}.{name}.bias"] = torch.ones(C), torch.zeros(C)
    w["norm.weight"], w["norm.bias"] = torch.ones(C), torch.zeros(C)
    w["head.weight"], w["head.bias"] = 0.02 * torch.randn(V, C, generator=g), torch.zeros(V)
    return {name: tensor.requires_grad_() for name, tensor in w.items()}


def linear(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """Multiply x (..., inputs) by the matrix of that name, and add its bias."""
    return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])


def norm(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    """LayerNorm with the gain and bias of that name."""
    return F.layer_norm(x, (x.shape[-1],), w[f"{name}.weight"], w[f"{name}.bias"])


def gates(w: dict[str, Tensor], layer: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """The steps a and b (B, T, H) of a layer, for all places at once. x: (B, T, C)."""
    u = norm(w, f"{layer}.norm1", x)
    z = torch.sigmoid(linear(w, f"{layer}.gate", u))  # how much to write
    return 1 - z, z * linear(w, f"{layer}.write", u)


def forward(w: dict[str, Tensor], idx: Tensor, way=scan, kept: list | None = None) -> Tensor:
    """Ids (B, T) to logits (B, T, V). kept: a list to note each layer's a in, to look at."""
    x = w["embedding.weight"][idx]  # (B, T, C)
    layers = sum(name.endswith("gate.weight") for name in w)  # how many there are
    for n in range(layers):
        layer = f"layers.{n}"
        a, b = gates(w, layer, x)
        x = x + linear(w, f"{layer}.out", way(a, b))
        x = x + linear(w, f"{layer}.proj", F.gelu(linear(w, f"{layer}.fc", norm(w, f"{layer}.norm2", x))))
        if kept is not None:
            kept.append(a)
    return linear(w, "head", norm(w, "norm", x))


# %% [markdown]
# The GRU to compare with: an embedding, `nn.GRU`, and a head, with a state so large that both have about as
# many weights. Both are trained by the same loop, lesson 9's: batches of names of about one length, AdamW, a
# rate that rises and then falls to zero. The split is makemore's own, where no name is on two sides.


# %%
class GRU(nn.Module):
    """Embedding, one GRU, logits."""

    def __init__(self, C: int, H: int) -> None:
        super().__init__()
        self.embedding, self.gru, self.head = (
            nn.Embedding(V, C),
            nn.GRU(C, H, batch_first=True),
            nn.Linear(H, V),
        )

    def forward(self, idx: Tensor) -> Tensor:
        return self.head(self.gru(self.embedding(idx))[0])


rows = {split: corpus.rows(split)[: 300 if FAST else None] for split in ("train", "validation", "test")}


def loss_of(logits: Tensor, y: Tensor) -> Tensor:
    """Mean of -log p over the targets that are not padding, -1."""
    return F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=-1)


def batches(lines, seed: int):
    """Inputs and targets (B, T) of about 1,024 tokens, once through all lines."""
    for some in epoch(corpus.lengths[lines], 1024, 1, seed):
        x, y = corpus.batch(lines[some])
        yield torch.from_numpy(x), torch.from_numpy(y)


def train(model, weights: list[Tensor], steps: int, rate: float = 5e-3) -> None:
    """Train weights in place. model: ids (B, T) to logits (B, T, V)."""
    optimizer = torch.optim.AdamW(weights, lr=rate, betas=(0.9, 0.99))
    step, since = 0, 0
    while step < steps:
        for x, y in batches(rows["train"], since):
            if step == steps:
                break
            loss = loss_of(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.param_groups[0]["lr"] = rate * min((step + 1) / 100, 1 - step / steps)
            optimizer.step()
            step += 1
        since += 1


@torch.no_grad()
def score(model, split: str) -> float:
    """Loss over all tokens of a split, in nats per token."""
    total = count = 0
    for x, y in batches(rows[split], 0):
        tokens = int((y != -1).sum())
        total, count = total + loss_of(model(x), y).item() * tokens, count + tokens
    return total / count


# %%
steps = 20 if FAST else 1500
trained = {}
torch.manual_seed(1)
w = new(LAYERS, seed=1)
gru_model = GRU(C, 99)
entries = {
    "minGRU, two layers": (lambda idx: forward(w, idx, in_turn), list(w.values())),
    "GRU, one layer": (gru_model, list(gru_model.parameters())),
}
for name, (model, weights) in entries.items():
    began = time.perf_counter()
    train(model, weights, steps)
    trained[name] = {split: score(model, split) for split in ("train", "validation", "test")}
    size = sum(weight.numel() for weight in weights)
    shown = ", ".join(f"{split} {loss:.4f}" for split, loss in trained[name].items())
    print(f"{name:18} {size:,} weights, {time.perf_counter() - began:3.0f} s: {shown}")

# %% [markdown]
# The GRU's loss is the lower one; we come back to it. The minGRU was trained by the walk, since names are
# short. The same weights through `scan` must give the same logits:

# %%
idx = torch.from_numpy(corpus.batch(rows["validation"][:50])[0])
with torch.no_grad():
    logits, again = forward(w, idx, in_turn), forward(w, idx, scan)
print(
    f"logits up to {logits.abs().max():.1f}, walk and doubling at most {(logits - again).abs().max():.0e} apart"
)
assert torch.allclose(logits, again, atol=1e-4)

# %% [markdown]
# ### State spaces
#
# Another road leads to the same place. Engineers describe a system with a state by $h_t = A h_{t-1} + B x_t$
# and $y_t = C h_t$, a *state space*. If A is a diagonal matrix, each number of the state has its own factor:
# our recurrence again. What distinguishes the models is where a comes from:
#
# | model | $a_t$ | so the whole line is |
# | --- | --- | --- |
# | S4 and its diagonal forms (2021, 2022) | the same at each place, learned | a convolution, or a scan |
# | Mamba (2023), minGRU (2024) | computed from $x_t$ | a scan |
# | GRU, LSTM | computed from $x_t$ and $h_{t-1}$ | a walk |
#
# Why a convolution? Unroll $h_t = a h_{t-1} + b x_t$ with constant a: an input that came n places ago has
# been multiplied by a n times. So
#
# $$y_t = \sum_{n \ge 0} k_n\, x_{t-n} \qquad k_n = \sum_i c_i\, a_i^n\, b_i$$
#
# with a sum over the numbers of the state. The weights k depend on the distance only, which is what a
# convolution is. Lesson 8's had 2 taps; this one has as many as the line has places, but they all come from a
# few numbers a, b, c. `F.conv1d` slides a kernel over a line. It multiplies without turning it round, so we
# turn it (`flip`), and put T - 1 zeros before the line, so that no place sees what comes later.

# %%
g = torch.Generator().manual_seed(2)
T, states = 200, 4
x = torch.randn(1, T, generator=g)  # (B, T): one number at each place
a, b, c = (
    torch.tensor([0.99, 0.9, 0.5, -0.8]),
    torch.randn(states, generator=g),
    torch.randn(states, generator=g),
)

steps_a = a.expand(1, T, states)  # the same a at every place
walked = in_turn(steps_a, x[:, :, None] * b) @ c  # (B, T, H) @ (H,) -> (B, T)

n = torch.arange(T)[:, None]  # (T, 1)
kernel = (c * b * a**n).sum(1)  # (T, H) -> (T,)
padded = F.pad(x[:, None], (T - 1, 0))  # (B, 1, T - 1 + T)
convolved = F.conv1d(padded, kernel.flip(0)[None, None])[:, 0]  # (B, T)
print(f"walk and convolution: at most {(walked - convolved).abs().max():.0e} apart")
print("the kernel begins with", [round(k, 3) for k in kernel[:5].tolist()])

# %% tags=["hide-input"]
assert torch.allclose(walked, convolved, atol=1e-4)
fig, ax = plt.subplots(figsize=(7, 3.6))
for factor in a.tolist():
    ax.plot(range(60), [factor**k for k in range(60)], label=f"a = {factor:g}")
ax.set_title("How much of an input is left, for four factors")
ax.set_xlabel("places ago")
ax.set_ylabel("share, a to that power")
ax.legend()
show(
    "how fast each line falls: 0.5 forgets within a few places, 0.99 still has more than half after sixty. A negative factor "
    "swings. A kernel is a weighted sum of such lines."
)

# %% [markdown]
# A constant a cannot choose: it forgets a comma as fast as a name. Mamba's step forward was to compute a from
# the character, as a gate does. With that the kernel is gone, and the scan is needed.
#
# ## Looking inside
#
# How long does each number of the state remember? If it keeps the share a of itself at each place, then after
# n places $a^n$ is left, which is one half at $n = \log 0.5 / \log a$: its *half-life*. The trained gates
# differ from letter to letter, so we take the mean of $\log a$ over the validation names.

# %%
kept: list[Tensor] = []
real = torch.from_numpy(corpus.batch(rows["validation"][:2000])[1]) >= 0  # (B, T): without padding
with torch.no_grad():
    forward(w, torch.from_numpy(corpus.batch(rows["validation"][:2000])[0]), scan, kept)
half_lives = []
for n, a in enumerate(kept):
    mean_log = a[real].log().mean(0)  # (R, H) -> (H,)
    half_lives.append(math.log(0.5) / mean_log)  # (H,)
    shortest, middle, longest = half_lives[n].quantile(torch.tensor([0.1, 0.5, 0.9])).tolist()
    print(
        f"layer {n + 1}: half-lives {shortest:.2f} (shortest tenth), {middle:.2f} (middle), {longest:.2f} (longest tenth)"
    )

# %% [markdown]
# These are places, and there are few of them: the middle number has lost half of what it held within a single
# letter, and even the longest tenth of the first layer keeps half of it for one letter only. (A mean of
# logarithms counts every wipe heavily.) For names that is sensible: lesson 4 found that the last letters
# matter most. Now a name, letter by letter: put in your own.

# %%
yours = "isabella"  # put your own name here: a to z, lower case

ids = torch.tensor([[0, *(stoi[character] for character in yours)]])  # (1, T)
kept = []
with torch.no_grad():
    forward(w, ids, scan, kept)
slowest = half_lives[0].argsort(descending=True)[:12]  # the twelve longest memories of the first layer
gates_of_yours = kept[0][0, :, slowest].T  # (12, T)
wiped = itos[int(ids[0, 1:][gates_of_yours[:, 1:].mean(0).argmin()])]
print(f"the letter of {yours} that wipes most from these twelve: {wiped}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
image = ax.imshow(gates_of_yours.numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
ax.set_xticks(range(ids.shape[1]), list("." + yours))
ax.set_yticks(range(12), [str(int(unit)) for unit in slowest])
ax.set_title("What share of itself the state keeps, letter by letter")
ax.set_xlabel("letter that is read")
ax.set_ylabel("number of the state")
fig.colorbar(image, ax=ax, label="a, the share that is kept")
show(
    "columns: the same letter has the same column wherever it is in the name, because the first layer's gates see nothing but "
    "the letter. White is where a number is overwritten, dark where it is kept."
)

# %% [markdown]
# That is the price, made visible. In a GRU the second l of isabella could do something else than the first,
# because the state has changed. Here, in the first layer, it cannot. (The second layer reads the first one's
# state, so its gates see something of the past.)
#
# ### What it cannot do
#
# Is there something that needs the past *in the gate*? Take *parity*: read zeros and ones, and say at each
# place whether the number of ones so far is odd. One bit of memory is enough: keep it at a 0, flip it at a 1.
# A GRU can flip: its candidate sees the state. A minGRU layer can only fade what it has and add something
# that does not depend on it.
#
# As a control, a task for which fading and writing is enough, *latch*: among many blanks some zeros and ones;
# say at each place which of them came last.
#
# **Before you run it:** one layer of each kind, trained on lines of 16, tested on 48. Guessing gives 50%.
# Which of the four will come out near 50%?


# %%
class OneLayer(nn.Module):
    """One recurrent layer, with logits right after it. kind: "minGRU" or "GRU"."""

    def __init__(self, kind: str, H: int) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(3, H), nn.Linear(H, 2)
        if kind == "GRU":
            self.gru = nn.GRU(H, H, batch_first=True)
        else:
            self.gru, self.gate, self.write = None, nn.Linear(H, H), nn.Linear(H, H)

    def forward(self, x: Tensor) -> Tensor:
        e = self.embedding(x)  # (B, T, H)
        if self.gru is not None:
            return self.head(self.gru(e)[0])
        z = torch.sigmoid(self.gate(e))
        return self.head(scan(1 - z, z * self.write(e)))


def parity(B: int, T: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
    """Bits (B, T), and whether the number of ones so far is odd."""
    x = torch.randint(0, 2, (B, T), generator=g)
    return x, x.cumsum(1) % 2


def latch(B: int, T: int, g: torch.Generator) -> tuple[Tensor, Tensor]:
    """Bits among blanks (2), and the last bit so far. The first place is never blank."""
    x = torch.randint(0, 2, (B, T), generator=g)
    blank = torch.rand(B, T, generator=g) < 0.6
    blank[:, 0] = False
    last = torch.where(blank, 0, torch.arange(T)).cummax(1).values  # (B, T): where it was
    return x.masked_fill(blank, 2), x.gather(1, last)


accuracy = {}
for task in (parity, latch):
    for kind, H_toy in (("minGRU", 32), ("GRU", 16)):
        torch.manual_seed(1)
        g = torch.Generator().manual_seed(1)
        model = OneLayer(kind, H_toy)
        optimizer, toy_steps = (
            torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0),
            20 if FAST else 1000,
        )
        for step in range(toy_steps):
            x, y = task(64, 16, g)
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.param_groups[0]["lr"] = 1e-2 * (1 - step / toy_steps)
            optimizer.step()
        x, y = task(1000, 48, torch.Generator().manual_seed(99))
        with torch.no_grad():
            right = accuracy[task.__name__, kind] = (model(x).argmax(-1) == y).float().mean(0)  # (48,)
        size = sum(parameter.numel() for parameter in model.parameters())
        print(
            f"{task.__name__:6} {kind:6} {size:6,} weights: right at places 1 to 16 {right[:16].mean():.1%}, 17 to 48 {right[16:].mean():.1%}"
        )

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 4), sharey=True)
for ax, task in zip(axes, ("parity", "latch")):
    for kind in ("minGRU", "GRU"):
        ax.plot(range(1, 49), 100 * accuracy[task, kind], label=kind)
    ax.axvline(16.5, color="black", linestyle="--", linewidth=0.8)
    ax.axhline(50, color="grey", linewidth=0.8)
    ax.set_title(f"{task}: right answers")
    ax.set_xlabel("place (trained up to the dashed line)")
axes[0].set_ylabel("right (%)")
axes[0].legend()
show(
    "on the left the minGRU's fall to guessing, while the GRU stays at the top, even beyond the lengths that it was trained on. On the "
    "right both are at the top: this task needs no look at the state."
)
if not FAST:
    assert accuracy["parity", "GRU"].mean() > 0.99
    assert accuracy["parity", "minGRU"][16:].mean() < 0.6
    assert accuracy["latch", "minGRU"].mean() > 0.97
    assert accuracy["latch", "GRU"].mean() > 0.97

# %% [markdown]
# On the right of the figure one line hides the other. On the left the minGRU, which has more weights than the
# GRU, gets the first few places right, guesses from about the tenth on, which is within the lengths that it
# was trained on, and does so ever after. Is it because the recurrence is linear? Not quite. A linear
# recurrence *can* flip: with $a_t = 1 - 2 x_t$ the factor is 1 at a 0 and -1 at a 1. But $1 - z_t$ lies
# between 0 and 1, it is never negative.

# %%
x, y = parity(1000, 48, torch.Generator().manual_seed(5))
flips = (1 - 2 * x).float()[:, :, None]  # (B, T, 1): 1 or -1
start = torch.zeros_like(flips)
start[:, 0] = flips[:, 0]  # h begins at 1, so the first b is a times 1
odd = scan(flips, start)[:, :, 0] < 0
print("right by hand, with factors of -1:", f"{(odd == (y == 1)).float().mean():.0%}")
assert torch.equal(odd, y == 1)

# %% [markdown]
# One number, no learning, all places right. So negative factors would help with parity, and newer models
# allow them. Other tasks, where the order of swaps matters, need more than a factor for each number. It is a
# general bargain: what can be joined in advance cannot depend on what is only known on the way.
#
# ## The number to compare with
#
# On names, does the crossed-out past hurt? Our two models beside the library's rungs on the same split. Those
# are larger (285,339 and 255,963 weights), train longer, with Muon and with the n-gram as a teacher. Their
# figures are the means of three seeds.

# %%
beside("minGRU, test names", trained["minGRU, two layers"]["test"], 1.9392, "the library's mingru")
beside("GRU, test names", trained["GRU, one layer"]["test"], 1.9575, "the library's gru")
difference = trained["minGRU, two layers"]["test"] - trained["GRU, one layer"]["test"]
print(f"ours, minGRU minus GRU: {difference:+.4f}")

# %% tags=["hide-input"]
if not FAST:
    assert trained["minGRU, two layers"]["test"] < 2.1
    assert abs(difference) < 0.08

# %% [markdown]
# With about as many weights, our minGRU is 0.018 behind the GRU. The library's, with three layers, is ahead
# of its GRU by about as much, with three seeds each; ours have one, which does not say who is better (lesson 12
# says how to find out). Both say that on names the crossed-out past costs little. A second layer may give back some of it,
# since its gates read the state of the first. And names need no parity.
#
# ## The same through the library
#
# The library's `mingru` has three layers of 96 channels. A small one, with random weights: our `forward` with
# its weights must give its logits.

# %%
from makemore.models import build, configure, mingru

torch.manual_seed(3)
model = build(
    "mingru", V, configure("mingru", corpus.longest, n_layer=3, n_embd=32, n_embd2=64, dropout=0.0)
).eval()
with torch.no_grad():
    model.head.weight.normal_()  # larger logits make a stricter test
    theirs, state = model(idx)
    ours = forward(model.state_dict(), idx, scan)
print(f"logits up to {theirs.abs().max():.1f}, at most {(ours - theirs).abs().max():.0e} apart")
print("its state, one vector for each layer:", [tuple(h.shape) for h in state])

a, b = torch.rand(2, 37, 5), torch.randn(2, 37, 5)
print("its scan and ours, equal to the last bit:", torch.equal(mingru.scan(a, b), scan(a, b)))

# %% tags=["hide-input"]
assert torch.allclose(ours, theirs, atol=1e-4)
assert torch.allclose(mingru.scan(a, b), scan(a, b), atol=1e-6)
assert torch.allclose(mingru.in_turn(a, b), in_turn(a, b), atol=1e-6)

# %% [markdown]
# The state is 64 numbers a layer, whatever the length of the line. To train one: `makemore -i names.txt -o
# names --type mingru`.
#
# ## What is still wrong
#
# * One layer cannot count modulo two, as we saw. What a stack of them can and cannot do is being worked out:
#   see the third paper below.
# * The state has one size. A Transformer that needs the fifth word of a page looks it up; a recurrence must
#   have kept it, without knowing that it would be asked.
# * On a CPU with many lines at once the scan saves nothing. It is made for hardware that we have not used.
#
# *To read and watch:*
#
# * Feng and others, [Were RNNs All We Needed?](https://arxiv.org/abs/2410.01201) (2024): minGRU and minLSTM.
# * Gu and Dao, [Mamba](https://arxiv.org/abs/2312.00752) (2023), and Gu, Goel and Ré,
#   [S4](https://arxiv.org/abs/2111.00396) (2021).
# * Merrill, Petty and Sabharwal, [The Illusion of State in State-Space
#   Models](https://arxiv.org/abs/2404.08819) (2024): what they cannot do, proved.
#
# ## Exercises
#
# `makemore lessons start 14` puts this lesson and a file `exercises.py` into the directory `lesson-14`. Fill
# in its three functions, then let `makemore lessons check 14` tell you how you did.
#
# 1. `join_steps`: two steps as one, where a is a matrix. The order matters twice.
# 2. `scan_from`: the scan by doubling, from a state that is not zero, over any number of places.
# 3. `state_space`: a diagonal state space as one convolution.
#
# **The open challenge.** Get below 2.03 nats per token on held-out names with a recurrence whose gates never
# look at the past: no attention, no GRU, no LSTM. Stack layers, choose the gates, allow negative factors if
# you like. Write it in `challenge.py`, and let `makemore lessons check 14 challenge` score it.
