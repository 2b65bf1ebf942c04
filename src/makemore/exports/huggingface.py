"""A directory that transformers loads with AutoModelForCausalLM and AutoTokenizer, with no code of makemore's.

`transformer` is a GPT-2 with the exact GELU and a head of its own; GPT-2 keeps the matrices of its blocks
transposed. `llama` has a norm on queries and keys, which Qwen3's class has and Llama's lacks: the rest of
the two is the same. No other type has a class there.

    config.json             the architecture
    generation_config.json  how `generate` samples: from the model itself, until the boundary
    model.safetensors       the weights, under the names of that architecture
    tokenizer.json, tokenizer_config.json
    README.md               the model card
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from makemore.exports import gpt2
from makemore.exports.card import card
from makemore.exports.own import WEIGHTS, metadata_for
from makemore.exports.tokenizer import tokenizer_config, tokenizer_json
from makemore.exports.weights import never, no_text, positions, write_text
from makemore.files.json_io import to_json
from makemore.models.llama import EPS, SLOWEST
from makemore.runs.run import Run
from makemore.runs.weights import write_tensors

FILES = (
    WEIGHTS,
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "README.md",
)

_COMMON: dict[str, object] = {
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
    "tie_word_embeddings": False,
    "dtype": "float32",
    "torch_dtype": "float32",  # its name in transformers 4
}


def refusal(run: Run) -> str:
    """Say why a run cannot be exported; an empty string if it can."""
    if run.type not in ("transformer", "llama"):
        return f"type {run.type} has no class in transformers, where only transformer and llama have one"
    if run.vocab.labels:
        return "its lines have labels, and no class in transformers reads them"
    if run.vocab.forms.clusters:
        return (
            "some of its characters are several code points, and the tokenizer splits text into single ones"
        )
    return no_text(run.vocab)


def write(run: Run, directory: Path) -> None:
    """Write the files of a trained run to an empty directory."""
    of_type = _gpt2 if run.type == "transformer" else _qwen3
    config, tensors = of_type(run)
    most = positions(run)
    how = {"do_sample": True, "top_k": 0, "temperature": 1.0, "max_length": most + 1}
    ids: dict[str, object] = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"), 0)
    if unwanted := never(run.vocab):
        ids["suppress_tokens"] = unwanted
    for name, content in {
        "config.json": config | _COMMON | {"vocab_size": len(run.vocab)},
        "generation_config.json": ids | how,
        "tokenizer.json": tokenizer_json(run.vocab),
        "tokenizer_config.json": tokenizer_config(most),
    }.items():
        write_text(directory / name, to_json(content, indent=2))
    write_text(directory / "README.md", card(run, most))
    write_tensors(directory / WEIGHTS, dict(tensors), metadata_for(directory))


def _gpt2(run: Run) -> tuple[dict[str, object], Iterator[tuple[str, Tensor]]]:
    """Return the config and the tensors of a Transformer."""
    knobs = run.setup.knobs
    config: dict[str, object] = {
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "activation_function": "gelu_new" if knobs.get("gelu_tanh") else "gelu",
        "n_positions": int(knobs["block_size"]),
        "n_embd": int(knobs["n_embd"]),
        "n_layer": int(knobs["n_layer"]),
        "n_head": int(knobs["n_head"]),
        "n_inner": 4 * int(knobs["n_embd"]),
        "layer_norm_epsilon": 1e-5,
        "attn_pdrop": 0.0,
        "embd_pdrop": knobs["dropout"],
        "resid_pdrop": knobs["dropout"],
    }
    return config, _renamed(run, gpt2.NAMES, gpt2.BLOCKS, gpt2.PARTS, transposed=("qkv", "out", "fc", "proj"))


def _qwen3(run: Run) -> tuple[dict[str, object], Iterator[tuple[str, Tensor]]]:
    """Return the config and the tensors of a Llama."""
    knobs = run.setup.knobs
    C, H = int(knobs["n_embd"]), int(knobs["n_head"])
    config: dict[str, object] = {
        "model_type": "qwen3",
        "architectures": ["Qwen3ForCausalLM"],
        "hidden_act": "silu",
        "hidden_size": C,
        "intermediate_size": 8 * math.ceil(C / 3),
        "num_hidden_layers": int(knobs["n_layer"]),
        "num_attention_heads": H,
        "num_key_value_heads": H,
        "head_dim": C // H,
        "max_position_embeddings": positions(run),
        "rms_norm_eps": EPS,
        "rope_theta": SLOWEST,
        "rope_parameters": {"rope_type": "default", "rope_theta": SLOWEST},  # in transformers 5
        "attention_bias": False,
        "attention_dropout": 0.0,
        "use_sliding_window": False,
    }
    names = {"embedding": "model.embed_tokens", "norm": "model.norm", "head": "lm_head"}
    parts = {
        "norm1": "input_layernorm",
        "q": "self_attn.q_proj",
        "k": "self_attn.k_proj",
        "v": "self_attn.v_proj",
        "q_norm": "self_attn.q_norm",
        "k_norm": "self_attn.k_norm",
        "out": "self_attn.o_proj",
        "norm2": "post_attention_layernorm",
        "gate": "mlp.gate_proj",
        "up": "mlp.up_proj",
        "proj": "mlp.down_proj",
    }
    return config, _renamed(run, names, "model.layers", parts)


def _renamed(
    run: Run, names: dict[str, str], block: str, parts: dict[str, str], transposed: tuple[str, ...] = ()
) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a model under their names in transformers.

    Args:
        run: The run.
        names: The names of modules outside the blocks, there by here.
        block: What blocks are called there.
        parts: The names of modules in a block.
        transposed: Modules whose matrices are (inputs, outputs) there.

    """
    for name, tensor in run.model.state_dict().items():
        where, _, kind = name.rpartition(".")
        if where in names:
            yield f"{names[where]}.{kind}", tensor
        else:
            _, i, part = where.split(".")
            turned = part in transposed and kind == "weight"
            yield f"{block}.{i}.{parts[part]}.{kind}", tensor.T if turned else tensor
