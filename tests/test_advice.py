"""Each warning appears if its fault is there, and only then."""

import dataclasses
import math
import unicodedata
from collections import Counter

import pytest

from makemore.metrics import advice
from makemore.metrics.advice import AMBER, RED
from makemore.metrics.verdict import judge_older
from makemore.runs.summary import Metrics


def codes(found):
    return [warned.code for warned in found]


def curve(*validation, error=0.01, begin=100):
    return [
        Metrics(step=begin + 100 * i, train=v, validation=v, validation_error=error, rise_error=error)
        for i, v in enumerate(validation)
    ]


NLL = {"train": 1.9, "validation": 2.0, "test": 2.0}


# overfitted


def test_overfitted_is_three_in_a_row_above_the_minimum_by_two_errors():
    assert advice.overfitted(curve(2.5, 2.0, 2.021, 2.021, 2.021)) == 200
    assert advice.overfitted(curve(2.5, 2.0, 2.021, 2.021)) is None  # two
    assert advice.overfitted(curve(2.5, 2.0, 2.019, 2.019, 2.019, 2.019)) is None  # too little
    assert advice.overfitted(curve(2.5, 2.0, 2.03, 2.03, 2.01, 2.03, 2.03)) is None  # not in a row
    assert advice.overfitted(curve(2.5, 2.0, 2.03, 2.03, 1.99, 2.0, 2.0, 2.0)) is None  # a new minimum
    assert advice.overfitted(curve(2.5, 2.0, 2.03, 2.03, 1.99, 2.02, 2.02, 2.02)) == 500


def test_overfitted_uses_the_error_of_the_rise():
    metrics = curve(2.5, 2.0, 2.05, 2.05, 2.05, error=0.001)
    metrics[3] = dataclasses.replace(metrics[3], rise_error=0.03)
    assert advice.overfitted(metrics) is None
    metrics[3] = dataclasses.replace(metrics[3], rise_error=0.02)
    assert advice.overfitted(metrics) == 200


@pytest.mark.parametrize("error", [0.0, None])
def test_without_an_error_nothing_is_said_of_overfitting(error):
    metrics = [dataclasses.replace(row, rise_error=error) for row in curve(2.0, 3.0, 3.0, 3.0, 3.0)]
    assert advice.overfitted(metrics) is None
    assert advice.of_training(metrics, NLL, None, 3000) == []


def test_overfitted_of_little():
    assert advice.overfitted([]) is None
    assert advice.overfitted(curve(2.0)) is None


def test_overfitted_in_words():
    (warned,) = advice.of_training(curve(2.5, 2.0, 2.1, 2.2, 2.3), NLL, None, 3000)
    assert (warned.code, warned.severity) == ("overfitted", RED)
    assert "step 200" in warned.message
    assert advice.of_training(curve(2.5, 2.2, 2.1, 2.01, 2.0, 2.0, 2.0), NLL, None, 3000) == []


# still improving


def test_still_improving_is_a_fall_in_the_last_tenth():
    down = [3 - 0.05 * i for i in range(20)]
    (warned,) = advice.of_training(curve(*down), NLL, None, 3000)
    assert (warned.code, warned.severity) == ("still_improving", AMBER)
    assert "0.100" in warned.message  # two of twenty evaluations


@pytest.mark.parametrize(
    "validation",
    [
        [3, 2.5, 2.2, 2.05, 2.0, 2.0, 1.995],  # the fall is less than the error
        [3, 2.8, 2.6, 2.4, 2.2, 2.0, 2.005],  # the last is not the best
        [3, 2.5, 2.0, 1.5],  # too few to tell
    ],
)
def test_not_still_improving(validation):
    assert advice.of_training(curve(*validation), NLL, None, 3000) == []


# worse than counting


def test_worse_than_ngram():
    (warned,) = advice.of_training([], {"test": 2.1}, (2.05, 0.01), 3000)
    assert (warned.code, warned.severity) == ("worse_than_ngram", AMBER)
    assert "2.050" in warned.message
    assert "2.100" in warned.message
    assert advice.of_training([], {"test": 2.0}, (2.05, 0.01), 3000) == []
    assert advice.of_training([], {"test": 2.1}, (2.05, 0.03), 3000) == []  # as good as equal
    assert advice.of_training([], {"test": 2.1}, None, 3000) == []  # it counts itself
    assert advice.of_training([], {"test": 2.1}, (2.05, 0.001), 299) == []  # a handful of lines cannot tell
    assert advice.of_training([], {"test": 2.1}, (2.05, 0.001), 300) != []


def test_one_rule_for_the_type():
    assert "judge by the samples" in advice.of_types(199)
    assert "suit the default" in advice.of_types(200)


# of the list

HEALTHY = ["emma", "olivia", "ava", "été", "o'neil", "zoë b"] * 5


def of_list(lines=HEALTHY, different=1000, held_out=300):
    marks = sum(not unicodedata.is_normalized("NFC", line) for line in lines)
    return advice.of_counts(Counter("".join(lines)), marks, different, held_out)


def test_a_healthy_list():
    assert of_list() == []


