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
# # 18. The whole ladder
#
# *Before this: lessons 12 and 16. Allow 2 hours.*
#
# ## What you will be able to do
#
# * put every model of the course on one ruler, and say which differences are real;
# * say what each rung costs, at which letters it wins, and where the ladder stops paying;
# * build tokens longer than a letter, and compare models that use different tokens without falling into the trap;
# * name what a large language model has that these models lack, and what it has in common with them.
#
# ## The idea
#
# All models of this course answer one question: given what is written so far, what comes next? They differ in one
# thing only, in how they look at what is written. A bigram looks at one letter. An n-gram looks up the last few. The
# network of lesson 4 turns the last few into vectors and computes from them. A recurrent network keeps a summary of
# all of it, a Transformer looks back at each letter anew.
#
# ![A ladder: bigram, n-gram, MLP, WaveNet, recurrent networks, Transformer, mixture; below each what it looks
# at](pictures/18_ladder.svg)
#
# Because the question is the same, so is the ruler: the mean of $-\log p$ over the tokens of held-out names. This
# lesson trains one model of each family for a short while, side by side. The table further down has the same
# models trained to the end.

# %%
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt
import torch

import makemore
from makemore.course import FAST, beside, show

# %% [markdown]
# ## Building it
#
# ### One ruler
#
# The library's own split, as in lesson 15: a hash of the name decides its side, so no name is on two sides. Every
# model gets the same training names (of which the library keeps some back, to choose the best step by) and is
# judged on the same test names. Nothing is chosen by these, so they may be looked at.

# %%
corpus = makemore.read("names")
learned_from = corpus.lines(corpus.rows("train"))
held_out = sorted(set(corpus.lines(corpus.rows("test"))))
if FAST:
    learned_from, held_out = learned_from[:600], held_out[:40]
tokens = torch.tensor([len(name) + 1 for name in held_out])  # (M,): the letters and the end of each name
print(
    f"{len(learned_from):,} names to learn from, {len(held_out):,} different held-out names, {tokens.sum():,} tokens"
)

# %% [markdown]
# ### One of each family
#
# `makemore.train` is the function behind the command of the same name. Counting models take one pass over the
# list. The others get 200 steps, much less than they need, so that the whole lesson fits into a coffee break. By
# default the library lets an n-gram help to teach a network (lesson 5). `teacher=0` leaves that out here, so that
# the networks stand on their own feet.
#
# **Before you run it:** which will be ahead after so short a training, the models that count or the networks?

# %%
STEPS = 3 if FAST else 200
TYPES = {
    "bigram": "counts which letter follows which (lessons 1 and 3)",
    "ngram": "counts what follows the last five letters, and backs off (lesson 5)",
    "mlp": "embeds the last letters, one hidden layer (lesson 4)",
    "gru": "carries a state from letter to letter (lesson 9)",
    "transformer": "attends to every letter so far (lesson 10)",
    "mixture": "an LSTM and an n-gram, joined (lessons 5 and 9)",
}
if FAST:
    TYPES = {type: TYPES[type] for type in ("bigram", "ngram")}
folder = Path(tempfile.mkdtemp())
runs, seconds = {}, {}
for type in TYPES:
    steps = {} if type in ("bigram", "ngram") else {"max_steps": STEPS}
    if type in ("mlp", "gru", "transformer"):
        steps["teacher"] = 0
    began = time.perf_counter()
    runs[type] = makemore.train(
        lines=learned_from, type=type, work_dir=folder / type, seed=1, device="cpu", progress=False, **steps
    )
    seconds[type] = time.perf_counter() - began

# %% [markdown]
# `run.score` gives $-\log p$ of whole names, the end included. Added up and divided by the number of tokens, that
# is the loss.
#
# | expression | shape or value | what it is |
# | --- | --- | --- |
# | `runs["gru"].score(["emma", "ava"])` | 2 numbers | $-\log p$ of each name, in nats |
# | `nll[type]` | $(M,)$ | the same for all held-out names |
# | `nll[type].sum() / tokens.sum()` | one number | nats per token |

# %%
nll = {type: torch.tensor(run.score(held_out), dtype=torch.float64) for type, run in runs.items()}
loss = {type: (nll[type].sum() / tokens.sum()).item() for type in TYPES}
weights = {type: sum(w.numel() for w in run.model.parameters()) for type, run in runs.items()}
ladder = sorted(TYPES, key=lambda type: loss[type], reverse=True)  # the worst first
for type in ladder:
    print(f"{type:12} {loss[type]:.4f}  {TYPES[type]}")

