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
# # 15. Knowing whether it is good
#
# *Before this: lesson 4. Allow 2 hours.*
#
# ## What you will be able to do
#
# * say where in a line a model is good and where it guesses, and whether its probabilities can be believed;
# * tell a model that has learned names from one that has learned *the* names, by one number;
# * see what a leaking split does to a comparison, and measure how much of the lectures' split leaks;
# * decide whether a difference between two models is real;
# * choose a temperature knowing what it buys and what it costs.
#
# ## The idea
#
# A single number, the loss on lines held out, orders the ladder. It is right only if those lines are really
# new, it hides where the model is good, it says nothing of the samples, and it comes with an error that most
# people never look at. Each of these has a remedy, and none takes more than a few lines.
#
# ![Train lines teach, validation lines choose, test lines are looked at once; a line that is on two sides tells the answer](pictures/15_split.svg)

# %%
import math
import tempfile
from collections import Counter

import matplotlib.pyplot as plt
import torch
from torch import Tensor

import makemore
from makemore.counting.smoothing import formulas
from makemore.course import FAST, beside, names, show
from makemore.models import build, configure

words = names()
itos = [".", *sorted(set("".join(words)))]
stoi = {c: i for i, c in enumerate(itos)}
V = len(itos)  # 27

# %% [markdown]
# ## Building it
#
# Everything below is made of one thing: $-\log p$ of every token of every line. Lines have different lengths, so
# they come padded to the longest, with a *mask* that says what is real. What is new in the next cell:
#
# | expression | in | out |
# | --- | --- | --- |
# | `torch.arange(3) < lengths[:, None]` | `lengths` = `[1, 3]` | `[[True, False, False], [True, True, True]]`: a mask |
# | `x.log_softmax(-1)` | `[0, 0]` | `[-0.69, -0.69]`: the logarithm of the softmax, $\log(1/2)$ twice |
# | `a.gather(-1, i)` | `a` = `[[5, 6], [7, 8]]`, `i` = `[[1], [0]]` | `[[6], [7]]`: from each row the one asked for |
# | `t[..., None]` | (2, 3) | (2, 3, 1): one more dimension at the end |
#
# `lengths[:, None]` makes a column of the lengths, so that each is compared with all places of its row.


