"""Do exports give the probabilities of the run, how large are they, and how soon is there a sample?

    uv run --extra onnx --with onnxruntime --with transformers python benchmarks/exports.py --threads 1
    uv run python benchmarks/exports.py --short

Every type is trained on names at its default size, for --steps steps, and exported to every form that holds it.
100 test lines are scored by the export, in the program that it is for (exports_read.py, or Chromium), and by the
run's NumPy form. The time to the first sample is that of a new process, imports included; for the page, of a
browser that is running already; of three times it is the median. Continues where it stopped: a type that has all
its forms is left out, and so is a form whose program is not installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch

import makemore
from makemore.exports.export import FORMATS
from makemore.inference.lines import score
from makemore.models import MODELS
from makemore.runs.run import Run

LINES = 100
NEEDS = {
    "huggingface": ("transformers",),
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "page": ("playwright",),
}
"""What writes and reads a form, besides torch."""

TIMES = 3

ENDS = {"page": ".html", "script": ".py"}

READER = Path(__file__).with_name("exports_read.py")

DOCS = Path(__file__).parents[1] / "docs" / "exports.md"
BEGIN, END = "<!-- written by benchmarks/exports.py -->\n", "<!-- end -->\n"


def tables(kept: dict[str, Any]) -> str:
    """Return the tables of this script, which RESULTS.md and docs/exports.md have."""
    types = [type for type in MODELS if type in kept["types"]]
    forms = [form for form in FORMATS if any(form in each for each in kept["types"].values())]

    abouts = {
        f"After {of['about']['steps']} steps. {common.about(of['about'])}" for of in kept["types"].values()
    }

    def rows(name: str, spelled: str, factor: float = 1) -> str:
        each = []
        for type in types:
            found = kept["types"][type]
            cells = [spelled.format(found[form][name] * factor) if form in found else "–" for form in forms]
            each.append([f"`{type}`", *cells])
        return common.table(["type", *(f"`{form}`" for form in forms)], each)

    return (
        f"The largest difference of a log-probability from the run's, over {LINES} test names:\n\n"
        f"{rows('difference', '{:.0e}')}\nSize in MB:\n\n{rows('bytes', '{:.2f}', 1e-6)}\n"
        "Seconds to the first sample, in a new process with its imports; for `page` in a browser that is running:\n\n"
        f"{rows('seconds', '{:.1f}')}\n{''.join(sorted(abouts))}"
    )


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    return (
        "## Exports\n\n`uv run --extra onnx --with onnxruntime --with transformers python benchmarks/exports.py`: "
        f"types of model on names at their default size. {tables(kept)}"
    )


def write_docs(kept: dict[str, Any]) -> None:
    """Write the tables into docs/exports.md."""
    before, rest = DOCS.read_text("utf-8").split(BEGIN)
    _, after = rest.split(END)
    DOCS.write_text(f"{before}{BEGIN}{tables(kept)}{END}{after}", "utf-8")


@contextmanager
def chromium() -> Iterator[Any]:
    """Return a headless browser."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


def in_browser(path: Path, lines: list[str]) -> tuple[float, list[list[float]]]:
    """Return how long the first sample of a page takes, and -log p of the characters of some lines."""
    with chromium() as browser:
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(path.absolute().as_uri())
        page.wait_for_selector("#made li")
        seconds = time.perf_counter() - began
        return seconds, page.evaluate("lines => lines.map((line) => makemore.letters(line))", lines)


def in_process(form: str, path: Path, ids: list[list[int]]) -> tuple[float, list[list[float]]]:
    """Do the same with another form, in a new process."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, READER, form, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        seconds = time.perf_counter() - began
        said, _ = process.communicate(json.dumps(ids))
    return seconds, json.loads(said)


def measured(run: Run, form: str, place: Path) -> dict[str, float]:
    """Return the largest difference, the size and the time of an export of a run."""
    path = makemore.export(run, form, place / f"{run.type}-{form}{ENDS.get(form, '')}")
    rows = run.corpus.rows("test")[:LINES]  # the page's rounding was chosen on validation lines
    lines = run.corpus.lines(rows)
    ids = [run.vocab.stream([line]) for line in lines]
    assert run.form is not None
    want = np.concatenate(score(run.form, ids, [0] * len(ids)))
    tries = [
        in_browser(path, lines) if form == "page" else in_process(form, path, [line.tolist() for line in ids])
        for _ in range(TIMES)
    ]
    got = tries[0][1]
    files = [
        each
        for each in place.rglob(f"{path.stem}*/*" if path.is_dir() else f"{path.stem}*")
        if each.is_file()
    ]
    return {
        "difference": float(np.abs(np.concatenate(got) - want).max()),
        "bytes": sum(each.stat().st_size for each in files),
        "seconds": statistics.median(seconds for seconds, _ in tries),
    }


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--steps", type=int, default=30, help="steps to train each model first")
    parser.add_argument("--types", default=",".join(MODELS))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    forms = [form for form in FORMATS if all(map(importlib.util.find_spec, NEEDS.get(form, ())))]
    if options.short:
        options.types, options.steps, forms = "bigram,mixture", 2, ["weights", "script"]
    kept = {} if options.short else common.load("exports")
    kept = {"types": {}, **kept}
    for type in options.types.split(","):
        found = kept["types"].setdefault(type, {})
        with tempfile.TemporaryDirectory() as place:
            steps = {} if MODELS[type].counting else {"max_steps": options.steps}
            run = makemore.train("names", type=type, work_dir=f"{place}/run", seed=1, progress=False, **steps)
            for form in forms:
                if form not in found and not FORMATS[form].refusal(run):
                    found[form] = measured(run, form, Path(place))
                    found["about"] = common.machine() | {"steps": options.steps}
                    print(f"{type} {form}: {found[form]}", flush=True)
        if not options.short:
            common.keep("exports", kept)
            write_docs(kept)
    print(section(kept))


if __name__ == "__main__":
    main()