# %% tags=["hide-input"]
if not FAST:
    assert loss["ngram"] < loss["bigram"]
    assert loss["mixture"] == min(loss.values())
    assert loss["ngram"] < min(loss["mlp"], loss["gru"], loss["transformer"])

# %% [markdown]
# **Answer:** one model that counts is last, and the other one beats every plain network, after seconds. What the
# networks lack is time, as the table below shows. The mixture starts from the n-gram and lets a network correct it,
# so it is ahead from the beginning.
#
# ### Which differences are real?
#
# A difference of two losses comes from these held-out names; others would have given another. Lesson 15 showed
# how to find out by how much: both models are judged on the *same* names, so take the difference name by name,
# choose names anew with replacement a thousand times, and look at the middle 95 % of the results.
#
# With $d_i$ the difference of the two $-\log p$ of name $i$ and $n_i$ its tokens, each time
#
# $$\Delta = \frac{\sum_i d_i}{\sum_i n_i}$$
#
# over the names that were chosen. If 0 is outside the interval, the difference is more than luck with these
# names. (It may still be luck with the seed: lesson 12.)


# %%
def interval(difference: torch.Tensor) -> tuple[float, float]:
    """The middle 95 % of the mean difference per token; difference: (M,), name by name."""
    g = torch.Generator().manual_seed(18)
    chosen = torch.randint(len(difference), (1000, len(difference)), generator=g)  # (1000, M)
    means = difference[chosen].sum(1) / tokens[chosen].sum(1)
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=means.dtype)).tolist()
    return low, high


for worse, better in zip(ladder, ladder[1:]):
    low, high = interval(nll[worse] - nll[better])
    verdict = "real" if low > 0 else "a tie"
    print(
        f"{better:12} better than {worse:12} by {loss[worse] - loss[better]:.3f} ({low:+.3f} to {high:+.3f}): {verdict}"
    )

# %% [markdown]
# All are real, even the small ones between the three networks: a thousand names judged by both sides tell such
# differences apart. But each network was trained once. With another seed their order may be another one.
#
# ### What it costs
#
# Weights are what must be stored, seconds what one waits, and names a second what one gets. For the counting
# models the "weights" are counts. `run.sample` returns finished names.

# %%
samples = {}
print(f"{'':12} {'weights':>9} {'seconds':>8} {'names/s':>8}")
for type in ladder:
    runs[type].sample(5, seed=0)  # the first call loads what it needs
    began = time.perf_counter()
    samples[type] = runs[type].sample(50 if FAST else 500, seed=1)
    rate = len(samples[type]) / (time.perf_counter() - began)
    print(f"{type:12} {weights[type]:9,} {seconds[type]:8.1f} {rate:8,.0f}")

# %% [markdown]
# The seconds hold the whole call, with scoring at the end, and depend on the machine and on what else it does; do
# not read much into a factor of one and a half. The orders of magnitude stand: a bigram is 729 numbers, a mixture
# half a million. Counting is quick to train, but the MLP is quicker to sample from than the n-gram: it
# multiplies two matrices for each letter, where the n-gram searches its strings.
#
# ### Side by side
#
# The first eight samples of each, the worst model first. A `*` marks a training name: lesson 15 says why a few
# of these are no fault.

# %%
known = set(learned_from)
for type in ladder:
    print(f"{type:12}", "  ".join(name + "*" * (name in known) for name in samples[type][:8]))

# %% [markdown]
# Read the lines from top to bottom. The bigram's letters follow one another but make no names. From the n-gram on
# one could read them out at a party. (That the lines begin alike is no discovery: all were sampled with one seed, so
# the dice fell alike.)
#
# ## Looking inside
#
# Where does each rung win? `run.explain` gives $-\log p$ of each letter of a name. Average it by the place in the
# name: the first letter, the second, and so on.
#
# **Before you run it:** at which place are all models equally good? Where will a longer memory help most?

# %%
PLACES = 9
long_enough = [name for name in held_out if len(name) >= 4]
some = random.Random(18).sample(long_enough, min(len(long_enough), 20 if FAST else 400))
by_place = {}
for type in ladder:
    total, count = torch.zeros(PLACES), torch.zeros(PLACES)
    for name in some:
        for place, letter in enumerate(runs[type].explain(name)[:PLACES]):
            total[place] += letter.nll
            count[place] += 1
    by_place[type] = total / count
print("names that are so long:", [int(n) for n in count])

