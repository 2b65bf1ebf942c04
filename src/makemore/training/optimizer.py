"""Which weights are updated how, and the learning rate over time."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from makemore.distributed.devices import fast_dtype
from makemore.models.loss import nll, taught

CLIP = 1.0
"""Gradients are scaled down to this norm (Pascanu et al. 2013): one odd batch cannot throw the run."""

_NEWTON_SCHULZ = ((3.4445, -4.7750, 2.0315),) * 5
"""Coefficients a, b, c of each step of `orthogonal`, as Jordan chose them: steep at 0, near 1 at the end."""


def optimizers(
    model: nn.Module, learning_rate: float, weight_decay: float, muon: bool
) -> list[torch.optim.Optimizer]:
    """Return the optimisers of a model; together they hold each weight once.

    AdamW (Loshchilov & Hutter 2019) updates everything, except that with `muon` the hidden matrices go to
    Muon, scaled to the size that AdamW's updates would have so that both share one learning rate. Hidden is
    a matrix inside a module, other than a table of embeddings, whose rows are looked up one by one, and the
    output layer `head`. Vectors (biases, gains) are not decayed.
    """
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    hidden, decayed, plain = [], [], []
    for name, parameter in model.named_parameters():
        module, _, _ = name.partition(".")
        if parameter.ndim < 2:
            plain.append(parameter)
        elif (
            muon and parameter.ndim == 2 and "." in name and module != "head" and id(parameter) not in tables
        ):
            hidden.append(parameter)
        else:
            decayed.append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    found: list[torch.optim.Optimizer] = [
        torch.optim.AdamW([g for g in groups if g["params"]], lr=learning_rate, betas=(0.9, 0.99), fused=True)
    ]
    if hidden:
        found.append(Muon(hidden, learning_rate, weight_decay))
    return found


class Muon(torch.optim.Optimizer):
    """Momentum whose update is turned into the nearest matrix with orthogonal rows or columns.

        m <- 0.95 m + 0.05 g
        W <- (1 - lr decay) W - 0.2 lr sqrt(max(rows, columns)) orthogonal(0.95 m + 0.05 g)

    All directions of the update get the same weight, not only the few that most gradients share. 0.2
    sqrt(...) gives its numbers the size of AdamW's (Liu et al. 2025, "Muon is scalable for LLM training").
    torch.optim.Muon does the same one matrix after the other; here matrices of one shape are done together,
    which for many small ones takes a third of the time.

    After Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
    """

    def __init__(self, matrices: list[nn.Parameter], learning_rate: float, weight_decay: float) -> None:
        """Take the matrices, all two-dimensional."""
        super().__init__(matrices, {"lr": learning_rate, "weight_decay": weight_decay})
        self._alike: dict[torch.Size, list[nn.Parameter]] = {}
        for matrix in matrices:
            self._alike.setdefault(matrix.shape, []).append(matrix)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
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
    """Return, roughly, U V^T for each matrix U S V^T of a batch (N, rows, columns): its directions, all equal.

    Five steps X <- a X + b (X X^T) X + c (X X^T)^2 X of Newton and Schulz's iteration bring the singular
    values from anywhere in (0, 1] to between 0.7 and 1.2. That rough, it can be done in 16 bits.
    """
    tall = matrices.shape[1] > matrices.shape[2]
    X = matrices.mT if tall else matrices  # so that X X^T is the small product
    X = (X / (X.norm(dim=(1, 2), keepdim=True) + 1e-7)).to(fast_dtype(X.device))
    for a, b, c in _NEWTON_SCHULZ:
        A = X @ X.mT
        B = torch.baddbmm(A, A, A, beta=b, alpha=c)
        X = torch.baddbmm(X, B, X, beta=a)
    return (X.mT if tall else X).to(matrices.dtype)


def schedule(share: float) -> float:
    """Return the share of the full learning rate when a share of the training is done, both from 0 to 1.

    It rises in a straight line over the first 5 % and falls to zero in another (Bergsma et al. 2025,
    "Straight to zero").
    """
    return min(share / 0.05, (1 - share) / 0.95)


def update(
    model: Any,
    opts: list[torch.optim.Optimizer],
    rate: float,
    inputs: Tensor,
    targets: Tensor,
    precision: torch.dtype = torch.float32,
    teacher: Any = None,
    share: float = 0.0,
    tokens: Tensor | None = None,
) -> Tensor:
    """Take one step: the loss of a batch, its gradient, the update. Returns that loss, on its device.

    inputs, targets: (B, T), as the model and `nll` take them. rate: the learning rate. precision: with
    bfloat16 matrices are multiplied in 16 bits; weights, gradients and sums stay in 32. teacher: a model from
    which a share of the targets is taken, as in `taught`. tokens: what the summed loss is divided by; None takes
    the targets' number.
    """
    with torch.autocast(inputs.device.type, precision, enabled=precision != torch.float32):
        logits, _ = model(inputs)
    logits = logits.float()
    total, own = nll(logits, targets)
    tokens = own if tokens is None else tokens
    aim = total
    if share:
        with torch.no_grad():
            device = next(teacher.parameters()).device
            expected = teacher(inputs.to(device))[0].softmax(-1).to(inputs.device)
        aim = taught(logits, targets, expected, share)
    for opt in opts:
        opt.zero_grad()
    (aim / tokens).backward()
    weights = [weight for opt in opts for group in opt.param_groups for weight in group["params"]]
    nn.utils.clip_grad_norm_(weights, CLIP)
    for opt in opts:
        for group in opt.param_groups:
            group["lr"] = rate
        opt.step()
    return (total / tokens).detach()
