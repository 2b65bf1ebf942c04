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
# # 1. Counting pairs
#
# *Before this: some Python. Allow 2 hours.*
#
# ## What you will be able to do
#
# * turn a list of names into a table of how often each letter follows each other one;
# * make new names from that table, and say how good it is with a single number;
# * see, and mend, the most famous broadcasting bug in this field;
# * say why a model must never call anything impossible.
#
# The data are first names, one a line, that were given to children in the United States in 2018.
#
# The course follows the ladder of Andrej Karpathy's lectures *Neural Networks: Zero to Hero*: one model after
# the other, from this table up to the Transformer. Where a number is printed beside a "published" one, the
# published one is from there, and "makemore part 1" is the first of its five on makemore. If you watch them
# beside this course: part 1 belongs to lessons 1 and 3, parts 2 to 5 to lessons 4, 6, 7 and 8, and *Let's
# build GPT* to lesson 10.
#
# ## The idea
#
# A language model answers one question: *given what has been written so far, what comes next?* The simplest
# model that is any good looks one character back. It walks through all names, and for every pair of
# neighbours keeps a tally. To write a name it starts at the tally of beginnings, draws a letter as often as
# the tally says, goes to that letter's tally, and so on, until it draws the end.
#
# ![emma is five pairs: start e, e m, m m, m a, a end](pictures/01_pairs.svg)
#
# Beginning and end are a character too. One is enough for both: it stands between the lines. We write it
# as a dot. Leave it out, and the model knows neither how names begin nor when to stop.

# %%
import matplotlib.pyplot as plt
import torch

import makemore
from makemore.course import beside, names, show

words = names()
print(len(words), "names, the first:", words[:8])
print("shortest:", min(map(len, words)), "longest:", max(map(len, words)))

# %% [markdown]
# ## Building it
#
# First a number for each character, since tensors hold numbers. The dot is 0 and the letters follow.

# %%
alphabet = sorted(set("".join(words)))
itos = [".", *alphabet]  # id -> character
stoi = {character: i for i, character in enumerate(itos)}  # character -> id
V = len(itos)  # the vocabulary: 27
print(V, "characters:", "".join(itos))

# %% [markdown]
# ### Tensors in five lines
#
# A *tensor* is numbers of one kind (its *dtype*), laid out in a grid; if you know the arrays of numpy, Python's
# older package for numbers, it is much the same. Its *shape* says how many there are along each dimension: two
# rows of three are (2, 3).

# %%
t = torch.tensor([[1, 2, 3], [4, 5, 6]])
print(
    "shape", tuple(t.shape), "dtype", t.dtype, " row 1:", t[1].tolist(), " row 1, column 0:", t[1, 0].item()
)
print("t[0, 2] and t[1, 0] at once:", t[[0, 1], [2, 0]].tolist(), "  as 3 rows of 2:", t.view(3, 2).tolist())
print("sums of rows:", t.sum(1).tolist(), "  kept as a column:", t.sum(1, keepdim=True).tolist())
print("(2, 3) * (3,):  ", (t * torch.tensor([1, 10, 100])).tolist())
print("(2, 3) * (2, 1):", (t * torch.tensor([[1], [10]])).tolist())

# %% [markdown]
# * `.item()` takes the number out of a tensor that has only one; `.tolist()` makes Python lists of any.
# * `t[i, j]` is one number. With a list for `i` and one for `j` it picks as many numbers as the lists are
#   long.
# * `.view` reads the same numbers in another shape, row after row.
# * `sum(1)` adds up *along* dimension 1, the columns, so that one sum a row is left, of shape (2,). With
#   `keepdim=True` the dimension stays, with length 1: (2, 1).
# * The last two lines are *broadcasting*. Shapes that differ are lined up from the right, and whatever is
#   missing or 1 is repeated until it fits. (3,) is read as one row, used for each row; (2, 1) as a column,
#   used for each column.
#
# From here on a comment behind a line gives the shape of what it makes, in letters: `(V, V)` is a table with
# a row and a column for each of the V characters, `(M,)` a list of M numbers.
#
# ### The tally
#
# `N[a, b]` is how often `b` came right after `a`.

# %%
N = torch.zeros(V, V, dtype=torch.int64)
for word in words:
    ids = [0, *(stoi[c] for c in word), 0]
    for a, b in zip(ids, ids[1:]):
        N[a, b] += 1

