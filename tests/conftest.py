"""What the tests share: small files, trained runs, and a way to run the command line."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from filelock import FileLock

# No test asserts a timing. Other examples come with every run of the tests, so fifty a run are enough.
hypothesis.settings.register_profile("makemore", deadline=None, max_examples=50)
hypothesis.settings.load_profile("makemore")

# One thread, here and in the processes that tests start: these models are too small to share out, and the
# same number of threads gives the same bits. Set before anything imports torch.
os.environ["OMP_NUM_THREADS"] = "1"

# Commands that are printed begin with "makemore", however the tests were started.
os.environ.pop("UV_RUN_RECURSION_DEPTH", None)
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@dataclass
class Result:
    """What a command did."""

    status: int
    out: str
    err: str


@pytest.fixture
def makemore(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run `makemore ...` in this process, which spares the two seconds that importing torch takes."""
    from makemore.cli import main as cli
    from makemore.reports import pace

    monkeypatch.setattr(pace, "_WARM_UP", 0)  # of `inspect` and `compare`; nobody waits for a good estimate
    monkeypatch.setattr(pace, "_TIMED", 1)

    def call(*args: object, stdin: str | bytes | None = None) -> Result:
        monkeypatch.setattr(sys, "argv", ["makemore", *map(str, args)])
        if stdin is not None:
            data = stdin.encode("utf-8", "surrogatepass") if isinstance(stdin, str) else stdin
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), "utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert isinstance(end.value.code, int)
        return Result(end.value.code, *capsys.readouterr())

    return call


@pytest.fixture
def on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is large, and its chunks are small."""
    from makemore.corpus import sizes

    monkeypatch.setenv("MAKEMORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sizes, "SIZES", sizes.Sizes(large=0, chunk=500, piece=4000))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 300 names."""
    from makemore.corpus.source import locate

    names = locate("names").paths[0].read_text("utf-8").split("\n")
    path = tmp_path_factory.mktemp("small") / "small.txt"
    path.write_text("\n".join(names[::100][:300]) + "\n", "utf-8")
    return path


@pytest.fixture(scope="session")
def small_run(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of an `mlp` after five steps on `small`. Copy it before changing it."""
    return _train(small, tmp_path_factory.mktemp("mlp") / "run", type="mlp", max_steps=5)


@pytest.fixture(scope="session")
def names_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of an `ngram` on the bundled names: a good model. Copy it before changing it."""
    base = tmp_path_factory.getbasetemp()  # of this worker; the first one trains for all
    directory = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "names_run"
    with FileLock(f"{directory}.lock"):
        return directory if directory.exists() else _train("names", directory, type="ngram")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    """A `fuzzing.Sandbox` with lists, odd files and small runs."""
    from fuzz_sandbox import fill
    from fuzzing import Sandbox

    made = Sandbox(tmp_path_factory.mktemp("fuzz"))
    try:
        fill(made.work)
        yield made
    finally:
        made.close()


def _train(source: str | Path, directory: Path, **options: object) -> Path:
    import makemore

    makemore.train(source, work_dir=directory, device="cpu", **options)  # type: ignore[arg-type]
    return directory