# %% tags=["hide-input"]
plt.figure(figsize=(9, 4.5))
for i, type in enumerate(ladder):
    plt.plot(range(1, PLACES + 1), by_place[type], marker="osd^vP"[i], label=type)
plt.xlabel("place in the name (1 is the first letter)")
plt.ylabel("nats")
plt.title("Where each rung wins")
plt.legend(fontsize=9)
show(
    "the left end, where all models are nearly alike, since nothing is written yet; and how the distance of the bigram "
    "grows to the right, where it has forgotten what the others still see."
)

# %% [markdown]
# **Answer:** at the first letter they are nearly alike. Nothing has been written, so nothing can be remembered,
# and all that anyone can know is how often names begin with each letter. At the second letter the bigram is
# behind already: it sees a letter, but not that the name has just begun. And the longer memory helps most towards
# the end, where there is most to remember.
#
# ### Your own name
#
# How surprising is each letter of your name for each rung? Dark is surprising.

# %%
yours = "emma"  # put your own name here: letters a to z, lower case
surprise = torch.tensor(
    [[letter.nll for letter in runs[type].explain(yours)] for type in ladder]
)  # (types, letters)
for type, row in zip(ladder, surprise):
    print(
        f"{type:12}",
        "  ".join(f"{letter} {x:.1f}" for letter, x in zip(yours + ".", row.tolist())),
        f"  together {row.sum():.1f}",
    )

# %% tags=["hide-input"]
plt.figure(figsize=(1.5 + 0.9 * len(yours), 3.6), layout="constrained")
plt.imshow(surprise, cmap="Blues", vmin=0, aspect="auto")
for i in range(len(ladder)):
    for j in range(len(yours) + 1):
        x = surprise[i, j].item()
        plt.text(
            j, i, f"{x:.1f}", ha="center", va="center", color="white" if x > surprise.max() * 0.6 else "black"
        )
plt.xticks(range(len(yours) + 1), [*yours, "end"])
plt.yticks(range(len(ladder)), ladder)
plt.xlabel("letter")
plt.ylabel("model")
plt.title("-log p of each letter, in nats")
show(
    "the columns: a letter that surprises the bigram but not the models below it was foretold by more than its neighbour."
)

# %% [markdown]
# Read each column. A higher rung is not better at every letter, nor for every name: what is better is the mean over
# many.
#
# ## The number to compare with
#
# Trained to the end, with the library's recipes, the test losses are these (nats per token; means over seeds where
# there are several; from `benchmarks/RESULTS.md`, where the intervals are).
#
# | rung | lesson | weights | test loss |
# | --- | --- | ---: | ---: |
# | bigram | 1, 3 | 729 | 2.4547 |
# | bag of words | 10 | 36,571 | 2.1851 |
# | context tree | – | 127,119 | 2.0676 |
# | 6-gram | 5 | 127,119 | 2.0122 |
# | MLP | 4 | 56,995 | 2.0064 |
# | MLP + BatchNorm | 6 | 85,275 | 1.9952 |
# | RNN | 9 | 91,099 | 1.9846 |
# | WaveNet | 8 | 191,643 | 1.9733 |
# | Llama | 13 | 337,776 | 1.9580 |
# | GRU | 9 | 255,963 | 1.9575 |
# | Transformer | 10 | 204,544 | 1.9554 |
# | LSTM | 9 | 338,395 | 1.9446 |
# | minGRU | 14 | 285,339 | 1.9392 |
# | mixture | 5 | 543,965 | 1.9340 |
#
# (The context tree mixes contexts of all lengths by Bayes' rule; no lesson builds it.) The mixture has 750 times
# the numbers of the bigram, and the loss goes from 2.45 to 1.93. Most of that is won by the first steps up.

# %%
finished = {"bigram": 2.4547, "6-gram": 2.0122, "mixture": 1.9340}
beside("bigram, test names", loss["bigram"], finished["bigram"], "the table above")
if not FAST:
    beside("n-gram, test names", loss["ngram"], finished["6-gram"], "the table above")
whole = finished["bigram"] - finished["mixture"]
counted = (finished["bigram"] - finished["6-gram"]) / whole
print(f"of the way from the bigram to the mixture, counting alone goes {counted:.0%}")

# %% tags=["hide-input"]
assert 0.84 < counted < 0.86
if not FAST:
    assert abs(loss["bigram"] - finished["bigram"]) < 0.05

