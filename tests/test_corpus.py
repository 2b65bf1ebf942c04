"""Reading lines, the stream they become, and their splits."""

import hashlib
import re
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from makemore.cli.described import describe
from makemore.corpus.cache import read
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import How
from makemore.corpus.splits import SPLITS, line_hashes
from makemore.corpus.vocab import Vocab, code_points
from makemore.errors import MakemoreError

some_line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
some_lines = st.lists(some_line, min_size=1, max_size=30)
short_words = st.text("abcdé日𝒳", min_size=1, max_size=6)


@pytest.fixture
def reads(tmp_path):
    """Return a function that reads bytes or text, and returns the corpus."""

    def reading(content, **options):
        path = tmp_path / "lines.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path, **options)

    return reading


def corpus_of(lines):
    """Make a corpus of a few lines without cleaning or checking them."""
    text = "\n" + "".join(line + "\n" for line in lines)
    vocab = Vocab(text)
    return Corpus(vocab, vocab.encode(text))


def all_lines(corpus):
    return corpus.lines(np.arange(len(corpus)))


# reading


@pytest.mark.parametrize(
    "content",
    [
        "ab\ncd\nef\n",
        "ab\ncd\nef",
        "\ufeffab\ncd\nef\n",
        "ab\r\ncd\r\nef\r\n",
        "ab\rcd\ref",
        "ab\r\ncd\ref\n",
        "  ab\ncd\t\n\u00a0ef\u3000\n",
        "\n\nab\n \t\ncd\nef\n\n\n",
    ],
)
def test_the_same_three_lines(reads, content):
    assert all_lines(reads(content)) == ["ab", "cd", "ef"]


@given(some_lines.filter(lambda lines: all(line[0] != "\ufeff" for line in lines)))
def test_reading_any_text(lines):
    wanted = [line.strip() for line in (unicodedata.normalize("NFC", line) for line in lines) if line.strip()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines"
        path.write_bytes("\n".join(lines).encode())
        if len(set(wanted)) < 3:
            with pytest.raises(MakemoreError, match=re.escape(str(path))):
                read(path)
            return
        corpus = read(path)
    assert all_lines(corpus) == wanted
    assert corpus.reading.lines == len(lines)
    assert corpus.reading.blank == len(lines) - len(wanted)
    assert corpus.reading.normalized == any(unicodedata.normalize("NFC", line) != line for line in lines)


def test_reading_counts_what_it_finds(reads):
    corpus = reads("ab\n\nab\n  \nabcdef\ncd\nef\nabcdefg\n", max_length=5)
    assert all_lines(corpus) == ["ab", "ab", "cd", "ef"]
    reading = corpus.reading
    assert (reading.lines, reading.blank, reading.too_long) == (8, 2, 2)
    assert not reading.bundled
    said = " ".join(describe(corpus))
    assert "8 lines" in said
    assert "2 blank" in said
    assert "2 too long" in said
    assert "4 lines, 3 different" in said


def test_composed_and_decomposed_are_one_character(reads):
    corpus = reads("e\u0301a\n\u00e9a\nb\nc\n")
    assert all_lines(corpus)[:2] == ["\u00e9a"] * 2
    assert corpus.reading.normalized
    assert not reads("\u00e9a\nb\nc\n").reading.normalized
    assert len(reads("e\u0301\nb\nc\n", max_length=1)) == 3  # its length is counted after composing


@pytest.mark.parametrize(
    "encoding", ["latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252", "UTF-8", "utf_8_sig"]
)
def test_encodings(reads, encoding):
    assert all_lines(reads("é\r\nü\r\nñ".encode(encoding), encoding=encoding)) == ["é", "ü", "ñ"]


def test_a_byte_order_mark_is_never_a_character(reads):
    assert all_lines(reads("\ufeffab\ncd\nef".encode("utf-16-le"), encoding="utf-16-le"))[0] == "ab"


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (b"", {}, "empty"),
        (b"\n \n\t\n", {}, "only blank lines"),
        (b"ab\ncd", {}, "2 different lines"),
        (b"ab\nab\nab\n", {}, "1 different line,"),
        (b"ab\ncd\nef\n\xff", {}, "byte 0xff at offset 9 (line 4)"),
        (b"ab\n\xe9\nef\n", {}, "with encoding"),
        (b"ab\ncd\nef\0", {}, "offset 8"),
        ("ab\ncd\nef".encode("utf-16"), {}, "with encoding utf-16"),
        (b"ab\ncd\nef", {"encoding": "nonsense"}, "nonsense"),
        (b"ab\ncd\nef", {"encoding": "base64"}, "base64"),
        (b"ab\ncd\nef", {"encoding": "undefined"}, "undefined"),
        (b"xn--\nb\nc", {"encoding": "idna"}, "idna"),
        (b"ab\ncd\nef", {"encoding": "utf\0"}, "encoding"),
        (b"a\nb\nc\n" + b"x" * 10_001, {}, "line 4 has 10,001 characters"),
        (b"ab\ncd\nefg", {"max_length": 2}, "2 different lines of at most 2"),
        (b"ab\ncd\nefg", {"max_length": 0}, "max_length must be 1 or more"),
    ],
)
def test_what_cannot_be_read(reads, content, options, says):
    with pytest.raises(MakemoreError) as error:
        reads(content, **options)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_long_line_is_read_when_asked_for(reads):
    assert reads(b"a\nb\n" + b"x" * 10_001, max_length=20_000).longest == 10_001


