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
# # 9. Recurrence: RNN, GRU, LSTM
#
# *Before this: lesson 4. Allow 3 hours.*
#
# ## What you will be able to do
#
# * write the three classic recurrent cells with plain tensors, and prove that they are torch's;
# * train them on lines of unequal length, with padding that costs nothing;
# * measure how far back a loss is felt, say why it fades in one cell and not in another, and tame it where it
#   explodes;
# * look at gates at work without fooling yourself.
#
# ## The idea
#
# The models so far look through a window: what stands farther back than the window is wide does not exist for
# them. A recurrent network has no window. It reads one character, changes its *state*, a vector of H numbers,
# and takes the state along to the next character. Whatever it knows of the past is in there.
#
# ![a cell reads dot, e, m, m, a in turn, hands its state on and predicts e, m, m, a, dot](pictures/09_unrolled.svg)
#
# The picture is *unrolled*: there are five boxes but only one cell, used five times with the same weights. So
# a line can be as long as it likes, and the number of weights stays what it is. In a formula: with the character
# $x_t$ and the state $h_t$ at place $t$,
#
# $$h_t = \text{cell}(x_t, h_{t-1}) \qquad p_t = \text{softmax}(O\, h_t + o)$$
#
# where $p_t$ are the probabilities of what comes next, and $O$ and $o$ a matrix and a bias.
#
# What should a cell do with its state? This lesson looks at three answers, of 1990, 2014 and 1997.

# %%
import math
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import makemore
from makemore.corpus.batches import epoch
from makemore.course import FAST, beside, show

corpus = makemore.read("names")
itos = [".", *corpus.vocab.characters]  # id -> character
stoi = {character: i for i, character in enumerate(itos)}
V = len(itos)
rows = {split: corpus.rows(split)[: 500 if FAST else None] for split in ("train", "validation", "test")}
print(V, "characters;", {split: len(r) for split, r in rows.items()}, "lines")

# %% [markdown]
# The split is makemore's own, by a hash of each line's text: no name is on two sides. (The lectures shuffle the
# lines instead, and about one in eight of the names they hold out is in training too.)
#
# ## Building it
#
# ### Lines of unequal length
#
# Lines become the rows of one tensor, so all must be equally long. Short ones are filled up: inputs with 0,
# targets with -1, which `cross_entropy` is told to ignore. Each row begins with the dot. Without this start
# token the first letter would be nobody's prediction, and the model could not begin a name.
#
# **Before you run it:** for `jo` beside `emma`, write down the row of inputs and the row of targets, with a for 1, b for
# 2 and so on. How many places of its row are padding?


# %%
def batch(lines: list[str]) -> tuple[Tensor, Tensor]:
    """Lines to inputs and targets, (B, T) each; targets are -1 where there is nothing to predict."""
    T = max(map(len, lines)) + 1
    x = torch.zeros(len(lines), T, dtype=torch.int64)
    y = torch.full((len(lines), T), -1)
    for row, line in enumerate(lines):
        ids = torch.tensor([stoi[c] for c in line])
        x[row, 1 : len(line) + 1] = ids
        y[row, : len(line)] = ids
        y[row, len(line)] = 0  # then the end
    return x, y


x, y = batch(["emma", "jo"])
print("inputs\n", x, "\ntargets\n", y)

# %% tags=["hide-input"]
for ours, theirs in zip(batch(corpus.lines(rows["test"][:50])), corpus.batch(rows["test"][:50])):
    assert torch.equal(ours, torch.from_numpy(theirs))  # the library's batches are the same

# %% [markdown]
# Look at the row of jo: after `j` the target is `o`, *whatever the model would have said*. It always continues
# from the true characters, never from its own guesses. That is called teacher forcing. It lets one pass over a
# line give a prediction for each of its places. When the model writes, there is no teacher: each character it
# samples is what it reads next. (After `jo` and its end two places are left to fill.)
#
# ### The plain cell
#
# The simplest answer: mix the new character and the old state, and squash.
#
# $$h_t = \tanh(W x_t + U h_{t-1} + b)$$
#
# | expression | shapes in | shape out |
# | --- | --- | --- |
# | `x @ W.T` | (B, C) and (C, H) | (B, H): what the new character says |
# | `h @ U.T` | (B, H) and (H, H) | (B, H): what the old state says |
# | `torch.tanh(...)` | (B, H) | (B, H), each number between -1 and 1 |
# | `(...).chunk(3, 1)` | (B, 3 H) | three of (B, H): cut along dimension 1 |
#
# All weights come from one small function, for one cell or for several side by side: uniform random numbers, as torch
# starts them. (One bias would do. torch keeps two, and so do we, to compare.)

# %%
C, H = 32, 96  # numbers for a character, numbers in the state


def cell_weights(parts: int, C: int, H: int, g: torch.Generator) -> list[Tensor]:
    """W (parts H, C), U (parts H, H) and two biases (parts H,), uniform within 1 / √H."""
    shapes = (parts * H, C), (parts * H, H), (parts * H,), (parts * H,)
    return [(2 * torch.rand(shape, generator=g) - 1) / math.sqrt(H) for shape in shapes]


def rnn_step(x: Tensor, state: tuple[Tensor], W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor]:
    """One character. x: (B, C), state: h (B, H). Returns the new state."""
    (h,) = state
    return (torch.tanh(x @ W.T + b + h @ U.T + c),)  # (B, H)


# %% [markdown]
# torch has this cell as `nn.RNNCell`. Given the same weights, ours must say the same. (`state_dict()` is torch's dict
# of a module's weights by name, and `load_state_dict` puts others in their place; lesson 11 has more of both.)


# %%
def difference(step, cell: nn.Module, parts: int, states: int) -> float:
    """The largest difference between a step of ours and torch's cell with the same weights."""
    g = torch.Generator().manual_seed(7)
    weights = cell_weights(parts, C, H, g)
    cell.load_state_dict(dict(zip(cell.state_dict(), weights)))
    x = torch.randn(64, C, generator=g)
    state = tuple(torch.randn(64, H, generator=g) for _ in range(states))
    ours = step(x, state, *weights)
    theirs = cell(x, state if states > 1 else state[0])
    theirs = theirs if states > 1 else (theirs,)
    return max((a - b).abs().max().item() for a, b in zip(ours, theirs))


apart = difference(rnn_step, nn.RNNCell(C, H), parts=1, states=1)
print(f"RNN, ours and torch's: {apart:.0e} apart")

# %% tags=["hide-input"]
assert apart < 1e-5