print("pairs:", N.sum().item())
print("names that begin with a:", N[0, stoi["a"]].item(), " that end with a:", N[stoi["a"], 0].item())

# %% [markdown]
# That loop touches a tensor 228,146 times, which makes it slow. The same in one go: all lines in one stream of
# ids, each pair as one number `27 a + b`, and `bincount`, which says how often each number occurs: how many 0s,
# how many 1s, and so on. `minlength` makes it go on to the last pair, even if that never occurs, and `view`
# breaks the long list into rows. This is how the library counts. When two ways of computing something give the
# same numbers, both are probably right.

# %%
stream = torch.tensor([0] + [stoi[c] for word in words for c in word + "."])  # (M,)
quick = torch.bincount(stream[:-1] * V + stream[1:], minlength=V * V).view(V, V)  # (V, V)
assert torch.equal(quick, N)
assert len(words) == 32_033
assert len(stream) - 1 == 228_146

# %% [markdown]
# A table this small can be looked at whole.

# %%
fig, ax = plt.subplots(figsize=(9, 9))
image = ax.imshow(N.numpy(), cmap="Blues")
for a in range(V):
    for b in range(V):
        dark = N[a, b] > N.max() / 2
        ax.text(b, a, int(N[a, b]), ha="center", va="center", fontsize=5, color="white" if dark else "black")
ax.set_xticks(range(V), itos)
ax.set_yticks(range(V), itos)
ax.set_xlabel("next character")
ax.set_ylabel("this character")
ax.set_title("How often each character followed each other one in 32,033 names")
fig.colorbar(image, ax=ax, shrink=0.7, label="count")
show(
    "the dark squares. Row . is how names begin, column . is how they end: with a, e or n. "
    "After q comes mostly u, and many squares are 0."
)

# %% [markdown]
# Each row of counts becomes probabilities when it is divided by its sum. (`topk(3)` finds the three largest of
# a row; its `.indices` say where they stand.)

# %%
P = N / N.sum(1, keepdim=True)  # (V, V) / (V, 1): each row by its own sum
assert torch.allclose(P.sum(1), torch.ones(V))
print("after q:", {itos[b]: round(P[stoi["q"], b].item(), 2) for b in P[stoi["q"]].topk(3).indices})

# %% [markdown]
# ### The keepdim bug
#
# `keepdim=True` looks like a detail. Without it `N.sum(1)` has shape `(V,)`, and broadcasting lines up shapes
# *from the right*: `(V, V) / (V,)` is read as `(V, V) / (1, V)`. Entry `[a, b]` is divided by the sum of row
# `b` instead of row `a`. Then the *columns* sum to 1 instead of the rows: as many pairs end in `b` as begin
# with it. With the 2 x 3 example it would be an error, for (2, 3) and (2,) do not fit. A square table fits
# either way: no error, no warning, and the result looks like probabilities. Not even the loss of the next
# section tells, as we shall see there.

# %%
wrong = N / N.sum(1)  # (V, V) / (V,): broadcast as (1, V)
fig, axes = plt.subplots(1, 2, figsize=(10, 3.5), sharey=True)
for ax, table, title in zip(axes, (P, wrong), ("with keepdim", "without")):
    ax.bar(range(V), table.sum(1).tolist())
    ax.axhline(1, color="black", linewidth=0.8, linestyle="--")
    ax.set_xticks(range(V), itos)
    ax.set_title(f"Sum of each row, {title}")
    ax.set_xlabel("row: this character")
    ax.set_ylabel("sum of probabilities")
show("rows that do not sum to 1 (dashed). Only a check like this one gives the bug away.")
assert not torch.allclose(wrong.sum(1), torch.ones(V))

# %% [markdown]
# ### Drawing names
#
# `torch.multinomial` draws a column of a row by its probability. A *generator* with a seed makes the draws
# repeatable, which is worth a lot when you hunt a bug. Repeatable with one version of torch, that is: in the
# video the seed 2147483647 begins with `mor`, `axx`, `minaymoryles`, and with torch 2.15 the very same table
# and seed give `cexze`, `momasurailezitynn`, `konimittain`. Neither is wrong.


# %%
def sample(table: torch.Tensor, generator: torch.Generator) -> str:
    """Draw one name from a table of probabilities (V, V)."""
    out, a = "", 0
    while True:
        a = int(torch.multinomial(table[a], 1, generator=generator))
        if a == 0:
            return out
        out += itos[a]