# %%
def padded(lines: list[str]) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs and targets (B, T), and the mask (B, T): True where a token is to be predicted."""
    T = max(map(len, lines)) + 1
    ids = torch.zeros(len(lines), T + 1, dtype=torch.int64)
    for row, line in zip(ids, lines):
        row[1 : len(line) + 1] = torch.tensor([stoi[c] for c in line])
    lengths = torch.tensor([len(line) + 1 for line in lines])  # with the end
    return ids[:, :-1], ids[:, 1:], torch.arange(T) < lengths[:, None]


@torch.no_grad()
def token_losses(model: torch.nn.Module, lines: list[str]) -> tuple[Tensor, Tensor]:
    """-log p of every token (B, T), 0 at padding, and the mask (B, T)."""
    inputs, targets, mask = padded(lines)
    logp = model.eval()(inputs)[0].log_softmax(-1)  # (B, T, V)
    return -logp.gather(-1, targets[..., None])[..., 0] * mask, mask


def counted(lines: list[str], order: int) -> torch.nn.Module:
    """The library's n-gram (lesson 5), fitted to some lines: it takes no time, so it makes a good guinea pig.

    The library fits its discounts so that long contexts are not trusted too much. Those of the classic formulas are,
    and a model that learns lines by heart is what is wanted here.
    """
    model = build("ngram", V, configure("ngram", longest=15, order=order))
    model.fit(torch.tensor([0] + [stoi[c] for line in lines for c in line + "."]))
    for k, counts in enumerate(model.counts.data.split(model.sizes.tolist())):
        model.discounts[k] = torch.tensor([0.0, *formulas(counts.numpy())])
    model.load_state_dict(model.state_dict())
    return model


# %% [markdown]
# The split is makemore's own: a hash of a line's text says on which side it is, so equal lines are never on two.

# %%
corpus = makemore.read("names")
parts = {split: corpus.lines(corpus.rows(split)) for split in ("train", "validation", "test")}
held_out = parts["validation"] + parts["test"]
print("on two sides:", len(set(parts["train"]) & set(held_out)))
orders = list(range(2, 8))
models = {order: counted(parts["train"], order) for order in orders}

losses, mask = token_losses(models[5], parts["test"])
loss = losses.sum() / mask.sum()
print(f"a 5-gram on {len(losses):,} test lines: {loss:.4f} nats per token")
print(f"  as bits per token {loss / math.log(2):.3f}, as perplexity {loss.exp():.2f},")
print(f"  as bits per line {losses.sum(1).mean() / math.log(2):.2f}")

# %% tags=["hide-input"]
assert not set(parts["train"]) & set(held_out)
assert (torch.arange(3) < torch.tensor([1, 3])[:, None]).tolist() == [
    [True, False, False],
    [True, True, True],
]
assert torch.tensor([[5, 6], [7, 8]]).gather(-1, torch.tensor([[1], [0]])).tolist() == [[6], [7]]

# %% [markdown]
# The same number in four dresses. A *bit* is $\log 2$ nats, so nats divided by 0.693 are bits. The *perplexity* is
# $e^{\text{loss}}$: the model is as unsure, on average, as if it had to guess among about 7.5 equally likely characters.
# And bits per line say how many yes-or-no questions a whole name is worth.
#
# ### Sums first, then divide
#
# Padding is not a token, and a batch of short lines has fewer tokens than one of long lines. The mean of batch
# means weighs them the same, and a few random batches are noisier than the differences that one is after.
#
# **Before you run it:** makemore.py takes the mean of 11 random batches of 32 names each. Done again and again with the
# same model, by how much will this estimate vary: in the first, the second, or the third digit after the point?

# %%
generator = torch.Generator().manual_seed(1)
guesses = []
for _ in range(300):
    some = torch.randint(len(losses), (11, 32), generator=generator)  # as makemore.py: 11 batches of 32
    means = losses[some].sum((1, 2)) / mask[some].sum((1, 2))
    guesses.append(means.mean())
guesses = torch.stack(guesses)
print(f"exact {loss:.4f}; from 11 random batches it varies by ± {guesses.std():.4f}")

# %% tags=["hide-input"]
assert 0.015 < guesses.std() < 0.05

# %% [markdown]
# In the second. Differences between good models are often smaller than that; below we shall see some of 0.01.
#
# ## Looking inside
#
# ### Where in the line
#
# The loss of the first token, of the second, and so on. The perplexity says how many characters the model is
# as unsure among as if all were equally likely.

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
for order in (2, 5):
    losses, mask = token_losses(models[order], parts["test"])
    n = mask.sum(0)  # (T,) tokens at each position
    mean = losses.sum(0) / n
    deviation = (((losses - mean) ** 2 * mask).sum(0) / (n - 1)).sqrt() / n.sqrt()
    few = n >= 30
    x = torch.arange(1, len(n) + 1)[few]
    ax.plot(x, mean[few].exp(), marker="o", label=f"{order}-gram")
    low, high = (mean - 1.96 * deviation)[few].exp(), (mean + 1.96 * deviation)[few].exp()
    ax.fill_between(x, low, high, alpha=0.25)
ax.set_title("Perplexity by position, on test lines (bands: 95 %)")
ax.set_xlabel("position in the line (1 is the first character)")
ax.set_ylabel("perplexity")
ax.legend()
show(
    "the first position, where both models know equally little, and the middle, where a longer memory pays. "
    "A band is wide where few names are that long, and where the loss is high and differs much from name to name."
)

# %% [markdown]
# ### Your own name
#
# The same for a single name: yours, in lower case and with the letters a to z only. The table says for each letter how
# likely it was after what stands before it, for a model that looks one letter back and for one that looks four back.

# %%
yours = "emma"  # put your own name here
print("        2-gram   5-gram")
two, five = [token_losses(models[order], [yours])[0][0] for order in (2, 5)]  # -log p, (T,) each
for letter, a, b in zip(yours + ".", two, five):
    print(f"{letter:>5} {(-a).exp():8.1%} {(-b).exp():8.1%}")
print(f"perplexity {two.mean().exp():5.1f} {five.mean().exp():8.1f}")
print("among the training names:", yours in parts["train"])

# %% [markdown]
# `emma` is a common beginning, and the 5-gram has learned it, this very name included: a model's verdict on a name that
# it was trained on is biased. Change a letter, and see where the probability falls. (`makemore score` and `makemore
# explain` print such tables for any trained run.)
#
# ### Can the probabilities be believed?
#
# A model that says 30 % should be right in 30 of 100 such cases. Every probability it gives to any character
# at any place is a prediction: sort them into bins by size, and see how often each bin's came true. The
# *expected calibration error* adds up how far the bins are off, by how much probability is in them:
#
# $$\frac 1N \sum_{\text{bins}} \left|\, \sum_{i \text{ in the bin}} p_i - \text{how many of them came true} \right|$$
#
# for $N$ tokens. One more thing is tried on the way, the *temperature* $\tau$: all logits $z$ are divided by it before the
# softmax,
#
# $$p_i = \frac{e^{z_i / \tau}}{\sum_j e^{z_j / \tau}}$$
#
# At 1 nothing changes. Below 1 the differences grow, so the likely becomes likelier still; close to 0 only the
# likeliest is left. Above 1 everything becomes more alike, and in the end a guess among all characters.
#
# | expression | in | out |
# | --- | --- | --- |
# | `(x / 1).softmax(-1)` | `[0, 0.69]` | `[1/3, 2/3]` |
# | `(x / 0.5).softmax(-1)` | `[0, 0.69]` | `[1/5, 4/5]`: the probabilities squared, then divided by their sum |
# | `z.scatter_(1, i, 1.0)` | `z` = `[[0, 0]]`, `i` = `[[1]]` | `[[0, 1]]`: a 1 where `i` says; the reverse of `gather` |
# | `z.index_add(0, i, v)` | `z` = `[0, 0]`, `i` = `[1, 1]`, `v` = `[2, 3]` | `[0, 5]`: each `v` is added at its place |
#
# **Before you run it:** at temperature 0.5 the model claims more than at 1. Will the points of its curve lie above or
# below the diagonal?


# %%
@torch.no_grad()
def calibration(model: torch.nn.Module, lines: list[str], temperature: float = 1.0) -> tuple[Tensor, ...]:
    """Mean probability and share come true of 15 bins, the predictions in each, and the calibration error."""
    inputs, targets, mask = padded(lines)
    p = (model.eval()(inputs)[0] / temperature).softmax(-1)[mask].double()  # (N, V)
    true = torch.zeros_like(p).scatter_(1, targets[mask][:, None], 1.0)
    which = (p * 15).long().clamp(max=14).flatten()
    empty = torch.zeros(15, dtype=torch.float64)
    n = empty.index_add(0, which, torch.ones_like(p).flatten())
    predicted = empty.index_add(0, which, p.flatten())
    observed = empty.index_add(0, which, true.flatten())
    return predicted / n, observed / n, n, (predicted - observed).abs().sum() / len(p)


curves, errors = {}, {}
for temperature in (1.0, 0.5):
    predicted, observed, _, error = calibration(models[5], parts["test"], temperature)
    curves[temperature], errors[temperature] = (predicted, observed), error.item()
print("calibration error:", {temperature: round(error, 3) for temperature, error in errors.items()})

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(5.5, 5))
ax.plot([0, 1], [0, 1], color="gray", linestyle="--", label="perfect")
for temperature, (predicted, observed) in curves.items():
    error = errors[temperature]
    ax.plot(predicted, observed, marker="o", label=f"temperature {temperature:g}: error {error:.3f}")
ax.set_title("Calibration of a 5-gram on test lines")
ax.set_xlabel("probability that was predicted")
ax.set_ylabel("share that came true")
ax.legend()
show(
    "points below the dashed line: the model was surer than it had reason to be. At temperature 0.5 it claims "
    "more than it knows; its samples look safer for exactly that reason."
)
assert errors[0.5] > 2 * errors[1.0]

# %% [markdown]
# Below: what it called 90% sure came true far less often. Its error is many times that at temperature 1.
#
# ### Did it learn names, or these names?
#
# The usual answer is the share of samples that are copies. It is the wrong one: a good model of names *should*
# say many real names, since real names are likely. Compare like with like instead. Held-out names come from
# where the training names come from. A model that learned the language should give both about the same
# probability on average; one that learned the lines does not. So
#
# $$R = \frac{\text{mean of } p(x) \text{ over the different training lines}}
# {\text{mean of } p(x) \text{ over the different held-out lines}}$$
#
# Near 1 is no memorising, 2 says training lines are twice as likely as others of their kind. It needs no samples.
#
# But R has chance in it as well: which lines were held out. A mean of probabilities is carried by the likeliest
# lines, and a weak model gives much of what it has to a few short ones. If some of those happen to be held out, R
# falls below 1, which does not mean that the model dislikes what it has seen. So resample the lines, with
# replacement (the same line may come several times), a thousand times, and print the middle 95 % of the ratios: the
# *bootstrap*, of which more below. The last column is the share of the held-out mean that the ten likeliest held-out
# lines make up. Two functions of torch help: `torch.quantile(x, 0.025)` is the number that 2.5% of `x` lie below, and
# `x.topk(10).values` are the ten largest.


# %%
def line_probabilities(model: torch.nn.Module, lines: list[str]) -> Tensor:
    """p(line and its end) of the different ones among some lines, (M,) float64."""
    return (-token_losses(model, sorted(set(lines)))[0].double().sum(1)).exp()


def resampled(p: Tensor, g: torch.Generator) -> Tensor:
    """The means of many resamples of some lines' probabilities (M,), one each."""
    means = []
    for _ in range(100 if FAST else 1000):
        chosen = torch.randint(len(p), (len(p),), generator=g)  # with replacement
        means.append(p[chosen].mean())
    return torch.stack(means)


