"""Blends: runs made of several, whose models predict together."""

from __future__ import annotations

import json
import math
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import makemore as library
from makemore.corpus.corpus import Corpus
from makemore.corpus.joined import joined, shared
from makemore.corpus.vocab import Vocab
from makemore.inference import FORMS
from makemore.inference import blend as inference
from makemore.models import build, configure
from makemore.models.blend import Blend
from makemore.runs.run import Run

FIRST = ["abc", "bca", "cabba", "accab", "bab", "caca", "aab", "bbca", "cab", "abba", "éa", "béb", "aéc"]
SECOND = ["a-b", "c-a", "abc", "cc-b", "bb", "b-ca", "ac", "ca", "cb", "ba-a", "bac", "-aa", "aca", "bcb"]
GREEK = ["αβγ", "βα", "γαβ", "ααβ", "γγα", "βγ"]


def trained(directory: Path, type: str, lines: list[str], **options: Any) -> Run:
    steps = {} if type in ("bigram", "ngram", "ctw") else {"max_steps": 3, "batch_size": 5}
    of: dict[str, Any] = {"type": type, "device": "cpu", "progress": False, **steps, **options}
    return library.train(lines=lines, work_dir=directory, **of)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs by name. Do not change them."""
    at = tmp_path_factory.mktemp("runs")
    return {
        "first": trained(at / "first", "lstm", FIRST, n_embd=8, n_embd2=8),
        "second": trained(at / "second", "ngram", SECOND),
        "greek": trained(at / "greek", "bigram", GREEK),
    }


@pytest.fixture(scope="module", params=["mixture", "product"])
def made(
    request: pytest.FixtureRequest, runs: dict[str, Run], tmp_path_factory: pytest.TempPathFactory
) -> Run:
    """A blend of the first two. Do not change it."""
    directory = tmp_path_factory.mktemp("made") / request.param
    return library.blend([runs["first"], runs["second"]], [0.7, 0.3], request.param, directory)


def ids_of(vocab: Vocab, lines: list[str]) -> Any:
    """The ids of some lines with the boundary before each, (B, T), padded with 0."""
    longest = max(map(len, lines))
    return np.stack([vocab.encode("\n" + line.ljust(longest, "\n")).astype(np.int64) for line in lines])


@torch.no_grad()
def predicted(run: Run, line: str) -> list[dict[str, float]]:
    """The probability of each character at each position of a line."""
    logits, _ = run.model(torch.from_numpy(ids_of(run.vocab, [line])))
    return [dict(zip("\n" + run.vocab.characters, p.tolist(), strict=True)) for p in logits[0].softmax(-1)]


# what it predicts


def test_a_mixture_is_the_mean_and_a_product_is_normalised(made: Run, runs: dict[str, Run]) -> None:
    first, second = (predicted(runs[name], "abca") for name in ("first", "second"))
    product = made.setup.blend is not None and made.setup.blend.how == "product"
    assert set(made.vocab.characters) == (set("abc") if product else set("abcé-"))
    for p, a, b in zip(predicted(made, "abca"), first, second, strict=True):
        if product:
            expected = {c: a[c] ** 0.7 * b[c] ** 0.3 for c in p}
            total = sum(expected.values())
            expected = {c: x / total for c, x in expected.items()}
        else:
            expected = {c: 0.7 * a.get(c, 0) + 0.3 * b.get(c, 0) for c in p}
        assert p == pytest.approx(expected, abs=1e-6)


def test_a_part_that_does_not_know_a_character_is_left_out_until_the_line_ends(
    runs: dict[str, Run], tmp_path: Path
) -> None:
    run = library.blend([runs["first"], runs["second"]], [0.7, 0.3], work_dir=tmp_path / "both")
    known = "abc"
    for ours, its in zip(predicted(run, "aéba")[2:], predicted(runs["first"], "aéba")[2:], strict=True):
        assert [ours[c] for c in known] == pytest.approx([its[c] for c in known], abs=1e-6)
        assert ours["-"] == 0
    alone, both = runs["second"].score(["b-ca"])[0], run.score(["b-ca"])[0]
    assert both <= alone - 2 * math.log(0.3) + 1e-6  # its share counts up to the hyphen
    assert run.score(["é-a"]) == [math.inf]  # no part could have written that
    assert sum(predicted(run, "é-a")[-1].values()) == pytest.approx(1)
    assert all(line.startswith("é-") for line in run.sample(3, prefix="é-", seed=1))


def test_two_alphabets_stay_apart(runs: dict[str, Run], tmp_path: Path) -> None:
    run = library.blend([runs["second"], runs["greek"]], work_dir=tmp_path / "both")
    lines = run.sample(200, seed=1)
    greek = [set(line) <= set("αβγ") for line in lines]
    assert all(ours or not set(line) & set("αβγ") for ours, line in zip(greek, lines, strict=True))
    assert 60 < sum(greek) < 140


# the contract


@torch.no_grad()
def test_both_forms_and_whole_lines_agree(made: Run) -> None:
    lines = [c.join(["ab", "c", "ba"]) for c in made.vocab.characters] + ["b", "abcabcabcabcabc"]
    ids = ids_of(made.vocab, lines)
    whole, _ = made.model(torch.from_numpy(ids))
    torch_state = numpy_state = None
    assert made.form is not None
    for t in range(ids.shape[1]):
        logits, torch_state = made.model(torch.from_numpy(ids[:, t : t + 1]), torch_state)
        torch.testing.assert_close(logits[:, 0], whole[:, t], atol=1e-5, rtol=1e-4)
        array, numpy_state = made.form.step(ids[:, t], numpy_state)
        np.testing.assert_allclose(array, whole[:, t], atol=1e-5)
        assert all(len(s) == len(ids) for s in (*torch_state, *numpy_state))
    rows = [3, 0, 3]
    some, _ = made.model(torch.from_numpy(ids[rows, :1]), tuple(s[rows] for s in torch_state))
    every, _ = made.model(torch.from_numpy(ids[:, :1]), torch_state)
    torch.testing.assert_close(some, every[rows], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_later_character_changes_nothing_before(made: Run) -> None:
    ids = torch.from_numpy(ids_of(made.vocab, ["abcab"]))
    before, _ = made.model(ids)
    for t in range(1, ids.shape[1]):
        for other in range(1, len(made.vocab)):
            changed = ids.clone()
            changed[:, t] = other
            torch.testing.assert_close(made.model(changed)[0][:, :t], before[:, :t])


@torch.no_grad()
def test_where_a_product_can_write_nothing_the_line_ends() -> None:
    """After "a", one bigram without smoothing knows only "b" and the other only "c"."""
    vocab, config = Vocab("abc"), configure("bigram", 3, smoothing=0.0)
    ids = [(list(range(4)), list(range(4)))] * 2
    parts = []
    for lines in ("\nab\nca\n", "\nac\nba\n"):
        part = build("bigram", 4, config)
        part.fit(torch.from_numpy(vocab.encode(lines).astype(np.int64)))
        parts.append(part)
    p = Blend(parts, ids, [0.5, 0.5], True)(torch.from_numpy(ids_of(vocab, ["a"])))[0].exp()
    assert p[0, 1].tolist() == [1, 0, 0, 0]
    weights = [{"counts": part.get_parameter("counts").numpy()} for part in parts]
    forms = [FORMS["bigram"](4, {"smoothing": 0.0}, each) for each in weights]
    logits, _ = inference.Blend(forms, ids, [0.5, 0.5], True).step(vocab.encode("a"))
    assert np.exp(logits).tolist() == [[1, 0, 0, 0]]


# its list


def test_no_line_leaks_from_one_list_into_another(made: Run, runs: dict[str, Run]) -> None:
    both = {line for name in ("first", "second") for line in {"first": FIRST, "second": SECOND}[name]}
    ours = made.corpus.lines(range(len(made.corpus)))
    assert both >= set(ours)
    for seed in range(40):
        chosen = random.Random(seed)
        lists = [["".join(chosen.choices("abc", k=chosen.randint(1, 3))) for _ in range(n)] for n in (12, 30)]
        corpora = [Corpus.from_lines(lines) for lines in lists]
        whole = joined(corpora, Vocab("abc"))
        held_out = {line for split in ("validation", "test") for line in whole.lines(whole.rows(split))}
        trained_on = [line for corpus in corpora for line in corpus.lines(corpus.rows("train"))]
        assert held_out.isdisjoint(trained_on)
        assert all(whole.counts().values())
        assert {*lists[0], *lists[1]} - set(whole.lines(range(len(whole)))) <= set(trained_on)


def test_what_an_earlier_list_has_counts_once() -> None:
    lists = [["abc", "b", "abc", "c"], ["d", "abc", "d", "b", "e"], ["e", "f", "g", "g"]]
    corpora = [Corpus.from_lines(lines) for lines in lists]
    whole = joined(corpora, Vocab("abcdefg"))
    assert whole.lines(range(len(whole))) == ["abc", "b", "abc", "c", "d", "d", "e", "f", "g", "g"]
    assert shared(corpora) == 3


def test_a_large_list_is_joined_as_a_small_one(tmp_path: Path, on_disk: None) -> None:
    names = library.read("names").lines(range(900))
    corpora = []
    for i, lines in enumerate((names[:700], names[500:])):
        Path(tmp_path, f"{i}.txt").write_text("\n".join(lines), "utf-8")
        corpora.append(library.read(tmp_path / f"{i}.txt"))
    whole = joined(corpora, Vocab("".join(set("".join(names)))))
    assert whole.on_disk
    assert whole.lines(range(len(whole))) == names  # what both have counts once
    assert whole.reading is not None
    assert (whole.reading.source, whole.reading.lines) == ("0.txt and 1.txt", 1100)
    some = joined(corpora, Vocab("aeilmnrsthoy"))
    assert some.lines(range(len(some))) == [x for x in names if set(x) <= set("aeilmnrsthoy")]
    assert joined([corpora[0], corpora[0]], whole.vocab).fingerprint == corpora[0].fingerprint


@pytest.mark.parametrize(("type", "knobs"), [("ctw", {}), ("transformer", {"n_layer": 1, "n_embd": 8})])
def test_two_types_on_one_list_have_it_once(
    runs: dict[str, Run], tmp_path: Path, type: str, knobs: dict[str, float]
) -> None:
    other = trained(tmp_path / "other", type, FIRST, **knobs)
    both = library.blend([runs["first"], other], work_dir=tmp_path / "both")
    assert both.corpus.fingerprint == other.corpus.fingerprint
    found = library.compare_runs([runs["first"].directory, other.directory, both.directory])
    assert {entry.type for entry in found.entries} == {"lstm", type, "blend"}


def test_runs_that_were_read_otherwise(tmp_path: Path) -> None:
    rare = trained(tmp_path / "rare", "bigram", [*FIRST, "zab"], min_count=2)
    spaces = trained(tmp_path / "spaces", "bigram", [f"{line} " for line in SECOND], keep_spaces=True)
    both = library.blend([rare, spaces], work_dir=tmp_path / "both")
    assert library.load(tmp_path / "both").vocab.unknown
    assert both.reading is not None
    assert both.reading.keep_spaces
    assert all(map(math.isfinite, both.score(["abc ", "xab", "zab", "a-b "])))
    product = library.blend([rare, spaces], how="product", work_dir=tmp_path / "product")
    assert not library.load(tmp_path / "product").vocab.unknown
    assert product.vocab.characters == "abc"


def test_runs_that_are_not_alike_are_not_blended(tmp_path: Path, makemore: Callable[..., Any]) -> None:
    trained(tmp_path / "clusters", "bigram", FIRST, graphemes=True)
    trained(tmp_path / "points", "bigram", FIRST)
    for name, separator in (("poems", "blank"), ("files", "file")):
        trained(tmp_path / name, "bigram", FIRST, separator=separator)
    trained(tmp_path / "kinds", "bigram", FIRST, labels=["a", "b"] * 6 + ["a"])
    for names, says in (
        (("clusters", "points"), "clusters was trained with --graphemes and"),
        (("points", "clusters"), "clusters was trained with --graphemes and"),
        (("points", "poems"), "poems was trained with --separator blank and"),
        (("poems", "files"), "poems was trained with --separator blank and"),
        (("poems", "points", "poems"), "poems: is named twice; name each run once, and let --weights say"),
        (
            ("points", "kinds"),
            "kinds: its lines have labels, and such runs cannot be blended; train it without --label",
        ),
    ):
        result = makemore("blend", *(tmp_path / name for name in names), "-o", tmp_path / "no")
        assert (result.status, result.out) == (2, "")
        assert says in result.err
        assert not (tmp_path / "no").exists()


# the run


def test_it_needs_its_sources_no_more(runs: dict[str, Run], tmp_path: Path) -> None:
    for name in ("first", "second"):
        shutil.copytree(runs[name].directory, tmp_path / name)
    made = library.blend([tmp_path / "first", str(tmp_path / "second")], work_dir=tmp_path / "both")
    samples, scores = made.sample(20, seed=1), made.score(["abc", "a-b"])
    for name in ("first", "second"):
        shutil.rmtree(tmp_path / name)
    again = library.load(tmp_path / "both")
    assert again.sample(20, seed=1) == samples
    assert again.score(["abc", "a-b"]) == pytest.approx(scores)  # without torch now
    assert str(again.setup.blend) == "a mixture of 50% first (lstm) and 50% second (ngram)"
    assert "Run(blend in" in repr(again)
    assert "steps" not in repr(again)
    assert again._repr_html_()


def test_a_blend_of_a_blend_is_one_of_all_their_parts(runs: dict[str, Run], tmp_path: Path) -> None:
    first, second, greek = runs.values()
    inner = library.blend([first, second], [3, 1], work_dir=tmp_path / "inner")
    outer = library.blend([inner, greek], [2, 2], work_dir=tmp_path / "outer")
    flat = library.blend([first, second, greek], [3, 1, 4], work_dir=tmp_path / "flat")
    assert outer.setup.blend is not None
    assert [part.share for part in outer.setup.blend.parts] == pytest.approx([3 / 8, 1 / 8, 1 / 2])
    assert outer.score(["abc", "a-b", "αβ"]) == pytest.approx(flat.score(["abc", "a-b", "αβ"]))
    with pytest.raises(library.MakemoreError, match=r"inner: is a mixture and cannot be part of a product"):
        library.blend([inner, first], how="product", work_dir=tmp_path / "no")


@pytest.mark.parametrize("change", ["share", "how", "type", "characters", "missing"])
def test_a_damaged_description_is_one_sentence(
    change: str, made: Run, tmp_path: Path, makemore: Callable[..., Any]
) -> None:
    shutil.copytree(made.directory, tmp_path / "made")
    config = json.loads(Path(tmp_path, "made", "config.json").read_text("utf-8"))
    match change:
        case "how":
            config["blend"]["how"] = "sum"
        case "missing":
            del config["blend"]
        case _:
            config["blend"]["parts"][0][change] = {"share": 0.5, "type": "blend", "characters": "cba"}[change]
    Path(tmp_path, "made", "config.json").write_text(json.dumps(config), "utf-8")
    result = makemore("sample", tmp_path / "made")
    assert (result.status, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert "config.json: cannot be read as a makemore file" in result.err


@pytest.fixture
def ok(makemore: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command that succeeds, in a directory of its own, and return what it prints."""
    monkeypatch.chdir(tmp_path)

    def call(*args: object) -> str:
        result = makemore(*args)
        assert (result.status, result.err) == (0, ""), result.err
        return str(result.out)

    return call


