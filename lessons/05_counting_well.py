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
# # 5. Counting well
#
# *Before this: lesson 4. Allow 3 hours.*
#
# ## What you will be able to do
#
# * say how fast counts run out as the context grows, and why adding to every count is no cure;
# * share probability between long contexts and short ones: interpolation, absolute discounting, Kneser-Ney;
# * beat lesson 4's network by counting, and say with an interval how sure that is;
# * let counting and learning help each other, as teacher and as partner, without fooling yourself.
#
# ## The idea
#
# Lesson 1 gave up on counting: a table for ten characters of context has more entries than there are names.
# Lesson 4 found that a table of fours was better than its network all the same. So counting deserves a second
# look.
#
# Nobody has to fill the whole table. Only the contexts that occur are stored, in a dictionary. The trouble is
# another one: a long context says a lot about the next letter, but it has been seen a few times only, or never. A
# short one has been seen thousands of times, but says little. Counting well means to use both: **ask the longest
# context first, keep a part of the probability back, and let the next shorter context distribute that part.**
#
# ![emm has seen a few letters; what it keeps back goes to mm, what mm keeps back to m, then to no context](pictures/05_backoff.svg)
#
# A model that counts strings of n characters, a context of n - 1 and what follows, is called an *n-gram*. Lesson
# 1's table is a 2-gram, or bigram.

# %%
import math
import random

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn import functional as F

import makemore
from makemore.course import FAST, beside, names, show

itos = [".", *"abcdefghijklmnopqrstuvwxyz"]  # id -> character
stoi = {character: i for i, character in enumerate(itos)}  # character -> id
V = len(itos)

# %% [markdown]
# Lesson 4 ended with a split that leaks. From here on we use makemore's own, in which equal names are on the same
# side. We count training names, choose on validation names, and look at test names in the end.

# %%
corpus = makemore.read("names")
split = {part: corpus.lines(corpus.rows(part)) for part in ("train", "validation", "test")}
if FAST:
    split = {part: lines[: 1000 if part == "train" else 100] for part, lines in split.items()}
print({part: f"{len(lines):,} names" for part, lines in split.items()})

# %% [markdown]
# ## Building it
#
# ### How fast counts run out
#
# First two helpers. `places` lists everything that has to be predicted in a name. `count` counts, for each
# context of 0 to `longest` characters, what followed: a row of V counts, as in lesson 1. The dot at the beginning
# of a name is a character of the context too, but no context reaches back beyond it. (`before[len(before) - k :]`
# is the last k characters of `before`, and the empty string if k is 0.)


# %%
def places(name):
    """For each place of a name what stands before it, with the dot, and the id of what comes."""
    line = "." + name + "."
    return [(line[:i], stoi[line[i]]) for i in range(1, len(line))]


def count(names, longest):
    """How often each character followed each context of 0 to `longest` characters: {context: (V,)}."""
    counts = {}
    for name in names:
        for before, y in places(name):
            for k in range(min(longest, len(before)) + 1):
                context = before[len(before) - k :]
                if context not in counts:
                    counts[context] = np.zeros(V)
                counts[context][y] += 1
    return counts


counts = count(split["train"], 5)
print(places("em"))
print("after mm:", {itos[i]: int(counts["mm"][i]) for i in np.flatnonzero(counts["mm"])})

# %% [markdown]
# | expression | in | out |
# | --- | --- | --- |
# | `places("em")` | a name | `[(".", 5), (".e", 13), (".em", 0)]` |
# | `count(["em"], 1)` | names | `{"", ".", "e", "m"}`, each with a row (27,) |
# | `row > 0`, row `[0, 3, 1]` | (3,) counts | `[False, True, True]` (3,) |
# | `np.minimum(row, 0.5)`, row `[0, 3, 1]` | (3,) counts | `[0, 0.5, 0.5]` (3,): the smaller of the two |
#
# **Before you run it:** take a held-out name and the five characters before some place in it. How often was that
# context among the training names: in 95 of 100 cases, in 75, or in 50?

# %%
known, follows = [], []
validation = [place for name in split["validation"] for place in places(name)]
for k in range(6):
    long_enough = [(before[len(before) - k :], y) for before, y in validation if len(before) >= k]
    known.append(sum(context in counts for context, _ in long_enough) / len(long_enough))
    follows.append(
        sum(context in counts and counts[context][y] > 0 for context, y in long_enough) / len(long_enough)
    )
    number = sum(len(context) == k for context in counts)
    print(
        f"{k} letters: {number:7,} contexts of {27**k:11,} occur; on held-out names "
        f"{known[-1]:6.1%} of contexts are known, and {follows[-1]:6.1%} with that next letter"
    )

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
ax.plot(range(6), known, "o-", label="the context is known")
ax.plot(range(6), follows, "s-", label="... and was followed by this letter")
ax.set_title("Held-out names: what has been seen in training")
ax.set_xlabel("length of the context")
ax.set_ylabel("share of places")
ax.set_ylim(0, 1.05)
ax.legend()
show(
    "how fast the lower line falls. With five characters of context the letter that comes has never been counted at "
    "nearly half of all places, and a plain table would call it impossible."
)
assert FAST or (0.54 < follows[5] < 0.56 and 0.75 < known[5] < 0.77)

