"""What the benchmarks share: protocols, the original model, and storing results.

Every script keeps what it measured in benchmarks/results/NAME.json; RESULTS.md is written from these files,
one section each, whenever one changes, and by `uv run python benchmarks/common.py`.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib
import importlib.util
import io
import platform
import random
import re
import statistics
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.corpus.splits import SPLITS
from makemore.files.atomic import atomic
from makemore.files.json_io import read_json, to_json
from makemore.metrics.baselines import fitted
from makemore.models import MODELS, build, configure
from makemore.runs.settings import Given, Recipe
from makemore.training.engine import Engine
from makemore.training.learner import Learner
from makemore.training.plan import settings_for
from makemore.training.teacher import fit_teacher, teacher_of

HERE = Path(__file__).parent
ORDER = (
    "time_to_quality",
    "sampling",
    "wishes",
    "ladder",
    "defaults",
    "eject",
    "same_steps",
    "imported",
    "decisions",
    "memorisation",
    "small_lists",
    "transfer",
    "blend",
    "labels",
    "throughput",
    "exports",
    "playground",
    "scale",
)
"""The sections of RESULTS.md."""

HEAD = """# Results

Each section is written by the script that it names, from measurements that the script keeps in
benchmarks/results/. Losses are nats per token, exact over the whole split; ± is the standard deviation over
the seeds. Machines are shared and noisy, so runs that are compared took turns in one process, and ratios are
ratios of medians.
"""


def parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that all benchmarks have."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--short", action="store_true", help="only test that it works; no result is kept")
    made.add_argument("--threads", type=int, default=torch.get_num_threads(), help="threads of torch")
    return made


def machine() -> dict[str, Any]:
    """Return what a measurement depends on besides the code."""
    cpu = platform.machine()
    with contextlib.suppress(OSError):
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text("utf-8"))
        cpu = f"{cpu}, {found[1]}" if found else cpu
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    bits16 = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16"))
    return {
        "cpu": cpu + (" with bfloat16" if bits16 else ""),
        "threads": torch.get_num_threads(),
        "command": " ".join(Path(word).name for word in sys.argv),
        "torch": str(torch.__version__).split("+")[0],
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def about(kept: dict[str, Any]) -> str:
    """Return a line that says how, on which machine and when something was measured."""
    return (
        f"Measured by `{kept['command']}` on {kept['cpu']}, {kept['threads']} threads, "
        f"torch {kept['torch']}, Python {kept['python']}, {kept['date']}.\n"
    )


def load(name: str) -> dict[str, Any]:
    """Return the measurements that a script has kept, empty if there are none."""
    path = HERE / "results" / f"{name}.json"
    return dict(read_json(path)) if path.exists() else {}


def keep(name: str, results: dict[str, Any]) -> None:
    """Keep a script's measurements, and write RESULTS.md from all that is kept."""
    (HERE / "results").mkdir(exist_ok=True)
    with atomic(HERE / "results" / f"{name}.json") as path:
        path.write_text(to_json(results, indent=1) + "\n", "utf-8")
    write_results()


def write_results() -> None:
    """Write RESULTS.md: the section of each script that has kept something."""
    sections = [importlib.import_module(name).section(load(name)) for name in ORDER if load(name)]
    with atomic(HERE / "RESULTS.md") as path:
        path.write_text("\n".join([HEAD, *sections]), "utf-8")


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table; the first column is text, the others numbers."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def spread(values: list[float], digits: int = 3) -> str:
    """Return the mean of some values and their standard deviation."""
    deviation = f" ± {statistics.stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.{digits}f}{deviation}"


def original(path: str) -> Any:
    """Import a copy of karpathy/makemore's makemore.py."""
    if not Path(path).is_file():
        sys.exit(f"--reference {path}: no such file; give a copy of karpathy/makemore's makemore.py")
    spec = importlib.util.spec_from_file_location("original_makemore", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["original_makemore"] = module
    spec.loader.exec_module(module)
    return module


def quietly(function: Any, *args: Any, **named: Any) -> Any:
    """Call a function of the original and drop what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*args, **named)


class Mixture(nn.Module):
    """Several models combined: each character gets the mean of their probabilities."""

    def __init__(self, weights: dict[nn.Module, float]) -> None:
        """weights: The share of each model; they sum to 1."""
        super().__init__()
        self.models = nn.ModuleList(weights)
        self.shares = list(weights.values())

    def forward(self, idx: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """idx: (B, T). Returns log-probabilities (B, T, V), and no state."""
        each = zip(self.models, self.shares, strict=True)
        p: Any = sum(share * model(idx)[0].float().softmax(-1) for model, share in each)
        return p.log(), ()


def trained(
    corpus: Corpus, type: str, knobs: dict[str, Any], how: Recipe, seed: int, teacher: Any = None
) -> Any:
    """Return a model trained on a corpus by the steps of `makemore train`, without evaluations.

    The weights are those of the last step.

    Args:
        corpus: The lines.
        type: The type of model.
        knobs: Fields of its Config.
        how: The recipe.
        seed: The seed.
        teacher: The teacher; None takes the 6-gram.

    """
    if MODELS[type].counting:
        return fitted(corpus, type, **knobs)
    torch.manual_seed(seed)
    engine = Engine(torch.device("cpu"))
    model = build(type, len(corpus.vocab), configure(type, corpus.longest, **knobs))
    settings = settings_for(type, corpus, Given(seed=seed), engine.device, how)
    if teacher is None:
        taught = fit_teacher(corpus, how.teacher, engine.device)
    else:
        taught = teacher_of(teacher, how.teacher, engine.device)
    learner = Learner(model, corpus, settings, engine, taught)
    for step in range(how.max_steps):
        learner.step((step + 0.5) / how.max_steps, step)
    return model.eval()


def protocol(name: str, source: str = "names") -> Corpus:
    """Return the lines of a list, split as a protocol says.

    "makemore.py": torch's permutation after manual_seed(3407); the last 1,000 lines are for testing, the rest
    for training, none for validation. "lectures": Python's shuffle after seed(42), 80/10/10. "own":
    makemore's split by hash, 90/5/5, the only one without test lines that are also in training.
    """
    corpus = read(source)
    n = len(corpus)
    split = np.full(n, SPLITS.index("train"), np.uint8)
    if name == "makemore.py":
        order = torch.randperm(n, generator=torch.Generator().manual_seed(3407)).numpy()
        split[order[-1000:]] = SPLITS.index("test")
    elif name == "lectures":
        numbers = list(range(n))
        random.Random(42).shuffle(numbers)
        split[numbers[int(0.8 * n) : int(0.9 * n)]] = SPLITS.index("validation")
        split[numbers[int(0.9 * n) :]] = SPLITS.index("test")
    elif name == "own":
        return corpus
    else:
        raise ValueError(f"no protocol {name}")
    corpus.split = split
    return corpus


if __name__ == "__main__":  # rewrite RESULTS.md from the results that are kept
    write_results()
