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
# The course follows the ladder of Andrej Karpathy's videos [*Neural Networks: Zero to
# Hero*](https://karpathy.ai/zero-to-hero.html): one model after the other, from this table up to the Transformer.
# Where a number is printed beside a "published" one, the published one is from there, and "makemore part 1" is the
# first of its five on makemore. If you watch them beside this course: part 1 belongs to lessons 1 and 3, parts 2
# to 5 to lessons 4, 6, 7 and 8, and *Let's build GPT* to lesson 10.
#
# Some cells are folded away, in Jupyter and on the site: they only plot a figure or check a result. A click opens
# them. Before some cells there is a question, marked **Before you run it**. Stop there and guess: a guess that
# turns out wrong is what one remembers.
#
# ## The idea
#
# A language model answers one question: *given what has been written so far, what comes next?* The simplest
# model that is any good looks one character back. It walks through all names, and for every pair of
# neighbours keeps a tally. To write a name it starts at the tally of beginnings and picks a letter at random, the
# more likely the more often it was seen there. Then it goes to that letter's tally, and so on, until it picks the
# end.
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
# ### Counting in a dict
#
# The first way that comes to mind: a dict from pairs to counts. `zip(characters, characters[1:])` walks through
# the list and the list without its first element side by side, and so gives each character with the next.
#
# **Before you run it:** which pair will be the most frequent of all? And how many of the 27 × 27 = 729
# conceivable pairs occur at all?

# %%
pairs = {}
for word in words:
    characters = [".", *word, "."]
    for pair in zip(characters, characters[1:]):
        pairs[pair] = pairs.get(pair, 0) + 1
for a, b in sorted(pairs, key=pairs.get, reverse=True)[:6]:
    print(a, b, pairs[a, b])
print(len(pairs), "different pairs occur")

# %% [markdown]
# The most frequent one is an `n` at the end, before `a` at the end and `a` followed by `n`. Of the 729 pairs 627
# occur.
#
# The dict is right, and we could stay with it. But soon we want to add up all that follows an `a`, divide by it,
# and look up a probability for each of 228,146 pairs. With a dict each of these is a loop in Python. In a table of
# numbers each is one call, and a fast one. Besides, the pairs that never occur get a place too, with a 0 in it.
#
# ### Tensors in one table
#
# A *tensor* is numbers of one kind (its *dtype*), laid out in a grid; if you know the arrays of numpy, Python's
# older package for numbers, it is much the same. Its *shape* says how many there are along each dimension: two
# rows of three are (2, 3).

# %%
t = torch.tensor([[1, 2, 3], [4, 5, 6]])
print(t)

# %% [markdown]
# | expression | result | its shape |
# | --- | --- | --- |
# | `t.dtype` | `torch.int64`: whole numbers of 64 bits | |
# | `t[1]` | `[4, 5, 6]`, the row 1 | (3,) |
# | `t[1, 0]` | `4`, in row 1 and column 0 | (): a single number |
# | `t[1, 0].item()` | `4`, as a number of Python | |
# | `t[[0, 1], [2, 0]]` | `[3, 4]`: `t[0, 2]` and `t[1, 0]` | (2,) |
# | `t.view(3, 2)` | `[[1, 2], [3, 4], [5, 6]]` | (3, 2) |
# | `t.sum(1)` | `[6, 15]` | (2,) |
# | `t.sum(1, keepdim=True)` | `[[6], [15]]` | (2, 1) |
# | `t * torch.tensor([1, 10, 100])` | `[[1, 20, 300], [4, 50, 600]]` | (2, 3) times (3,): (2, 3) |
# | `t * torch.tensor([[1], [10]])` | `[[1, 2, 3], [40, 50, 60]]` | (2, 3) times (2, 1): (2, 3) |
#
# * `.item()` takes the number out of a tensor that has only one; `.tolist()` makes Python lists of any.
# * With a list of rows and a list of columns, indexing picks as many numbers as the lists are long.
# * `.view` reads the same numbers in another shape, row after row.
# * `sum(1)` adds up *along* dimension 1, the columns, so that one sum a row is left, of shape (2,). With
#   `keepdim=True` the dimension stays, with length 1: (2, 1).
# * The last two rows are *broadcasting*. Shapes that differ are lined up from the right, and whatever is missing
#   or 1 is repeated until it fits. (3,) is read as one row, used for each row; (2, 1) as a column, used for each
#   column.
#
# **Before you run it:** the next cell divides `t` by the sums of its rows, once with `keepdim` and once without.
# One of the two fails. Which, and why?

