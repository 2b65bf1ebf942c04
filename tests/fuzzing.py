"""Runs many command lines quickly and safely: in a sandbox, each in a fork of one process with torch loaded.

A case is a dictionary: argv, cwd, and the file that standard input reads ("" for a closed one). The
process that forks ("zygote") takes cases as JSON lines and answers with the status, the end of the output,
and what happened that must not.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SECONDS = 30.0
"""Of computing, or of waiting: longer is a hang."""

MEMORY, FILE_SIZE = 4 << 30, 64 << 20
"""What a command may take beyond what the zygote has, and the largest file it may write, in bytes."""

STARTS = (
    "subprocess.Popen",
    "socket.bind",
    "socket.connect",
    *(f"os.{name}" for name in ("exec", "posix_spawn", "fork", "system")),
)
WRITES = {
    "os.mkdir": (0,), "os.rename": (0, 1), "os.remove": (0,), "os.rmdir": (0,), "os.link": (1,),
    "os.symlink": (1,), "os.truncate": (0,), "os.chmod": (0,), "os.chown": (0,), "os.utime": (0,),
    "shutil.rmtree": (0,),
}  # fmt: skip


def _watch(root: Path, note: Path) -> None:
    """Record forbidden actions of a command line: running, unpickling, or writing outside the sandbox."""
    busy = False

    def outside(path: Any) -> bool:
        if isinstance(path, int) or path is None or os.fsdecode(path) == os.devnull:
            return False
        whole = os.path.realpath(os.path.dirname(os.path.abspath(os.fsdecode(path))))
        return whole != str(root) and not whole.startswith(f"{root}/")

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal busy
        if busy:
            return
        busy, wrong = True, ""
        try:
            if (
                event == "open"
                and isinstance(args[2], int)
                and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            ):
                wrong = f"open {args[0]}" if outside(args[0]) else ""
            elif event in WRITES:
                dirs = [a for a in args[len(WRITES[event]) :] if isinstance(a, int) and a > 2]
                wrong = " ".join(f"{event} {args[i]}" for i in WRITES[event] if not dirs and outside(args[i]))
            elif event == "pickle.find_class":  # plots are copied that way
                module, name = map(str, args)
                plain = module.startswith(
                    ("matplotlib", "numpy", "functools", "collections", "makemore")
                ) or (module == "builtins" and name not in ("eval", "exec", "compile", "open", "__import__"))
                wrong = "" if plain else f"{event} {args}"
            elif event in STARTS:
                wrong = f"{event} {args}"
            if wrong:
                with open(note, "a", encoding="utf-8", errors="backslashreplace") as file:
                    file.write(wrong + "\n")
        finally:
            busy = False
        if wrong and event not in ("socket.bind", "socket.connect"):
            raise PermissionError(13, f"the sandbox refuses {wrong}")

    sys.addaudithook(hook)


def _child(case: dict[str, Any], root: Path) -> None:
    """Run the command in this process, which is its own."""
    os.setsid()
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(root / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if case["stdin"]:
        os.dup2(os.open(case["stdin"], os.O_RDONLY), 0)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    else:
        os.close(0)
        sys.stdin = None  # type: ignore[assignment]  # what Python makes of a closed one
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sandbox = root / "sandbox"
    os.environ |= {"HOME": str(sandbox / "home"), "TMPDIR": str(sandbox / "tmp"), "COLUMNS": "80"}
    os.environ |= {"MAKEMORE_CACHE": str(sandbox / "cache")} | case.get("environment", {})
    os.chdir(case["cwd"])
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_SIZE, FILE_SIZE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.argv = ["makemore", *case["argv"]]
    from makemore.cli import main as cli

    _watch(sandbox, root / "note")
    cli.main()


def _wait(number: int) -> tuple[int, float, bool]:
    """Return how a child ended, after how many seconds, and whether it was killed because it hung."""
    began = time.monotonic()
    while True:
        found, status = os.waitpid(number, os.WNOHANG)
        took = time.monotonic() - began
        if found:
            return os.waitstatus_to_exitcode(status), took, False
        if took > SECONDS:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            worked = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            if (
                worked > SECONDS or worked < took / 20 or took > 10 * SECONDS
            ):  # not on a machine that is merely busy
                os.killpg(number, signal.SIGKILL)
                os.waitpid(number, 0)
                return -signal.SIGKILL, took, True
        time.sleep(0.002 if took < 1 else 0.05)


def _zygote(root: Path) -> None:
    """Answer cases until standard input ends."""
    os.environ["MPLCONFIGDIR"] = str(root / "matplotlib")
    import matplotlib.font_manager  # noqa: F401
    import torch

    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        case = json.loads(line)
        (root / "note").unlink(missing_ok=True)
        number = os.fork()
        if not number:
            status = 1
            try:
                _child(case, root)
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
            except BaseException:
                import traceback

                os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))
            finally:
                for stream in (sys.stdout, sys.stderr):
                    try:
                        stream.flush()
                    except (OSError, ValueError):
                        status = status or 120
                os._exit(status)
        status, took, hung = _wait(number)
        note = (root / "note").read_text() if (root / "note").exists() else ""
        answers.write(json.dumps({"status": status, "seconds": took, "hung": hung, "note": note}) + "\n")
        answers.flush()


class Result:
    """What a command did: its status, what it printed, and what it did that it must not."""

    def __init__(self, answer: dict[str, Any], out: str, err: str) -> None:
        self.status: int = answer["status"]
        self.seconds: float = answer["seconds"]
        self.hung: bool = answer["hung"]
        self.note: str = answer["note"]
        self.out, self.err = out, err


class Sandbox:
    """Directories that a command may see: sandbox/work, where it runs, and beside it home, tmp and cache."""

    def __init__(self, root: Path) -> None:
        self.root, self.work = root, root / "sandbox" / "work"
        for name in ("work", "home", "tmp", "cache"):
            (root / "sandbox" / name).mkdir(parents=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKEMORE", "PYTEST", "COV"))}
        environment |= {"OMP_NUM_THREADS": "1", "TERM": "dumb"}
        self._zygote = subprocess.Popen(
            [sys.executable, __file__, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment,
        )  # fmt: skip

    def close(self) -> None:
        """End the process that forks."""
        assert self._zygote.stdin is not None
        self._zygote.stdin.close()
        self._zygote.wait(60)

    def run(
        self, argv: list[str], stdin: str = os.devnull, cwd: Path | None = None, **environment: str
    ) -> Result:
        """Run one command line."""
        case = {"argv": argv, "cwd": str(cwd or self.work), "stdin": stdin, "environment": environment}
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write(json.dumps(case) + "\n")
        self._zygote.stdin.flush()
        answer = json.loads(self._zygote.stdout.readline())
        said = [(self.root / name).read_text("utf-8", "replace") for name in ("out", "err")]
        return Result(answer, *said)

    def tree(self) -> dict[str, tuple[Any, ...]]:
        """Everything in the sandbox: kind and mode, where a link leads, and what a file holds."""
        found: dict[str, tuple[Any, ...]] = {}
        top = self.root / "sandbox"
        for directory, folders, files in os.walk(top):
            for name in (*folders, *files):
                path = os.path.join(directory, name)
                what = os.lstat(path)
                held: Any = None
                if stat.S_ISLNK(what.st_mode):
                    held = os.readlink(path)
                elif stat.S_ISREG(what.st_mode):
                    with open(path, "rb") as file:
                        held = file.read()
                found[os.path.relpath(path, top)] = (what.st_mode, held)
        return found


def problems(result: Result) -> list[str]:
    """What is wrong with how a command ended."""
    found = []
    if result.hung:
        found.append(f"it hung: ended after {result.seconds:.0f} s")
    elif result.status not in (0, 2, 130):
        found.append(f"status {result.status}")
    if "Traceback (most recent call last)" in result.out + result.err:
        found.append("a traceback")
    if result.note:
        found.append(result.note.strip())
    said = [line for line in result.err.splitlines() if "num-workers is not needed" not in line]
    if result.status == 2 and (len(said) != 1 or not said[0].startswith("makemore: ")):
        found.append(f"status 2 with {len(said)} lines on standard error")
    if result.status == 2 and len(result.err) > 3000:
        found.append(f"a sentence of {len(result.err):,} characters")
    return found


if __name__ == "__main__":
    _zygote(Path(sys.argv[1]))
