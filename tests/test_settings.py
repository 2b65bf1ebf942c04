"""Settings check themselves, and the arguments of `train` obey the same rules."""

import dataclasses

import pytest

from makemore.errors import MakemoreError
from makemore.models import MODELS
from makemore.runs.settings import DEFAULT_TYPE, RECIPES, Given, Settings, recipe

GOOD = Settings(
    max_steps=10,
    batch_size=2,
    learning_rate=0.1,
    weight_decay=0.0,
    muon=True,
    eval_every=5,
    patience=0,
    seed=0,
)


def test_settings_survive_json():
    assert Settings.from_json(dataclasses.asdict(GOOD)) == GOOD


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch_size", 0), ("teacher", 1.0), ("seed", -1), ("precision", "int8"), ("time", -1.0)],
)
def test_settings_name_the_one_that_is_wrong(name, value):
    with pytest.raises(MakemoreError, match=f"^{name} must be .*, not ") as error:
        dataclasses.replace(GOOD, **{name: value})
    assert error.value.options == (name,)
    with pytest.raises(ValueError, match=f"^{name} must be "):  # a file is wrong, not an argument
        Settings.from_json(dataclasses.asdict(GOOD) | {name: value})


def test_text_is_no_number():
    with pytest.raises(MakemoreError, match="batch_size must be a whole number or None, not 'many'"):
        Given(batch_size="many")


@pytest.mark.parametrize("name", ["max_steps", "time"])
def test_a_run_may_have_zero_but_training_cannot_ask_for_it(name):
    assert dataclasses.replace(GOOD, **{name: 0})
    with pytest.raises(MakemoreError, match=f"{name} must be "):
        Given(**{name: 0})


def test_one_end_of_training_is_enough():
    Given(time=3.0, precision="auto")
    with pytest.raises(MakemoreError, match="both say when training ends") as error:
        Given(time=3.0, max_steps=3)
    assert error.value.options == ("time", "max_steps")


def test_a_misspelled_precision_gets_a_guess():
    with pytest.raises(MakemoreError, match="auto, float32 or bfloat16, not bfloat61; did you mean bfloat16"):
        Given(precision="bfloat61")


def test_recipes_are_for_types_that_exist():
    assert set(RECIPES) <= set(MODELS)
    assert DEFAULT_TYPE in MODELS
    assert recipe("lstm") == recipe("no such type")


def test_given_settings_replace_others_and_time_and_steps_each_other() -> None:
    stored = Settings(3000, 10, 0.1, 0.0, False, 5, 0, 0)
    timed = Given(time=3.0, precision="auto").over(stored)
    assert timed == dataclasses.replace(stored, time=3.0, max_steps=-1)
    assert Given(max_steps=7, seed=1).over(timed) == dataclasses.replace(stored, max_steps=7, seed=1)
