"""The command line of a script."""

from __future__ import annotations

import argparse
import random
import unicodedata
from pathlib import Path

import torch

from makemore.exports.script.chosen import KNOBS, MODEL, TRAINING
from makemore.exports.script.learn import train
from makemore.exports.script.lines import split
from makemore.exports.script.score import evaluate, sample


def main() -> None:
    """Train, save, score and sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add, beside = parser.add_argument, Path(__file__).with_suffix(".pt")
    add("-i", "--input-file", type=Path, help="the list: a text file with one thing in each line")
    add("-m", "--model", type=Path, default=beside, help="the file of the trained model")
    add("--sample-only", action="store_true", help="sample from the model in that file, as without -i")
    add("--resume", action="store_true", help="start training from the weights in that file")
    add("-n", "--number", type=int, default=20, help="how many lines to sample")
    add("--prefix", default="", help="what they begin with")
    add("--temperature", type=float, default=1.0, help="below 1 for likelier lines, above 1 for odder ones")
    add("--seed", type=int, default=3407)
    for name, (default, help) in (TRAINING | KNOBS).items():
        add("--" + name.replace("_", "-"), type=type(default), default=default, help=help)
    given = parser.parse_args()
    if not given.input_file and not given.model.exists():
        parser.error(f"{given.model} does not exist; train it, on a list that you name with -i")

    random.seed(given.seed)
    torch.manual_seed(given.seed)
    torch.set_default_device("cuda" if torch.cuda.is_available() and not MODEL.counting else "cpu")
    text = given.input_file.read_text("utf-8-sig") if given.input_file and not given.sample_only else ""
    lines = [line.strip() for line in unicodedata.normalize("NFC", text).split("\n") if line.strip()]
    if given.resume or not lines:
        saved = torch.load(given.model, weights_only=True, map_location=torch.get_default_device())
    else:
        vocabulary, longest = "\n" + "".join(sorted({*"".join(lines)})), max(map(len, lines))
        saved = {"makemore.vocabulary": vocabulary, "longest": longest, "weights": None}
        saved["knobs"] = {name: getattr(given, name) for name in KNOBS}
        if saved["knobs"].get("block_size") == 0:
            saved["knobs"]["block_size"] = longest + 1
    vocabulary = saved["makemore.vocabulary"]
    model = MODEL(len(vocabulary), MODEL.config_class(**saved["knobs"]))
    if saved["weights"]:
        model.load_state_dict(saved["weights"])
    if lines := [line for line in lines if set(line) <= set(vocabulary)]:
        print(f"{len(lines)} lines, {sum(p.numel() for p in model.parameters())} parameters")
        parts, ids = split(lines), {character: id for id, character in enumerate(vocabulary)}
        train(model, parts, vocabulary, given)
        losses = [f"{name} {evaluate(model, some, ids):.4f}" for name, some in parts.items()]
        print("nats per character:", ", ".join(losses))
        torch.save(saved | {"weights": model.state_dict()}, given.model)
    start = torch.tensor([[vocabulary.index(character) for character in "\n" + given.prefix]])
    for row in sample(model, start.expand(given.number, -1), saved["longest"], given.temperature).tolist():
        print("".join(vocabulary[id] for id in row[1:]).partition("\n")[0])
