"""The contract of makemore.models, which every type in MODELS keeps; and what is special to some."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from makemore.corpus.corpus import Corpus
from makemore.models import MODELS, build, configure, count_parameters, knobs
from makemore.models.base import ModelConfig, knob
from makemore.models.bigram_nn import BigramNN
from makemore.models.knobs import Knob, knobs_of
from makemore.models.llama import angles, rotate
from makemore.models.loss import IGNORE, nll
from makemore.models.mingru import in_turn, scan
from makemore.models.rnn import Recurrent
from makemore.models.transformer import attention, causal_attention, step_attention
from makemore.training.optimizer import optimizers

LINES = ["emma", "ava", "mia", "isabella", "noa", "bob", "zoe", "al"]
TYPES = list(MODELS)
LEARNED = [t for t in TYPES if not MODELS[t].counting]


@pytest.fixture
def corpus() -> Corpus:
    return Corpus.from_lines(LINES)


def make(type: str, corpus: Corpus, seed: int = 1, **given: Any) -> Any:
    """A model of the type with weights that are not symmetric; a counting one is fitted."""
    torch.manual_seed(seed)
    model = build(type, len(corpus.vocab), configure(type, corpus.longest, **given))
    if model.counting or model.counts_first:
        model.fit(torch.from_numpy(corpus.tokens.astype("int64")))
    with torch.no_grad():  # away from the start, where logits are all nearly the same
        for parameter in model.parameters():
            if parameter.requires_grad and not model.counting:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


def batch(corpus: Corpus, rows: list[int]) -> tuple[Tensor, Tensor]:
    inputs, targets = corpus.batch(torch.tensor(rows).numpy())
    return torch.from_numpy(inputs), torch.from_numpy(targets)


def stepped(model: Any, idx: Tensor, piece: int = 1) -> Tensor:
    """The logits of idx (B, T), computed from `piece` characters at a time and the state."""
    state, steps = None, []
    for part in idx.split(piece, 1):
        logits, state = model(part, state)
        steps.append(logits)
    return torch.cat(steps, 1)


def own(logits: Tensor) -> Tensor:
    """The first of the predictions that a model makes in training, (B, T, V)."""
    return logits[0] if logits.ndim == 4 else logits


def padded(inputs: Tensor, targets: Tensor, more: int) -> tuple[Tensor, Tensor]:
    inputs = nn.functional.pad(inputs, (0, more), value=0)
    return inputs, nn.functional.pad(targets, (0, more), value=IGNORE)


@pytest.mark.parametrize("piece", [1, 3])
@pytest.mark.parametrize("type", TYPES)
@torch.no_grad()
def test_stepping_equals_the_whole_forward_pass(type: str, piece: int, corpus: Corpus) -> None:
    model = make(type, corpus)
    idx, _ = batch(corpus, list(range(len(LINES))))
    torch.testing.assert_close(stepped(model, idx, piece), model(idx)[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("type", TYPES)
@torch.no_grad()
def test_later_characters_do_not_change_earlier_logits(type: str, corpus: Corpus) -> None:
    model = make(type, corpus)
    idx, _ = batch(corpus, [3])  # isabella
    before, _ = model(idx)
    for t in range(1, idx.shape[1]):
        changed = idx.clone()
        changed[:, t] = idx[:, t] % (len(corpus.vocab) - 1) + 1  # another character, not the boundary
        after, _ = model(changed)
        torch.testing.assert_close(after[:, :t], before[:, :t])
    after, _ = model(idx[:, torch.arange(idx.shape[1]).flip(0)])
    assert not torch.equal(after, before), "the characters must matter"


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("type", TYPES)
def test_padding_changes_neither_loss_nor_gradients(type: str, training: bool, corpus: Corpus) -> None:
    nothing = {"dropout": 0.0} if "dropout" in {k.name for k in knobs(type)} else {}
    # short and long lines together, so that the batch has padding of its own too
    plain = batch(corpus, list(range(len(LINES))))
    results = []
    for inputs, targets in (plain, padded(*plain, more=5)):
        model = make(type, corpus, **nothing).train(training)
        total, count = nll(own(model(inputs)[0]), targets)
        if type in LEARNED:
            (total / count).backward()
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        results.append((total.detach(), count, gradients, dict(model.named_buffers())))
    (loss, count, gradients, buffers), (loss2, count2, gradients2, buffers2) = results
    assert count == count2 == sum(len(line) + 1 for line in LINES)
    torch.testing.assert_close(loss, loss2)
    for a, b in zip(gradients, gradients2, strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)
    for name, value in buffers.items():
        torch.testing.assert_close(value, buffers2[name], msg=f"{name} must not see padding")


@pytest.mark.parametrize("type", TYPES)
@torch.no_grad()
def test_rows_are_independent(type: str, corpus: Corpus) -> None:
    model = make(type, corpus)
    idx, _ = batch(corpus, list(range(len(LINES))))
    _, state = model(idx[:, :3])
    assert all(s.shape[0] == len(LINES) for s in state)
    logits, new = model(idx[:, 3:5], state)
    chosen = torch.tensor([5, 0, 3, 3])
    some, some_new = model(idx[chosen, 3:5], tuple(s[chosen] for s in state))
    torch.testing.assert_close(some, logits[chosen], atol=1e-5, rtol=1e-4)
    for a, b in zip(some_new, new, strict=True):
        torch.testing.assert_close(a, b[chosen], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("type", TYPES)
@torch.no_grad()
def test_first_loss_is_close_to_log_v(type: str, corpus: Corpus) -> None:
    torch.manual_seed(1)
    model = build(type, len(corpus.vocab), configure(type, corpus.longest))
    total, count = nll(own(model(batch(corpus, list(range(8)))[0])[0]), batch(corpus, list(range(8)))[1])
    assert float(total / count) == pytest.approx(math.log(len(corpus.vocab)), abs=0.15)


def least_possible(lines: list[str], context: int) -> float:
    """The loss of a model that knows the frequencies after every context of a length."""
    lines = ["\n" + line + "\n" for line in lines]
    pairs = [(line[max(0, i - context) : i], line[i]) for line in lines for i in range(1, len(line))]
    after = {c: [b for a, b in pairs if a == c] for c, _ in pairs}
    return -sum(math.log(after[c].count(x) / len(after[c])) for c, x in pairs) / len(pairs)


@pytest.mark.parametrize("type", TYPES)
def test_eight_lines_can_be_overfitted(type: str, corpus: Corpus) -> None:
    nothing = {"dropout": 0.0} if "dropout" in {k.name for k in knobs(type)} else {}
    nothing |= {"smoothing": 0.0} if type == "bigram" else {}
    reach = 1 if "bigram" in type else 100
    torch.manual_seed(1)
    model = build(type, len(corpus.vocab), configure(type, corpus.longest, **nothing))
    inputs, targets = batch(corpus, list(range(len(LINES))))
    if type in LEARNED:
        opts = optimizers(model.train(), 0.05 if type == "bigram_nn" else 0.01, 0.0, muon=False)
        for _ in range(300):  # at most
            total, count = nll(own(model(inputs)[0]), targets)
            if type != "mlp_bn" and (total / count).item() < least_possible(LINES, reach) + 0.03:
                break
            for opt in opts:
                opt.zero_grad()
            (total / count).backward()
            for opt in opts:
                opt.step()
    else:
        model.fit(torch.from_numpy(corpus.tokens.astype("int64")))
    if type != "mlp_bn":  # whose running averages lag behind in so few steps
        model.eval()
    with torch.no_grad():
        total, count = nll(own(model(inputs)[0]), targets)
    slack = {"ngram": 0.6, "ctw": 1.8}.get(type, 0.05)  # counting never trusts a count of one wholly
    assert float(total / count) < least_possible(LINES, reach) + slack


@pytest.mark.parametrize("type", TYPES)
@torch.no_grad()
def test_save_and_load_give_equal_logits(type: str, corpus: Corpus) -> None:
    model = make(type, corpus)
    idx, _ = batch(corpus, list(range(len(LINES))))
    other = build(type, len(corpus.vocab), configure(type, corpus.longest))
    other.load_state_dict({name: tensor.clone() for name, tensor in model.state_dict().items()})
    assert torch.equal(other.eval()(idx)[0], model(idx)[0])


@pytest.mark.parametrize("type", TYPES)
@torch.no_grad()
def test_logits_have_the_right_shape_and_probabilities_add_up(type: str, corpus: Corpus) -> None:
    idx, _ = batch(corpus, [0, 3])
    logits, state = make(type, corpus)(idx)
    assert logits.shape == (2, 9, len(corpus.vocab))
    assert logits.dtype == torch.float32
    assert isinstance(state, tuple)
    if type not in LEARNED:
        torch.testing.assert_close(logits.exp().sum(-1), torch.ones(2, 9))


@pytest.mark.parametrize("type", TYPES)
def test_every_knob_has_a_help_text(type: str) -> None:
    for each in knobs(type):
        assert len(each.help) > 10


def test_the_help_of_a_knob_is_whole_and_that_of_the_class_which_declares_it() -> None:
    @dataclass(frozen=True)
    class Config(ModelConfig):
        width: int = knob(3, "channels of a layer,\nor none")

    @dataclass(frozen=True)
    class Wider(Config):
        """width: something else."""

    assert knobs_of(Wider) == [Knob("width", int, 3, "channels of a layer,\nor none")]


def test_parameter_counts_of_the_original_and_the_lectures() -> None:
    mlp = configure("mlp", 15, context=3, n_embd=10, n_embd2=200)
    assert count_parameters(build("mlp", 27, mlp)) == 11_897
    mlp_bn = configure("mlp_bn", 15, context=3, n_embd=10, n_embd2=200, n_layer=1)
    assert count_parameters(build("mlp_bn", 27, mlp_bn)) == 12_097
    transformer = configure("transformer", 15, n_layer=4, n_head=4, n_embd=64)
    assert transformer.block_size == 16
    assert count_parameters(build("transformer", 27, transformer)) == 204_544
    assert count_parameters(build("bigram", 27, configure("bigram", 15))) == 27 * 27


@pytest.mark.parametrize("type", ["rnn", "gru", "lstm"])
@torch.no_grad()
def test_written_out_recurrence_equals_the_fused_one(type: str, corpus: Corpus) -> None:
    model = make(type, corpus)
    assert isinstance(model, Recurrent)
    idx, _ = batch(corpus, list(range(len(LINES))))
    torch.testing.assert_close(model.written_out(idx), model(idx), atol=1e-5, rtol=1e-4)
    _, state = model(idx[:, :4])
    torch.testing.assert_close(
        model.written_out(idx[:, 4:], state), model(idx[:, 4:], state), atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize(("T", "S"), [(6, 6), (1, 6), (3, 7)])
def test_written_out_attention_equals_the_quicker_forms(T: int, S: int) -> None:
    torch.manual_seed(1)
    q, k, v = torch.randn(2, T, 4, 8), torch.randn(2, S, 4, 8), torch.randn(2, S, 4, 8)
    expected = attention(q, k, v)
    torch.testing.assert_close(causal_attention(q, k, v), expected)
    if T == 1:
        torch.testing.assert_close(step_attention(q, k, v), expected)


@torch.no_grad()
@pytest.mark.parametrize("T", [2, 7, 8])
def test_the_parallel_scan_equals_one_step_after_another(T: int) -> None:
    torch.manual_seed(1)
    a, b = (torch.rand(2, T, 3, requires_grad=True) for _ in range(2))
    with torch.enable_grad():
        hs = [form(a, b) for form in (scan, in_turn)]
        gradients = [torch.autograd.grad(h.square().sum(), (a, b)) for h in hs]
    torch.testing.assert_close(*hs)
    torch.testing.assert_close(*gradients)


def test_rotary_scores_depend_on_the_distance_alone() -> None:
    torch.manual_seed(1)
    q, k = (torch.randn(1, 1, 1, 8).expand(1, 6, 1, 8) for _ in range(2))  # the same at every position
    near, far = ([rotate(x, *angles(start, 6, 8, x.device))[0, :, 0] for x in (q, k)] for start in (0, 90))
    scores = near[0] @ near[1].T  # (T, T)
    torch.testing.assert_close(scores, far[0] @ far[1].T, atol=1e-4, rtol=0)
    torch.testing.assert_close(scores[1:, 1:], scores[:-1, :-1], atol=1e-5, rtol=0)
    assert scores[0, 0] != scores[1, 0]


def test_one_hot_times_weights_is_a_row_of_them(corpus: Corpus) -> None:
    model = make("bigram_nn", corpus)
    assert isinstance(model, BigramNN)
    idx, _ = batch(corpus, [0, 3])
    torch.testing.assert_close(model.written_out(idx), model(idx)[0])


@torch.no_grad()
def test_transformer_goes_on_past_the_positions_it_knows(corpus: Corpus) -> None:
    model = make("transformer", corpus, block_size=4)
    idx, _ = batch(corpus, [3])
    torch.testing.assert_close(stepped(model, idx), model(idx)[0], atol=1e-5, rtol=1e-4)


def test_learned_bigram_converges_to_the_counted_one(corpus: Corpus) -> None:
    counted = make("bigram", corpus, smoothing=0.0)
    learned = build("bigram_nn", len(corpus.vocab), configure("bigram_nn", corpus.longest))
    inputs, targets = batch(corpus, list(range(len(LINES))))
    opt = torch.optim.AdamW(learned.parameters(), lr=0.1, weight_decay=0.0)
    for _ in range(500):
        total, count = nll(learned(inputs)[0], targets)
        opt.zero_grad()
        (total / count).backward()
        opt.step()
    with torch.no_grad():
        every = torch.arange(len(corpus.vocab))[:, None]
        p, q = learned(every)[0].softmax(-1), counted(every)[0].exp()
    torch.testing.assert_close(p, q, atol=0.01, rtol=0.0)
