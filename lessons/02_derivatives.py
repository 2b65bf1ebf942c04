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
# # 2. Derivatives from scratch
#
# *Before this: lesson 1. Allow 3 hours.*
#
# ## What you will be able to do
#
# * say what a derivative is with two numbers and a nudge, and work out that of a long formula step by step;
# * write a class of numbers that remember how they were made, and get all derivatives in one walk back;
# * do the same for whole arrays, and check every gradient by a nudge and against PyTorch;
# * learn lesson 1's table without counting: by going downhill.
#
# ## The idea
#
# Lesson 1 counted, and the counts were the best table there is. Hardly any other model can be had by counting.
# Its numbers have to be *learned*: start with any numbers, measure the loss, change the numbers a little so that
# the loss falls, and do it again.
#
# For that one must know, for each number, what a small change does to the loss. That is all a *derivative* is.
# One could try it out: nudge one number, compute the loss again, look. But a table of pairs has 729 numbers, and
# the models of later lessons have hundreds of thousands. Each would take a loss of its own.
#
# There is a better way. A loss is computed in small steps: add two numbers, multiply two numbers, take a
# logarithm. For each small step everyone can say what a nudge does. If the computer keeps a list of the steps, it
# can walk back through the list, from the loss to the numbers it began with, and collect *all* derivatives on the
# way. That walk is called *backpropagation*. You will write it, in about thirty lines. It is how every model in
# this course is trained.
#
# ![x = 3 goes through times 2, plus 1 and squared to 49; 1, 14, 14 and 28 come back](pictures/02_graph.svg)

# %%
import math
import time

import matplotlib.pyplot as plt
import numpy as np

from makemore.course import FAST, beside, names, show

# %% [markdown]
# ## Building it
#
# ### A nudge
#
# Take a formula with a single number in it: $h = (2x + 1)^2$. At $x = 3$ it is $7^2 = 49$.
#
# **Before you run it:** nudge $x$ from 3 to 3.001. How much will $h$ change, roughly: by 0.001, by 0.01 or by
# 0.03?


# %%
def h(x):
    return (2 * x + 1) ** 2


before, after = h(3), h(3.001)
print(f"h goes from {before} to {after:.6f}: it changes by {after - before:.6f}")
print(f"that is {(after - before) / 0.001:.3f} times the nudge")

# %% [markdown]
# By 0.028, about 28 times the nudge. With a smaller nudge the factor comes closer and closer to 28. That number
# is the *derivative* of $h$ by $x$, at $x = 3$. It is written
#
# $$\frac{dh}{dx} = 28,$$
#
# which one may read as "the small change of $h$ for each small change of $x$". If it is positive, $h$ rises when
# $x$ does. If it is negative, $h$ falls. To make $h$ smaller, move $x$ the other way than the sign says.
#
# How small should a nudge be? Try a formula whose derivative we know: that of $e^x$ is $e^x$ itself. There are
# two ways to nudge: only up, or once up and once down, which is called a *central difference*:
#
# $$\frac{f(x + \epsilon) - f(x)}{\epsilon} \qquad\text{or}\qquad \frac{f(x + \epsilon) - f(x - \epsilon)}{2 \epsilon}$$
#
# ($\epsilon$, epsilon, is the usual letter for a small amount.)

# %% tags=["hide-input"]
nudges = 10.0 ** np.arange(-14, 0.5, 0.5)
right = math.exp(1)
one_sided = [abs((math.exp(1 + e) - math.exp(1)) / e - right) / right for e in nudges]
central = [abs((math.exp(1 + e) - math.exp(1 - e)) / (2 * e) - right) / right for e in nudges]
fig, ax = plt.subplots(figsize=(7, 4))
ax.loglog(nudges, one_sided, "o-", label="only up")
ax.loglog(nudges, central, "s-", label="up and down")
ax.set_title("How wrong is a derivative found with a nudge?")
ax.set_xlabel("size of the nudge")
ax.set_ylabel("error, as a share of the derivative")
ax.legend()
show(
    "the lowest point of each line. Nudges to its right are too large: the formula bends on the way. Nudges to its "
    "left are too small: the computer keeps 16 digits, and the difference of two nearly equal numbers has few left."
)
assert 1e-9 < nudges[int(np.argmin(one_sided))] < 1e-6
assert 1e-6 < nudges[int(np.argmin(central))] < 1e-4
assert min(central) < 1e-9 < min(one_sided) * 10

