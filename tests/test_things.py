"""Things of several lines, separated by blank lines, by a line of text or by the ends of files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import makemore as library
from makemore.cli.layout import on_a_screen
from makemore.cli.output import rule
from makemore.corpus.characters import LINE_BREAK
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import How
from makemore.corpus.sizes import Sizes
from makemore.errors import MakemoreError
from makemore.runs.run import Run
from makemore.sampling.options import SampleOptions

FIRST, SECOND = ("old pond", "late snow", "a crow", "cold rain"), ("a frog", "no moon", "the sea", "two cats")
THINGS = [f"{a}\n  {b}{c}" for a in FIRST for b in SECOND for c in ("", " sleeps", " sings\nagain")]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("things") / "poems.txt"
    path.write_text("\n\n".join(THINGS) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def run(file: Path) -> Run:
    return library.train(file, type="ngram", separator="blank", work_dir=file.parent / "run")


def read(path: Path, text: str | bytes, **options: Any) -> list[str]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    corpus = library.read(path, **options)
    return corpus.lines(range(len(corpus)))


# reading


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a\n b\n\nc\n\nd\n", "blank"),
        ("\n\n a\n\n\n", None),
        ("\n\na \n b\t\n \n\t\n\nc\n\n\nd", "blank"),
        ("a\r\n b\r\n\r\nc\r\n\r\nd\r\n", "blank"),
        ("\ufeffa\r b\r\rc\r\rd\r", "blank"),
        ("a\n b\n%%\nc\n %% \nd\n", "%%"),
        ("%%\n\na\n b\n\n%%\n%%\nc\n%%\nd\n%%\n", "%%"),
    ],
)
def test_the_same_three_things(tmp_path: Path, text: str, separator: str | None) -> None:
    if separator is None:  # without a separator every line is a thing
        with pytest.raises(MakemoreError, match="1 different line,"):
            read(tmp_path / "a", text)
        return
    assert read(tmp_path / "a", text, separator=separator) == ["a\n b", "c", "d"]


def test_indentation_and_inner_blank_lines_stay(tmp_path: Path) -> None:
    text = "  def f():\n\n      pass  \n---\nx\n---\ny\n"
    assert read(tmp_path / "a", text, separator="---")[0] == "  def f():\n\n      pass"
    assert read(tmp_path / "a", text, separator="---", keep_spaces=True)[0] == "  def f():\n\n      pass  "
    corpus = library.read(tmp_path / "a", separator="---")
    assert corpus.reading is not None
    assert corpus.reading.stripped == 1
    assert corpus.reading.lines == 3


def test_each_file_is_a_thing(tmp_path: Path) -> None:
    for i, text in enumerate(["a\n\nb\n", "\nc", "d\n\n\n"]):
        (tmp_path / f"{i}.txt").write_text(text, "utf-8")
    corpus = library.read(tmp_path, separator="file")
    assert corpus.lines(range(3)) == ["a\n\nb", "c", "d"]


words = st.lists(st.text("ab ", min_size=1, max_size=4).map(str.rstrip).filter(bool), min_size=1, max_size=4)


@given(st.lists(words, min_size=3, max_size=20), st.integers(1, 30))
def test_blocks_of_any_size_give_the_same_things(things: list[list[str]], size: int) -> None:
    from tempfile import NamedTemporaryFile

    from makemore.corpus.characters import Characters
    from makemore.corpus.lines import texts
    from makemore.corpus.source import Source

    with NamedTemporaryFile() as written:
        written.write("\n\n".join(map("\n".join, things)).encode())
        written.flush()
        source = Source("x", [Path(written.name)])
        got = "".join(texts(source, How(separator="blank"), sizes=Sizes(block=size)))
    assert Characters(line_breaks=True).outer(got[:-1].replace("\n", "\0")).split("\0") == [
        "\n".join(thing) for thing in things
    ]


def test_on_disk_as_in_memory(file: Path, on_disk: None, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = library.read(file, separator="blank")
    assert stored.on_disk
    with pytest.raises(MakemoreError, match="17 of its 112 lines"):  # it has an entry of its own in the cache
        library.read(file)
    monkeypatch.undo()
    corpus = library.read(file, separator="blank")
    assert stored.lines(range(len(stored))) == corpus.lines(range(len(corpus))) == THINGS
    assert np.array_equal(stored.hashes, corpus.hashes)
    assert stored.seen([THINGS[0], "x"]) == corpus.seen([THINGS[0], "x"])


def test_strings_may_have_line_breaks(tmp_path: Path) -> None:
    corpus = Corpus.from_lines(["a\r\n b\n", "c", "d\n\ne"], How(separator="blank"))
    assert corpus.lines(range(3)) == ["a\n b", "c", "d\n\ne"]
    with pytest.raises(
        MakemoreError, match=r"item 1 has a line break in it; .* allow line breaks with separator"
    ):
        Corpus.from_lines(["a\nb", "c", "d"])


def test_values_of_a_column_keep_their_line_breaks(tmp_path: Path) -> None:
    text = 'id,poem\n1,"old pond\n  a frog"\n2,x\n3,"\ny\n"\n'
    assert read(tmp_path / "a.csv", text, column="poem", separator="blank") == [
        "old pond\n  a frog",
        "x",
        "y",
    ]
    rows = [json.dumps({"poem": each}) + "\n" for each in ("a\r\nb", "c", "d")]
    assert read(tmp_path / "a.jsonl", "".join(rows), column="poem", separator="file") == ["a\nb", "c", "d"]
    assert read(tmp_path / "a.csv", text, column="poem")[0] == "old pond   a frog"


def test_things_that_cannot_be_decoded_are_dropped_whole(tmp_path: Path) -> None:
    text = b"a\nb\n\nc\n\xff\n\nd\n\ne\n"
    assert read(tmp_path / "a", text, separator="blank", drop_undecodable=True) == ["a\nb", "d", "e"]
    corpus = library.read(tmp_path / "a", separator="blank", drop_undecodable=True)
    assert corpus.reading is not None
    assert (corpus.reading.lines, corpus.reading.undecodable, corpus.reading.blank) == (4, 1, 0)


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        (
            "a\nb\nc\n",
            {"separator": "%%"},
            "a.txt: has no line that is '%%', so all of it would be one thing",
        ),
        ("a\nb\nc\n", {"separator": "blank"}, "a.txt: has no blank line, so"),
        ("a\nb\nc\n", {"separator": "file"}, "a.txt: 1 different thing, but at least 3 are needed"),
        ("a\nb\nc\n", {"separator": " "}, 'separator must be "blank", "file" or a line of text'),
        ("a\n\nb\n\nc\n", {"separator": 3}, "separator must be a string or None"),
        (
            "a\n\n" + "b\n" * 6000 + "\nc\n",
            {"separator": "blank"},
            "a thing in it has 11,999 characters; drop long",
        ),
        (
            "a\n\nb" + LINE_BREAK + "\n\nc\n",
            {"separator": "blank"},
            "the character U+E0FFF is the one that separator",
        ),
    ],
)
def test_what_cannot_be_read(tmp_path: Path, text: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(MakemoreError) as error:
        read(tmp_path / "a.txt", text, **options)
    assert says in str(error.value)
    assert error.value.options or options["separator"] == "file"


def test_long_things_can_be_dropped(tmp_path: Path) -> None:
    text = "a\n\nb\n\nc\n\n" + "d\n" * 20
    assert read(tmp_path / "a", text, separator="blank", max_length=30) == ["a", "b", "c"]


def test_both_kinds_of_characters_together(tmp_path: Path) -> None:
    text = "👍🏽\n\u0301a\n\nक्षि\nb\n\nc\n"
    options = {"separator": "blank", "graphemes": True}
    assert read(tmp_path / "a", text, **options) == ["👍🏽\n\u0301a", "क्षि\nb", "c"]
    corpus = library.read(tmp_path / "a", **options)
    assert corpus.lengths.tolist() == [4, 3, 1]
    assert corpus.vocab.names[0] == ""
    assert set(corpus.vocab.names[1:]) == {"\n", "\u0301", "a", "b", "c", "👍🏽", "क्षि"}


# a run


def test_the_run_knows_its_things(run: Run) -> None:
    again = library.load(run.directory)
    assert again.vocab == run.vocab
    assert "\n" in json.loads((run.directory / "vocabulary.json").read_text("utf-8"))
    assert again.corpus.lines(range(len(THINGS))) == THINGS
    assert again.reading is not None
    assert again.reading.separator == "blank"


def test_samples_are_things_and_scored_as_drawn(run: Run) -> None:
    samples = list(run.stream(50, SampleOptions(seed=1)))
    assert any("\n" in sample.text for sample in samples)
    assert not any(LINE_BREAK in sample.text for sample in samples)
    scores = [sum(letters) for letters in run.letters([sample.text for sample in samples])]
    np.testing.assert_allclose(scores, [sample.nll for sample in samples], rtol=1e-5)
    assert set(run.corpus.seen(THINGS)) == {"train", "held-out"}


def test_wishes_reach_over_lines(run: Run) -> None:
    assert all(text.startswith("old pond\n  ") for text in run.sample(5, prefix="old pond\n  ", seed=1))
    assert all("\n  no" in text for text in run.sample(5, contains="\n  no", seed=1))
    assert all(text.endswith("\nagain") for text in run.sample(5, ends_with="\nagain", seed=1))
    assert all(text.count("\n") == 1 for text in run.sample(5, pattern=r"[^\n]+\n[^\n]+", seed=1))
    assert next(run.most_likely(1, prefix="a crow\n")).text.startswith("a crow\n")
    assert len(set(run.sample(8, unique=True, novel=True, seed=1)) - set(THINGS)) == 8
    assert len(run.sample(3, best=True, seed=1)) == 3


def test_things_are_looked_up_only_if_new_ones_are_wanted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(run.corpus), "seen", lambda *_: pytest.fail("looked up"))
    assert len(run.sample(5, seed=1)) == 5
    with pytest.raises(pytest.fail.Exception):
        run.sample(5, novel=True, seed=1)


def test_too_few_things_are_called_things(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("makemore.sampling.wanted.PATIENCE", 100)
    with pytest.raises(MakemoreError, match=r"found 0 of 5 things that match .* and satisfy prefix='old'"):
        run.sample(5, prefix="old", pattern="[^x]*x")


def test_samples_are_printed_with_the_separator_between_them(run: Run, makemore: Callable[..., Any]) -> None:
    texts = run.sample(3, seed=1)
    assert makemore("sample", run.directory, "-n", 3, "--seed", 1).out == "\n\n".join(texts) + "\n"
    out = makemore("sample", run.directory, "-n", 3, "--seed", 1, "--json").out
    assert [json.loads(line)["text"] for line in out.splitlines()] == texts


def test_a_rule_is_between_things_that_may_have_blank_lines(
    tmp_path: Path, makemore: Callable[..., Any]
) -> None:
    for i in range(5):
        (tmp_path / f"{i}.txt").write_text(f"a - {i}\n\nb\n", "utf-8")
    made = tmp_path / "run"
    out = makemore("train", tmp_path, "--separator", "file", "--type", "ngram", "-o", made).out
    assert f"\n  {'=' * 20}\n" in out
    run = library.load(made)
    texts = run.sample(6, seed=1)
    assert any("\n\n" in text for text in texts)
    out = makemore(
        "sample", made, "-n", 6, "--seed", 1
    ).out  # lists have hyphens, so it is made of something else
    assert out == f"\n{'=' * 20}\n".join(texts) + "\n"
    assert f"\n{'=' * 20}\n" in makemore("--sample-only", "-o", made).out
    assert rule("-=~*#_\u2500") == "\u2501" * 20


def test_as_many_things_are_shown_as_a_screen_holds(run: Run) -> None:
    lines, haiku, long = ["a"] * 50, ["a\nb\nc"] * 20, ["\n" * 29 + "a"] * 20
    assert (on_a_screen(lines), on_a_screen(haiku), on_a_screen(long)) == (lines, haiku[:10], long[:3])
    assert on_a_screen([]) == on_a_screen(haiku[:0]) == []


def test_scores(run: Run, tmp_path: Path, makemore: Callable[..., Any]) -> None:
    (score,) = run.score(["\nold pond \r\n  a frog\n"])
    assert run.score(["old pond\n  a frog"]) == [score]
    assert (
        makemore("score", run.directory, "old pond\n  a frog").out == f"{score:.4f}\told pond\n\t  a frog\n"
    )
    (tmp_path / "some.txt").write_text("old pond\n  a frog\n\n\na crow\n", "utf-8")
    out = makemore("score", run.directory, "-i", tmp_path / "some.txt", "--json", "--letters").out
    first, second = map(json.loads, out.splitlines())
    assert (first["text"], second["text"]) == ("old pond\n  a frog", "a crow")
    assert [letter["character"] for letter in first["letters"]][7:10] == ["d", "\n", " "]
    assert first["letters"][-1]["character"] == ""
    shown = makemore("score", run.directory, "old pond\n  a frog", "--letters").out
    assert shown.count("(end)") == 1
    assert "\t  \\n\n" in shown


def test_explanations(run: Run, makemore: Callable[..., Any]) -> None:
    explained = run.explain("old pond\n  a frog")
    assert [each.character for each in explained][-2:] == ["g", ""]
    assert any(c == "\n" for each in explained for c, _ in each.choices)
    out = makemore("explain", run.directory, "old pond\n  a frog").out
    assert out.startswith("old pond↵\n  a frog⏎")
    assert out.count("⏎") >= 2


def test_it_is_measured(run: Run, tmp_path: Path) -> None:
    found = run.eval(n=100)
    assert {"", "\n"} <= found.nll_by_character.keys()


@pytest.mark.slow
def test_the_report_shows_lines(run: Run, tmp_path: Path) -> None:
    page = run.report(tmp_path / "report.html").read_text("utf-8")
    assert "↵</i><br>" in page
    assert "<br>" in run._repr_html_()


def test_lines_of_another_run_have_no_line_breaks(names_run: Path, makemore: Callable[..., Any]) -> None:
    run = library.load(names_run)
    for name in ("prefix", "ends_with", "contains", "without"):
        with pytest.raises(MakemoreError, match=f"{name} must be one line"):
            run.sample(1, **{name: "a\nb"})
    found = makemore("score", names_run, "em\nma")
    assert found.status == 2
    assert "is more than one line" in found.err


def test_training_from_the_command_line(file: Path, tmp_path: Path, makemore: Callable[..., Any]) -> None:
    found = makemore("train", file, "--separator", "blank", "--type", "ngram", "-o", tmp_path / "run")
    assert found.status == 0
    assert f"{len(THINGS)} things, {len(THINGS)} different" in found.out
    assert "groups of lines" not in found.out
    shown = re.search(r"(\d+) new ones .*\n((?:  .*\n|\n(?=  ))+)", found.out)
    assert shown is not None
    assert len(shown[2].split("\n\n")) == int(shown[1]) < 20
    assert shown[2].count("\n") <= 40
    found = makemore("train", file, "--separator", "%%", "-o", tmp_path / "other")
    assert found.status == 2
    assert found.err.count("\n") == 1
    assert "has no line that is '%%'" in found.err
    assert not (tmp_path / "other").exists()


def test_inspect_suggests_it(file: Path, makemore: Callable[..., Any]) -> None:
    assert "if each group is one, use --separator blank" in makemore("inspect", file).out
    found = makemore("inspect", file, "--separator", "blank").out
    assert f"poems.txt: {len(THINGS)} things" in found
    assert "groups of lines" not in found
    assert "--separator blank" in found.splitlines()[-1]


def test_another_run_starts_from_it(tmp_path: Path) -> None:
    options = {"max_steps": 2, "progress": False, "device": "cpu"}
    library.train(lines=THINGS, separator="blank", type="mlp", work_dir=tmp_path / "a", **options)
    second = library.train(
        lines=[each.replace("o", "ö") for each in THINGS], separator="x", from_run=tmp_path / "a",
        work_dir=tmp_path / "b", **options,
    )  # fmt: skip
    assert {"\n", "o", "ö"} <= set(second.vocab.names)
    again = library.train(work_dir=tmp_path / "b", resume=True, **options | {"max_steps": 3})
    assert again.vocab == second.vocab


@pytest.mark.parametrize("how", ["mixture", "product"])
def test_blends_match_characters_by_what_people_see(tmp_path: Path, how: str) -> None:
    options = {"type": "bigram", "smoothing": 1.0, "graphemes": True, "separator": "blank"}
    first = ["👍🏽\na", "a👋🏽", "👍🏽a", "a\n\na", "क्षि\na"]
    second = ["क्षि\nb", "👋🏽b", "b\n\nb", "b👋🏽👋🏽", "👍🏽\nb"]  # in each, clusters have other code points
    long = ("👍🏽", "👋🏽", "क्षि")
    both = [f"{x}\n{y}{z}{w}" for x in long for y in long for z in long for w in (*long, "")]
    first, second = first + both, second + both
    runs = [
        library.train(lines=lines, work_dir=tmp_path / name, **options)
        for name, lines in (("a", first), ("b", second))
    ]
    made = library.blend(runs, how=how, work_dir=tmp_path / "both")
    assert {"\n", "👍🏽", "👋🏽", "क्षि"} <= set(made.vocab.names)
    assert {"a", "b"} <= set(made.vocab.names) or how == "product"
    assert set(made.corpus.lines(range(len(made.corpus)))) <= {*first, *second}
    assert "👍🏽\na" in made.corpus.lines(range(len(made.corpus))) or how == "product"
    samples = list(made.stream(20, SampleOptions(seed=1)))
    scores = [sum(letters) for letters in made.letters([sample.text for sample in samples])]
    np.testing.assert_allclose(scores, [sample.nll for sample in samples], rtol=1e-5)


def test_samples_are_things_that_would_be_read_as_such(tmp_path: Path) -> None:
    lines = [f"{a}\n{b} {c}" for a in "xyz" for b in "xyz" for c in "xyz"]
    run = library.train(
        lines=lines, separator="blank", type="bigram", smoothing=3.0, work_dir=tmp_path / "run"
    )
    texts = [*run.sample(200, seed=1), *run.sample(50, unique=True, seed=1)]
    texts += [sample.text for sample in run.most_likely(50)]
    for text in texts:
        assert all(line == line.rstrip() != "" for line in text.split("\n")), text
    (tmp_path / "samples.txt").write_text("\n\n".join(texts), "utf-8")
    read_again = library.read(tmp_path / "samples.txt", separator="blank")
    assert read_again.lines(range(len(read_again))) == texts
    assert any(text != text.rstrip() for text in run.sample(200, cut=True, seed=1))  # as the model writes


def test_inspect_finds_lines_that_may_separate_things(tmp_path: Path, makemore: Callable[..., Any]) -> None:
    (tmp_path / "poems.txt").write_text("\n%%\n".join(THINGS), "utf-8")
    said = makemore("inspect", tmp_path / "poems.txt").out
    assert "of the lines have only signs that may separate things of several lines ('%%')" in said
    assert "if they do, name them with --separator" in said
    assert "comment sign" not in said


def test_things_with_labels(tmp_path: Path, makemore: Callable[..., Any]) -> None:
    rows = [f'"  {text}",{i % 2}' for i, text in enumerate(THINGS)]
    (tmp_path / "poems.csv").write_text("\n".join(["poem,kind", *rows]), "utf-8")
    options = {"column": "poem", "label": "kind", "separator": "blank", "graphemes": True}
    corpus = library.read(tmp_path / "poems.csv", **options)
    indented = ["  " + text for text in THINGS]
    assert corpus.lines(range(len(corpus))) == indented
    options = {"separator": "blank", "type": "ngram", "work_dir": tmp_path / "run"}
    run = library.train(
        lines=["\n" + each for each in indented], labels=[i % 2 for i in range(len(THINGS))], **options
    )
    assert run.corpus.lines(range(len(corpus))) == indented
    assert run.corpus.fingerprint == corpus.fingerprint
    (tmp_path / "some.txt").write_text("  old pond\n  a frog\n\n  a crow\n", "utf-8")
    out = makemore("classify", run.directory, "-i", tmp_path / "some.txt").out
    assert [line.split("\t")[-1] for line in out.splitlines()] == ["  old pond", "  a frog", "  a crow"]
