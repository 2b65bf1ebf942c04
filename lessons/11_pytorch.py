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
# # 11. PyTorch as others write it
#
# *Before this: lesson 10. Allow 3 hours.*
#
# ## What you will be able to do
#
# * write a network as an `nn.Module`, and read one that somebody else wrote;
# * say what is a parameter, what is a buffer and what is neither, and what goes wrong if you mix them up;
# * train with `torch.optim`, feed with `Dataset` and `DataLoader`, save and load weights, and move a model to
#   a graphics card;
# * prove that a module computes what your plain tensors computed, logit by logit;
# * open `src/makemore/models` and follow every line.
#
# ## The idea
#
# So far our networks were functions, and their weights were lists or dictionaries of tensors that we passed
# around. Nothing was hidden, and that was the point. But there was much to keep in mind: the order of the
# list, which tensors need gradients, which are only running averages, which must be saved. With a hundred
# tensors that becomes the main work.
#
# PyTorch's answer is one class, `nn.Module`. A module is an object that *knows its tensors*. It holds weights
# (*parameters*), other tensors that belong to it (*buffers*), and other modules. So a network is a tree of
# modules. Everything that must be done to all of its tensors is done by walking the tree: give the weights to
# an optimiser, save them, load them, move them to another device, switch from training to use.
#
# ![a tree: the network holds an embedding, a linear layer, a BatchNorm and a head; each holds parameters, the BatchNorm two buffers as well; the walk gives the names of the state dict](pictures/11_modules.svg)
#
# There is nothing else to it. In this lesson we write the networks of lessons 4, 6 and 10 once more, as
# modules, and show that they are the same networks. The letters for the shapes are the usual ones: B
# examples, T characters, C channels of an embedding, H hidden units, V characters in the vocabulary.

# %%
import copy
import inspect
import math
import random
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import makemore
from makemore.course import FAST, beside, names, show

torch.set_num_threads(1)  # so that times can be compared
words = names()
itos = [".", *sorted(set("".join(words)))]  # id -> character
stoi = {character: i for i, character in enumerate(itos)}  # character -> id
T, C, H, V = 3, 10, 200, len(itos)


def windows(some: list[str]) -> tuple[Tensor, Tensor]:
    """All examples in some names, as in lesson 4: contexts (N, T), and what follows each (N,)."""
    contexts, following = [], []
    for word in some:
        context = [0] * T
        for character in word + ".":
            contexts.append(context)
            following.append(stoi[character])
            context = [*context[1:], stoi[character]]
    return torch.tensor(contexts), torch.tensor(following)


shuffled = words.copy()
random.Random(42).shuffle(shuffled)  # the lectures' split, as in lesson 4
a, b = int(0.8 * len(words)), int(0.9 * len(words))
X, Y = windows(shuffled[: 2000 if FAST else a])
X_val, Y_val = windows(shuffled[a : a + 500 if FAST else b])
print("training examples", tuple(X.shape), "validation examples", tuple(X_val.shape))

# %% [markdown]
# ## Building it
#
# ### A layer that keeps its weights
#
# Here is `flat @ W1 + b1` from lesson 4, as a class. Three things are new.
#
# * `class Affine(nn.Module)`: our class inherits from `nn.Module`, so it can do all that a module can do.
# * `super().__init__()` prepares the lists in which the module will note its parameters, buffers and modules.
#   It must come first: without the lists there is nowhere to note anything.
# * `nn.Parameter(tensor)` is a tensor with a label on it: *I am a weight*. It has `requires_grad=True`. When
#   it is assigned to an attribute of a module, the module notes it under the name of the attribute.
#
# What the layer computes is in `forward`. It is called by calling the object: `layer(x)`.


# %%
class Affine(nn.Module):
    """x W + b. x: (..., inputs). Returns (..., outputs)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.W = nn.Parameter(torch.randn(inputs, outputs) / math.sqrt(inputs))
        self.b = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.W + self.b


layer = Affine(4, 2)
print("layer(x):", tuple(layer(torch.ones(5, 4)).shape))
for name, parameter in layer.named_parameters():
    print(f"{name}: {tuple(parameter.shape)}, requires_grad {parameter.requires_grad}")

# %% [markdown]
# **Before you run it:** the next class holds eight numbers in each of four ways. `parameters()` gives an
# optimiser what it is to train. Which of the four will be trained?


# %%
class FourWays(nn.Module):
    """Only some of these are parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.zeros(8))
        self.two = torch.zeros(8, requires_grad=True)
        self.three = [nn.Parameter(torch.zeros(8))]
        self.four = nn.ParameterList([nn.Parameter(torch.zeros(8))])


trained = [name for name, _ in FourWays().named_parameters()]
print("trained:", trained)

# %% tags=["hide-input"]
assert trained == ["one", "four.0"]

# %% [markdown]
# Only `one` and `four.0`. A plain tensor is not a parameter, even if it has a gradient. And a Python list is
# opaque: the module looks at what is assigned to its attributes, finds a list, and does not look inside. So
# the weights in it get gradients, but no optimiser ever hears of them. There is no error. The loss just falls
# less than it could. For lists there are `nn.ParameterList` and, for modules, `nn.ModuleList`.
#
# ### Layers that come with PyTorch
#
# The common layers exist already. These are the ones that we need:
#
# | expression | goes in | comes out | what it does |
# | --- | --- | --- | --- |
# | `nn.Linear(30, 200)` | (32, 30) | (32, 200) | `x @ weight.T + bias`; its `weight` is (200, 30) |
# | `nn.Embedding(27, 10)` | ids (32, 3) | (32, 3, 10) | picks rows: `weight[ids]` |
# | `nn.Flatten()` | (32, 3, 10) | (32, 30) | `flatten(1)` |
# | `nn.Tanh()` | (32, 200) | (32, 200) | `torch.tanh` as a module, so that it can go in a list |
# | `nn.Dropout(0.1)` | (32, 200) | (32, 200) | sets a tenth to 0 in training, nothing in use |
# | `nn.LayerNorm(64)` | (2, 7, 64) | (2, 7, 64) | lesson 10's `layer_norm`, with gain `weight` and `bias` |
# | `nn.Sequential(a, b)` | what `a` takes | what `b` gives | `b(a(x))` |
# | `nn.ModuleList([a, b])` | – | – | only holds them; you loop over it |
#
# `nn.Linear` keeps its matrix the other way round, (outputs, inputs), and turns it when it multiplies.
# Everybody stumbles over this once, when copying weights.
#
# ### Lesson 4 as a module
#
# First the plain version, shortened. Then the same as a module, twice: with our own `Affine`, and with
# PyTorch's layers.