# %% [markdown]
# ### The GRU: keep or replace
#
# The plain cell rewrites its whole state at each character, whether it wants to or not. What it means to
# remember has to survive a matrix and a tanh every time. The *gated recurrent unit* can leave a number alone.
# A *gate* is a vector of numbers between 0 and 1, computed from the character and the state like anything else,
# that something is multiplied by. With $\sigma(x) = 1 / (1 + e^{-x})$, the *sigmoid*, and $\odot$ for the product number
# by number:
#
# $$\begin{aligned}
# r &= \sigma(W_r x + U_r h + b_r) & z &= \sigma(W_z x + U_z h + b_z) \\
# n &= \tanh(W_n x + b_n + r \odot (U_n h + c_n)) & h &\leftarrow z \odot h + (1 - z) \odot n
# \end{aligned}$$
#
# | gate | old state, what would replace it | new state |
# | --- | --- | --- |
# | z = 1 | 0.8 and -0.5 | 0.8: kept |
# | z = 0 | 0.8 and -0.5 | -0.5: replaced |
# | z = 0.5 | 0.8 and -0.5 | 0.15: half of each |


# %%
def gru_step(x: Tensor, state: tuple[Tensor], W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor]:
    """One character. x: (B, C), state: h (B, H). Returns the new state."""
    (h,) = state
    xr, xz, xn = (x @ W.T + b).chunk(3, 1)  # (B, H) each
    hr, hz, hn = (h @ U.T + c).chunk(3, 1)
    r = torch.sigmoid(xr + hr)  # the reset gate: how much of the old state to look at
    z = torch.sigmoid(xz + hz)  # the update gate: how much of it to keep
    n = torch.tanh(xn + r * hn)  # what would replace it
    return (z * h + (1 - z) * n,)


apart = difference(gru_step, nn.GRUCell(C, H), parts=3, states=1)
print(f"GRU, ours and torch's: {apart:.0e} apart")

# %% tags=["hide-input"]
assert apart < 1e-5

# %% [markdown]
# There are two GRUs. The paper (Cho et al. 2014) and the original makemore apply the reset gate to the state and
# *then* multiply by U. torch, and this library, multiply first, so that the three products with h can be one.
# They are equally large, but they are not the same function: the weights of one are of no use to the other. (Look at
# z, too: some papers write z for what is 1 - z here.)


# %%
def gru_step_2014(x: Tensor, state: tuple[Tensor], W: Tensor, U: Tensor, b: Tensor, c: Tensor):
    """The same with the reset gate before the product."""
    (h,) = state
    (Ur, Uz, Un), (cr, cz, cn) = U.chunk(3), c.chunk(3)  # (H, H) and (H,) each
    xr, xz, xn = (x @ W.T + b).chunk(3, 1)
    r = torch.sigmoid(xr + h @ Ur.T + cr)
    z = torch.sigmoid(xz + h @ Uz.T + cz)
    n = torch.tanh(xn + (r * h) @ Un.T + cn)  # here, and not r * (h @ Un.T + cn)
    return (z * h + (1 - z) * n,)


apart = difference(gru_step_2014, nn.GRUCell(C, H), parts=3, states=1)
print(f"the paper's GRU and torch's, same weights: {apart:.2f} apart")
assert apart > 0.01

g = torch.Generator().manual_seed(1)
weights = cell_weights(3, C, H, g)
weights[3][:H] += 50  # a reset gate that stands wide open
x, h = torch.randn(64, C, generator=g), torch.randn(64, H, generator=g)
assert torch.allclose(gru_step(x, (h,), *weights)[0], gru_step_2014(x, (h,), *weights)[0], atol=1e-5)
print("with r = 1 they agree: there is no other difference")

# %% [markdown]
# ### The LSTM: a memory beside the state
#
# The *long short-term memory* is older (1997; its forget gate came in 2000). It keeps a second vector, the
# memory c, away from all matrices. c is only ever multiplied by a gate and added to. What the rest of the
# network gets to see, h, is a gated view of it. In papers our memory is called the *cell state*, and what may be
# added to it, the new g, the *candidate*. (The GRU's n is a candidate too.)
#
# $$c \leftarrow f \odot c + i \odot g \qquad h \leftarrow o \odot \tanh(c)$$
#
# Here $i$, $f$ and $o$ are gates, each with a sigmoid, and $g$ is new, with a tanh.
#
# ![the memory c runs straight through, times f, plus i times g; h is o times tanh of it](pictures/09_lstm.svg)


# %%
def lstm_gates(x: Tensor, h: Tensor, W: Tensor, U: Tensor, b: Tensor, c: Tensor) -> tuple[Tensor, ...]:
    """The gates i, f, o and what is new, g, in torch's order i, f, g, o: (B, H) each."""
    i, f, g, o = (x @ W.T + b + h @ U.T + c).chunk(4, 1)
    i = torch.sigmoid(i)  # the input gate: how much of the new to write
    f = torch.sigmoid(f)  # the forget gate: how much of the memory to keep (1 keeps it all)
    g = torch.tanh(g)  # the new
    o = torch.sigmoid(o)  # the output gate: how much of the memory to show
    return i, f, g, o


def lstm_step(x: Tensor, state: tuple[Tensor, Tensor], *weights: Tensor) -> tuple[Tensor, Tensor]:
    """One character. x: (B, C), state: h and c (B, H). Returns the new state."""
    h, memory = state
    i, f, g, o = lstm_gates(x, h, *weights)
    memory = f * memory + i * g
    return o * torch.tanh(memory), memory


apart = difference(lstm_step, nn.LSTMCell(C, H), parts=4, states=2)
print(f"LSTM, ours and torch's: {apart:.0e} apart")

# %% tags=["hide-input"]
assert apart < 1e-5

# %% [markdown]
# ### From a cell to a language model
#
# Before the cell a table that gives each character its C numbers, after it a matrix that turns the state into
# V logits, and around it a loop over the places. One detail matters: the LSTM's forget gates start with a
# bias of 1, so that they begin rather open. We shall see what for.

# %%
CELLS = {"rnn": (rnn_step, 1, 1), "gru": (gru_step, 3, 1), "lstm": (lstm_step, 4, 2)}  # step, parts, states
COLORS = {"rnn": "C0", "gru": "C2", "lstm": "C4"}  # in the plots


def new(kind: str, V: int, C: int, H: int, seed: int, forget: float = 1.0, radius: float = 0.0):
    """Weights of an untrained model. radius: make U that many times a rotation (rnn only)."""
    g = torch.Generator().manual_seed(seed)
    p = dict(zip("WUbc", cell_weights(CELLS[kind][1], C, H, g)))
    p["E"] = 0.5 * torch.randn(V, C, generator=g)  # the table of the characters
    p["O"], p["o"] = 0.1 * torch.randn(V, H, generator=g), torch.zeros(V)  # the logits' matrix and bias
    if kind == "lstm":
        p["b"][H : 2 * H] += forget
    if radius:
        p["U"] = radius * torch.linalg.qr(torch.randn(H, H, generator=g))[0]
    return {name: tensor.requires_grad_() for name, tensor in p.items()}