# %% [markdown]
# (Only places with five characters before them are counted.) Three of four contexts of five are known. But a
# known context is not enough: only at 55 of 100 places had it been followed by the letter that comes. At the
# others a plain table says "impossible", and the loss is infinite.
#
# ### One more of everything, again
#
# Lesson 1's cure was to add some `s` to every count. Does it still help?


# %%
def full(context, longest):
    """Whether a context is as long as it can be: `longest` characters, or back to the beginning of the name."""
    return len(context) == longest or context.startswith(".")


def look_up(table, before, longest):
    """The probabilities (V,) of the longest end of `before` that is in the table."""
    context = before[-longest:]
    while context not in table:
        context = context[1:]  # without its first character
    return table[context]


def mean_loss(table, names, longest):
    """The mean of -log p over all places of some names."""
    losses = [-math.log(look_up(table, before, longest)[y]) for name in names for before, y in places(name)]
    return sum(losses) / len(losses)


def of_length(counts, longest):
    """The counts of contexts of 0 to `longest` characters only."""
    return {context: row for context, row in counts.items() if len(context) <= longest}


orders = [2, 3, 4, 5, 6]
even = np.full(V, 1 / V)
added = {}
print("s added   " + "  ".join(f"{n}-gram" for n in orders))
for s in (1, 0.1, 0.01):
    added[s] = []
    for n in orders:
        table = {c: (row + s) / (row + s).sum() for c, row in counts.items() if full(c, n - 1)}
        table[""] = even  # for a context that was never seen
        added[s].append(mean_loss(table, split["validation"], n - 1))
    print(f"{s:7}   " + "  ".join(f"{loss:.4f}" for loss in added[s]))

# %% [markdown]
# Up to fours it does. Then the loss *rises*: a 6-gram, which sees more, is worse than a 3-gram. If s is large, a
# context that was seen twice gets 27 times s on top, and nearly all of its probability is shared evenly among
# letters that never came, q as much as a. If s is small, a letter that never came there is nearly impossible again.
# And a context that was never seen guesses evenly, whatever s is. But `emmq` is not as likely as `emma`. The
# shorter context `mm` knows that; nobody asked it.
#
# ### Asking the shorter context
#
# *Interpolation*: a context keeps a share of its probability back, and hands it to the context without its first
# character. That one does the same, and so on down to no context at all, whose share is spread evenly:
#
# $$p(w \mid c) = (1 - \lambda)\,\frac{N(c\,w)}{N(c)} + \lambda\; p(w \mid c')$$
#
# Here $w$ is the next character, $c$ the context and $c'$ the context without its first character. $N(c\,w)$ is
# how often $w$ followed $c$, and $N(c)$ how often anything did. $\lambda$ (lambda) is the share. Contexts are
# worked out from short to long, so that the shorter one is always there.


# %%
def interpolated(counts, share):
    """Keep the same share back in every context; return {context: (V,) probabilities}."""
    table = {}
    for context in sorted(counts, key=len):  # short ones first
        shorter = table[context[1:]] if context else even
        row = counts[context]
        table[context] = (1 - share) * row / row.sum() + share * shorter
    return table


kept = {}
print("share   " + "  ".join(f"{n}-gram" for n in orders))
for share in (0.2, 0.35, 0.5):
    kept[share] = [
        mean_loss(interpolated(of_length(counts, n - 1), share), split["validation"], n - 1) for n in orders
    ]
    print(f"{share:5}   " + "  ".join(f"{loss:.4f}" for loss in kept[share]))

# %% [markdown]
# A great step for long contexts: now a 5-gram is better than a 4-gram. For 2-grams it is a step back, since a
# share is taken from counts that need no help. And one share for all is crude. A context that has been seen 1,000
# times can be trusted, and one that was seen once cannot. How much should a count be trusted?
#
# ### What is a count worth?
#
# That can be measured. Divide the training names into two halves. Take all strings of five characters that occur
# exactly r times in the first half, and look how often they occur in the second half on average.
#
# **Before you run it:** if strings occur four times in one half, how often do they occur in the other, on
# average: four times, more, or less?

# %%
different = sorted(set(split["train"]))
random.Random(1).shuffle(different)
one, other = (
    count(different[::2], 4),
    count(different[1::2], 4),
)  # every second name, from the first or second on
total, number = np.zeros(11), np.zeros(11)
for context, row in one.items():
    if len(context) == 4:
        again = other.get(context, np.zeros(V))  # zeros if the other half does not have it
        for r in range(1, 11):
            total[r] += again[row == r].sum()
            number[r] += (row == r).sum()
worth = total[1:] / np.maximum(number[1:], 1)
for r in (1, 2, 3, 4, 5):
    print(f"seen {r} times in one half: {worth[r - 1]:.2f} times in the other, {r - worth[r - 1]:.2f} less")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6, 4.2))
