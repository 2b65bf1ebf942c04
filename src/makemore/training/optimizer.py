"""How the weights are updated, AdamW or Muon, and the learning rate over time."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from makemore.distributed.devices import fast_dtype

_NEWTON_SCHULZ = ((3.4445, -4.7750, 2.0315),) * 5
"""Coefficients a, b, c of each step of `orthogonal`, as Jordan chose them: steep at 0, near 1 at the end."""


def optimizers(
    model: nn.Module, learning_rate: float, weight_decay: float, muon: bool
) -> list[torch.optim.Optimizer]:
    """Return the optimisers of a model; together they hold each weight once.

    AdamW (Loshchilov & Hutter 2019) updates everything, except that with `muon` the hidden matrices go to
    Muon. Its updates have the size that AdamW's would have, so both share one learning rate. A matrix is
    hidden if it is in a module, unless that is an embedding, whose rows are looked up one by one, or the
    output layer `head`. Each update shrinks the matrices by `weight_decay` times the learning rate, but not
    the vectors (biases, gains).
    """
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    hidden, decayed, plain = [], [], []
    for name, parameter in model.named_parameters():
        module, _, _ = name.partition(".")
        if not parameter.requires_grad:  # counts
            continue
        if parameter.ndim < 2:
            plain.append(parameter)
        elif (
            muon and parameter.ndim == 2 and "." in name and module != "head" and id(parameter) not in tables
        ):
            hidden.append(parameter)
        else:
            decayed.append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    chosen: list[torch.optim.Optimizer] = [
        torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate, betas=(0.9, 0.99), fused=True)
    ]
    if hidden:
        chosen.append(Muon(hidden, learning_rate, weight_decay))
    return chosen


class Muon(torch.optim.Optimizer):
    """Momentum whose update is turned into the nearest matrix with orthogonal rows or columns.

        m <- 0.95 m + 0.05 g
        W <- (1 - lr decay) W - 0.2 lr sqrt(max(rows, columns)) orthogonal(0.95 m + 0.05 g)

    All directions of the update get the same weight, so the few that most gradients share do not dominate.
    The factor 0.2 sqrt(...) gives it the size of AdamW's (Liu et al. 2025, "Muon is scalable for LLM
    training"). torch.optim.Muon does the same for one matrix after another; here matrices of one shape are
    updated together, which takes a third of the time if there are many small ones.

    After Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
    """

    def __init__(self, matrices: list[nn.Parameter], learning_rate: float, weight_decay: float) -> None:
        """Prepare to update matrices, all two-dimensional."""
        super().__init__(matrices, {"lr": learning_rate, "weight_decay": weight_decay})
        self._alike: dict[torch.Size, list[nn.Parameter]] = {}
        for matrix in matrices:
            self._alike.setdefault(matrix.shape, []).append(matrix)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every matrix from its gradient; all of them must have one."""
        (group,) = self.param_groups
        rate, decay = group["lr"], group["weight_decay"]
        for shape, matrices in self._alike.items():
            gradients = torch.stack([matrix.grad for matrix in matrices if matrix.grad is not None])
            for matrix in matrices:
                if matrix not in self.state:
                    self.state[matrix]["momentum_buffer"] = torch.zeros_like(matrix)
            momenta: list[Tensor] = [self.state[matrix]["momentum_buffer"] for matrix in matrices]
            torch._foreach_lerp_(momenta, gradients.unbind(), 0.05)
            updates = orthogonal(gradients.lerp_(torch.stack(momenta), 0.95))  # (N, rows, columns)
            weights: list[Tensor] = [*matrices]
            torch._foreach_mul_(weights, 1 - rate * decay)
            torch._foreach_add_(weights, updates.unbind(), alpha=-0.2 * rate * math.sqrt(max(shape)))


def orthogonal(matrices: Tensor) -> Tensor:
    """Return approximately U V^T for each matrix U S V^T of (N, rows, columns): directions weigh the same.

    Five steps X <- a X + b (X X^T) X + c (X X^T)^2 X of the Newton-Schulz iteration bring the singular values
    from anywhere in (0, 1] to between 0.7 and 1.2. This is so rough that 16 bits are enough.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    X = matrices.mT if tall else matrices  # so that X X^T is the small product
    X = (X / (X.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(fast_dtype(X.device))
    for a, b, c in _NEWTON_SCHULZ:
        A = X @ X.mT
        B = torch.baddbmm(A, A, A, beta=b, alpha=c)
        X = torch.baddbmm(X, B, X, beta=a)
    return (X.mT if tall else X).to(matrices.dtype)


def schedule(share: float | None, step: int = 0) -> float:
    """Return the learning rate as a share of the highest rate, by the share of training that is done.

    It rises linearly over the first 5 % of training, then falls linearly to zero (Bergsma et al. 2025,
    "Straight to zero"). If training has no end, the share is None: the rate rises for 200 steps and stays
    there.
    """
    if share is None:
        return min(1.0, (step + 1) / 200)
    return min(share / 0.05, (1 - share) / 0.95)
