"""The script that compares two checkouts finds differences."""

import runpy
from pathlib import Path

SCRIPT = runpy.run_path(str(Path(__file__).parent.parent / "scripts" / "same_results.py"))


def test_it_sees_what_differs_and_by_how_much() -> None:
    old = {
        "weights": "00ff",
        "nll": {"test": 2.0, "train": 1.0},
        "curve": [1.0, 2.0],
        "seconds": 3.0,
        "gone": 1,
    }
    new = {"weights": "00fe", "nll": {"test": 2.5, "train": 1.0}, "curve": [1.0], "seconds": 4.0, "more": 1}
    different, alone = SCRIPT["compare"](old, new)
    assert [line.partition(":")[0] for line in different] == ["/weights", "/nll/test", "/curve"]
    assert "apart by 0.5" in different[1]
    assert alone == ["/gone: only in the old one", "/more: only in the new one"]


def test_equal_results_are_equal() -> None:
    assert SCRIPT["compare"]({"a": [1, None, "x"]}, {"a": [1, None, "x"]}) == ([], [])
