"""Characters and ids."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makemore.corpus.vocab import BOUNDARY, Vocab, code_points
from makemore.errors import MakemoreError

any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too


@given(any_text)
def test_decode_undoes_encode(text):
    vocab = Vocab(text)
    ids = vocab.encode(text)
    assert len(ids) == len(text)
    assert vocab.decode(ids) == text
    assert vocab.decode(ids.tolist()) == text


@given(any_text)
def test_ids_follow_code_point_order_after_the_boundary(text):
    vocab = Vocab(text)
    characters = sorted(set(text) - {"\n"})
    assert vocab.characters == "".join(characters)
    assert len(vocab) == len(characters) + 1
    assert vocab.encode("\n" + "".join(characters)).tolist() == list(range(len(vocab)))
    assert vocab.codes.tolist() == [ord(c) for c in ["\n", *characters]]


def test_the_newline_is_id_zero_even_among_characters_before_it():
    vocab = Vocab("a\tb\n")
    assert vocab.encode("\n").tolist() == [BOUNDARY] == [0]
    assert vocab.characters == "\tab"


@given(any_text, any_text)
def test_only_known_characters_are_encoded(known, text):
    vocab = Vocab(known)
    unknown = [c for c in text if c != "\n" and c not in known]
    assert vocab.knows(text) == (not unknown)
    if not unknown:
        vocab.encode(text)
        return
    with pytest.raises(MakemoreError) as error:
        vocab.encode(text)
    assert f"{unknown[0]!r} (U+{ord(unknown[0]):04X})" in str(error.value)


@pytest.mark.parametrize(
    ("n", "dtype"), [(0, "uint8"), (255, "uint8"), (256, "uint16"), (65_535, "uint16"), (65_536, "uint32")]
)
def test_ids_take_the_smallest_type_that_holds_them(n, dtype):
    vocab = Vocab("".join(map(chr, range(100, 100 + n))))
    assert vocab.dtype == dtype
    ids = vocab.encode("\n" + vocab.characters)
    assert ids.dtype == dtype
    assert ids.tolist() == list(range(n + 1))  # the largest id fits


@given(any_text, any_text)
def test_equal_when_the_characters_are(a, b):
    assert (Vocab(a) == Vocab(b)) == (set(a) - {"\n"} == set(b) - {"\n"})
    assert hash(Vocab(a)) == hash(Vocab(a[::-1]))
    assert Vocab(a) != a
    assert pickle.loads(pickle.dumps(Vocab(a))) == Vocab(a)


@given(any_text)
def test_code_points(text):
    codes = code_points(text)
    assert codes.dtype == np.uint32
    assert codes.tolist() == [ord(c) for c in text]
