"""Exports give what the run gives, hold no line of the list, and lose nothing; the original's models come in."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import pickle
import re
import runpy
import shutil
import string
import sys
from pathlib import Path
from typing import Any

import held
import numpy as np
import pytest
import torch
from browser import without
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

import makemore as library
from makemore.corpus.source import bundled_lists
from makemore.exports import card, onnx, own, target
from makemore.exports.export import FORMATS
from makemore.exports.tokenizer import BOUNDARY
from makemore.inference.ladder import TYPES
from makemore.inference.lines import score
from makemore.metrics.losses import losses
from makemore.models import MODELS

DOCUMENT = Path(__file__).parents[1] / "docs" / "exports.md"

ODD = ["né  à l'été", "中文 字", "🙂 ok 🙂🙂", "a  b   c", "Zoë", "naïve <x>"]
"""Lines with accents, other alphabets, an emoji and double spaces."""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Train a small model of a type on ODD, once for each type."""
    directory = tmp_path_factory.mktemp("odd")
    made: dict[str, library.Run] = {}

    def run(type: str) -> library.Run:
        if type not in made:
            lines = [line + end for line in ODD for end in string.ascii_lowercase]
            made[type] = library.train(
                lines=lines, type=type, max_steps=2, work_dir=directory / type, n_layer=1, n_embd=16, n_head=2
            )
        return made[type]

    return run


def needed(name: str) -> Any:
    """Return a package that reads exports; without it the test is skipped, or fails on CI."""
    try:
        return importlib.import_module(name)
    except ImportError:
        without(f"no {name} here; .ci/run has the command that brings it along")


def scores(run: library.Run) -> tuple[list[str], list[np.ndarray]]:
    """Up to 100 held-out lines, and -log p of each of their characters and of their ends."""
    rows = np.concatenate([run.corpus.rows(split) for split in ("test", "validation")])[:100]
    found = losses(run.model, run.corpus, rows)
    return run.corpus.lines(rows), np.split(found.tokens, found.starts[1:])


def test_weights_are_those_of_the_run(small: Path, tmp_path: Path) -> None:
    run = library.train(small, type="ngram", work_dir=tmp_path / "run", order=4)
    there = library.export(run, "weights", tmp_path / "there")
    assert {path.name for path in there.iterdir()} == {"model.safetensors", "config.json", "vocabulary.json"}
    assert small.name.encode() not in held.content(there)
    config = json.loads((there / "config.json").read_text("utf-8"))
    characters = json.loads((there / "vocabulary.json").read_text("utf-8"))["characters"]
    assert (config["type"], config["version"]) == ("ngram", 1)
    assert characters == run.vocab.names[1:]
    state, tensors = run.model.state_dict(), load_file(there / "model.safetensors")
    assert tensors.keys() == state.keys()
    assert all(torch.equal(tensor, state[name]) for name, tensor in tensors.items())


def test_the_parts_of_a_blend_are_loaded_as_the_documents_say(
    odd: Any, small_run: Path, tmp_path: Path
) -> None:
    runs = [library.load(small_run), odd("llama")]
    there = library.export(library.blend(runs, work_dir=tmp_path / "blend"), "weights", tmp_path / "there")
    config = json.loads((there / "config.json").read_text("utf-8"))
    tensors = load_file(there / "model.safetensors")
    for i, (run, part) in enumerate(zip(runs, config["blend"]["parts"], strict=True)):
        knobs = library.models.configure(part["type"], 0, **part["model"])
        model = library.build(part["type"], 1 + len(part["characters"]), knobs)
        start = f"parts.{i}."
        model.load_state_dict({k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)})
        ids = torch.tensor([[0, *run.vocab.encode("ana")]])
        assert torch.equal(model.eval()(ids)[0], run.model(ids)[0])


