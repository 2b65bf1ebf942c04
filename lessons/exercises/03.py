"""Exercises of lesson 3. Fill in the functions; `makemore lessons check 3` grades them."""

from torch import Tensor


def loss_and_gradient(W: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Score the pairs x, y with a table of logits, and say how the loss changes with each of its entries.

    W: (V, V) floats, row a has the logits of what follows a. x, y: (M,) int64, this and the next character.
    Returns the mean of -log p over the pairs, and its gradient with respect to W, (V, V). Without autograd,
    and without an overflow where a logit is 1000. W stays as it is.
    """
    raise NotImplementedError


def two_back(ids: Tensor, V: int, steps: int, rate: float) -> tuple[Tensor, Tensor]:
    """Learn one table for the character before, and another for the one before that.

    The logits of what follows the characters a, b are near[b] + far[a]. That is a model of two characters
    back with 2 V² weights where counting triples takes V³, and no counting gives them: they must be learned.

    ids: (M,) int64, a stream of ids below V. Its M - 2 triples a, b, c are the examples.
    Start with both tables full of zeros, and take `steps` steps of gradient descent on the mean of -log p(c)
    over all triples, with the learning rate `rate`. Autograd is welcome.
    Returns near and far, each (V, V), with requires_grad False.
    """
    raise NotImplementedError


def find_penalty(W: Tensor, counts: Tensor) -> float:
    """Find out how strongly a table was regularised.

    Somebody trained W (V, V) on the pairs in counts (V, V), with the loss mean(-log p) + penalty * mean(W²),
    until the gradient was 0 everywhere, and forgot the penalty. Both tensors are float64, so it can be had
    back: the gradient of each entry is an equation with the penalty in it. Return the penalty.

    A character that was never followed by anything has a row of zeros in counts, and then in W too.
    """
    raise NotImplementedError
