"""Exercises of lesson 13. Fill in the functions; `makemore lessons check 13` grades them."""

from torch import Tensor


def rms_norm(x: Tensor, gain: Tensor, epsilon: float = 1e-6) -> Tensor:
    """RMSNorm that also works for numbers of 16 bits.

    x: (..., C), of type float32 or float16. gain: (C,), float32.
    Returns (..., C), of the type of x: each vector divided by the square root of the mean of its squares plus
    epsilon, then multiplied by the gain, channel by channel.

    A float16 cannot be above 65,504, so the square of 300 is infinite in it, and the square of 0.0001 is 0.
    """
    raise NotImplementedError


def rotary_scores(q: Tensor, k: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
    """The scores of new places against all places so far, with rotary positions and cached keys.

    q, k: (T, D), queries and keys of T new places, not turned yet. past: (S, D), the keys of the places 0 to
    S - 1, turned already; S may be 0. D is even.
    At place p the pair of the channels i and i + D / 2 is turned by the angle p * 10000 ** (-i / (D / 2)):

        (a, b) -> (a cos - b sin, b cos + a sin)

    Returns the scores (T, S + T), dot products divided by the square root of D, with -inf where a key is in the
    future of the query; and all keys, turned, (S + T, D), for the next call.
    """
    raise NotImplementedError


def grouped_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention in which H heads of queries share G heads of keys and values.

    q: (B, T, H, D). k, v: (B, T, G, D), with H a multiple of G. The first H / G heads of queries use head 0 of
    keys and values, the next H / G use head 1, and so on.
    Returns (B, T, H, D): for each place and head the values of the places up to this one, weighted by the softmax
    of the dot products divided by the square root of D.
    """
    raise NotImplementedError