def forward(kind: str, p: dict[str, Tensor], idx: Tensor, state=None, step=None):
    """Ids (B, T), and a state or None for the start of lines -> logits (B, T, V) and the state at the end."""
    its_step, _, states = CELLS[kind]
    step = step or its_step
    e = p["E"][idx]  # (B, T, C)
    state = state or tuple(e.new_zeros(len(idx), p["U"].shape[1]) for _ in range(states))
    weights = [p[name] for name in "WUbc"]
    hs = []
    for t in range(idx.shape[1]):
        state = step(e[:, t], state, *weights)  # the recurrence
        hs.append(state[0])
    return torch.stack(hs, 1) @ p["O"].T + p["o"], state


# %% [markdown]
# Against torch's `nn.LSTM` over whole lines; and a look at what padding does to the loss: nothing. Put any
# letters in its place and the loss stays the same to the last bit, since a state only flows to the right.

# %%
p = new("lstm", V, C, H, seed=1)
torchs = nn.LSTM(C, H, batch_first=True)
torchs.load_state_dict(dict(zip(torchs.state_dict(), (p[name] for name in "WUbc"))))
x, y = batch(corpus.lines(rows["validation"][:32]))
logits, state = forward("lstm", p, x)
out, last = torchs(p["E"][x])
assert torch.allclose(logits, out @ p["O"].T + p["o"], atol=1e-5)
assert all(torch.allclose(a, b[0], atol=1e-5) for a, b in zip(state, last))
print(f"over {x.shape[1]} characters, ours and nn.LSTM: {(state[1] - last[1][0]).abs().max():.0e} apart")


def loss_of(logits: Tensor, y: Tensor) -> Tensor:
    """Mean of -log p over the targets that are not padding, in nats per token."""
    return F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=-1)


noise = torch.where(y == -1, torch.randint(1, V, y.shape, generator=g), x)  # letters in place of padding
assert torch.equal(loss_of(logits, y), loss_of(forward("lstm", p, noise)[0], y))
print(f"padding is {(y == -1).float().mean():.0%} of this batch, and its letters do not matter")

# %% [markdown]
# It costs time all the same. So batches are made of lines of about one length; the library's `epoch` does
# that, once through all lines. The rest of the training is short. `torch.optim.AdamW` is an *optimiser*, an object that holds
# the weights: `zero_grad()` forgets the gradients of the last step, `backward()` computes new ones, and `step()` changes
# the weights. It does this better than plain descent; how is for lesson 12. The learning rate rises and then falls to
# zero, and the gradient has a limit, whose purpose we come to.


# %%
def train(kind: str, p, corpus, rows, steps: int, rate: float = 5e-3, step=None) -> list[float]:
    """Train the weights p where they are; return the loss of each step."""
    opt = torch.optim.AdamW(p.values(), lr=rate, betas=(0.9, 0.99))
    waiting, passes = [], 0  # batches to come; how often all lines have been gone through
    losses, began = [], time.time()
    for i in range(steps):
        if not waiting:
            waiting, passes = list(epoch(corpus.lengths[rows], 1024, 1, passes)), passes + 1
        x, y = map(torch.from_numpy, corpus.batch(rows[waiting.pop(0)]))
        loss = loss_of(forward(kind, p, x, step=step)[0], y)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(p.values(), 1.0)
        opt.param_groups[0]["lr"] = rate * min(i / 100 + 0.01, 1 - i / steps)
        opt.step()
        losses.append(loss.item())
        if i % 500 == 499 or i == steps - 1:
            recent = losses[-100:]
            print(f"{kind} step {i + 1:5,}: {sum(recent) / len(recent):.3f}, {time.time() - began:.0f} s")
    return losses


# %% [markdown]
# For the loss of a split, each token counts once: a mean of batch means would weigh the lines of small batches
# more.


# %%
def score(kind: str, p, corpus, rows, step=None) -> float:
    """The loss of some rows, each token counted once, in nats per token."""
    total, tokens = 0.0, 0
    with torch.no_grad():
        in_order = rows[np.argsort(corpus.lengths[rows], kind="stable")]  # so that there is little padding
        for some in np.array_split(in_order, len(in_order) // 500 + 1):
            x, y = map(torch.from_numpy, corpus.batch(some))
            n = (y != -1).sum().item()
            total, tokens = total + loss_of(forward(kind, p, x, step=step)[0], y).item() * n, tokens + n
    return total / tokens


# %%
STEPS = 10 if FAST else 2500
models, curves = {}, {}
for kind in CELLS:
    models[kind] = new(kind, V, C, H, seed=1)
    curves[kind] = train(kind, models[kind], corpus, rows["train"], STEPS)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 3.6))
