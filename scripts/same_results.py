"""Compare what two checkouts compute, bit for bit: weights, losses, samples and the numbers of all measures.

    git worktree add ../before HEAD~5
    uv run python scripts/same_results.py ../before .
    uv run python scripts/same_results.py ../before . --types lstm,ngram --nproc 0

Only the command lines of the two are used, in this environment, with one thread, on 300 of the bundled names.
Each type is trained in one go, stopped by a signal in the middle and resumed, and trained by two processes;
then come samples of every kind, scores, `eval`, `inspect` and `compare`. Seconds and paths are ignored. The
script prints each value that differs and by how much, and exits with status 1 if there is any. A value that
only one of the two has differs too, unless --allow-new is given and only the new one has it. Sentences may be
reworded: they are counted apart, and with --sentences-may-differ they are no difference.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import math
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SAMPLES = {
    "plain": ["-n", "50", "--seed", "1"],
    "choice": ["-n", "50", "--seed", "2", "--temperature", "0.7", "--top-k", "5", "--top-p", "0.9"],
    "pattern": ["-n", "20", "--seed", "3", "--pattern", "[a-m].{2,6}"],
    "prefix": ["-n", "20", "--seed", "4", "--prefix", "ka"],
    "unique": ["-n", "30", "--seed", "5", "--unique"],
    "novel": ["-n", "30", "--seed", "6", "--novel"],
    "most likely": ["--most-likely", "10"],
}
STEPS = 60
STOP = 37
"""The step that a signal interrupts; no evaluation is due then."""
COMPARED = "ngram,gru,transformer"
"""The types that `compare` trains: one that counts, and two with dropout and Muon."""
COUNTED = ("bigram", "ngram")
"""Types without steps; resuming them counts again."""
CHANGES_ALONE = {
    "seconds",
    "seconds_per_step",
    "samples_per_second",
    "makemore",
    "torch",
    "launch",
    "directory",
    "runs",
    "run",
}
"""Keys whose values say when, where or how fast; they are ignored."""


def main() -> int:
    """Run both checkouts, compare, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("old", type=Path, nargs="?")
    parser.add_argument("new", type=Path, nargs="?")
    parser.add_argument("--types", help="which types, separated by commas (default: all)")
    parser.add_argument(
        "--nproc",
        type=int,
        default=2,
        help="processes of the runs with several; 0 for no such runs (default 2)",
    )
    parser.add_argument(
        "--allow-new", action="store_true", help="values that only the new one has are no difference"
    )
    parser.add_argument(
        "--sentences-may-differ",
        action="store_true",
        help="sentences with the same numbers in other words are no difference",
    )
    parser.add_argument("--collect", type=Path, help=argparse.SUPPRESS)  # what the two processes do
    options = parser.parse_args()
    if options.collect:
        collect(options.collect, options.types.split(","), options.nproc)
        return 0
    if options.old is None or options.new is None:
        parser.error("give two checkouts, the old one and the new one")
    types = options.types or ",".join(types_of(options.old))
    with tempfile.TemporaryDirectory() as temporary:
        processes = []
        for name in ("old", "new"):
            source = getattr(options, name).resolve() / "src"
            if not (source / "makemore").is_dir():
                parser.error(f"{source.parent} is not a checkout of makemore")
            there = Path(temporary, name)
            there.mkdir()
            command = [
                sys.executable,
                __file__,
                "--collect",
                str(there),
                "--types",
                types,
                "--nproc",
                str(options.nproc),
            ]
            processes.append(subprocess.Popen(command, env=environment(source, there), cwd=there))
        statuses = [process.wait() for process in processes]
        if any(statuses):
            return 1
        old, new = (
            json.loads(Path(temporary, name, "results.json").read_text("utf-8")) for name in ("old", "new")
        )
    found = Differences()
    found.compare(old, new)
    print(*found.values, *found.gone, *found.new, *found.sentences, sep="\n")
    print(f"{len(old)} results: {found}")
    return int(found.matter(options.allow_new, options.sentences_may_differ))


def environment(source: Path, there: Path) -> dict[str, str]:
    """Return the environment in which a checkout's own code runs, with one thread."""
    own = {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "MAKEMORE_CACHE": str(there / "cache")}
    return os.environ | own