# %% [markdown]
# So on names the ladder stops paying early: counting goes 85 % of the way, and everything that was learned since
# adds the rest. Why? There are 32,000 names and 27 characters, and what can be known of the next letter is mostly
# in the last few. Names are arbitrary: nobody could foretell the third letter of a new one. The order depends on the
# list, too. On a list of English words the n-gram beats every plain network, and only the mixture beats the n-gram
# (`benchmarks/RESULTS.md`). Where there is far more text, networks win; that is the next section, and nothing here
# measures it.
#
# ## From names to large language models
#
# What answers you in a chat is the Transformer of lesson 10, with the block of lesson 13. The question is the
# same: what comes next? The loss is the same, and so are the loop that trains it and the loop that samples from
# it, with a temperature and top-p as in lesson 16. What is different:
#
# | | here | there |
# | --- | --- | --- |
# | tokens | 27 characters | some 50,000 to 250,000 pieces of words |
# | data | 200 thousand tokens | more than 10 trillion |
# | weights | 200 thousand | billions to a trillion |
# | context | a name | hundreds of thousands of tokens |
# | machines | one core | thousands of GPUs, whose gradients are added up |
# | numbers | 32 bits | 16 or 8 bits |
# | after that | nothing | examples of answers, then preferences and checks, turned into a loss |
# | judged by | held-out loss | held-out loss, and thousands of tasks |
#
# ### Tokens longer than a letter
#
# Only the first row needs new code. *Byte-pair encoding* begins with characters. It looks for the pair of
# neighbours that occurs most often, makes it a token of its own, and does so again. Here are thirty lines of it, on
# English words.


# %%
def most_common_pair(lines: list[list[str]]) -> tuple[str, str]:
    """The pair of neighbours that occurs most often."""
    pairs = Counter()
    for line in lines:
        pairs.update(zip(line, line[1:]))
    return max(pairs, key=pairs.get)


def merged(line: list[str], pair: tuple[str, str]) -> list[str]:
    """The line with each occurrence of the pair as one token, from left to right."""
    out, i = [], 0
    while i < len(line):
        if i + 1 < len(line) and (line[i], line[i + 1]) == pair:
            out.append(line[i] + line[i + 1])
            i += 2
        else:
            out.append(line[i])
            i += 1
    return out


vocabulary = makemore.read("words")
words = [word for word in vocabulary.lines(range(len(vocabulary))) if word.isalpha() and word.islower()]
words = random.Random(1).sample(words, 400 if FAST else 13_000)
as_letters = [list(word) for word in words]
as_tokens, merges = as_letters, []
for _ in range(10 if FAST else 160):
    pair = most_common_pair(as_tokens)
    merges.append(pair)
    as_tokens = [merged(line, pair) for line in as_tokens]
print("the first merges:", "  ".join(a + b for a, b in merges[:12]))
for line in sorted(as_tokens[:500], key=len)[-4:]:
    print(" | ".join(line))
letters, pieces = sum(map(len, as_letters)), sum(map(len, as_tokens))
print(f"{letters:,} letters are {pieces:,} tokens, of {letters / pieces:.2f} letters each")

# %% [markdown]
# ### The trap
#
# Now a table of pairs, as in lesson 1, of letters and of tokens. With $T$ tokens in the held-out words, ends
# included, the loss per token is $\frac{1}{T} \sum -\log p$.
#
# **Before you run it:** which of the two will have the lower loss per token? Is it the better model?


# %%
def pair_table(lines: list[list[str]], judged: list[list[str]], d: float = 0.5) -> tuple[float, int]:
    """The sum of -log p of the judged lines under pairs counted in the others, and how many tokens it is over.

    Each count gives up d, and what was given up is spread as the tokens alone are: lesson 5.
    """
    pairs = Counter((a, b) for line in lines for a, b in zip([".", *line], [*line, "."]))
    before, after = Counter(), Counter()  # how often a token stands before another, and after one
    kinds = Counter(a for a, _ in pairs)  # how many different tokens follow it
    for (a, b), n in pairs.items():
        before[a] += n
        after[b] += n
    V = len({token for line in lines + judged for token in line}) + 1
    p = []
    for line in judged:
        for a, b in zip([".", *line], [*line, "."]):
            alone = (after[b] + 1) / (after.total() + V)
            n = before[a]
            p.append((max(pairs[a, b] - d, 0) + d * kinds[a] * alone) / n if n else alone)
    return -torch.tensor(p, dtype=torch.float64).log().sum().item(), len(p)