# %%
print(t / t.sum(1, keepdim=True))
try:
    print(t / t.sum(1))
except RuntimeError as error:
    print("RuntimeError:", error)

# %% tags=["hide-input"]
assert t[1].tolist() == [4, 5, 6]
assert t[1, 0].item() == 4
assert t[[0, 1], [2, 0]].tolist() == [3, 4]
assert t.view(3, 2).tolist() == [[1, 2], [3, 4], [5, 6]]
assert t.sum(1).tolist() == [6, 15]
assert t.sum(1, keepdim=True).tolist() == [[6], [15]]
assert (t * torch.tensor([1, 10, 100])).tolist() == [[1, 20, 300], [4, 50, 600]]
assert (t * torch.tensor([[1], [10]])).tolist() == [[1, 2, 3], [40, 50, 60]]
assert len(pairs) == 627
assert sorted(pairs, key=pairs.get)[-3:] == [("a", "n"), ("a", "."), ("n", ".")]

# %% [markdown]
# The second one: lined up from the right, the 3 columns meet the 2 sums. Keep this error in mind. It is about to
# be missed.
#
# From here on a comment behind a line gives the shape of what it makes, in letters: `(V, V)` is a table with
# a row and a column for each of the V characters, `(M,)` a list of M numbers.
#
# ### The tally
#
# The same count in a tensor: `N[a, b]` is how often `b` came right after `a`. `torch.zeros` makes a table full
# of 0.

# %%
N = torch.zeros(V, V, dtype=torch.int64)
for word in words:
    ids = [0, *(stoi[c] for c in word), 0]
    for a, b in zip(ids, ids[1:]):
        N[a, b] += 1

print("pairs:", N.sum().item())
print("names that begin with a:", N[0, stoi["a"]].item(), " that end with a:", N[stoi["a"], 0].item())

# %% tags=["hide-input"]
for (a, b), count in pairs.items():
    assert N[stoi[a], stoi[b]] == count  # the dict and the table agree

# %% [markdown]
# 32,033 names are 228,146 pairs; 4,410 names begin with an `a`, and 6,640 end with one.
#
# That loop touches a tensor 228,146 times, which makes it even slower than the dict. The same in one go: all lines
# in one stream of ids, each pair as one number $27a + b$, and `bincount`, which says how often each number occurs.
# This is how the library counts. When two ways of computing something give the same numbers, both are probably
# right.
#
# | expression | in | out |
# | --- | --- | --- |
# | `stream[:-1]` and `stream[1:]` | `[0, 5, 13, 0]` | `[0, 5, 13]` and `[5, 13, 0]`: each id and the next |
# | `torch.bincount(x)` | `[1, 1, 3]` | `[0, 2, 0, 1]`: no 0, two 1s, no 2, one 3 |
# | `torch.bincount(x, minlength=6)` | `[1, 1, 3]` | `[0, 2, 0, 1, 0, 0]`: on to the last, even if it never occurs |
# | `.view(V, V)` | (729,) | (27, 27): the long list broken into rows |

# %%
stream = torch.tensor([0] + [stoi[c] for word in words for c in word + "."])  # (M,)
quick = torch.bincount(stream[:-1] * V + stream[1:], minlength=V * V).view(V, V)  # (V, V)
print("the same table:", torch.equal(quick, N))

# %% tags=["hide-input"]
assert torch.equal(quick, N)
assert len(words) == 32_033
assert len(stream) - 1 == 228_146
assert torch.bincount(torch.tensor([1, 1, 3]), minlength=6).tolist() == [0, 2, 0, 1, 0, 0]

