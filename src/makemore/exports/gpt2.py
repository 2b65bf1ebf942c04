"""GPT-2's names of a Transformer's modules, which transformers uses and the original makemore.py too."""

NAMES = {
    "embedding": "transformer.wte",
    "positions": "transformer.wpe",
    "norm": "transformer.ln_f",
    "head": "lm_head",
}
"""Modules outside the blocks, there by here."""

BLOCKS = "transformer.h"
"""What blocks are called there."""

PARTS = {
    "norm1": "ln_1",
    "qkv": "attn.c_attn",
    "out": "attn.c_proj",
    "norm2": "ln_2",
    "fc": "mlp.c_fc",
    "proj": "mlp.c_proj",
}
"""Modules in a block, there by here."""
