"""The tokenizer of an export for transformers: one character, one token, with the same ids.

`tokenizer.json` is the format of the package tokenizers. A text is split into its characters, each of which is
looked up; the boundary, which begins and ends every line, comes before them; nothing adds it at the end, so
that the model can go on from where the text ends. Decoding joins the characters. The class in
`tokenizer_config.json` must be given: transformers 5 would take the class of GPT-2's tokenizer, which works on
bytes, and lose spaces, accents and other alphabets.
"""

from __future__ import annotations

import unicodedata

from makemore.corpus.vocab import UNKNOWN, Vocab

BOUNDARY = "<|endoftext|>"
"""What the boundary is called: GPT-2's name for what is between texts."""


def tokenizer_json(vocab: Vocab) -> dict[str, object]:
    """Return the content of tokenizer.json.

    A character that is not in the vocabulary raises an exception there, unless UNKNOWN stands for it.
    """
    characters = vocab.names[1:]
    stable = all(unicodedata.normalize("NFC", each) == each for each in characters)
    boundary = {"SpecialToken": {"id": BOUNDARY, "type_id": 0}}
    first, second = ({"Sequence": {"id": name, "type_id": 0}} for name in "AB")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": 0,
                "content": BOUNDARY,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
        ],
        "normalizer": {"type": "NFC"} if stable else None,
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": r"[\s\S]"},
            "behavior": "Isolated",
            "invert": False,
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [boundary, first],
            "pair": [boundary, first, boundary, second],
            "special_tokens": {BOUNDARY: {"id": BOUNDARY, "ids": [0], "tokens": [BOUNDARY]}},
        },
        "decoder": {"type": "Fuse"},
        "model": {
            "type": "WordLevel",
            "vocab": {BOUNDARY: 0} | {each: id for id, each in enumerate(characters, 1)},
            "unk_token": UNKNOWN,
        },
    }


def tokenizer_config(longest: int) -> dict[str, object]:
    """Return the content of tokenizer_config.json. longest: How many tokens the model reads at most."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOUNDARY,
        "eos_token": BOUNDARY,
        "pad_token": BOUNDARY,
        "model_max_length": longest,
        "model_input_names": ["input_ids", "attention_mask"],
        "padding_side": "left",
        "clean_up_tokenization_spaces": False,
    }
