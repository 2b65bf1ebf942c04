"""What the README and the documents say is true: Python and commands run, links work, the site builds."""

from __future__ import annotations

import gzip
import re
import shlex
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import makemore as library
from makemore.corpus import source
from makemore.course import lessons as course

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"^(?: {4})?(?:uv run )?makemore(?: (.+?))?(?:\s+#.*)?$", re.MULTILINE)


def blocks(text: str) -> list[tuple[str, str]]:
    """Every block of code: its language ("" where indented), and the code."""
    fenced = re.findall(r"^```(\S*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    rest = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return fenced + [("", block) for block in re.findall(r"(?:^ {4}\S.*\n)+", rest, re.MULTILINE)]


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that the documents begin with, and its list."""
    place = tmp_path_factory.mktemp("first")
    lines = library.read("companies").lines(range(0, 26_000, 50))
    (place / "mine.txt").write_text("\n".join(lines), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        library.train("mine.txt", type="ngram", work_dir="out")
    return place


@pytest.fixture(scope="module")
def small_lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled lists with a tenth of their lines each, so that training on them takes little time."""
    there = tmp_path_factory.mktemp("data")
    for path in (ROOT / "src" / "makemore" / "corpus" / "data").iterdir():
        lines = path.read_text("utf-8").splitlines(keepends=True)
        is_list = path.suffix in (".txt", ".csv")
        (there / path.name).write_text("".join(lines[:: 10 if is_list else 1]), "utf-8")
    return there


@pytest.fixture
def a_person(first_run: Path, small_lists: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with its own list, the run that the documents begin with, and smaller bundled lists."""
    monkeypatch.setattr(source, "_data", lambda: small_lists)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(first_run, tmp_path, dirs_exist_ok=True)
    lines = Path("mine.txt").read_text("utf-8").splitlines()
    rows = [f'{i},"{line}"' for i, line in enumerate(lines)]
    Path("people.csv").write_text("\n".join(["id,name", *rows]), "utf-8")
    for name in ("haiku.txt", "hindi.txt"):
        shutil.copy(ROOT / "benchmarks" / "lists" / name, name)
    for name in ("data/a.txt", "more/b.txt"):
        Path(name).parent.mkdir()
        Path(name).write_text("\n".join(line + name[0] for line in lines), "utf-8")
    Path("huge.txt.gz").write_bytes(gzip.compress(Path("mine.txt").read_bytes()))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_the_python_runs(path: Path, a_person: Path) -> None:
    known: dict[str, Any] = {}
    for language, code in blocks(path.read_text("utf-8")):
        # what needs packages that makemore does without is run by test_exports.py
        if language == "python" and "from transformers" not in code and "onnxruntime" not in code:
            exec(code.replace('train("names", type="gru"', 'train("names", type="ngram"'), known)


@pytest.mark.slow
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_the_commands_run(path: Path, makemore: Any, a_person: Path) -> None:
    """As written, except for the time that training takes, and the number of samples."""
    for language, code in blocks(path.read_text("utf-8")):
        if language not in ("", "sh"):
            continue
        for command in COMMAND.findall(code):
            if "--nproc" in command or "--to onnx" in command or command.startswith(OPENING):
                # run by test_group.py, test_exports.py and browser.py
                continue
            command = re.sub(r"--types \S+ --time \S+", "--types ngram,bigram", command)
            words = shlex.split(re.sub(r"--time (\d)0", r"--time 0.\1", command))
            if words[:1] == ["sample"] and "--pattern" in words and "-n" not in words:
                words += ["-n", "3"]
            if "--best" in words and "--pattern" in words:  # many trials
                words.remove("--best")
            if words in (["report", "firms"], ["eval", "firms"], ["report", "mine"]):
                words += ["-n", "500"]
            if not words or words == ["mine.txt", "-o", "mine"]:
                words += ["--max-steps", "5"]
            if words[:1] == ["-i"] and "--time" not in words:
                counts = "ngram" in words
                learned = {"--type", "--from"} & set(words)
                words += [] if counts else ["--max-steps", "5"] if learned else ["--type", "ngram"]
            result = makemore(*words)
            graded = words[:2] == ["lessons", "check"]  # nothing is filled in yet
            assert (result.status, result.err) == (int(graded), ""), command
            assert result.out, command


OPENING = ("import ", "play", "lessons open ")
"""Commands that need other packages or open a browser."""

NOT_RUN = {
    "pip install uv && uv run makemore": "the default run, which trains for a minute",
    "pip install uv && uv run pytest": "these tests",
    "uv run pytest                 # a few minutes": "these tests",
    "uv run pytest -m release      # before a release: the longest of them, which CI leaves out": "these tests",
    "uv run pytest -m slow         # the slow tests: several processes, benchmarks, lessons, fuzzing": (
        "these tests"
    ),
    "pip install uv && uv run pre-commit install     # once: format, lint and types before every commit": (
        "changes the checkout"
    ),
    "uv run ruff check . && uv run ruff format --check .": "run by .ci/run",
    "uv run mypy": "run by .ci/run",
    "pip install 'makemore[onnx]' onnxruntime": "needs a package index",
    "pip install 'makemore[course]'           # JupyterLab; in a checkout: uv sync --extra course": (
        "needs a package index"
    ),
    "python mine.py -i names.txt              # train, save mine.pt, sample": "run by test_eject.py",
    "python mine.py -n 50 --prefix ka         # sample again": "run by test_eject.py",
    "python mine.py -i names.txt --resume     # train the saved model again": "run by test_eject.py",
    "bash .ci/run                  # all but the release tests, as CI does": "runs these tests",
    "jupyter nbconvert --to slides lesson-4/04_mlp.ipynb --TagRemovePreprocessor.remove_input_tags hide-input": (
        "run by test_course.py"
    ),
    "uv run lessons/04_mlp.py                 # a lesson as it is": "run by test_course.py",
    "uv run sphinx-build -W docs site         # the site": "run below",
    "zcat huge.txt.gz | makemore -i - -o piped         # standard input": "run by test_cache.py",
    "torchrun --nnodes 2 --nproc-per-node 8 --max-restarts 3 \\": (
        "needs several machines; test_group.py runs two processes on one"
    ),
    "--rdzv-backend c10d --rdzv-endpoint first-machine:29400 --rdzv-id monday \\": "the same",
    "-m makemore train -i /shared/huge.txt -o /shared/run --type transformer --dropout 0": "the same",
    "python lesson-1/01_counting_pairs.py     # run it as a script; figures go to figures/": (
        "run by test_course.py"
    ),
}
"""Commands in the documents that no test runs as they stand, and why."""


def test_every_command_is_run_or_known() -> None:
    """A block of another language, or a line that the tests above do not know, would never be run."""
    for path in [*DOCUMENTS, ROOT / "CONTRIBUTING.md"]:
        for language, code in blocks(path.read_text("utf-8")):
            assert language in ("", "sh", "python", "text", "{toctree}", "{eval-rst}"), (path, code)
            for line in code.strip().splitlines():
                line = line.strip()
                shell = language == "sh" or re.match(r"(uv|pip|python|bash|makemore) ", line)
                if line and shell and language != "python" and not COMMAND.match(line):
                    assert line in NOT_RUN, (path.name, line)


def test_the_links_lead_somewhere() -> None:
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        for target in re.findall(r"\]\((?!http)([^)#]+)[^)]*\)", text):
            made = target.startswith("generated/")
            assert made or (path.parent / target).exists(), (path.name, target)
    models = (ROOT / "docs" / "models.md").read_text("utf-8")
    assert re.findall(r"^\| \[`(\w+)`\]", models, re.MULTILINE) == list(library.MODELS)


def test_the_path_to_read_is_short_and_its_lengths_are_right() -> None:
    design = (ROOT / "docs" / "design.md").read_text("utf-8")
    path = re.findall(r"^\| `([\w/]+\.py)` \| ([\d,]+) \|", design, re.MULTILINE)
    lengths = {name: len((ROOT / "src/makemore" / name).read_text("utf-8").splitlines()) for name, _ in path}
    assert path
    assert sum(lengths.values()) <= 2500
    assert {name: int(said.replace(",", "")) for name, said in path} == lengths


def test_the_readme_fits_its_bounds() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert len(readme.splitlines()) <= 120
    packages = {path.parent.name for path in (ROOT / "src/makemore").glob("*/__init__.py")}
    assert set(re.findall(r"^\| \[?`(\w+)`", readme, re.MULTILINE)) == packages


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("script", "img", "iframe") and "src" in given:
            self.loaded.append(given["src"])
        if tag == "link" and given.get("rel") == "stylesheet":
            self.loaded.append(given["href"])


@pytest.mark.slow
def test_the_site_builds_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    """Warnings are errors, every link within the site has a target, and nothing is loaded from elsewhere."""
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", tmp_path / "t",
         ROOT / "docs", tmp_path / "site"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    pages = {path.resolve(): _Page() for path in (tmp_path / "site").rglob("*.html")}
    for path, page in pages.items():
        page.feed(path.read_text("utf-8"))
    made = {path.name for path in (tmp_path / "site" / "generated" / "lessons").glob("*.html")}
    assert made == {f"{each.path.stem}.html" for each in course.lessons() if each.number}
    for path in (tmp_path / "site" / "generated" / "lessons").glob(
        "*.html"
    ):  # formulas are set, and figures described
        text = path.read_text("utf-8")
        assert "<math" in text, path.name
        assert "$$" not in text, path.name
        assert all(len(alt) > 10 for alt in re.findall(r'<img alt="([^"]*)"', text)), path.name
    for style in (tmp_path / "site").rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", style.read_text("utf-8")), style.name
    for path, page in pages.items():
        for target in page.loaded:
            assert not re.match(r"(https?:)?//", target), (path.name, target)
        for link in page.links:
            if re.match(r"(https?|mailto):", link):
                continue
            file, _, anchor = link.partition("#")
            to = (path.parent / file.partition("?")[0]).resolve() if file else path
            assert to.exists(), (path.name, link)
            assert not anchor or to not in pages or anchor in pages[to].ids, (path.name, link)