# %%
def fresh(seed: int) -> list[Tensor]:
    """The weights of lesson 4's network, as lesson 6 starts them: E, W1, b1, W2, b2."""
    g = torch.Generator().manual_seed(seed)
    E, W1 = torch.randn(V, C, generator=g), torch.randn(T * C, H, generator=g)
    W2 = torch.randn(H, V, generator=g)
    weights = [E, W1 * (5 / 3) / math.sqrt(T * C), torch.zeros(H), W2 * 0.01, torch.zeros(V)]
    return [weight.requires_grad_() for weight in weights]


def plain(weights: list[Tensor], x: Tensor) -> Tensor:
    """Contexts (B, T) to logits (B, V)."""
    E, W1, b1, W2, b2 = weights
    h = torch.tanh(E[x].flatten(1) @ W1 + b1)  # (B, T) -> (B, T, C) -> (B, T C) -> (B, H)
    return h @ W2 + b2


class OurMLP(nn.Module):
    """The same from our own layer."""

    def __init__(self) -> None:
        super().__init__()
        self.E = nn.Parameter(torch.randn(V, C))
        self.fc = Affine(T * C, H)  # a module inside a module
        self.head = Affine(H, V)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.fc(self.E[x].flatten(1)))  # (B, H)
        return self.head(h)


class MLP(nn.Module):
    """The same from PyTorch's layers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(V, C)
        self.fc = nn.Linear(T * C, H)
        self.head = nn.Linear(H, V)

    def forward(self, x: Tensor) -> Tensor:
        e = self.embedding(x).flatten(1)  # (B, T) -> (B, T, C) -> (B, T C)
        return self.head(torch.tanh(self.fc(e)))


print(MLP())
print(f"{sum(parameter.numel() for parameter in MLP().parameters()):,} weights")

# %% [markdown]
# Printing a module prints the tree. 11,897 weights, as in lesson 4. Now copy the plain weights in. `copy_`
# writes numbers into a tensor that exists already. It happens under `torch.no_grad()`, because writing into a
# weight is not part of the computation that will be differentiated.


# %%
def our_mlp(weights: list[Tensor]) -> OurMLP:
    """An OurMLP with these weights."""
    model = OurMLP()
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), weights):  # E, W1, b1, W2, b2
            parameter.copy_(weight)
    return model


def mlp(weights: list[Tensor]) -> MLP:
    """An MLP with these weights: the matrices of nn.Linear are transposed."""
    E, W1, b1, W2, b2 = weights
    model = MLP()
    with torch.no_grad():
        model.embedding.weight.copy_(E)
        model.fc.weight.copy_(W1.T)
        model.fc.bias.copy_(b1)
        model.head.weight.copy_(W2.T)
        model.head.bias.copy_(b2)
    return model


weights = fresh(1)
logits = plain(weights, X[:1000])  # (1000, V)
ours, theirs = our_mlp(weights)(X[:1000]), mlp(weights)(X[:1000])
print("our own layers: equal to the last bit?", torch.equal(logits, ours))
print(
    f"PyTorch's layers: equal? {torch.equal(logits, theirs)}; at most {(logits - theirs).abs().max():.0e} apart"
)

# %% tags=["hide-input"]
assert sum(parameter.numel() for parameter in MLP().parameters()) == 11_897
assert torch.equal(logits, ours)
assert torch.allclose(logits, theirs, rtol=0, atol=1e-6)

# %% [markdown]
# With our own layer the operations are the same, so every bit is the same, and `torch.equal` says so on every
# machine. `nn.Linear` multiplies and adds in one operation. It may add up in another order, and then the last
# bit of a 32-bit number differs. So of PyTorch's layers we ask only that they agree within 1e-6, even where
# all bits happen to be equal. Every comparison below says which of the two it is.
#
# A chain of layers needs no class of its own. In `nn.Sequential` each module gets what the one before it
# returned.

# %%
chain = nn.Sequential(nn.Embedding(V, C), nn.Flatten(), nn.Linear(T * C, H), nn.Tanh(), nn.Linear(H, V))
print("weights in the chain:", [name for name, _ in chain.named_parameters()])

# %% [markdown]
# The numbers in the names are the places in the chain. Flatten and Tanh, places 1 and 3, have no weights. A
# chain is short to write, but `2.weight` says less than `fc.weight`, and nothing can branch off. That is why
# most models are classes.
#
# ### Saving and loading: the state dict
#
# `state_dict()` walks the tree and returns a dictionary: the path through the tree as the name, and the
# tensor. It is what gets saved. `load_state_dict` copies the numbers back in, and checks that names and
# shapes agree.

# %%
model = mlp(weights)
for name, tensor in model.state_dict().items():
    print(f"{name:18} {tuple(tensor.shape)}")

with tempfile.TemporaryDirectory() as directory:
    path = Path(directory) / "weights.pt"
    torch.save(model.state_dict(), path)
    again = MLP()  # other random weights ...
    print("before loading, equal:", torch.equal(model(X[:100]), again(X[:100])))
    again.load_state_dict(torch.load(path))  # ... until now
    print("after loading, equal: ", torch.equal(model(X[:100]), again(X[:100])))

try:
    chain.load_state_dict(model.state_dict())
except RuntimeError as error:
    print("\ninto the chain:", str(error).split("\n")[1].strip()[:80], "...")

# %% tags=["hide-input"]
assert torch.equal(model(X[:100]), again(X[:100]))

# %% [markdown]
# The chain computes the same network, but its tensors have other names, so the loading fails, and says what
# is missing. The class is *not* in the file, nor how its tensors are used: whoever loads it must build a model of
# the same sizes first. It is a good habit to save the sizes beside the weights, as the library does.
#
# ### Optimisers
#
# Lessons 3 to 7 updated the weights by hand: `weight -= rate * gradient`. Since lesson 8 an optimiser has done
# it; here is what its calls do. An object from `torch.optim` does this for a whole list of parameters. It takes
# three calls for each step, and they appear in every training loop in the world:
#
# | call | what it does |
# | --- | --- |
# | `optimizer.zero_grad()` | throws away the old gradients: each `parameter.grad` becomes None |
# | `loss.backward()` | computes the gradient of each parameter and **adds** it to `parameter.grad` |
# | `optimizer.step()` | changes each parameter by its `.grad`; SGD does `parameter -= lr * parameter.grad` |
#
# **Before you run it:** the cell calls `backward` twice on the same batch, without `zero_grad` between. How
# long will the gradient be, beside what it should be?

# %%
model = mlp(weights)
lengths = []
for _ in range(2):
    F.cross_entropy(model(X[:32]), Y[:32]).backward()
    lengths.append(model.head.bias.grad.norm().item())
print(f"length of the gradient: {lengths[0]:.4f}, then {lengths[1]:.4f}, ratio {lengths[1] / lengths[0]:.2f}")
model.zero_grad()
print("after zero_grad:", model.head.bias.grad)

# %% tags=["hide-input"]
assert abs(lengths[1] / lengths[0] - 2) < 1e-4

# %% [markdown]
# Twice as long: gradients add up. (There is a use for it: a batch that is too large for memory can be done in
# parts.) Without `zero_grad` each step would go in the direction of all the gradients since the beginning,
# most of them out of date.
#
# Now the proof that the loop is the loop that you know. The plain version and both modules start from the
# same weights and see the same batches. `F.cross_entropy` is the loss of lesson 4.

# %%
STEPS = 50 if FAST else 1000
some = torch.randint(
    0, len(X), (STEPS, 32), generator=torch.Generator().manual_seed(1)
)  # (S, B): the batches


def train_plain(weights: list[Tensor]) -> Tensor:
    """Lesson 4's loop. Returns the loss of each batch (S,)."""
    losses = torch.empty(STEPS)
    for step in range(STEPS):
        loss = F.cross_entropy(plain(weights, X[some[step]]), Y[some[step]])
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            for weight, gradient in zip(weights, gradients):
                weight -= 0.1 * gradient
        losses[step] = loss.detach()  # the number, without the graph behind it
    return losses