# %% [markdown]
# Up and down is better by far, and a nudge of about 0.00001 is a good choice. Keep that in mind: a nudge is slow,
# but it cannot be wrong in the same way as a formula. It is how one *checks* a derivative.
#
# ### The chain rule
#
# Now without a nudge. $h$ is made in small steps: $u = 2x$, then $v = u + 1$, then $h = v^2$. Follow the nudge of
# 0.001:
#
# * $u = 2x$ changes by twice that, 0.002;
# * $v = u + 1$ changes by as much as $u$ does, 0.002;
# * $h = v^2$ changes by $2v$ times that, and $v$ is 7: 14 times 0.002 is 0.028.
#
# Why $2v$? A square of side $v$ that grows by a little gains a strip on two sides, each as long as $v$. (And a
# tiny corner, which we may forget.) The factors are multiplied:
#
# $$\frac{dh}{dx} = \frac{dh}{dv} \cdot \frac{dv}{du} \cdot \frac{du}{dx} = 14 \cdot 1 \cdot 2 = 28$$
#
# That is the *chain rule*: **along a chain of steps, the derivatives multiply.** Look at the picture above once
# more. Values go from left to right. Derivatives come back from right to left: 1 at the end ($h$ changes as much
# as $h$), then times 14, times 1, times 2.
#
# So one needs the derivative of each small step only. I shall call it the *slope* of the step. Here are all that
# this course needs for a long time. Each can be had with a nudge and a pencil.
#
# | step | slope by $a$ | slope by $b$ | because |
# | --- | --- | --- | --- |
# | $a + b$ | 1 | 1 | the sum changes as much as $a$ does |
# | $a \cdot b$ | $b$ | $a$ | $a$ more by a little makes $b$ times that little more |
# | $-a$ | $-1$ | | the sign turns |
# | $a^n$ | $n\,a^{n-1}$ | | $n$ equal factors, each of which is nudged |
# | $e^a$ | $e^a$ | | that is what makes the number $e$ special |
# | $\log a$ | $1/a$ | | it undoes $e^a$, so the slope is turned upside down |
#
# ### A number that is used twice
#
# There is one more rule, and it is the one that everybody forgets. Take $y = x \cdot x + x$.
#
# **Before you run it:** $x$ goes into this formula in three places. What is the derivative at $x = 3$?

# %%
x, nudge = 3.0, 1e-5
up, down = (x + nudge) * (x + nudge) + (x + nudge), (x - nudge) * (x - nudge) + (x - nudge)
print(f"by a nudge: {(up - down) / (2 * nudge):.4f}")
places = [3.0, 3.0, 1.0]  # the slope by the first x, by the second, and by the third
print("the three places:", places, "and their sum:", sum(places))

# %% [markdown]
# Whoever nudges $x$ nudges it in all three places at once. Through the first it does $b = 3$ times the nudge,
# through the second $a = 3$ times, through the third once. The effects add up to 7. So: **where a number is used
# several times, the derivatives of all its uses are added.** In code that is a `+=` instead of an `=`. Write `=`,
# and only the use that is written last is left: a wrong number instead of 7, without any error message.
#
# ### A number that remembers
#
# Now let the computer keep the list of steps. A `Value` is a number that knows what it was made of: its `parts`,
# and the slope of the step by each part. Python calls the method `__add__` when it sees a `+`, `__mul__` for a
# `*`, `__pow__` for a `**` and `__neg__` for a minus sign in front. That is all that has to be defined, and
# formulas look as usual.


# %%
class Value:
    """A number that remembers what it was made of."""

    def __init__(self, data, parts=(), slopes=(), step=""):
        self.data = data  # the number itself
        self.parts = parts  # the Values that it was made of
        self.slopes = slopes  # the derivative of this step by each of them
        self.step = step  # what was done, for the picture
        self.grad = 0.0  # the derivative of the end result by this number; found on the way back

    def __add__(self, other):
        other = as_value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __mul__(self, other):
        other = as_value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data), "×")

    def __neg__(self):
        return Value(-self.data, (self,), (-1.0,), "minus")

    def __pow__(self, n):
        return Value(self.data**n, (self,), (n * self.data ** (n - 1),), f"to the {n}")

    def exp(self):
        result = math.exp(self.data)
        return Value(result, (self,), (result,), "exp")

    def log(self):
        return Value(math.log(self.data), (self,), (1 / self.data,), "log")

    # the rest is made of the steps above
    def __sub__(self, other):
        return self + (-as_value(other))

    def __truediv__(self, other):
        return self * as_value(other) ** -1

    def __rmul__(self, other):  # for 2 * x: the 2 does not know Values, so Python asks x
        return self * other

    def __radd__(self, other):  # for 2 + x
        return self + other


def as_value(number):
    """Make a Value of a plain number; leave a Value as it is."""
    return number if isinstance(number, Value) else Value(number)


# %%
x = Value(3.0)
h = (2 * x + 1) ** 2
print(
    "h is", h.data, "and was made by", repr(h.step), "of", [part.data for part in h.parts], "slopes", h.slopes
)

# %% [markdown]
# Now the walk back. It must not come to a number before it has seen *everything that number was used for*, since
# only then is its derivative complete. So first put all numbers in an order in which each stands after its parts.
# Then go through it from the end.
#
# `order` does it with a function inside, `visit`, that calls itself: before a number is put on the list, its
# parts are. `seen` is a set of those that were visited, so that none comes twice.


# %%
def order(last):
    """List all numbers that `last` was made of, and itself: each after its parts."""
    found, seen = [], set()

    def visit(number):
        if number not in seen:
            seen.add(number)
            for part in number.parts:
                visit(part)
            found.append(number)

    visit(last)
    return found