for kind, losses in curves.items():
    n = max(1, len(losses) // 50)
    smooth = [sum(losses[i : i + n]) / n for i in range(0, len(losses) - n + 1, n)]
    ax.plot([n * (i + 0.5) for i in range(len(smooth))], smooth, color=COLORS[kind], label=kind)
ax.axhline(2.4547, color="black", linewidth=0.8, linestyle="--", label="pairs of letters")
ax.set_ylim(1.7, 2.7)
ax.set_title("Training")
ax.set_xlabel("step")
ax.set_ylabel("loss of the batch (nats per token)")
ax.legend()
show(
    "where the lines cross the dashed one, the test loss of lesson 1's table: there they begin to make use of more "
    "than one letter. The gated cells end lower. They also have more weights; what that does, we ask below."
)

# %% [markdown]
# To write, the model needs its last character and its state. The past is never read again.


# %%
@torch.no_grad()
def sample(kind: str, p, g: torch.Generator) -> str:
    """Sample one line."""
    state, a, out = None, 0, ""
    while len(out) < 30:
        logits, state = forward(kind, p, torch.tensor([[a]]), state)  # (1, 1, V)
        a = int(torch.multinomial(logits[0, 0].softmax(0), 1, generator=g))
        if a == 0:
            break
        out += itos[a]
    return out


for kind, p in models.items():
    g = torch.Generator().manual_seed(3)
    print(f"{kind:5}", *(sample(kind, p, g) for _ in range(9)))

# %% [markdown]
# ### Your own name
#
# Put in yours, in lower case and with the letters a to z only. The three models read it, one character at a time, and
# say how likely each next one was.

# %%
yours = "emma"  # put your own name here
x, y = batch([yours])  # (1, T) each
print("      ", *(f"{kind:>7}" for kind in models))
with torch.no_grad():
    p_of = [forward(kind, p, x)[0][0].softmax(-1) for kind, p in models.items()]  # (T, V) each
for t, letter in enumerate(yours + "."):
    print(f"{letter:>6}", *(f"{p[t, y[0, t]]:7.1%}" for p in p_of))

# %% [markdown]
# Down the column a model has read more and more, and of the letters of `emma` it becomes surer and surer. At the first one
# all three know equally little, and that the name may end where it ends they all find unlikely. (`makemore explain` does
# the same with a trained run.)

# %% [markdown]
# ### A state that is not carried
#
# Here is a bug that many have written. In the loop, the new state goes into a variable that the next turn does
# not read: `new = step(x, start)` instead of `state = step(x, state)`. All shapes fit, and the loss falls.
#
# **Before you run it:** what does this network know when it predicts the next letter? So which model of an earlier
# lesson can it equal at best, and what will its loss be?


# %%
def forgetful(x: Tensor, state: tuple[Tensor], *weights: Tensor) -> tuple[Tensor]:
    """An RNN's step that always reads the start state."""
    return rnn_step(x, (torch.zeros_like(state[0]),), *weights)


broken = new("rnn", V, C, H, seed=1)
train("rnn", broken, corpus, rows["train"], 20 if FAST else 600, step=forgetful)
loss = score("rnn", broken, corpus, rows["validation"], step=forgetful)
beside("no state carried, validation", loss, 2.4566, "makemore's table of pairs")
if not FAST:
    assert abs(loss - 2.4566) < 0.03

# %% [markdown]
# It learned the table of pairs, all but exactly, and can learn nothing else: it sees one character. A network
# that stops where a simpler model stops is telling you what it cannot see. Exercise 3 finds this bug without
# training at all.
#
# And what if the start token is left out, so that the first letter is never predicted? Then the loss looks
# *better*, because the hardest place is not counted.

# %%
x, y = map(torch.from_numpy, corpus.batch(rows["validation"]))
with torch.no_grad():
    each = F.cross_entropy(
        forward("lstm", models["lstm"], x)[0].transpose(1, 2), y, ignore_index=-1, reduction="none"
    )
counted = (y != -1).float()
by_place = each.sum(0) / counted.sum(0)  # (T,)
print("loss of letter 1, 2, 3, ...:", [round(loss, 2) for loss in by_place[:9].tolist()])
without = (each[:, 1:].sum() / counted[:, 1:].sum()).item()
print(
    f"mean {(each.sum() / counted.sum()).item():.4f}, without the first letter {without:.4f}: not the same task"
)
if not FAST:
    assert by_place[0] > by_place[1:9].max() + 0.2

# %% [markdown]
# ## Looking inside
#
# ### How far back is a loss felt?
#
# To learn that the end of a line depends on its beginning, the loss at the end must have a gradient at the
# beginning. It gets there through every state between: *backpropagation through time* is nothing but the
# chain rule on the unrolled picture, from right to left along the orange arrows. In the plain cell,
# $h_t = \tanh(W x_t + U h_{t-1} + b)$, one arrow back is a multiplication by $U$ and by the slope of tanh, $1 - h^2$:
#
# $$\frac{\partial L}{\partial h_{t-1}} = \left(\frac{\partial L}{\partial h_t} \odot (1 - h_t^2)\right) U$$
#
# Names are too short to see much of it. The bundled company names are longer: there are enough with 40
# characters or more.

# %%
firms = makemore.read("companies")
V_firms, T = len(firms.vocab), 41
held_out = np.flatnonzero((firms.split > 0) & (firms.lengths >= T - 1))[: 20 if FAST else 200]
x, y = map(torch.from_numpy, firms.batch(held_out))
x_long, y_last = x[:, :T], y[:, T - 1]  # (B, T) and, to be predicted after those, (B,)
print(len(x_long), "lines such as", firms.lines(held_out[:3]))


def through_time(kind: str, p, idx: Tensor, y: Tensor) -> tuple[list, list]:
    """The states of every step and the gradient there of the loss at the last: T tuples of (B, H) each."""
    step, _, n = CELLS[kind]
    e = p["E"][idx]  # (B, T, C)
    state, states = tuple(e.new_zeros(len(idx), p["U"].shape[1]) for _ in range(n)), []
    for t in range(idx.shape[1]):
        state = step(e[:, t], state, *(p[name] for name in "WUbc"))
        states.append(state)
    loss = F.cross_entropy(state[0] @ p["O"].T + p["o"], y, reduction="sum")  # each line's own loss, added up
    flat = torch.autograd.grad(loss, [s for state in states for s in state])
    return states, [flat[i : i + n] for i in range(0, len(flat), n)]


# %% [markdown]
# Is the formula right? Take autograd's gradient at the last state and walk back by hand, 40 times.

# %%
p = new("rnn", V_firms, C, H, seed=1)
states, gradients = through_time("rnn", p, x_long, y_last)
back = gradients[-1][0]  # (B, H)
for t in range(T - 1, 0, -1):
    h = states[t][0]
    back = (back * (1 - h**2)) @ p["U"]  # one arrow to the left
    theirs = gradients[t - 1][0]
    assert (back - theirs).norm() < 1e-3 * theirs.norm()
    if t % 10 == 1:
        print(f"{T - t:2} steps back: norm {theirs.norm():.1e}, by hand {back.norm():.1e}")

# %% [markdown]
# So the gradient $k$ steps back is a product of $k$ such factors, and that is exponential in $k$: how fast it shrinks
# or grows is decided by one number. For a matrix that is applied again and again it is the *spectral radius*,
# the largest absolute value among its eigenvalues. In the plain cell the matrix is U times slopes of tanh, none
# of them above 1. The LSTM has a way back that meets neither: along the memory, $c_t = f \odot c_{t-1} + i \odot g$, the
# factor is $f$ alone. The GRU's is $z$. Besides, both have ways through their matrices.
#
# How strongly the new state depends on the old one is the step's *Jacobian*, a matrix that autograd can write
# down for any cell. Its spectral radius should foretell how the gradient fares. (`torch.func.jacrev(f)` is the
# function that returns the Jacobian of `f`, and `vmap` lets it work on a batch, one line beside the other.)


# %%
def felt(kind: str, p) -> Tensor:
    """Size of the gradient 0, 1, ... T - 1 steps back over that at 0: (T,), the geometric mean over lines."""
    _, gradients = through_time(kind, p, x_long, y_last)
    norms = torch.stack([torch.cat(g, 1).norm(dim=1) for g in reversed(gradients)])  # (T, B)
    return (norms / norms[0]).clamp_min(1e-30).log().mean(1).exp().detach()


def step_radius(kind: str, p, t: int = 20) -> float:
    """Spectral radius of d(new state) / d(old state) after t characters: the mean over 8 lines."""
    step, _, n = CELLS[kind]
    states, _ = through_time(kind, p, x_long[:8], y_last[:8])
    weights = [p[name].detach() for name in "WUbc"]

    def one(old: Tensor, x: Tensor) -> Tensor:
        """A step of one line: (n H,), (C,) -> (n H,)."""
        return torch.cat(step(x[None], old[None].chunk(n, 1), *weights), 1)[0]

    old, x = torch.cat(states[t], 1).detach(), p["E"][x_long[:8, t + 1]].detach()
    J = torch.func.vmap(torch.func.jacrev(one))(old, x)  # (8, n H, n H)
    return torch.linalg.eigvals(J).abs().amax(1).mean().item()


# %% [markdown]
# Six starts: the plain cell as torch draws it, and with a rotation for U, whose eigenvalues all have absolute
# value 1; a GRU; and the LSTM with three biases of its forget gates.

# %%
start = {
    "RNN": ("rnn", {}),
    "RNN, U a rotation": ("rnn", {"radius": 1.0}),
    "GRU": ("gru", {}),
    "LSTM, forget bias 0": ("lstm", {"forget": 0.0}),
    "LSTM, forget bias 1": ("lstm", {"forget": 1.0}),
    "LSTM, forget bias 3": ("lstm", {"forget": 3.0}),
}
untrained = {name: (kind, new(kind, V_firms, C, H, 1, **options)) for name, (kind, options) in start.items()}
before = {name: felt(kind, p) for name, (kind, p) in untrained.items()}
foretold = {name: step_radius(kind, p) for name, (kind, p) in untrained.items()}
for name, norms in before.items():
    factor = ((norms[30] / norms[10]) ** (1 / 20)).item()
    print(f"{name:20} a step's radius {foretold[name]:.2f}; measured: a factor of {factor:.2f} a step")
    assert abs(factor - foretold[name]) < 0.1

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 4.2))
for name, norms in before.items():
    (line,) = ax.semilogy(norms, label=name)
    ax.semilogy([foretold[name] ** k for k in range(T)], color=line.get_color(), linestyle=":", linewidth=1)