def train_module(model: nn.Module) -> Tensor:
    """The same, as others write it. Returns the loss of each batch (S,)."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = torch.empty(STEPS)
    for step in range(STEPS):
        loss = F.cross_entropy(model(X[some[step]]), Y[some[step]])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses[step] = loss.detach()
    return losses


by_hand = train_plain(fresh(1))
by_ours, by_theirs = train_module(our_mlp(fresh(1))), train_module(mlp(fresh(1)))
print(f"first loss {by_hand[0]:.4f}, mean of the last 50 {by_hand[-50:].mean():.4f}")
print(f"our layers:       losses at most {(by_hand - by_ours).abs().max():.0e} apart")
print(f"PyTorch's layers: losses at most {(by_hand - by_theirs).abs().max():.0e} apart")

# %% tags=["hide-input"]
assert torch.allclose(by_hand, by_ours, rtol=0, atol=1e-4)
assert torch.allclose(by_hand, by_theirs, rtol=0, atol=1e-4)

# %% [markdown]
# The first loss is nearly that of guessing, log 27. And all three have the same losses, up to rounding. Adding the
# same numbers in another order rounds differently, and the difference goes back into the weights at each step.
# That is why two machines seldom agree to the last bit after a long training.
#
# ### Parameter groups
#
# An optimiser can treat some parameters differently. Instead of a list of parameters it gets a list of
# dictionaries, each with `params` and the settings that differ. The usual case is weight decay (a pull of all
# weights towards 0; lesson 12 measures it), which matrices get and vectors do not: a gain that is pulled to 0
# makes its layer silent.

# %%
model = mlp(weights)
matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
vectors = [parameter for parameter in model.parameters() if parameter.ndim < 2]
optimizer = torch.optim.AdamW(
    [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}], lr=1e-3
)
for group in optimizer.param_groups:
    print(len(group["params"]), "tensors, weight decay", group["weight_decay"], "learning rate", group["lr"])

# %% [markdown]
# Three matrices with decay, two vectors without. `param_groups` can be written to, and that is how the
# learning rate is changed while training: `optimizer.param_groups[0]["lr"] = 1e-4`, or one of the ready
# schedules from `torch.optim.lr_scheduler`. What AdamW does with a gradient is the subject of lesson 12; here
# it is enough that it takes the place of SGD in the loop and nothing else changes.
#
# ### Buffers: lesson 6 as a module
#
# BatchNorm keeps running averages of what it has seen. They are not weights: no gradient ever changes them.
# But they belong to the layer. They must be saved with it and moved with it. Such a tensor is a *buffer*:
# `self.register_buffer("mean", torch.zeros(H))` notes it, and from then on it is `self.mean`.
#
# | | trained | in the state dict | moved by `.to` |
# | --- | --- | --- | --- |
# | `self.x = nn.Parameter(t)` | yes | yes | yes |
# | `self.register_buffer("x", t)` | no | yes | yes |
# | `self.x = t` | no | **no** | **no** |
#
# The plain class is lesson 6's. The module computes the same, letter for letter. What differs: it inherits from
# `nn.Module`, `__call__` is now `forward`, and `__init__` makes parameters and buffers, and no `training`, which
# every module has already.


# %%
class PlainBatchNorm:
    """Lesson 6's: gives each column of (B, H) the mean `bias` and the standard deviation `gain`."""

    def __init__(self, H: int, momentum: float = 0.001) -> None:
        self.gain, self.bias = torch.ones(H), torch.zeros(H)
        self.mean, self.var = torch.zeros(H), torch.ones(H)
        self.momentum, self.training = momentum, True

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


