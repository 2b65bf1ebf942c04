"""Whatever the input, memory and time stay bounded, and exceeding a bound is one short sentence."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import itertools
import lzma
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import makemore as library
from makemore.corpus import cache
from makemore.corpus.corpus import Corpus
from makemore.corpus.lines import texts
from makemore.corpus.reading import How
from makemore.corpus.sizes import Sizes
from makemore.corpus.source import locate
from makemore.corpus.splits import SPLITS
from makemore.errors import MakemoreError
from makemore.metrics import baselines
from makemore.metrics import losses as evaluation
from makemore.models import MODELS, build, configure, count_parameters, ngram
from makemore.reports.inspection import inspect
from makemore.runs.run import load
from makemore.runs.settings import Given
from makemore.sampling import most_likely as search
from makemore.sampling import pattern as matching
from makemore.sampling import tree as trees
from makemore.sampling.options import SampleOptions
from makemore.sampling.pattern import Matcher
from makemore.training import capacity

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MB = 1_000_000

_PEAK = """
import sys
from makemore.errors import MakemoreError
try:
    exec(sys.argv[1])
except MakemoreError as error:
    print("said:", error)
except SystemExit:
    pass
sys.stdout.flush()
with open("/proc/self/status") as status:
    print("peak:", next(int(line.split()[1]) for line in status if line.startswith("VmHWM")))