ax.plot([], [], color="black", linestyle=":", linewidth=1, label="a step's radius, to the power k")
ax.set_title("Before training: how much of the gradient is left")
ax.set_xlabel("k, steps back from the loss")
ax.set_ylabel("gradient at the state, 1 at k = 0")
ax.legend(fontsize=8)
show(
    "straight lines, which on this scale are exponentials, nearly as steep as the dotted ones foretell. What an LSTM "
    "is worth at the start hangs on one bias: with 0 it loses the gradient about as fast as the plain cell."
)

# %% [markdown]
# A forget bias of 1 makes $f = 1 / (1 + e^{-1}) = 0.73$, nearly three quarters. That is why the LSTMs of this lesson
# start with it, as Jozefowicz et al. (2015) advise. (torch starts at about 0, and so does the library.)
#
# Now after training. The three are trained for a short while on the company names, all from the start that
# the lesson uses.

# %%
firm_rows = firms.rows("train")
trained, after = {}, {}
starts = {"rnn": "RNN", "gru": "GRU", "lstm": "LSTM, forget bias 1"}
for kind in CELLS:
    trained[kind] = new(kind, V_firms, C, H, 1)
    train(kind, trained[kind], firms, firm_rows, 3 if FAST else 500)
    after[kind] = felt(kind, trained[kind])

# %%
fig, ax = plt.subplots(figsize=(7.5, 3.8))
for kind, norms in after.items():
    ax.semilogy(norms, color=COLORS[kind], label=f"{kind}, trained")
    ax.semilogy(
        before[starts[kind]], color=COLORS[kind], linestyle="--", linewidth=1, label=f"{kind}, before"
    )
ax.set_title("After a short training on company names")
ax.set_xlabel("k, steps back from the loss")
ax.set_ylabel("gradient at the state, 1 at k = 0")
ax.legend(fontsize=8, ncol=3)
show(
    "straight and bent lines. The plain cell's is straight as before, only less steep. Those of the gated cells fall "
    "at first and then hardly any more."
)
late = {kind: ((norms[40] / norms[20]) ** (1 / 20)).item() for kind, norms in after.items()}
print(
    "factor a step, between 20 and 40 steps back:", {kind: round(factor, 2) for kind, factor in late.items()}
)
if not FAST:
    assert late["rnn"] < 0.85 < 0.9 < min(late["gru"], late["lstm"])
    assert after["lstm"][12] < before[starts["lstm"]][12]

# %% [markdown]
# One number printed above looks odd: after these 500 steps the LSTM has the highest loss of the three, 2.087
# against 1.876 and 1.840. It carries a gradient best and has made the least of it so far. How far a cell can
# look and what it has learned to look at are two things; on the names, after five times as many steps, it was
# ahead of the plain cell.
#
# A bent line is a sum of exponentials: some units forget at once, others keep what they have for the whole
# line. That is what gates are for. They let the units of one state have memories of different lengths, long
# where it pays and short where it does not. (In between, the trained LSTM even passes on *less* than before
# training.) The plain cell has one matrix for all of them, and is slowed down as a whole. The forget gates show it
# directly.


# %%
@torch.no_grad()
def gates_along(p, idx: Tensor) -> dict[str, Tensor]:
    """The LSTM's gates on ids (B, T): (B, T, H) each, under i, f and o."""
    weights = [p[name] for name in "WUbc"]
    h = memory = torch.zeros(len(idx), p["U"].shape[1])
    found: dict[str, list[Tensor]] = {"i": [], "f": [], "o": []}
    for t in range(idx.shape[1]):
        x = p["E"][idx[:, t]]
        i, f, _, o = lstm_gates(x, h, *weights)
        h, memory = lstm_step(x, (h, memory), *weights)
        for name, gate in zip("ifo", (i, f, o)):
            found[name].append(gate)
    return {name: torch.stack(gates, 1) for name, gates in found.items()}


for kind, p in trained.items():
    print(f"{kind:5} radius of a step: before {foretold[starts[kind]]:.2f}, after {step_radius(kind, p):.2f}")
for when, p in (("before", untrained["LSTM, forget bias 1"][1]), ("after", trained["lstm"])):
    unit = gates_along(p, x_long)["f"].mean((0, 1)).sort().values  # (H,): each unit's mean on the long lines
    print(
        f"LSTM, forget gates {when:6}: least open {unit[0]:.2f}, median {unit.median():.2f}, most {unit[-1]:.2f}"
    )
if not FAST:
    assert step_radius("rnn", trained["rnn"]) > foretold["RNN"] + 0.1
    assert unit[-1] > 0.95  # of the trained LSTM, the last of the loop
    assert unit[0] < 0.6

# %% [markdown]
# ### What it costs
#
# A small gradient is not yet a failure. So here is a task where memory is all that counts: a letter from a to
# h, then a number of letters from i to z, then a dot, at which the first letter must be said. The same 400
# steps for everyone; only the distance grows. Whether such a task is found out is a matter of luck as well, so
# everyone has three tries.
#
# **Before you run it:** the figure above showed the gradient 20 steps back, for each of the six starts. Who will
# remember a letter over a distance of 20, and who will not?


