"""A corpus on disk equals the one in memory, is found again, and is never used when damaged."""

from __future__ import annotations

import errno
import gzip
import io
import lzma
import os
import subprocess
import sys
import tempfile
import threading
import unicodedata
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makemore.corpus import cache
from makemore.corpus import lines as lines_module
from makemore.corpus import source as sources
from makemore.corpus.batches import Batches
from makemore.corpus.cache import read, read_corpus
from makemore.corpus.characters import Characters
from makemore.corpus.corpus import Corpus
from makemore.corpus.disk import DiskCorpus
from makemore.corpus.reading import How, Reading
from makemore.corpus.sizes import Sizes
from makemore.corpus.splits import SPLITS
from makemore.corpus.store import Store
from makemore.errors import MakemoreError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


SMALL = Sizes(large=0, chunk=1000, piece=5000, block=1 << 12, pool=8, sorted_at_once=3000)


@pytest.fixture
def on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the cache is."""
    monkeypatch.setenv("MAKEMORE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def stored(source: str | Path, on_progress: Any = None, **how: Any) -> DiskCorpus:
    """Read a file as if it were large, with small chunks and blocks."""
    corpus = read_corpus(source, How(**how), on_progress, SMALL)
    assert isinstance(corpus, DiskCorpus)
    return corpus


@pytest.fixture(scope="module")
def names() -> Corpus:
    return read("names")


def same(a: Corpus, b: Corpus) -> bool:
    arrays = ("tokens", "offsets", "lengths", "hashes", "split")
    return (
        a.vocab == b.vocab
        and all(np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays)
        and a.fingerprint == b.fingerprint
        and (a.counts(), a.longest, len(a)) == (b.counts(), b.longest, len(b))
        and all(a.tokens_of(split) == b.tokens_of(split) for split in SPLITS)
    )


def test_hashes_are_sorted_as_many_at_a_time_as_the_sizes_say(
    on_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("makemore.corpus.store.SortedHashes", lambda *given: asked.append(given[-1]))
    _ = stored("names").store.sorted
    assert asked == [SMALL.sorted_at_once]


def test_a_corpus_on_disk_is_the_one_in_memory(names: Corpus, on_disk: Path) -> None:
    large = stored("names")
    assert (large.on_disk, names.on_disk) == (True, False)
    assert same(large, names)
    assert large.reading == names.reading
    assert len(large.chunks) > 100
    for split in SPLITS:
        rows = names.rows(split)
        assert np.array_equal(np.concatenate(list(large.pieces(split))), rows)
        assert np.array_equal(large.rows(split), rows)
    asked = ["emma", "zzxq", *names.lines(names.rows("test")[:3])]
    assert large.seen(asked) == names.seen(asked)
    some = np.random.default_rng(1).choice(len(names), 50)
    assert large.lines(some) == names.lines(some)
    assert np.array_equal(large.lengths_of(some), names.lengths_of(some))
    assert np.array_equal(large.batch(some), names.batch(some))
    assert [n for _, n in large.most_frequent(9)] == [n for _, n in names.most_frequent(9)]
    assert [large.unique_of(split) for split in SPLITS] == [names.unique_of(split) for split in SPLITS]
    assert repr(large) == repr(names).replace("Corpus", "DiskCorpus")


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.text(alphabet="ab é\u0301ж \t\u2003漢😀", max_size=30), min_size=1, max_size=60),
    st.integers(1, 40),
)
def test_blocks_of_any_size_give_the_same_lines(lines: list[str], size: int) -> None:
    text = "\n".join(lines)
    kept = [line.strip() for line in unicodedata.normalize("NFC", text).split("\n")]
    kept = [line for line in kept if line]
    with tempfile.NamedTemporaryFile() as file:
        file.write(text.encode())
        file.flush()
        found = Reading("x", False)
        source = sources.Source("x", [Path(file.name)])
        blocks = list(lines_module.blocks(source, found, How(), Characters(), sizes=Sizes(block=size)))
    got = "".join(block.codes.tobytes().decode("utf-32-le") for block in blocks).split("\n")[:-1]
    assert got == kept
    assert found.lines == (len(lines) - (text.endswith("\n")) if text else 0)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstd.compress], ids=["gz", "xz", "zst"])
def test_packed_files(names: Corpus, tmp_path: Path, pack: Any) -> None:
    path = tmp_path / "packed"
    path.write_bytes(pack(sources.locate("names").paths[0].read_bytes()))
    assert same(read(path), names)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstd.compress], ids=["gz", "xz", "zst"])
@pytest.mark.parametrize("how", ["cut", "changed"])
def test_packed_files_that_are_damaged(tmp_path: Path, pack: Any, how: str) -> None:
    """None of their lines are used."""
    lines = sources.locate("names").paths[0].read_bytes()
    packed = pack(lines) if how == "cut" else bytearray(pack(lines))
    if how == "changed":
        packed[len(packed) // 2 : len(packed) // 2 + 20] = b"\xff" * 20
    path = tmp_path / "packed"
    path.write_bytes(packed[: len(packed) * 2 // 3] if how == "cut" else packed)
    with pytest.raises(MakemoreError, match=r"packed: (cannot be unpacked|cannot be read|not utf-8)"):
        read(path)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstd.compress], ids=["gz", "xz", "zst"])
def test_two_packed_parts_one_after_the_other(names: Corpus, tmp_path: Path, pack: Any) -> None:
    text = sources.locate("names").paths[0].read_bytes()
    path = tmp_path / "packed"
    path.write_bytes(pack(text[:100_000]) + pack(b"") + pack(text[100_000:]))
    assert same(read(path), names)


def test_zeros_between_parts_packed_by_xz(names: Corpus, tmp_path: Path) -> None:
    text = sources.locate("names").paths[0].read_bytes()
    path = tmp_path / "packed"
    path.write_bytes(lzma.compress(text[:100_000]) + bytes(5000) + lzma.compress(text[100_000:]) + bytes(4))
    assert same(read(path), names)


def test_xz_that_demands_a_lot_of_memory(tmp_path: Path) -> None:
    path = tmp_path / "packed.xz"
    greedy = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 29}]
    path.write_bytes(lzma.compress(b"emma\nava\n" * 1000, filters=greedy))
    with pytest.raises(
        MakemoreError, match=r"packed.xz: cannot be unpacked: Memory usage limit exceeded; unpack it yourself"
    ):
        read(path)


def test_a_pipe(names: Corpus, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(
        target=lambda: path.write_bytes(sources.locate("names").paths[0].read_bytes()), daemon=True
    )
    writer.start()
    assert same(read(path), names)
    writer.join()


def test_a_replacement_character_in_the_text_replaces_no_other(tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    path.write_text("ab\ufffd\nbc\nca\n", "utf-8")
    vocab = read(path).vocab
    assert vocab.knows("a\ufffd")
    assert not vocab.knows("z")


def test_several_files_directories_patterns_and_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "b.txt").write_text("four\nfive\nsix")
    (tmp_path / "d" / "a.txt").write_text("one\ntwo\nthree\n")
    (tmp_path / "d" / ".hidden").write_text("no\n")
    both = ["one", "two", "three", "four", "five", "six"]
    a, b = tmp_path / "d" / "a.txt", tmp_path / "d" / "b.txt"
    for source in (tmp_path / "d", str(tmp_path / "d" / "*.txt"), [a, b], [str(a), str(b)]):
        found = read(source)
        assert found.lines(range(len(found))) == both, source
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"one\ntwo\nthree\n")))
    monkeypatch.setenv("MAKEMORE_CACHE", str(tmp_path / "cache"))
    found = read("-")
    assert found.lines(range(len(found))) == both[:3]
    with pytest.raises(MakemoreError, match="twice"):
        read([a, a])


def test_a_list_is_piped_in(
    makemore: Any, names: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "\n".join(names.lines(range(500)))
    for i, words in enumerate((["-i", "-"], ["--input-file", "-"])):
        result = makemore("train", *words, "-o", str(i), "--type", "bigram", stdin=text)
        assert (result.status, result.err) == (0, "")
        assert "read standard input: 500 lines" in result.out
    assert makemore("sample", "0", "--prefix", "-").status == 2  # neither a character of the list nor a file


def test_rare_characters_become_one(tmp_path: Path) -> None:
    path = tmp_path / "rare.txt"
    path.write_text("anna\nanton\nxaver\nnana\n" * 3 + "zoe\n")
    found = read(path, min_count=3)
    assert found.vocab.characters == "aenortvx\ufffd"
    assert found.lines([len(found) - 1]) == ["\ufffdoe"]
    assert found.reading is not None
    assert found.reading.rare == 1
    assert found.vocab.encode("zq").tolist() == [9, 9]


def test_an_entry_is_reused_until_its_file_changes(on_disk: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(sources.locate("names").paths[0].read_bytes())
    first = stored(path)
    facts = first.store.directory / "facts.json"
    made = facts.stat().st_mtime_ns
    assert same(stored(path), first)
    assert facts.stat().st_mtime_ns == made
    os.utime(path)  # touched, not changed
    assert same(stored(path), first)
    text = path.read_text("utf-8")
    path.write_text(text.replace("emma", "emna", 1), "utf-8")  # of the same size
    changed = stored(path)
    assert not same(changed, first)
    assert changed.lines([0]) == ["emna"]
    assert len(cache.entries()) == 1
    assert len(stored(path, max_length=5)) < len(first)
    assert len(cache.entries()) == 2
    assert cache.clear_cache() > 0
    assert cache.entries() == []
    assert list(on_disk.iterdir()) == []


def test_other_content_of_the_same_size_and_time(on_disk: Path, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(sources.locate("names").paths[0].read_bytes())
    stored(path)
    stat = path.stat()
    path.write_text(path.read_text("utf-8").replace("emma", "emna", 1), "utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert stored(path).lines([0]) == ["emna"]


def test_changed_facts_and_sorted_hashes_are_noticed(on_disk: Path, names: Corpus) -> None:
    first = stored("names")
    assert first.seen(["emma", "xqxqxq"]) == ["train", "new"]
    facts = first.store.directory / "facts.json"
    facts.write_text(facts.read_text("utf-8").replace('"a"', '"A"', 1), "utf-8")
    again = stored("names")  # written again
    assert same(again, names)
    again.seen(["emma"])
    sorted_ = again.store.directory / "sorted.npy"
    data = bytearray(sorted_.read_bytes())
    data[-8:] = bytes(8)
    sorted_.write_bytes(data)
    with pytest.raises(MakemoreError, match=r"sorted\.npy"):
        stored("names").seen(["emma"])


def test_an_entry_of_another_format_is_written_again(on_disk: Path, names: Corpus) -> None:
    directory = stored("names").store.directory
    facts = directory / "facts.json"
    facts.write_text(facts.read_text("utf-8").replace("makemore corpus 2", "makemore corpus 1"), "utf-8")
    (entry,) = cache.entries()
    assert entry.lines is None
    with pytest.raises(MakemoreError, match="another version"):
        Store(directory)
    assert same(stored("names"), names)
    (entry,) = cache.entries()
    assert entry.lines == len(names)


def test_clearing_keeps_files_that_makemore_did_not_write(on_disk: Path) -> None:
    stored("names")
    others = [on_disk / "mine" / "facts.json", on_disk / "x.part" / "file"]
    for path in others:
        path.parent.mkdir()
        path.write_text("{}")
    cache.clear_cache()
    assert cache.entries() == []
    assert all(path.exists() for path in others)


def test_a_large_file_with_few_different_lines(on_disk: Path, tmp_path: Path) -> None:
    path = tmp_path / "few.txt"
    path.write_text("one\ntwo\nthree\nfour\n" * 5000)
    with pytest.raises(MakemoreError, match="only 4 of its 20,000 lines are different"):
        stored(path)


@pytest.mark.parametrize("name", ["tokens", "offsets", "lengths", "hashes", "split"])
@pytest.mark.parametrize("damage", ["cut", "bit"])
def test_a_damaged_entry_is_never_used(on_disk: Path, names: Corpus, name: str, damage: str) -> None:
    store = stored("names").store
    path = store.directory / f"{name}.npy"
    data = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(MakemoreError, match="cannot be read as a makemore file"):
            Store(store.directory)
        assert same(stored("names"), names)  # written again
        return
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    again = stored("names")
    with pytest.raises(MakemoreError, match="was changed or damaged"):
        for _ in islice(Batches(again, "train", 1000, 1), 10_000):
            pass


def test_a_file_that_grows_while_it_is_read(on_disk: Path, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(sources.locate("names").paths[0].read_bytes())

    def grow(done: int, total: int | None) -> None:
        with open(path, "a") as file:
            file.write("another\n")

    with pytest.raises(MakemoreError, match="changed while it was read"):
        stored(path, on_progress=grow)
    assert cache.entries() == []


@pytest.mark.parametrize("kilobytes", [50, 250, 600, 900])
def test_a_disk_that_fills_up(tmp_path: Path, kilobytes: int) -> None:
    """In the first pass, in the arrays or at the end, the message quotes the system."""
    code = (
        "import resource, signal\nfrom makemore.corpus.cache import read_corpus\n"
        "from makemore.corpus.reading import How\nfrom makemore.corpus.sizes import Sizes\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({kilobytes} * 1000,) * 2)\n"
        "try:\n    read_corpus('words', How(), sizes=Sizes(large=0))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    environment = os.environ | {"MAKEMORE_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.startswith("MakemoreError"), (done.stdout, done.stderr)
    assert "cannot be written: File too large" in done.stdout
    assert [path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock")] == []


def test_a_full_disk(on_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(MakemoreError, match="cannot be written: No space left"):
        stored("names")
    assert cache.entries() == []
    assert [path for path in on_disk.iterdir() if path.suffix == ".part"] == []


def test_batches_from_disk(on_disk: Path, names: Corpus) -> None:
    """Every line once per epoch, reproducibly, from any starting point."""
    large = stored("names")

    def served(n: int, skip: int = 0, of: Batches | None = None) -> list[list[int]]:
        return [rows.tolist() for rows in islice(of or Batches(large, "train", 1000, 5), skip, skip + n)]

    whole = Batches(large, "train", 1000, 5)
    seen: list[int] = []
    for rows in whole:
        if whole.epoch:
            break
        seen += rows.tolist()
    assert sorted(seen) == names.rows("train").tolist()
    assert whole.pool == 0
    first = Batches(large, "train", 1000, 5)
    before = served(40, of=first)
    assert before == served(40)
    on = Batches(large, "train", 1000, 5)
    on.epoch, on.pool, on.position = first.epoch, first.pool, first.position
    assert served(40, of=on) == served(40, 40)
    assert first.pool > 0
    near = np.abs(np.diff(seen))
    assert np.median(near) > 500  # neighbours in a batch come from all over a pool


def test_a_run_does_not_need_the_cache(on_disk: Path, tmp_path: Path) -> None:
    import makemore

    some = tmp_path / "some.txt"
    some.write_text("\n".join(makemore.read("names").lines(range(0, 32_000, 16))), "utf-8")
    stored(some)  # train finds it in the cache
    run = makemore.train(some, type="mlp", work_dir=tmp_path / "run", max_steps=5, device="cpu")
    assert run.corpus.on_disk
    summary = run.summary()
    cache.clear_cache()
    again = makemore.load(tmp_path / "run")
    assert len(again.corpus) == 2000
    assert again.summary().nll == summary.nll
    on = makemore.train(work_dir=tmp_path / "run", resume=True, max_steps=8, device="cpu")
    assert on.summary().steps == 8
    assert len(on.sample(5, seed=1, novel=True)) == 5