def backward(last):
    """Set `grad` of every number to the derivative of `last` by it."""
    numbers = order(last)
    for number in numbers:
        number.grad = 0.0
    last.grad = 1.0  # it changes as much as itself
    for number in reversed(numbers):
        for part, slope in zip(number.parts, number.slopes):
            part.grad += slope * number.grad  # chain rule: multiply. Used several times: add


backward(h)
print("dh/dx =", x.grad)
assert x.grad == 28

y = x * x + x
backward(y)
print("dy/dx =", x.grad)
assert x.grad == 7

# %% [markdown]
# Those are the two rules, in one line: `+=` and `*`. That line is the heart of every library for machine
# learning.
#
# | expression | value in | value out | slopes it remembers |
# | --- | --- | --- | --- |
# | `Value(3.0) + Value(4.0)` | 3, 4 | 7 | 1, 1 |
# | `Value(3.0) * Value(4.0)` | 3, 4 | 12 | 4, 3 |
# | `Value(7.0) ** 2` | 7 | 49 | 14 |
# | `Value(0.0).exp()` | 0 | 1 | 1 |
# | `Value(4.0).log()` | 4 | 1.386 | 0.25 |

# %% tags=["hide-input"]
for made, value, slopes in (
    (Value(3.0) + Value(4.0), 7, (1, 1)),
    (Value(3.0) * Value(4.0), 12, (4, 3)),
    (Value(7.0) ** 2, 49, (14,)),
    (Value(0.0).exp(), 1, (1,)),
    (Value(4.0).log(), 1.386, (0.25,)),
):
    assert abs(made.data - value) < 1e-3
    assert made.slopes == slopes

# %% [markdown]
# ### One pair: the model's guess minus what came
#
# Now a loss. Lesson 1's table had probabilities in it. Probabilities are awkward to learn: they must be positive,
# and each row must sum to 1, and a step downhill breaks both. So the table holds any numbers, called *logits*,
# and they are made into probabilities. First $e^z$ of each logit $z$: always positive, so it can stand for a
# count. Then divide by the sum of the row:
#
# $$p_j = \frac{e^{z_j}}{\sum_k e^{z_k}}$$
#
# This is the *softmax*. ($\sum_k$ means: the sum over all $k$.) The loss of a pair is, as in lesson 1, minus the
# logarithm of the probability of the character $y$ that really came. The logarithm of a quotient is a difference:
#
# $$\text{loss} = -\log p_y = \log \sum_k e^{z_k} - z_y$$
#
# Take the name `emma`, which has the letters a, e and m, and the dot. After an m, what comes? Let the model have
# no idea yet, so that all four logits are 0, and look at the pair `m a`.


