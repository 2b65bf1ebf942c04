"""Kill training with SIGKILL at random moments, resume each time, and compare with an uninterrupted run.

    uv run python scripts/kill_and_resume.py --kills 20
    uv run python scripts/kill_and_resume.py --kills 10 --nproc 2

With several processes, a kill hits either one of them, which the launcher restarts, or the launcher, whose
command is then run again. The script prints where each kill hit. It exits with status 1 unless the weights of
the last and the best step, the metrics and the final losses equal those of the uninterrupted run, bit for
bit.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
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
    """Compare; the options after `--` go to makemore."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="how many kills must hit (default 20)")
    parser.add_argument(
        "--seed", type=int, default=None, help="seed of the moments of the kills (default: a fresh one)"
    )
    parser.add_argument("--nproc", type=int, default=1, help="processes that train together (default 1)")
    parser.add_argument("train", nargs="*", default=DEFAULT, help="options for makemore, after --")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    moments = random.Random(seed)
    print(f"makemore {' '.join(options.train)}, {options.nproc} processes; moments from seed {seed}")

    with tempfile.TemporaryDirectory() as temporary:
        alone, killed = Path(temporary, "alone"), Path(temporary, "killed")
        began = time.monotonic()
        subprocess.run(command(alone, options), check=True, stdout=subprocess.DEVNULL)
        whole = time.monotonic() - began
        print(f"uninterrupted: {whole:.1f} s")
        hits = 0
        while hits < options.kills:
            process = subprocess.Popen(command(killed, options), stdout=subprocess.PIPE, text=True)
            # most kills hit the training, some the reading and writing before it
            if moments.random() < 0.8:
                assert process.stdout is not None
                for line in process.stdout:
                    if line.startswith("training"):
                        break
            while hits < options.kills:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=moments.uniform(0, whole / 6))
                    break
                workers = children(process.pid)
                victim = moments.choice([process.pid, *workers])
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                hits += 1
                what = "" if options.nproc == 1 else "launcher, " if victim == process.pid else "a process, "
                print(f"kill {hits:2d}: {what}{where(killed)}", flush=True)
                if victim == process.pid:
                    process.wait()
                    while any(Path(f"/proc/{worker}").exists() for worker in workers):  # they save and stop
                        time.sleep(0.1)
                    break
            if process.poll() is None:  # enough kills
                process.wait()
            if process.returncode > 0:
                print(f"resuming failed with status {process.returncode}")
                return 1
            if process.returncode == 0 and hits < options.kills:
                print(f"finished after {hits} kills; starting over for the rest", flush=True)
                if not equal(alone, killed):
                    return 1
                shutil.rmtree(killed)
        subprocess.run(command(killed, options), check=True, stdout=subprocess.DEVNULL)
        return 0 if equal(alone, killed) else 1


def children(process: int) -> list[int]:
    """Return the processes that train for a launcher; multiprocessing has spawned them."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process and b"spawn_main" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return sorted(found)


def command(directory: Path, options: argparse.Namespace) -> list[str]:
    """Return the command line that trains into a directory, or resumes the run in it."""
    with_several = ["--nproc", str(options.nproc)] if options.nproc > 1 else []
    what = ["--resume"] if (directory / "config.json").exists() else [*FLAGS, *options.train]
    return [sys.executable, "-u", "-m", "makemore", "train", *what, *with_several, "-o", str(directory)]


def where(run: Path) -> str:
    """Say how far a run got, and whether a file was half written."""
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
    """Return the evaluations without their times."""
    lines = [json.loads(line) for line in metrics.read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


if __name__ == "__main__":
    sys.exit(main())