# %%
rows, g = [], torch.Generator().manual_seed(0)
print("order  test loss  mass on training lines     R        95 %  ten likeliest")
for order, model in models.items():
    train, new = line_probabilities(model, parts["train"]), line_probabilities(model, held_out)
    losses, mask = token_losses(model, parts["test"])
    loss = (losses.sum() / mask.sum()).item()
    mass = train.sum().item()
    ratio = (train.mean() / new.mean()).item()
    ends = torch.tensor([0.025, 0.975], dtype=torch.float64)
    low, high = torch.quantile(resampled(train, g) / resampled(new, g), ends).tolist()
    few = (new.topk(10).values.sum() / new.sum()).item()
    rows.append((order, loss, mass, ratio, low, high, few))
    print(f"{order:5}  {loss:9.4f}  {mass:22.0%}  {ratio:4.2f}  {low:.2f}-{high:.2f}  {few:13.0%}")

# %% tags=["hide-input"]
assert rows[-1][3] > 2 > rows[0][3]
assert rows[1][4] < 1 < rows[1][5]  # the 3-gram: nothing to be told from 1
assert rows[-1][4] > 2  # the 7-gram: no chance explains it
assert rows[0][6] > 2 * rows[-1][6]  # a few lines carry the mean of the weak model
assert rows[2][2] > 0.2  # a quarter of what a 4-gram says is in the file, and it memorises little