# %% [markdown]
# A table this small can be looked at whole, first as colours, then some of its rows and columns with their
# numbers.

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 6.5))
seen = torch.where(N > 0, N, torch.nan)  # what is not a number stays white
image = ax.imshow(seen.numpy(), cmap="Blues", norm="log")
ax.set_xticks(range(V), itos)
ax.set_yticks(range(V), itos)
ax.set_xlabel("next character")
ax.set_ylabel("this character")
ax.set_title("How often each character followed each other one in 32,033 names")
fig.colorbar(image, ax=ax, shrink=0.7, label="count, on a logarithmic scale")
show(
    "the dark squares of the row of the dot, which is how names begin, and of its column, which is how they end. "
    "The row of q is nearly white but for u. White squares never occurred."
)

# %% tags=["hide-input"]
some = ".aehijlmnqru"
fig, ax = plt.subplots(figsize=(8.5, 7))
some_ids = [stoi[c] for c in some]
detail = N[some_ids][:, some_ids]  # (12, 12)
image = ax.imshow(detail.numpy(), cmap="Blues")
for a in range(len(some)):
    for b in range(len(some)):
        color = "white" if detail[a, b] > detail.max() / 2 else "black"
        text = f"{some[a]}{some[b]}\n{detail[a, b]}"
        ax.text(b, a, text, ha="center", va="center", fontsize=10, color=color)
ax.set_xticks(range(len(some)), some)
ax.set_yticks(range(len(some)), some)
ax.set_xlabel("next character")
ax.set_ylabel("this character")
ax.set_title("Twelve of the 27 rows and columns")
show(
    "the pairs n., a. and an, the three darkest. After q comes mostly u. Not one j is followed by q, and not one "
    "q by j: these 0s will make trouble."
)

# %% [markdown]
# Each row of counts becomes probabilities when it is divided by its sum:
#
# $$P[a, b] = \frac{N[a, b]}{\sum_c N[a, c]}$$
#
# (`topk(3)` finds the three largest numbers of a row; its `.indices` say where they stand.)

# %%
P = N / N.sum(1, keepdim=True)  # (V, V) / (V, 1): each row by its own sum
for b in P[stoi["q"]].topk(3).indices:
    print(f"after q: {itos[b]} with probability {P[stoi['q'], b]:.2f}")

# %% [markdown]
# Three of four times `u`; one `q` in ten ends the name.
#
# The line above makes a new table. Written *in place* it uses the memory that is there, which counts when tensors
# are large. It has two catches. Whole numbers cannot hold fractions, so `N /= ...` itself would be an error; and
# everything else that refers to the same tensor changes too.

# %%
in_place = N.float()  # a copy, as 32-bit fractions
also = in_place  # a second name for the same tensor, not a second tensor
in_place /= in_place.sum(1, keepdim=True)
print("row q of the second name sums to", also[stoi["q"]].sum().item())

# %% tags=["hide-input"]
assert torch.allclose(P.sum(1), torch.ones(V))
assert torch.equal(also, P)

# %% [markdown]
# ### The keepdim bug
#
# `keepdim=True` looks like a detail. Without it `N.sum(1)` has shape `(V,)`, and broadcasting lines up shapes
# *from the right*: `(V, V) / (V,)` is read as `(V, V) / (1, V)`. Entry `[a, b]` is divided by the sum of row
# `b` instead of row `a`. With the 2 × 3 example that was an error. A square table fits either way: no error, no
# warning, and the result looks like probabilities.

# %%
wrong = N / N.sum(1)  # (V, V) / (V,): broadcast as (1, V)
print(f"rows sum to    {wrong.sum(1).min():.2f} to {wrong.sum(1).max():.2f}")
print(f"columns sum to {wrong.sum(0).min():.2f} to {wrong.sum(0).max():.2f}")

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(10, 3.5), sharey=True)
for ax, table, title in zip(axes, (P, wrong), ("with keepdim", "without")):
    ax.bar(range(V), table.sum(1).tolist())
    ax.axhline(1, color="black", linewidth=0.8, linestyle="--")
    ax.set_xticks(range(V), itos, fontsize=9)
    ax.set_title(f"Sum of each row, {title}")
    ax.set_xlabel("row: this character")
    ax.set_ylabel("sum of probabilities")
