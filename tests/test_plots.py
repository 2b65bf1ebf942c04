"""Plots: which plots a run has, how they look, and that they can be written."""

import math
import warnings

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text

import makemore
from makemore.corpus import sizes
from makemore.corpus.corpus import Corpus
from makemore.corpus.disk import DiskCorpus
from makemore.corpus.store import Store
from makemore.metrics.losses import Part
from makemore.plots import draw, files, inside, losses, palette, style
from makemore.plots import samples as of_samples
from makemore.plots.entry import Entry
from makemore.plots.files import Plot
from makemore.reports.assessment import assess
from makemore.runs.directory import RunDirectory


@pytest.fixture(scope="module")
def japanese(tmp_path_factory):
    """A bigram of lines in characters that matplotlib's own font lacks."""
    directory = tmp_path_factory.mktemp("japanese")
    path = directory / "lines.txt"
    path.write_text("\n".join(chr(0x4E00 + 7 * i) + chr(0x4E00 + i % 50) for i in range(400)), "utf-8")
    run = makemore.train(path, work_dir=directory / "run", type="bigram", smoothing=0.0, device="cpu")
    return Entry("日本", run, assess(run, 100))


def test_pngs_are_written_in_any_alphabet(japanese, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = draw.write_plots(tmp_path / "plots", [japanese])
    names = [path.stem for path in paths]
    assert "table" in names
    assert not {"curve", "embedding", "attention"} & set(names)  # a bigram has nothing of the kind
    for path in paths:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert content.endswith(b"IEND\xaeB`\x82")
    assert not list((tmp_path / "plots").glob("*.tmp"))


def test_what_no_font_has_becomes_its_code_point():
    assert files.with_glyphs("a\U0010ffff") == "aU+10FFFF"
    assert style.character("\n") == "⏎"
    assert style.character(" ") == "␣"
    assert style.character("\u0301") == "◌\u0301"
    assert style.character("\u200b") == "U+200B"


def test_many_places_and_few_tokens_are_merged():
    none = math.nan, math.nan
    parts = {i: Part(5, 1.0, (0.9, 1.1)) for i in range(1, 1001)}
    x, y, half = losses.merged(parts | {1001: Part(1, 1.0, none), 1002: Part(1, math.inf, none)})
    assert 50 <= len(x) <= losses.MOST
    assert np.allclose(y, 1)
    assert half.max() < 0.1  # more tokens are known better
    assert len(losses.merged({i: Part(19, 1.0, (0.0, 2.0)) for i in range(1, 10)})[0]) == 4


def test_attention_is_the_model_s_own(small, tmp_path):
    options = {"n_layer": 2, "n_head": 2, "n_embd": 16, "max_steps": 3}
    run = makemore.train(small, work_dir=tmp_path / "run", type="transformer", device="cpu", **options)
    weights = inside.attention_weights(run, run.vocab.stream(["anna"])[:-1])
    assert weights.shape == (2, 2, 5, 5)
    assert np.allclose(weights.sum(-1), 1, atol=1e-5)
    assert np.allclose(np.triu(weights[0, 0], 1), 0)
    figure = inside.attention(run)
    assert figure is not None
    assert len(figure.axes) == 4


@pytest.mark.slow
def test_plots_of_a_large_file(names_run, tmp_path, monkeypatch):
    """A file on disk has the same plots as in memory; for a larger file, they show some of the lines."""
    in_memory = makemore.load(names_run)
    found = assess(in_memory, 500)
    monkeypatch.setenv("MAKEMORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sizes, "SIZES", sizes.Sizes(large=0, chunk=500, piece=4000))
    stored = makemore.train("names", type="ngram", work_dir=tmp_path / "run", device="cpu")
    assert stored.corpus.on_disk
    monkeypatch.undo()

    def pictures(run):
        samples = run.sample(100, seed=0)
        return [
            of_samples.line_lengths(run, samples),
            of_samples.pairs(run, samples),
            of_samples.over_temperature(run),
        ]

    few = []
    for run in (in_memory, stored):
        *figures, temperatures = pictures(run)
        few.append([*(files.svg(Plot("", "", "", figure), "k") for figure in figures), temperatures])
    assert few[0] == few[1]
    stored.corpus = DiskCorpus(Store(stored.corpus.store.directory, sizes.Sizes(subsample=5000)))
    monkeypatch.setattr(Corpus, "rows", None)
    lines = Corpus.inner_lines

    def checked(self, rows):
        assert not self.on_disk
        return lines(self, rows)

    monkeypatch.setattr(Corpus, "inner_lines", checked)
    *_, temperatures = pictures(stored)
    assert [t for t, *_ in temperatures] == [t for t, *_ in few[0][-1]]
    assert len(stored.corpus.subsample("train").tokens) < 6000
    with style.styled():
        assert len(draw.make_plots([Entry("x", stored, found)])[1]) >= 6


def lie_apart(figure) -> int:
    """Check that no two labels in the axes of a figure cover each other, and return how many there are."""
    FigureCanvasAgg(figure)
    with style.styled():
        figure.canvas.draw()
    (axes, *_) = figure.axes
    texts = [text for text in axes.texts if text.get_text()]
    boxes = [text.get_window_extent() for text in texts]
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            down = min(a.y1, b.y1) - max(a.y0, b.y0)
            # boxes hold ascent and descent too: a touch of those is not one of letters
            assert min(across, down) <= 0.35 * min(a.height, b.height), (texts[i].get_text(),)
    return len(boxes)


@pytest.mark.slow
def test_labels_do_not_cover_each_other(names_run):
    run = makemore.load(names_run)
    found = assess(run, 200)
    with style.styled():
        figures = [
            losses.reliability(found),
            of_samples.quality_and_variety(["x"], [of_samples.over_temperature(run)]),
        ]
        crowd = [
            of_samples.Point(t, 0.2 + 0.001 * i, 0.2 + 0.001 * i)
            for i, t in enumerate(of_samples.TEMPERATURES)
        ]
        figures.append(
            of_samples.quality_and_variety(["x", "y"], [[*crowd, of_samples.Point(0.0, 0.2, 0.2)]] * 2)
        )
    assert [lie_apart(figure) > 0 for figure in figures if figure] == [True] * 3


def test_labels_of_a_curve_are_not_written_on_it():
    figure, axes = style.new_figure()
    x, y = np.linspace(0, 1, 8), np.linspace(0, 1, 8) ** 3
    axes.plot(x, y)
    axes.set(xlim=(-0.1, 1.1), ylim=(-0.1, 1.1))
    style.label_points(axes, x, y, [f"{a:.2g}" for a in x], palette.BLUE)
    assert lie_apart(figure) > 4
    line = axes.transData.transform(
        np.column_stack([np.linspace(0, 1, 500), np.interp(np.linspace(0, 1, 500), x, y)])
    )
    for text in axes.texts:
        box = text.get_window_extent()
        inner = box.padded(-0.25 * box.height)  # a box holds ascent and descent too
        assert not any(inner.contains(*point) for point in line), text.get_text()


def test_letters_of_the_embedding_do_not_cover_each_other(small, tmp_path):
    run = makemore.train(small, work_dir=tmp_path / "run", type="mlp", max_steps=3, device="cpu")
    with torch.no_grad():  # all characters alike: the worst case
        run.model.embedding.weight.mul_(1e-3)
        run.model.embedding.weight[0] += 1
    with style.styled():
        figure = inside.embedding(run)
    assert lie_apart(figure) == len(run.vocab)


def test_plots_that_would_only_show_chance_are_left_out(tmp_path):
    path = tmp_path / "few.txt"
    path.write_text("\n".join(f"{a}{b}saurus" for a in "abcdefg" for b in "hijklmn"), "utf-8")
    run = makemore.train(path, work_dir=tmp_path / "run", type="mlp", max_steps=2, device="cpu")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = [plot.name for plot in draw.make_plots([Entry("x", run, assess(run, 100))])[1]]
    assert "lengths" in names  # of training lines and samples
    assert not {"curve", "position", "length", "character", "calibration", "temperature", "nearest"} & set(
        names
    )


# the look


def _linear(colour: str):
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def _oklab(rgb):
    to_cones = [[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.6300]]
    to_lab = [[0.2105, 0.7936, -0.0041], [1.9780, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]]
    return np.array(to_lab) @ np.cbrt(np.array(to_cones) @ np.clip(rgb, 0, 1))


# Machado, Oliveira, Fernandes (2009), severity 1
EYES = {
    "usual": np.eye(3),
    "protanopia": np.array([[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]),
    "deuteranopia": np.array(
        [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]
    ),
}


@pytest.mark.parametrize("eyes", EYES)
def test_colours_are_distinct_to_everybody_and_legible_in_light_and_dark(eyes):
    labs = [_oklab(EYES[eyes] @ _linear(colour)) for colour in palette.COLOURS]
    distances = [[np.linalg.norm(a - b) for b in labs[:i]] for i, a in enumerate(labs)]
    assert min(min(row) for row in distances[1:]) > 0.09  # 0.02 is just seen
    assert min(min(row) for row in distances[1:3]) > 0.17
    weights = [0.2126, 0.7152, 0.0722]
    for colour in palette.COLOURS:
        light = float(_linear(colour) @ weights)
        for page in ("#ffffff", "#1c2026"):
            other = float(_linear(page) @ weights)
            assert (max(light, other) + 0.05) / (min(light, other) + 0.05) > 2.3


def test_all_figures_have_one_look(small, tmp_path, monkeypatch):
    written = {}
    monkeypatch.setattr(
        RunDirectory, "write_picture", lambda self, name, figure: written.update({name: figure})
    )
    run = makemore.train(
        small, work_dir=tmp_path / "run", type="mlp", max_steps=25, diagnostics=True, device="cpu"
    )
    with style.styled():
        written["curve"] = losses.learning_curves([Entry("x", run, assess(run, 100))])
    assert written.keys() == {"loss.png", "diagnostics.png", "curve"}
    allowed = {*palette.COLOURS, palette.GREY, palette.INK}
    for figure in written.values():
        used = {to_hex(line.get_color()) for axes in figure.axes for line in axes.lines}
        assert palette.BLUE in used
        assert used <= allowed
        assert to_hex(figure.axes[0].xaxis.label.get_color()) == palette.INK
        FigureCanvasAgg(figure)
        with style.styled():
            figure.canvas.draw()
        assert not any("$" in text.get_text() for text in figure.findobj(Text))  # nothing reads formulas