# the stream


@given(some_lines)
def test_lines_come_back(lines):
    corpus = corpus_of(lines)
    assert len(corpus) == len(lines)
    assert all_lines(corpus) == lines
    assert corpus.lengths.tolist() == [len(line) for line in lines]
    assert corpus.longest == max(map(len, lines))
    assert corpus.vocab == Vocab("".join(lines))
    assert corpus.tokens.dtype == corpus.vocab.dtype
    assert corpus.vocab.decode(corpus.tokens) == "\n" + "\n".join(lines) + "\n"


@given(some_lines, st.data())
def test_any_rows_in_any_order(lines, data):
    corpus = corpus_of(lines)
    rows = np.array(data.draw(st.lists(st.integers(0, len(lines) - 1), max_size=20)), dtype=np.int64)
    wanted = [lines[row] for row in rows]
    assert corpus.lines(rows) == wanted
    stream = corpus.stream(rows)
    assert stream.dtype == corpus.tokens.dtype
    assert corpus.vocab.decode(stream) == "\n" + "".join(line + "\n" for line in wanted)
    if not wanted:
        return
    T = max(map(len, wanted)) + 1
    inputs, targets = corpus.batch(rows)
    assert inputs.shape == targets.shape == (len(rows), T)
    assert inputs.dtype == targets.dtype == np.int64
    for line, given_ids, target_ids in zip(wanted, inputs.tolist(), targets.tolist(), strict=True):
        ids = corpus.vocab.encode(line).tolist()
        padding = T - len(ids) - 1
        assert given_ids == [0, *ids] + [0] * padding
        assert target_ids == [*ids, 0] + [-1] * padding


# hashes and splits

MASK = 2**64 - 1
KEY = int.from_bytes(hashlib.blake2b(b"makemore splits 1", digest_size=8).digest(), "little")


def mix(x):
    """SplitMix64's finaliser."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


def slow_hash(line):
    return mix(sum(mix((place << 32 | ord(c)) ^ KEY) for place, c in enumerate("\n" + line)) & MASK)


@given(some_lines)
def test_hashes_equal_a_slow_one(lines):
    assert corpus_of(lines).hashes.tolist() == [slow_hash(line) for line in lines]


def test_hashes_never_change():
    """A line's split must be the same in every version and on every machine."""
    assert corpus_of(["emma", "日本"]).hashes.tolist() == [0x1D1B97164C0B2B80, 0xEAB0667EB8B9E0E9]


@given(some_lines, some_lines)
def test_hashes_do_not_depend_on_the_other_lines(lines, others):
    alone = corpus_of(lines).hashes
    assert corpus_of(others + lines).hashes[len(others) :].tolist() == alone.tolist()
    codes = code_points("\n" + "\n".join(lines) + "\n")
    offsets = np.flatnonzero(codes == 10)
    assert line_hashes(np.arange(0x110000, dtype=np.uint32), codes, offsets).tolist() == alone.tolist()


