"""The command line of a script."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, Namespace, RawTextHelpFormatter
from pathlib import Path
from typing import Any
from unicodedata import normalize

import torch

from makemore.exports.script.chosen import KNOBS, MODEL, TRAINING
from makemore.exports.script.learn import train
from makemore.exports.script.lines import split
from makemore.exports.script.score import evaluate, sample


def load(given: Namespace, fresh: bool, fail: Any) -> tuple[list[str], Any, dict[str, Any]]:
    """Return the lines to train on, the model, and what is saved with it; or fail with a sentence."""
    path, wrong, lines = given.model, "", list[str]()
    try:
        if "input_file" in given:
            path, wrong = given.input_file, "is not in UTF-8"
            lines = [*filter(None, map(str.strip, normalize("NFC", path.read_text("utf-8-sig")).split("\n")))]
            (path := given.model).parent.mkdir(parents=True, exist_ok=True)
            (part := path.with_suffix(".pt.part")).touch()  # whether it can be saved is known before training
            part.unlink()
        if path.exists() or not fresh:  # nor is a file of another program replaced
            wrong = "is damaged, or not a file of torch"
            saved, wrong = torch.load(path, "cpu", weights_only=True), "was saved by another program"
            vocabulary, wrong = saved["makemore.vocabulary"], "holds another model than that of this script"
        if fresh:
            vocabulary, longest = "\n" + "".join(sorted({*"".join(lines)})), max(map(len, lines), default=0)
            knobs = {k: getattr(given, k) or {"block_size": longest + 1}.get(k, 0) for k in KNOBS}
            saved = {"makemore.vocabulary": vocabulary, "longest": longest, "knobs": knobs, "never": []}
            path, wrong = "a model with these options", ""
        model = MODEL(len(vocabulary), MODEL.config_class(**saved["knobs"]))
        if not fresh:
            _, wrong = model.load_state_dict(saved["weights"]), "has weights that are not finite"
            assert all(weights.isfinite().all() for weights in model.state_dict().values())
    except Exception as error:
        fail(f"{path}: {getattr(error, 'strerror', None) or wrong or error}")
    return lines, model, saved


def main() -> None:
    """Train, save, score and sample."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawTextHelpFormatter)
    parser.usage = parser.argument_default = SUPPRESS  # errors of one line; only what was given
    add, fail, beside = parser.add_argument, parser.error, Path(__file__).with_suffix(".pt")
    add("-i", "--input-file", type=Path, help="train on this list: a text file with one thing in each line")
    add("-m", "--model", type=Path, default=beside, help="the file of the trained model")
    add("--resume", action="store_true", help="start training from the weights in that file")
    add("-n", "--number", type=int, default=20, help="how many lines to sample")
    add("--prefix", type=lambda text: normalize("NFC", text), default="", help="what they begin with")
    add("--temperature", type=float, default=1.0, help="below 1 for likelier lines, above 1 for odder ones")
    add("--seed", type=int, default=3407)
    for name, (default, help) in (TRAINING | KNOBS).items():
        add("--" + name.replace("_", "-"), type=type(default), help=f"{help} [{default}]")
    given = parser.parse_args()
    trains, resumes = "input_file" in given, "resume" in given
    for name in ["resume", *TRAINING, *KNOBS] if not trains else KNOBS if resumes else []:
        if name in given:
            fail(f"--{name.replace('_', '-')} has no effect {'with --resume' if trains else 'without -i'}")
    given = Namespace(**{name: x for name, (x, _) in (TRAINING | KNOBS).items()} | vars(given))
    if min(given.number, getattr(given, "max_steps", 1)) < 1 or not given.temperature >= 0.001:
        fail("--number and --max-steps must be 1 or more, and --temperature 0.001 or more")
    torch.manual_seed(given.seed)
    torch.set_default_device("cuda" if torch.cuda.is_available() and not MODEL.counting else "cpu")
    every, model, saved = load(given, trains and not resumes, fail)
    vocabulary, longest = saved["makemore.vocabulary"], saved["longest"]
    lines = [line for line in every if set(line) <= set(vocabulary) and len(line) <= longest]
    if trains and len(set(lines)) < 3:
        fail(f"{given.input_file} has fewer than 3 different lines to train on")
    if not set(given.prefix) <= set(vocabulary[1:]) or len(given.prefix) > longest:
        fail(f"--prefix must be at most {longest} characters, all of them from the list")
    if trains:
        if left := len(every) - len(lines):
            print(f"{left} lines left out: too long for the model, or with characters that it lacks")
        print(f"{len(lines)} lines, {sum(p.numel() for p in model.parameters())} parameters")
        parts, ids, weights = split(lines), {character: id for id, character in enumerate(vocabulary)}, None
        try:
            for weights in train(model, parts, ids, given):  # whenever the model is better than before
                torch.save(saved | {"weights": weights}, part := given.model.with_suffix(".pt.part"))
                part.replace(given.model)
        except KeyboardInterrupt:
            parser.exit(130, f"stopped; {given.model if weights else 'nothing'} was saved\n")
        if not weights:
            fail("no step made the model better, so nothing was saved; lower --learning-rate")
        model.load_state_dict(weights)
        print("nats per character:", ", ".join(f"{x} {evaluate(model, parts[x], ids):.4f}" for x in parts))
    start = torch.tensor([[*map(vocabulary.index, "\n" + given.prefix)]] * given.number)
    for row in sample(model, start, longest, given.temperature, saved["never"]).tolist():
        print("".join(vocabulary[id] for id in row[1:]).partition("\n")[0])
