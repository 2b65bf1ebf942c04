"""Bug 6: what comes next depends on who else asks.

After lesson 6.

Symptom: the same context gets other probabilities whenever it is asked about together with other contexts.
The model has just been trained, with batch normalisation, and nothing was changed since.
Run this file, look at the figure, and mend `predict`. Then: makemore lessons check museum who_else_asks
"""

import torch
from torch import Tensor, nn

from makemore.course import show


def predict(model: nn.Module, contexts: Tensor) -> Tensor:
    """Contexts (B, n), ids, to the probabilities of what follows each (B, V).

    Nothing is learned here, and the model is left in the mode (training or not) that it was in.
    """
    return model(contexts).softmax(-1).detach()


def a_model() -> nn.Module:
    """A small model with batch normalisation after a few steps on random contexts, unsure of what comes next."""
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Embedding(27, 8), nn.Flatten(), nn.Linear(24, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Linear(32, 27)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(30):
        contexts = torch.randint(27, (64, 3))
        loss = nn.functional.cross_entropy(model(contexts), (contexts[:, 2] + 1) % 27)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def symptom() -> None:
    """Show it with one context among different others."""
    import matplotlib.pyplot as plt

    model, asked = a_model(), torch.tensor([[5, 13, 13]])
    for i in range(3):
        others = torch.randint(27, (15, 3), generator=torch.Generator().manual_seed(i))
        plt.semilogy(
            predict(model, torch.cat([asked, others]))[0], marker="o", label=f"among others, {i + 1}"
        )
    plt.title("What follows one context, asked three times")
    plt.xlabel("id of the next character")
    plt.ylabel("probability")
    plt.legend()
    show("three curves that should be one.")


if __name__ == "__main__":
    symptom()