judged = [i for i in range(len(words)) if i % 10 == 0]
rest = [i for i in range(len(words)) if i % 10]
characters = sum(len(words[i]) + 1 for i in judged)
per_character = {}
for name, lines in (("letters", as_letters), ("tokens", as_tokens)):
    total, T = pair_table([lines[i] for i in rest], [lines[i] for i in judged])
    per_character[name] = total / characters
    print(f"{name:8} {total / T:.3f} nats per token, {total / characters:.3f} nats per character")

# %% tags=["hide-input"]
if not FAST:
    assert per_character["tokens"] < per_character["letters"]

# %% [markdown]
# **Answer:** the letters have the lower loss per token, by far, and are the worse model. A token of two letters is
# harder to guess than a letter, and there are fewer of them to guess. Losses per token can be compared only between
# models with the same tokens. Per character, or in bits per byte, all can.
#
# And see what the longer tokens did: a pair of tokens looks back two or three letters, so the same method became a
# better model, for the price of a larger table.

# %% tags=["hide-input"]
sizes, curve, lines, every = [0], [per_character["letters"]], as_letters, max(1, len(merges) // 8)
for done, pair in enumerate(merges, 1):
    lines = [merged(line, pair) for line in lines]
    if done % every == 0:
        total, _ = pair_table([lines[i] for i in rest], [lines[i] for i in judged])
        sizes.append(done)
        curve.append(total / characters)
plt.figure(figsize=(7, 4))
plt.plot(sizes, curve, marker="o")
plt.xlabel("merges")
plt.ylabel("nats per character, held-out words")
plt.title("A table of pairs, of longer and longer tokens")
show("the slope: each merge lets a pair see further back, and each helps a little less than the one before.")

# %% [markdown]
# ## The same through the library
#
# One command trains a list of types, judges them on the same test lines and says which differences are real:
#
#     makemore compare names --types bigram,ngram,gru,mixture --max-steps 200
#
# From Python, with the runs that are there already. (It judges on names that those runs have kept back themselves, so
# the difference is another one than above.)

# %%
from makemore.reports.comparison import compare_runs

result = compare_runs([folder / "bigram", folder / "ngram"])
for pair in result.pairs:
    better, worse = Path(pair.a).name, Path(pair.b).name
    print(
        f"{better} better than {worse} by {pair.difference:.4f} nats per token: {'a tie' if pair.tie else 'real'}"
    )

# %% tags=["hide-input"]
assert not result.pairs[0].tie

# %% [markdown]
# ## What is still wrong
#
# * One seed each. Lesson 12 says what that hides.
# * 200 steps are a start. The order of the learned rungs in the table above is another one than here.
# * A lower loss is not a better name. Lesson 15 says what else to look at, and the playground (`makemore play`)
#   lets you ask people.
# * Our byte-pair encoding is slow, and it learns its merges from the held-out words too. A real one does not.
#
# *To read and watch:*
#
# * Karpathy, [Neural Networks: Zero to Hero](https://karpathy.ai/zero-to-hero.html), the videos on the tokenizer
#   and on reproducing GPT-2; [nanoGPT](https://github.com/karpathy/nanoGPT) is the Transformer at full size.
# * Rush and others, [The Annotated Transformer](https://nlp.seas.harvard.edu/annotated-transformer/): the paper, line
#   by line.
# * Sennrich, Haddow and Birch, [Neural Machine Translation of Rare Words with Subword
#   Units](https://arxiv.org/abs/1508.07909) (2015): byte-pair encoding.
# * Brown and others, [Language Models are Few-Shot Learners](https://arxiv.org/abs/2005.14165) (2020): GPT-3.
# * Hoffmann and others, [Training Compute-Optimal Large Language Models](https://arxiv.org/abs/2203.15556) (2022), and
#   Ouyang and others, [Training language models to follow instructions with human
#   feedback](https://arxiv.org/abs/2203.02155) (2022): what comes before a chat, and what comes after.
#
# ## Exercises
#
# `makemore lessons start 18` puts this lesson and a file `exercises.py` into the directory `lesson-18`. Fill in its
# three functions, then let `makemore lessons check 18` tell you how you did.
#
# 1. `merge`: one merge of a byte-pair encoding, on ids.
# 2. `per_character`: from nats per token to bits per character, so that models with different tokens can be
#    compared.
# 3. `rungs`: a ladder with its verdicts, from the losses of every model on the same lines.
#
# **The open challenge.** The last one has no rules: get below 1.945 nats per token on held-out names, in fifteen
# minutes on your machine, by whatever you have learned, with the library or without. Write it in `challenge.py`,
# and let `makemore lessons check 18 challenge` score it.