def test_the_command_blends_and_the_others_take_it(ok: Callable[..., str], runs: dict[str, Run]) -> None:
    first, second = (runs[name].directory for name in ("first", "second"))
    out = ok("blend", first, second, "--weights", "0.7,0.3", "-o", "both")
    assert "made a mixture of 70% first (lstm) and 30% second (ngram)" in out
    assert "nats per token of the test lines of" in out
    assert "counted 1 line once that several lists have\n" in out  # abc
    assert "\nleft out" not in out
    assert "second knows 4 of these characters, and is left out of a line once it has another" in out
    assert len(ok("sample", "both", "-n", 7, "--without", "c", "--length", "2-5").splitlines()) == 7
    assert ok("sample", "both", "--most-likely", 3)
    assert ok("sample", "both", "--unique", "-n", 5, "--ends-with", "a", "--json")
    assert ok("score", "both", "abc", "--letters")
    assert ok("explain", "both", "a-bé")
    assert ok("-o", "both", "--sample-only")
    assert "left out" in ok("blend", first, second, "--how", "product", "-o", "common")
    assert set(ok("sample", "common", "-n", 20)) <= set("abc\n")


@pytest.mark.slow
def test_what_measures_takes_it_too(made: Run, ok: Callable[..., str], tmp_path: Path) -> None:
    shutil.copytree(made.directory, tmp_path / "made")
    assert json.loads(ok("eval", "made", "-n", 200, "--json"))["type"] == "blend"
    ok("report", "made", "-n", 200)
    page = Path("made", "report.html").read_text("utf-8")
    assert f"a {made.setup.blend.how}" in page if made.setup.blend else False
    assert "learning rate" not in page


