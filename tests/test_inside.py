"""What a run expects after a text, and what there is to see inside its model."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import makemore
from makemore.corpus.corpus import Corpus
from makemore.corpus.kinds import kinds_of
from makemore.errors import MakemoreError
from makemore.inference import FORMS
from makemore.inference.base import Inference
from makemore.models import MODELS, build, configure
from makemore.runs.inside import LAST, inside
from makemore.runs.run import Run
from makemore.runs.views import Inside, View

LINES = ["emma", "ava", "mia", "isabella", "noa", "bob", "zoe", "al", "emmanuel", "anna-maria", "lena", "ida"]
KINDS = ["girl", "boy", "girl", "girl", "boy", "boy", "girl", "boy", "boy", "girl", "girl", "girl"]


def form(type: str, corpus: Corpus) -> Inference:
    """Return a model of a type with weights that are not symmetric, or fitted, in NumPy."""
    torch.manual_seed(3)
    config = configure(type, corpus.longest, labels=len(corpus.vocab.labels))
    model = build(type, len(corpus.vocab), config)
    if model.counting or model.counts_first:
        inputs = torch.from_numpy(corpus.inputs(np.arange(len(corpus))))
        model.fit(inputs, torch.from_numpy(kinds_of(corpus.vocab)))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
    return FORMS[type](len(corpus.vocab), dataclasses.asdict(config), weights)


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Return two tiny runs, without labels and with them."""
    where = tmp_path_factory.mktemp("inside")
    (where / "lines.txt").write_text("\n".join(LINES) + "\n", "utf-8")
    table = "name,sex\n" + "".join(f"{line},{sex}\n" for line, sex in zip(LINES, KINDS, strict=True))
    (where / "table.csv").write_text(table, "utf-8")
    makemore.train(where / "lines.txt", type="ngram", work_dir=where / "plain", device="cpu")
    how = {"column": "name", "label": "sex"}
    makemore.train(where / "table.csv", type="ngram", work_dir=where / "labels", device="cpu", **how)
    return {False: where / "plain", True: where / "labels"}


@pytest.fixture(scope="module")
def of_type(directories: dict[bool, Path]) -> Callable[..., Run]:
    """Return a function that returns a run with a model of a type."""

    def made(type: str, labels: bool = False) -> Run:
        run = makemore.load(directories[labels])
        run.type, run.form = type, form(type, run.corpus)
        return run

    return made


def view(found: Inside, title: str) -> View:
    (one,) = (view for view in found.views if view.title.startswith(title))
    return one


# what it expects


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("type", ["ngram", "mixture", "transformer"])
def test_what_is_expected_is_what_explain_says(of_type, type, labels):
    run = of_type(type, labels)
    for label in (None, "boy") if labels else (None,):
        explained = run.explain("emma", top=100, label=label)
        for text, each in zip(("", "e", "em", "emm", "emma"), explained, strict=True):
            found = run.expects(text, label=label)
            assert [name for name, _ in found] == [name for name, _ in each.choices]
            np.testing.assert_allclose([p for _, p in found], [p for _, p in each.choices], rtol=1e-5)
            assert sum(p for _, p in found) == pytest.approx(1)
            assert run.expects(text, 3, label) == found[:3]
            assert "\n" in dict(found)


def test_one_more_character_costs_one_step_and_one_less_none(of_type):
    run = of_type("lstm")
    steps = []
    step = run.form.step
    run.form.step = lambda *given: steps.append(given) or step(*given)
    text = "emmanuel-maria"
    for n in range(len(text) + 1):
        run.expects(text[:n])
    assert len(steps) == len(text) + 1
    before = run.expects(text[:-1])
    assert len(steps) == len(text) + 1
    run.expects("zoe")
    assert len(steps) == len(text) + 1 + 4
    run.form.step = step
    run = of_type("lstm")
    assert before == run.expects(text[:-1])


def test_a_long_line_is_not_read_again_when_it_is_changed_near_its_end(of_type):
    run = of_type("transformer")
    text = "emmanuel-maria" * 20
    before = run.expects(text)
    (nlls,) = run.letters([text])
    steps = []
    step = run.form.step
    run.form.step = lambda *given: steps.append(given) or step(*given)
    changed = text[:-60] + "zoe"
    after = run.expects(changed)
    assert run.letters([text])[0] == nlls
    assert inside(run, text).views
    assert len(steps) < 64 + 64 + LAST
    assert before != after
    (explained, *_) = reversed(of_type("transformer").explain(changed, top=100))
    np.testing.assert_allclose([p for _, p in after], [p for _, p in explained.choices], rtol=1e-5)


def test_a_text_is_taken_as_it_was_typed(of_type):
    run = of_type("ngram")
    assert run.expects("anna-") != run.expects("anna")
    with pytest.raises(MakemoreError, match=r"'!' .* is not among"):
        run.expects("anna!")
    with pytest.raises(MakemoreError, match="more than one line"):
        run.expects("an\nna")
    with pytest.raises(MakemoreError, match="top must be 1 or more"):
        run.expects("", top=0)


def test_a_model_that_only_torch_has_expects_the_same(directories):
    run = makemore.load(directories[False])
    expected = run.expects("emm")
    run.form = None
    assert [c for c, _ in run.expects("emm")][:5] == [c for c, _ in expected][:5]
    np.testing.assert_allclose([p for _, p in run.expects("emm")], [p for _, p in expected], atol=1e-6)
    assert inside(run, "emm").views == ()
    assert "nothing more to see" in inside(run, "emm").says