# %% [markdown]
# Read it row by row. The 4-gram puts more than a quarter of its probability on training lines, and yet memorises
# little: its R is not far above 1. From the 5-gram to the 7-gram the test loss hardly moves, and R goes on rising: what
# is learned there are the lines. Of the weak 2-gram R says nothing, since ten lines make up half of the mean.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
for ax, column, label, limit in (
    (axes[0], 1, "loss (nats per token)", None),
    (axes[1], 3, "copy ratio R", 2),
):
    ax.plot(orders, [row[column] for row in rows], marker="o")
    ax.set_xlabel("order of the n-gram")
    ax.set_ylabel(label)
    if limit:
        ax.axhline(limit, color="black", linestyle="--", linewidth=0.8)
axes[0].set_title("Loss on test lines")
axes[1].set_title("How much likelier training lines are")
show(
    "where the loss stops falling while R goes on rising: from there longer contexts buy copies and nothing else."
)

# %% [markdown]
# ## The number to compare with
#
# ### What a leaking split does
#
# Many names stand in the file twice, once with the girls and once with the boys. The lectures' split, which many
# have taken over, shuffles the lines and cuts, so one copy can fall on either side. A model that knows its lines by heart
# then knows a part of the test.

# %%
import random

shuffled = words.copy()
random.seed(42)
random.shuffle(shuffled)
n1, n2 = int(0.8 * len(shuffled)), int(0.9 * len(shuffled))
leaky_train, leaky_test = shuffled[:n1], shuffled[n2:]
in_train = set(leaky_train)
known = torch.tensor([word in in_train for word in leaky_test])
print(f"{len(words) - len(set(words)):,} names stand there twice;", end=" ")
print(f"{known.double().mean():.1%} of the test names of the lectures' split are in its training part")