def test_what_cannot_be_blended_is_one_sentence(
    runs: dict[str, Run], made: Run, tmp_path: Path, makemore: Callable[..., Any], monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second, greek = (run.directory for run in runs.values())
    shutil.copytree(second, "half")
    Path("half", "best.safetensors").unlink()
    Path("half", "last.safetensors").unlink()
    shutil.copytree(second, "there")
    both = (first, second)
    for args, says in (
        ((), "blend needs two runs or more"),
        ((first,), "blend needs two runs or more"),
        ((first, "nowhere"), "nowhere: no such directory"),
        ((first, "half"), "half: not trained yet"),
        ((*both, "--weights", "a,b"), "--weights: 'a' is not a number"),
        ((*both, "--weights", "1"), "--weights has 1 number for 2 runs"),
        ((*both, "--weights", "1,1,1"), "--weights has 3 numbers for 2 runs"),
        ((*both, "--weights", "1,-1"), "--weights must be more than 0 and finite, not -1"),
        ((*both, "--weights", "0,0"), "--weights must be more than 0 and finite, not 0"),
        ((*both, "--weights", "nan,1"), "--weights must be more than 0 and finite, not nan"),
        ((*both, "--weights", "1e-320,1e300"), "--weights differ so much"),
        ((*both, "--how", "sum"), "sum: no such --how; there are mixture, product"),
        ((*both, "-o", "there"), "there: already holds a run; replace it with --overwrite"),
        ((second, "there", "-o", "there", "--overwrite"), "there: is one of the runs to blend"),
        ((second, greek, "--how", "product"), "have no character in common"),
    ):
        result = makemore("blend", *args, *([] if "-o" in args else ["-o", "new"]))
        assert (result.status, result.out) == (2, ""), args
        assert says in result.err, args
        assert result.err.count("\n") == 1
        assert not Path("new").exists()
    shutil.copytree(made.directory, "made")
    for args, says in (
        (("--resume", "-o", "made"), "made: is a blend, which was not trained and cannot be resumed"),
        (("-i", "names", "--from", "made", "-o", "new"), "made: is a blend of several models"),
        (("-i", "names", "--type", "blend", "-o", "new"), "--type blend: is made of trained runs"),
        (("models", "--type", "blend"), "--type blend: is made of trained runs"),
    ):
        result = makemore(*args)
        assert (result.status, result.out) == (2, "")
        assert says in result.err
        assert result.err.count("\n") == 1
    assert library.load("made").sample(2, seed=1)
    assert makemore("blend", first, second, "-o", "there", "--overwrite").status == 0
    assert library.load("there").type == "blend"


def test_a_product_needs_lines(runs: dict[str, Run], tmp_path: Path) -> None:
    other = trained(tmp_path / "other", "bigram", ["αa", "ββ", "γ", "aa", "αβ"])
    with pytest.raises(library.MakemoreError, match="only 1 different lines consist of characters"):
        library.blend([other, runs["second"]], how="product", work_dir=tmp_path / "no")
    assert not (tmp_path / "no").exists()