show("rows that do not sum to 1 (dashed). Only a check like this one gives the bug away.")
assert not torch.allclose(wrong.sum(1), torch.ones(V))
assert torch.allclose(wrong.sum(0), torch.ones(V))

# %% [markdown]
# Now the *columns* sum to 1 instead of the rows: as many pairs end in `b` as begin with it, so the sum of row `b`
# is also that of column `b`. Not even the loss of the next section gives the bug away, as we shall see there.
#
# ### Sampling names
#
# `torch.multinomial` picks a place of a row at random, each with its probability. Computers make random numbers
# by calculation, from a *seed*. A `torch.Generator` with `manual_seed(7)` gives the same ones in every run, which
# is worth a lot when you hunt a bug.
#
# | expression | in | out |
# | --- | --- | --- |
# | `torch.multinomial(p, 1)` | `[0.1, 0.0, 0.9]` | `[2]` nine times in ten, else `[0]` |
# | `torch.multinomial(p, 5, replacement=True)` | the same | five at once, such as `[2, 2, 0, 2, 2]` |
# | `torch.full((2, 2), 0.5)` | a shape and a number | `[[0.5, 0.5], [0.5, 0.5]]` |


# %%
def sample(table: torch.Tensor, generator: torch.Generator) -> str:
    """Sample one name from a table of probabilities (V, V)."""
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
generator = torch.Generator().manual_seed(2147483647)
print("the seed of the video:", [sample(P, generator) for _ in range(5)])

# %% [markdown]
# Bad names, but names: a model that knows nothing writes noise. (The last line is a footnote for those who watch
# part 1. There the same table and the same seed give `mor`, `axx` and `minaymoryles` first.
# A seed repeats its numbers only within one version of torch. Neither list is wrong.)
#
# How much better is the model than none? That wants a number.
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
# The result is the *mean negative log-likelihood* over the $M$ pairs $a_i, b_i$ of the list (log is the natural
# logarithm everywhere in this course, and Σ a sum):
#
# $$L = -\frac{1}{M} \sum_{i=1}^{M} \log P[a_i, b_i]$$
#
# Its unit is nats per token. A *token* is what is predicted, here one character or the end of a name. A *nat*
# is the unit that natural logarithms give; a bit is log 2 nats, about 0.69. Who knows the future has a loss of 0,
# and who guesses among all 27 characters alike one of log 27 = 3.2958. $e^L$ is the *perplexity*: how many equally
# likely characters the model is as unsure among.
#
# | expression | in | out |
# | --- | --- | --- |
# | `x.log()` | `[1.0, 0.5, 0.0]` | `[0.0, -0.6931, -inf]` |
# | `x.exp()` | `[0.0, -0.6931]` | `[1.0, 0.5]` |
# | `x.mean()` | `[1.0, 2.0, 6.0]` | `3.0` |
# | `x.double()` | 32 bits a number, 7 digits | 64 bits, 16 digits: sums of many numbers are more exact |
#
# **Before you run it:** the cell also scores the wrong table, the one without `keepdim`. Will its loss be higher
# than that of the right one, lower, or the same?

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

wrong_loss = mean_nll(wrong.double(), stream)
print(f"the table without keepdim: {wrong_loss:.4f}, for {sample(wrong, generator)!r} and the like")

# %% tags=["hide-input"]
assert abs(loss - 2.454014) < 1e-5  # the counts are what they are, in fast mode too
assert abs(wrong_loss - loss) < 1e-6