# %% [markdown]
# **Before you run it:** the next cell counts on the training part and scores the test names, apart: those that leaked
# and those that did not. For which order will each of the two be best?

# %%
leaky = {}
for order in orders:
    losses, mask = token_losses(counted(leaky_train, order), leaky_test)
    everything = torch.ones_like(known)  # all True
    each = [(losses[some].sum() / mask[some].sum()).item() for some in (everything, known, ~known)]
    leaky[order] = each
    print(f"order {order}: all {each[0]:.4f}   names that leaked {each[1]:.4f}   the others {each[2]:.4f}")

# %% [markdown]
# (`~known` is True where `known` is False.) Those that leaked get better with every order, up to the last: there the
# longest memory wins. The others are best with 5 or 6 and then get worse. The mean of both, which is what people publish,
# picks a longer memory than names deserve.
#
# There is a published number for counting fours, from EurekaLabs' ngram course, and it can be had to the last
# digit. But only by doing all that they do: their split is another shuffle, with 1,000 names to test and 1,000
# to validate; each count is raised by 0.1; and the names stand in one stream, so that a context reaches back
# into the name before. A number without its protocol is not much of a number.

# %%
random.seed(42)
order_of = list(range(len(words)))
random.shuffle(order_of)
theirs = [words[i] for i in order_of]


def stream_of(lines: list[str]) -> Tensor:
    """Names to one stream of ids (M,), each followed by a boundary."""
    return torch.tensor([stoi[c] for line in lines for c in line + "."])


counts = torch.full((V**4,), 0.1, dtype=torch.float64)
ids = stream_of(theirs[2000:])
counts += torch.bincount(((ids[:-3] * V + ids[1:-2]) * V + ids[2:-1]) * V + ids[3:], minlength=V**4)
p = (counts.view(V**3, V) / counts.view(V**3, V).sum(1, keepdim=True)).flatten()
for what, part, published in (("test", theirs[:1000], 2.1064), ("validation", theirs[1000:2000], 2.1118)):
    ids = stream_of(part)
    loss = -p[((ids[:-3] * V + ids[1:-2]) * V + ids[2:-1]) * V + ids[3:]].log().mean().item()
    beside(f"4-gram, +0.1, {what}", loss, published, "EurekaLabs ngram")

# %% tags=["hide-input"]
assert 0.11 < known.double().mean() < 0.17
assert abs(loss - published) < 1e-4
fig, ax = plt.subplots(figsize=(7, 4))
for i, label in enumerate(("all test names", "those that leaked", "those that did not")):
    ax.plot(orders, [leaky[order][i] for order in orders], marker="o", label=label)
ax.set_title("The lectures' split: what each part of the test says")
ax.set_xlabel("order of the n-gram")
ax.set_ylabel("loss (nats per token)")
ax.legend()
show(
    "the lowest point of each line. On names that leaked more memory is always better; on the others it is not. "
    "The mean of both rewards the model that copies."
)
assert leaky[7][1] < leaky[5][1]  # by heart is best where the answer was seen
assert leaky[7][2] > min(leaky[order][2] for order in orders)  # and not where it was not

# %% [markdown]
# ### Is the difference real?
#
# Two models, one test set, two numbers. Would the order be the same with other test lines? Resample the
# lines, with replacement, a thousand times, and look at the middle 95 % of what comes out: the *bootstrap*. It
# matters what is resampled. Lines that are hard for one model are hard for the other, so take the difference
# *line by line*: what both find hard falls out.


