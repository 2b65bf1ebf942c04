"""Every rung of the ladder under several protocols, with the number that was published for it.

    uv run python benchmarks/ladder.py                         all of it, over an hour on two cores
    uv run python benchmarks/ladder.py --rungs mlp,gru --protocols own --seeds 1
    uv run python benchmarks/ladder.py --short                 a few steps each: does it work?

There are four protocols. Those of makemore.py and of the lectures (see common.protocol) have test lines that
are also in training; makemore's own has none; "all" trains and scores on all lines, as lecture 1 does. Rungs
with a published number have the size that it was published for, or a smaller one. Every rung takes makemore's
own steps with its own recipe, teacher included. The weights are those of the last step, so that no split has
to choose among them. Results are kept in benchmarks/results/ladder.json, one entry per rung, protocol and
seed; kept ones are measured again only with --again, so use that after changing a rung. --jobs sets how many
are trained at once, with one thread each.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import multiprocessing
import statistics
import time
from typing import Any

import common
import torch

from makemore.corpus.corpus import Corpus
from makemore.corpus.splits import SPLITS
from makemore.metrics.baselines import fitted
from makemore.metrics.losses import evaluate
from makemore.models import MODELS, count_parameters
from makemore.runs.settings import recipe
from makemore.training.teacher import TEACHER_ORDER

PROTOCOLS = ("makemore.py", "lectures", "own")


@dataclasses.dataclass(frozen=True)
class Rung:
    """One entry of the ladder: a model, and what was published for one like it."""

    name: str
    type: str
    knobs: dict[str, Any] = dataclasses.field(default_factory=dict)
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What differs from the type's own recipe."""
    protocols: tuple[str, ...] = PROTOCOLS
    published: tuple[str, str, float, int] | None = None
    """Protocol, split, loss and parameters."""
    source: str = ""
    taught: bool = False
    """Whether its teacher is a mixture of the 6-gram and a model of its type, trained by its own recipe."""


RUNGS = (
    Rung(
        "bigram, counts",
        "bigram",
        {"smoothing": 0.0},
        {},
        ("all",),
        ("all", "train", 2.4540, 729),
        "lecture 1",
    ),
    Rung(
        "bigram, counts + 1",
        "bigram",
        {"smoothing": 1.0},
        {},
        ("all",),
        ("all", "train", 2.4546, 729),
        "lecture 1",
    ),
    Rung("bigram", "bigram"),
    Rung(
        "bigram, learned",
        "bigram_nn",
        {},
        {},
        ("all", *PROTOCOLS),
        ("all", "train", 2.4818, 729),
        "lecture 1",
    ),
    Rung(
        "4-gram",
        "ngram",
        {"order": 4},
        {},
        PROTOCOLS,
        ("lectures", "test", 2.1064, 27**4),
        "EurekaLabs ngram",
    ),
    Rung("6-gram", "ngram"),
    Rung("context tree", "ctw"),
    Rung(
        "MLP, context 3",
        "mlp",
        {"context": 3, "n_embd": 10, "n_embd2": 200, "dropout": 0.0},
        {"max_steps": 6000},
        PROTOCOLS,
        ("lectures", "validation", 2.1027, 11_897),
        "lecture 3",
    ),
    Rung(
        "MLP + BatchNorm, context 3",
        "mlp_bn",
        {"context": 3, "n_embd": 10, "n_embd2": 200, "n_layer": 1, "dropout": 0.0},
        {"max_steps": 4000},
        PROTOCOLS,
        ("lectures", "validation", 2.1048, 12_097),
        "lecture 3",
    ),
    Rung(
        "MLP, context 8",
        "mlp",
        {"context": 8, "n_embd": 10, "n_embd2": 200, "dropout": 0.0},
        {"max_steps": 5000},
        PROTOCOLS,
        ("lectures", "validation", 2.027, 22_097),
        "lecture 5",
    ),
    Rung(
        "WaveNet, small",
        "wavenet",
        {"n_layer": 3, "n_embd": 35, "dropout": 0.0},
        {"max_steps": 3000},
        PROTOCOLS,
        ("lectures", "validation", 2.022, 22_397),
        "lecture 5",
    ),
    Rung(
        "WaveNet, larger",
        "wavenet",
        {"n_layer": 4, "n_embd": 59, "dropout": 0.1},
        {"max_steps": 3000},
        PROTOCOLS,
        ("lectures", "validation", 1.993, 76_579),
        "lecture 5",
    ),
    Rung("MLP", "mlp"),
    Rung("MLP + BatchNorm", "mlp_bn"),
    Rung("WaveNet", "wavenet"),
    Rung("RNN", "rnn"),
    Rung("LSTM", "lstm"),
    Rung("GRU", "gru"),
    Rung("bag of words", "bow"),
    Rung(
        "Transformer",
        "transformer",
        {},
        {},
        PROTOCOLS,
        ("makemore.py", "test", 1.92, 204_544),
        "makemore README",
    ),
    Rung("minGRU", "mingru"),
    Rung("Llama", "llama"),
    Rung("mixture", "mixture"),
    Rung("LSTM longer", "lstm", {"dropout": 0.4}, {"max_steps": 6000}, ("own",)),
    Rung(
        "LSTM taught by another",
        "lstm",
        {"dropout": 0.35},
        {"max_steps": 7000, "teacher": 0.7},
        ("own",),
        taught=True,
    ),
)