# %% [markdown]
# The product is 0, as foretold. Guessing costs 3.2958, the table 2.4540: as unsure as among 11.6 equally likely
# characters instead of 27. And the published number is met to the last digit.
#
# The table without `keepdim` is wrong, and has the very same loss. How can that be? Take it slowly.
#
# * The right table has $N[a, b] / n_a$ for the pair `a b`, where $n_a$ is how many pairs begin with `a`.
#   The wrong one has $N[a, b] / n_b$.
# * So the loss of a pair is $\log n_a - \log N[a, b]$ in one, and $\log n_b - \log N[a, b]$ in the other.
# * In a stream, as many pairs end in `b` as begin with `b`: each character in it ends one pair and begins the
#   next. The two ends of the stream are both the dot, and make up for each other.
# * So over the whole stream $\log n$ of each character is added equally often in both, and the sums are equal.
#
# A loss can come out right for a wrong table. Check what can be checked, here that each row sums to 1.
#
# ### Nothing is impossible: smoothing
#
# `jq` never occurs, so its probability is 0 and its loss infinite. One such pair in a name the model has
# not seen, and the mean over the whole list is infinite as well. So every pair is counted as if it had been
# seen $s$ times more than it was:
#
# $$P[a, b] = \frac{N[a, b] + s}{\sum_c (N[a, c] + s)}$$

# %%
print("the loss of zoejq:", mean_nll(P, torch.tensor([0, *(stoi[c] for c in "zoejq"), 0])))


def smoothed(counts: torch.Tensor, s: float) -> torch.Tensor:
    """Counts (V, V) to probabilities (V, V), every count raised by s."""
    raised = counts.double() + s
    return raised / raised.sum(1, keepdim=True)


loss = mean_nll(smoothed(N, 1), stream)
beside("one more of every pair", loss, 2.4546, "after makemore part 1, recomputed")

# %% tags=["hide-input"]
assert abs(loss - 2.454577) < 1e-5

# %% [markdown]
# From infinity to a finite loss for `zoejq`, and for the whole list it costs 0.0006 nats per token.
#
# ### Your own name
#
# How well does the table know you? Any name in lower case, a to z, will do.

# %%
yours = "emma"  # put your own name here
table = smoothed(N, 1).log()  # (V, V)


def surprise(name: str) -> float:
    """Mean loss of a name, in nats per token."""
    ids = torch.tensor([0, *(stoi[c] for c in name), 0])
    return -table[ids[:-1], ids[1:]].mean().item()


for a, b in zip("." + yours, yours + "."):
    share = table[stoi[a], stoi[b]].exp()
    print(f"{a}{b}  probability {share:.3f}  {'#' * int(50 * share)}")
ours = surprise(yours)
less = sum(surprise(word) < ours for word in words[::20]) / len(words[::20])
print(f"{yours}: {ours:.2f} nats per token; {less:.0%} of the names surprise the table less")

# %% [markdown]
# The shortest bar is the pair that the table believed least. (The percentage is taken over every twentieth name of
# the list. On the command line `makemore score` and `makemore explain` do this for any model.)
#
# ## Looking inside
#
# On the lines that were counted, smoothing can only hurt: no table fits them better than their own counts. To
# see what it is good for, count one part of the names and score another. Only 1,000 names are counted here,
# since that is where the trouble is. They are chosen with `torch.randperm(n)`, which returns the numbers from 0 to
# n - 1 in random order.
#
# **Before you run it:** sketch two curves of the loss over $s$, from 0.001 to 100: one for the names that were
# counted, one for others. Where is the lowest point of each?

# %%
shuffled = [words[i] for i in torch.randperm(len(words), generator=torch.Generator().manual_seed(1))]


def stream_of(some: list[str]) -> torch.Tensor:
    """Names to one stream of ids (M,), a boundary before, between and after."""
    return torch.tensor([0] + [stoi[c] for word in some for c in word + "."])