# %%
def add_up(values):
    """Sum of some Values."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def pair_loss(row, y):
    """The loss of a pair: the logits of its row, by character, and the character y that came."""
    return add_up([z.exp() for z in row.values()]).log() - row[y]


row = {character: Value(0.0) for character in ".aem"}
loss = pair_loss(row, "a")
backward(loss)
print(f"loss {loss.data:.4f}, that of guessing among four: {math.log(4):.4f}")
print("derivatives:", {character: z.grad for character, z in row.items()})
assert [round(z.grad, 9) for z in row.values()] == [0.25, -0.75, 0.25, 0.25]


# %% tags=["hide-input"]
def draw_graph(last, title, labels, figsize):
    """Show each number with its value, above, and its derivative, below, and what it is made of."""
    numbers, column = order(last), {}
    for number in numbers:  # parts come first
        column[number] = 1 + max((column[part] for part in number.parts), default=-1)
    _, ax = plt.subplots(figsize=figsize)
    at, heights = {}, {}
    for number in numbers:
        if number.parts and len(number.parts) == 1:
            height = at[number.parts[0]][1]
        elif number.parts:
            height = sum(at[part][1] for part in number.parts) / 2
        else:
            height = -len(heights)
            heights[number] = height
        if (column[number], height) in at.values():  # taken: below all others
            height = -len(heights)
        at[number] = (column[number], height)
    for number in numbers:
        for part in number.parts:
            ax.annotate(
                "",
                at[number],
                at[part],
                arrowprops={"arrowstyle": "->", "color": "0.6", "shrinkA": 24, "shrinkB": 24},
            )
        name = labels.get(number, number.step or f"{number.data:g}")
        ax.text(*at[number], f"{name}\n{number.data:.2f}", ha="center", va="bottom", fontsize=10, color="C0")
        ax.text(*at[number], f"{number.grad:+.2f}", ha="center", va="top", fontsize=10, color="C3")
    ax.set_xlim(-0.5, max(column.values()) + 0.5)
    ax.set_ylim(min(height for _, height in at.values()) - 0.5, 0.7)
    ax.set_title(title)
    ax.axis("off")


draw_graph(
    loss,
    "The loss of the pair m a: values (blue) go right, derivatives (red) come back",
    {z: f"logit {character}" for character, z in row.items()} | {loss: "loss"},
    (10, 4.8),
)
show(
    "the two arrows that leave the logit of a: one through exp, and one straight to the end, with a minus. Its "
    "derivative is the sum of both, 0.25 - 1. The other three have the first way only."
)

# %% [markdown]
# Look at the four derivatives: 0.25, -0.75, 0.25, 0.25. Each is the probability that the model gives, 0.25, and
# for the letter that came it is 1 less. That is no accident. $z_j$ is in the loss twice:
#
# * in $\log \sum_k e^{z_k}$. The slope of the logarithm is 1 over the sum, that of $e^{z_j}$ is $e^{z_j}$, and
#   multiplied they are $e^{z_j} / \sum_k e^{z_k}$, which is $p_j$;
# * and, only if $j$ is the letter $y$ that came, in $-z_y$. Its slope is -1.
#
# Write *onehot* for the list of numbers that is 1 for the letter that came and 0 for all others. Then
#
# $$\frac{d\,\text{loss}}{dz} = p - \text{onehot}(y),$$
#
# **what the model guessed, minus what came.** To go downhill, subtract a bit of it: the logit of the letter that
# came goes up, all others go down, and a letter that was thought likely and did not come goes down most. You will
# meet this formula in nearly every lesson.
#
# All derivatives together, one for each number, are called the *gradient*.
#
# ### A whole name
#
# `emma` has five pairs: `. e`, `e m`, `m m`, `m a` and `a .`. The model is a table of logits with a row for each
# character, and the loss is the mean over the pairs. The row of m is used twice.
#
# **Before you run it:** all logits are 0, so the model guesses 0.25 for everything. In the row of m, which
# derivatives will be negative, so that descent raises them? Which will be the same?


# %%
def name_loss(table, name):
    """The mean loss of the pairs of a name: a table of logits by character and next character."""
    line = "." + name + "."
    return add_up([pair_loss(table[a], b) for a, b in zip(line, line[1:])]) * (1 / (len(line) - 1))


table = {a: {b: Value(0.0) for b in ".aem"} for a in ".aem"}
loss = name_loss(table, "emma")
backward(loss)
print(f"loss {loss.data:.4f}, made of {len(order(loss))} numbers\n      .      a      e      m   (next)")
for a, row in table.items():
    print(a, *(f"{z.grad:+6.2f}" for z in row.values()))
for found, right in zip(table["m"].values(), (0.1, -0.1, 0.1, -0.1)):
    assert abs(found.grad - right) < 1e-9

# %% [markdown]
# m was followed once by m and once by a. Each of the two pairs pushes the row by $p - \text{onehot}$, a fifth of
# it since there are five pairs: 0.25 + 0.25 less 1 is -0.5, and a fifth is -0.10, for both. The letters that did
# not follow get +0.10. It is the `+=` that adds the two pushes up. Every other row was used once: its letter that
# came gets a fifth of 0.25 - 1, which is -0.15.
#
# And down it goes: take a little of each derivative off its logit, again and again. How much is the *learning
# rate*.


# %%
def descend(table, name, steps, rate):
    """Gradient descent on the loss of a name. Print the loss now and then."""
    for step in range(steps + 1):
        loss = name_loss(table, name)
        if step % (steps // 4) == 0:
            print(f"step {step:3}: loss {loss.data:.4f}")
        backward(loss)
        for row in table.values():
            for z in row.values():
                z.data -= rate * z.grad
    return loss.data


last = descend(table, "emma", 100, 2.0)
print("after m:", {b: round(math.exp(-pair_loss(table["m"], b).data), 2) for b in ".aem"})
print(f"the best that a table of pairs can do: {2 / 5 * math.log(2):.4f}")
assert 2 / 5 * math.log(2) < last < 0.32

# %% [markdown]
# It learns the name. It cannot learn it by heart: after an m it has to be unsure, a or m, half and half. Two
# pairs of five cost $\log 2$ each, whatever it does, so the loss stays above 0.2773.
#
# Now with your own name. The model writes names with it too: it goes from letter to letter as in lesson 1.

# %%
yours = "emma"  # put your own name here, in small letters from a to z

letters = sorted({".", *yours})
own = {a: {b: Value(0.0) for b in letters} for a in letters}
descend(own, yours, 100, 2.0)
random = np.random.default_rng(1)  # NumPy's generator of random numbers, with a seed
for _ in range(5):
    name, a = "", "."
    while True:
        p = np.array([math.exp(-pair_loss(own[a], b).data) for b in letters])
        a = random.choice(letters, p=p / p.sum())  # one of the letters, with these probabilities
        if a == "." or len(name) > 20:
            break
        name += a
    print(name)

# %% [markdown]
# With `emma` it writes emma and also ema: after an m it tosses a coin, whether another m comes or an a. A model
# that looks back one letter cannot know that there was an m already.
#
# ### Whole arrays at once
#
# Emma's loss took 72 numbers. For lesson 1's table it will be thousands, each a Python object with a list of
# parts: slow. The cure is the one of lesson 1: let one step handle a whole *array* of numbers. NumPy is Python's
# package for arrays, and nearly the same as torch's tensors: `t.sum(1, keepdim=True)` is `a.sum(1,
# keepdims=True)` there.
#
# An `Array` remembers its parts as a `Value` does. But what is the slope of a step from (27, 27) numbers to 27
# sums? It would be a table of 729 x 27 numbers, nearly all of them 0. Nobody writes it down. Instead each step
# keeps a function `back`: it takes the gradient of what came *out*, and returns the gradient of each part that
# went *in*. The gradient of an array always has the shape of the array.
#
# | step | in | out | what goes back, if g comes back to the result |
# | --- | --- | --- | --- |
# | `a + b` | (2, 3), (2, 3) | (2, 3) | g to both |
# | `a * b` | (2, 3), (2, 3) | (2, 3) | g b to a, and g a to b |
# | `a.exp()` | (2, 3) | (2, 3) | g times the result |
# | `a.log()` | (2, 3) | (2, 3) | g / a |
# | `a.sum(1)` | (2, 3) | (2,) | each number gets the g of its row: g is repeated, (2, 3) |
# | `a + b`, broadcast | (2, 3), (3,) | (2, 3) | g to a; b was used in each row, so it gets the sum of g over the rows, (3,) |
# | `a[[1, 1, 0]]` | (2, 3) | (3, 3) | zeros (2, 3), to which each row of g is added where it came from |
#
# The last three are old friends. A sum has slope 1 for each of its terms. And in both of the last two a number is
# *used several times*: by broadcasting, or because a row was picked more than once. So the gradients are added.
#
# **Before you run it:** `b` has shape (3,) and is added to `a` of shape (2, 3). The sum of the result comes back
# with a gradient of 1 for each of its six numbers. What is the gradient of `b`?


# %%
def shrink(g, shape):
    """Add a gradient up over everything that broadcasting has repeated, until it has this shape."""
    while g.ndim > len(shape):  # ndim: how many dimensions
        g = g.sum(0)
    for dimension, length in enumerate(shape):
        if length == 1:
            g = g.sum(dimension, keepdims=True)
    return g


class Array:
    """An array of numbers that remembers what it was made of."""

    def __init__(self, data, parts=(), back=None):
        self.data = np.asarray(data, dtype=np.float64)  # numbers with 16 digits
        self.parts = parts
        self.back = back  # from the gradient of this array to the gradients of its parts
        self.grad = None

    def __add__(self, other):
        def back(g):
            return shrink(g, self.data.shape), shrink(g, other.data.shape)

        return Array(self.data + other.data, (self, other), back)

    def __mul__(self, other):
        def back(g):
            return shrink(g * other.data, self.data.shape), shrink(g * self.data, other.data.shape)

        return Array(self.data * other.data, (self, other), back)

    def __neg__(self):
        return Array(-self.data, (self,), lambda g: (-g,))

    def __sub__(self, other):
        return self + (-other)

    def exp(self):
        result = np.exp(self.data)
        return Array(result, (self,), lambda g: (g * result,))

    def log(self):
        return Array(np.log(self.data), (self,), lambda g: (g / self.data,))

    def sum(self, axis=None):  # axis: the dimension along which to add; None: all numbers
        def back(g):
            if axis is not None:
                g = np.expand_dims(g, axis)  # (2,) to (2, 1), so that it can be broadcast again
            return (np.broadcast_to(g, self.data.shape),)

        return Array(self.data.sum(axis), (self,), back)

    def __getitem__(self, which):
        def back(g):
            whole = np.zeros_like(self.data)
            np.add.at(whole, which, g)  # whole[which] += g, but a row that comes twice gets both
            return (whole,)

        return Array(self.data[which], (self,), back)

    def backward(self):
        """Set `grad` of all arrays that this one was made of."""
        arrays = order(self)  # the function from above: it only looks at parts
        for array in arrays:
            array.grad = np.zeros_like(array.data)
        self.grad = np.ones_like(self.data)
        for array in reversed(arrays):
            if array.parts:
                for part, g in zip(array.parts, array.back(array.grad)):
                    part.grad += g


a, b = Array([[1, 2, 3], [4, 5, 6]]), Array([10, 20, 30])
(a + b).sum().backward()
print("gradient of b:", b.grad)
picked = a[[1, 1, 0]]
picked.sum().backward()
print("gradient of a, row 1 of which was picked twice:", a.grad.tolist())
assert b.grad.tolist() == [2, 2, 2]
assert a.grad.tolist() == [[1, 1, 1], [2, 2, 2]]

# %% [markdown]
# 2, for b was used in two rows. (`lambda g: (-g,)` is a short way to write a function: of g, it returns a tuple
# with -g in it.)
#
# Emma once more, with the whole vocabulary of 27 characters. `x` and `y` are the pairs, as ids: lesson 1's
# numbers for the characters.

# %%
itos = [".", *"abcdefghijklmnopqrstuvwxyz"]  # id -> character
stoi = {character: i for i, character in enumerate(itos)}  # character -> id
V = len(itos)


def pairs_of(names):
    """Names to their pairs: this character (M,) and the next one (M,), as ids."""
    stream = np.array([0] + [stoi[c] for name in names for c in name + "."])
    return stream[:-1], stream[1:]


def mean_loss(W, x, y):
    """The mean loss of pairs x, y (M,) with the logits W (V, V)."""
    logits = W[x]  # (M, V): a row for each pair
    log_sums = logits.exp().sum(1).log()  # (M,)
    came = W[x, y]  # (M,): of each pair the logit of the character that came
    return (log_sums - came).sum() * Array(1 / len(x))


x, y = pairs_of(["emma"])
random = np.random.default_rng(2)
W = Array(random.normal(size=(V, V)))  # noise: normal numbers, most of them between -2 and 2
loss = mean_loss(W, x, y)
loss.backward()
print(f"loss {loss.data:.4f}; the gradient has shape {W.grad.shape}")
print("rows that are not 0:", [itos[i] for i in np.flatnonzero(abs(W.grad).sum(1))])

# %% [markdown]
# Only the rows of `.`, a, e and m have a gradient; nothing else was used. (`np.flatnonzero` lists the places
# where something is not 0.)
#
# Is it right? Two checks. First by a nudge: for some of the numbers in `W`, up and down. Then against torch,
# whose *autograd* does what our class does: `requires_grad_()` tells it to remember the steps, `backward()` walks
# back.

# %%
import torch
from torch.nn import functional as F

worst = 0.0
for i, j in [(0, 5), (13, 13), (13, 1), (13, 2), (1, 0), (20, 3)]:
    losses = []
    for nudge in (1e-5, -1e-5):
        W.data[i, j] += nudge
        losses.append(mean_loss(W, x, y).data)
        W.data[i, j] -= nudge
    worst = max(worst, abs((losses[0] - losses[1]) / 2e-5 - W.grad[i, j]))
print(f"by nudges: at most {worst:.0e} apart")

theirs = torch.tensor(W.data).requires_grad_()
F.cross_entropy(theirs[torch.tensor(x)], torch.tensor(y)).backward()  # softmax, -log p and mean in one
apart = abs(theirs.grad.numpy() - W.grad).max()
print(f"by torch:  at most {apart:.0e} apart")
assert worst < 1e-8
assert apart < 1e-12

# %% [markdown]
# The nudges agree to nine digits or so, which is all they can. With torch it is all 16.
#
# Each operation by itself can be checked as well, with random numbers:

# %%
shape = random.normal(size=(4, 3))
row = random.normal(size=3)
column = random.normal(size=(4, 1))
cases = {
    "a + row": lambda a, b, c: a + b,
    "a * column": lambda a, b, c: a * c,
    "a - row * column": lambda a, b, c: a - b * c,
    "exp": lambda a, b, c: a.exp() * b,
    "log": lambda a, b, c: (a * a).log() * b,
    "sum(0)": lambda a, b, c: a.sum(0) * b,
    "sum(1)": lambda a, b, c: (a * b).sum(1) * a.sum(1),
    "rows picked": lambda a, b, c: a[[2, 0, 2, 2]] * b,
    "numbers picked": lambda a, b, c: a[[2, 0, 2], [1, 1, 1]] * b,
}
for what, formula in cases.items():
    ours = [Array(shape), Array(row), Array(column)]
    formula(*ours).sum().backward()
    theirs = [torch.tensor(each).requires_grad_() for each in (shape, row, column)]
    formula(*theirs).sum().backward()
    apart = max(abs(t.grad.numpy() - o.grad).max() for o, t in zip(ours, theirs) if t.grad is not None)
    print(f"{what:18} {apart:.0e}")
    assert apart < 1e-12

# %% [markdown]
# The same formulas work with both, since both know `+`, `*`, `exp` and `sum`; all nine give the same gradients,
# here to the last digit.
#
# ### Lesson 1's table
#
# Now all 32,033 names. They have 228,146 pairs, but only 729 *different* ones, and equal pairs have equal losses.
# So each pair is computed once and multiplied by how often it occurs. Of the $M$ pairs in all, $N_{ab}$ are `ab`,
# and one of these costs $\log \sum_b e^{W_{ab}} - W_{ab}$. The first part is the same for the whole row $a$, so it
# occurs $n_a$ times, the sum of the row's counts:
#
# $$\text{loss} = \frac{1}{M} \Big( \sum_a n_a \log \sum_b e^{W_{ab}} \;-\; \sum_{a,b} N_{ab} W_{ab} \Big)$$
#
# We begin with zeros, and go down.

# %%
words = names()
x, y = pairs_of(words)
M = len(x)
N = np.bincount(x * V + y, minlength=V * V).reshape(V, V)  # lesson 1's counts
counts, row_sums = Array(N / M), Array(N.sum(1) / M)


def table_loss(W):
    """The mean loss of all pairs of the list with the logits W (V, V)."""
    return (W.exp().sum(1).log() * row_sums).sum() - (W * counts).sum()


steps, rate = (200 if FAST else 20_000), 50.0
W = Array(np.zeros((V, V)))
first_gradient, losses = None, []
for step in range(steps):
    loss = table_loss(W)
    losses.append(float(loss.data))
    loss.backward()
    if step == 0:
        first_gradient = W.grad.copy()
    W.data -= rate * W.grad
    if step in (0, 10, 100, 1000, 10_000, steps - 1):
        print(f"step {step:6,}: loss {losses[-1]:.4f}")

# %% tags=["hide-input"]
assert M == 228_146
assert abs(losses[0] - math.log(27)) < 1e-9
assert FAST or abs(losses[-1] - 2.4540) < 1e-3

# %% [markdown]
# It begins with log 27 = 3.2958, a guess among all characters, and ends at lesson 1's loss, 2.454, to three
# digits after the point. Nobody told it to count. It only ever heard, for each number, which way the loss goes and
# how steeply.
#
# A learning rate of 50 looks wild. But the loss is a mean over 228,146 pairs, and most numbers of the table
# matter to a few of them only, so their derivatives are tiny.
#
# ### What it costs
#
# One step, loss and gradient, in three ways: with a `Value` for each number, with our arrays, and with torch.
#
# **Before you run it:** how many times as long will the Values take: 3, 30 or 100 times? And which is faster on a
# table this small, our arrays or torch?


# %%
def seconds(step, times):
    """The shortest time that a step took, of several."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        step()
        found.append(time.perf_counter() - began)
    return min(found)