ax.plot(range(1, 11), range(1, 11), "--", color="0.5", label="as often")
ax.plot(range(1, 11), worth, "o-", label="in the other half")
ax.set_title("Strings of five characters in two halves of the names")
ax.set_xlabel("times seen in one half")
ax.set_ylabel("mean times in the other half")
ax.legend()
show(
    "the gap between the two lines. It grows far more slowly than the counts: what is lost is nearer to a fixed amount than "
    "to a fixed share."
)
assert FAST or all(0.4 < r - worth[r - 1] < 1.3 for r in range(1, 6))

# %% [markdown]
# Less, and the gap grows, but much less than the counts: from 0.53 at a count of 1 to 1.24 at a count of 5. A
# share would grow fivefold. One amount is a rough answer too, but nearer (the library has three). The strings
# that were not in the first half at all must make up for it. So do not keep back a *share* of each context; take
# a fixed *amount* D off each count.
#
# ### Absolute discounting
#
# $$p(w \mid c) = \frac{\max(N(c\,w) - D,\; 0)}{N(c)} + \frac{D\,T(c)}{N(c)}\; p(w \mid c')$$
#
# $T(c)$ is how many *different* characters followed $c$. D was taken from each of them, so $D\,T(c)$ is what is
# left over for the shorter context, and everything adds up to 1. A context that was seen often hands down little.
# One that was seen once hands down D, more than half of what it has.
#
# How large is D? Ney and others found a formula: with $n_1$ strings that were counted once and $n_2$ that were
# counted twice, $D = n_1 / (n_1 + 2 n_2)$. Each length of context gets its own.


# %%
def discounts(counts):
    """D for contexts of each length, by the formula n1 / (n1 + 2 n2)."""
    found = []
    for k in range(max(len(context) for context in counts) + 1):
        rows = np.stack([row for context, row in counts.items() if len(context) == k])
        n1, n2 = (rows == 1).sum(), (rows == 2).sum()
        found.append(n1 / (n1 + 2 * n2) if n1 and n2 else 0.5)
    return found


def discounted(counts, D):
    """Take D[k] off each count of a context of length k; return {context: (V,) probabilities}."""
    table = {}
    for context in sorted(counts, key=len):
        shorter = table[context[1:]] if context else even
        row = counts[context]
        taken = np.minimum(row, D[len(context)])  # D of each count, nothing of a 0
        table[context] = (row - taken + taken.sum() * shorter) / row.sum()
    return table


absolute = []
for n in orders:
    some = of_length(counts, n - 1)
    absolute.append(mean_loss(discounted(some, discounts(some)), split["validation"], n - 1))
print("D by length of context:", [round(float(d), 2) for d in discounts(counts)])
print("          " + "  ".join(f"{n}-gram" for n in orders))
print("absolute  " + "  ".join(f"{loss:.4f}" for loss in absolute))

# %% [markdown]
# D is near what a count of 1 lost. (The first 0.5 is a stopgap: every letter was seen more than once.) Up to
# threes it beats every share, but with fours and more a well-chosen share is better. Something is still wrong, and
# it is not the discount.
#
# ### Kneser-Ney: how many different contexts?
#
# Look at the letter n. What follows it?

# %%
row = counts["n"]
before_nn = [c for c in itos if c + "n" in counts and counts[c + "n"][stoi["n"]] > 0]
before_n = [c for c in itos if c + "n" in counts]
print(f"after n comes another n {int(row[stoi['n']]):,} times, {row[stoi['n']] / row.sum():.1%} of all")
print(f"but before nn stand only {len(before_nn)} different characters: {' '.join(before_nn)}")
with_vowel = sum(counts[c + "n"][stoi["n"]] for c in "aeiouy") / row[stoi["n"]]
print(f"before n stand {len(before_n)}; before {with_vowel:.1%} of all nn stands one of a, e, i, o, u and y")
assert FAST or (len(before_nn) == 10 and 0.09 < row[stoi["n"]] / row.sum() < 0.11)

# %% [markdown]
# Another n is frequent after n: anna, hannah, jennifer. But in nearly all cases a vowel stands before. When does
# the model ask the context `n` at all? When the longer context has kept much back, because it is rare: `dn` or
# `rn`, hardly ever `an`. And after `dn` another n is most unlikely. The count of `nn` comes from contexts that
# know all about it and need no help.
#
# So a short context should not say how *often* a letter follows it. It should say **in how many different
# contexts it does.** A letter that follows many different contexts is a good guess for yet another one. That is
# the idea of Kneser and Ney (1995). In every context but the longest, the count of a letter is replaced by the
# number of different characters that occurred before context and letter:
#
# $$N'(c\,w) = \text{number of different characters } v \text{ with } N(v\,c\,w) > 0$$
#
# (A context that begins with the dot has nothing before it, and keeps its counts.)