"""


@pytest.fixture
def peak() -> Callable[..., tuple[float, str]]:
    """Run code in its own process; return its peak memory in MB and its output."""
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak is known on Linux only")

    def run(code: str, *args: object, stdin: Any = subprocess.DEVNULL) -> tuple[float, str]:
        done = subprocess.run(
            [sys.executable, "-c", _PEAK, code, *map(str, args)],
            stdin=stdin,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stderr
        said, _, kilobytes = (done.stdout + done.stderr).rpartition("peak: ")
        return int(kilobytes.split()[0]) * 1024 / MB, said + kilobytes.partition("\n")[2]

    return run


READ = "from makemore.corpus.cache import read; read(sys.argv[2])"


@pytest.fixture(params=["zst", "gz", "bz2", "xz"])
def bomb(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A small file that unpacks to a line of 800 MB."""
    path = tmp_path / f"bomb.{request.param}"
    opened: dict[str, Any] = {"zst": zstd.open, "gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    more = {"compresslevel": 1} if request.param == "gz" else {"preset": 0} if request.param == "xz" else {}
    with opened[request.param](path, "wb", **more) as file:
        file.write(b"x" * 16 * MB)
    path.write_bytes(path.read_bytes() * 50)  # each format may have several parts, which are read as one
    return path


@pytest.mark.slow
def test_a_small_file_that_unpacks_to_one_huge_line(peak, bomb):
    memory, said = peak(READ, bomb)
    assert f"{bomb.name}: line 1 has more than 16,777,216 characters; put one thing on each line" in said
    assert memory < 250


@pytest.mark.parametrize("more", ["", ", max_length=40"])
def test_a_line_without_end(peak, tmp_path, more):
    """Even if long lines are dropped: another might follow."""
    endless = subprocess.Popen(
        [sys.executable, "-c", "print('emma\\nava')\nwhile True: print('x' * 100_000, end='')"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    memory, said = peak(f"from makemore.corpus.cache import read; read('-'{more})", stdin=endless.stdout)
    endless.kill()
    endless.wait()
    assert "said: standard input: line 3 has more than 16,777,216 characters" in said
    assert memory < 250


def test_the_line_that_is_too_long_is_named(tmp_path):
    sizes = Sizes(endless=1000, block=300)
    path = tmp_path / "long.txt"
    for before in (0, 1, 7, 99):
        for after in ("", "\n", "\nmia\nzoe\n"):
            path.write_text("emma\n" * before + "x" * 1000 + after)
            assert sum(map(len, texts(locate(path), How(), sizes=sizes))) > 1000
            path.write_text("emma\n" * before + "x" * 1001 + after)
            with pytest.raises(MakemoreError, match=rf"long.txt: line {before + 1} has more than 1,000 char"):
                list(texts(locate(path), How(), sizes=sizes))


@pytest.mark.slow
def test_scoring_standard_input_without_end(peak, small_run):
    endless = subprocess.Popen(
        [sys.executable, "-c", "print('emma')\nwhile True: print('x' * 100_000, end='')"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    code = f"from makemore.__main__ import main; sys.argv = ['makemore', 'score', {str(small_run)!r}]; main()"
    memory, said = peak(code, stdin=endless.stdout)
    endless.kill()
    endless.wait()
    assert "makemore: standard input: line 2 has more than 16,777,216 characters" in said
    assert memory < 1100  # of which torch has two thirds


def test_lines_without_end_stop_before_the_disk_is_full(tmp_path, monkeypatch):
    """`yes | makemore -i -`: the cache only fills the space that the disk can spare."""
    monkeypatch.setenv("MAKEMORE_CACHE", str(tmp_path / "cache"))
    written = 0

    def usage(path: Path) -> SimpleNamespace:
        nonlocal written
        written = sum(file.stat().st_size for file in Path(path).iterdir())
        return SimpleNamespace(total=100 * MB, free=100 * MB - written, used=written)

    monkeypatch.setattr(shutil, "disk_usage", usage)

    path = tmp_path / "stream.txt"
    os.mkfifo(path)
    endless = subprocess.Popen(
        ["sh", "-c", f"yes 'emma\nava\nolivia\nzoe' > '{path}'"], stderr=subprocess.DEVNULL
    )
    with pytest.raises(
        MakemoreError, match=r"stream.txt: after [\d,]+ lines, 0.0\d billion characters, the disk"
    ) as said:
        cache.read_corpus(path, How(), sizes=Sizes(large=1000))
    endless.kill()
    endless.wait()
    assert "give fewer lines" in str(said.value)
    assert "MAKEMORE_CACHE" in str(said.value)
    assert written < 60 * MB  # the rest is for what is made of the lines
    assert not list((tmp_path / "cache").glob("*.part"))


# patterns


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(?R)", "calls a part of itself, (?R)"),
        ("a(?R)?b", "calls a part of itself"),
        ("(?1)(a|b(?1))", "calls a part of itself"),
        ("(?&x)(?P<x>a)", "calls a part of itself"),
        ("(?P>x)(?P<x>a)", "calls a part of itself"),
        ("(a{1000}){1000}", "repeats too much"),
        ("((ab){99}){99}{99}", "repeats too much"),
        ("a{99999999999999999999}", "repeats too much"),
        ("(?:(a|b){3}[a-c]{3}){100000}", "repeats too much"),
        ("(?<=a{1000}){1000}", "repeats too much"),
        ("x" * 1001, "is longer than 1,000 characters"),
        ("(" * 400 + ")" * 400, "not a regular expression"),
    ],
)
def test_patterns_that_would_take_too_much(pattern, says):
    with pytest.raises(MakemoreError) as said:
        Matcher(pattern)
    assert str(said.value).startswith(f"pattern '{pattern[:10]}")
    assert says in str(said.value)
    assert len(str(said.value)) < 300


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("[a-d].{4,6}", "abcdef"),
        (r"(?:a{3}b){2}", "aaabaaab"),
        (r"\(\?R\)", "(?R)"),
        ("[(?R)]+", "(?R)"),
        (r"(?i)EM(?:m|n)a", "emma"),
        ("a{1,100000000}", "aaa"),
        (r"(?P<x>.)(?P=x)\1", "aaa"),
        ("(?#a note)x", "x"),
        ("[]]{2}[^]]", "]]x"),
        ("a{,3}b", "aab"),
        ("(.{0,1000}){0,1000}", "emma"),
    ],
)
def test_patterns_that_are_no_trouble(pattern, line):
    assert Matcher(pattern).does(line)
    assert Matcher(pattern).could(line[:-1])


def test_matching_that_finds_nothing_has_an_end(monkeypatch):
    """The time of all lines adds up, and starts again when one matches."""
    monkeypatch.setattr(matching, "BUDGET", 0.5)
    matcher = Matcher(r"(?:(?:a|b|ab)*)*c")
    began = time.monotonic()
    with pytest.raises(MakemoreError, match=r"takes too long to match '(ab)+dc'; avoid repetitions"):
        matcher.does("ab" * 28 + "dc")
    assert time.monotonic() - began < 30

    clock = iter(range(10_000))
    monkeypatch.setattr(matching, "BUDGET", 5)
    monkeypatch.setattr(matching.time, "perf_counter", lambda: next(clock))
    matcher = Matcher("a+b")
    for _ in range(3):  # each match takes a second
        assert [matcher.does(line) for line in ("x", "y", "z", "ab")] == [False, False, False, True]
    with pytest.raises(MakemoreError, match="takes too long"):
        assert not [matcher.could("x") for _ in range(6)]


# models and settings


@pytest.mark.parametrize(
    ("type", "knobs", "says"),
    [
        ("transformer", {"n_layer": 10**6}, "n_layer must be from 1 to 256, not 1,000,000"),
        ("lstm", {"n_embd2": 2**62}, "n_embd2 must be from 1 to 65,536"),
        ("transformer", {"block_size": -1}, "block_size must be from 0"),
        ("transformer", {"block_size": 10**12}, "block_size must be from 0"),
        ("wavenet", {"n_layer": 13}, "n_layer must be from 1 to 12"),
        ("mlp", {"context": 100_000}, "context must be from 1 to 1,024"),
        ("mlp_bn", {"n_embd": 0}, "n_embd must be from 1 to 16,384, not 0"),
        ("bigram", {"smoothing": 1e308}, "smoothing must be from 0 to 1,000,000"),
    ],
)
def test_knobs_beyond_measure(type, knobs, says):
    with pytest.raises(MakemoreError, match=re.escape(f"type {type}: {says}")):
        configure(type, 10, **knobs)


@pytest.mark.parametrize(
    ("type", "vocab_size", "knobs", "tokens", "says"),
    [
        (
            "transformer",
            28,
            {"n_layer": 256, "n_embd": 16_384},
            1024,
            "parameters would take about 19,793 GB",
        ),
        ("lstm", 28, {"n_embd2": 65_536}, 1024, "type lstm: 17,199,007,516 parameters"),
        ("lstm", 28, {}, 10**7, "batch_size is too large: a step of 10,000,000 characters would take about"),
        (
            "bigram",
            20_000,
            {},
            1024,
            "table of 20,000 x 20,000 numbers, one for each pair of characters; use ngram",
        ),
        ("bigram_nn", 20_000, {}, 1024, "20,000 x 20,000"),
    ],
)
def test_what_cannot_fit_into_memory_is_said_before_it_is_built(
    monkeypatch, type, vocab_size, knobs, tokens, says
):
    monkeypatch.setattr(capacity, "memory", lambda device: 64 * 10**9)
    with pytest.raises(MakemoreError, match=re.escape(says)):
        capacity.check(type, vocab_size, configure(type, 10, **knobs), tokens, torch.device("cpu"))


@pytest.mark.parametrize("type", MODELS)
def test_the_quick_estimate_of_a_model_is_never_too_low(type):
    if type in (*capacity.TABLES, "ngram"):
        return
    for knobs in (
        {},
        {"n_embd": 8},
        {"n_embd2": 16},
        {"n_layer": 1},
        {"n_layer": 7},
        {"context": 3},
        {"n_embd": 512},
    ):
        with contextlib.suppress(MakemoreError):
            config = configure(type, 10, **knobs)
            model = build(type, 28, config)
            parameters, numbers = capacity.bounds(28, config)
            assert count_parameters(model) <= parameters
            assert capacity.numbers_per_token(model, 28) <= numbers


def test_usual_trainings_are_not_measured(monkeypatch):
    """Counting without memory would take seconds of loading torch."""
    monkeypatch.setattr(capacity, "memory", lambda device: 4 * 10**9)
    monkeypatch.setattr(capacity, "build", lambda *args: pytest.fail("it was built"))
    for type in MODELS:
        capacity.check(type, 1000, configure(type, 100), 4096, torch.device("cpu"))


@pytest.mark.parametrize(
    "given", [{"learning_rate": 1e39}, {"weight_decay": 1e39}, {"learning_rate": 1001.0}]
)
def test_rates_beyond_measure(given):
    with pytest.raises(MakemoreError, match=r"1,000"):
        Given(**given)


# lines to score and to draw


def test_lines_that_are_too_long_to_score(makemore, small_run, tmp_path):
    path = tmp_path / "long.txt"
    path.write_text("emma\nava\n" + "a" * 20_000 + "\nzoe\n")
    for args in (
        ["score", small_run, "-i", path],
        ["explain", small_run, "a" * 20_000],
        ["score", small_run, "a" * 20_000],
    ):
        done = makemore(*args)
        assert done.status == 2
        assert done.err.startswith(
            f"makemore: '{'a' * 45}...{'a' * 15}' (20,000 characters): is too long for this run"
        )
        assert "up to 10,000 characters" in done.err
        assert len(done.err) < 300
    assert makemore("score", small_run, "-i", path).out.count("\n") == 2  # what came before is good
    assert makemore("score", small_run, "a" * 10_000).status == 0
    done = makemore("score", small_run, "a" * 9_000 + "é")
    assert done.status == 2
    assert len(done.err) < 300


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--max-length", 10**9], "--max-length must be at most 10,000 for this run, not 1000000000"),
        (["--max-length", 10**30], "must be at most 10,000"),
        (["--prefix", "a" * 20_000], "(20,000 characters): is too long for this run"),
        (["--pattern", "a" * 100_000], "(100,000 characters) is longer than 1,000 characters"),
    ],
)
def test_samples_beyond_measure(makemore, small_run, options, says):
    done = makemore("sample", small_run, *options)
    assert done.status == 2
    assert says in done.err
    assert len(done.err) < 400


