"""What training shows before torch is loaded."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import makemore
from makemore.cli import first
from makemore.corpus.reading import How
from makemore.errors import MakemoreError
from makemore.inference.ladder import TYPES
from makemore.models import MODELS, knobs

WITHOUT_TORCH = """
import os
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise SystemExit("torch is loaded now")
sys.meta_path.insert(0, Missing())
from makemore.__main__ import main
for directory in sys.argv[1:]:
    os.chdir(directory)
    sys.argv = ["makemore", "-i", "list.txt", "-o", "run"]
    try:
        main()
    except SystemExit as end:
        print(end.code, end="\\0", flush=True)
"""


def test_lines_by_counting_come_before_torch(tmp_path):
    lists = [["anna", "bea", "cleo", "dora"] * 5, ["a", "b", "c"], ["a\tb" * 40, "ü", "Zoë 1"]]
    places = [tmp_path / str(i) for i in range(len(lists))]
    for place, lines in zip(places, lists, strict=True):
        place.mkdir()
        (place / "list.txt").write_text("\n".join(lines) + "\n", "utf-8")
    command = [sys.executable, "-c", WITHOUT_TORCH, *places]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for place, lines, said in zip(places, lists, done.stdout.split("\0")[:-1], strict=True):
        assert said.startswith("read list.txt: ")
        assert said.endswith("torch is loaded now")
        shown = said.partition("samples by counting (a 6-gram)")[2].removesuffix("torch is loaded now")
        assert len(shown.split()) >= (5 if len(set(lines)) == 4 else 0)
        assert not list((place / "run").iterdir())


def test_nothing_is_shown_twice(makemore, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("list.txt").write_text("anna\nbea\ncleo\ndora\nemma\n" * 8, "utf-8")
    done = makemore("-i", "list.txt", "--max-steps", 3, "--type", "bigram_nn")
    assert done.status == 0
    assert done.out.count("read list.txt") == done.out.count("samples by counting") == 1
    assert (
        done.out.index("by counting")
        < done.out.index("training bigram_nn")
        < done.out.index("samples at step 0")
    )
    again = makemore("--resume", "--max-steps", 5)
    assert "by counting" not in again.out
    assert "samples at step 0" not in again.out
    assert "by counting" not in makemore("-i", "list.txt", "--type", "ngram", "-o", "counts").out


def test_the_ladder_says_of_each_type_what_its_class_does():
    for name, known in TYPES.items():
        assert known.counting == MODELS[name].counting
        assert known.sized == any(knob.name == "n_embd" for knob in knobs(name))
        assert len(f"It {known.says}.") < 90


def test_large_files_and_streams_are_not_read_first(tmp_path, monkeypatch):
    path = tmp_path / "list.txt"
    path.write_text("anna\nbea\ncleo\n" * 20, "utf-8")
    assert first.first_look(str(path), tmp_path / "run", False, How(), 1) is not None
    monkeypatch.setattr(first, "LARGEST", 10)
    assert first.first_look(str(path), tmp_path / "run", False, How(), 1) is None
    assert first.first_look("-", tmp_path / "run", False, How(), 1) is None


def test_lines_that_were_read_are_trained_on(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("anna\nbea\ncleo\ndora\nemma\nfay\n" * 4, "utf-8")
    corpus = makemore.read(path)
    runs = [
        makemore.train(source, type="bigram_nn", max_steps=3, work_dir=tmp_path / name, progress=False)
        for source, name in ((corpus, "a"), (path, "b"))
    ]
    weights = [run.model.state_dict()["weight"].numpy() for run in runs]
    assert np.array_equal(*weights)
    assert runs[0].setup == runs[1].setup
    with pytest.raises(
        MakemoreError, match=r"have been read; give the options for reading to makemore\.read"
    ):
        makemore.train(corpus, min_count=2, work_dir=tmp_path / "c")