# %%
def widths(counts, longest):
    """Kneser-Ney's counts: those of full contexts stay, others become numbers of different characters before."""
    wide = {context: row for context, row in counts.items() if full(context, longest)}
    for context, row in counts.items():
        if context != "":
            shorter = context[1:]
            if shorter not in wide:
                wide[shorter] = np.zeros(V)
            wide[shorter] = wide[shorter] + (
                row > 0
            )  # this first character is one more, for all that followed
    return wide


wide = widths(counts, 5)
for name, each in (("counts", counts["n"]), ("widths", wide["n"])):
    top = np.argsort(-each)[:5]  # the places of the five largest
    print(
        f"{name} after n:",
        {itos[i]: f"{each[i] / each.sum():.1%}" for i in top},
        f"  n: {each[stoi['n']] / each.sum():.1%}",
    )

kneser_ney, tables = [], {}
for n in orders:
    some = widths(of_length(counts, n - 1), n - 1)
    tables[n] = discounted(some, discounts(some))
    kneser_ney.append(mean_loss(tables[n], split["validation"], n - 1))
print("            " + "  ".join(f"{n}-gram" for n in orders))
print("absolute    " + "  ".join(f"{loss:.4f}" for loss in absolute))
print("Kneser-Ney  " + "  ".join(f"{loss:.4f}" for loss in kneser_ney))
if not FAST:
    assert kneser_ney[3] == min(kneser_ney)
    assert kneser_ney[3] < min(kept[0.35][3], absolute[3]) - 0.02

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7.5, 4.4))
for label, losses, marker in (
    ("0.1 added to each count", added[0.1], "v"),
    ("interpolation, share 0.35", kept[0.35], "^"),
    ("absolute discounting", absolute, "s"),
    ("Kneser-Ney", kneser_ney, "o"),
):
    ax.plot(orders, losses, marker + "-", label=label)
ax.set_title("Validation loss of n-grams")
ax.set_xlabel("n: length of the strings that are counted")
ax.set_ylabel("loss (nats per token)")
ax.set_xticks(orders)
ax.legend()
show(
    "what happens to the right of the lowest point of each line. With smoothing by adding, more context soon does harm. "
    "With Kneser-Ney it does hardly any: where a long context knows nothing, the shorter ones speak."
)

# %% [markdown]
# By widths another n has 4.2 % after n, by counts 10.3 %. Kneser-Ney is the best at every length from threes on,
# and its 5-gram the best of all. From fives to sixes it loses hardly anything.
#
# ### Against the network
#
# Lesson 4's network, on the same split: 3 characters, 10 numbers each, 200 hidden units. To save time it starts
# with smaller weights, takes batches of 256, and each step goes along a running sum of the gradients, in which
# older ones fade (*momentum*; lessons 6 and 12 say why that helps). The rate falls to 0 in a straight line. The
# function takes soft targets too, of which more below: rows of probabilities instead of ids.


# %%
def windows(names, T):
    """Lesson 4's examples: contexts (N, T), and what follows (N,)."""
    contexts, following = [], []
    for name in names:
        for before, y in places(name):
            ids = [0] * T + [stoi[c] for c in before]
            contexts.append(ids[-T:])
            following.append(y)
    return torch.tensor(contexts), torch.tensor(following)


def train_network(T, C, target=None, share=0.0, H=200, steps=10 if FAST else 5000):
    """Train lesson 4's network; return a function from names to log-probabilities of all their places (N, V).

    Where a target (N, V) is given, `share` of each example's target is taken from it.
    """
    X, Y = windows(split["train"], T)
    g = torch.Generator().manual_seed(1)
    E = torch.randn(V, C, generator=g) / 2
    W1 = torch.randn(T * C, H, generator=g) / (T * C) ** 0.5
    W2 = torch.randn(H, V, generator=g) * 0.02
    weights = [E, W1, torch.zeros(H), W2, torch.zeros(V)]
    sums = [torch.zeros_like(weight) for weight in weights]
    for weight in weights:
        weight.requires_grad_()

    def forward(x):
        E, W1, b1, W2, b2 = weights
        return torch.tanh(E[x].flatten(1) @ W1 + b1) @ W2 + b2

    for step in range(steps):
        some = torch.randint(len(X), (256,), generator=g)
        y = Y[some]
        if target is not None:
            y = (1 - share) * F.one_hot(y, V) + share * target[some]  # (256, V): probabilities
        gradients = torch.autograd.grad(F.cross_entropy(forward(X[some]), y), weights)
        with torch.no_grad():
            for weight, running, gradient in zip(weights, sums, gradients):
                running.mul_(0.9).add_(gradient)  # 0.9 of what was, and the new one
                weight.sub_(0.1 * (1 - step / steps) * running)

    def log_probabilities(names):
        with torch.no_grad():
            return forward(windows(names, T)[0]).log_softmax(1)

    return log_probabilities


def losses_of(logp, names):
    """-log p of each place of some names (N,), given the log-probabilities (N, V)."""
    y = torch.tensor([y for name in names for _, y in places(name)])
    return -logp[torch.arange(len(y)), y]