# what is inside


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("type", list(MODELS))
def test_every_model_shows_something(of_type, type, labels):
    run = of_type(type, labels)
    for text in ("", "e", "emmanuel" * 6):
        found = inside(run, text)
        assert found.says.endswith(".")
        assert found.views or "nothing more to see" in found.says
        assert found.text == tuple(text)
        assert Inside.from_json(json.loads(json.dumps(found.to_json()))) == found
        for each in found.views:
            assert each.says.endswith(".")
            assert each.grids or each.levels or each.points
            for grid in each.grids:
                assert np.shape(grid.values) == (len(grid.rows), len(grid.columns))
                assert grid.low <= np.min(grid.values) <= np.max(grid.values) <= grid.high
                assert len(grid.columns) <= max(LAST + 1, len(run.vocab))


@pytest.mark.parametrize("text", ["", "emma", "emmanuel" * 6])
@pytest.mark.parametrize("type", ["transformer", "llama", "bow"])
def test_attention_adds_up_to_1_and_never_looks_ahead(of_type, type, text):
    found = view(inside(of_type(type), text), "Attention")
    for grid in found.grids:
        values, (R, C) = np.array(grid.values), np.shape(grid.values)
        np.testing.assert_allclose(values.sum(1), 1, atol=1e-3)
        assert (values[np.triu_indices(R, C - R + 1, C)] == 0).all()
        assert values[-1, -1] > 0
    if type == "transformer":
        assert len({grid.title for grid in found.grids}) == len(found.grids) > 1


@pytest.mark.parametrize(
    ("type", "titles"),
    [
        ("lstm", ("Input", "Forget", "Output")),
        ("mixture", ("Input", "Forget", "Output")),
        ("gru", ("Reset", "Update")),
        ("mingru", ("Update",)),
        ("wavenet", ("Gates",)),
        ("mlp", ("Hidden",)),
    ],
)
def test_gates_are_between_0_and_1_and_differ_along_the_line(of_type, type, titles):
    found = inside(of_type(type), "emma")
    for title in titles:
        for grid in view(found, title).grids:
            assert grid.columns == ("\n", "e", "m", "m", "a")
            assert grid.low == (-1 if title == "Hidden" else 0)
            assert np.std(grid.values, 1).max() > 0


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("text", ["", "emm", "zzz"])
def test_the_last_level_of_an_ngram_is_what_it_expects(of_type, text, labels):
    run = of_type("ngram", labels)
    label = "boy" if labels else None
    found = view(inside(run, text, label), "Contexts")
    expected = dict(run.expects(text, label=label))
    np.testing.assert_allclose(found.levels[-1].p, [expected[c] for c in found.characters], rtol=1e-9)
    assert "\n" in found.characters
    assert found.levels[0].context == ()
    assert found.levels[-1].context == ("\n", *text)[-5:]
    assert found.levels[0].p != found.levels[-1].p
    if text == "zzz":
        assert (found.levels[-1].seen, found.levels[-1].share) == (0, 1)


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("text", ["", "emm", "zzz"])
def test_the_levels_of_a_context_tree_have_what_it_expects_as_their_mean(of_type, text, labels):
    run = of_type("ctw", labels)
    label = "boy" if labels else None
    found = view(inside(run, text, label), "Contexts")
    expected = dict(run.expects(text, label=label))
    assert sum(level.share for level in found.levels) == pytest.approx(1)
    mean = np.array([level.share for level in found.levels]) @ [level.p for level in found.levels]
    np.testing.assert_allclose(mean, [expected[c] for c in found.characters], rtol=1e-9)
    if not text and not labels:
        assert found.levels[1].seen == len(LINES)  # so many lines begin
    if text == "zzz":
        assert (found.levels[-1].seen, found.levels[-1].share) == (0, 0)


def test_the_framed_row_of_a_table_is_what_is_expected(of_type):
    run = of_type("bigram")
    (grid,) = view(inside(run, "em"), "Table").grids
    assert grid.rows[grid.marked] == "m"
    expected = dict(run.expects("em"))
    np.testing.assert_allclose(grid.values[grid.marked], [expected[c] for c in grid.columns], atol=1e-4)


def test_the_map_has_every_character_once(of_type):
    run = of_type("lstm")
    points = view(inside(run, "em"), "Map").points
    assert sorted(point.character for point in points) == sorted(run.vocab.names)
    assert len({(point.x, point.y) for point in points}) == len(points)


def test_nothing_is_noted_unless_somebody_watches(of_type):
    form = of_type("lstm").form
    start = np.zeros(1, dtype=np.intp)
    with form.watched() as seen:
        form.step(start)
    form.step(start)
    assert {name: len(values) for name, values in seen.items()} == {"i": 1, "f": 1, "o": 1}


def test_a_blend_shows_the_share_of_each_part(directories, tmp_path):
    makemore.train(lines=LINES, type="bigram", work_dir=tmp_path / "b", device="cpu")
    run = makemore.blend([directories[False], tmp_path / "b"], work_dir=tmp_path / "both")
    found = inside(run, "emm")
    assert "mixture of" in found.says
    (grid,) = view(found, "Trust").grids
    np.testing.assert_allclose(np.sum(grid.values, 0), 1, atol=1e-3)


def test_looking_inside_needs_no_torch(directories):
    code = (
        "import sys; from makemore.runs.run import load; from makemore.runs.inside import inside\n"
        "run = load(sys.argv[1]); run.expects('em'); inside(run, 'em'); print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(directories[False])]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
