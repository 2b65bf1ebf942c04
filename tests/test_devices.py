"""The devices, and that a library call leaves its caller's process as it was."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest
import torch

import makemore
from makemore.distributed import devices
from makemore.errors import MakemoreError

SILENCED = (RuntimeWarning, UserWarning, FutureWarning)


def settings() -> tuple[object, ...]:
    """What a library must leave alone."""
    environment = {
        name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"
    }  # torch's
    silenced = [kind for kind in SILENCED if ("ignore", None, kind, None, 0) in warnings.filters]
    return torch.get_num_threads(), torch.backends.mkldnn.enabled, environment, silenced


@pytest.mark.usefixtures("on_disk")
def test_training_and_sampling_leave_the_process_alone(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "owned", False)
    monkeypatch.setattr(torch, "set_num_threads", lambda n: pytest.fail("the threads are the caller's"))
    monkeypatch.setattr(warnings, "filters", [f for f in warnings.filters if f[2] not in SILENCED])
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        monkeypatch.delenv(name, raising=False)
    before, random = settings(), torch.get_rng_state()
    seen = []
    run = makemore.train(
        small, type="mlp", max_steps=30, work_dir=tmp_path, on_event=lambda event: seen.append(settings())
    )
    run.model.register_forward_hook(lambda *_: seen.append(settings()))
    for options in ({}, {"unique": True}, {"prefix": "a"}):
        assert len(run.sample(5, seed=1, **options)) == 5  # type: ignore[arg-type]
    run.score(["emma"])
    assert len(seen) > 50
    assert all(each == before for each in [*seen, settings()])
    assert torch.equal(torch.get_rng_state(), random)


def test_devices() -> None:
    assert devices.pick_device("cpu") == torch.device("cpu")
    with pytest.raises(
        MakemoreError, match="device must be auto, cpu, cuda or mps, not 'cdua'; did you mean cuda"
    ) as bad:
        devices.pick_device("cdua")
    assert bad.value.options == ("device",)
    if not torch.cuda.is_available():
        with pytest.raises(MakemoreError, match="device=cuda: torch finds none on this machine"):
            devices.pick_device("cuda")