def by_counting(table, names, longest=4):
    """The log-probabilities that a table gives at all places of some names, (N, V)."""
    rows = [look_up(table, before, longest) for name in names for before, _ in places(name)]
    return torch.tensor(np.stack(rows)).log().float()


lesson_4 = train_network(T=3, C=10)
five = tables[5]
network_losses = losses_of(lesson_4(split["test"]), split["test"])
counting_losses = losses_of(by_counting(five, split["test"]), split["test"])
print(f"test loss: lesson 4's network {network_losses.mean():.4f}, the 5-gram {counting_losses.mean():.4f}")

# %% [markdown]
# Counting wins. Is that luck of the test names? Imagine other test names of the same kind. We have none, but we
# can sample the ones that we have *with replacement*: some come twice, some not at all. A thousand such samples
# give a thousand differences, and the middle 95 % of them are an *interval*. This is the *bootstrap*. The two
# models are compared on the same names each time, so that names that are hard for both do not matter. (Lesson 15
# has more on this.)


# %%
def interval(first, second, names):
    """95 % interval of the difference of two mean losses, given the losses of all places (N,)."""
    difference = np.array((first - second).tolist())
    lengths = np.array([len(name) + 1 for name in names])
    ends = np.cumsum(lengths)  # where each name ends: the sums of the lengths so far
    by_name = np.array([difference[end - n : end].sum() for end, n in zip(ends, lengths)])
    generator = np.random.default_rng(1)
    found = []
    for _ in range(20 if FAST else 1000):
        some = generator.integers(len(names), size=len(names))
        found.append(by_name[some].sum() / lengths[some].sum())
    return np.quantile(found, [0.025, 0.975])  # 2.5 % are below the first, 97.5 % below the second


low, high = interval(network_losses, counting_losses, split["test"])
print(f"the network loses {low:.3f} to {high:.3f} nats per token more")
assert FAST or low > 0

# %% [markdown]
# The whole interval is above 0, so it is not luck of the names. The comparison is not fair, of course: the 5-gram
# sees one character more, and the network was trained for a short time. (The library trains the same network
# longer and with more care, and reaches 2.1142 on these test names: still behind.) From here on the network sees
# six characters, so it is ahead in context.
#
# ### The teacher
#
# Counting and learning fail in different ways. A network never forgets that vowels are alike, and never quite
# remembers in what proportions a, e, i and y came after `emm`. Can it learn from the counts?
#
# A name says after `.emm` only: "a". The 5-gram says: "a, most likely, and perhaps i or e". That is more to learn
# from. So let the *target* of the network be a mixture: 60 % the letter that came, 40 % what the 5-gram predicts
# there. These are called *soft labels*, and the 5-gram is the *teacher*.
#
# There is a trap. The 5-gram has counted the very line that it is asked about. It knows what comes.

# %%
own = by_counting(five, split["train"])
print(f"the 5-gram on names that it has counted {losses_of(own, split['train']).mean():.4f}", end=", ")
print(f"on new ones {kneser_ney[3]:.4f}")

# %% [markdown]
# The remedy is *cross-fitting*. Divide the training names into five parts. For each part count the other four,
# and predict it with those counts. Every name is then predicted by a model that has not seen it. Copies of a name
# must be in the same part, so the part is chosen by the text of the name (here: the sum of its ids, each
# times its place, divided by 5, of which the remainder counts).


# %%
def part_of(name):
    """One of five parts, the same for equal names."""
    return sum(stoi[c] * (i + 1) for i, c in enumerate(name)) % 5


crossed = torch.zeros_like(own)
which = torch.tensor(
    [part_of(name) for name in split["train"] for _ in places(name)]
)  # (N,) the part of each place
for part in range(5):
    others = [name for name in split["train"] if part_of(name) != part]
    some = widths(count(others, 4), 4)
    table = discounted(some, discounts(some))
    crossed[which == part] = by_counting(table, [name for name in split["train"] if part_of(name) == part])
print(f"cross-fitted: {losses_of(crossed, split['train']).mean():.4f}")

# %% [markdown]
# The cross-fitted loss is as honest as that on new names, and worse, since a fifth of the names was missing each
# time.
#
# **Before you run it:** three networks, alike but for their targets: no teacher, a teacher that has seen the
# lines, a cross-fitted one. Which has the lowest loss on new names?

# %%
students = {
    "no teacher": train_network(T=6, C=16),
    "teacher that has seen the lines": train_network(T=6, C=16, target=own.exp(), share=0.4),
    "cross-fitted teacher": train_network(T=6, C=16, target=crossed.exp(), share=0.4),
}
results = {}
for what, student in students.items():
    results[what] = losses_of(student(split["validation"]), split["validation"]).mean().item()
    train_loss = losses_of(student(split["train"]), split["train"]).mean()
    print(f"{what:32} training {train_loss:.4f}   validation {results[what]:.4f}")
assert FAST or max(results, key=results.get) == "no teacher"

