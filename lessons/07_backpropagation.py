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
# # 7. Backpropagation by hand
#
# *Before this: lesson 6. Allow 3 hours.*
#
# ## What you will be able to do
#
# * say what the gradient of any number inside a network means;
# * carry gradients backwards through every operation of a real network, with a handful of rules that hold for
#   all others too;
# * write the gradient of cross-entropy and of BatchNorm in one line each, and say why they look as they do;
# * check a gradient in three ways (against autograd, by measuring it, by what must be 0), and train without
#   autograd.
#
# So far `loss.backward()` did this for you. It is worth doing once yourself: much that goes wrong in training
# (a dead neuron, a loss that explodes, a layer that does not learn) goes wrong on the way back, and there you
# only see what you understand.
#
# ## The idea
#
# The loss $L$ is one number at the end of a chain of simple steps. Take any number `x` on the way and ask: *if
# x were larger by a tiny amount, how many times that amount would the loss grow?* That is the gradient of `x`, in
# mathematics $\partial L / \partial x$, in the code here `dx`. If `dx` is 3, the loss grows three times as fast as
# `x`; if it is -3, it falls as fast. A tensor has a gradient for each entry, so **`dx` has the shape of `x`**.
#
# One gradient is known from the start: `dloss` is 1. All others follow by walking backwards, one step at a
# time, with two laws:
#
# 1. **Along a path, multiply.** If $y = f(x)$, a push on $x$ moves $y$ by the slope $f'(x)$, and $y$ moves the
#    loss by `dy`: $\dfrac{\partial L}{\partial x} = \dfrac{\partial L}{\partial y} \, f'(x)$.
# 2. **Over several paths, add.** If $x$ was used twice, in $y$ and in $z$, a push on it reaches the loss in two ways,
#    and both count: $\dfrac{\partial L}{\partial x} = \dfrac{\partial L}{\partial y} \dfrac{\partial y}{\partial x} +
#    \dfrac{\partial L}{\partial z} \dfrac{\partial z}{\partial x}$.
#
# ![values go down from the ids to the loss, gradients come back up and leave one for each parameter](pictures/07_backward.svg)
#
# The network is lesson 6's: a window of 3 characters, embeddings, a hidden layer with BatchNorm and tanh,
# and logits. Going forward each box needs what is above it. Going back each box needs what is below it, and
# the values that it kept from the way down.

# %%
import random

import matplotlib.pyplot as plt
import torch
from torch import Tensor
from torch.nn import functional as F

from makemore.course import FAST, beside, names, show

V, T, C, H = 27, 3, 10, 200  # characters, window, channels of an embedding, hidden channels

# %% [markdown]
# The names are split as in the videos, so that the numbers can be compared.

# %%
words = names()
random.seed(42)
random.shuffle(words)
train, held_out = words[: int(0.8 * len(words))], words[int(0.8 * len(words)) : int(0.9 * len(words))]
itos = [".", *sorted(set("".join(words)))]  # id -> character, the boundary first
stoi = {character: i for i, character in enumerate(itos)}
assert len(itos) == V


def examples(some: list[str]) -> tuple[Tensor, Tensor]:
    """Names to windows (N, T) and what follows each (N,), as ids."""
    windows, following = [], []
    for word in some:
        ids = [0] * T + [stoi[c] for c in word + "."]
        windows += [ids[i : i + T] for i in range(len(word) + 1)]
        following += ids[T:]
    return torch.tensor(windows), torch.tensor(following)


X_train, Y_train = examples(train)
X_val, Y_val = examples(held_out)
print(f"{len(X_train):,} windows to train, {len(X_val):,} held out")

# %% [markdown]
# ## Building it
#
# Six parameters, called by the letters of lesson 6. Two choices are made for the sake of checking, and only until
# we train. They are in *float64*, so that two ways of computing the same thing agree to about 15 digits, and a
# difference is a mistake. And none of them starts at a special value: a bias of exactly 0 or a gain of exactly 1
# hides errors, since adding or multiplying by it in the wrong place does not show.

# %%
generator = torch.Generator().manual_seed(5)


def normal(*shape: int, scale: float = 1.0, mean: float = 0.0) -> Tensor:
    return mean + scale * torch.randn(shape, generator=generator, dtype=torch.float64)


E = normal(V, C)  # embeddings (V, C)
W1 = normal(T * C, H, scale=(5 / 3) / (T * C) ** 0.5)  # (T C, H)
gain, bias = normal(H, scale=0.1, mean=1.0), normal(H, scale=0.1)  # of BatchNorm, (H,) each
W2, b2 = normal(H, V, scale=0.1), normal(V, scale=0.1)  # (H, V), (V,)
parameters = {"E": E, "W1": W1, "gain": gain, "bias": bias, "W2": W2, "b2": b2}
print(f"{sum(p.numel() for p in parameters.values()):,} numbers to learn")

B = 32  # windows in a minibatch
batch = torch.randint(len(X_train), (B,), generator=generator)
X, Y = X_train[batch], Y_train[batch]  # (B, T), (B,)
rows = torch.arange(B)

# %% tags=["hide-input"]
assert sum(p.numel() for p in parameters.values()) == 12_097

