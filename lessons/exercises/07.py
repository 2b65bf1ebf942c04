"""Exercises of lesson 7. Fill in the functions; `makemore lessons check 7` grades them."""

from collections.abc import Callable

from torch import Tensor


def padded_cross_entropy_backward(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient of the mean cross-entropy of a padded batch with respect to the logits.

    logits: (B, T, V) floats. targets: (B, T) int64, the right character at each position, or -1 at padding.
    The loss is the mean of -log softmax(logits)[target] over the positions that are not padding; there is at
    least one. Returns (B, T, V). No autograd. Logits may be large (1000), and the arguments stay as they are.
    """
    raise NotImplementedError


def layer_norm_backward(
    x: Tensor, gain: Tensor, dy: Tensor, eps: float = 1e-5
) -> tuple[Tensor, Tensor, Tensor]:
    """Carry a gradient back through LayerNorm.

    Forward it was y = (x - mean) / sqrt(var + eps) * gain + bias, where each row of x has its own mean and variance
    over its C channels (the variance divides by C), and all rows share gain and bias.
    x: (N, C) floats. gain: (C,). dy: (N, C), the gradient of the loss with respect to y.
    Returns dx (N, C), dgain (C,) and dbias (C,). No autograd.
    """
    raise NotImplementedError


def wrong_gradients(
    loss_at: Callable[[dict[str, Tensor]], float],
    parameters: dict[str, Tensor],
    claimed: dict[str, Tensor],
    tolerance: float = 1e-6,
) -> list[str]:
    """Find the gradients that are wrong, by measuring.

    loss_at: takes a dict like parameters and returns the loss, a plain number, so autograd cannot help.
    parameters: float64 tensors by name. claimed: for each name the gradient that somebody derived.
    Returns, in the order of parameters, the names whose claimed gradient has another shape than the parameter, or
    differs in any entry by more than tolerance from the measured one. Measure it with a step to both sides
    of each entry (1e-5 is a good one). The parameters have their old values again when you are done.
    """
    raise NotImplementedError
