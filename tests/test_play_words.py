"""What the page says: in its own words, with advice that can be followed on it; and the samples that it keeps."""

import dataclasses
import json
import re

import pytest
from starlette.requests import Request

from makemore.errors import MakemoreError
from makemore.metrics import advice
from makemore.metrics.verdict import LITTLE, MUCH, UNKNOWN, Verdict
from makemore.play import asked, wording
from makemore.play.kept import MOST, Kept, KeptSample
from makemore.sampling.options import SampleOptions

FOREIGN = re.compile(
    r"dropout|weight_decay|teacher|interval|--|=True|_|\bNone\b|\bprefix\b|\bmax.length\b|\btype=|\bnovel\b"
)
"""What the page has no field for, or calls otherwise."""


# words


@pytest.mark.parametrize(
    ("message", "options", "said"),
    [
        ("prefix must be one line", ("prefix",), "“starts with” must be one line"),
        ("max_length must be 1 or more, not 0", ("max_length",), "“longest” must be 1 or more, not 0"),
        (
            "found 3 of 20 lines that end within 9 characters and are new (novel=True), 200 tried; ask for fewer, "
            "raise max_length, allow lines of the corpus, use cut=True or raise temperature",
            ("max_length", "novel", "cut", "temperature"),
            "found 3 of 20 lines that end within 9 characters and are new (“only new”), 200 tried; ask for fewer, "
            "raise “longest”, allow lines of the corpus or raise “temperature”",
        ),
        (
            "found 3 of 20 lines that are not empty, 200 tried; raise max_length or use cut=True",
            ("max_length", "cut"),
            "found 3 of 20 lines that are not empty, 200 tried; raise “longest”",
        ),
    ],
)
def test_errors_name_the_fields_of_the_page(message, options, said):
    assert wording.sentence_of(MakemoreError(message, option=options), sampling=True) == said


@pytest.mark.parametrize(
    "wish",
    [
        {"top_p": 2.0}, {"temperature": -1.0}, {"length": "x"}, {"length": "8-5"}, {"without": ""}, {"pattern": "("},
        {"seed": -1}, {"max_length": 0}, {"max_length": "x"}, {"novel": "x"}, {"ends_with": 3}, {"unique": "x"},
    ],
)  # fmt: skip
def test_no_refusal_of_a_wish_names_arguments(wish):
    with pytest.raises(MakemoreError) as raised:
        SampleOptions(**wish)
    request = Request({"type": "http", "path": "/token/api/sample", "headers": [], "query_string": b""})
    answer = json.loads(asked.sentence(request, raised.value).body)
    assert not FOREIGN.search(re.sub(r"'.*?'", "", answer["error"])), answer["error"]
    assert answer["options"] == [*wish]


def test_the_page_advises_what_it_has():
    points = [
        dataclasses.make_dataclass("Point", ["step", "validation", "validation_error", "rise_error"])(
            step, loss, 0.01, 0.01
        )
        for step, loss in enumerate((3, 2, 1, 2, 3, 4))
    ]
    found = [
        *advice.of_training(points, {"test": 1.0}, (0.5, 0.01), 3000),
        *advice.of_training([], {"test": float("inf")}, None, 0),
        *advice.of_training(points[:3] * 2, {"test": 1.0}, None, 0),
        *advice.of_counts({"a": 1, "\x00": 1, "b": 9}, 1, 20, 2),
    ]
    assert {"overfitted", "impossible_lines", "worse_than_ngram", "few_lines"} < {each.code for each in found}
    for each in found:
        said = wording.warning(each)
        assert not FOREIGN.search(said["advice"]), said
        assert said["code"] == each.code
    assert wording.COPIES.keys() == {MUCH, UNKNOWN}
    assert not Verdict(LITTLE, 0.0, None, None, 20).advice()


# what is kept


def test_what_is_kept_is_there_after_a_restart(tmp_path):
    path = tmp_path / "play" / "kept.json"
    kept = Kept(path)
    assert kept.of("one") == []
    emma, lines = (
        {"text": "emma", "label": "", "seen": "new"},
        {"text": "a\nb", "label": "x", "seen": "train"},
    )
    kept.change("one", [emma, lines, emma], [])
    kept.change("two", [{"text": "ada"}], [])
    assert Kept(path).of("one") == [KeptSample("emma"), KeptSample("a\nb", "x", "train")]
    assert kept.change("one", [], [emma]) == Kept(path).of("one") == [KeptSample("a\nb", "x", "train")]
    assert kept.change("two", [], [{"text": "ada"}]) == []
    assert json.loads(path.read_text("utf-8")) == {"one": [lines]}


@pytest.mark.parametrize("samples", [[1], [{"text": 3}], [{}], ["emma"]])
def test_what_is_no_sample_is_not_kept(tmp_path, samples):
    with pytest.raises(MakemoreError, match="not samples"):
        Kept(tmp_path / "kept.json").change("one", samples, [])
    with pytest.raises(MakemoreError, match="cannot be kept"):
        Kept(tmp_path / "kept.json").change("one", [{"text": str(i)} for i in range(MOST + 1)], [])
    assert not (tmp_path / "kept.json").exists()


@pytest.mark.parametrize("text", ["{", "[]", '{"one": [3]}', "null", '{"one": 3}'])
def test_a_damaged_file_is_named_and_left_alone(tmp_path, text):
    path = tmp_path / "kept.json"
    path.write_text(text, "utf-8")
    with pytest.raises(MakemoreError, match=re.escape(str(path))):
        Kept(path).change("one", [{"text": "a"}], [])
    assert path.read_text("utf-8") == text