# %% [markdown]
# ### Forward, in steps too small to be hard
#
# Usually BatchNorm is one call and the loss another. Here each line does one thing only, so that each has a
# slope that one can look up in a table. `eps` keeps the square root away from 0. The variance divides by
# `B`, as torch and the library do, not by `B - 1`.
#
# **Before you run it:** how many of the lines below use a value that is used again further down? (Each of them will
# need the second law on the way back.)

# %%
for p in parameters.values():
    p.requires_grad_()  # for the last time: autograd writes the answer sheet
eps = 1e-5
emb = E[X]  # (B, T, C)  look up
x = emb.view(B, T * C)  # (B, T C)  side by side
a = x @ W1  # (B, H)
mean = a.mean(0)  # (H,)    BatchNorm from here ...
centred = a - mean  # (B, H)
squares = centred**2  # (B, H)
var = squares.mean(0)  # (H,)
inv = (var + eps) ** -0.5  # (H,)    1 over the standard deviation
norm = centred * inv  # (B, H)
pre = norm * gain + bias  # (B, H)  ... to here
h = pre.tanh()  # (B, H)
logits = h @ W2 + b2  # (B, V)
top = logits.max(1, keepdim=True).values  # (B, 1)  softmax from here; the largest is taken off first
shifted = logits - top  # (B, V)  so that exp cannot overflow
exps = shifted.exp()  # (B, V)
total = exps.sum(1, keepdim=True)  # (B, 1)
share = 1 / total  # (B, 1)
probs = exps * share  # (B, V)
logp = probs.log()  # (B, V)
loss = -logp[rows, Y].mean()  # a number
print(f"loss: {loss.item():.15f}   by torch in one call: {F.cross_entropy(logits, Y).item():.15f}")

# %% tags=["hide-input"]
assert torch.allclose(loss, F.cross_entropy(logits, Y))

# %% [markdown]
# Equal to the last digit. Values used twice are `a` (in `mean` and `centred`), `centred` (in `squares` and `norm`),
# `logits` (in `top` and `shifted`) and `exps` (in `total` and `probs`): four.
#
# Autograd throws away the gradients of what lies between. `retain_grad` has it keep them, as the answers to
# check ours against. Then autograd is switched off: it records nothing more, and everything below is done by hand.

# %%
steps = {
    **parameters, "emb": emb, "x": x, "a": a, "mean": mean, "centred": centred, "squares": squares, "var": var,
    "inv": inv, "norm": norm, "pre": pre, "h": h, "logits": logits, "top": top, "shifted": shifted, "exps": exps,
    "total": total, "share": share, "probs": probs, "logp": logp,
}  # fmt: skip
for tensor in steps.values():
    tensor.retain_grad()
loss.backward()
answers = {name: tensor.grad for name, tensor in steps.items()}
torch.set_grad_enabled(False)
table = {}


def check(name: str, mine: Tensor) -> None:
    """Compare a gradient of ours with autograd's, and write the result into the table."""
    right = answers[name]
    assert mine.shape == right.shape, f"d{name} has shape {tuple(mine.shape)}, not {tuple(right.shape)}"
    table[name] = (tuple(right.shape), right.abs().max().item(), (mine - right).abs().max().item())
    print(f"d{name:8} {'x'.join(map(str, right.shape)):8} largest difference {table[name][2]:.0e}")
    assert table[name][2] < 1e-6


# %% [markdown]
# ### The rules
#
# Every line of the forward pass is one of these. They are all the laws "multiply along, add over" looked at
# from the side of shapes, and worth knowing by heart.
#
# | forward | backward |
# | --- | --- |
# | `y = f(x)`, entry by entry | `dx = dy * slope of f at x` |
# | `y = x` broadcast over a dimension | `dx = dy` **summed** over that dimension |
# | `y = x` summed over a dimension | `dx = dy` **broadcast** over that dimension |
# | `y = x @ w` | `dx = dy @ w.T` and `dw = x.T @ dy` |
# | `y = x[i]` | `dy` **added** into zeros at `i` |
# | `y = x.max()` | `dy` where the maximum stood, 0 elsewhere |
# | `x` used twice | both gradients, added |
#
# And what PyTorch calls the things that we need for it:
#
# | expression | in | out |
# | --- | --- | --- |
# | `torch.zeros_like(x)` | any shape | zeros of that shape and dtype |
# | `dtotal.expand(32, 27)` | (32, 1) | (32, 27): the column repeated, without using memory |
# | `z.index_add_(0, i, d)` | z (27, 10), i (96,), d (96, 10) | row `d[k]` added to row `i[k]` of z, one after the other |
# | `x.T` | (32, 200) | (200, 32): rows become columns |
# | `x.rsqrt()` | `[4.0, 0.25]` | `[0.5, 2.0]`: 1 over the root |
# | `x.log_softmax(1)` | logits (32, 27) | (32, 27): logarithms of the probabilities |
#
# The second and third rule are mirror images. A value that is copied to 32 rows pushes on the loss 32 times, so
# the pushes add up. A value that goes into a sum pushes on it just as hard as each of its neighbours.
#
# ### From the loss to the logits
#
# `loss = -logp[rows, Y].mean()` reads one entry in each row, and each counts $1 / B$. Entries that were not
# read have no influence: their gradient is 0.