def test_any_number_of_samples_is_drawn_bit_by_bit(small_run):
    run = load(small_run)
    assert len(list(itertools.islice(run.stream(10**15, SampleOptions(seed=1)), 20))) == 20


def test_a_search_that_would_take_too_much_memory_gives_up(monkeypatch, small_run):
    """A run that has few of many possible lines, asked for more than it may keep at a time."""
    monkeypatch.setattr(search, "NODES", 1)  # 1,000 nodes
    run = load(small_run)
    none = iter(range(10**9))
    keep = lambda lines: [next(none) < 0 for _ in lines]  # noqa: E731
    with pytest.raises(
        MakemoreError, match=r"found 0 of 900 lines that are new .*, after searching [\d,]+ beginnings"
    ):
        list(search.most_likely(run.model, run.vocab, 900, SampleOptions(max_length=6), keep=keep))


@pytest.mark.parametrize("type", ["lstm", "transformer", "ngram", "mlp", "wavenet"])
def test_long_lines_are_scored_in_pieces_as_in_one(monkeypatch, type, small_run):
    corpus = load(small_run).corpus
    torch.manual_seed(1)
    model = build(type, len(corpus.vocab), configure(type, 300))
    if type == "ngram":
        model.fit(torch.from_numpy(corpus.tokens.astype(np.int64)))
    line = "".join(corpus.lines(np.arange(40)))
    long = Corpus(corpus.vocab, corpus.vocab.encode(f"\n{line}\nemma\n"))
    whole = evaluation.losses(model, long, np.arange(2))
    p = np.stack(list(evaluation.expected(model, long, 0)))
    prefix = trees.Tree(model, corpus.vocab, line, 500)
    monkeypatch.setattr(evaluation, "WHOLE", 50)
    monkeypatch.setattr(trees, "PROBABILITIES", 50 * len(corpus.vocab))
    np.testing.assert_allclose(evaluation.losses(model, long, np.arange(2)).tokens, whole.tokens, atol=2e-5)
    np.testing.assert_allclose(np.stack(list(evaluation.expected(model, long, 0))), p, atol=1e-5)
    assert trees.Tree(model, corpus.vocab, line, 500).nll == pytest.approx(prefix.nll, abs=1e-3)
    assert prefix.nll == pytest.approx(whole.tokens[: len(line)].sum(), abs=1e-3)