values = [[Value(float(W.data[a, b])) for b in range(V)] for a in range(V)]
small = Array(W.data)
tensor = torch.tensor(W.data).requires_grad_()
their_counts, their_sums = torch.tensor(counts.data), torch.tensor(row_sums.data)


def with_values():
    rows = []
    for a in range(V):
        log_sum = add_up([z.exp() for z in values[a]]).log() * float(row_sums.data[a])
        rows.append(log_sum - add_up([z * float(counts.data[a, b]) for b, z in enumerate(values[a])]))
    loss = add_up(rows)
    backward(loss)
    return loss


def with_arrays():
    table_loss(small).backward()


def with_torch():
    tensor.grad = None  # else the gradients of all steps add up: += again
    (((tensor.exp().sum(1)).log() * their_sums).sum() - (tensor * their_counts).sum()).backward()


took = [seconds(with_values, 5), seconds(with_arrays, 50), seconds(with_torch, 50)]
for what, each in zip(("Value", "Array", "torch"), took):
    print(f"{what}: {1e3 * each:7.3f} ms   {took[0] / each:5.0f} times as fast as Value")
print(f"{len(order(with_values())):,} Values in one loss, {len(order(table_loss(small)))} Arrays")

# %% tags=["hide-input"]
by_values = np.array([[z.grad for z in row] for row in values])
assert abs(by_values - small.grad).max() < 1e-12
assert abs(tensor.grad.numpy() - small.grad).max() < 1e-12

