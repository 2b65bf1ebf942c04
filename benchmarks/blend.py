"""What do blends of runs predict, and what do they write? Mixtures and products of two runs, at several weights.

    uv run python benchmarks/blend.py --threads 1       some minutes; continues where it stopped
    uv run python benchmarks/blend.py --short

Two runs of the default type are trained on different lists, or two types on one list, and blended
(`makemore.blend`). Perplexities are those of lines that neither run was trained on, exp(nats per token), up to
1,000 lines of each list. Beside the blends stand their parts, one run that was trained on both lists, and two
other ways to mix:

- one or the other: Bayes' rule along the line. The shares follow how well each part has predicted the line so
  far, so the probability of a line is the weighted mean of what the parts give to the whole line.
- none left out: a part that does not know a character of the line so far reads a boundary in its place, and
  keeps its share.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch
from torch import Tensor, nn

import makemore
from makemore.corpus.corpus import Corpus
from makemore.corpus.vocab import Vocab
from makemore.metrics import losses as evaluation
from makemore.models.blend import Blend
from makemore.runs.run import Run
from makemore.runs.settings import DEFAULT_TYPE
from makemore.sampling.draw import sample
from makemore.sampling.options import SampleOptions
from makemore.training.blend import together

PAIRS = (("names", "dinosaurs"), ("words", "companies"), ("names", "names"))
"""The lists. The same list twice means two types, instead of the default one."""

TYPES = ("lstm", "mingru")

SHARES = (0.5, 0.7, 0.9)
"""Of the first part."""

STEPS, JUDGED, SAMPLES = 500, 1000, 12


class NoneLeftOut(Blend):
    """A mixture whose parts all take part at every character."""

    def _mixed(self, logp: Tensor, out: Tensor) -> Tensor:
        return super()._mixed(logp, torch.zeros_like(out))


def lines_of(name: str) -> list[str]:
    """Return the lines of a list; dinosaurs in small letters, as the names are."""
    path = common.HERE / "lists" / f"{name}.txt"
    corpus = common.read(path if path.exists() else name)
    lines = corpus.lines(range(len(corpus)))
    return [line.lower() for line in lines] if name == "dinosaurs" else lines


def held_out(corpus: Corpus) -> list[str]:
    """Return different lines that are not for training."""
    rows = np.concatenate([corpus.rows(split) for split in ("validation", "test")])
    lines = sorted(set(corpus.lines(rows)))
    return np.random.default_rng(1).permutation(lines)[:JUDGED].tolist() if len(lines) > JUDGED else lines


def per_line(model: nn.Module, vocab: Vocab, lines: list[str]) -> tuple[np.ndarray[Any, Any], int]:
    """Return -log p of each line, infinite where it has a character that is not known, and the tokens."""
    known = [line for line in lines if vocab.knows(line)]
    corpus = Corpus(vocab, vocab.stream(known))
    found = np.full(len(lines), np.inf)
    if known:
        at = [i for i, line in enumerate(lines) if vocab.knows(line)]
        found[at] = evaluation.losses(model, corpus, np.arange(len(known))).lines
    return found, sum(len(line) + 1 for line in lines)


def perplexities(model: nn.Module, vocab: Vocab, judged: list[list[str]]) -> list[float]:
    """Return the perplexity of each list."""
    return [math.exp(losses.sum() / n) for losses, n in (per_line(model, vocab, lines) for lines in judged)]


def one_or_the_other(runs: list[Run], share: float, judged: list[list[str]]) -> list[float]:
    """Return the perplexities of the mixture whose shares follow Bayes' rule."""
    found = []
    for lines in judged:
        (first, n), (second, _) = (per_line(run.model, run.vocab, lines) for run in runs)
        both = np.logaddexp(math.log(share) - first, math.log(1 - share) - second)
        found.append(math.exp(-both.sum() / n))
    return found