# large alphabets


def test_the_bigram_of_pairs_is_the_bigram_of_the_table(monkeypatch, small_run):
    corpus = load(small_run).corpus
    rows = {split: corpus.rows(split) for split in SPLITS}
    table = baselines.baseline(corpus, "bigram", rows)
    monkeypatch.setattr(baselines, "TABLE", 0)
    pairs = baselines.baseline(corpus, "bigram", rows)
    for split in SPLITS:
        np.testing.assert_allclose(pairs[split].tokens, table[split].tokens, rtol=1e-5)
        assert pairs[split].lengths.tolist() == table[split].lengths.tolist()
        assert np.array_equal(pairs[split].units, table[split].units)


def test_the_ngram_in_pieces_is_the_ngram_in_one(monkeypatch, names_run):
    run = load(names_run)
    inputs, _ = (torch.from_numpy(array) for array in run.corpus.batch(np.arange(50)))
    whole, state = run.model(inputs)
    monkeypatch.setattr(ngram, "FLOATS", 7 * len(run.vocab))
    pieces, state_too = run.model(inputs)
    assert torch.equal(pieces, whole)
    assert torch.equal(state_too[0], state[0])


@pytest.fixture(scope="session")
def many_characters(tmp_path_factory) -> Path:
    """A list of 20,000 different characters, 140 kB."""
    random = np.random.default_rng(1)
    codes = np.arange(0x4E00, 0x4E00 + 20_902).astype(np.uint32)[:20_000]
    every = np.concatenate([random.permutation(codes), random.choice(codes, 26_000)])
    cuts = np.cumsum(random.integers(3, 9, size=9000))
    lines = ["".join(map(chr, part)) for part in np.split(every, cuts[cuts < len(every)])]
    path = tmp_path_factory.mktemp("many") / "many.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.mark.release
