"""What makemore did not write stays as it is; a run is only replaced once the new one is complete."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from matplotlib.figure import Figure

import makemore as library
from makemore.corpus import cache
from makemore.course import lessons as course
from makemore.errors import MakemoreError
from makemore.files.locks import held
from makemore.files.manifest import NAME, Manifest
from makemore.plots import draw as plots
from makemore.plots.entry import Entry
from makemore.reports import comparison, page
from makemore.runs import ownership, recognition
from makemore.runs.recognition import FILES, FOLDERS, NEW, OLD

Tree = dict[str, tuple[int, Any]]

QUICK = ("--type", "bigram")
RUN_NAMES = [NAME, NEW, OLD, *FOLDERS, *(f"{name}{end}" for name in FILES for end in ("", ".tmp"))]


def tree(top: Path) -> Tree:
    """What is below a directory, links not followed: each path's type, and its bytes or where it leads."""
    found: Tree = {}
    for path in sorted(top.rglob("*")):
        mode = os.lstat(path).st_mode
        held: Any = None
        if stat.S_ISREG(mode):
            held = path.read_bytes()
        elif stat.S_ISLNK(mode):
            held = os.readlink(path)
        found[str(path.relative_to(top))] = (stat.S_IFMT(mode), held)
    return found


def a_file(path: Path) -> None:
    path.write_text("years of work")


def a_json(path: Path) -> None:
    path.write_text('{"mine": [1, 2, 3]}')


def a_directory(path: Path) -> None:
    path.mkdir()
    (path / "mine.txt").write_text("years of work")


def an_empty_directory(path: Path) -> None:
    path.mkdir()


def a_link_to_a_file(path: Path) -> None:
    (path.parent.parent / "elsewhere.txt").write_text("years of work")
    path.symlink_to("../elsewhere.txt")


def a_link_to_a_directory(path: Path) -> None:
    (path.parent.parent / "elsewhere").mkdir()
    (path.parent.parent / "elsewhere" / "losses.png").write_text("years of work")
    path.symlink_to("../elsewhere", target_is_directory=True)


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except OSError:
        pytest.skip("devices need rights that these tests do not have")


OBSTACLES = [
    a_file, a_json, a_directory, an_empty_directory, a_link_to_a_file, a_link_to_a_directory, a_dangling_link,
    a_fifo, a_device,
]  # fmt: skip
each_obstacle = pytest.mark.parametrize("put", OBSTACLES, ids=lambda put: put.__name__)