def rungs_protocol(name: str) -> Corpus:
    """Return the corpus of a protocol; "all" puts every line into training."""
    if name != "all":
        return common.protocol(name)
    corpus = common.protocol("own")
    corpus.split = corpus.split * 0
    return corpus


def measure(
    rung: Rung, protocol: str, seed: int, threads: int, max_steps: int | None = None
) -> dict[str, Any]:
    """Train one rung once; return its parameters, seconds and losses."""
    torch.set_num_threads(threads)
    corpus = rungs_protocol(protocol)
    how = dataclasses.replace(recipe(rung.type), **rung.recipe)
    if max_steps:
        how = dataclasses.replace(how, max_steps=max_steps)
    began = time.perf_counter()
    teacher = None
    if rung.taught:
        own = recipe(rung.type)
        if max_steps:
            own = dataclasses.replace(own, max_steps=max_steps)
        first = common.trained(corpus, rung.type, {}, own, seed)
        teacher = common.Mixture({first: 0.6, fitted(corpus, "ngram", order=TEACHER_ORDER): 0.4})
    model = common.trained(corpus, rung.type, rung.knobs, how, seed, teacher)
    seconds = time.perf_counter() - began
    losses = {s: evaluate(model, corpus, corpus.rows(s)).nll for s in SPLITS if len(corpus.rows(s))}
    return {"parameters": count_parameters(model), "seconds": seconds, "nll": losses} | common.machine()


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    parts = [
        "## The ladder\n\n`uv run python benchmarks/ladder.py`: losses on names. Types whose recipe has a "
        "teacher take a share of their targets from a 6-gram of the training lines, whose counts are not "
        "among their parameters. The time of a model that another one taught includes the training of the "
        "other. Settings were chosen while watching the held-out splits.\n"
    ]
    for protocol in ("all", *PROTOCOLS):
        rows = []
        for rung in RUNGS:
            found = [r for key, r in kept.items() if key.startswith(f"{rung.name} | {protocol} |")]
            if not found:
                continue
            published, better = "", ""
            if rung.published is not None and rung.published[0] == protocol:
                _, split, loss, parameters = rung.published
                published = f"{split} {loss:.4f} with {parameters:,} ({rung.source})"
                better = f"{statistics.mean(r['nll'][split] for r in found) - loss:+.4f}"
            losses = [
                common.spread([r["nll"][s] for r in found], 4) if s in found[0]["nll"] else "" for s in SPLITS
            ]
            seconds = statistics.median(r["seconds"] for r in found)
            rows.append(
                [
                    rung.name,
                    f"`{rung.type}`",
                    f"{found[0]['parameters']:,}",
                    f"{seconds:.1f}",
                    str(len(found)),
                    *losses,
                    published,
                    better,
                ]
            )
        if rows:
            title = {
                "all": "All lines are trained on and scored",
                "makemore.py": "makemore.py's protocol: last 1,000 of a shuffle",
                "lectures": "The lectures' protocol: shuffled 80/10/10",
                "own": "makemore's own split: no line is in two splits",
            }[protocol]
            head = [
                "rung",
                "type",
                "parameters",
                "seconds",
                "seeds",
                *SPLITS,
                "published",
                "ours minus published",
            ]
            parts.append(f"\n### {title}\n\n" + common.table(head, rows))
    machines = sorted({common.about(r) for r in kept.values()})
    return "".join(parts) + "\n" + "".join(machines)


def main() -> None:
    """Measure the rungs given on the command line that have no result yet."""
    parser = common.parser(__doc__)
    parser.add_argument(
        "--rungs", default="", help="types or names of rungs, separated by commas; all if empty"
    )
    parser.add_argument("--protocols", default=",".join(("all", *PROTOCOLS)))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument(
        "--jobs", type=int, default=1, help="trainings at once, one thread each if more than 1"
    )
    parser.add_argument("--again", action="store_true", help="also measure what is already kept")
    options = parser.parse_args()
    kept = {} if options.short else common.load("ladder")
    wanted = [name.strip() for name in options.rungs.split(",") if name.strip()]
    tasks = [
        (rung, protocol, int(seed))
        for seed in options.seeds.split(",")
        for rung in RUNGS
        for protocol in rung.protocols
        if protocol in options.protocols.split(",")
        and (not wanted or {rung.name, rung.type} & set(wanted))
        and (options.again or options.short or f"{rung.name} | {protocol} | {seed}" not in kept)
        # counting does not depend on the seed
        and (seed == options.seeds.split(",")[0] or not MODELS[rung.type].counting)
    ]
    threads = 1 if options.jobs > 1 else options.threads
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(options.jobs, mp_context=context) as pool:
        running = {pool.submit(measure, *task, threads, 5 if options.short else None): task for task in tasks}
        for done in concurrent.futures.as_completed(running):
            rung, protocol, seed = running[done]
            result = done.result()
            losses = "  ".join(f"{split} {loss:.4f}" for split, loss in result["nll"].items())
            print(f"{rung.name} | {protocol} | {seed}:  {result['seconds']:.1f} s  {losses}", flush=True)
            kept[f"{rung.name} | {protocol} | {seed}"] = result
            if not options.short:
                common.keep("ladder", kept)
    print(section(kept))


if __name__ == "__main__":
    main()