def types_of(checkout: Path) -> list[str]:
    """Return the types that a checkout has."""
    code = "from makemore.models import MODELS; print(*MODELS)"
    env = environment(checkout.resolve() / "src", checkout)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return done.stdout.split()


# what one checkout computes


def collect(there: Path, types: list[str], nproc: int) -> None:
    """Run everything in a directory, and write the results to results.json in it."""
    import makemore

    package = Path(makemore.__path__[0])
    if package.parent != Path(os.environ["PYTHONPATH"]):
        raise RuntimeError(f"{package} is not the checkout's own")
    names = Path("list.txt")
    bundled = next(package.rglob("data/names.txt")).read_text("utf-8").split()
    names.write_text("\n".join(bundled[::100][:300]) + "\n", "utf-8")
    results: dict[str, Any] = {}
    for type in types:
        for name, result in of_type(type, names, nproc):
            results[f"{type}: {name}"] = result
        print(f"{there.name}: {type}", file=sys.stderr, flush=True)
    results["inspect"] = json.loads(run("inspect", str(names), "--json"))
    three = ["--types", COMPARED, "--max-steps", "30", "-o", "compared", "--json"]
    results["compare"] = json.loads(run("compare", str(names), *three))
    (there / "results.json").write_text(json.dumps(results), "utf-8")


def of_type(type: str, names: Path, nproc: int) -> Iterator[tuple[str, Any]]:
    """Yield the results of one type, each with its name."""
    train = ["-i", str(names), "--type", type, "--device", "cpu", "--seed", "7"]
    steps = [] if type in COUNTED else ["--max-steps", str(STEPS)]
    run("train", *train, *steps, "-o", type)
    yield "trained", files(Path(type))
    resumed = f"{type}-resumed"
    with interrupted():
        run("train", *train, *steps, "-o", resumed, status={0 if type in COUNTED else 130})
    run("train", "--resume", "-o", resumed, *steps, "--device", "cpu")
    yield "stopped and resumed", files(Path(resumed))
    if nproc and type not in (*COUNTED, "mlp_bn"):  # these are refused
        command = [sys.executable, "-m", "makemore", *train, "--max-steps", "10", "-o", f"{type}-several"]
        subprocess.run([*command, "--nproc", str(nproc)], check=True, stdout=subprocess.DEVNULL)
        yield f"by {nproc} processes", files(Path(f"{type}-several"))
    for name, options in SAMPLES.items():
        yield f"samples, {name}", json_lines(run("sample", type, *options, "--json"))
    yield (
        "score",
        json_lines(run("score", type, "emma", "xaviera", "q", "zz9", "--letters", "--json", status={0, 2})),
    )
    yield "explain", json_lines(run("explain", type, "emma", "--json"))
    yield "eval", json.loads(run("eval", type, "-n", "500", "--json"))


@contextlib.contextmanager
def interrupted() -> Iterator[None]:
    """Send this process SIGINT at step STOP of a training, as Ctrl-C does."""
    from torch.optim import AdamW
    from torch.optim.optimizer import register_optimizer_step_post_hook

    steps = itertools.count(1)

    def count(optimizer: Any, args: Any, kwargs: Any) -> None:
        if isinstance(optimizer, AdamW) and next(steps) == STOP:  # Muon has its steps beside it
            signal.raise_signal(signal.SIGINT)

    hook = register_optimizer_step_post_hook(count)
    try:
        yield
    finally:
        hook.remove()


def run(*argv: str, status: set[int] | None = None) -> str:
    """Run a command line in this process, so that torch is imported once, and return what it printed."""
    from makemore.__main__ import main

    out, said = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    before = sys.argv
    sys.argv = ["makemore", *argv]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            main()
    except SystemExit as end:
        if end.code not in (status or {0}):
            sentence = said.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]
            raise RuntimeError(
                f"makemore {' '.join(argv)} ended with status {end.code}: {sentence}"
            ) from None
    finally:
        sys.argv = before
    return out.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]


def json_lines(text: str) -> list[Any]:
    """Return the JSON objects of some lines."""
    return [json.loads(line) for line in text.splitlines()]