@pytest.mark.parametrize("n", [65_535, 65_536, 65_537, 131_073])
def test_hashes_of_many_lines(n):
    few = ["ab", "c", "hello", "日本", "x" * 50, "ba"]
    corpus = corpus_of([few[i % len(few)] for i in range(n)])
    one = np.array([slow_hash(line) for line in few], dtype=np.uint64)
    assert np.array_equal(corpus.hashes, one[np.arange(n) % len(few)])


def test_hashes_tell_lines_apart():
    # numbers and their reverses, and equal sums of letters: a weak hash would confuse them
    lines = [f"{i}" for i in range(100_000)]
    assert len(np.unique(corpus_of(lines).hashes)) == len(lines)


@given(st.lists(short_words, min_size=1, max_size=60))
def test_equal_lines_have_one_split(lines):
    corpus = corpus_of(lines)
    split = dict(zip(lines, corpus.split.tolist(), strict=True))
    assert [split[line] for line in lines] == corpus.split.tolist()
    assert sorted(np.concatenate([corpus.rows(name) for name in SPLITS])) == list(range(len(lines)))
    assert corpus.counts() == {name: len(corpus.rows(name)) for name in SPLITS}


@pytest.mark.parametrize("lines", [[f"{i:06}" for i in range(40_000)], ["x" * i for i in range(1, 1500)]])
def test_shares_are_near_90_5_5(lines):
    counts = corpus_of(lines).counts()
    for name, share in zip(SPLITS, (0.9, 0.05, 0.05), strict=True):
        error = (share * (1 - share) / len(lines)) ** 0.5
        assert abs(counts[name] / len(lines) - share) < 4 * error


def test_a_line_keeps_its_split_when_the_file_changes():
    lines = [f"line {i}" for i in range(3000)]
    before = dict(zip(lines, corpus_of(lines).split.tolist(), strict=True))
    more = lines[::-1][:2000] + [f"日 {i}" for i in range(3000)] + lines[:1500] * 2
    after = corpus_of(more)
    for line, split in zip(more, after.split.tolist(), strict=True):
        assert before.get(line, split) == split


@given(st.lists(short_words, min_size=3, max_size=40, unique=True), st.integers(1, 3))
def test_tiny_files_have_all_three_splits(lines, times):
    counts = corpus_of(lines * times).counts()
    assert min(counts.values()) > 0
    assert counts["train"] >= counts["validation"]
    assert sum(counts.values()) == len(lines) * times


def test_a_tiny_split_does_not_depend_on_order():
    lines = ["one", "two", "three", "four", "five"]
    a = dict(zip(lines, corpus_of(lines).split.tolist(), strict=True))
    b = dict(zip(lines[::-1], corpus_of(lines[::-1]).split.tolist(), strict=True))
    assert a == b


# known lines


@given(st.lists(short_words, min_size=3, max_size=40), st.lists(short_words, max_size=20))
def test_seen(lines, asked):
    corpus = corpus_of(lines)
    where = dict(zip(lines, corpus.split.tolist(), strict=True))
    wanted = ["new" if s not in where else "held-out" if where[s] else "train" for s in asked]
    assert corpus.seen(asked) == wanted


def test_fingerprint():
    one = corpus_of(["ab", "cd", "ef"])
    assert one.fingerprint == corpus_of(["ab", "cd", "ef"]).fingerprint
    assert one.fingerprint != corpus_of(["cd", "ab", "ef"]).fingerprint
    assert one.fingerprint != corpus_of(["ab", "cd", "ef", "ef"]).fingerprint


# strings in memory


def outcome(function, what):
    """Return what a function returns, or None and its error message."""
    try:
        return function(what), ""
    except MakemoreError as error:
        return None, str(error)


