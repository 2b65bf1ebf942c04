"""Every model again, in plain NumPy: one character at a time, with nothing hidden and nothing to wait for.

    step(ids, state=None) -> (logits, state)

ids     (B,) the last character of each line; at the start of a line the boundary, id 0
logits  (B, V) of the next character; log-probabilities for a model that counts
state   what to remember: a flat tuple of arrays whose first dimension is B; None at the start of a line

This is the contract of makemore.models for one character, with the same weights, so both forms give the same
probabilities (tests/test_inference.py). What is left of a model when training is over is little: no gradients,
no dropout, no padding. And `import torch`, which takes longer than twenty samples, is not needed.

In reading order:

    base.py         the class of all, and what they share: linear layers, LayerNorm, sigmoid
    counts.py       bigram, bigram_nn, ngram and ctw
    windows.py      mlp and mlp_bn
    wavenet.py      wavenet
    recurrent.py    rnn, gru, lstm, mixture and mingru
    attention.py    bow and transformer
    llama.py        llama
    blend.py        several of them that answer as one
    lines.py        how likely whole lines are
    ladder.py       what is known of each type without torch, one line each

To add a model, write its class and add one line to FORMS; a model without one runs in torch.
"""

from __future__ import annotations

from makemore.inference.attention import BagOfWords, Transformer
from makemore.inference.base import Inference
from makemore.inference.counts import CTW, Bigram, BigramNN, NGram
from makemore.inference.llama import Llama
from makemore.inference.recurrent import GRU, LSTM, RNN, MinGRU, Mixture
from makemore.inference.wavenet import WaveNet
from makemore.inference.windows import MLP, MLPBatchNorm

FORMS: dict[str, type[Inference]] = {
    "bigram": Bigram,
    "ngram": NGram,
    "ctw": CTW,
    "bigram_nn": BigramNN,
    "mlp": MLP,
    "mlp_bn": MLPBatchNorm,
    "wavenet": WaveNet,
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "bow": BagOfWords,
    "transformer": Transformer,
    "mingru": MinGRU,
    "llama": Llama,
    "mixture": Mixture,
}