# %%
def recall(name: str, gap: int, seed: int, steps: int) -> float:
    """Train on lines whose first letter returns after `gap` others; the share that is right on new lines."""
    kind, options = start[name]
    p = new(kind, V, 16, 48, seed, **options)
    opt = torch.optim.Adam(p.values(), lr=0.01)
    g = torch.Generator().manual_seed(seed)
    for i in range(steps + 1):
        B = 64 if i < steps else 1000  # the last ones are for the test
        idx = torch.randint(9, V, (B, gap + 2), generator=g)
        idx[:, 0], idx[:, -1] = torch.randint(1, 9, (B,), generator=g), 0
        said = forward(kind, p, idx)[0][:, -1]  # (B, V)
        if i < steps:
            opt.zero_grad()
            F.cross_entropy(said, idx[:, 0]).backward()
            nn.utils.clip_grad_norm_(p.values(), 1.0)
            opt.step()
    return (said.argmax(1) == idx[:, 0]).float().mean().item()


gaps, right = ([2] if FAST else [5, 10, 20]), {}
for name in start:
    right[name] = [[recall(name, gap, seed, 3 if FAST else 400) for seed in (1, 2, 3)] for gap in gaps]
    for gap, tries in zip(gaps, right[name]):
        print(f"{name:20} {gap:2} letters between:", *(f"{share:5.0%}" for share in tries))

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8, 3.8))
for i, (name, tries) in enumerate(right.items()):
    at = [j + 0.13 * (i - 2.5) for j in range(len(gaps))]
    ax.bar(at, [sum(shares) / 3 for shares in tries], width=0.12, label=name)
    ax.plot(
        [a for a in at for _ in range(3)],
        [share for shares in tries for share in shares],
        ".",
        color="black",
        markersize=4,
    )
ax.axhline(1 / 8, color="black", linewidth=0.8, linestyle="--", label="guessing")
ax.set_xticks(range(len(gaps)), gaps)
ax.set_ylim(0, 1.5)
ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
ax.set_title("Is the first letter remembered?")
ax.set_xlabel("letters between it and the dot")
ax.set_ylabel("share right on new lines")
ax.legend(fontsize=8, ncol=3, loc="upper center")
show(
    "the mean (bars) and the three tries (dots). At 5 letters hardly anyone fails. The farther it is, the fewer are "
    "left. The three LSTMs differ in nothing but one bias."
)

# %% tags=["hide-input"]
if not FAST:
    mean = {name: sum(tries[-1]) / 3 for name, tries in right.items()}  # at 20 letters
    assert min(mean["LSTM, forget bias 3"], mean["GRU"]) > 0.6
    assert max(mean["LSTM, forget bias 0"], mean["RNN"]) < 0.5
    print("at 20 letters:", {name: round(share, 2) for name, share in mean.items()})

# %% [markdown]
# So the slope at the start matters: by the bias of one gate the same LSTM can or cannot do the task. But the
# slope is not fate. The GRU starts about as steep as the LSTM with bias 0, and learns all the same. A
# measurement before training says what is hard, not what is impossible.
#
# ### The opposite: gradients that explode
#
# A factor above 1 is no better. Here U is a rotation times a number. (With 1 the gradient still shrinks: the
# slopes of tanh are below 1.)

# %%
fig, ax = plt.subplots(figsize=(7, 3.8))
for times in (0.5, 1.0, 1.5, 2.0, 4.0):
    norms = felt("rnn", new("rnn", V_firms, C, H, 1, radius=times))
    ax.semilogy(norms, label=f"radius {times}")
    print(f"radius {times}: the gradient 40 steps back is {norms[-1]:.1e} times the one at the end")
ax.set_title("A plain cell whose U is scaled, untrained")
ax.set_xlabel("k, steps back from the loss")
ax.set_ylabel("gradient at the state, 1 at k = 0")
ax.legend(fontsize=8)
show(
    "the lines that rise: there the beginning of a line has more say in the step than its end, by orders of magnitude."
)

# %% [markdown]
# One step along such a gradient throws the weights anywhere. The usual cure is blunt: *clip* it. If the
# gradient of all weights together is longer than some limit, scale it to the limit. Its direction stays. It helps
# against explosion only: what has vanished is not brought back by any scaling.


# %%
def clip(gradients: list[Tensor], limit: float) -> float:
    """Scale gradients, all by the same number, so that together they are no longer than the limit."""
    norm = torch.cat([g.flatten() for g in gradients]).norm().item()
    for g in gradients:
        g *= min(1.0, limit / norm)
    return norm


p = {"a": torch.ones(3, requires_grad=True), "b": torch.ones(2, requires_grad=True)}
(3 * p["a"].sum() + 4 * p["b"].sum()).backward()
gradients = [q.grad.clone() for q in p.values()]
assert abs(clip(gradients, 1.0) - nn.utils.clip_grad_norm_(p.values(), 1.0)) < 1e-5  # torch's, in place
assert all(torch.allclose(g, q.grad) for g, q in zip(gradients, p.values()))

# %%
x, y = x_long[:, :-1], x_long[:, 1:]  # (B, 40)
for limit in (math.inf, 1.0):
    p = new("rnn", V_firms, C, H, 1, radius=4.0)
    loss = loss_of(forward("rnn", p, x)[0], y)
    gradients = list(torch.autograd.grad(loss, list(p.values())))
    norm = clip(gradients, limit)
    with torch.no_grad():
        for q, gradient in zip(p.values(), gradients):
            q -= 0.3 * gradient  # one step
    moved = 0.3 * max(g.abs().max().item() for g in gradients)
    h = torch.stack([state[0] for state in through_time("rnn", p, x_long, y_last)[0]])
    stuck = (h.abs() > 0.9999).float().mean().item()
    print(
        f"gradient {norm:.1e}, limit {limit}: a weight moves by up to {moved:.1e}; then {stuck:.0%} of h is at ±1"
    )
    assert moved <= 0.3 if limit == 1 else moved > 100
    assert FAST or (stuck < 0.7 if limit == 1 else stuck > 0.7)

# %% [markdown]
# After the step without a limit, most numbers of the state are at 1 or -1, where the slope of tanh is 0:
# no gradient passes any more. The loss may even fall on from there, since the logits' own weights still learn.
# So watch the norm of the gradient when you train, and clip.
#
# ### Long lines in pieces
#
# Training keeps every state until the gradient has come back. For a line of a million characters that does not
# fit in memory. So long texts are read in pieces: the state is carried from piece to piece, and *detached*, so
# that the gradient stops at the border. This is truncated backpropagation through time. Values stay exact,
# gradients do not. How wrong are they?