@example([";;"])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12), max_size=30))
def test_strings_are_treated_like_the_lines_of_a_file(lines):
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "list.txt")
        path.write_text("".join(line + "\n" for line in lines), "utf-8", newline="\n")
        wanted, refused = outcome(read, path)
    corpus, also = outcome(Corpus.from_lines, lines)
    # where the advice names a file, strings come from none
    assert refused.partition(": ")[2].replace(str(path), "FILE") == also.partition(": ")[2]
    if wanted is None:
        return
    assert corpus.vocab == wanted.vocab
    assert corpus.tokens.tolist() == wanted.tokens.tolist()
    assert corpus.fingerprint == wanted.fingerprint
    assert vars(corpus.reading) | {"source": ""} == vars(wanted.reading) | {"source": ""}


def test_any_iterable_of_strings_makes_a_corpus(tmp_path):
    class Column:
        """Like a column of a table."""

        def __iter__(self):
            return iter(np.array(["emma", " ava ", "zoë"]))

    path = tmp_path / "list.txt"
    path.write_text("emma\n\nava\r\nzoë", "utf-8")
    with open(path, encoding="utf-8", newline="") as file:
        opened = Corpus.from_lines(file)
    assert opened.reading.blank == 1
    for corpus in (
        opened,
        Corpus.from_lines(Column()),
        Corpus.from_lines(dict.fromkeys(["emma", "ava", "zoë"])),
    ):
        assert all_lines(corpus) == ["emma", "ava", "zoë"]
    assert all_lines(
        Corpus.from_lines(["emma", " ava", "zoë", "x" * 9], How(max_length=5, keep_spaces=True))
    ) == [
        "emma",
        " ava",
        "zoë",
    ]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["emma", "ava", float("nan")], "lines: item 3 is nan, not a string; drop missing values"),
        (
            ["emma", np.float64("nan")],
            "lines: item 2 is np.float64(nan), not a string; drop missing values",
        ),
        (["emma", None], "lines: item 2 is None, not a string; drop missing values"),
        (["emma", 7], "lines: item 2 is 7, not a string; convert it with str"),
        (["emma", b"ava"], "lines: item 2 is b'ava', not a string; convert it with str"),
        (["emma", "ava\nzoe"], "lines: item 2 has a line break in it"),
        (["emma", "ava\rzoe\n"], "lines: item 2 has a line break in it"),
        (["emma", "a\0va"], "lines: item 2 has a zero character in it"),
        (["emma", "a\udc80va"], "lines: item 2 has half of a surrogate pair in it"),
        ("emma", "lines must be strings, one for each line, not one str"),
        (7, "lines must be strings, one for each line, not one int"),
        (np.array([["emma", "f"], ["ava", "f"]]), "lines must be one column, not a whole table"),
        ([], "lines: the list is empty; "),
        (["", " "], "lines: only blank lines; "),
        (["emma", "ava"], "lines: 2 different lines, but at least 3 are needed"),
        (
            ["emma", "x" * 10_001, "ava"],
            "lines: line 2 has 10,001 characters; drop long lines, for example with max_length=10000",
        ),
    ],
)
def test_strings_that_are_not_lines(lines, says):
    with pytest.raises(MakemoreError, match=re.escape(says)):
        Corpus.from_lines(lines)


@pytest.mark.parametrize(
    ("how", "says", "option"),
    [
        ({"max_length": 0}, "max_length must be 1 or more, not 0", "max_length"),
        ({"min_count": 0}, "min_count must be 1 or more, not 0", "min_count"),
        ({"encoding": "utf-99"}, "encoding utf-99: no such encoding", "encoding"),
        ({"encoding": "base64"}, "encoding base64: not a text encoding", "encoding"),
    ],
)
def test_how_checks_itself(how, says, option):
    with pytest.raises(MakemoreError, match=says) as said:
        How(**how)
    assert said.value.options == (option,)


def test_representations():
    corpus = Corpus.from_lines(["emma", "ava", "zoë"])
    assert repr(corpus) == "Corpus(3 lines: 1 train, 1 validation, 1 test; 7 characters: 'aemovzë')"
    assert repr(corpus.vocab) == "Vocab(7 characters: 'aemovzë')"
    many = Vocab("".join(map(chr, range(0x4E00, 0x4E00 + 3000))))
    assert repr(many) == f"Vocab(3,000 characters: {many.characters[:40]!r}...)"