class BatchNorm(nn.Module):
    """The same as a module."""

    def __init__(self, H: int, momentum: float = 0.001) -> None:
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.ones(H)), nn.Parameter(torch.zeros(H))
        self.register_buffer("mean", torch.zeros(H))
        self.register_buffer("var", torch.ones(H))
        self.momentum = momentum

    def forward(self, a: Tensor) -> Tensor:
        if self.training:
            mean, var = a.mean(0), a.var(0, correction=0)
            with torch.no_grad():
                n = len(a)
                self.mean.lerp_(mean, self.momentum)
                self.var.lerp_(var * n / max(1, n - 1), self.momentum)
        else:
            mean, var = self.mean, self.var
        return self.gain * (a - mean) / (var + 1e-5).sqrt() + self.bias


def with_norm(norm: type) -> nn.Sequential:
    """Lesson 6's network: BatchNorm between the matrix, which then needs no bias, and the tanh."""
    torch.manual_seed(6)  # modules take their random numbers from torch's global generator
    return nn.Sequential(
        nn.Embedding(V, C), nn.Flatten(), nn.Linear(T * C, H, bias=False), norm(H), nn.Tanh(), nn.Linear(H, V)
    )


# %% [markdown]
# Three BatchNorms see the same 200 batches: the plain one, ours as a module, and PyTorch's `nn.BatchNorm1d`.
# Then all are switched to use.

# %%
plain_norm, module_norm, torch_norm = PlainBatchNorm(H), BatchNorm(H), nn.BatchNorm1d(H, momentum=0.001)
g = torch.Generator().manual_seed(2)
for _ in range(200):
    batch = 3 + 2 * torch.randn(32, H, generator=g)
    outputs = [norm(batch) for norm in (plain_norm, module_norm, torch_norm)]
print("in training: module equal to plain:", torch.equal(outputs[0], outputs[1]), end="; ")
print(f"PyTorch's at most {(outputs[0] - outputs[2]).abs().max():.0e} apart")
print("running means equal:", torch.equal(plain_norm.mean, module_norm.mean))

plain_norm.training = False
module_norm.eval()  # sets training = False on the module and on every module inside it
torch_norm.eval()
used = [norm(batch) for norm in (plain_norm, module_norm, torch_norm)]
print("in use: module equal to plain:", torch.equal(used[0], used[1]), end="; ")
print(f"PyTorch's at most {(used[0] - used[2]).abs().max():.0e} apart")
print("in the state dict:", list(module_norm.state_dict()))

# %% tags=["hide-input"]
assert torch.equal(outputs[0], outputs[1])
assert torch.equal(used[0], used[1])
assert torch.equal(plain_norm.var, module_norm.var)
assert torch.allclose(outputs[0], outputs[2], rtol=0, atol=2e-6)
assert torch.allclose(used[0], used[2], rtol=0, atol=1e-4)
assert list(module_norm.state_dict()) == ["gain", "bias", "mean", "var"]

# %% [markdown]
# Equal to the last bit, the running averages too. (PyTorch's sums in another order and updates its averages
# by another formula, so each of the 200 updates rounds differently.) And what if the averages are plain
# attributes? Below, `Careless` keeps them so. Both networks are trained, saved and loaded into new ones.
#
# **Before you run it:** the loading will report no error for either. What will the loss of each be after
# loading?


# %%
class Careless(BatchNorm):
    """BatchNorm whose running averages are plain attributes."""

    def __init__(self, H: int, momentum: float = 0.001) -> None:
        super().__init__(H, momentum)
        del self.mean, self.var
        self.mean, self.var = torch.zeros(H), torch.ones(H)


def validation_loss(model: nn.Module) -> float:
    """Mean loss over the validation names, in nats per token."""
    model.eval()
    with torch.no_grad():
        return F.cross_entropy(model(X_val), Y_val).item()


reloaded = {}
for norm in (BatchNorm, Careless):
    model = with_norm(norm)
    with torch.no_grad():
        model[2].weight.mul_(3)  # so that the averages are not about 0 and 1 anyway
    model[3].momentum = 0.01
    train_module(model)
    other = with_norm(norm)
    other.load_state_dict(model.state_dict())
    reloaded[norm] = validation_loss(model), validation_loss(other)
    before, after = reloaded[norm]
    print(f"{norm.__name__:9} loss when saved {before:.4f}, after loading {after:.4f}")

# %% tags=["hide-input"]
assert reloaded[BatchNorm][0] == reloaded[BatchNorm][1]
assert FAST or reloaded[Careless][1] > reloaded[Careless][0] + 0.1

# %% [markdown]
# The buffers come back with the file. The plain attributes stay in the old object, and the new one begins
# again with mean 0 and variance 1. No error, only a worse model. How much worse depends on how far the averages are
# from 0 and 1; here the weights were made three times as large, so that it shows.
#
# ### Training and use
#
# `model.train()` and `model.eval()` set one flag, `training`, on every module of the tree. Most layers ignore it.
# Dropout and BatchNorm do not. A model that is left in training mode gives answers that are random (Dropout) or
# depend on the other examples in the batch (BatchNorm). So two habits: `model.train()` before the training loop,
# `model.eval()` before every measurement and every sample, and `train()` again if training goes on.

# %%
drop = nn.Dropout(0.5)
print("training:", drop(torch.ones(8)).tolist())
drop.eval()
print("in use:  ", drop(torch.ones(8)).tolist())

model = with_norm(BatchNorm)
for mode in ("train", "eval"):
    model.train(mode == "train")
    alone, together = model(X[:2])[0], model(X[:100])[0]  # the same example in two batches
    print(f"{mode:5}: alike in both batches: {torch.allclose(alone, together, atol=1e-5)}")

# %% tags=["hide-input"]
assert torch.allclose(alone, together, atol=1e-5)

# %% [markdown]
# In training each number becomes 0 with a probability of one half, here about half of them, and the others
# are doubled, which keeps the mean; in use nothing happens. And with BatchNorm in training mode the logits of one
# example depend on which others are in its batch.
#
# ### Lesson 10 as modules
#
# The Transformer was a dictionary of tensors with names such as `blocks.0.qkv.weight`. You may have wondered
# why they were called that. They are the names that a module gives. Here is the plain version in short:
# attention, a block, and the whole. In its shapes H is the number of heads and D their channels, as in lesson 10.


# %%
CHANNELS, HEADS, LAYERS, PLACES = 64, 4, 4, 16


