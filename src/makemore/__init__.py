"""makemore: feed it a list of things, one a line, and it makes more things like them.

    run = makemore.train("names.txt", type="gru", work_dir="out")
    run = makemore.load("out")
    run.sample(20, prefix="ka", seed=1)
    run.score(["emma"])
    makemore.assess(run).nll["test"]

Importing the package defines these names and loads nothing else until one of them is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from makemore.corpus.cache import clear_cache as clear_cache
    from makemore.corpus.cache import read as read
    from makemore.corpus.corpus import Corpus as Corpus
    from makemore.corpus.reading import How as How
    from makemore.corpus.vocab import Vocab as Vocab
    from makemore.errors import MakemoreError as MakemoreError
    from makemore.exports.export import export as export
    from makemore.exports.original import import_original as import_original
    from makemore.exports.script.assemble import eject as eject
    from makemore.metrics.losses import evaluate as evaluate
    from makemore.models import MODELS as MODELS
    from makemore.models import build as build
    from makemore.plots.draw import plot as plot
    from makemore.plots.files import Plot as Plot
    from makemore.reports.assessment import assess as assess
    from makemore.reports.comparison import compare as compare
    from makemore.reports.comparison import compare_runs as compare_runs
    from makemore.reports.inspection import inspect as inspect
    from makemore.reports.page import write_report as write_report
    from makemore.runs.run import Run as Run
    from makemore.runs.run import load as load
    from makemore.sampling.options import SampleOptions as SampleOptions
    from makemore.training.blend import blend as blend
    from makemore.training.start import train as train

_HOME = {
    "train": "training.start",
    "blend": "training.blend",
    "load": "runs.run",
    "Run": "runs.run",
    "SampleOptions": "sampling.options",
    "read": "corpus.cache",
    "clear_cache": "corpus.cache",
    "Corpus": "corpus.corpus",
    "Vocab": "corpus.vocab",
    "How": "corpus.reading",
    "MODELS": "models",
    "build": "models",
    "evaluate": "metrics.losses",
    "assess": "reports.assessment",
    "compare": "reports.comparison",
    "compare_runs": "reports.comparison",
    "inspect": "reports.inspection",
    "write_report": "reports.page",
    "export": "exports.export",
    "eject": "exports.script.assemble",
    "import_original": "exports.original",
    "plot": "plots.draw",
    "Plot": "plots.files",
    "MakemoreError": "errors",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'makemore' has no attribute {name!r}")
    return getattr(import_module(f"makemore.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
