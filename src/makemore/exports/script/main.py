"""The command line of a script."""

from __future__ import annotations

import argparse
import random
import unicodedata
from pathlib import Path
from typing import Any

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
    trains = given.input_file is not None and not given.sample_only
    if min(given.number, getattr(given, "max_steps", 1)) < 1 or not given.temperature >= 0.001:
        parser.error("--number and --max-steps must be 1 or more, and --temperature 0.001 or more")
    random.seed(given.seed)
    torch.manual_seed(given.seed)
    torch.set_default_device("cuda" if torch.cuda.is_available() and not MODEL.counting else "cpu")
    path, saved = given.input_file, dict[str, Any]()
    try:
        text = path.read_text("utf-8-sig") if trains else ""
        (path := given.model).parent.mkdir(parents=True, exist_ok=True)  # before training, not after it
        if given.resume or not trains:
            saved = torch.load(path, weights_only=True, map_location=torch.get_default_device())
            model = MODEL(len(saved["makemore.vocabulary"]), MODEL.config_class(**saved["knobs"]))
            model.load_state_dict(saved["weights"])
    except Exception:
        parser.error(f"{path} is missing or damaged; -i names a list in UTF-8, -m a model of this script")
    lines = [line.strip() for line in unicodedata.normalize("NFC", text).split("\n") if line.strip()]
    if not saved:
        vocabulary, longest = "\n" + "".join(sorted({*"".join(lines)})), max(map(len, lines), default=0)
        saved = {"makemore.vocabulary": vocabulary, "longest": longest, "never": torch.tensor([]).long()}
        saved["knobs"] = {k: getattr(given, k) or {"block_size": longest + 1}.get(k, 0) for k in KNOBS}
        model = MODEL(len(vocabulary), MODEL.config_class(**saved["knobs"]))
    vocabulary = saved["makemore.vocabulary"]
    lines = [line for line in lines if set(line) <= set(vocabulary)]
    if trains and len(set(lines)) < 3:
        parser.error(f"{given.input_file} has fewer than 3 different lines to train on")
    if not set(given.prefix) <= set(vocabulary[1:]) or len(given.prefix) > saved["longest"]:
        parser.error(f"--prefix must be at most {saved['longest']} characters, all of them from the list")
    if trains:
        print(f"{len(lines)} lines, {sum(p.numel() for p in model.parameters())} parameters")
        parts, ids = split(lines), {character: id for id, character in enumerate(vocabulary)}
        train(model, parts, ids, given)
        print("nats per character:", ", ".join(f"{x} {evaluate(model, parts[x], ids):.4f}" for x in parts))
        torch.save(saved | {"weights": model.state_dict()}, given.model)
    start = torch.tensor([[*map(vocabulary.index, "\n" + given.prefix)]] * given.number)
    for row in sample(model, start, saved["longest"], given.temperature, saved["never"]).tolist():
        print("".join(vocabulary[id] for id in row[1:]).partition("\n")[0])
