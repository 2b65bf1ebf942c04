"""Solutions of lesson 11's exercises."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def bag_of_words(V: int, C: int, T: int, layers: int) -> nn.Module:
    class BagOfWords(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(V, C)
            self.gain = nn.Parameter(torch.ones(C))
            A = torch.ones(T, T).tril()
            self.register_buffer("average", A / A.sum(1, keepdim=True))
            self.layers = nn.ModuleList([nn.Linear(C, C) for _ in range(layers)])
            self.head = nn.Linear(C, V)

        def forward(self, idx: Tensor) -> Tensor:
            t = idx.shape[1]
            e = self.embedding(idx)  # (B, t, C)
            u = self.gain * e + self.average[:t, :t] @ e
            for layer in self.layers:
                u = u + torch.tanh(layer(u))
            return self.head(u)

    return BagOfWords()


def padded(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    T = max(len(line) for line in lines) + 1
    inputs = torch.zeros(len(lines), T, dtype=torch.int64)
    targets = torch.full((len(lines), T), -1)
    for row, line in enumerate(lines):
        inputs[row, 1 : len(line) + 1] = line
        targets[row, : len(line)] = line
        targets[row, len(line)] = 0  # the end
    return inputs, targets


def train_and_score(
    model: nn.Module,
    batches: list[tuple[Tensor, Tensor]],
    held_out: list[tuple[Tensor, Tensor]],
    rate: float,
    decay: float,
) -> float:
    matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    model.train()
    for x, y in batches:
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten(), ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for x, y in held_out:
            logits = model(x).flatten(0, 1)  # (B T, V)
            total += F.cross_entropy(logits, y.flatten(), ignore_index=-1, reduction="sum").item()
            count += int((y != -1).sum())
    return total / count
