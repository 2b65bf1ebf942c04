"""What is in the sandbox of the fuzzers, what a command may change there, and how it is put back."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
from fuzzing import Result, Sandbox, problems
from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("MAKEMORE_FUZZ", 0))
fuzzed = settings(
    max_examples=EXAMPLES or 20, derandomize=not EXAMPLES, deadline=None, database=None, print_blob=True,
    suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate),
)  # fmt: skip

TYPES = [
    "bigram",
    "ngram",
    "bigram_nn",
    "mlp",
    "mlp_bn",
    "wavenet",
    "rnn",
    "lstm",
    "gru",
    "bow",
    "transformer",
]
RUN_FILES = {
    "config.json", "vocabulary.json", "corpus.npy", "best.safetensors", "last.safetensors", "metrics.jsonl",
    "summary.json", "loss.png", "diagnostics.jsonl", "diagnostics.png", "report.html", "comparison.json",
    "manifest.jsonl",
}  # fmt: skip
FOLDERS = {"corpus", "tensorboard", "report-plots"}
RUNS = ["mlp", "ngram", "half", "large", "comparison", "comparison/mlp-3407"]
NAMES = [
    "emma", "olivia", "ava", "isabella", "sophia", "charlotte", "mia", "amelia", "harper", "evelyn",
    "abigail", "emily", "ella", "elizabeth", "camila", "luna", "sofia", "avery", "mila", "aria", "scarlett",
    "penelope", "layla", "chloe", "victoria", "madison", "eleanor", "grace", "nora", "riley", "zoey",
    "hannah", "hazel", "lily", "ellie", "violet", "lillian", "zoe", "stella", "aurora", "natalie", "emilia",
    "everly", "leah", "aubrey", "willow", "addison", "lucy",
]  # fmt: skip


def fill(work: Path) -> None:
    """Lists, odd files and small runs."""
    import makemore
    from makemore.corpus import sizes

    text = "\n".join(NAMES) + "\n"
    (work / "tiny.txt").write_text(text, "utf-8")
    (work / "tiny.txt.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    (work / "words.txt").write_text("naïve\ncafé\n日本語\n👩‍👩‍👧 family\nе́жик\n" * 3 + text, "utf-8")
    (work / "three.txt").write_text("emma\nolivia\nava", "utf-8")
    (work / "spaces.txt").write_text("".join(f"  {name} x \n" for name in NAMES), "utf-8")
    (work / "data.csv").write_text("".join(f'{i},"{name}",{len(name)}\n' for i, name in enumerate(NAMES)))
    (work / "latin1.txt").write_bytes("é\nzoë\nmaïs\nnoël\n".encode("latin-1"))
    (work / "binary.bin").write_bytes(bytes(range(256)) * 20)
    (work / "broken.gz").write_bytes((work / "tiny.txt.gz").read_bytes()[:40])
    (work / "empty.txt").write_bytes(b"")
    (work / "blank.txt").write_bytes(b"\n  \n\t\n")
    (work / "long.txt").write_text("a" * 200_000 + "\n" + text, "utf-8")
    (work / "esc\x1b[31mape.txt").write_text(text, "utf-8")
    (work / "two words.txt").write_text(text, "utf-8")
    for name in ("lists", "emptydir", "mine/corpus", "mine/tensorboard", "../elsewhere"):
        (work / name).mkdir(parents=True)
    for name in (
        "lists/a.txt",
        "lists/b.txt",
        "mine/corpus/notes.txt",
        "mine/report.html",
        "../elsewhere/keep.txt",
    ):
        (work / name).write_text(text, "utf-8")
    (work / "mine" / "summary.json").write_text('{"my": "own"}', "utf-8")
    os.mkfifo(work / "fifo")
    for name, target in (
        ("link.txt", "tiny.txt"),
        ("loop", "loop"),
        ("dangling", "nowhere"),
        ("linked", "mlp"),
    ):
        (work / name).symlink_to(target)
    small: dict[str, Any] = {"device": "cpu", "precision": "float32"}
    makemore.train(
        work / "tiny.txt", work_dir=work / "mlp", type="mlp", max_steps=6, diagnostics=True, **small
    )
    makemore.train(work / "tiny.txt", work_dir=work / "ngram", type="ngram", order=3, **small)
    seen: list[object] = []
    makemore.train(
        work / "words.txt", work_dir=work / "half", type="lstm", n_embd=8, n_embd2=8, max_steps=6,
        on_event=seen.append, stop=lambda: len(seen) > 6, **small,
    )  # fmt: skip
    makemore.compare(
        work / "tiny.txt", ["bigram", "mlp"], work_dir=work / "comparison", max_steps=3, device="cpu"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sizes, "SIZES", sizes.Sizes(large=0))
        patch.setenv("MAKEMORE_CACHE", str(work.parent / "cache"))
        makemore.train(work / "tiny.txt", work_dir=work / "large", type="bigram_nn", max_steps=3, **small)


def restore(sandbox: Sandbox, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Restore everything as it was."""
    top = sandbox.root / "sandbox"
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    for name in sorted(changed & after.keys(), reverse=True):
        path = top / name
        if stat.S_ISDIR(after[name][0]):
            if name not in before or not stat.S_ISDIR(before[name][0]):
                shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    for name in sorted(changed & before.keys()):
        mode, held = before[name]
        path = top / name
        if stat.S_ISDIR(mode):
            path.mkdir(exist_ok=True)
        elif stat.S_ISLNK(mode):
            path.symlink_to(held)
        elif stat.S_ISFIFO(mode):
            os.mkfifo(path)
        elif stat.S_ISREG(mode):
            path.write_bytes(held)
        if not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode))


