"""The script that compares two checkouts finds differences."""

import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import makemore

ROOT = Path(__file__).parent.parent
PATH = ROOT / "scripts" / "same_results.py"
SCRIPT = runpy.run_path(str(PATH))


def differences(old: Any, new: Any) -> Any:
    found = SCRIPT["Differences"]()
    found.compare(old, new)
    return found


def test_it_sees_what_differs_and_by_how_much() -> None:
    zeros = np.zeros((2, 300), dtype=np.float32)
    changed = zeros.copy()
    changed[1, 200:202] = 0.25, -0.5
    old = {
        "weights": SCRIPT["array"](zeros),
        "grown": SCRIPT["array"](zeros),
        "nll": {"test": 2.0, "train": 1.0},
        "curve": [1.0, 2.0],
        "seconds": 3.0,
        "text": "emma",
    }
    new = {
        "weights": SCRIPT["array"](changed),
        "grown": SCRIPT["array"](zeros[:1]),
        "nll": {"test": 2.5, "train": 1.0},
        "curve": [1.5],
        "seconds": 4.0,
        "text": "emmy",
    }
    found = differences(old, new)
    assert found.values == [
        "/weights: shape [2, 300], 2 of 600 elements differ, by at most 0.5",
        "/grown: <f4 [2, 300] and <f4 [1, 300]",
        "/nll/test: 2.0 and 2.5, apart by 0.5 (0.2 of it)",
        "/curve: 2 items and 1",
        "/curve/0: 1.0 and 1.5, apart by 0.5 (0.33 of it)",
        "/text: 'emma' and 'emmy'",
    ]
    assert found.matter(allow_new=True, sentences_may_differ=True)


def test_a_value_that_one_has_alone_is_a_difference() -> None:
    new = differences({}, {"more": 1})
    assert new.new == ["/more: only in the new one"]
    assert new.matter(allow_new=False, sentences_may_differ=True)
    assert not new.matter(allow_new=True, sentences_may_differ=False)
    gone = differences({"gone": 1}, {})
    assert gone.gone == ["/gone: only in the old one"]
    assert gone.matter(allow_new=True, sentences_may_differ=True)


def test_sentences_are_counted_apart() -> None:
    found = differences({"says": "2.5 bits, which is low"}, {"says": "It is low: 2.5 bits"})
    assert str(found) == "1 sentences differ, no number does"
    assert found.matter(allow_new=True, sentences_may_differ=False)
    assert not found.matter(allow_new=False, sentences_may_differ=True)
    assert differences({"says": "2.5 bits, low"}, {"says": "2.6 bits, low"}).values


def test_equal_results_are_equal() -> None:
    found = differences({"a": [1, None, "x"]}, {"a": [1, None, "x"]})
    assert not found.matter(allow_new=False, sentences_may_differ=False)


@pytest.mark.release
@pytest.mark.slow
def test_it_finds_one_changed_weight(tmp_path: Path) -> None:
    package = tmp_path / "src" / "makemore"
    shutil.copytree(Path(makemore.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    model = package / "models" / "bigram_nn.py"
    first = "torch.randn(vocab_size, vocab_size))"
    code = model.read_text("utf-8")
    assert code.count(first) == 1
    model.write_text(code.replace(first, f"{first}\n        self.weight.data[0, 0] += 1e-3  #"), "utf-8")
    command = [sys.executable, str(PATH), str(ROOT), str(tmp_path), "--types", "bigram_nn", "--nproc", "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    weights = "/bigram_nn: trained/best.safetensors/weight: shape"
    assert any(line.startswith(weights) for line in done.stdout.splitlines()), done.stdout
    assert not re.search("^/(inspect|compare)/", done.stdout, re.MULTILINE), "only bigram_nn differs"
