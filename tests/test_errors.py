"""How messages quote what people gave, and how the command line spells the arguments they name."""

import math

from makemore.cli.errors import spelled
from makemore.cli.options import flag_of
from makemore.errors import QUOTED, MakemoreError, quoted, shown
from makemore.metrics.advice import of_training


def test_short_text_is_quoted_as_it_is():
    assert quoted("emma") == "'emma'"
    assert quoted("josé") == "'josé'"
    assert quoted(5) == "'5'"
    assert shown("a file.txt") == "a file.txt"


def test_control_characters_are_visible():
    assert quoted("\x1b[31m\n") == r"'\x1b[31m\n'"
    assert shown("\x1b[31m\u202e\udc80") == r"\x1b[31m\u202e\udc80"


def test_long_text_is_cut_in_the_middle():
    assert (
        quoted("a" * 45 + "b" * 1_000_000 + "c" * 15) == f"'{'a' * 45}...{'c' * 15}' (1,000,060 characters)"
    )
    assert len(shown("x" * 1_000_000)) == 4 * QUOTED + 3
    assert len(quoted("\x00" * 1_000_000)) < 5 * QUOTED


def test_only_the_command_line_writes_options():
    error = MakemoreError("top_k must be 1 or more, not 0; top_k counts characters", option="top_k")
    assert str(error).startswith("top_k")
    assert spelled(error, []) == "--top-k must be 1 or more, not 0; top_k counts characters"
    assert spelled(MakemoreError("type and time: no"), []) == "type and time: no"


def test_several_arguments_and_their_values():
    message = "out: already holds a run; use resume=True or overwrite=True, or another work_dir"
    error = MakemoreError(message, option=("resume", "overwrite", "work_dir"))
    assert spelled(error, []) == "out: already holds a run; use --resume or --overwrite, or another -o"
    error = MakemoreError("encoding.txt/encoding: not utf-8; try encoding=latin-1", option="encoding")
    assert spelled(error, []) == "encoding.txt/encoding: not utf-8; try --encoding latin-1"


def test_an_option_is_spelled_as_it_was_typed():
    error = MakemoreError("batch_size must be 1 or more, not 0", option="batch_size")
    assert spelled(error, ["-b", "0"]).startswith("-b must")
    assert spelled(error, ["--batch-size=0"]).startswith("--batch-size must")
    assert spelled(MakemoreError("n must be 0 or more", option="n"), ["--number", "-1"]).startswith(
        "--number must"
    )


def test_a_message_is_one_line_whatever_a_file_is_called():
    assert str(MakemoreError("new\nline\x1b: no such directory")) == r"new\nline\x1b: no such directory"


def test_what_the_user_gave_is_never_spelled_as_an_option():
    error = MakemoreError(
        "overwrite: already holds a run; replace it with overwrite=True", option="overwrite"
    )
    assert spelled(error, []) == "overwrite: already holds a run; replace it with --overwrite"
    error = MakemoreError(
        "no line matches pattern 'novel' and is new (novel=True)", option=("pattern", "novel")
    )
    assert spelled(error, []) == "no line matches --pattern 'novel' and is new (--novel)"
    error = MakemoreError("the run's seed: 'a seed' is not seed=3", option="seed")
    assert spelled(error, []) == "the run's seed: 'a seed' is not --seed 3"


def test_a_plain_word_is_not_spelled_as_an_option():
    (endless,) = of_training([], {"test": math.inf}, counting=None, held_out=0)
    assert endless.advice(flag_of) == "raise --smoothing, or use another type"
    assert "torchrun" in spelled(MakemoreError("start the processes with torchrun"), ["--nproc", "2"])