MADE = r"cache|tmp/torchinductor_|work/large/corpus/(sorted\.npy|manifest\.jsonl)"
"""What any command may make: the second is torch's, the third is made when novelty is first checked."""


def touched(argv: list[str], before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Return the files that a command changed but must not change."""
    named = {"out", "comparison", "museum", *(f"lesson-{i}" for i in range(20))}
    for i, word in enumerate(argv):
        flag, _, value = word.partition("=")
        if flag in ("-o", "--work-dir", "--output", "--directory"):
            named.add(value or (argv[i + 1] if i + 1 < len(argv) else "."))
        elif word.startswith("-o"):
            named.add(word[2:])
    if argv[:1] == ["report"]:  # its page goes to the first run, its plots beside the page
        named |= {str(Path(name).with_name(f"{Path(name).stem}-plots")) for name in named if Path(name).name}
        named |= {
            f"{word}/{name}"
            for word in [*argv, "out", "."]
            for name in ("report.html", "report-plots", "manifest.jsonl")
        }
    places = [os.path.normpath(os.path.join("work", name.replace("\0", ""))) for name in named]
    places += [os.path.realpath(os.path.join("/", place))[1:] for place in places]
    again = any(word.startswith(("--overwrite", "--resume")) for word in argv) or argv[:1] == ["compare"]
    found = []
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name) or re.match(MADE, name):
            continue
        what = "changed" if name in before and name in after else "removed" if name in before else "made"
        inside = any(name == p or name.startswith(f"{p}/") or p == "." for p in places)
        above = what == "made" and any(p.startswith(f"{name}/") for p in places)
        if not (inside or above):
            found.append(f"{what} {name}, outside what was named")
        elif what != "made" and not stat.S_ISDIR(before[name][0]) and not _its_own(name, before, again):
            found.append(f"{what} {name}, which it did not write")
    return found


def _its_own(name: str, before: dict[str, Any], again: bool) -> bool:
    """Whether a file that was there belongs to a run that the command may write to."""
    path = Path(name)
    report = path.name in ("report.html", "manifest.jsonl") or path.parent.name == "report-plots"
    marks = ("config.json", "comparison.json", "last.safetensors", "vocabulary.json")
    for parent in path.parents:
        if any(f"{parent}/{mark}" in before for mark in marks):
            inner = path.relative_to(parent).parts[0]
            return (inner in RUN_FILES or inner in FOLDERS) and (again or report)
    return False


def check(sandbox: Sandbox, argv: list[str], before: dict[str, Any], result: Result) -> list[str]:
    """Return everything that a command did wrong, and restore the sandbox."""
    after = sandbox.tree()
    found = problems(result) + touched(argv, before, after)
    if result.status == 1 and argv[:1] == ["lessons"]:
        found = [each for each in found if each != "status 1"]
    if not result.hung:
        found += [f"left {name}" for name in after.keys() - before.keys() if name.endswith((".tmp", ".new"))]
    restore(sandbox, before, after)
    return found


def tell(argv: list[str], result: Result, found: list[str]) -> str:
    return f"{argv}\n  " + "\n  ".join(found) + f"\n{result.out[-1000:]}\n{result.err[-3000:]}"
