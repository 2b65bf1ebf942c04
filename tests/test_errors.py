"""How messages quote what people gave."""

from makemore.errors import QUOTED, quoted, shown


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