@pytest.mark.parametrize(("different", "held_out"), [(999, 300), (1000, 299)])
def test_few_lines(different, held_out):
    (warned,) = of_list(different=different, held_out=held_out)
    assert (warned.code, warned.severity) == ("few_lines", AMBER)
    assert f"{different:,} different" in warned.message
    assert f"{held_out} held out" in warned.message


def test_rare_characters():
    (warned,) = of_list([*HEALTHY, "xxxx", "qqqqq"])
    assert warned.code == "rare_characters"
    assert "(x)" in warned.message
    assert of_list([*HEALTHY, "xxx", "xx"]) == []  # five times, in two lines
    (many,) = of_list([*HEALTHY, "0123456789XYZ"])
    assert "13 of " in many.message
    assert many.message.endswith("(0 1 2 3 4 5 6 7 8 9 ...)")


@pytest.mark.parametrize("odd", ["\ufffd", "\x07", "\x85", "\u200b", "\ufeff", "\u202e", "\ue000"])
def test_suspicious_characters(odd):
    assert advice.suspicious(odd)
    (warned,) = of_list([*HEALTHY, *[f"a{odd}b"] * 5])
    assert warned.code == "suspicious_characters"
    assert "5 places" in warned.message
    assert warned.message.isprintable()  # what cannot be seen is named


@pytest.mark.parametrize("character", "aZ9 é'-ßж中ع́–·")
def test_characters_that_are_not_suspicious(character):
    assert not advice.suspicious(character)


def test_mixed_normal_forms():
    (warned,) = of_list([*HEALTHY, *["e\u0301a"] * 5])
    assert (warned.code, warned.severity) == ("mixed_normal_forms", AMBER)
    assert "5 lines" in warned.message


# of samples

GOOD = {"uniqueness": 0.9, "uniqueness_of_train": 0.95, "validity": 0.99}


def of_samples(ratio=1.3, interval=(1.1, 1.6), share=0.3, held_out=2000, **numbers):
    verdict = judge_older(share, ratio, interval, held_out)
    return advice.of_samples(verdict, **GOOD | numbers)


def test_healthy_samples():
    assert of_samples() == []
    assert advice.of_samples(None, **GOOD) == []


@pytest.mark.parametrize(
    ("ratio", "low", "severity"),
    [(2.3, 2.1, AMBER), (4.0, 3.0, AMBER), (4.1, 2.1, RED), (40.0, 20.0, RED)],
)
def test_memorises(ratio, low, severity):
    (warned,) = of_samples(ratio, (low, 50.0))
    assert (warned.code, warned.severity) == ("memorises", severity)
    assert f"{ratio:.1f}x as likely" in warned.message
    assert "30% of samples are training lines" in warned.message


@pytest.mark.parametrize(
    ("ratio", "interval"),
    [(2.0, (1.5, 2.5)), (5.0, (0.9, 9.0)), (math.nan, (math.nan, math.nan)), (5.0, (math.nan, math.nan))],
)
def test_does_not_memorise_or_it_cannot_be_told(ratio, interval):
    assert of_samples(ratio, interval) == []


def test_who_copies_one_line_in_a_hundred_does_not_memorise():
    assert of_samples(9.0, (6.0, 16.0)) != []
    assert of_samples(9.0, (6.0, 16.0), share=0.01) == []


def test_of_a_handful_of_lines_nothing_is_said():
    assert of_samples(9.0, (9.0, 9.0)) != []
    assert of_samples(9.0, (9.0, 9.0), held_out=6) == []


def test_collapse():
    (warned,) = of_samples(uniqueness=0.75)
    assert (warned.code, warned.severity) == ("collapse", RED)
    assert of_samples(uniqueness=0.77) == []
    assert of_samples(uniqueness=0.3, uniqueness_of_train=0.35) == []  # so is the list


def test_unended():
    (warned,) = of_samples(validity=0.89)
    assert (warned.code, warned.severity) == ("unended", AMBER)
    assert "11.0%" in warned.message
    assert of_samples(validity=0.9) == []


def test_every_warning_says_what_to_do():
    odd = ["e\u0301\u200b"]
    found = [
        *advice.of_training(curve(2.0, 3.0, 3.0, 3.0, 3.0), {"test": 3.0}, (2.0, 0.01), 3000),
        *advice.of_training(curve(3.0, 2.8, 2.6, 2.4, 2.2), NLL, None, 3000),
        *of_samples(9.0, (6.0, 12.0), uniqueness=0.1, validity=0.5),
        *of_list(odd, 1, 0),
    ]
    assert sorted(codes(found)) == sorted(
        [
            "overfitted", "worse_than_ngram", "still_improving", "memorises", "collapse", "unended",
            "few_lines", "rare_characters", "suspicious_characters", "mixed_normal_forms",
        ]
    )  # fmt: skip
    assert all(warned.message and warned.remedy for warned in found)
    for warned in found:  # the library names arguments; the command line spells each as an option
        assert "--" not in warned.message + warned.advice()
        for option in warned.options:
            assert f"--{option}" in warned.advice(lambda name: f"--{name}")
    assert {warned.severity for warned in found} == {AMBER, RED}


def test_impossible_lines():
    (warned,) = advice.of_training([], {"train": 2.0, "test": math.inf}, (2.0, 0.01), 3000)
    assert (warned.code, warned.severity) == ("impossible_lines", RED)