# %% [markdown]
# The gradients are the same, and the times are not: here Values take dozens of times
# as long. Thousands of them became a dozen arrays. What is slow in Python is each *step*, however small, so few
# large steps are better than many small ones. Between our arrays and torch there is little difference here: the
# table is tiny, and both spend their time on the steps around it. On large arrays torch is ahead, because it uses
# all cores, numbers of half the size, and graphics cards.
#
# ## Looking inside
#
# What does the first gradient of the table look like? All logits were 0, so the model expected every pair of a
# row equally often. Guessed minus came, over all pairs: *expected count minus count*, divided by M.

# %% tags=["hide-input"]
fig, axes = plt.subplots(1, 2, figsize=(11.5, 5.4), sharey=True)
for ax, gradient, title in zip(
    axes, (first_gradient, W.grad), ("first step, loss 3.30", f"last step, loss {losses[-1]:.2f}")
):
    image = ax.imshow(M * gradient, cmap="RdBu_r", vmin=-2000, vmax=2000)
    ax.set_xticks(range(V), itos, fontsize=9)
    ax.set_yticks(range(V), itos, fontsize=9)
    ax.set_title(f"Gradient times M, {title}")
    ax.set_xlabel("next character")
axes[0].set_ylabel("this character")
fig.colorbar(image, ax=axes, shrink=0.8, label="expected count - count")
show(
    "left: blue is what comes more often than expected, so its logit will rise: a, n and the end after many letters. "
    "Right: there is nothing left to push; every pair is expected as often as it occurs."
)
expected = N.sum(1, keepdims=True) / V
assert abs(M * first_gradient - (expected - N)).max() < 1e-6
assert FAST or abs(M * W.grad).max() < 20