# %% [markdown]
# Both teachers help, though not much, and even the training loss is lower with them. The letter that came is one
# of several that could have come; a target that says so has less chance in it, and each step is truer. And the
# trap? The teacher that has seen the lines is no worse here. A network of this size cannot learn by heart what
# the counts know by heart: it meets many different targets after contexts that look alike to it, and learns their
# mean. (The library's own teacher has seen the lines too.) Whether a trap is one, only a measurement says. The
# next one is.
#
# ### The mixture: both together
#
# Why not ask both, and mix their answers? With a weight g for the network:
#
# $$p = g \; p_\text{network} + (1 - g) \; p_\text{counts}$$
#
# Any g between 0 and 1 gives probabilities that sum to 1. Try them all, on validation names, with the network
# that had no teacher.

# %%
student = students["no teacher"]
network, counting = student(split["validation"]), by_counting(five, split["validation"])
shares = np.linspace(0, 1, 21)
mixed = []
for g in shares:
    both = (g * network.exp() + (1 - g) * counting.exp()).log()
    mixed.append(losses_of(both, split["validation"]).mean().item())
best = float(shares[int(np.argmin(mixed))])
print(f"5-gram {mixed[0]:.4f}, network {mixed[-1]:.4f}, both at g = {best:.2f}: {min(mixed):.4f}")

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(7, 4))
ax.plot(shares, mixed, "o-")
ax.set_title("Mixing a 5-gram and a network (validation)")
ax.set_xlabel("g, the weight of the network")
ax.set_ylabel("loss (nats per token)")
show(
    "how deep the valley is, and how flat. Both ends are models that took work. A mixture of the two, at almost any weight, "
    "is better than either."
)
assert FAST or min(mixed) < min(mixed[0], mixed[-1]) - 0.03

# %% [markdown]
# That gain is about as large as Kneser-Ney's over absolute discounting, and it was free. The two are wrong at
# different places, and a mixture is never very wrong where one of them is right.
#
# One weight for all places is crude again. A *gate* chooses g at each place: from how long the known context is,
# and how often it was seen. Two numbers and a constant, times three weights, through a *sigmoid*, $1 / (1 +
# e^{-z})$, which makes any number into one between 0 and
# 1. The three weights are learned. But on what? Here the trap is deadly.


# %%
def features(counts, names):
    """For each place: 1, the length of the longest known context, and the logarithm of how often it was seen, (N, 3)."""
    found = []
    for name in names:
        for before, _ in places(name):
            context = before[-4:]
            while context not in counts:
                context = context[1:]
            found.append((1.0, len(context) / 4, math.log(counts[context].sum()) / 4))
    return torch.tensor(found)


def learn_gate(network, counting, features, names):
    """Learn the three weights of the gate, given the log-probabilities of both (N, V) at all places of some names."""
    a = (-losses_of(network, names)).exp()
    b = (-losses_of(counting, names)).exp()  # (N,) each: the probability of what came
    w, running = torch.zeros(3, requires_grad=True), torch.zeros(3)
    for _ in range(20 if FAST else 300):
        g = torch.sigmoid(features @ w)  # (N,)
        loss = -(g * a + (1 - g) * b).log().mean()
        (gradient,) = torch.autograd.grad(loss, w)
        with torch.no_grad():
            running.mul_(0.9).add_(gradient)
            w.sub_(running)
    return w.detach()


def with_gate(w, names):
    """The log-probabilities of the mixture at all places of some names, (N, V); and the weights (N,)."""
    g = torch.sigmoid(features(wide_four, names) @ w)[:, None]
    both = g * student(names).exp() + (1 - g) * by_counting(five, names).exp()
    return both.log(), g[:, 0]


wide_four = widths(of_length(counts, 4), 4)
seen = features(wide_four, split["train"])
unseen = torch.zeros_like(seen)
for part in range(5):
    others = [name for name in split["train"] if part_of(name) != part]
    unseen[which == part] = features(
        widths(count(others, 4), 4), [name for name in split["train"] if part_of(name) == part]
    )
trained = student(split["train"])
gates = {
    "training names, counted": learn_gate(trained, own, seen, split["train"]),
    "training names, cross-fitted": learn_gate(trained, crossed, unseen, split["train"]),
    "validation names": learn_gate(
        network, counting, features(wide_four, split["validation"]), split["validation"]
    ),
}
gated = {}
for what, w in gates.items():
    logp, g = with_gate(w, split["test"])
    gated[what] = losses_of(logp, split["test"])
    print(
        f"gate learned on {what:28}: trusts the network {g.mean():6.1%}, test loss {gated[what].mean():.4f}"
    )
flat = (best * student(split["test"]).exp() + (1 - best) * by_counting(five, split["test"]).exp()).log()
print(f"one weight for all places, g = {best:.2f}: test loss {losses_of(flat, split['test']).mean():.4f}")
print(f"the 5-gram alone: test loss {counting_losses.mean():.4f}")
if not FAST:
    naive, honest = gated["training names, counted"].mean(), gated["training names, cross-fitted"].mean()
    assert honest < naive - 0.03
    assert abs(naive - counting_losses.mean()) < 0.005

