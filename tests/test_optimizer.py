"""The optimisers, and the learning rate over time."""

from __future__ import annotations

import pytest
import torch

import makemore
from makemore.models import MODELS, configure
from makemore.training.optimizer import Muon, optimizers, orthogonal, schedule


def test_schedule_rises_and_falls() -> None:
    rates = [schedule((step + 0.5) / 1000) for step in range(1000)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(1.0, abs=0.02)
    assert top == pytest.approx(50, abs=1)
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert 0 < rates[-1] < 1e-3
    assert schedule(1.0) == 0


def test_muon_does_what_torch_does_one_matrix_at_a_time() -> None:
    torch.manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(shape)) for shape in [(8, 8), (24, 8), (8, 24), (24, 8), (8, 8)]]
    theirs = [torch.nn.Parameter(p.detach().clone()) for p in ours]
    mine = Muon(ours, 0.05, 0.1)
    torchs = torch.optim.Muon(theirs, lr=0.05, weight_decay=0.1, adjust_lr_fn="match_rms_adamw")
    for _ in range(5):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        before = [p.detach().clone() for p in ours]
        mine.step()
        torchs.step()
    for a, b, was in zip(ours, theirs, before, strict=True):
        moved = (a - was).norm()
        assert moved > 0.05
        assert (a - b).norm() < 0.05 * moved  # torch's rounds to 16 bits


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 64, 8), (2, 8, 64)])
def test_orthogonal_makes_all_directions_about_equal(shape: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    values = torch.linalg.svdvals(orthogonal(torch.randn(shape)).float())
    assert values.max() < 1.3
    assert values.min() > 0.4


@pytest.mark.parametrize("muon", [True, False])
@pytest.mark.parametrize("type", [t for t in MODELS if not MODELS[t].counting])
def test_optimisers_hold_every_weight_once(type: str, muon: bool) -> None:
    model = makemore.build(type, 27, configure(type, 15))
    held = [p for opt in optimizers(model, 1e-3, 0.1, muon) for g in opt.param_groups for p in g["params"]]
    assert sorted(map(id, held)) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    for opt in optimizers(model, 1e-3, 0.1, muon):
        for group in opt.param_groups:
            assert all(p.ndim >= 2 for p in group["params"]) or group["weight_decay"] == 0


def test_the_rate_of_a_training_without_an_end_rises_and_stays() -> None:
    rates = [schedule(None, step) for step in range(1000)]
    assert rates[:200] == sorted(rates[:200])
    assert rates[0] == 1 / 200
    assert set(rates[199:]) == {1.0}