@pytest.mark.slow
@pytest.mark.parametrize("options", [{"type": "ngram"}], ids=["ngram"])
def test_many_characters(peak, many_characters, tmp_path, options):
    code = f"""
import makemore
from makemore.cli import main as cli
makemore.train({str(many_characters)!r}, work_dir={str(tmp_path / "run")!r}, **{options})
for command in ('sample {tmp_path}/run -n 50 --seed 1 --cut', 'explain {tmp_path}/run 一丁'):
    sys.argv = ['makemore', *command.split()]
    try:
        cli.main()
    except SystemExit as end:
        assert not end.code, command
"""
    memory, said = peak(code)
    assert "Traceback" not in said
    assert memory < 2500


def test_too_many_characters(tmp_path):
    path = tmp_path / "many.txt"
    text = "".join(map(chr, [*range(0x4E00, 0xD7A3), *range(0x20000, 0x2A6D0)]))
    path.write_text(
        "".join(text[i : i + 10] + "\n" for i in range(0, len(text), 10)) + text[:20_000] + "\n", "utf-8"
    )
    with pytest.raises(
        MakemoreError,
        match=r"many.txt: has 77,939 different characters, but 65,000 is the limit; .*min_count=2",
    ):
        cache.read(path, max_length=20_000)
    assert len(cache.read(path, max_length=20_000, min_count=2).vocab) == 20_002


@pytest.mark.parametrize(
    "args",
    [
        ["x" * 100_000],
        ["--" + "x" * 100_000],
        ["sample", "-n", "x" * 100_000],
        ["sample", "-n", "9" * 100_000],
        ["sample", "x" * 100_000],
        ["-i", "x" * 100_000],
        ["-o", "x" * 100_000],
        ["--type", "x" * 100_000],
        ["--encoding", "x" * 100_000],
        ["--device", "x" * 100_000],
        ["lessons", "start", "x" * 100_000],
    ],
    ids=lambda args: " ".join(args)[:20],
)
def test_no_sentence_is_longer_than_can_be_read(makemore, tmp_path, monkeypatch, args):
    monkeypatch.chdir(tmp_path)
    done = makemore(*args)
    assert done.status == 2
    assert done.err.startswith("makemore: ")
    assert len(done.err) < 3000


def test_inspect_warns_of_a_large_alphabet(tmp_path):
    path = tmp_path / "list.txt"
    for n, warned in ((999, False), (1000, True)):
        path.write_text(
            "".join(chr(0x4E00 + i) + chr(0x4E00 + (i * 7) % n) + "\n" for i in range(n)), "utf-8"
        )
        found = {w.code: w for w in inspect(path, pace=1.0).warnings}
        assert ("large_alphabet" in found) == warned
    assert "1,000 different characters" in found["large_alphabet"].message
    assert "min_count" in found["large_alphabet"].remedy


@pytest.mark.parametrize(
    ("own", "limits", "bytes"),
    [
        ("0::/", {"memory.max": "max"}, None),
        ("0::/", {"memory.max": "4000000000"}, 4 * 10**9),
        ("0::/a/b", {"a/memory.max": "3000", "a/b/memory.max": "max", "memory.max": "5000"}, 3000),
        ("0::/not/visible/here", {"memory.max": "5000"}, 5000),
        ("12:cpu:/\n5:memory:/x\n0::/", {"memory/x/memory.limit_in_bytes": "700"}, 700),
        ("12:cpu:/x", {"memory.max": "700"}, None),
    ],
)
def test_a_container_has_the_memory_that_its_control_groups_allow(tmp_path, own, limits, bytes):
    for name, text in limits.items():
        (tmp_path / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cgroup" / name).write_text(text + "\n")
    (tmp_path / "self").write_text(own + "\n")
    assert capacity.container_limit(tmp_path / "cgroup", tmp_path / "self") == bytes
    assert capacity.container_limit(tmp_path / "cgroup", tmp_path / "missing") is None


def test_memory_is_that_of_the_container_if_it_is_less(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("123456\n")
    (tmp_path / "self").write_text("0::/\n")
    machine = capacity.memory(torch.device("cpu"))
    assert machine is not None
    monkeypatch.setattr(capacity, "CGROUPS", tmp_path)
    monkeypatch.setattr(capacity, "OWN_CGROUPS", tmp_path / "self")
    assert capacity.memory(torch.device("cpu")) == 123456
    (tmp_path / "memory.max").write_text(str(10**18))
    assert capacity.memory(torch.device("cpu")) >= machine


def test_resume_checks_the_memory_too(small_run, tmp_path, monkeypatch):
    copy = shutil.copytree(small_run, tmp_path / "run")
    monkeypatch.setattr(capacity, "memory", lambda device: 1000)
    with pytest.raises(MakemoreError, match="parameters would take"):
        library.train(work_dir=copy, resume=True, max_steps=6)