few, others = stream_of(shuffled[:1000]), stream_of(shuffled[1000:6000])
N_few = torch.bincount(few[:-1] * V + few[1:], minlength=V * V).view(V, V)
amounts = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]
counted = [mean_nll(smoothed(N_few, s), few) for s in amounts]
unseen = [mean_nll(smoothed(N_few, s), others) for s in amounts]
best = unseen.index(min(unseen))
print(
    f"others: {unseen[0]:.3f} with s = 0.001, {unseen[best]:.3f} with {amounts[best]}, {unseen[-1]:.3f} with 100"
)

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
ax.semilogx(amounts, counted, marker="o", label="the 1,000 names that were counted")
ax.semilogx(amounts, unseen, marker="o", label="5,000 others")
ax.set_title("What smoothing does to the loss")
ax.set_xlabel("s, added to every count")
ax.set_ylabel("loss (nats per token)")
ax.legend()
show(
    "the lowest point of each line. On counted names the least smoothing is best; on others it is too little at "
    "first, then too much. Only lines that were not counted can tell how much is right."
)
assert counted == sorted(counted)
assert amounts[best] == 0.3

# %% [markdown]
# For the counted names the curve only rises. For the others the best of these amounts is 0.3: as if each pair had
# been seen about a third of a time more.
#
# ## The same through the library
#
# `bigram` is this table, and `fit` is the `bincount` above. It returns the logarithms of the probabilities as
# *logits*: numbers, one for each character, whose exponentials are in proportion to the probabilities (lesson
# 3 has more). That is the contract of every model on the ladder, from this one to the Transformer: ids in,
# logits out. Ids come in as a batch of B lines of T characters, (B, T), so `[None]` gives our one line a dimension
# of length 1 in front. `torch.arange(V)` is `[0, 1, ..., 26]`. And `longest=15` tells the builder how long a line
# can be, which this model does not need to know.

# %%
from makemore.models import build, configure

model = build("bigram", V, configure("bigram", longest=15, smoothing=1.0))
model.fit(stream)
logits, _ = model(torch.arange(V)[None])  # (1, V, V): what follows each character
print(f"largest difference between the tables: {(logits[0].exp() - smoothed(N, 1)).abs().max():.0e}")

# %% tags=["hide-input"]
assert torch.allclose(logits[0].exp(), smoothed(N, 1).float(), atol=1e-6)

# %% [markdown]
# The same table, but for rounding. `makemore.train` does all of it, and holds lines out so that its losses are
# honest. On the test lines, which it did not count:

# %%
import tempfile

with tempfile.TemporaryDirectory() as directory:
    run = makemore.train("names", type="bigram", work_dir=directory)
    print("losses:", {split: round(loss, 4) for split, loss in run.summary().nll.items()})
    print(run.sample(8, seed=1))
    test_loss = run.summary().nll["test"]

# %% tags=["hide-input"]
assert abs(test_loss - 2.4547) < 1e-3

# %% [markdown]
# On lines that it never saw the table is hardly worse than on those that it counted: 729 numbers are too few to
# remember names with. Later models will not get off so lightly.
#
# ## What is still wrong
#
# One character back is not enough: the model does not know whether it is at the second letter or the tenth,
# nor that `ell` calls for `a`. The table for two characters back has $27^3$ entries, for ten back $27^{11}$, more
# than there are names in the world. Counting does not scale. What does is a model that *learns* a table it
# could not write down. Lesson 2 shows how learning works, and lesson 3 learns the table that we have just counted.
#
# *To read and watch:*
#
# * Andrej Karpathy, [makemore part 1](https://www.youtube.com/watch?v=PaCmpygFfXo), and
#   [makemore](https://github.com/karpathy/makemore) itself.
# * Claude Shannon, [Prediction and Entropy of Printed English](https://doi.org/10.1002/j.1538-7305.1951.tb01366.x)
#   (1951): people guess the next letter, and their guesses become bits.
# * PyTorch's page on [broadcasting](https://docs.pytorch.org/docs/stable/notes/broadcasting.html).
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
# **The open challenge.** Write `challenge.py` in `lesson-1`: count, and do nothing else, but not only pairs.
# Longer strings of letters say more, and have been seen less often. How do you get the best of both? The table of
# pairs has 2.4566 on the held-out names; get below 2.1. `makemore lessons check 1 challenge` scores you.