def test_an_export_is_replaced_only_if_makemore_wrote_it(
    makemore: Any, small_run: Path, tmp_path: Path
) -> None:
    there = tmp_path / "new" / "there"
    export = ("export", small_run, "--to", "weights", "-o", there)
    assert makemore(*export).status == 0
    refused = makemore(*export)
    assert refused.status == 2
    assert "already exists; replace it with --overwrite" in refused.err
    before = (there / "config.json").stat().st_ino
    assert makemore(*export, "--overwrite").status == 0
    assert (there / "config.json").stat().st_ino != before
    (there / "notes.txt").write_text("mine")
    assert "was left alone" in makemore(*export, "--overwrite").err
    assert (there / "notes.txt").read_text() == "mine"
    shutil.rmtree(there)
    there.mkdir()
    (there / "config.json").write_text("{}")  # somebody else's, with a name of ours
    assert "was left alone" in makemore(*export, "--overwrite").err
    assert [path.name for path in there.parent.iterdir()] == ["there"]


@pytest.mark.parametrize(
    "edited", ["README.md", "config.json", "model.safetensors", "page.html", "step.onnx"]
)
def test_an_export_that_somebody_has_edited_is_left_alone(odd: Any, tmp_path: Path, edited: str) -> None:
    run, place = odd("transformer"), tmp_path / edited
    if edited == "step.onnx":  # its marks alone: a real one takes seconds
        names = b"\x0a\x13makemore.vocabulary\x12\x03[1]"
        place.write_bytes(own.sealed(b"\x08\x0a" + names + b"\x0a\x11makemore.checksum\x12\x0c" + b"0" * 12))
    else:
        form, place = ("page", place) if edited == "page.html" else ("huggingface", tmp_path / "there")
        library.export(run, form, place)
    target.check_target(place, True, FORMATS["huggingface"].files if place.is_dir() else ())
    file = place / edited if place.is_dir() else place
    data = file.read_bytes().replace(b"license: unknown", b"license: mit")
    file.write_bytes(data[:-9] + b"x" + data[-8:])
    with pytest.raises(library.MakemoreError, match="was changed since makemore wrote it"):
        target.check_target(place, True, FORMATS["huggingface"].files if place.is_dir() else ())