# %%
def gradient_of_u(kind: str, p, K: int) -> Tensor:
    """The loss's gradient for U when the long lines are read in pieces of K characters."""
    state, total = None, torch.zeros(())
    for x_piece, y_piece in zip(x.split(K, 1), y.split(K, 1)):
        logits, state = forward(kind, p, x_piece, state)
        state = tuple(s.detach() for s in state)  # the values go on, the gradient does not
        total = total + F.cross_entropy(logits.flatten(0, 1), y_piece.flatten(), reduction="sum")
    assert torch.allclose(total / y.numel(), loss_of(forward(kind, p, x)[0], y), rtol=1e-4)
    return torch.autograd.grad(total, p["U"])[0].flatten()


for kind in CELLS:
    whole = gradient_of_u(kind, trained[kind], T)
    alike = {
        K: F.cosine_similarity(gradient_of_u(kind, trained[kind], K), whole, dim=0).item()
        for K in (1, 2, 5, 10, 20)
    }
    print(f"{kind:5}", *(f"pieces of {K}: {cosine:.3f}  " for K, cosine in alike.items()))
    assert alike[20] > alike[1]
    assert FAST or alike[20] > 0.95 > 0.9 > alike[1]

# %% [markdown]
# These are the cosines of the angles to the whole gradient: 1 would be no error. With pieces of one character, in
# which nothing goes back through a state, the direction is well off; with twenty little is lost. For the names
# nothing has to be cut.
#
# ### Gates at work
#
# Back to the names. A gate that opens and shuts at the right letters makes a fine picture, and pictures of
# gates have fooled many. Three precautions.
#
# * **Choose by a rule.** 3 gates of 96 units: some look meaningful by accident. Ours are chosen by their
#   correlation with two things, whether the letter just read is a vowel, and how many letters have been read.
# * **Choose here, check there.** Units are chosen on training lines, their correlations taken on others.
# * **Ask what an untrained one would show.** A gate reads the letter directly, through a matrix. Random numbers
#   correlate with vowels, too.

# %%
VOWELS = torch.tensor([character in "aeiouy" for character in itos])


def correlations(p, some) -> dict[tuple[str, str], Tensor]:
    """Correlation of each unit (H,) of each gate with reading a vowel, and with the place in the line."""
    x, y = map(torch.from_numpy, corpus.batch(some))
    real = y != -1
    places = torch.arange(x.shape[1]).expand(x.shape)[real].float()
    found = {}
    for gate, values in gates_along(p, x).items():
        for what, wanted in (("vowel", VOWELS[x][real].float()), ("place", places)):
            a, b = values[real] - values[real].mean(0), wanted - wanted.mean()  # (N, H), (N,)
            found[gate, what] = a.T @ b / (a.norm(dim=0) * b.norm())
    return found


choose, check = (correlations(models["lstm"], some) for some in (rows["train"][:3000], rows["validation"]))
blank = correlations(new("lstm", V, C, H, seed=1), rows["validation"])
chosen = {key: r.abs().topk(3).indices.tolist() for key, r in choose.items()}  # three units for each pair
for (gate, what), units in chosen.items():
    ours = ", ".join(f"{choose[gate, what][u]:+.2f} ({check[gate, what][u]:+.2f})" for u in units)
    print(f"{gate} with {what}: {ours};  the best untrained unit {blank[gate, what].abs().max():.2f}")
    for u in units:
        if not FAST:
            assert abs(choose[gate, what][u] - check[gate, what][u]) < 0.1