generator = torch.Generator().manual_seed(7)
print("pairs:     ", [sample(P, generator) for _ in range(8)])
even = torch.full((V, V), 1 / V)  # a model that knows nothing
print("no model:  ", [sample(even, generator)[:20] for _ in range(4)])

# %% [markdown]
# Bad names, but names: a model that knows nothing writes noise. How much better is it? That wants a number.
#
# ## The number to compare with
#
# A good model finds the real names probable. The probability of a name is the product of the probabilities of
# its pairs, and that of the whole list the product over all names: its *likelihood*. To choose the numbers of a
# model so that the likelihood is largest is called *maximum likelihood estimation*, MLE for short; the table of
# shares just counted is what it chooses. Three steps make the likelihood usable.
#
# 1. **The logarithm.** A product of 228,146 numbers below 1 is 0 for any computer. The logarithm of a product
#    is the sum of the logarithms, and is largest where the product is.
# 2. **The minus sign.** Logarithms of probabilities are negative. With the sign turned, smaller is better, as
#    one expects of a *loss*.
# 3. **The mean.** A sum grows with the list. Divided by the number of pairs, two lists can be compared.
#
# The result is the *negative log-likelihood*, in nats per token: 0 for a prophet, log 27 = 3.2958 for a guess
# among all characters alike. A *token* is what is predicted, here one character or the end of a name. A *nat*
# is the unit that natural logarithms give; a bit is log 2 nats, about 0.69. The exponential of the loss is
# the *perplexity*: how many equally likely characters the model is as unsure among.
#
# (`.double()` in the code makes numbers of 64 bits, with 16 digits, from the usual 32 bits, with 7: sums of
# many numbers come out more exactly.)

# %%
product = 1.0
for a, b in zip(stream[:-1].tolist(), stream[1:].tolist()):
    product *= P[a, b].item()
    if product == 0:
        break
print("product of the probabilities, as a computer has it:", product)


def mean_nll(table: torch.Tensor, ids: torch.Tensor) -> float:
    """Mean of -log p over the pairs of a stream of ids (M,)."""
    return -table[ids[:-1], ids[1:]].log().mean().item()  # one probability a pair, picked out by indexing


for name, table in (("guessing", even), ("pairs", P)):
    loss = mean_nll(table, stream)
    print(f"{name:9} {loss:.4f} nats per token, perplexity {torch.tensor(loss).exp():.1f}")
loss = mean_nll(P.double(), stream)
beside("pairs, scored on the lines it counted", loss, 2.4540, "makemore part 1")
assert abs(loss - 2.454014) < 1e-5  # the counts are what they are, in fast mode too

wrong_loss = mean_nll(wrong.double(), stream)
print(f"the table without keepdim: {wrong_loss:.4f}, for {sample(wrong, generator)!r} and the like")
assert abs(wrong_loss - loss) < 1e-6

# %% [markdown]
# The table without `keepdim` is wrong, and has the very same loss. How can that be? Take it slowly.
#
# * The right table has `N[a, b] / n[a]` for the pair `a b`, where `n[a]` is how many pairs begin with `a`.
#   The wrong one has `N[a, b] / n[b]`.
# * So the loss of a pair is `log n[a] - log N[a, b]` in one, and `log n[b] - log N[a, b]` in the other.
# * In a stream, as many pairs end in `b` as begin with `b`: each character in it ends one pair and begins the
#   next. The two ends of the stream are both the dot, and make up for each other.
# * So over the whole stream `log n` of each character is added equally often in both, and the sums are equal.
#
# A loss can come out right for a wrong table. Check what can be checked, here that each row sums to 1.
#
# ### Nothing is impossible: smoothing
#
# `jq` never occurs, so its probability is 0 and its loss infinite. One such pair in a name the model has
# not seen, and the mean over the whole list is infinite as well. So every pair is counted as if it had been
# seen `s` times more than it was.

# %%
print("the loss of zoejq:", mean_nll(P, torch.tensor([0, *(stoi[c] for c in "zoejq"), 0])))


def smoothed(counts: torch.Tensor, s: float) -> torch.Tensor:
    """Counts (V, V) to probabilities (V, V), every count raised by s."""
    raised = counts.double() + s
    return raised / raised.sum(1, keepdim=True)


loss = mean_nll(smoothed(N, 1), stream)
beside("one more of every pair", loss, 2.4546, "after makemore part 1, recomputed")
assert abs(loss - 2.454577) < 1e-5

