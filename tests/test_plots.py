"""Plots: which there are for which run, and that they can be written."""

import warnings

import numpy as np
import pytest

import makemore
from makemore import cache, corpus, plots
from makemore.assessment import assess
from makemore.corpus import Corpus


@pytest.fixture(scope="module")
def japanese(tmp_path_factory):
    """A bigram of lines in characters that matplotlib's own font does not have."""
    directory = tmp_path_factory.mktemp("japanese")
    path = directory / "lines.txt"
    path.write_text("\n".join(chr(0x4E00 + 7 * i) + chr(0x4E00 + i % 50) for i in range(400)), "utf-8")
    run = makemore.train(path, work_dir=directory / "run", type="bigram", smoothing=0.0, device="cpu")
    return "日本", run, assess(run, 100)


def test_pngs_are_written_in_any_alphabet(japanese, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = plots.write_plots(tmp_path / "plots", [japanese])
    names = [path.stem for path in paths]
    assert "table" in names
    assert not {"curve", "embedding", "attention"} & set(names)  # a bigram has nothing of the kind
    for path in paths:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert content.endswith(b"IEND\xaeB`\x82")
    assert not list((tmp_path / "plots").glob("*.tmp"))


def test_what_no_font_has_becomes_its_code_point():
    assert plots._spelled("a\U0010ffff") == "aU+10FFFF"
    assert plots.character("\n") == "⏎"
    assert plots.character(" ") == "␣"
    assert plots.character("\u0301") == "◌\u0301"
    assert plots.character("\u200b") == "U+200B"


def test_many_places_are_put_together_and_few_tokens_too():
    parts = [{"position": i, "tokens": 5, "nll": 1.0, "interval": [0.9, 1.1]} for i in range(1, 1001)]
    parts.append({"position": 1001, "tokens": 1, "nll": 1.0, "interval": [None, None]})
    parts.append({"position": 1002, "tokens": 1, "nll": None, "interval": [None, None]})
    x, y, half = plots._joined(parts, "position")
    assert 50 <= len(x) <= plots.MOST
    assert np.allclose(y, 1)
    assert half.max() < 0.1  # more tokens are known better
    few = [{"position": i, "tokens": 19, "nll": 1.0, "interval": [0, 2]} for i in range(1, 10)]
    assert len(plots._joined(few, "position")[0]) == 4


def test_attention_is_the_model_s_own(small, tmp_path):
    options = {"n_layer": 2, "n_head": 2, "n_embd": 16, "max_steps": 3}
    run = makemore.train(small, work_dir=tmp_path / "run", type="transformer", device="cpu", **options)
    weights = plots.attention_weights(run, "anna")
    assert weights.shape == (2, 2, 5, 5)
    assert np.allclose(weights.sum(-1), 1, atol=1e-5)
    assert np.allclose(np.triu(weights[0, 0], 1), 0)
    figure = plots.attention(run)
    assert figure is not None
    assert len(figure.axes) == 4


def test_pictures_of_a_large_file(names_run, tmp_path, monkeypatch):
    """On disk the same are drawn as in memory; of a larger file they are of a part of the lines."""
    in_memory = makemore.load(names_run)
    found = assess(in_memory, 500)
    monkeypatch.setenv("MAKEMORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "LARGE", 0)
    for module in (cache, corpus):
        monkeypatch.setattr(module, "CHUNK", 500)
        monkeypatch.setattr(module, "PIECE", 4000)
    stored = makemore.train("names", type="ngram", work_dir=tmp_path / "run", device="cpu")
    assert stored.corpus.store is not None
    monkeypatch.undo()

    def pictures(run):
        samples = run.sample(100, seed=0)
        return [plots.line_lengths(run, samples), plots.pairs(run, samples), plots.over_temperature(run)]

    few = []
    for run in (in_memory, stored):
        *figures, temperatures = pictures(run)
        few.append([*(plots.svg(plots.Plot("", "", "", figure), "k") for figure in figures), temperatures])
    assert few[0] == few[1]
    monkeypatch.setattr(corpus, "DRAWN", 5000)
    monkeypatch.setattr(Corpus, "rows", None)
    lines = Corpus.lines

    def checked(self, rows):
        assert self.store is None
        return lines(self, rows)

    monkeypatch.setattr(Corpus, "lines", checked)
    *_, temperatures = pictures(stored)
    assert [t for t, *_ in temperatures] == [t for t, *_ in few[0][-1]]
    assert len(stored.corpus.drawn("train").tokens) < 6000
    with plots.styled():
        assert len(plots.draw([("x", stored, found)])[1]) >= 6