def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention. q, k, v: (B, T, H, D). Returns (B, T, H, D)."""
    T = q.shape[1]
    scores = torch.einsum("bthd,bshd->bhts", q, k) / math.sqrt(q.shape[-1])
    future = torch.ones(T, T, dtype=torch.bool, device=q.device).triu(1)
    weights = scores.masked_fill(future, -math.inf).softmax(-1)  # (B, H, T, T)
    return torch.einsum("bhts,bshd->bthd", weights, v)


def plain_gpt(w: dict[str, Tensor], idx: Tensor) -> Tensor:
    """Lesson 10's network: ids (B, T) to logits (B, T, V)."""

    def linear(name: str, x: Tensor) -> Tensor:
        return F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"])

    def norm(name: str, x: Tensor) -> Tensor:
        return F.layer_norm(x, (CHANNELS,), w[f"{name}.weight"], w[f"{name}.bias"])

    B, T = idx.shape
    x = w["embedding.weight"][idx] + w["positions.weight"][:T]  # (B, T, C)
    for b in range(LAYERS):
        qkv = linear(f"blocks.{b}.qkv", norm(f"blocks.{b}.norm1", x))  # (B, T, 3 C)
        q, k, v = qkv.view(B, T, 3, HEADS, CHANNELS // HEADS).unbind(2)  # (B, T, H, D) each
        x = x + linear(f"blocks.{b}.out", attend(q, k, v).reshape(B, T, CHANNELS))
        x = x + linear(f"blocks.{b}.proj", F.gelu(linear(f"blocks.{b}.fc", norm(f"blocks.{b}.norm2", x))))
    return norm("norm", x) @ w["head.weight"].T


# %% [markdown]
# As modules: a block is a module, and the network holds a `ModuleList` of four. Compare line by line. The `w`
# and the names in quotes are gone, since each block holds its own tensors; the computation is the same.


# %%
class Block(nn.Module):
    """Attention, then a small network, each added to the stream."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(CHANNELS)
        self.qkv = nn.Linear(CHANNELS, 3 * CHANNELS)
        self.out = nn.Linear(CHANNELS, CHANNELS)
        self.norm2 = nn.LayerNorm(CHANNELS)
        self.fc = nn.Linear(CHANNELS, 4 * CHANNELS)
        self.proj = nn.Linear(4 * CHANNELS, CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        B, T, _ = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, T, 3, HEADS, CHANNELS // HEADS).unbind(2)
        x = x + self.out(attend(q, k, v).reshape(B, T, CHANNELS))
        return x + self.proj(F.gelu(self.fc(self.norm2(x))))


class GPT(nn.Module):
    """Lesson 10's network from modules."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(V, CHANNELS)
        self.positions = nn.Embedding(PLACES, CHANNELS)
        self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
        self.norm = nn.LayerNorm(CHANNELS)
        self.head = nn.Linear(CHANNELS, V, bias=False)

    def forward(self, idx: Tensor) -> Tensor:
        x = self.embedding(idx) + self.positions.weight[: idx.shape[1]]  # (B, T, C)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class ForgetfulGPT(GPT):
    """The same with a plain list of blocks."""

    def __init__(self) -> None:
        super().__init__()
        del self.blocks
        self.blocks = [Block() for _ in range(LAYERS)]


# %% [markdown]
# **Before you run it:** lesson 10's network has 204,544 weights. The last class has its blocks in a Python
# list. How many weights will it say that it has: all, none, or how many?

# %%
counts = {kind.__name__: sum(p.numel() for p in kind().parameters()) for kind in (GPT, ForgetfulGPT)}
print(counts)

g = torch.Generator().manual_seed(10)
w = {name: 0.2 * torch.randn(tensor.shape, generator=g) for name, tensor in GPT().state_dict().items()}
w["norm.weight"] += 2  # larger logits make a stricter test
gpt = GPT()
gpt.load_state_dict(w)  # the dictionary of lesson 10 has just these names
idx = torch.randint(0, V, (50, PLACES), generator=g)
with torch.no_grad():
    logits, ours = plain_gpt(w, idx), gpt(idx)
print(f"logits up to {logits.abs().max():.1f}; at most {(logits - ours).abs().max():.0e} apart")

# %% tags=["hide-input"]
assert counts["GPT"] == 204_544
assert counts["ForgetfulGPT"] == V * CHANNELS + PLACES * CHANNELS + 2 * CHANNELS + V * CHANNELS
assert torch.allclose(logits, ours, rtol=1e-6, atol=1e-5)
with torch.no_grad():
    q, k, v = (torch.randn(2, 7, HEADS, 16, generator=g) for _ in range(3))
    fused = F.scaled_dot_product_attention(*(x.transpose(1, 2) for x in (q, k, v)), is_causal=True)
    assert torch.allclose(fused.transpose(1, 2), attend(q, k, v), atol=1e-6)

# %% [markdown]
# The plain list hides all four blocks. Only embeddings, the last norm and the head are left, and an optimiser
# would train those few and leave the blocks as they began. The real network has all 204,544, and gives the
# plain one's logits, within 1e-5. (In others' code you will often meet `F.scaled_dot_product_attention`. It
# is our `attend` in one fast function, with heads before places: (B, H, T, D). It agrees within 1e-6.)
#
# ### Initialisation
#
# Layers come with random weights. `nn.Linear` takes them uniformly from $\pm 1/\sqrt{\text{inputs}}$, and
# `nn.Embedding` from the standard normal distribution. Both can be overwritten in place with the functions of
# `nn.init`; the underscore at the end of a name says *in place*, as in `copy_`.
#
# | expression, for a weight (200, 30) | standard deviation |
# | --- | --- |
# | `nn.Linear(30, 200)` itself | $1/\sqrt{3 \cdot 30} = 0.105$ |
# | `nn.init.normal_(weight, std=0.02)` | 0.02 |
# | `nn.init.kaiming_normal_(weight, nonlinearity="tanh")` | $\frac{5}{3}/\sqrt{30} = 0.304$ |
# | `nn.init.zeros_(bias)` | 0 |
#
# The third is lesson 6's rule. What each of them does to a deep stack we see below.

# %%
layer = nn.Linear(30, 200)
print(f"nn.Linear itself      {layer.weight.std():.3f}")
nn.init.normal_(layer.weight, std=0.02)
print(f"normal_, std=0.02     {layer.weight.std():.3f}")
nn.init.kaiming_normal_(layer.weight, nonlinearity="tanh")
print(f"kaiming_normal_, tanh {layer.weight.std():.3f}")
assert abs(layer.weight.std() - 0.304) < 0.02

# %% [markdown]
# ### Dataset and DataLoader
#
# Others' code rarely indexes its data as we do. It has two objects. A `Dataset` answers two questions: how
# many examples are there (`len(data)`), and what is example i (`data[i]`). A `DataLoader` goes through it: it
# shuffles the numbers 0 to N - 1, cuts them into batches, asks for each example, and puts the examples of a
# batch into one tensor. That last job is called *collating*. Examples of one shape are simply stacked. For
# names of unequal length we must say how, with a function of our own. The targets are padded with -1, and
# `ignore_index=-1` tells the loss to skip those.

# %%
from torch.utils.data import DataLoader, Dataset


class Names(Dataset):
    """Each name as its ids, without start and end."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, i: int) -> Tensor:
        return torch.tensor([stoi[character] for character in self.lines[i]])


def collate(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Ids of some names -> inputs and targets (B, T), T the longest of them and its end."""
    starts = [torch.cat([torch.tensor([0]), line]) for line in lines]
    ends = [torch.cat([line, torch.tensor([0])]) for line in lines]
    return (
        nn.utils.rnn.pad_sequence(starts, batch_first=True),  # filled up with 0
        nn.utils.rnn.pad_sequence(ends, batch_first=True, padding_value=-1),
    )


loader = DataLoader(Names(["emma", "jo", "ava"]), batch_size=2, collate_fn=collate)
for x, y in loader:
    print("inputs ", x.tolist(), " targets", y.tolist())
with torch.no_grad():
    logits = gpt(x)  # (B, T, V), here of the last batch
    padded = torch.cat([y, torch.full((1, 2), -1)], 1)  # two places more, of padding
    longer = F.cross_entropy(
        gpt(torch.cat([x, x[:, :2]], 1)).flatten(0, 1), padded.flatten(), ignore_index=-1
    )
print(f"loss {F.cross_entropy(logits.flatten(0, 1), y.flatten()):.4f}, with padding ignored {longer:.4f}")
assert abs(longer - F.cross_entropy(logits.flatten(0, 1), y.flatten())) < 1e-4

# %% [markdown]
# Three names in batches of two are a pair and a single one. (Without `drop_last=True` the last batch may be
# smaller.) The loss is the same with the padding and without: the network looks back only, so what stands behind the
# end of a name cannot change what comes before it. (It is so large because these weights are
# random.) `F.cross_entropy` wants a row of logits for each target, so (B, T, V) is flattened to (B T, V) and
# (B, T) to (B T,).
#
# The DataLoader is comfortable. Is it fast? Here it gives batches of our 3-character windows, beside what
# this course does, indexing with a tensor of random numbers. The two take turns, and the fastest of some
# rounds counts.

# %%
data = torch.utils.data.TensorDataset(X, Y)  # a ready Dataset: example i is (X[i], Y[i])
sizes, rounds, batches = [8, 32, 128, 512], 1 if FAST else 5, 5 if FAST else 30
took = {"DataLoader": {}, "by hand": {}}
for size in sizes:
    fastest = {"DataLoader": math.inf, "by hand": math.inf}
    for _ in range(rounds):
        began, order = time.perf_counter(), torch.randint(0, len(X), (batches, size))
        for some_rows in order:
            x, y = X[some_rows], Y[some_rows]
        fastest["by hand"] = min(fastest["by hand"], time.perf_counter() - began)
        loader = iter(DataLoader(data, batch_size=size, shuffle=True))
        next(loader)  # the first batch waits for the shuffle of all examples
        began = time.perf_counter()
        for _ in range(batches):
            x, y = next(loader)
        fastest["DataLoader"] = min(fastest["DataLoader"], time.perf_counter() - began)
    for way, seconds in fastest.items():
        took[way][size] = 1e6 * seconds / batches
    print(
        f"batches of {size:3}: DataLoader {took['DataLoader'][size]:6.0f} µs, by hand {took['by hand'][size]:4.0f} µs"
    )

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
for (way, times), marker in zip(took.items(), "os"):
    ax.loglog(list(times), list(times.values()), marker=marker, label=way)
ax.set_xticks(sizes, [str(size) for size in sizes])
ax.minorticks_off()
ax.set_title("Time to make one batch of windows")
ax.set_xlabel("examples in the batch")
ax.set_ylabel("time (microseconds)")
ax.legend()
show(
    "the slopes. The DataLoader asks for one example after the other, so its time grows with the batch; indexing makes the "
    "whole batch in one operation, which costs a few times as much for 512 examples as for 8."
)
assert FAST or took["DataLoader"][512] > 3 * took["by hand"][512]

# %% [markdown]
# Our examples lie in memory already, as one tensor. Asking for them one by one is pure loss. A DataLoader
# pays when an example is work: a picture to read from disk and decode. Then `num_workers=4` lets four
# processes prepare batches while the model computes. The rule: if everything fits into one tensor, index it.
#
# ### Devices
#
# A graphics card has memory of its own, and an operation needs all its tensors in one place. Each tensor has
# a `.device`. `.to(device)` moves:
#
# | expression | what it does |
# | --- | --- |
# | `x = x.to(device)` | returns a **copy** there; without the `x =` nothing has happened |
# | `model.to(device)` | moves parameters and buffers of the whole tree **in place** |
# | `torch.zeros(3, device=x.device)` | makes a new tensor where x is; for tensors made inside `forward` |
# | `loss.item()` | a Python number, from wherever it was |
#
# So three things must move: the model, each batch, and whatever `forward` makes itself. The optimiser is made
# after the model was moved. These lines find a device, and the rest of the code does not ask which:

# %%
if torch.cuda.is_available():
    device = torch.device("cuda")  # a graphics card of NVIDIA, or of AMD with ROCm
elif torch.backends.mps.is_available():
    device = torch.device("mps")  # an Apple computer
else:
    device = torch.device("cpu")
moved = copy.deepcopy(gpt).to(device)  # a copy of the model, so that ours stays where it is
with torch.no_grad():
    far = moved(idx.to(device)).to("cpu")  # (B, T, V): there and back
    print(
        "device:",
        device,
        " equal to the logits above, within 1e-3:",
        torch.allclose(far, gpt(idx), atol=1e-3),
    )

# %% [markdown]
# Can you test code for a graphics card without one? Partly. The device `meta` has shapes and no numbers, and
# it complains about tensors that were left behind just as a card does. Here the careful and the careless
# BatchNorm are moved to it. This is the second way in which a plain attribute goes wrong.

# %%
for norm in (BatchNorm, Careless):
    layer = norm(H).to("meta").eval()
    devices = {name: str(getattr(layer, name).device) for name in ("gain", "bias", "mean", "var")}
    try:
        layer(torch.zeros(4, H, device="meta"))
        said = "works"
    except RuntimeError as error:
        said = str(error).split(",")[0]
    print(f"{norm.__name__:9} {devices}\n          {said}")

# %% tags=["hide-input"]
assert devices["mean"] == "cpu"
assert said != "works"

# %% [markdown]
# ### Without gradients
#
# Each operation on a parameter notes what `backward` will need, and keeps those tensors alive. To measure or
# to sample, that is waste. Two ways to turn it off:
#
# * `with torch.no_grad():` computes without notes. Its results are ordinary tensors that may be used later in
#   something with a gradient.
# * `with torch.inference_mode():` turns off even more book-keeping, a little faster. But its results can
#   never take part in training.
#
# `model.eval()` is something else: it changes what Dropout and BatchNorm compute, and it notes gradients as
# before. A measurement needs both.

# %%
model = mlp(weights).eval()
print("eval alone:     requires_grad", model(X[:5]).requires_grad)
with torch.no_grad():
    quiet = model(X[:5])
print("no_grad:        requires_grad", quiet.requires_grad)
with torch.inference_mode():
    quieter = model(X[:5])
try:
    (quieter * model.head.bias).sum().backward()
except RuntimeError as error:
    print("inference_mode:", str(error).split(".")[0])

# %% tags=["hide-input"]
assert model(X[:5]).requires_grad
assert not quiet.requires_grad

# %% [markdown]
# ## Looking inside
#
# How do you look at the activations inside a model that someone else wrote, without changing its code? With a
# *hook*: a function that a module calls after each `forward`, with itself, its inputs and its output. `handle
# = module.register_forward_hook(function)` hangs it in, `handle.remove()` takes it off. (There are hooks
# before `forward` and for gradients too.)
#
# A stack of twelve tanh layers, as deep networks were before BatchNorm. The hooks note the standard deviation
# of what each Tanh gives, for three ways to initialise the matrices.

# %%
DEPTH, WIDTH = 12, 100


def initialise(stack: nn.Module, how: str) -> None:
    """Overwrite the matrices of all linear layers; `modules()` walks the tree."""
    for module in stack.modules():
        if isinstance(module, nn.Linear):
            if how == "normal_, std=0.02":
                nn.init.normal_(module.weight, std=0.02)
            elif how == "kaiming_normal_":
                nn.init.kaiming_normal_(module.weight, nonlinearity="tanh")
            nn.init.zeros_(module.bias)


def watch(how: str) -> list[float]:
    """The standard deviation of what each Tanh of a new stack gives."""
    torch.manual_seed(3)
    layers = []
    for _ in range(DEPTH):
        layers += [nn.Linear(WIDTH, WIDTH), nn.Tanh()]
    stack = nn.Sequential(*layers)  # the star hands over the list as separate arguments
    initialise(stack, how)
    seen = []

    def note(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        seen.append(output.std().item())

    handles = [module.register_forward_hook(note) for module in stack if isinstance(module, nn.Tanh)]
    with torch.no_grad():
        stack(torch.randn(1000, WIDTH))  # calls the twelve hooks
    for handle in handles:
        handle.remove()
    return seen


deviations = {}
for how in ("as nn.Linear comes", "normal_, std=0.02", "kaiming_normal_"):
    deviations[how] = watch(how)
    print(f"{how:19} after layer 1: {deviations[how][0]:.3f}, after layer 12: {deviations[how][-1]:.1e}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
for (how, seen), marker in zip(deviations.items(), "osD"):
    ax.semilogy(range(1, DEPTH + 1), seen, marker=marker, label=how)
ax.set_title("What is left of the signal in a stack of tanh layers")
ax.set_xlabel("layer")
ax.set_ylabel("standard deviation of its output")
ax.legend()
show(
    "which line stays level. With PyTorch's own start each layer hands on little more than half of what it got; with "
    "0.02 a fifth; with Kaiming's rule the signal keeps its size."
)
assert deviations["kaiming_normal_"][-1] > 0.4
assert deviations["as nn.Linear comes"][-1] < 0.01
assert deviations["normal_, std=0.02"][-1] < 1e-6

# %% [markdown]
# The default of `nn.Linear` is no good for deep stacks without normalisation or residual connections: after
# twelve layers about a thousandth is left. That is why such models call `nn.init`, or bring the numbers back
# to size 1 on the way, as BatchNorm and LayerNorm do.
#
# ## The number to compare with
#
# All of it together, on lesson 4's network and split: parameter groups, AdamW, a schedule from
# `torch.optim.lr_scheduler` that lets the rate fall to zero, `train` and `eval`. The batches have 512 windows
# instead of 32. The video takes 200,000 steps with SGD for 2.17.

# %%
model = mlp(fresh(1))
steps = 50 if FAST else 6000
matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
vectors = [parameter for parameter in model.parameters() if parameter.ndim < 2]
groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
optimizer = torch.optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.99))
scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
g = torch.Generator().manual_seed(4)
began = time.perf_counter()
model.train()
for step in range(1, steps + 1):
    rows = torch.randint(0, len(X), (512,), generator=g)
    loss = F.cross_entropy(model(X[rows]), Y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()  # sets the learning rate of the next step
    if step % (steps // 5) == 0:
        print(f"step {step:5,}: loss of the batch {loss.item():.3f}, rate {scheduler.get_last_lr()[0]:.4f}")

# %%
model.eval()
with torch.inference_mode():
    train_loss = F.cross_entropy(model(X), Y).item()
    val_loss = F.cross_entropy(model(X_val), Y_val).item()
beside("training names", train_loss, 2.1260, "makemore part 2")
beside("validation names", val_loss, 2.1701, "makemore part 2")

# %% tags=["hide-input"]
if not FAST:
    assert val_loss < 2.17

# %% [markdown]
# The same 11,897 weights and a lower loss, in 6,000 steps instead of 200,000. Most of the gain is lesson 6's start:
# with it, and with plain steps, part 3's network came to 2.107. The rest is the steps: each sees sixteen times as
# many windows, the rate falls to zero, and AdamW scales the step of each weight by itself, as lesson 12 will show.
# (Some of these validation names are in training too, as
# lesson 4 found out. That flatters both columns.)
#
# The probabilities of a name, letter by letter, from the trained module. Put in your own.

# %%
yours = "emma"  # put your own name here: a to z, lower case

contexts, following = windows([yours])
with torch.inference_mode():
    p = model(contexts).softmax(1)  # (T, V)
for context, y, row in zip(contexts, following, p):
    best = itos[int(row.argmax())]
    so_far = "".join(itos[i] for i in context)
    print(f"after {so_far}: {itos[int(y)]} has {row[y]:6.1%}, the likeliest is {best} with {row.max():.1%}")
log_p = p[torch.arange(len(following)), following].log().sum().item()
print(f"the whole name: one in {math.exp(-log_p):,.0f}")

# %% [markdown]
# The last line says how many names you would have to sample until yours comes up, on average. `makemore
# explain` prints the same kind of table for any trained run.
#
# ## The same through the library
#
# Now open `src/makemore/models/mlp.py`. `inspect.getsource` returns the text of a class or a function.

# %%
from makemore.models import mlp as library

print(inspect.getsource(library.MLP))

# %% [markdown]
# Line by line, what is new:
#
# * `class MLP(Model)`: `Model` is a subclass of `nn.Module` with the few things that all models of the
#   library share. `config_class` names the class of its settings.
# * `super().__init__()`, then the layers: `embedding`, `fc`, `dropout`, `head`. The same names as in ours,
#   and not by accident. `Embedding` is `nn.Embedding` that can hold a label for each line besides; without
#   labels it is the same.
# * The four `nn.init` lines are lesson 6: Kaiming's rule for the tanh layer, a small `head` so that all
#   characters begin about equally likely.
# * `forward` takes whole lines, ids (B, T), not windows. `state` is what came before: the last characters of
#   the line so far, or None at its start. Then `past` is filled with zeros, the boundary. `idx.new_zeros`
#   makes them on the device of `idx`: nothing is left behind.
# * `idx.unfold(1, self.context, 1)` lays a window over the line and moves it on by one: (B, T, n), n
#   characters for each place. Then the two lines that you know, and the logits.
# * It returns the logits *and* the state for the next call. All models of the library do.
#
# So a run's weights must fit into our own module. We train one for a moment, and load.

# %%
with tempfile.TemporaryDirectory() as directory:
    run = makemore.train(
        "names", type="mlp", context=T, n_embd=C, n_embd2=H, dropout=0.0, teacher=0.0,
        max_steps=10 if FAST else 1000, work_dir=directory,
    )  # fmt: skip
    theirs = run.model.eval()
    trained_loss = run.summary().nll["test"]
mine = MLP()
mine.load_state_dict(theirs.state_dict())
mine.eval()

line = torch.tensor([[0, *(stoi[character] for character in "emma")]])  # (1, 5)
with torch.no_grad():
    from_library, _ = theirs(line)  # (1, 5, V)
    from_mine = mine(windows(["emma"])[0])  # (5, V)
print(f"test loss of the run {trained_loss:.4f}")
print(f"logits for emma, at most {(from_library[0] - from_mine).abs().max():.0e} apart")

# %% tags=["hide-input"]
assert torch.allclose(from_library[0], from_mine, atol=1e-5)
assert FAST or trained_loss < 2.3

# %% [markdown]
# `load_state_dict` did not complain: every name and every shape is the same, and so are the logits. (The loss
# is on makemore's own split, where no name is on two sides, after 1,000 steps.) You can now read the other
# files in `src/makemore/models`. Begin with `mlp_bn.py`, where you will find a BatchNorm with
# `register_buffer`, then `transformer.py`, where you will find our `Block`.
#
# ## What is still wrong
#
# * A module hides what it does. In lesson 4 you saw every tensor; here you must know that `nn.Linear` turns
#   its matrix, that modes exist, that a list is not looked into. Most bugs in PyTorch code are of this kind,
#   and give no error. The cure is the one of this lesson: rebuild a part with plain tensors and compare.
# * The learning rate, the decay and the schedule were chosen by habit. Lesson 12 measures what they are
#   worth.
# * One process, one device, 32 bits. Large models are trained on many cards in 16 bits. The modules stay the
#   same; what is around them grows.
#
# *To read and watch:*
#
# * PyTorch, [Modules](https://docs.pytorch.org/docs/stable/notes/modules.html), the official notes, and the
#   [list of all layers](https://docs.pytorch.org/docs/stable/nn.html).
# * Andrej Karpathy, [Neural Networks: Zero to Hero](https://karpathy.ai/zero-to-hero.html): makemore parts 3
#   and 5 build these classes step by step.
# * Paszke and others, [PyTorch: An Imperative Style, High-Performance Deep Learning
#   Library](https://arxiv.org/abs/1912.01703) (2019).
#
# ## Exercises
#
# `makemore lessons start 11` puts this lesson and a file `exercises.py` into the directory `lesson-11`. Fill
# in its three functions, then let `makemore lessons check 11` tell you how you did.
#
# 1. `bag_of_words`: lesson 10's average of the past as a module, with a parameter, a buffer and a list of
#    layers that all end up in the state dict.
# 2. `padded`: a collate function for names of unequal length.
# 3. `train_and_score`: a training loop and a measurement, with parameter groups and the right modes.
#
# **The open challenge.** Write a network of your own as an `nn.Module`, train it with `torch.optim`, and get
# below 1.98 nats per token on held-out names. Any layers of `torch.nn` are allowed, `nn.GRU` and
# `nn.TransformerEncoderLayer` too. Write it in `challenge.py`, and let `makemore lessons check 11 challenge`
# score it.