@pytest.mark.parametrize("start", ["<p>", "\x08", "PK", "checksum 0123456789ab"])
def test_what_somebody_wrote_about_exports_is_left_alone(tmp_path: Path, start: str) -> None:
    notes = tmp_path / "notes.html"
    notes.write_text(f"{start} The page has makemore.vocabulary and makemore.checksum in it.")
    with pytest.raises(library.MakemoreError, match="was left alone"):
        target.check_target(notes, True, ())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "huggingface"], "type mlp has no class in transformers"),
        (["--to", "huggingfce"], "no such export; did you mean huggingface?"),
        (["--to", "weights", "-o", "FILE"], "FILE: is a file, not a directory"),
        (["--to", "weights", "-o", "FILE/there"], "cannot be written: Not a directory"),
        (["--to", "weights", "-o", "RUN", "--overwrite"], "is not what an export wrote"),
        (["--to", "onnx", "-o", "FILE", "--overwrite"], "is not what an export wrote"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_sentence(
    makemore: Any, small_run: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "file").write_text("mine")
    places = {"FILE": str(tmp_path / "file"), "RUN": str(small_run)}
    for name, place in places.items():
        words, said = [word.replace(name, place) for word in words], said.replace(name, place)
    result = makemore("export", small_run, *words, *([] if "-o" in words else ["-o", tmp_path / "there"]))
    assert result.status == 2
    assert said in result.err
    assert result.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "mine"


def test_other_runs_that_cannot_be_exported(makemore: Any, small_run: Path, tmp_path: Path) -> None:
    shutil.copytree(small_run, tmp_path / "run")
    for name in ("best.safetensors", "last.safetensors"):
        (tmp_path / "run" / name).unlink()
    result = makemore("export", tmp_path / "run", "--to", "weights", "-o", tmp_path / "there")
    assert (result.status, "not trained yet" in result.err) == (2, True)
    ngram = Path(__file__).parent / "old_runs" / "ngram"
    result = makemore("export", ngram, "--to", "huggingface", "-o", tmp_path / "there")
    assert (result.status, "; export it with --to weights or onnx or page" in result.err) == (2, True)
    labelled = library.train(
        lines=["anna", "otto", "lea"] * 9, labels=["x", "y", "x"] * 9, type="transformer", max_steps=1, n_layer=1, n_embd=4,
        work_dir=tmp_path / "labelled",
    )  # fmt: skip
    with pytest.raises(
        library.MakemoreError, match=r"lines have labels.*; export it with to=weights or onnx"
    ):
        library.export(labelled, "huggingface", tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("type", ["transformer", "llama"])
def test_the_files_for_transformers_name_every_weight_and_character(
    odd: Any, type: str, tmp_path: Path
) -> None:
    run = odd(type)
    there = library.export(run, "huggingface", tmp_path / "there")
    read = {path.name: path.read_text("utf-8") for path in there.iterdir() if path.suffix != ".safetensors"}
    tokenizer = json.loads(read["tokenizer.json"])
    characters = {each: id for id, each in enumerate(run.vocab.names[1:], 1)}
    assert tokenizer["model"]["vocab"] == {BOUNDARY: 0} | characters
    assert json.loads(read["tokenizer_config.json"])["tokenizer_class"] == "PreTrainedTokenizerFast"
    held = load_file(there / "model.safetensors")
    assert sum(each.numel() for each in held.values()) == sum(p.numel() for p in run.model.parameters())
    test = losses(run.model, run.corpus, run.corpus.rows("test")).loss.nll
    assert f"| {test:.4f} |" in read["README.md"]
    assert "\nlicense: unknown\n" in read["README.md"]
    assert "choose one that the list's allows" in read["README.md"]
    assert not any(
        line in text for line in run.corpus.lines(range(len(run.corpus))) for text in read.values()
    )


def test_the_card_has_the_licence_of_a_bundled_list(
    small: Path, odd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = odd("llama")
    assert list(card.LICENCES) == [each.name for each in bundled_lists()]
    reading = dataclasses.replace(library.read(small).reading, source="words (bundled)", bundled=True)
    monkeypatch.setattr(run, "reading", reading)
    text = card.card(run, 9)
    assert text.startswith("---\nlibrary_name: transformers\n")
    assert "\nlicense: other\nlicense_name: scowl\n" in text
    assert "Licence of the list: SCOWL's permissive terms" in text
    assert "beyond it" not in text  # as it is of a transformer
    assert "longer lines are beyond it" in card.card(odd("transformer"), 9)


def test_what_stands_for_rare_characters_is_never_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [end + rare + end for end in ("a", "b", "ab") for rare in map(chr, range(0x4E00, 0x4E20))]
    given = {"type": "transformer", "max_steps": 1, "n_layer": 1, "n_embd": 4, "n_head": 1}
    run = library.train(lines=lines, min_count=4, work_dir=tmp_path / "run", **given)  # type: ignore[arg-type]
    unknown = run.vocab.names.index("\ufffd")
    there = library.export(run, "huggingface", tmp_path / "there")
    assert json.loads((there / "generation_config.json").read_text())["suppress_tokens"] == [unknown]
    assert json.loads(onnx._about(run)["makemore.never"]) == [unknown]
    script = library.export(run, "script", tmp_path / "mine.py")
    capsys.readouterr()
    monkeypatch.setattr(torch, "set_default_device", lambda device: None)
    monkeypatch.setattr(sys, "argv", [str(script), "-n", "300"])
    runpy.run_path(str(script), run_name="__main__")
    made = capsys.readouterr().out
    assert (made.count("\n"), {*made}) == (300, {*"ab\n"})


@pytest.mark.transformers
@pytest.mark.parametrize("type", ["transformer", "llama"])
def test_transformers_gives_the_same_probabilities_and_characters_and_the_examples_sample(
    odd: Any, type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    transformers = needed("transformers")
    run = odd(type)
    there = library.export(run, "huggingface", tmp_path / "there")
    tokenizer = transformers.AutoTokenizer.from_pretrained(there)
    for line in ODD:
        ids = tokenizer(line).input_ids
        assert ids == [0, *run.vocab.encode(line)]
        assert tokenizer.decode(ids, skip_special_tokens=True) == line
    model = transformers.AutoModelForCausalLM.from_pretrained(there)
    for line, want in zip(*scores(run), strict=True):
        ids = tokenizer(line + tokenizer.eos_token, return_tensors="pt").input_ids
        logp = model(ids[:, :-1]).logits[0].log_softmax(-1)
        got = -logp.gather(1, ids[0, 1:, None])[:, 0]
        assert np.abs(got.detach().numpy() - want).max() < 1e-5
    made = model.generate(**tokenizer(["Z", ""], return_tensors="pt", padding=True))
    assert tokenizer.batch_decode(made, skip_special_tokens=True)[0].startswith("Z")
    monkeypatch.chdir(there)
    for text, n in ((DOCUMENT.read_text("utf-8"), 5), ((there / "README.md").read_text("utf-8"), 10)):
        (code,) = re.findall(r"^```python\n(from transformers .*?)^```$", text, re.DOTALL | re.MULTILINE)
        capsys.readouterr()
        exec(code.replace("chars-hf", "."), {})
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == n
        assert {*"".join(lines)} <= {*run.vocab.characters}


def check_graph(run: library.Run, path: Path, label: int = 0) -> None:
    """Hold the graph of a run against its model, two lines at a time; the label is that of the first."""
    runtime, _ = needed("onnxruntime"), needed("onnxscript")
    graph = runtime.InferenceSession(library.export(run, "onnx", path))
    _, *states = graph.get_inputs()
    types = {"tensor(float)": np.float32, "tensor(int64)": np.int64}
    lines, found = scores(run)
    if label:
        found = score(run.form, [run.vocab.stream([line]) for line in lines], [label] * len(lines))
    for line, want in zip(lines, found, strict=True):
        state = [
            np.zeros([{"batch": 2, "past": 0}.get(n, n) for n in s.shape], types[s.type]) for s in states
        ]
        ids = [0, *run.vocab.encode(line), 0]
        for now, then, nll in zip(ids[:-1], ids[1:], want, strict=True):
            given = {
                "ids": np.array([now + label * len(run.vocab), 1]),
                **dict(zip([s.name for s in states], state, strict=True)),
            }
            logp, *state = graph.run(None, given)
            assert abs(-logp[0, then] - nll) < 1e-5


@pytest.mark.onnxruntime
def test_the_graph_gives_the_same_probabilities_and_the_example_samples(
    odd: Any, makemore: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = odd("transformer")
    check_graph(run, tmp_path / "step.onnx")
    words = ("export", run.directory, "--to", "onnx", "-o", tmp_path / "step.onnx")
    assert makemore(*words, "--overwrite").status == 0
    text = DOCUMENT.read_text("utf-8")
    (code,) = re.findall(r"^```python\n(import json\n\nimport numpy.*?)^```$", text, re.DOTALL | re.MULTILINE)
    capsys.readouterr()
    exec(code.replace("chars.onnx", str(tmp_path / "step.onnx")), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert set("".join(lines)) <= set(run.vocab.characters)


@pytest.mark.onnxruntime
def test_the_graph_of_labels_gives_the_same_probabilities(small: Path, tmp_path: Path) -> None:
    lines = small.read_text("utf-8").split()[:60]
    run = library.train(lines=lines, labels=["x", "y", ""] * 20, type="ngram", work_dir=tmp_path / "run")
    check_graph(run, tmp_path / "step.onnx", 2)


@pytest.mark.parametrize("type", ["ngram", "ctw"])
@pytest.mark.parametrize("labelled", [False, True])
def test_tables_of_strings_as_tensors_give_the_same_probabilities(
    type: str, labelled: bool, small: Path, tmp_path: Path
) -> None:
    lines = [*small.read_text("utf-8").split()[:60], "O'Neil 3", "Zoë"]
    kinds = {"labels": [["x", "y", ""][i % 3] for i in range(len(lines))]} if labelled else {}
    run = library.train(lines=lines, type=type, work_dir=tmp_path / "run", progress=False, **kinds)  # type: ignore[arg-type]
    graph, V = onnx._Step(run), len(run.vocab)
    ids = torch.tensor([0, V, 2 * V]) if labelled else torch.zeros(3, dtype=torch.int64)
    state, form_state = (), None
    for seen in torch.randint(V, (9, 3), generator=torch.Generator().manual_seed(1)):
        logp, *state = graph(ids, tuple(state))
        want, form_state = run.form.step(ids.numpy(), form_state)  # type: ignore[union-attr]
        assert np.abs(logp.numpy() - want).max() < 1e-5
        ids = ids // V * V + seen


@pytest.mark.onnxruntime
@pytest.mark.parametrize(
    "type", [pytest.param(type, marks=() if type == "mixture" else pytest.mark.release) for type in MODELS]
)
def test_the_graph_of_every_type_gives_the_same_probabilities(type: str, small: Path, tmp_path: Path) -> None:
    given = {} if TYPES[type].counting else {"max_steps": 3}
    run, path = library.train(small, type=type, work_dir=tmp_path / "run", **given), tmp_path / "step.onnx"
    check_graph(run, path)
    # of the list it holds what test_what_exports_hold.py finds harmless, and nothing else
    own = [each.numpy() for each in onnx._Step(run).state_dict().values()]
    for name, there in held.tensors(path).items():
        if there.dtype.kind in "iu" and there.size > len(run.vocab):
            assert any(np.array_equal(there, each) for each in own), name
    ids = {each: id for id, each in enumerate(run.vocab.names)}
    assert held.pieces(run.corpus.lines(run.corpus.rows("train")), ids, 9, held.content(path)) == set()


# the original's models, as equations of their weights


def original(type: str, V: int, T: int, C: int = 8, C2: int = 6) -> dict[str, Tensor]:
    """Random weights under the original's names, of 27 or so characters and lines of T - 1."""
    shapes: dict[str, tuple[int, ...]] = {}
    if type == "bigram":
        shapes = {"logits": (V, V)}
    if type == "mlp":
        shapes = {"wte.weight": (V + 1, C), "mlp.0.weight": (C2, T * C), "mlp.0.bias": (C2,)}
        shapes |= {"mlp.2.weight": (V, C2), "mlp.2.bias": (V,)}
    if type in ("rnn", "gru"):
        shapes = {"start": (1, C2), "wte.weight": (V, C), "lm_head.weight": (V, C2), "lm_head.bias": (V,)}
        for gate in {"rnn": "h", "gru": "zr"}[type]:
            shapes |= {f"cell.xh_to_{gate}.weight": (C2, C + C2), f"cell.xh_to_{gate}.bias": (C2,)}
    if type == "bow":
        shapes = {"wte.weight": (V, C), "context_block.mlp.c_fc.weight": (C2, C)}
    if type == "transformer":
        shapes = {
            "transformer.wte.weight": (V, C),
            "transformer.wpe.weight": (T, C),
            "lm_head.weight": (V, C),
        }
        parts = {"ln_1": (C,), "attn.c_attn": (3 * C, C), "attn.c_proj": (C, C), "ln_2": (C,)}
        parts |= {"mlp.c_fc": (4 * C, C), "mlp.c_proj": (C, 4 * C)}
        named = {f"transformer.h.{i}.{part}": shape for i in range(2) for part, shape in parts.items()}
        for name, shape in (named | {"transformer.ln_f": (C,)}).items():
            shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
        shapes |= {f"transformer.h.{i}.attn.bias": (1, 1, T, T) for i in range(2)}
    random = torch.Generator().manual_seed(1)
    return {name: 0.5 * torch.randn(shape, generator=random) for name, shape in shapes.items()}


def logits(type: str, w: dict[str, Tensor], x: Tensor, n_head: int) -> Tensor:
    """What the original computes for ids (B, T)."""
    B, T = x.shape
    if type == "bigram":
        return w["logits"][x]
    if type == "mlp":
        n = w["mlp.0.weight"].shape[1] // w["wte.weight"].shape[1]
        back = [F.pad(x, (k, 0), value=len(w["wte.weight"]) - 1)[:, :T] for k in range(n)]
        h = torch.tanh(
            F.linear(torch.cat([w["wte.weight"][b] for b in back], -1), w["mlp.0.weight"], w["mlp.0.bias"])
        )
        return F.linear(h, w["mlp.2.weight"], w["mlp.2.bias"])
    if type == "rnn":
        h, hs = w["start"].expand(B, -1), []
        for t in range(T):
            e = torch.cat([w["wte.weight"][x[:, t]], h], 1)
            h = torch.tanh(F.linear(e, w["cell.xh_to_h.weight"], w["cell.xh_to_h.bias"]))
            hs.append(h)
        return F.linear(torch.stack(hs, 1), w["lm_head.weight"], w["lm_head.bias"])
    h = w["transformer.wte.weight"][x] + w["transformer.wpe.weight"][:T]
    C = h.shape[-1]

    def layer(name: str, x: Tensor) -> Tensor:
        weight, bias = w[f"transformer.{name}.weight"], w[f"transformer.{name}.bias"]
        return F.linear(x, weight, bias) if weight.ndim == 2 else F.layer_norm(x, (C,), weight, bias)

    for i in range(2):
        parts = layer(f"h.{i}.attn.c_attn", layer(f"h.{i}.ln_1", h)).split(C, 2)
        q, k, v = (part.view(B, T, n_head, C // n_head).transpose(1, 2) for part in parts)
        shares = (q @ k.transpose(2, 3) / math.sqrt(C // n_head)).masked_fill(
            torch.ones(T, T).triu(1) > 0, -math.inf
        )
        h = h + layer(f"h.{i}.attn.c_proj", (shares.softmax(-1) @ v).transpose(1, 2).reshape(B, T, C))
        gelu = F.gelu(layer(f"h.{i}.mlp.c_fc", layer(f"h.{i}.ln_2", h)), approximate="tanh")
        h = h + layer(f"h.{i}.mlp.c_proj", gelu)
    return F.linear(layer("ln_f", h), w["lm_head.weight"])


@pytest.fixture(scope="module")
def listed(small: Path) -> library.Corpus:
    return library.read(small)


@pytest.mark.parametrize("type", ["bigram", "mlp", "rnn", "transformer"])
@torch.no_grad()
def test_a_checkpoint_of_the_original_gives_the_same_probabilities(
    type: str, small: Path, listed: library.Corpus, tmp_path: Path
) -> None:
    weights = original(type, len(listed.vocab), listed.longest + 1)
    torch.save(weights, tmp_path / "model.pt")
    run = library.import_original(tmp_path / "model.pt", small, tmp_path / "run")
    x, y = (torch.from_numpy(array).long() for array in listed.batch(np.arange(40)))
    heads = int(run.setup.knobs.get("n_head", 1))
    want, got = logits(type, weights, x, heads).log_softmax(-1), run.model(x)[0].log_softmax(-1)
    assert (want - got)[y >= 0].abs().max() < 1e-5
    nats = (want.gather(2, y.clamp(0)[..., None])[..., 0] * (y >= 0)).sum(1)
    assert run.score(listed.lines(range(40))) == pytest.approx((-nats).tolist(), abs=1e-4)  # by NumPy
    if type == "transformer":
        read_me = library.export(run, "huggingface", tmp_path / "there") / "README.md"
        assert "It was trained elsewhere" in read_me.read_text("utf-8")
    assert run.summary() is not None
    assert math.isfinite(sum(run.score(["anna"])))


@torch.no_grad()
def test_the_heads_are_those_that_predict_the_list(
    small: Path, listed: library.Corpus, tmp_path: Path
) -> None:
    from makemore.exports import original as room

    weights = original("transformer", len(listed.vocab), listed.longest + 1)
    found = room.recognised(tmp_path, weights)
    x, y = (torch.from_numpy(array).long() for array in listed.batch(np.arange(len(listed))))
    fits = {n: F.cross_entropy(logits("transformer", weights, x, n)[y >= 0], y[y >= 0]) for n in (1, 2, 4, 8)}
    assert room._model(tmp_path, found, listed)[0].n_head == min(fits, key=fits.__getitem__)


class Code:
    """Writes a file if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_what_is_no_checkpoint_is_never_run(makemore: Any, small: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    V = len(library.read(small).vocab)
    contents: dict[str, tuple[object, str]] = {
        "code": ({"logits": Code(ran)}, "nothing of it was run"),
        "objects": ({"logits": {1, 2}}, "is not a checkpoint of the original"),
        "other": ({"weight": torch.zeros(2, 2)}, "is not a checkpoint of the original"),
        "part": (dict([*original("mlp", V, 9).items()][:-1]), "is not a checkpoint of the original"),
        "diverged": ({"logits": torch.full((V, V), math.nan)}, "holds infinities or NaN"),
        "meta": ({"logits": torch.zeros((V, V), device="meta")}, "is not a checkpoint of the original"),
        "expanded": ({"logits": torch.zeros(1).expand(10**7, 10**6)}, "is not a checkpoint of the original"),
        "narrow": (
            original("mlp", V, 9) | {"wte.weight": torch.zeros(V + 1, 0)},
            "is not a checkpoint of the original",
        ),
        "complex": ({"logits": torch.zeros((V, V), dtype=torch.complex64)}, "is not a checkpoint of"),
        "bool": ({"logits": torch.zeros((V, V), dtype=torch.bool)}, "is not a checkpoint of the original"),
        "gru": (original("gru", V, 9), "is a gru"),
        "bow": (original("bow", V, 9), "is a bow"),
        "list": (original("bigram", V + 1, 9), f"{V} different characters, and {small} has {V - 1}"),
        "long": (original("mlp", V, 99), "lines of up to 98 characters"),
    }
    for name, (content, said) in contents.items():
        torch.save(content, tmp_path / f"{name}.pt")
        result = makemore("import", tmp_path / f"{name}.pt", "-i", small, "-o", tmp_path / "run")
        assert (result.status, result.out) == (2, ""), name
        assert said in result.err, name
        assert result.err.count("\n") == 1, name
    whole = (tmp_path / "list.pt").read_bytes()
    at = whole.index(original("bigram", V + 1, 9)["logits"].numpy().tobytes())
    files = {
        b"": "is empty",
        bytes(5000): "holds nothing but zeros",
        "né,1\n".encode() * 999: "is text, not a checkpoint",
        whole[: len(whole) // 2]: "is damaged or cut short",
        whole[:-1000] + bytes(1000): "is damaged or cut short",
        whole[:at] + b"x" + whole[at + 1 :]: "is damaged or cut short",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)): "is not a checkpoint of the original",
        pickle.dumps(Code(ran)): "nothing of it was run",
    }
    for content, said in files.items():
        (tmp_path / "damaged.pt").write_bytes(content)
        result = makemore("import", tmp_path / "damaged.pt", "-i", small, "-o", tmp_path / "run")
        assert (result.status, result.err.count("\n")) == (2, 1), content[:20]
        assert said in result.err
    assert makemore("import", tmp_path / "absent.pt").status == 2
    assert makemore("import", tmp_path).status == 2
    assert not ran.exists()
    assert not (tmp_path / "run").exists()