# %%
def interval(top: Tensor, tokens: Tensor, seed: int = 0) -> tuple[float, float]:
    """95 % interval of top.sum() / tokens.sum(), both (M,), over resamples of the lines."""
    g = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(top), (1000, len(top)), generator=g)  # a resample in each row
    ratios = top[chosen].sum(1) / tokens[chosen].sum(1)
    low, high = torch.quantile(ratios, torch.tensor([0.025, 0.975], dtype=ratios.dtype)).tolist()
    return low, high


_, mask = token_losses(models[5], parts["test"])
tokens = mask.sum(1).double()
lines = {order: token_losses(models[order], parts["test"])[0].sum(1).double() for order in orders}
for a, b in ((4, 5), (5, 6), (5, 7)):
    low, high = interval(lines[a] - lines[b], tokens)
    apart = [interval(lines[order], tokens) for order in (a, b)]
    overlap = apart[0][0] < apart[1][1] and apart[1][0] < apart[0][1]
    verdict = "a tie" if low < 0 < high else f"the {a if high < 0 else b}-gram is better"
    alone = "overlap" if overlap else "apart"
    print(f"{a}-gram - {b}-gram: {low:+.4f} to {high:+.4f}: {verdict}   (each alone: {alone})")

# %% tags=["hide-input"]
assert overlap  # of the last row
assert verdict == "the 5-gram is better"
paired, alone = interval(lines[4] - lines[5], tokens), interval(lines[5], tokens)
assert paired[1] - paired[0] < alone[1] - alone[0]
assert paired[0] > 0

# %% [markdown]
# Two intervals that overlap do not make a tie, as the last row shows: each holds the luck of the lines, which
# the difference does not. What no interval from one training knows is the luck of the *seed*; train twice, and add it.
#
# ### What a temperature buys
#
# The samples are those of a trained network this time.
#
# A temperature changes all probabilities a little. There are two ways to change only the tail, the many
# characters that are unlikely each and happen all the same: *top-k* samples among the k likeliest only, *top-p*
# among the fewest that have the probability p together. `makemore sample` has all three, as `--temperature`,
# `--top-k` and `--top-p`, and lesson 16 builds them.

# %%
directory = tempfile.TemporaryDirectory()
run = makemore.train(
    "names", type="gru", work_dir=directory.name, max_steps=20 if FAST else 600, device="cpu", seed=1
)
print("losses:", {split: round(loss, 3) for split, loss in run.summary().nll.items()})
train_lines = set(parts["train"])
temperatures, table = [0.4, 0.6, 0.8, 1.0, 1.2, 1.5], []
for temperature in temperatures:
    samples = run.sample(200 if FAST else 1500, temperature=temperature, seed=1)
    judged, mask = token_losses(models[5], [s for s in samples if len(s) < 40])  # another model is the judge
    different = set(samples)
    plausible = (judged.sum() / mask.sum()).item()
    new = sum(s not in train_lines for s in different) / len(different)
    table.append((plausible, len(different) / len(samples), new))
    print(f"temperature {temperature:.1f}:", " ".join(samples[:8]))

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
axes[0].plot(temperatures, [row[0] for row in table], marker="o")
axes[0].axhline(rows[3][1], color="black", linestyle="--", linewidth=0.8, label="real test names")
axes[0].set_ylabel("loss under a 5-gram (nats per token)")
axes[0].set_title("How plausible samples are")
axes[1].plot(temperatures, [row[1] for row in table], marker="o", label="different from one another")
axes[1].plot(temperatures, [row[2] for row in table], marker="s", label="not in the training lines")
axes[1].set_ylabel("share of samples")
axes[1].set_title("How varied and how new")
for ax in axes:
    ax.set_xlabel("temperature")
    ax.legend()
show(
    "the dashed line on the left: below it samples are more ordinary than real names are. What is gained in "
    "plausibility on the left is lost in variety on the right."
)
if not FAST:
    assert table[0][0] < table[3][0] < table[5][0]
    assert table[0][1] < table[3][1]

# %% [markdown]
# ### How varied
#
# The share of different samples depends on how many there are, so it says nothing by itself. Put it beside the
# same share of as many training lines, picked at random with replacement. (`Counter` counts how often each thing
# occurs.)