# %% tags=["hide-input"]
shown = ["olivia", "christopher", "mackenzie", "maya"]
x, y = batch(shown)
values = gates_along(models["lstm"], x)  # (4, T, H) each
kept = [(row, t) for row, name in enumerate(shown) for t in range(len(name) + 1)]
fig, axes = plt.subplots(3, 1, figsize=(9, 6.4), sharex=True)
for ax, gate, title in zip(axes, "fio", ("Forget gate", "Input gate", "Output gate")):
    which = [(what, u) for what in ("vowel", "place") for u in chosen[gate, what]]
    table = torch.stack([torch.stack([values[gate][row, t, u] for row, t in kept]) for _, u in which])
    image = ax.imshow(table, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    ax.set_yticks(range(6), [f"{what} {check[gate, what][u]:+.2f}" for what, u in which], fontsize=8)
    ax.set_xticks(range(len(kept)), [itos[x[row, t]] for row, t in kept])
    ax.set_title(f"{title}, six chosen units", fontsize=10)
    ax.set_ylabel("unit, chosen for", fontsize=9)
    for at, (_, t) in enumerate(kept):
        if t == 0:
            ax.axvline(at - 0.5, color="white", linewidth=2)
axes[-1].set_xlabel("character read; each name begins with a dot and the start state")
fig.colorbar(image, ax=axes, label="0 shut, 1 open")
show(
    "upper three rows of each panel: do they change with each vowel (a e i o u y)? Lower three: do they drift from "
    "left to right within a name, whatever the letters? The numbers are correlations on lines not used to choose."
)

assert FAST or min(r.abs().max() for (_, what), r in blank.items() if what == "vowel") > 0.5

# %% [markdown]
# The picture is as handsome as one could wish. Now look at the last number of each line printed above it: a
# network that has learned nothing has units that go along with the vowels, too, and not weakly. "A vowel unit"
# is the least one can expect of 96 random ones. What training adds is the difference between those numbers,
# and the picture does not show it.
#
# A picture also shows only what goes together, not what matters. That takes an experiment: hold one gate still,
# each unit at its mean over training lines, and let the others move. What the loss rises by is what the
# movement of that gate was worth to this network.


# %%
def holding(which: str, mean: Tensor):
    """An LSTM's step with one of its gates held at a mean (H,)."""

    def step(x: Tensor, state: tuple[Tensor, Tensor], *weights: Tensor) -> tuple[Tensor, Tensor]:
        h, memory = state
        gate = dict(zip("ifgo", lstm_gates(x, h, *weights)))
        gate[which] = mean
        memory = gate["f"] * memory + gate["i"] * gate["g"]
        return gate["o"] * torch.tanh(memory), memory

    return step


x, y = map(torch.from_numpy, corpus.batch(rows["train"][:3000]))
loss = score("lstm", models["lstm"], corpus, rows["validation"])
print(f"all gates move:   {loss:.3f}")
for gate, values in gates_along(models["lstm"], x).items():
    held = score("lstm", models["lstm"], corpus, rows["validation"], holding(gate, values[y != -1].mean(0)))
    print(f"{gate} held at its mean: {held:.3f}")
    assert FAST or held > loss + 0.02

# %% [markdown]
# (It says nothing about how well a network would do that had been *trained* without the gate. The GRU is one
# that was trained without an output gate, and it does well.)
#
# ## The number to compare with
#
# The lectures give no numbers for these three. So ours stand beside the library's (benchmarks/RESULTS.md,
# makemore's own split). The library's are larger, trained longer, with dropout, and have a *teacher* (lesson 5): a
# 6-gram that was counted on the same training names. Of each target only 60% is the character that came; 40% is spread
# over all characters as the 6-gram would have it. A name that occurs once is one of many that could have
# occurred, and the teacher tells of the others.

# %%
from makemore.models import build, configure, count_parameters

library = {"rnn": 1.9846, "gru": 1.9575, "lstm": 1.9446}  # test loss, mean of three seeds
test = {kind: score(kind, p, corpus, rows["test"]) for kind, p in models.items()}
for kind, p in models.items():
    ours, theirs = (
        sum(q.numel() for q in p.values()),
        count_parameters(build(kind, V, configure(kind, longest=15))),
    )
    beside(f"{kind}, {ours:,} weights; theirs {theirs:,}", test[kind], library[kind], "makemore, test")
if not FAST:
    for kind, loss in test.items():
        assert library[kind] < loss < library[kind] + 0.12
    assert max(test["gru"], test["lstm"]) < test["rnn"]

# %% [markdown]
# Here as there the gated cells are ahead of the plain one, and the library's are ahead of ours. But is it the
# gates that make the difference? With equal H a GRU has three times the recurrent weights of the plain cell, an
# LSTM four times. So here is a plain cell with a larger state, and as many weights in all as the LSTM.

# %%
wide = new("rnn", V, C, 200, seed=1)
ours, lstms = (sum(q.numel() for q in p.values()) for p in (wide, models["lstm"]))
assert 0.98 * lstms < ours <= lstms
train("rnn", wide, corpus, rows["train"], STEPS)
loss = score("rnn", wide, corpus, rows["test"])
print(f"plain cell with {ours:,} weights: {loss:.4f}; the LSTM with {lstms:,}: {test['lstm']:.4f}")
if not FAST:
    assert abs(loss - test["lstm"]) < 0.04
    assert loss < test["rnn"] - 0.02

# %% [markdown]
# With as many weights the plain cell comes close to the LSTM, and it is better than the smaller plain cell. That is
# one seed each and no interval, so it does not show that the two are equally good; lesson 12 has what that would
# take. But at least a part of what the plain cell was short of was weights, not gates. The task for which gates
# paid was the recall over a longer distance. A table of results cannot take such things apart, an experiment that
# changes one thing at a time can.
#
# ## The same through the library
#
# The library's `rnn`, `gru` and `lstm` are torch's fused cells between an embedding and a head. Our weights fit
# in as they are, and the logits are the same. In the library `step` is the equation, and `written_out` the
# loop over it.

# %%
x, y = map(torch.from_numpy, corpus.batch(rows["test"]))
NAMES = {
    "embedding.weight": "E", "cell.weight_ih_l0": "W", "cell.weight_hh_l0": "U", "cell.bias_ih_l0": "b",
    "cell.bias_hh_l0": "c", "head.weight": "O", "head.bias": "o",
}  # fmt: skip
theirs = {}
for kind, p in models.items():
    model = build(kind, V, configure(kind, longest=15, n_embd=C, n_embd2=H, dropout=0.0))
    model.load_state_dict({name: p[ours].detach() for name, ours in NAMES.items()})
    theirs[kind] = model
    with torch.no_grad():
        logits, _ = forward(kind, p, x)
        for way in (model, model.written_out):
            assert torch.allclose(way(x)[0], logits, atol=1e-4)
        print(f"{kind:5} logits, ours and the library's: {(model(x)[0] - logits).abs().max():.0e} apart")

# %% [markdown]
# And the contract of all models, `forward(idx, state) -> (logits, state)`, is ours as well: one character at a
# time, with the state handed on, gives what the whole line gives. That is what makes sampling cheap.

# %%
with torch.no_grad():
    for model in theirs.values():
        whole, last = model(x)
        state, logits = None, []
        for t in range(x.shape[1]):
            one, state = model(x[:, t : t + 1], state)  # (B, 1, V)
            logits.append(one)
        assert torch.allclose(torch.cat(logits, 1), whole, atol=1e-5)
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(state, last))

from makemore.metrics.losses import evaluate
from makemore.sampling.draw import sample as draw
from makemore.sampling.options import SampleOptions

loss = evaluate(theirs["lstm"], corpus, rows["test"]).nll
print(f"test loss of our LSTM, by our code {test['lstm']:.4f}, by the library's {loss:.4f}")
assert abs(loss - test["lstm"]) < 1e-4
print([line.text for line in draw(theirs["lstm"], corpus.vocab, 8, SampleOptions(max_length=30, seed=1))])

# %% [markdown]
# ## What is still wrong
#
# Two things, and both are the arrow from state to state. Whatever the end of a line needs from its beginning
# has to pass through every state between, in H numbers that each step rewrites; gates make the passage wider
# but no shorter. And it must be walked: no state can be computed before the one to its left, so that a machine
# that could do a thousand things at once waits. What if each place could look at every earlier one directly,
# one step away, all places at once? That is attention, the next lesson. (The second point has another answer as well: a
# state whose gates do not read the past can be computed at all places at once. That is lesson 14.)
#
# *To read and watch:*
#
# * Elman, [Finding Structure in Time](https://doi.org/10.1207/s15516709cog1402_1) (1990).
# * Hochreiter and Schmidhuber, [Long Short-Term Memory](https://doi.org/10.1162/neco.1997.9.8.1735) (1997).
# * Cho and others, [the paper of the GRU](https://arxiv.org/abs/1406.1078) (2014).
# * Jozefowicz and others, [An Empirical Exploration of Recurrent Network Architectures](https://proceedings.mlr.press/v37/jozefowicz15.html) (2015).
# * Pascanu and others, [On the difficulty of training recurrent neural networks](https://arxiv.org/abs/1211.5063) (2013).
#
# ## Exercises
#
# `makemore lessons start 9` puts this lesson and a file `exercises.py` into the directory `lesson-9`. Fill in
# its three functions, then let `makemore lessons check 9` tell you how you did.
#
# 1. `coupled_lstm_step`: an LSTM that writes exactly where it forgets, and so needs a gate less.
# 2. `in_pieces`: truncated backpropagation through time; exact values, and gradients that stop at borders.
# 3. `diagnose`: given nothing but a network's forward pass, does it forget, does it peek ahead, or is it fine?
#
# **The open challenge.** Build a model of names with a state, of any size and any kind of cell, and nothing else: no
# window, no attention. Write it in `challenge.py`; `makemore lessons check 9 challenge` trains it on makemore's training
# names, scores it on the validation names and keeps a board of your tries. The goal is 1.99 nats per token.