# %% [markdown]
# Learned on names that the 5-gram has counted, the gate gives the network nothing, and the mixture is as good as
# the 5-gram alone: no better for all the work. On those names the counts were nearly always right, so why ask
# anybody else? Cross-fitted, the same three weights give the network its due, and the loss falls by 0.06. **A
# model must be weighed on lines that it has not seen.** Cross-fitted, the gate trusts the network too much, and
# one weight for all, chosen on validation names, is better than it: there it worked beside counts of four fifths
# of the names, and now beside all. The validation names have neither fault, and give the best of the three.
#
# Learned on validation names, the gate gains next to nothing over one weight for all places. The library's
# `mixture` does more: it trains the gate together with the network, an LSTM (lesson 9), and every line is taken
# out of the counts while it is learned from. It reaches 1.9340 on these test names, where the LSTM alone has
# 1.9446.
#
# ## Looking inside
#
# Your own name, letter by letter. The longest known context is what the 5-gram goes by.

# %%
yours = "emma"  # put your own name here, in small letters from a to z

w = gates["validation names"]
logp, g = with_gate(w, [yours])
alone = by_counting(five, [yours]), student([yours])
print("known context   next   5-gram   network   weight   both")
for i, (before, y) in enumerate(places(yours)):
    context = before[-4:]
    while context not in wide_four:
        context = context[1:]
    p = [each[i, y].exp().item() for each in (*alone, logp)]
    print(f"{context:13}   {itos[y]:4}   {p[0]:6.3f}   {p[1]:7.3f}   {g[i]:6.2f}   {p[2]:.3f}")

# %% [markdown]
# Where is counting better, and where learning? Sort the places of all test names by how often the context of four
# (or of what there is, at the beginning of a name) was seen in training.

# %%
full_counts = [
    counts[before[-4:]].sum() if before[-4:] in counts else 0
    for name in split["test"]
    for before, _ in places(name)
]
full_counts = torch.tensor(full_counts)
student_losses = losses_of(student(split["test"]), split["test"])
both_losses = gated["validation names"]
limits = [(0, 0), (1, 3), (4, 15), (16, 63), (64, 10**6)]
bars = []
for lowest, highest in limits:
    here = (full_counts >= lowest) & (full_counts <= highest)
    bars.append([each[here].mean().item() for each in (counting_losses, student_losses, both_losses)])
    print(
        f"seen {lowest} to {highest} times: {here.float().mean():5.1%} of places, 5-gram {bars[-1][0]:.3f}, "
        f"network {bars[-1][1]:.3f}, both {bars[-1][2]:.3f}"
    )

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(8, 4.2))
for i, label in enumerate(("5-gram", "network", "both")):
    ax.bar(np.arange(5) + 0.27 * (i - 1), [each[i] for each in bars], 0.25, label=label)
ax.set_xticks(range(5), ["never", "1 to 3", "4 to 15", "16 to 63", "64 or more"])
ax.set_title("Test loss by how often the context was seen")
ax.set_xlabel("how often the four characters before were seen in training")
ax.set_ylabel("loss (nats per token)")
ax.set_ylim(0, 3.2)
ax.legend(ncols=3, loc="upper center")
show(
    "which of the two is ahead on the left, where the context is new or rare, and which on the right, where there is "
    "plenty to count. Then compare the third bar, both together, with the lower of the first two."
)
assert len(full_counts) == len(both_losses)

# %% [markdown]
# With `emma` the 5-gram is ahead at every place, and the mixture lies between the two, as any average does. How
# can it win? By never being very wrong: over many names, a place where one of the two gives next to nothing costs
# more than is lost elsewhere. The groups show it. (Compare bars within a group, not groups: the group on the
# right is mostly the first letters of names, which nobody can predict, hence its high loss.) At contexts that
# were never seen the two are equal, elsewhere the 5-gram is a little ahead, and both together are better than
# either in *every* group: by 0.12 to 0.14 where the context is new or was seen a few times, and by hardly 0.02
# where it was seen 64 times or more.
#
# ## The number to compare with
#
# EurekaLabs' course *ngram* counts fours with 0.1 added, and publishes a test loss. Their split is another one,
# 1,000 names to test on; copies of a name may be on both sides; and their names stand in one stream, so that a
# context reaches back into the name before. Built in the same way, with lesson 1's `bincount`, the number is met
# to the last digit.

# %%
words = names()
random.seed(42)
shuffled = list(range(len(words)))
random.shuffle(shuffled)
theirs = [words[i] for i in shuffled]


def fours(some):
    """Each four characters in a row of a stream of names, as one number each, (M,)."""
    ids = np.array([stoi[c] for name in some for c in name + "."])
    return ((ids[:-3] * V + ids[1:-2]) * V + ids[2:-1]) * V + ids[3:]