@pytest.fixture
def unchanged(makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command that must fail with one sentence and change nothing below the current directory."""
    monkeypatch.chdir(tmp_path)

    def call(*args: object) -> str:
        before = tree(tmp_path)
        result = makemore(*args)
        assert result.status == 2, (args, result)
        assert result.err.startswith("makemore: ")
        assert result.err.count("\n") == 1, result.err
        assert "standard output" not in result.err
        assert tree(tmp_path) == before
        return str(result.err)

    return call


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Like `unchanged`, by the library: reading a thousand command lines would take longest."""
    monkeypatch.chdir(tmp_path)

    def call(*source: Path, work_dir: str, **how: Any) -> str:
        before = tree(tmp_path)
        with pytest.raises(MakemoreError) as error:
            library.train(*source, work_dir=work_dir, device="cpu", **how)
        assert "\n" not in str(error.value)
        assert tree(tmp_path) == before
        return str(error.value)

    return call


@pytest.fixture(scope="module")
def bigram(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bigram") / "run"
    library.train(small, type="bigram", work_dir=path, device="cpu")
    return path


@pytest.fixture
def run(bigram: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run in the current directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(bigram, "run")
    return Path("run")


def anew(path: Path, source: Path | None = None) -> None:
    """Empty a directory and remove obstacles beside it; or copy another directory to its place."""
    shutil.rmtree(path)
    for beside in ("elsewhere", "elsewhere.txt"):
        beside_path = path.parent / beside
        shutil.rmtree(beside_path) if beside_path.is_dir() else beside_path.unlink(missing_ok=True)
    path.mkdir() if source is None else shutil.copytree(source, path, symlinks=True)


# starting a run


def test_a_directory_of_ones_own(makemore: Any, small: Path, tmp_path: Path, unchanged: Any) -> None:
    """A case in which everything was lost: a project with a list, notes and a page, but no run."""
    project = Path("project")
    for name in ("corpus/mine.txt", "tensorboard/notes.md", "report.html"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(small.read_bytes())
    for options in ((), ("--overwrite",)):
        assert "project/" in unchanged("-i", "project/corpus/mine.txt", "-o", "project", *QUICK, *options)


def test_a_run_beside_files_whose_names_do_not_clash(
    makemore: Any, small: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("project/notes").mkdir(parents=True)
    Path("project/notes/a.md").write_text("years of work")
    shutil.copy(small, "project/mine.txt")
    before = tree(Path("project"))
    assert makemore("-i", "project/mine.txt", "-o", "project", *QUICK).status == 0
    assert makemore("-i", "project/mine.txt", "-o", "project", *QUICK, "--overwrite").status == 0
    after = tree(Path("project"))
    assert {name: after[name] for name in before} == before
    assert library.load("project").summary()
    assert not (after.keys() & {NEW, OLD})


@each_obstacle
def test_starting_where_something_else_is(
    unchanged: Any, kept: Any, small: Path, put: Callable[[Path], None]
) -> None:
    new = Path("new")
    new.mkdir()
    for name in RUN_NAMES:
        put(new / name)
        assert "new" in kept(small, work_dir="new", type="bigram")
        assert kept(small, work_dir="new", type="bigram", overwrite=True)
        if name == "config.json":
            assert "new" in unchanged("-i", small, "-o", "new", *QUICK)
            assert unchanged("-i", small, "-o", "new", *QUICK, "--overwrite")
        anew(new)


def reserved(run: Path, name: str, put: Callable[[Path], None]) -> bool:
    """Whether a name is already makemore's, so that what is there looks like what makemore wrote."""
    ours = name.removesuffix(".tmp") in Manifest(run) or name == NAME
    return ours and put in ((an_empty_directory,) if name in (NEW, OLD) else (a_file, a_json))


@each_obstacle
def test_overwriting_where_something_else_is(
    unchanged: Any, kept: Any, small: Path, run: Path, bigram: Path, put: Callable[[Path], None]
) -> None:
    """At names that the run has not written yet, and at names of files of the run that were replaced."""
    for name in RUN_NAMES:
        path = run / name
        if reserved(run, name, put):
            continue
        path.unlink(missing_ok=True)
        put(path)
        said = kept(small, work_dir="run", type="bigram", overwrite=True)
        assert f"run/{name}" in said or name in ("config.json", NAME)
        if name == "report-plots":
            assert f"run/{name}" in unchanged("-i", small, "-o", "run", *QUICK, "--overwrite")
        anew(run, bigram)


@each_obstacle
def test_resuming_where_something_else_is(
    unchanged: Any, kept: Any, run: Path, bigram: Path, put: Callable[[Path], None]
) -> None:
    for name in RUN_NAMES:
        path = run / name
        if reserved(run, name, put) or (name in (NEW, OLD) and put is a_directory):
            continue
        path.unlink(missing_ok=True)
        put(path)
        assert "run" in kept(work_dir="run", resume=True)
        if name == "report-plots":
            assert "run" in unchanged("--resume", "-o", "run")
        anew(run, bigram)


def test_what_was_put_into_the_directories_of_a_run(
    makemore: Any, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert makemore("-i", small, "-o", "run", "--type", "mlp", "--max-steps", 3, "--tensorboard").status == 0
    (events,) = (path.name for path in Path("run/tensorboard").glob("events*"))
    assert events in Manifest(Path("run/tensorboard"))
    Path("run/tensorboard/notes.md").write_text("years of work")
    os.symlink("../../nowhere", "run/tensorboard/link")
    assert makemore("-i", small, "-o", "run", *QUICK, "--overwrite").status == 0
    assert sorted(os.listdir("run/tensorboard")) == ["link", "notes.md"]
    assert library.load("run").type == "bigram"
    assert not Path("run/.old").exists()
    assert (
        makemore(
            "-i", small, "-o", "run", "--type", "mlp", "--max-steps", 3, "--tensorboard", "--overwrite"
        ).status
        == 0
    )
    assert len(os.listdir("run/tensorboard")) == 4
    Path("run/tensorboard/notes.md").unlink()
    Path("run/tensorboard/link").unlink()
    assert makemore("-i", small, "-o", "run", *QUICK, "--overwrite").status == 0
    assert not Path("run/tensorboard").exists()


@pytest.mark.slow
def test_a_large_run_with_something_else_in_its_corpus(
    on_disk: None, makemore: Any, unchanged: Any, small: Path
) -> None:
    assert makemore("-i", "names", "-o", "run", *QUICK).status == 0
    assert Path("run/corpus/facts.json").exists()
    Path("run/corpus/mine.txt").write_text("years of work")
    assert "run/corpus/mine.txt" in unchanged("-i", small, "-o", "run", *QUICK, "--overwrite")
    Path("run/corpus/mine.txt").unlink()
    assert makemore("-i", small, "-o", "run", *QUICK, "--overwrite").status == 0


# an --overwrite that fails, or is killed


class Killed(BaseException):
    """Stands for SIGKILL: nothing is cleaned up after it."""


@contextlib.contextmanager
def interrupted(monkeypatch: pytest.MonkeyPatch, after: int, error: BaseException) -> Iterator[None]:
    """Let a rename fail after some have succeeded; if the error is Killed, no later one happens either."""
    left, dead = iter(range(after)), False

    def failing(original: Any) -> Any:
        def call(*args: Any, **more: Any) -> Any:
            nonlocal dead
            if (not dead and next(left, None) is None) or (dead and isinstance(error, Killed)):
                dead = True
                raise error
            return original(*args, **more)

        return call

    with monkeypatch.context() as patch:
        for name in ("rename", "replace"):
            patch.setattr(os, name, failing(getattr(os, name)))
        if isinstance(error, Killed):
            patch.setattr(ownership, "undo", lambda *_: None)
        yield


def is_new(run: Path) -> bool:
    """Whether this is the run below, which --overwrite puts in the place of the old one, also a bigram."""
    return bool(library.load(run).config.smoothing == 0.5)


@pytest.mark.parametrize(
    ("after", "old_format"), [*((n, False) for n in range(16)), *((n, True) for n in range(0, 16, 3))]
)
def test_an_overwrite_that_fails_leaves_the_old_run(
    makemore: Any, small: Path, run: Path, monkeypatch: pytest.MonkeyPatch, after: int, old_format: bool
) -> None:
    if old_format:
        make_old(run)
    before = tree(run)
    with interrupted(monkeypatch, after, OSError(errno.EIO, "Input/output error")):
        result = makemore("-i", small, "-o", "run", *QUICK, "--smoothing", 0.5, "--overwrite")
    if result.status == 0:  # nothing was renamed any more
        assert is_new(run)
        assert after >= 12
        return
    assert "Input/output error" in result.err
    if not is_new(run):
        assert tree(run) == before
    else:  # training of the new run had begun
        assert (run / "vocabulary.json").exists()
        assert not (run / OLD).exists()


@pytest.mark.parametrize("old_format", [False, True])
@pytest.mark.parametrize("after", range(0, 16, 3))
def test_an_overwrite_that_is_killed_leaves_the_old_run_or_the_new(
    makemore: Any, small: Path, run: Path, monkeypatch: pytest.MonkeyPatch, after: int, old_format: bool
) -> None:
    if old_format:
        make_old(run)
    before = tree(run)
    with interrupted(monkeypatch, after, Killed()), contextlib.suppress(Killed):
        library.train(small, type="bigram", smoothing=0.5, work_dir=run, device="cpu", overwrite=True)
    # an --overwrite that fails puts the old run back first
    copied = run.with_name("copied")
    shutil.copytree(run, copied, symlinks=True)
    ownership.recover(copied)
    assert not (copied / OLD).exists()
    if (
        json.loads((copied / "config.json").read_text())["model"]
        == json.loads(before["config.json"][1])["model"]
    ):
        now = tree(copied)
        assert {name: now[name] for name in before if name != NAME} == {
            name: held for name, held in before.items() if name != NAME
        }
        assert library.load(copied).sample(3, seed=1)
    # without --overwrite nothing is replaced, with it the same command does it all
    assert makemore("-i", small, "-o", "run", *QUICK, "--smoothing", 0.5).status == 2
    assert makemore("-i", small, "-o", "run", *QUICK, "--smoothing", 0.5, "--overwrite").status == 0
    assert is_new(run)
    assert not {NEW, OLD} & set(os.listdir(run))


def test_a_killed_replacement_is_told(
    run: Path, small: Path, makemore: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with interrupted(monkeypatch, 8, Killed()), pytest.raises(Killed):
        library.train(small, type="ngram", work_dir=run, device="cpu", overwrite=True)
    assert (run / OLD / "config.json").exists()
    for command in (["sample", "run"], ["--resume", "-o", "run"]):
        result = makemore(*command)
        assert result.status == 2
        assert "interrupted" in result.err
        assert "--overwrite" in result.err


def test_the_first_start_can_be_rerun_after_a_kill(
    makemore: Any, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for after in range(7):
        with interrupted(monkeypatch, after, Killed()), pytest.raises(Killed):
            library.train(small, type="bigram", work_dir="run", device="cpu")
        if not Path("run/config.json").exists():
            assert makemore("-i", small, "-o", "run", *QUICK).status == 0
        assert library.load("run")
        shutil.rmtree("run")


# runs of an older makemore


def make_old(run: Path) -> None:
    """Remove from a run what an older makemore did not write: the manifests, and every checksum."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    for manifest in run.rglob(NAME):
        manifest.unlink()
    config = json.loads((run / "config.json").read_text("utf-8"))
    del config["checksums"]
    (run / "config.json").write_text(json.dumps(config), "utf-8")
    for name in ("best.safetensors", "last.safetensors"):
        with safe_open(run / name, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = {key: value for key, value in file.metadata().items() if key != "checksum"}
        save_file(tensors, run / name, metadata or None)


@pytest.fixture(scope="module")
def reported(small: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every possible file. Copy it before changing it."""
    path = tmp_path_factory.mktemp("reported") / "run"
    how = {"type": "mlp", "max_steps": 3, "tensorboard": True, "diagnostics": True}
    library.train(small, work_dir=path, device="cpu", **how)
    page.write_report([path], None, 100)
    return path


@pytest.fixture
def old(reported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run as an older makemore left it, with every possible file."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(reported, "old")
    make_old(Path("old"))
    text = Path("old/report.html").read_text("utf-8")
    Path("old/report.html").write_text(text.replace('<meta name="generator"', "<meta name=x"), "utf-8")
    assert {"report.html", "report-plots", "tensorboard", "diagnostics.png", "loss.png"} <= set(
        os.listdir("old")
    )
    return Path("old")


def test_an_old_run_is_used_as_before(makemore: Any, small: Path, old: Path) -> None:
    for command in (["sample", "old"], ["score", "old", "emma"], ["eval", "old", "-n", 100]):
        before = tree(old)
        assert makemore(*command).status == 0
        assert tree(old) == before
    assert makemore("report", "old", "-n", 100).status == 0
    assert b'name="generator"' in Path("old/report.html").read_bytes()
    assert makemore("--resume", "-o", "old", "--max-steps", 5).status == 0
    assert library.load("old").summary().steps == 5


def test_an_old_run_is_overwritten(makemore: Any, small: Path, old: Path) -> None:
    Path("old/mine.txt").write_text("years of work")
    Path("old/report-plots/mine.txt").write_text("years of work")
    assert makemore("-i", small, "-o", "old", *QUICK, "--overwrite").status == 0
    assert library.load("old").type == "bigram"
    assert sorted(os.listdir("old")) == sorted(
        ["best.safetensors", "config.json", "corpus.npy", "last.safetensors", "mine.txt", "metrics.jsonl",
         "summary.json", "vocabulary.json", "report-plots", NAME]
    )  # fmt: skip
    assert os.listdir("old/report-plots") == ["mine.txt"]


@each_obstacle
def test_overwriting_an_old_run_where_something_else_is(
    kept: Any, small: Path, run: Path, put: Callable[[Path], None]
) -> None:
    make_old(run)
    shutil.copytree(run, "copy")
    for name in RUN_NAMES:
        path = run / name
        path.unlink(missing_ok=True)
        put(path)
        assert "run" in kept(small, work_dir="run", type="bigram", overwrite=True)
        anew(run, Path("copy"))


# reports


@pytest.fixture(scope="module")
def measured(bigram: Path) -> tuple[Any, Any]:
    found = page.assess(library.load(bigram), 100)
    together, each = plots.make_plots([Entry("run", library.load(bigram), found)])
    return found, [together, each[:3]]


@pytest.fixture
def quick_report(measured: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "assess", lambda *_: measured[0])
    monkeypatch.setattr(page, "make_plots", lambda _: measured[1])


def pictures_of(measured: tuple[Any, Any]) -> list[str]:
    return plots.picture_names([Entry("run", None, {})], measured[1])  # type: ignore[arg-type]


@each_obstacle
@pytest.mark.parametrize("output", [None, "mine/page.html"])
def test_a_report_where_something_else_is(
    unchanged: Any, quick_report: None, measured: Any, run: Path, bigram: Path, output: str | None,
    put: Callable[[Path], None],
) -> None:  # fmt: skip
    target = Path(output or "run/report.html")
    pictures = target.with_name(f"{target.stem}-plots")
    options = ["-o", output] if output else []
    inside = [f"{pictures.name}/{name}" for name in (NAME, *pictures_of(measured)[:3])]
    for name in [target.name, pictures.name, *inside, *(["report.html.tmp"] if output is None else [])]:
        if name == pictures.name and put in (a_directory, an_empty_directory) and output:
            continue  # where no name clashes
        path = target.with_name(name) if "/" not in name else target.parent / name
        if path.parent.name == "report-plots":  # it is there because of an earlier report
            Manifest(run).claim("report-plots", wanted="directory")
        path.parent.mkdir(exist_ok=True, parents=True)
        put(path)
        assert name.split("/")[-1] in unchanged("report", "run", *options)
        if output:
            shutil.rmtree("mine")
        anew(run, bigram)


@pytest.mark.parametrize(
    "place", ["run/config.json", "run/summary.json", "list.txt", "/dev/null", "run/corpus", "run/loss.png"]
)
def test_a_report_never_replaces_anything_else(unchanged: Any, run: Path, small: Path, place: str) -> None:
    shutil.copy(small, "list.txt")
    (run / "summary.json").rename("summary.json")
    assert place in unchanged("report", "run", "-o", place, "-n", 100)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.slow
def test_a_report_replaces_a_report(makemore: Any, quick_report: None, run: Path, small: Path) -> None:
    for place in ("run/report.html", "page.html"):
        for _ in range(2):
            assert makemore("report", "run", "-o", place).status == 0
        assert recognition.is_report(Path(place))
    assert makemore("report", "run").status == 0
    assert not [name for name in tree(Path()) if ".tmp" in name]
    # the old run's report goes with it, the page elsewhere stays
    assert makemore("-i", small, "-o", "run", *QUICK, "--overwrite").status == 0
    assert not (run / "report.html").exists()
    assert not (run / "report-plots").exists()
    assert Path("page.html").exists()


def test_a_report_beside_files_whose_names_do_not_clash(makemore: Any, quick_report: None, run: Path) -> None:
    Path("mine/page-plots").mkdir(parents=True)
    Path("mine/page-plots/notes.md").write_text("years of work")
    assert makemore("report", "run", "-o", "mine/page.html").status == 0
    assert Path("mine/page-plots/notes.md").read_text() == "years of work"


# comparisons


@each_obstacle
def test_a_comparison_where_something_else_is(
    unchanged: Any, small: Path, put: Callable[[Path], None]
) -> None:
    new = Path("new")
    new.mkdir()
    for name in (NAME, comparison.PLAN, f"{comparison.PLAN}.tmp", "bigram-3407"):
        put(new / name)
        assert name in unchanged("compare", small, "--types", "bigram", "-o", "new")
        anew(new)


def test_two_comparisons_at_once(unchanged: Any, makemore: Any, small: Path) -> None:
    assert makemore("compare", small, "--types", "bigram", "-o", "c").status == 0
    with held(Path("c")):
        assert "c: another process" in unchanged("compare", small, "--types", "bigram,ngram", "-o", "c")
    assert makemore("compare", small, "--types", "bigram,ngram", "-o", "c").status == 0
    Path("c/mlp-3407").mkdir()
    assert "mlp-3407" in unchanged("compare", small, "--types", "bigram,mlp", "-o", "c")


@pytest.mark.slow
def test_a_comparison_of_an_older_makemore_goes_on(
    makemore: Any, small: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert makemore("compare", small, "--types", "bigram", "-o", "c").status == 0
    for manifest in Path("c").rglob(NAME):
        manifest.unlink()
    assert makemore("compare", small, "--types", "bigram,ngram", "-o", "c").status == 0
    assert makemore("report", "c", "-n", 100).status == 0


# the cache


@pytest.fixture
def cached(tmp_path: Path, on_disk: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    cache.read("names")
    return tmp_path / "cache"


@each_obstacle
def test_clearing_the_cache_keeps_what_is_not_its_own(
    cached: Path, makemore: Any, put: Callable[[Path], None]
) -> None:
    (entry,) = cache.entries()
    foreign = ["0123456789abcdef01234567", "a" * 24 + ".part", "b" * 24 + ".lock", "notes"]
    for name in foreign:
        put(cached / name)
        if put is a_link_to_a_directory or put is a_link_to_a_file:
            anew_beside(cached)
    if put is an_empty_directory:
        (cached / foreign[2]).rmdir()  # as empty as a lock of makemore's
        foreign.remove("b" * 24 + ".lock")
    put(entry.directory / "mine")
    before = tree(cached)
    assert makemore("cache", "clear").status == 0
    after = tree(cached)
    assert {name.split("/")[0] for name in after} - {"elsewhere", "elsewhere.txt"} == {
        *foreign,
        entry.directory.name,
    }
    mine = {name: held for name, held in before.items() if name.split("/")[0] in foreign or "/mine" in name}
    assert {name: after[name] for name in mine} == mine
    assert {name for name in after if name.startswith(entry.directory.name + "/")} == {
        name for name in mine if name.startswith(entry.directory.name + "/")
    }


def anew_beside(cached: Path) -> None:
    for path in (cached.parent / "elsewhere", cached.parent / "elsewhere.txt"):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def test_what_an_interrupted_reading_leaves_is_listed_and_cleared(cached: Path, makemore: Any) -> None:
    (entry,) = cache.entries()
    part = entry.directory.with_name("c" * 24 + ".part")
    entry.directory.rename(part)
    (part / "facts.json").unlink()
    older = entry.directory.with_name("d" * 24 + ".part")  # before there were manifests
    older.mkdir()
    (older / "tokens.npy").write_bytes(bytes(2_000_000))
    listed = makemore("cache").out
    assert listed.count("unfinished") == 2
    assert "2.0 MB" in listed
    size = sum(path.stat().st_size for path in (*part.iterdir(), *older.iterdir()) if path.name != NAME)
    assert cache.clear_cache() == size
    assert list(cached.iterdir()) == []


def test_what_a_run_links_to_is_not_freed(cached: Path, tmp_path: Path) -> None:
    library.train("names", type="bigram", work_dir=tmp_path / "run", device="cpu")
    linked = sum(
        path.stat().st_size for path in (tmp_path / "run" / "corpus").iterdir() if path.stat().st_nlink > 1
    )
    assert linked > 0
    (entry,) = cache.entries()
    assert cache.clear_cache() <= entry.size - linked
    assert library.load(tmp_path / "run").sample(2, seed=1, novel=True)


def test_an_entry_that_is_being_made_is_not_cleared(cached: Path) -> None:
    (entry,) = cache.entries()
    lock = entry.directory.with_name(entry.directory.name + ".lock")
    with held(lock):
        assert cache.clear_cache() == 0
    assert cache.entries() == [entry]
    assert lock.exists()
    cache.clear_cache()
    assert list(cached.iterdir()) == []


def test_an_entry_of_an_older_makemore_is_cleared(cached: Path) -> None:
    (entry,) = cache.entries()
    (entry.directory / NAME).unlink()
    (entry.directory / "sorted.123.runs.tmp").write_bytes(b"x")
    assert cache.clear_cache() > 100_000
    assert list(cached.iterdir()) == []


# lessons


@each_obstacle
def test_lessons_never_overwrite(
    makemore: Any, tmp_path: Path, monkeypatch: Any, put: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert makemore("lessons", "start", 4).status == 0
    names = [name for name, (kind, _) in tree(Path("lesson-4")).items() if kind == stat.S_IFREG]
    assert len(names) >= 3
    for name in names:
        shutil.rmtree("lesson-4")
        path = Path("lesson-4") / name
        path.parent.mkdir(parents=True)
        put(path)
        before = tree(tmp_path)
        result = makemore("lessons", "start", 4)
        after = tree(tmp_path)
        assert {p: after[p] for p in before} == before
        assert result.status == 0
        assert {str(Path("lesson-4") / each) for each in names} <= after.keys()
        for beside in (path.parent.parent / "elsewhere", path.parent.parent / "elsewhere.txt"):
            shutil.rmtree(beside) if beside.is_dir() else beside.unlink(missing_ok=True)


def test_lessons_are_whole_or_not_there(
    makemore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    original = os.link
    for room in range(3):
        left = iter(range(room))

        def link(*args: Any, left: Any = left) -> None:
            if next(left, None) is None:
                raise Killed
            original(*args)

        with monkeypatch.context() as patch:
            patch.setattr(os, "link", link)
            with pytest.raises(Killed):
                course.start("3")
        for path in Path("lesson-4").rglob("*.*"):
            assert path.suffix == ".tmp" or path.stat().st_size > 0
    assert makemore("lessons", "start", 4).status == 0


# damage


def read_all(path: Path) -> None:
    run = library.load(path)
    assert len(run.corpus)
    run.disk.read_best(run.new_model())
    run.disk.load_checkpoint()


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors", "corpus.npy", "vocabulary.json"])
def test_one_flipped_bit_is_noticed(small_run: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(small_run, tmp_path / "run")
    path = tmp_path / "run" / name
    data = path.read_bytes()
    random = Random(1)
    for place in [0, 8, len(data) - 1, *(random.randrange(len(data)) for _ in range(25))]:
        damaged = bytearray(data)
        damaged[place] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(MakemoreError, match=name.replace(".", r"\.")) as error:
            read_all(tmp_path / "run")
        assert "\n" not in str(error.value)
    path.write_bytes(data)
    assert library.load(tmp_path / "run").sample(2, seed=1)


@pytest.mark.parametrize("name", ["loss.png", "report.html"])
def test_what_a_person_put_in_the_place_of_a_picture_or_page_stays(
    name: str, makemore: Callable[..., Any], small: Path, reported: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(reported, tmp_path / "run")
    (run / name).write_bytes(b"my own")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    result = makemore("-i", small, "-o", run, *QUICK, "--overwrite")
    assert result.status == 2
    assert f"{run / name}: was not written by makemore, and was left alone" in result.err
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}


def matplotlib_picture(path: Path, **metadata: str) -> bytes:
    """Write a picture with Matplotlib, and return what the file holds."""
    figure = Figure()
    figure.add_subplot().plot([1, 2, 3])
    figure.savefig(path, format="png", metadata=metadata or None)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["loss.png", "diagnostics.png"])
def test_a_picture_that_a_person_drew_stays_in_an_old_run(
    name: str, unchanged: Callable[..., str], small: Path, run: Path
) -> None:
    make_old(run)
    drawn = matplotlib_picture(run / name)
    said = unchanged("-i", small, "-o", "run", *QUICK, "--overwrite")
    assert f"run/{name}: was not written by makemore, and was left alone" in said
    assert (run / name).read_bytes() == drawn


def test_a_picture_with_our_signature_is_replaced_in_an_old_run(
    makemore: Callable[..., Any], small: Path, run: Path
) -> None:
    make_old(run)
    matplotlib_picture(run / "loss.png", **recognition.SIGNED)
    assert makemore("-i", small, "-o", "run", *QUICK, "--overwrite").status == 0
    assert not (run / "loss.png").exists()  # a bigram has no curve


def test_a_manifest_that_was_cut_anywhere_still_serves(
    makemore: Callable[..., Any], small: Path, tmp_path: Path
) -> None:
    run, copy = tmp_path / "run", tmp_path / "copy"
    assert makemore("-i", small, "-o", run, "--type", "bigram").status == 0
    whole = (run / "manifest.jsonl").read_bytes()
    for at in range(whole.index(b"\n") + 1, len(whole) + 1, 29):
        shutil.copytree(run, copy)
        (copy / "manifest.jsonl").write_bytes(whole[:at])
        for _ in range(2):  # what the first one notes after the cut line must not break the second
            result = makemore("-o", copy, "--resume", "--max-steps", 5)
            assert result.status == 0 or "was not written by makemore" in result.err, result.err
            assert makemore("sample", copy, "-n", 1).status == 0
        shutil.rmtree(copy)


def test_a_manifest_of_great_depth_is_no_manifest(
    makemore: Callable[..., Any], small: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.jsonl").write_text("[" * 100_000)
    result = makemore("-i", small, "-o", tmp_path / "run", "--type", "bigram")
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert "manifest.jsonl" in result.err
