"""Kill training with SIGKILL at random moments, resume each time, and compare with a run left alone.

    uv run python scripts/kill_and_resume.py --kills 20

Prints where each kill hit. Exits with status 1 unless the weights of the last and of the best step, the
metrics and the losses at the end are equal, bit for bit, to those of the undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import safetensors

FLAGS = ["-i", "names", "--device", "cpu", "--seed", "7"]
DEFAULT = ["--type", "gru", "--n-embd2", "64", "--dropout", "0.2", "--max-steps", "2000"]


def main() -> int:
    """Run the comparison; the options after `--` go to makemore."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="how many kills must hit (default 20)")
    parser.add_argument("--seed", type=int, default=None, help="of the moments (default: a fresh one)")
    parser.add_argument("train", nargs="*", default=DEFAULT, help="options for makemore, after --")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    moments = random.Random(seed)
    print(f"makemore {' '.join(options.train)}; moments from seed {seed}")

    with tempfile.TemporaryDirectory() as temporary:
        alone, killed = Path(temporary, "alone"), Path(temporary, "killed")
        began = time.monotonic()
        subprocess.run(command(alone, options.train), check=True, stdout=subprocess.DEVNULL)
        whole = time.monotonic() - began
        print(f"undisturbed: {whole:.1f} s")
        hits = 0
        while hits < options.kills:
            started = (killed / "config.json").exists()
            process = subprocess.Popen(
                [*command(killed, [] if started else options.train), *(["--resume"] if started else [])],
                stdout=subprocess.PIPE,
                text=True,
            )
            # most kills hit the training, some the reading and writing before it
            delay = moments.uniform(0, whole / 5)
            if moments.random() < 0.8:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.startswith("training"):
                        break
            try:
                process.wait(timeout=delay)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                hits += 1
                print(f"kill {hits:2d}: {where(killed)}", flush=True)
                continue
            if process.returncode != 0:
                print(f"resuming failed with status {process.returncode}")
                return 1
            print(f"finished after {hits} kills; starting over for the rest", flush=True)
            if not equal(alone, killed):
                return 1
            shutil.rmtree(killed)
        started = (killed / "config.json").exists()
        last = [*command(killed, [] if started else options.train), *(["--resume"] if started else [])]
        subprocess.run(last, check=True, stdout=subprocess.DEVNULL)
        return 0 if equal(alone, killed) else 1


def command(directory: Path, train: list[str]) -> list[str]:
    """A makemore command line that trains into a directory; without options, what goes on there."""
    return [sys.executable, "-u", "-m", "makemore", *(FLAGS if train else []), *train, "-o", str(directory)]


def where(run: Path) -> str:
    """How far a run had come, and whether a file was half written."""
    half = [path.name for path in run.glob("*.tmp")] if run.exists() else []
    metrics = run / "metrics.jsonl"
    lines = metrics.read_text().splitlines() if metrics.exists() else []
    step = f"evaluated up to step {json.loads(lines[-1])['step']}" if lines else "before the first evaluation"
    return step + (f", {half[0]} half written" if half else "")


def equal(alone: Path, killed: Path) -> bool:
    """Compare two finished runs: every tensor by its bytes, the metrics and the losses by their values."""
    same = True
    for name in ("last.safetensors", "best.safetensors"):
        with safetensors.safe_open(alone / name, "np") as a, safetensors.safe_open(killed / name, "np") as b:
            names = set(a.keys())
            same &= names == set(b.keys())
            different = [n for n in names if a.get_tensor(n).tobytes() != b.get_tensor(n).tobytes()]
        print(f"{name}: {len(names)} tensors, {len(different)} different {different[:3]}")
        same &= not different
    metrics = [without_time(run / "metrics.jsonl") for run in (alone, killed)]
    nll = [json.loads((run / "summary.json").read_text())["nll"] for run in (alone, killed)]
    print(f"metrics {'equal' if metrics[0] == metrics[1] else 'differ'}; losses {nll[0]} and {nll[1]}")
    return same and metrics[0] == metrics[1] and nll[0] == nll[1]


def without_time(metrics: Path) -> list[dict[str, float]]:
    """The evaluations without how long they took."""
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


if __name__ == "__main__":
    sys.exit(main())