def measured(names: list[str], runs: list[Run], whole: Run | None) -> dict[str, Any]:
    """Return what two runs and their blends predict and write."""
    different = len(set(names)) > 1
    judged = [held_out(run.corpus) for run in (runs if different else runs[:1])]
    rows: dict[str, list[float]] = {}
    samples: dict[str, list[str]] = {}
    for run in runs:
        rows[f"{run.directory.name} alone"] = perplexities(run.model, run.vocab, judged)
    if whole is not None:
        rows["one run, trained on both"] = perplexities(whole.model, whole.vocab, judged)
    for how in ("mixture", "product"):
        for share in SHARES:
            blend, model = together(runs, [share, 1 - share], how)
            name = f"{how}, {share:g} and {1 - share:.1g}"
            rows[name] = perplexities(model, blend.vocab, judged)
            if share == SHARES[0]:
                longest = max(run.corpus.longest for run in runs)
                options = SampleOptions(max_length=longest, seed=1)
                samples[how] = [each.text for each in sample(model, blend.vocab, SAMPLES, options)]
            if how == "mixture":
                rows[f"one or the other, {share:g} and {1 - share:.1g}"] = one_or_the_other(
                    runs, share, judged
                )
            if how == "mixture" and any(run.vocab != blend.vocab for run in runs):
                kept = NoneLeftOut([run.model for run in runs], blend.ids(), [share, 1 - share], False).eval()
                rows[f"none left out, {share:g} and {1 - share:.1g}"] = perplexities(
                    kept, blend.vocab, judged
                )
    lists = names if different else names[:1]
    return {"lists": lists, "lines": [len(lines) for lines in judged], "rows": rows, "samples": samples}


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    text = (
        "## Blends\n\n`uv run python benchmarks/blend.py`: two runs of "
        f"{kept['steps']:,} steps, of the default type unless said, blended at several weights. Perplexities of held-out lines (validation and test, "
        "up to 1,000 of each list); ∞ where some of the lines have a character that is not known. *One or the "
        "other* gives the parts shares by Bayes' rule along the line, *none left out* keeps parts that do not know "
        "a character of the line so far; both are for comparison. Samples are plain ones, of equal weights.\n"
    )
    for title, found in kept["pairs"].items():
        head = [
            "",
            *(f"{name} ({n:,} lines)" for name, n in zip(found["lists"], found["lines"], strict=True)),
        ]
        rows = [
            [name, *("∞" if x is None or math.isinf(x) else f"{x:.2f}" for x in each)]
            for name, each in found["rows"].items()
        ]
        text += f"\n### {title}\n\n{common.table(head, rows)}\n"
        for how, lines in found["samples"].items():
            text += f"- {how}: {', '.join(f'`{line}`' for line in lines)}\n"
    return text + "\n" + common.about(kept)


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    steps = 5 if options.short else STEPS
    kept: dict[str, Any] = common.machine() | {"steps": steps, "pairs": {}}
    if not options.short:
        kept["pairs"] = common.load("blend").get("pairs", {})
    with tempfile.TemporaryDirectory() as directory:

        def trained(name: str, lines: list[str], type: str = DEFAULT_TYPE) -> Run:
            of: dict[str, Any] = {"max_steps": steps, "seed": 1, "device": "cpu", "progress": False}
            return makemore.train(
                lines=lines, type=type, work_dir=Path(directory) / name, overwrite=True, **of
            )

        for names in PAIRS[:1] if options.short else PAIRS:
            same = names[0] == names[1]
            title = f"{names[0]}, {' and '.join(TYPES)}" if same else " and ".join(names)
            if title in kept["pairs"]:
                continue
            lines = [lines_of(name)[: 300 if options.short else None] for name in names]
            types = TYPES if same else (DEFAULT_TYPE,) * 2
            called = TYPES if same else names
            runs = [trained(*each) for each in zip(called, lines, types, strict=True)]
            whole = None if same else trained("both", lines[0] + lines[1])
            kept["pairs"][title] = measured(list(names), runs, whole)
            print(f"{title}: done", flush=True)
            if not options.short:
                common.keep("blend", kept)
    print(section(kept))


if __name__ == "__main__":
    main()
