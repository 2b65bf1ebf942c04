"""Wrong answers to the exercises of lesson 11 that people give, and what they should be told."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Bag(nn.Module):
    """The right one, for the wrong ones to change."""

    def __init__(self, V: int, C: int, T: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(V, C)
        self.gain = nn.Parameter(torch.ones(C))
        A = torch.ones(T, T).tril()
        self.register_buffer("average", A / A.sum(1, keepdim=True))
        self.layers = nn.ModuleList([nn.Linear(C, C) for _ in range(layers)])
        self.head = nn.Linear(C, V)

    def forward(self, idx: Tensor) -> Tensor:
        t, e = idx.shape[1], self.embedding(idx)
        u = self.gain * e + self.average[:t, :t] @ e
        for layer in self.layers:
            u = u + torch.tanh(layer(u))
        return self.head(u)


def plain_list(V: int, C: int, T: int, layers: int) -> nn.Module:
    model = Bag(V, C, T, layers)
    del model.layers
    model.layers = [nn.Linear(C, C) for _ in range(layers)]
    return model


def plain_tensor(V: int, C: int, T: int, layers: int) -> nn.Module:
    model = Bag(V, C, T, layers)
    del model.gain
    model.gain = torch.ones(C, requires_grad=True)
    return model


def plain_attribute(V: int, C: int, T: int, layers: int) -> nn.Module:
    model = Bag(V, C, T, layers)
    average = model.average
    del model.average
    model.average = average
    return model


def trained_average(V: int, C: int, T: int, layers: int) -> nn.Module:
    model = Bag(V, C, T, layers)
    average = model.average
    del model.average
    model.average = nn.Parameter(average)
    return model


def no_super(V: int, C: int, T: int, layers: int) -> nn.Module:
    class Model(nn.Module):
        def __init__(self) -> None:
            self.gain = nn.Parameter(torch.ones(C))

    return Model()


def no_super_first_a_module(V: int, C: int, T: int, layers: int) -> nn.Module:
    class Model(nn.Module):
        def __init__(self) -> None:
            self.embedding = nn.Embedding(V, C)

    return Model()


def the_class(V: int, C: int, T: int, layers: int) -> type:
    return Bag


def whole_matrix(V: int, C: int, T: int, layers: int) -> nn.Module:
    class Model(Bag):
        def forward(self, idx: Tensor) -> Tensor:
            e = self.embedding(idx)
            u = self.gain * e + self.average @ e
            for layer in self.layers:
                u = u + torch.tanh(layer(u))
            return self.head(u)

    return Model(V, C, T, layers)


def not_added(V: int, C: int, T: int, layers: int) -> nn.Module:
    class Model(Bag):
        def forward(self, idx: Tensor) -> Tensor:
            t, e = idx.shape[1], self.embedding(idx)
            u = self.gain * e + self.average[:t, :t] @ e
            for layer in self.layers:
                u = torch.tanh(layer(u))
            return self.head(u)

    return Model(V, C, T, layers)


def not_normalised(V: int, C: int, T: int, layers: int) -> nn.Module:
    model = Bag(V, C, T, layers)
    model.average = torch.ones(T, T).tril()
    return model


def _rows(lines: list[Tensor], fill: int = -1) -> tuple[Tensor, Tensor]:
    T = max(map(len, lines)) + 1
    x, y = torch.zeros(len(lines), T, dtype=torch.int64), torch.full((len(lines), T), fill)
    for row, line in enumerate(lines):
        x[row, 1 : len(line) + 1] = line
        y[row, : len(line)] = line
        y[row, len(line)] = 0
    return x, y


def zeros_in_targets(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    return _rows(lines, 0)


def no_end(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    x, y = _rows(lines)
    for row, line in enumerate(lines):
        y[row, len(line)] = -1
    return x, y


def not_shifted(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    x, y = _rows(lines)
    return x, x.masked_fill(y == -1, -1)


def no_start(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    rows = nn.utils.rnn.pad_sequence(lines, batch_first=True)
    return rows, rows


def stacked(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    return torch.stack(lines), torch.stack(lines)


def minus_one_in_inputs(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    x, y = _rows(lines)
    x[:, 1:][y[:, :-1] <= 0] = -1
    return x, y


def floats(lines: list[Tensor]) -> tuple[Tensor, Tensor]:
    x, y = _rows(lines)
    return x.float(), y


def _train(model, batches, rate, decay, zero=True, vectors=None, mode=True, ignore=True):
    groups = [
        {"params": [p for p in model.parameters() if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": vectors or 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    if mode:
        model.train()
    for x, y in batches:
        logits = model(x).flatten(0, 1)
        if zero is True:
            optimizer.zero_grad()
        (
            F.cross_entropy(logits, y.flatten(), ignore_index=-1)
            if ignore
            else F.cross_entropy(logits, y.flatten().clamp(min=0))
        ).backward()
        optimizer.step()
        if zero == "late":
            optimizer.zero_grad()


def _score(model, held_out, evaluate=True, grad=False):
    if evaluate:
        model.eval()
    total = count = 0
    with torch.set_grad_enabled(grad):
        for x, y in held_out:
            total += F.cross_entropy(
                model(x).flatten(0, 1), y.flatten(), ignore_index=-1, reduction="sum"
            ).item()
            count += int((y != -1).sum())
    return total / count


def no_zero_grad(model, batches, held_out, rate, decay):
    _train(model, batches, rate, decay, zero=False)
    return _score(model, held_out)


def zero_grad_late(model, batches, held_out, rate, decay):
    _train(model, batches, rate, decay, zero="late")
    return _score(model, held_out)


def no_train_mode(model, batches, held_out, rate, decay):
    _train(model, batches, rate, decay, mode=False)
    return _score(model, held_out)


def no_eval_mode(model, batches, held_out, rate, decay):
    _train(model, batches, rate, decay)
    return _score(model, held_out, evaluate=False)


def decay_for_all(model, batches, held_out, rate, decay):
    _train(model, batches, rate, decay, vectors=decay)
    return _score(model, held_out)


def no_decay(model, batches, held_out, rate, decay):
    _train(model, batches, rate, 0.0)
    return _score(model, held_out)


def padding_trained(model, batches, held_out, rate, decay):
    _train(model, batches, rate, decay, ignore=False)
    return _score(model, held_out)


def mean_of_means(model, batches, held_out, rate, decay):
    _train(model, batches, rate, decay)
    return sum(_score(model, [each]) for each in held_out) / len(held_out)


def with_gradients(model, batches, held_out, rate, decay):
    _train(model, batches, rate, decay)
    return _score(model, held_out, grad=True)


def other_rate(model, batches, held_out, rate, decay):
    _train(model, batches, 1e-3, decay)
    return _score(model, held_out)


WRONG = [
    ("bag_of_words", plain_list, "nn.ModuleList"),
    ("bag_of_words", plain_tensor, "nn.Parameter"),
    ("bag_of_words", plain_attribute, "register_buffer"),
    ("bag_of_words", trained_average, "should be a buffer"),
    ("bag_of_words", no_super, "super().__init__()"),
    ("bag_of_words", no_super_first_a_module, "super().__init__()"),
    ("bag_of_words", the_class, "return an object"),
    ("bag_of_words", whole_matrix, "average[:t, :t]"),
    ("bag_of_words", not_added, "added to it"),
    ("bag_of_words", not_normalised, "sum to 1"),
    ("padded", zeros_in_targets, "use -1"),
    ("padded", no_end, "end of each line is missing"),
    ("padded", not_shifted, "what comes next"),
    ("padded", no_start, "the start is one more"),
    ("padded", stacked, "cannot be stacked"),
    ("padded", minus_one_in_inputs, "no row -1"),
    ("padded", floats, "int64"),
    ("train_and_score", no_zero_grad, "zero_grad"),
    ("train_and_score", zero_grad_late, "before the first"),
    ("train_and_score", no_train_mode, "model.train()"),
    ("train_and_score", no_eval_mode, "model.eval()"),
    ("train_and_score", decay_for_all, "vectors"),
    ("train_and_score", no_decay, "no weight was decayed"),
    ("train_and_score", padding_trained, "ignore_index=-1"),
    ("train_and_score", mean_of_means, "mean of the batches' means"),
    ("train_and_score", with_gradients, "no_grad"),
    ("train_and_score", other_rate, "not what AdamW makes"),
]