# %%
dlogp = torch.zeros_like(logp)  # (B, V)
dlogp[rows, Y] = -1 / B
check("logp", dlogp)

dprobs = dlogp / probs  # the slope of log is 1 / x
check("probs", dprobs)

# %% [markdown]
# The `1 / probs` is what makes a confident mistake expensive: the smaller the probability of what really
# came, the harder the pull.
#
# Now `probs = exps * share`. In a product the slope for one factor is the other one. `share` is `(B, 1)`
# and was broadcast over V columns, so its gradient is summed over them. And `exps` is used twice: here, and
# in `total`. What we get here is only its first path.

# %%
dshare = (dprobs * exps).sum(1, keepdim=True)  # (B, V) summed to (B, 1): broadcast forward, sum backward
check("share", dshare)

dtotal = -dshare / total**2  # the slope of 1 / x is -1 / x²
check("total", dtotal)

dexps = dprobs * share  # first path, through probs
dexps = dexps + dtotal  # second path, through total: (B, 1) broadcast to (B, V), since total was a sum
check("exps", dexps)

dshifted = dexps * exps  # exp is its own slope
check("shifted", dshifted)

# %% [markdown]
# `shifted = logits - top`. The slope for `top` is -1, and it was broadcast, so: summed.
#
# **Before you run it:** `top` is the largest logit of each row, taken off so that nothing overflows. What would
# happen to the probabilities if it were a little larger? So how large is its gradient?

# %%
dtop = -dshifted.sum(1, keepdim=True)  # (B, 1)
check("top", dtop)
print(f"largest entry of dtop: {dtop.abs().max():.0e}, of dshifted: {dshifted.abs().max():.0e}")

# %% tags=["hide-input"]
assert dtop.abs().max() < 1e-12

# %% [markdown]
# It is 0, but for rounding. It has to be: taking the same number off all logits of a row changes no
# probability, so the loss cannot depend on `top`. It is there for the computer's sake only. A gradient that
# must be 0 is a free test.
#
# By the rule for `max` what little there is goes to the largest logit of each row, the second path to
# `logits`.

# %%
dlogits = dshifted + F.one_hot(logits.argmax(1), V) * dtop  # (B, V) + (B, V) * (B, 1)
check("logits", dlogits)

# %% [markdown]
# ### Through a matrix product
#
# Nobody remembers which side is transposed, and nobody has to. Written out, with $z$ for the logits, the product is
#
# $$z_{bv} = \sum_j h_{bj} W_{jv} + b_v$$
#
# $h_{bj}$ goes into all logits of its row, with slope $W_{jv}$. Add up over these paths:
#
# $$\frac{\partial L}{\partial h_{bj}} = \sum_v \frac{\partial L}{\partial z_{bv}} W_{jv}$$
#
# which is `dlogits @ W2.T`. The shapes would have told as much: `dh` is (B, H), it is made of `dlogits` (B,
# V) and `W2` (H, V), and there is only one way to multiply these that gives (B, H). The same with `dW2`,
# which is (H, V), and made of `h` (B, H) and `dlogits`. The bias was broadcast over the batch, so it gets a
# sum. Nothing lies behind a parameter, so its gradient needs no name here.

# %%
dh = dlogits @ W2.T  # (B, V) @ (V, H)
check("h", dh)
check("W2", h.T @ dlogits)  # (H, B) @ (B, V)
check("b2", dlogits.sum(0))  # (B, V) to (V,)

# %% [markdown]
# One product forward gives two products backward. That is why the way back costs about twice as much as the
# way there.
#
# ### Through tanh
#
# The slope of tanh is $1 - \tanh^2$, which we have already: `h` was kept. Where `h` is near 1 or -1 it is
# almost 0, and whatever gradient arrives is lost there. This one line is the dead neuron of lesson 6.

# %%
dpre = dh * (1 - h**2)
check("pre", dpre)

# %% [markdown]
# ### Through BatchNorm
#
# Nothing new, only patience. `gain` and `bias` were broadcast over the batch, and so was `inv`: three sums.

# %%
check("bias", dpre.sum(0))  # (B, H) to (H,)
check("gain", (dpre * norm).sum(0))  # (B, H) to (H,)
dnorm = dpre * gain  # (B, H)
check("norm", dnorm)

dinv = (dnorm * centred).sum(0)  # (H,)
check("inv", dinv)

dvar = dinv * -0.5 * (var + eps) ** -1.5  # the slope of x to the -1/2
check("var", dvar)

dsquares = (dvar / B).expand(B, H)  # a mean forward, an even share for each backward
check("squares", dsquares)

# %% [markdown]
# `centred` was used twice: in `norm`, and in `squares`. This is where people go wrong. Would we notice?

# %%
only_one = dnorm * inv  # the path through norm
print(f"with one path only, off by {(only_one - answers['centred']).abs().max():.0e}")
dcentred = dnorm * inv + dsquares * 2 * centred  # and the path through squares
check("centred", dcentred)