# %% [markdown]
# ## Looking inside
#
# On the lines that were counted, smoothing can only hurt: no table fits them better than their own counts. To
# see what it is good for, count one part of the names and score another. Only 1,000 names are counted here,
# since that is where the trouble is. They are drawn by `torch.randperm(n)`, which returns the numbers from 0 to
# n - 1 in random order.

# %%
shuffled = [words[i] for i in torch.randperm(len(words), generator=torch.Generator().manual_seed(1))]


def stream_of(some: list[str]) -> torch.Tensor:
    """Names to one stream of ids (M,), a boundary before, between and after."""
    return torch.tensor([0] + [stoi[c] for word in some for c in word + "."])


few, others = stream_of(shuffled[:1000]), stream_of(shuffled[1000:6000])
N_few = torch.bincount(few[:-1] * V + few[1:], minlength=V * V).view(V, V)
amounts = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]
seen = [mean_nll(smoothed(N_few, s), few) for s in amounts]
unseen = [mean_nll(smoothed(N_few, s), others) for s in amounts]
fig, ax = plt.subplots(figsize=(7, 4))
ax.semilogx(amounts, seen, marker="o", label="the 1,000 names that were counted")
ax.semilogx(amounts, unseen, marker="o", label="5,000 others")
ax.set_title("What smoothing does to the loss")
ax.set_xlabel("s, added to every count")
ax.set_ylabel("loss (nats per token)")
ax.legend()
show(
    "the lowest point of each line. On counted names the least smoothing is best; on others it is too little at "
    "first, then too much. Only lines that were not counted can tell how much is right."
)
assert seen == sorted(seen)
assert 0 < unseen.index(min(unseen)) < len(amounts) - 1

# %% [markdown]
# ## The same through the library
#
# `bigram` is this table, and `fit` is the `bincount` above. It returns the logarithms of the probabilities as
# *logits*: numbers, one for each character, whose exponentials are in proportion to the probabilities (lesson
# 2 has more). That is the contract of every model on the ladder, from this one to the Transformer: ids in,
# logits out. Ids come in as a batch of lines, (B, T), so `[None]` gives our one line a dimension of length 1 in
# front; and `longest=15` tells the builder how long a line can be, which this model does not need to know.

# %%
from makemore.models import build, configure

model = build("bigram", V, configure("bigram", longest=15, smoothing=1.0))
model.fit(stream)
logits, _ = model(torch.arange(V)[None])  # (1, V, V): what follows each character
assert torch.allclose(logits[0].exp(), smoothed(N, 1).float(), atol=1e-6)
print("the same table, to", f"{(logits[0].exp() - smoothed(N, 1)).abs().max():.0e}")

# %% [markdown]
# `makemore.train` does all of it, and holds lines out so that its losses are honest. On the test lines, which
# it did not count:

# %%
import tempfile

with tempfile.TemporaryDirectory() as directory:
    run = makemore.train("names", type="bigram", work_dir=directory)
    print("losses:", {split: round(loss, 4) for split, loss in run.summary().nll.items()})
    print(run.sample(8, seed=1))
    assert abs(run.summary().nll["test"] - 2.4547) < 1e-3

# %% [markdown]
# ## What is still wrong
#
# One character back is not enough: the model does not know whether it is at the second letter or the tenth,
# nor that `ell` calls for `a`. The table for two characters back has 27³ entries, for ten back 27¹¹, more
# than there are names in the world. Counting does not scale. What does is a model that *learns* a table it
# could not write down, and the next lesson begins by learning the one that it could.
#
# ## Exercises
#
# `makemore lessons start 1` puts this lesson and a file `exercises.py` into the directory `lesson-1`. Fill in
# its three functions, then let `makemore lessons check 1` tell you how you did.
#
# 1. `row_probabilities`: smoothed counts to probabilities, for a table with rows that may be empty.
# 2. `trigram_counts`: how often each character followed each *two*, without a Python loop over the
#    characters.
# 3. `bits_per_character`: the loss of a name in the unit that information theorists use.
#
# ## Further reading
#
# * Andrej Karpathy, [makemore part 1](https://www.youtube.com/watch?v=PaCmpygFfXo), and [makemore](https://github.com/karpathy/makemore) itself.
# * Claude Shannon, [Prediction and Entropy of Printed English](https://doi.org/10.1002/j.1538-7305.1951.tb01366.x) (1951): people guess the next letter, and their guesses become bits.