# %% [markdown]
# When all derivatives are 0, each pair is expected exactly as often as it occurs. But that is lesson 1's table.
# Descent could end nowhere else, and lesson 3 begins from here.
#
# Now look at one name, letter by letter: for each, guessed minus came, with the learned table. It is
# the `yours` from above: change it there, then run this cell again.

# %%
x, y = pairs_of([yours])
p = np.exp(W.data[x]) / np.exp(W.data[x]).sum(
    1, keepdims=True
)  # (T, V): what the model guesses at each place
push = p.copy()
push[np.arange(len(x)), y] -= 1  # at each place, 1 less for the letter that came
for a, b, guess in zip(x, y, p):
    print(f"after {itos[a]}: {itos[b]} had probability {guess[b]:.3f}, loss {-math.log(guess[b]):.2f}")
logits = Array(W.data)[x]
(logits.exp().sum(1).log() - logits[np.arange(len(x)), y]).sum().backward()
assert abs(logits.grad - push).max() < 1e-12

# %% tags=["hide-input"]
fig, ax = plt.subplots(figsize=(10, 1.6 + 0.4 * len(x)))
image = ax.imshow(push, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
ax.set_xticks(range(V), itos)
ax.set_yticks(range(len(x)), [f"{itos[a]} → {itos[b]}" for a, b in zip(x, y)])
ax.set_xlabel("next character")
ax.set_ylabel("pair")
ax.set_title(f"p - onehot, for each pair of {yours}")
fig.colorbar(image, ax=ax, label="derivative by the logit")
show(
    "the one blue square of each row: the letter that came, which is to become likelier. The paler it is, the "
    "surer the model was. The reds of a row add up to as much as the blue: what one letter gains, others lose."
)
assert abs(push.sum(1)).max() < 1e-9

# %% [markdown]
# The probabilities are low: a table of pairs is often surprised. Each row of the figure sums to 0. A model that
# gave the right letter a probability of 1 would have a row of zeros, and nothing to learn.
#
# ## The number to compare with
#
# The loss of the learned table, and the one that counting gave in lesson 1 and in the video:

# %%
beside("learned by our own engine", losses[-1], 2.4540, "makemore part 1, counted")
counted = -(N * np.log(np.where(N > 0, N, 1) / N.sum(1, keepdims=True))).sum() / M
print(f"still missing: {losses[-1] - counted:.5f} nats per token")
assert abs(counted - 2.454014) < 1e-5
assert FAST or 0 < losses[-1] - counted < 1e-3

# %% [markdown]
# Less than a thousandth is missing. It never gets there entirely, because pairs that never occur would need a
# logit of minus infinity. (`np.where(N > 0, N, 1)` puts a 1 where the count is 0. The logarithm is then an
# ordinary number, and the count of 0 in front of it makes it 0; 0 times minus infinity would not be a number.)
#
# ## The same through the library
#
# `bigram_nn` is the library's table of logits. Put our table into it, let it compute the loss of `emma`, and let
# torch walk back. `[None]` gives our one line a dimension in front, as in lesson 1, and `nll` returns the sum of
# the losses and their number.

# %%
from makemore.models import build, configure
from makemore.models.loss import nll

model = build("bigram_nn", V, configure("bigram_nn", longest=15))
x, y = pairs_of(["emma"])
with torch.no_grad():  # filling the table is no step to remember
    model.weight.copy_(torch.tensor(W.data))
logits, _ = model(torch.tensor(x)[None])
total, tokens = nll(logits, torch.tensor(y)[None])
(total / tokens).backward()

ours = Array(W.data)
loss = mean_loss(ours, x, y)
loss.backward()
apart = abs(model.weight.grad.numpy() - ours.grad).max()
print(
    f"loss of emma: ours {loss.data:.6f}, the library's {total.item() / tokens:.6f}; gradients {apart:.0e} apart"
)
assert abs(total.item() / tokens - float(loss.data)) < 1e-5
assert apart < 1e-6

# %% [markdown]
# The same loss and the same gradient, but for rounding: the library's numbers have 7 digits, ours 16.
#
# ## What is still wrong
#
# * Our engine has seven kinds of steps. Matrix products, maxima and many more are missing, and `exp` of a logit
#   above 709 overflows (the first exercise mends that).
# * It knows one processor core and no graphics card. From the next lesson on torch does the work: its autograd is
#   this lesson's idea with hundreds of steps, written in C++. You know now what `backward()` does, and why the
#   gradients must be set to zero before each step: it is the same `+=`.
# * And the table is still a table of pairs. What was gained is the *way* to it, which asks for nothing but a loss
#   made of steps with known slopes.
#
# *To read and watch:*
#
# * Andrej Karpathy, [Neural Networks: Zero to Hero](https://karpathy.ai/zero-to-hero.html): the first video
#   builds *micrograd*, which is this `Value` with a few more steps.
# * [micrograd](https://github.com/karpathy/micrograd) itself, a hundred lines.
# * Baydin and others, [Automatic differentiation in machine learning: a survey](https://arxiv.org/abs/1502.05767)
#   (2015).
# * PyTorch, [Autograd mechanics](https://docs.pytorch.org/docs/stable/notes/autograd.html).
#
# ## Exercises
#
# `makemore lessons start 2` puts this lesson and a file `exercises.py` into the directory `lesson-2`. Fill in its
# three functions, then let `makemore lessons check 2` tell you how you did.
#
# 1. `log_sum_exp`: the logarithm of a sum of exponentials as one step, with its slopes, and without an overflow.
# 2. `in_order`: our `order` calls itself, and Python allows that about a thousand times. Write one without a
#    limit.
# 3. `worst_error`: a detective for gradients. By central differences, how wrong is the gradient that someone
#    claims?
#
# **The open challenge.** Learn a model of names with your own gradients: no autograd, no torch but for the tensor
# that you return. A table of pairs ends at 2.46 on held-out names. Add the logits of several tables: one for the
# last character, one for the one before, one for the one before that. The gradient of each table is p - onehot,
# added up by row. Write it into `challenge.py`; `makemore lessons check 2 challenge` scores it. Can you get below
# 2.22?