# %%
samples = run.sample(200 if FAST else 1500, seed=2)
g = torch.Generator().manual_seed(2)
real = [parts["train"][i] for i in torch.randint(len(parts["train"]), (len(samples),), generator=g)]
for what, some in (("samples", samples), ("training lines, picked at random", real)):
    top = Counter(some).most_common(1)[0]
    print(f"{what:32} {len(set(some)) / len(some):.1%} different; most often {top[0]} ({top[1]} times)")

# %% [markdown]
# The samples are not less varied than real lines: a few of those occur twice, because the list has names twice.
#
# ## The same through the library
#
# `makemore eval` computes all of this, and its Python is `assess`. The numbers must be those from above.

# %%
model = run.model
losses, mask = token_losses(model, parts["test"])
train, new = line_probabilities(model, parts["train"]), line_probabilities(model, held_out)
_, _, _, error = calibration(model, parts["test"])
assessment = makemore.assess(run, 200 if FAST else 1500)
both = {
    "nll": ((losses.sum() / mask.sum()).item(), assessment.nll["test"]),
    "copy_ratio": ((train.mean() / new.mean()).item(), assessment.copying.ratio),
    "train_mass": (train.sum().item(), assessment.quality.train_mass),
    "calibration_error": (error.item(), assessment.calibration.error),
}
for name, (mine, theirs) in both.items():
    print(f"{name:18} here {mine:.4f}   makemore eval {theirs:.4f}")
for warning in assessment.warnings:
    print("warning:", warning.message)

# %% tags=["hide-input"]
for name, (mine, theirs) in both.items():
    assert abs(mine - theirs) < 1e-3 * max(1, abs(theirs)), name

# %% [markdown]
# And `makemore compare` says which of two runs is better, with differences line by line as above, and room for
# the luck of the seed.

# %%
from makemore.reports.comparison import compare_runs

with tempfile.TemporaryDirectory() as other:
    makemore.train("names", type="ngram", order=5, work_dir=other)
    result = compare_runs([directory.name, other])
(pair,) = result.pairs
low, high = pair.interval
called = {directory.name: "gru", other: "5-gram"}
a, b = called[pair.a], called[pair.b]
verdict = "a tie" if pair.tie else f"the {a} is better"
print(f"{b} - {a}: {pair.difference:+.4f} nats per token, {low:+.4f} to {high:+.4f}: {verdict}")
directory.cleanup()

# %% [markdown]
# ## What is still wrong
#
# Nobody has looked at the samples. No number here knows whether a name is a pleasant one, or means something
# rude in Finnish. Numbers find the faults that can be counted, and keep you from fooling yourself; then read a
# hundred samples. How to get the samples one wants from a model that is trained is lesson 16. Whether a larger
# model would be better, lesson 17 asks, and lesson 18 puts all rungs of the ladder side by side, with this ruler. And
# what is true of names need not be so of a list of your own: `makemore inspect mine.txt`.
#
# *To read and watch:*
#
# * Guo and others, [On Calibration of Modern Neural Networks](https://arxiv.org/abs/1706.04599) (2017).
# * Holtzman and others, [The Curious Case of Neural Text Degeneration](https://arxiv.org/abs/1904.09751) (2019): top-p.
# * Carlini and others, [Quantifying Memorization Across Neural Language Models](https://arxiv.org/abs/2202.07646) (2022).
#
# ## Exercises
#
# `makemore lessons start 15`, fill in `exercises.py`, then `makemore lessons check 15`.
#
# 1. `perplexity_by_position`: from the losses of tokens in lines of different lengths.
# 2. `copy_ratio`: R from the log-probabilities of lines, some of which stand there twice, and all of which are too
#    small for a float.
# 3. `compare`: two models' losses on the same lines; an interval of the difference, and a verdict.
#
# **The open challenge.** Two models that err differently are often better together than either of them alone. Build a
# model that takes the mean, weighted as you like, of the probabilities of at least two models, say an n-gram and a
# network of an earlier lesson; and choose the weights without the names that you are scored on. Write it in
# `challenge.py`; `makemore lessons check 15 challenge` trains it on makemore's training names, scores it on the
# validation names and keeps a board of your tries. The goal is 1.96 nats per token.
