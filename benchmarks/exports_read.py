"""What reads an export, in a process of its own, for exports.py: it samples a line, then scores some.

    python benchmarks/exports_read.py FORMAT PATH < lines.json

The lines are lists of ids with the boundary, id 0, at both ends. Prints a sampled line, then -log p of each
character of each line and of its end, as JSON. Each format is read as docs/exports.md says, with nothing loaded
that it does not need.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LONGEST = 40
"""The most characters of a sample."""


def torch_model(model: Any) -> Iterator[Any]:
    """Yield a sample of a model in torch as ids, then a function that scores lines."""
    import torch

    logp, state = stepped(model, 0, None)
    line: list[int] = []
    while len(line) < LONGEST and (id := int(torch.multinomial(logp.exp(), 1))):
        line.append(id)
        logp, state = stepped(model, id, state)
    yield line
    yield scores(model)


def scores(model: Any) -> Callable[[list[int]], list[float]]:
    """Return what scores a line of ids by the logits of a model in torch."""
    import torch

    def nlls(ids: list[int]) -> list[float]:
        with torch.no_grad():
            logits = model(torch.tensor([ids[:-1]]))[0][0].double().log_softmax(-1)
        return [-float(row[id]) for row, id in zip(logits, ids[1:], strict=True)]

    return nlls


def stepped(model: Any, id: int, state: Any) -> tuple[Any, Any]:
    """Read one character; return log-probabilities (V,), and the state."""
    import torch

    with torch.no_grad():
        logits, state = model(torch.tensor([[id]]), state)
    return logits[0, -1].log_softmax(-1), state


def weights(path: Path) -> Iterator[Any]:
    """Read safetensors with makemore's own model."""
    from safetensors.torch import load_file

    from makemore.models import build, configure

    config = json.loads((path / "config.json").read_text("utf-8"))
    characters = json.loads((path / "vocabulary.json").read_text("utf-8"))["characters"]
    model = build(config["type"], 1 + len(characters), configure(config["type"], 0, **config["model"]))
    model.load_state_dict(load_file(path / "model.safetensors"))
    return torch_model(model.eval())


def script(path: Path) -> Iterator[Any]:
    """Run the definitions of the script, and load its weights."""
    import torch

    there = runpy.run_path(str(path))
    saved = torch.load(path.with_suffix(".pt"), weights_only=True)
    model = there["MODEL"](len(saved["makemore.vocabulary"]), there["MODEL"].config_class(**saved["knobs"]))
    model.load_state_dict(saved["weights"])
    return torch_model(model.eval())


def huggingface(path: Path) -> Iterator[Any]:
    """Load the directory with transformers."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(path)
    made = model.generate(torch.tensor([[0]]))
    yield [id for id in made[0].tolist() if id]
    yield scores(lambda ids: (model(ids).logits, ()))


def onnx(path: Path) -> Iterator[Any]:
    """Run the graph with onnxruntime."""
    import numpy as np
    import onnxruntime

    graph = onnxruntime.InferenceSession(path)
    _, *states = graph.get_inputs()
    types = {"tensor(float)": np.float32, "tensor(int64)": np.int64}

    def read(ids: list[int]) -> Iterator[Any]:
        """Yield what is expected after each of some ids, which may grow meanwhile."""
        sizes = {"batch": 1, "past": 0}
        state = [np.zeros([sizes.get(n, n) for n in s.shape], types[s.type]) for s in states]
        for id in ids:
            given = dict(zip([s.name for s in states], state, strict=True))
            logp, *state = graph.run(None, {"ids": np.array([id]), **given})
            yield logp[0].astype(np.float64)

    line, random = [0], np.random.default_rng()
    for logp in read(line):
        p = np.exp(logp)
        id = int(random.choice(len(p), p=p / p.sum()))
        if id == 0 or len(line) > LONGEST:
            break
        line.append(id)
    yield line[1:]
    yield lambda ids: [-float(logp[id]) for logp, id in zip(read(ids[:-1]), ids[1:], strict=True)]


READERS: dict[str, Callable[[Path], Iterator[Any]]] = {
    "weights": weights,
    "script": script,
    "huggingface": huggingface,
    "onnx": onnx,
}


if __name__ == "__main__":
    found = READERS[sys.argv[1]](Path(sys.argv[2]))
    print(next(found), flush=True)
    score = next(found)
    print(json.dumps([score(line) for line in json.load(sys.stdin)]))