table = (np.bincount(fours(theirs[2000:]), minlength=V**4) + 0.1).reshape(V**3, V)
table = table / table.sum(1, keepdims=True)
plain = -np.log(table.flatten()[fours(theirs[:1000])]).mean()
beside("4-gram, 0.1 added to each count", plain, 2.1064, "EurekaLabs ngram")
assert abs(plain - 2.1064) < 1e-4

fitting = theirs[2000 : 3000 if FAST else len(theirs)]
some = widths(count(fitting, 3), 3)
ours = mean_loss(discounted(some, discounts(some)), theirs[:1000], 3)
print(f"4-gram, Kneser-Ney, the same names: {ours:.4f}")
some = widths(count(fitting, 4), 4)
print(
    f"5-gram, Kneser-Ney, the same names: {mean_loss(discounted(some, discounts(some)), theirs[:1000], 4):.4f}"
)
assert FAST or ours < plain

# %% [markdown]
# The same names, the same three characters of context: Kneser-Ney instead of 0.1 gains 0.06, and one character
# more another 0.08.
#
# Chen and Goodman (1999) compared all the methods of their time, on texts of many sizes. Their result is ours:
# Kneser-Ney, interpolated, is best throughout, and adding to the counts is worst.
#
# ## The same through the library
#
# `ngram` is this model. Fitted to the same names and given our discounts, it must have our probabilities.
# (`model.fit` gets one stream of ids with dots between the names. `discounts` has a row for each length of
# context: a strength that we set to 0, and D for counts of 1, 2, and 3 or more, all the same here.)

# %%
from makemore.models import build, configure

model = build("ngram", V, configure("ngram", longest=15, order=5))
model.fit(torch.tensor([0] + [stoi[c] for name in split["train"] for c in name + "."]))
for k, d in enumerate(discounts(wide_four)):
    model.discounts[k] = torch.tensor([0.0, d, d, d])
model.load_state_dict(model.state_dict())  # so that what follows from the discounts is worked out anew
apart = 0.0
for name in split["test"][:50]:
    logits, _ = model(torch.tensor([[0, *(stoi[c] for c in name)]]))  # (1, T, V)
    apart = max(apart, (logits[0].exp() - by_counting(five, [name]).exp()).abs().max().item())
print(f"probabilities at most {apart:.0e} apart")
assert apart < 1e-5

# %% [markdown]
# Left to itself, the library does three things more. It *fits* the discounts, by leaving each name out of the
# counts in turn and asking which discounts would have predicted it best. It has three of them for each length,
# and a strength as well, by which even a context that was seen often asks the shorter one. And below the empty
# context it counts *kinds* of characters, capitals, digits, spaces, which matters for lists that have them.

# %%
import tempfile

if not FAST:
    with tempfile.TemporaryDirectory() as directory:
        run = makemore.train("names", type="ngram", order=5, work_dir=directory)
        fitted = run.summary().nll
        print("the library's 5-gram:", {part: f"{loss:.4f}" for part, loss in fitted.items()})
        print(f"ours, on test names: {counting_losses.mean():.4f}")
        print(run.sample(8, seed=1))
        assert fitted["test"] < counting_losses.mean() - 0.005

# %% [markdown]
# The same counts with fitted discounts: 0.03 better on the test names, for nothing but care.
#
# ## What is still wrong
#
# * A 5-gram looks back four characters, and no further. Names are short; texts are not.
# * It stores every context. On the whole internet that is a very large table, and it learns nothing about one
#   context from another.
# * The network of this lesson is weak, and was helped by tricks that were not explained. The next lessons explain
#   them, and then make it better, until it beats counting alone. What it will not do is make counting useless:
#   the best model of the library is a mixture.
#
# *To read and watch:*
#
# * Kneser and Ney, [Improved backing-off for M-gram language
#   modeling](https://doi.org/10.1109/ICASSP.1995.479394) (1995).
# * Chen and Goodman, [An empirical study of smoothing techniques for language
#   modeling](https://doi.org/10.1006/csla.1999.0128) (1999).
# * Neubig and Dyer, [Generalizing and hybridizing count-based and neural language
#   models](https://arxiv.org/abs/1606.00499) (2016).
# * Hinton and others, [Distilling the knowledge in a neural network](https://arxiv.org/abs/1503.02531) (2015):
#   the best known teacher.
#
# ## Exercises
#
# `makemore lessons start 5` puts this lesson and a file `exercises.py` into the directory `lesson-5`. Fill in its
# three functions, then let `makemore lessons check 5` tell you how you did.
#
# 1. `back_off`: absolute discounting, where the shorter context is asked only for letters that were never seen.
# 2. `continuations`: Kneser-Ney's numbers, from counts.
# 3. `left_out`: the honest probability of each letter, with the letter itself taken out of the counts.
#
# **The open challenge.** Count and learn, with all means of lessons 1 to 5: n-grams, networks, teachers,
# mixtures. The model has to be your own; makemore's are not allowed. `makemore lessons check 5 challenge` scores
# it on held-out names. Can you get below 1.94?