# %% tags=["hide-input"]
assert (only_one - answers["centred"]).abs().max() > 1e-5  # ten times what we let pass

# %% [markdown]
# We would: a thousandth is a tenth of the largest entry, and the check lets pass a millionth. The same again one
# step further up: `a` goes into `centred` itself, and into `mean`, which goes into `centred` of every row.

# %%
dmean = -dcentred.sum(0)  # (H,) broadcast forward, sum backward
check("mean", dmean)

da = dcentred + dmean / B  # the path through centred, and the one through mean
check("a", da)

# %% [markdown]
# ### Down to the embeddings
#
# A matrix product, a change of shape (undone by changing it back), and the look-up.

# %%
dx = da @ W1.T  # (B, H) @ (H, T C)
demb = dx.view(B, T, C)
check("x", dx)
check("W1", x.T @ da)  # (T C, B) @ (B, H)
check("emb", demb)

# %% [markdown]
# `E[X]` copies row `X[b, t]` of the table to place `b, t`. A character that stands at several places gets
# the sum of what comes back from all of them.
#
# **Before you run it:** `dE[X] += demb` looks right. The batch has 96 places and only 27 rows. What goes wrong?

# %%
trap = torch.zeros_like(E)
trap[X] += demb
print(f"with +=, off by {(trap - answers['E']).abs().max():.0e}")
check("E", torch.zeros_like(E).index_add_(0, X.flatten(), demb.view(B * T, C)))

# %% tags=["hide-input"]
assert (trap - answers["E"]).abs().max() > 1e-5

# %% [markdown]
# With `+=` the rows are read, added to and written back all at once, so of several writes to one row only one
# survives. `index_add_` does one after the other.
#
# That was the last one. All of them, beside how large they are (a difference only says something in
# comparison with that):

# %%
print(f"{'gradient':10} {'shape':12} {'largest entry':>14} {'difference from autograd':>25}")
for name in steps:
    shape, size, difference = table[name]
    print(f"d{name:9} {'x'.join(map(str, shape)):12} {size:14.1e} {difference:25.1e}")

# %% tags=["hide-input"]
assert set(table) == set(steps)
assert max(difference for _, _, difference in table.values()) < 1e-6

# %% [markdown]
# All differences are rounding: 15 digits behind the largest entries. The one gradient of that size is `dtop`,
# which is 0.
#
# ### Cross-entropy in one line
#
# Eight lines lay between logits and loss. On paper they collapse. For one row with logits $z$ and right
# answer $y$, and $p$ for its probabilities:
#
# $$L = -\log p_y = \log \sum_v e^{z_v} - z_y$$
#
# $$\frac{\partial L}{\partial z_v} = \frac{e^{z_v}}{\sum_u e^{z_u}} - [v = y] = p_v - [v = y]$$
#
# where $[v = y]$ is 1 for the right answer and 0 for all others,
# and the mean over the batch divides by B. **What the model said, minus what was so.** Each wrong character
# is pushed down by just as much as the model believed in it, and the right one is pulled up by all that it
# lacked to be certain. Each row sums to 0: what one gains, others lose.

# %%
quick = logits.softmax(1)
quick[rows, Y] -= 1
quick /= B
print(f"dlogits, in one line: largest difference from autograd {(quick - answers['logits']).abs().max():.0e}")

# %% tags=["hide-input"]
assert (quick - answers["logits"]).abs().max() < 1e-12
assert quick.sum(1).abs().max() < 1e-12

# %% [markdown]
# ### BatchNorm in one line
#
# Put the steps of BatchNorm into each other. $g$ is `dnorm`, $\hat a$ is `norm`, $s$ is `inv`, $c$ is `centred`,
# and a bar is a mean over the batch:
#
# $$\texttt{dvar} = -\tfrac12 s^3 \sum_b g_b c_b$$
#
# $$\texttt{dcentred} = s\,g + \tfrac{2}{B}\, c \cdot \texttt{dvar} = s\,(g - \hat a\,\overline{g \hat a}) \qquad\text{since } c = \hat a / s$$
#
# $$\texttt{da} = \texttt{dcentred} - \overline{\texttt{dcentred}} = s\,(g - \overline{g} - \hat a\,\overline{g \hat a}) \qquad\text{since } \overline{\hat a} = 0$$
#
# Two things are taken away from $g$. The first is its mean: BatchNorm would undo a push that moves the
# whole column. The second is the part of it that goes along with `norm`: BatchNorm would undo a stretch as
# well. What is left can change the output. (A BatchNorm that divides by `B - 1` has that in its last mean.)

# %%
quick = inv * (dnorm - dnorm.mean(0) - norm * (dnorm * norm).mean(0))
print(f"da, in one line: largest difference from autograd {(quick - answers['a']).abs().max():.0e}")

# %% tags=["hide-input"]
assert (quick - answers["a"]).abs().max() < 1e-12

# %% [markdown]
# ### The whole network
#
# With these two, one function does all the work of forward and backward.