def files(directory: Path) -> dict[str, Any]:
    """Return the content of a run directory that should not change, weights as `array` gives them."""
    from safetensors.numpy import load_file

    found: dict[str, Any] = {}
    for name in ("best.safetensors", "last.safetensors"):
        found[name] = {key: array(tensor) for key, tensor in load_file(directory / name).items()}
    found["summary"] = json.loads((directory / "summary.json").read_text("utf-8"))
    found["metrics"] = json_lines((directory / "metrics.jsonl").read_text("utf-8"))
    found["corpus"] = array(np.load(directory / "corpus.npy"))
    return found


def array(values: npt.NDArray[Any]) -> dict[str, Any]:
    """Return an array as JSON, exactly."""
    return {"dtype": values.dtype.str, "shape": list(values.shape), "hex": values.tobytes().hex()}


# the comparison


class Differences:
    """What differs between two results: a line for each."""

    def __init__(self) -> None:
        self.values: list[str] = []
        self.gone: list[str] = []
        """Values that only the old one has."""
        self.new: list[str] = []
        """Values that only the new one has."""
        self.sentences: list[str] = []
        """Sentences with the same numbers in other words."""

    def matter(self, allow_new: bool, sentences_may_differ: bool) -> bool:
        """Return whether there is a difference that is not allowed."""
        return bool(
            self.values
            or self.gone
            or (self.new and not allow_new)
            or (self.sentences and not sentences_may_differ)
        )

    def __str__(self) -> str:
        if self.sentences and not (self.values or self.gone or self.new):
            return f"{len(self.sentences)} sentences differ, no number does"
        return (
            f"{len(self.values)} values differ, {len(self.gone)} are only in the old one, "
            f"{len(self.new)} only in the new one; {len(self.sentences)} sentences differ"
        )

    def compare(self, a: Any, b: Any, place: str = "") -> None:
        """Add what differs between an old value and a new one."""
        if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys() == {"dtype", "shape", "hex"}:
            if a != b:
                self.values.append(f"{place}: {apart(a, b)}")
        elif isinstance(a, dict) and isinstance(b, dict):
            for key in [*a, *(key for key in b if key not in a)]:
                if key in CHANGES_ALONE:
                    continue
                at = f"{place}/{key}"
                if key in a and key in b:
                    self.compare(a[key], b[key], at)
                elif key in a:
                    self.gone.append(f"{at}: only in the old one")
                else:
                    self.new.append(f"{at}: only in the new one")
        elif isinstance(a, list) and isinstance(b, list):
            if len(a) != len(b):
                self.values.append(f"{place}: {len(a)} items and {len(b)}")
            for i, (x, y) in enumerate(zip(a, b, strict=False)):
                self.compare(x, y, f"{place}/{i}")
        elif a != b:
            kind = self.sentences if reworded(a, b) else self.values
            kind.append(f"{place}: {told(a, b)}")


def reworded(a: Any, b: Any) -> bool:
    """Return whether both are sentences, with the same numbers. No line of the list has a space."""
    if not (isinstance(a, str) and isinstance(b, str) and " " in a and " " in b):
        return False
    return re.findall(r"[0-9]+", a) == re.findall(r"[0-9]+", b)


def apart(a: dict[str, Any], b: dict[str, Any]) -> str:
    """Say how two arrays differ."""
    if (a["dtype"], a["shape"]) != (b["dtype"], b["shape"]):
        return f"{a['dtype']} {a['shape']} and {b['dtype']} {b['shape']}"
    x, y = (np.frombuffer(bytes.fromhex(each["hex"]), each["dtype"]).astype(np.float64) for each in (a, b))
    largest = np.abs(x - y).max()
    return f"shape {a['shape']}, {(x != y).sum():,} of {x.size:,} elements differ, by at most {largest:.3g}"


def told(a: Any, b: Any) -> str:
    """Say how two values differ."""
    if all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (a, b)):
        share = abs(a - b) / max(abs(a), abs(b), math.ulp(0))
        return f"{a!r} and {b!r}, apart by {abs(a - b):.3g} ({share:.2g} of it)"
    a, b = (text if len(text := repr(x)) <= 60 else f"{text[:57]}..." for x in (a, b))
    return f"{a} and {b}"


if __name__ == "__main__":
    sys.exit(main())
