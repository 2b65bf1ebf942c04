"""Exercises of lesson 4. Fill in the functions; `makemore lessons check 4` grades them."""

from torch import Tensor


def windows(ids: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Cut a stream into examples.

    ids: (M,) int64, lines with a 0 before, between and after them. n: characters of context, 1 or more.
    Returns contexts (M - 1, n) and what follows each (M - 1,). Example i ends its context with ids[i], oldest
    character first, and is followed by ids[i + 1]. A context sees nothing of the lines before its own: where
    its line has not yet begun it is filled with 0.
    """
    raise NotImplementedError


def direct_logits(x: Tensor, E: Tensor, W1: Tensor, b1: Tensor, W2: Tensor, b2: Tensor, W3: Tensor) -> Tensor:
    """Compute the network as Bengio and others drew it: with direct connections from embeddings to logits.

        logits = tanh(e W1 + b1) W2 + b2 + e W3

    where e is the embeddings of a context side by side, oldest first. x: (B, T) int64, E: (V, C), W1: (T C, H),
    b1: (H,), W2: (H, V), b2: (V,), W3: (T C, V), for whatever sizes they come with. Returns (B, V).
    """
    raise NotImplementedError


def leak(train: list[str], held_out: list[str], losses: list[float]) -> tuple[float, float, float]:
    """Measure how much of a held-out score comes from lines that were trained on.

    losses: of each held-out line, the sum of -log p over its characters and its end, in nats.
    Returns three numbers: the share of held-out lines that are in training too, where a line counts as often as it
    stands in held_out; the loss in nats per token (the end of a line is one) of those; and that of the others.
    The loss of no lines at all is nan.
    """
    raise NotImplementedError