# %%
def gradients(p: list[Tensor], X: Tensor, Y: Tensor) -> tuple[Tensor, list[Tensor], Tensor, Tensor]:
    """Loss, gradients of E, W1, gain, bias, W2, b2, and the batch's mean and variance. No autograd."""
    E, W1, gain, bias, W2, b2 = p
    B, rows = len(X), torch.arange(len(X))
    x = E[X].view(B, -1)  # (B, T C)
    a = x @ W1  # (B, H)
    mean = a.mean(0)
    centred = a - mean
    var = centred.square().mean(0)
    inv = (var + eps).rsqrt()
    norm = centred * inv
    h = (norm * gain + bias).tanh()
    logp = (h @ W2 + b2).log_softmax(1)  # (B, V)

    dlogits = logp.exp()
    dlogits[rows, Y] -= 1
    dlogits /= B
    dpre = dlogits @ W2.T * (1 - h * h)
    g = dpre * gain
    da = inv * (g - g.mean(0) - norm * (g * norm).mean(0))
    dE = torch.zeros_like(E).index_add_(0, X.view(-1), (da @ W1.T).view(-1, E.shape[1]))
    grads = [dE, x.T @ da, (dpre * norm).sum(0), dpre.sum(0), h.T @ dlogits, dlogits.sum(0)]
    return -logp[rows, Y].mean(), grads, mean, var


# %% [markdown]
# Checked against torch's own BatchNorm and cross-entropy, in float64, and in the float32 that we train with. (Under
# `torch.enable_grad()` autograd is on again, for this function only; `detach` gives the numbers without their
# history.)


