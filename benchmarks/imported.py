"""A checkpoint that the original makemore.py trained and saved, and the run that `makemore import` makes of it.

    uv run python benchmarks/imported.py --reference PATH          a minute or two
    uv run python benchmarks/imported.py --reference PATH --short

PATH is a copy of karpathy/makemore's makemore.py. For each of its types that can be imported, it runs as its
README says, in a process of its own, for --steps steps on names; that writes model.pt. Then the original's
class with these weights and the imported run are asked for the probabilities of the same lines.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch
import torch.nn.functional as F

import makemore
from makemore.corpus.corpus import Corpus

TYPES, STEPS = ("bigram", "mlp", "rnn", "transformer"), 1_000


def by_original(module: Any, type: str, checkpoint: Path, corpus: Corpus) -> Any:
    """Return the original's model with the weights of a checkpoint."""
    config = module.ModelConfig(block_size=corpus.longest + 1, vocab_size=len(corpus.vocab), n_layer=4)
    make = {"bigram": module.Bigram, "mlp": module.MLP, "transformer": module.Transformer}
    model = module.RNN(config, "rnn") if type == "rnn" else common.quietly(make[type], config)
    model.load_state_dict(torch.load(checkpoint, weights_only=True))
    return model.eval()


@torch.inference_mode()
def measure(module: Any, reference: str, type: str, steps: int, corpus: Corpus) -> dict[str, float]:
    """Train the original, import what it saved, and compare them on the test lines."""
    with tempfile.TemporaryDirectory() as directory:
        there = Path(directory)
        names = there / "names.txt"
        names.write_text("\n".join(corpus.lines(np.arange(len(corpus)))) + "\n", "utf-8")
        command = [sys.executable, reference, "-i", str(names), "-o", str(there), "--type", type, "-n", "0"]
        alone = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        subprocess.run([*command, "--max-steps", str(steps + 1)], check=True, capture_output=True, env=alone)
        theirs = by_original(module, type, there / "model.pt", corpus)
        run = makemore.import_original(there / "model.pt", names, there / "run")
        x, y = (torch.from_numpy(array).long() for array in run.corpus.batch(run.corpus.rows("test")))
        known = y >= 0
        # the original takes lines of one length, its block size
        padded = F.pad(x, (0, corpus.longest + 1 - x.shape[1]))
        wanted, got = (
            logits[:, : x.shape[1]].double().log_softmax(-1)[known]
            for logits in (theirs(padded)[0], run.model(x)[0])
        )
        score = [float(F.nll_loss(each, y[known])) for each in (wanted, got)]
        return {
            "original": score[0],
            "imported": score[1],
            "furthest": float((wanted - got).abs().max()),
            "lines": len(x),
        }


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    rows = []
    for type, of in kept["types"].items():
        apart = abs(of["imported"] - of["original"]), of["furthest"]
        losses = f"{of['original']:.6f}", f"{of['imported']:.6f}"
        rows.append([f"`{type}`", *losses, *(f"{x:.0e}" if x else "0" for x in apart)])
    lines = next(iter(kept["types"].values()))["lines"]
    return (
        "## Imported from the original\n\n`uv run python benchmarks/imported.py --reference PATH`: models that "
        f"karpathy/makemore trained for {kept['steps']:,} steps on names and saved, and the runs that `makemore "
        f"import` made of them, on {lines:,} lines. The largest difference is that of one log-probability of any "
        "character after any beginning of these lines.\n\n"
        + common.table(["type", "loss there", "loss here", "difference", "largest difference"], rows)
        + "\n"
        + common.about(kept)
    )


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--reference", required=True, help="a copy of makemore.py")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps of the original")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    steps = 500 if options.short else options.steps  # the first that it saves
    module, corpus = common.original(options.reference), common.read("names")
    kept: dict[str, Any] = common.machine() | {"steps": steps, "types": {}}
    for type in TYPES[:1] if options.short else TYPES:
        kept["types"][type] = measure(module, options.reference, type, steps, corpus)
        print(type, kept["types"][type], flush=True)
    if not options.short:
        common.keep("imported", kept)


if __name__ == "__main__":
    main()