# %%
@torch.enable_grad()
def with_autograd(p: list[Tensor], X: Tensor, Y: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The same loss and gradients from torch."""
    p = [each.detach().clone().requires_grad_() for each in p]
    E, W1, gain, bias, W2, b2 = p
    pre = F.batch_norm(E[X].flatten(1) @ W1, None, None, gain, bias, training=True, eps=eps)
    loss = F.cross_entropy(pre.tanh() @ W2 + b2, Y)
    loss.backward()
    return loss.detach(), [each.grad for each in p]


doubles = [E, W1, gain, bias, W2, b2]
print(f"{'difference from autograd':24} " + "".join(f"{'d' + name:>8}" for name in parameters))
for kind in (torch.float64, torch.float32):
    p = [each.to(kind) for each in doubles]
    ours, theirs = gradients(p, X, Y)[1], with_autograd(p, X, Y)[1]
    apart = [(mine - right).abs().max().item() for mine, right in zip(ours, theirs)]
    print(f"{kind!s:24} " + "".join(f"{each:8.0e}" for each in apart))
    assert max(apart) < 1e-6

# %% [markdown]
# 15 digits in float64, 7 in float32: all that there are.
#
# ### A third opinion
#
# Autograd and our formulas could share a mistake: both are calculus. The definition shares nothing with
# them. Make one number a little larger, compute the loss again, and divide the difference by the step.
# Better still, go the same distance to both sides: then the bend of the loss cancels out.
#
# $$\frac{\partial L}{\partial w} \approx \frac{L(w + s) - L(w - s)}{2 s}$$

# %%
exact = gradients(doubles, X, Y)[1]


def nudged(k: int, i: int, step: float) -> float:
    """The loss after entry i of parameter k was moved by step."""
    moved = [p.clone() for p in doubles]
    moved[k].view(-1)[i] += step
    return gradients(moved, X, Y)[0].item()


for k, name in enumerate(parameters):
    i = int(exact[k].abs().argmax())  # where the gradient is largest
    measured = (nudged(k, i, 1e-5) - nudged(k, i, -1e-5)) / 2e-5
    by_hand = exact[k].view(-1)[i].item()
    print(f"d{name:5} entry {i:5}: by hand {by_hand:+.10f}   measured {measured:+.10f}")
    assert abs(measured - by_hand) < 1e-8
print("losses needed for all gradients that way:", 2 * sum(p.numel() for p in doubles))

# %% [markdown]
# The same to ten decimals. But 24,194 forward passes for one step of training, where the way back costs about two:
# that is why nobody trains like this. It is a test, and it has a catch of its own: the size of the step.

# %%
sizes = [10.0**-n for n in range(1, 13)]
entries = torch.randint(W1.numel(), (8,), generator=generator).tolist()
here = nudged(1, 0, 0.0)
one_side, both_sides = [], []
for step in sizes:
    up, down = ([nudged(1, i, s) for i in entries] for s in (step, -step))
    right = [exact[1].view(-1)[i].item() for i in entries]
    both_sides.append(max(abs((u - d) / (2 * step) - r) for u, d, r in zip(up, down, right)))
    one_side.append(max(abs((u - here) / step - r) for u, r in zip(up, right)))
print(f"smallest error: {min(one_side):.0e} by going to one side, {min(both_sides):.0e} by going to both")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 3.8))
ax.loglog(sizes, one_side, marker="o", label="one side: (loss(w + s) - loss(w)) / s")
ax.loglog(sizes, both_sides, marker="s", label="both sides: (loss(w + s) - loss(w - s)) / 2s")
ax.axhline(1e-6, color="black", linewidth=0.8, linestyle="--", label="what our check lets pass")
ax.set_title("How wrong a measured gradient is (8 entries of W1)")
ax.set_xlabel("step s")
ax.set_ylabel("largest error of the gradient")
ax.legend(fontsize=9)
show(
    "the lowest point of each line. Right of it the step is so long that the loss bends on the way, left of it so short "
    "that rounding is all one sees. Going to both sides gains a digit or more."
)
assert 0 < both_sides.index(min(both_sides)) < len(sizes) - 1
assert min(both_sides) < min(one_side) / 10

# %% [markdown]
# ### Training without autograd
#
# Lesson 6's network at its start: small logits, no bias yet, float32. Then minibatches of 32, the rate 0.1
# for the first half and 0.01 for the second. The averages that stand in for the batch later are kept along
# the way.

# %%
N = 2_000 if FAST else 200_000  # steps
generator = torch.Generator().manual_seed(2147483647)
p = [
    torch.randn(V, C, generator=generator),
    torch.randn(T * C, H, generator=generator) * (5 / 3) / (T * C) ** 0.5,
    torch.ones(H),
    torch.zeros(H),
    torch.randn(H, V, generator=generator) * 0.01,
    torch.zeros(V),
]
running_mean, running_var = torch.zeros(H), torch.ones(H)
at_start = [each.clone() for each in p]
losses = torch.zeros(N)

# %%
for step in range(N):
    if step % 1000 == 0:  # the next thousand minibatches at once
        batches = torch.randint(len(X_train), (1000, B), generator=generator)
    batch = batches[step % 1000]
    losses[step], grads, mean, var = gradients(p, X_train[batch], Y_train[batch])
    running_mean.lerp_(mean, 0.001)
    running_var.lerp_(var * B / (B - 1), 0.001)  # around its own mean a batch varies too little: put right
    for each, grad in zip(p, grads):
        each.sub_(grad, alpha=0.1 if step < N / 2 else 0.01)
    if (step + 1) % (N // 10) == 0:
        print(f"step {step + 1:7,}: loss {losses[step + 1 - N // 10 : step + 1].mean():.4f}")

# %% tags=["hide-input"]
assert not any(each.requires_grad for each in p)  # autograd had no part in this

# %% [markdown]
# It learns, and autograd had no part in it. And it writes names. In use there is no batch, so the running averages
# take its place.


# %%
def predict(p: list[Tensor], X: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    """Windows (N, T) to logits (N, V), normalised by a mean and variance that are given."""
    E, W1, gain, bias, W2, b2 = p
    a = E[X].flatten(1) @ W1
    return ((a - mean) * (var + eps).rsqrt() * gain + bias).tanh() @ W2 + b2


def sample() -> str:
    out, window = "", [0] * T
    while len(out) < 30:  # a net that has hardly been trained may not find an end
        probs = predict(p, torch.tensor([window]), running_mean, running_var).softmax(1)
        window = [*window[1:], int(torch.multinomial(probs[0], 1, generator=generator))]
        if window[-1] == 0:
            break
        out += itos[window[-1]]
    return out


print([sample() for _ in range(12)])

# %% [markdown]
# ## Looking inside
#
# First the training itself.

# %% tags=["hide-input"]
chunk = N // 200
means = losses.view(-1, chunk).mean(1)
fig, ax = plt.subplots(figsize=(7, 3.6))
ax.plot(torch.arange(1, len(means) + 1) * chunk / 1000, means)
ax.axvline(N / 2000, color="black", linewidth=0.8, linestyle="--", label="rate 0.1 until here, then 0.01")
ax.set_title(f"Training with gradients made by hand (mean of every {chunk:,} steps)")
ax.set_xlabel("step (thousands)")
ax.set_ylabel("loss (nats per token)")
ax.legend()
show(
    "the drop at the dashed line: with large steps the weights jump about the bottom of the valley, small ones settle."
)
assert means[-1] < means[0]
if not FAST:
    assert means[-50:].mean() < means[50:100].mean() - 0.02

# %% [markdown]
# Then `dlogits`, what the loss asks of the logits. Times B it is *what the model said minus what was so*.
# Here it is for twelve held-out windows. A step of training goes against the gradient: a logit with a
# negative one is raised.
#
# **Before you run it:** at the start the model believes in every character alike. What will a row look like then?

# %%
X12, Y12 = X_val[:12], Y_val[:12]
pulls = []
for weights, mean, var in (
    (at_start, torch.zeros(H), torch.ones(H)),
    (p, running_mean, running_var),
):
    pull = predict(weights, X12, mean, var).softmax(1) - F.one_hot(Y12, V)  # (12, V)
    assert pull.sum(1).abs().max() < 1e-5
    pulls.append(pull)

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(11, 4), sharey=True, layout="constrained")
for ax, pull, title in zip(axes, pulls, ("at the start", "after training")):
    image = ax.imshow(pull, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    ax.set_xticks(range(V), itos, fontsize=9)
    ax.set_title(f"Pull on each logit, {title}")
    ax.set_xlabel("character")
axes[0].set_yticks(range(12), ["".join(itos[i] for i in w) + " → " + itos[y] for w, y in zip(X12, Y12)])
axes[0].set_ylabel("window → what came next")
fig.colorbar(image, ax=axes, label="dlogits × B")
show(
    "the blue square in each row: the right character, to be raised. The red ones are to be lowered, and each row "
    "sums to 0. At the start all wrong ones are blamed alike, after training only those the model expected."
)

# %% [markdown]
# At the start each wrong character is pushed down by about 1/27, and the right one is raised by about 26/27. After
# training a row is pale where the model was nearly right.
#
# ### Your own name
#
# What would a step of training on your name (a to z, lower case) change in the trained network?

# %%
yours = "emma"  # put your own name here
X_yours, Y_yours = examples([yours])
pull = predict(p, X_yours, running_mean, running_var).softmax(1) - F.one_hot(Y_yours, V)
for window, right, row in zip(X_yours, Y_yours, pull):
    down = int(row.argmax())  # the one that is lowered most
    print(
        f"after {''.join(itos[i] for i in window)}: raise {itos[right]} by {-row[right]:.2f}, "
        f"and lower {itos[down]} by {row[down]:.2f}"
    )

# %% [markdown]
# A letter that hardly has to be raised is one that the network expected.
#
# ### What BatchNorm takes away from a gradient
#
# Last, what BatchNorm does on the way back. Go back to the minibatch that was derived step by step,
# and look at one hidden channel: each window is a point with its `norm` and its `g`, which was `dnorm`. The
# formula takes off $\overline g$ and $\hat a\,\overline{g \hat a}$: a height, and a slope times `norm`. That is a
# straight line, and since `norm` has mean 0 and variance 1, it is *the* straight line of least squares
# through the points, the one from which their squared distances are smallest (`torch.linalg.lstsq` finds it).
# **The way back through BatchNorm subtracts the line of best fit.**

# %%
left = da / inv  # (B, H) what is left of dnorm
heights, slopes = dnorm.mean(0), (dnorm * norm).mean(0)  # (H,) each: what the formula takes off
channel = int((heights * slopes / dnorm.square().mean(0)).abs().argmax())  # where both are large
at, g, rest = norm[:, channel], dnorm[:, channel], left[:, channel]  # (B,) each
line = torch.linalg.lstsq(torch.stack([torch.ones_like(at), at], 1), g).solution  # height, slope
apart = (g - line[0] - line[1] * at - rest).abs().max().item()
print(f"what is left of dnorm, against the distance from the line of best fit: at most {apart:.0e} apart")

# %% tags=["hide-input"]
assert apart < 1e-6  # not exactly 0, since eps makes the variance of norm a little less than 1
assert da.sum(0).abs().max() < 1e-12  # no net push on any channel
assert (left * norm).mean(0).abs().max() < 1e-3 * slopes.abs().max()  # and no stretch, but for eps

# %% tags=["hide-input"]
ends = torch.stack([at.min(), at.max()])
fig, axes = plt.subplots(1, 2, figsize=(8, 3.8), sharey=True)
fig.suptitle(f"The gradient of hidden channel {channel}, on both sides of BatchNorm")
for ax, points, fit in ((axes[0], g, line[0] + line[1] * ends), (axes[1], rest, 0 * ends)):
    ax.scatter(at, 1000 * points, s=16, label="one window")
    ax.plot(ends, 1000 * fit, color="C1", linewidth=2, label="line of best fit")
    ax.set_xlabel("normalised activation, norm")
axes[0].set_title("as it arrives: dnorm")
axes[1].set_title("as it goes on: da / inv")
axes[0].set_ylabel("1000 × gradient (nats per unit)")
axes[0].legend(fontsize=9)
show(
    "the orange lines. On the left the gradient has a height and a slope; on the right both are gone, and the scatter "
    "around the line is untouched. Windows in a batch feel each other: move one point, and the line moves."
)

# %% [markdown]
# ## The number to compare with
#
# Makemore part 3 trained this network with autograd: 200,000 steps of 32, the same split, the same rates. Our
# weights start from other random numbers, so the last digits differ. (Part 4 trains it by hand as we do; its
# last comment has 2.0719 on the training names and 2.1162 held out, after other random numbers again.)


# %%
def mean_loss(X: Tensor, Y: Tensor) -> float:
    """Mean loss over all windows, with the running averages."""
    parts = zip(X.split(20_000), Y.split(20_000))
    return sum(
        F.cross_entropy(predict(p, x, running_mean, running_var), y, reduction="sum").item() for x, y in parts
    ) / len(X)


on_train, on_val = mean_loss(X_train, Y_train), mean_loss(X_val, Y_val)
beside("BatchNorm network by hand, train", on_train, 2.0668, "makemore part 3")
beside("BatchNorm network by hand, held out", on_val, 2.1048, "makemore part 3")

# %% tags=["hide-input"]
if not FAST:
    assert abs(on_train - 2.0668) < 0.02
    assert abs(on_val - 2.1048) < 0.02
assert on_val < 3.2958  # better than guessing, in fast mode too

# %% [markdown]
# Within 0.002 of the published numbers, and within 0.01 of those of part 4. That split leaks: some names stand in
# the list more than once, and so in both parts. A net this small cannot learn many by heart, but the number on
# names that training never saw is the honest one, and it is higher. (Not all of the difference need be memory:
# names that stand there twice may be easier, see lesson 4.) `makemore` splits by the text of each line, so that
# equal lines fall on one side.

# %%
known = set(train)
print(f"held-out names that are in training too: {sum(w in known for w in held_out) / len(held_out):.1%}")
for what, some in (
    ("those", [w for w in held_out if w in known]),
    ("the rest", [w for w in held_out if w not in known]),
):
    print(f"loss on {what:9} {mean_loss(*examples(some)):.4f}")

# %% tags=["hide-input"]
assert 0.12 < sum(w in known for w in held_out) / len(held_out) < 0.16
if not FAST:
    assert mean_loss(*examples(some)) > on_val  # the leak flatters

# %% [markdown]
# ## The same through the library
#
# `mlp_bn` with one hidden layer and a window of 3 is this network. With our weights in it, it says the same.
# Autograd is switched on again.

# %%
import makemore
from makemore.models import build, configure, count_parameters
from makemore.models.loss import nll

torch.set_grad_enabled(True)
config = configure("mlp_bn", longest=15, context=T, n_embd=C, n_embd2=H, n_layer=1, dropout=0.0)
model = build("mlp_bn", V, config)
print(f"{count_parameters(model):,} parameters")
E, W1, gain, bias, W2, b2 = p
layer = model.norms[0]
with torch.no_grad():
    for theirs, ours in (
        (model.embedding.weight, E), (model.fcs[0].weight, W1.T), (layer.gain, gain), (layer.bias, bias),
        (model.head.weight, W2.T), (model.head.bias, b2), (layer.running_mean, running_mean),
        (layer.running_var, running_var),
    ):  # fmt: skip
        theirs.copy_(ours)


# %%
corpus = makemore.read("names")
lines = corpus.rows("validation")[:32]
inputs, targets = corpus.batch(lines)  # whole lines, padded to the longest, as arrays of numpy
inputs, targets = torch.from_numpy(inputs), torch.from_numpy(targets)  # (32, T) each, T of the longest line
real = targets >= 0  # where no padding stands
X, Y = examples(corpus.lines(lines))  # the same lines as windows
with torch.no_grad():
    logits, _ = model.eval()(inputs)
apart = (logits[real] - predict(p, X, running_mean, running_var)).abs().max().item()
print(f"{len(X)} windows of 32 lines; logits differ by at most {apart:.0e}")

# %% tags=["hide-input"]
assert count_parameters(model) == sum(each.numel() for each in p) == 12_097
assert torch.equal(targets[real], Y)
assert apart < 1e-4

# %% [markdown]
# And the gradients: the library's model in training, its loss, and autograd on one side, our function on
# the other.

# %%
model.train()
total, count = nll(model(inputs)[0], targets)
(total / count).backward()
loss, grads, *_ = gradients(p, X, Y)
at = [model.embedding.weight, model.fcs[0].weight, layer.gain, layer.bias, model.head.weight, model.head.bias]
print(f"loss: library {(total / count).item():.6f}, ours {loss:.6f}")
for name, parameter, mine in zip(parameters, at, grads):
    right = parameter.grad  # nn.Linear keeps its matrix turned, as (out, in)
    right = right.T if name in ("W1", "W2") else right
    apart = (mine - right).abs().max()
    print(f"d{name:5} largest entry {right.abs().max():.0e}   largest difference {apart:.0e}")
    assert apart < 1e-6

# %% [markdown]
# The same loss and the same six gradients, to the 7 digits of float32.
#
# ## What is still wrong
#
# Nothing with the gradients, and that is the point: no part of training is magic any more, and from here on
# we let autograd do it. What is wrong is the network. It sees three characters. A wider window helps, but
# one matrix then has to digest all of it in a single gulp. The next lesson looks further back, and merges
# what it sees step by step.
#
# *To read and watch:*
#
# * Rumelhart, Hinton and Williams, [Learning representations by back-propagating
#   errors](https://doi.org/10.1038/323533a0) (1986).
# * Andrej Karpathy, [makemore part 4](https://www.youtube.com/watch?v=q8SA3rM6ckI).
# * PyTorch's page on [how autograd records](https://docs.pytorch.org/docs/stable/notes/autograd.html).
#
# ## Exercises
#
# `makemore lessons start 7` puts this lesson and a file `exercises.py` into the directory `lesson-7`. Fill
# in its three functions, then let `makemore lessons check 7` tell you how you did. The first two are graded
# against autograd in float64.
#
# 1. `padded_cross_entropy_backward`: the gradient of the loss for lines of different lengths, where padding
#    does not count.
# 2. `layer_norm_backward`: LayerNorm, BatchNorm turned by 90 degrees, which you will meet again in the
#    Transformer.
# 3. `wrong_gradients`: given a loss and the gradients that somebody claims it has, find those that are wrong.
#
# **The open challenge.** Write `challenge.py` in `lesson-7`: a network that learns without autograd
# (`torch.set_grad_enabled(False)` is its first line, and stays). The function `gradients` above will do for a
# start. See further back than three characters, or put in a second hidden layer, whose way back is for you to work
# out. Get below 2.05 on the held-out names. `makemore lessons check 7 challenge` trains and scores it.
