"""makemore: feed it a list of things, one a line, and it makes more things like them.

    run = makemore.train("names.txt", type="gru", work_dir="out")
    run = makemore.load("out")
    run.sample(20, prefix="ka", seed=1)
    run.score(["emma"])
    makemore.assess(run)["nll"]["test"]

Importing the package defines these names and loads nothing else until one of them is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from makemore.assessment import assess as assess
    from makemore.cache import read as read
    from makemore.comparison import compare as compare
    from makemore.corpus import Corpus as Corpus
    from makemore.errors import MakemoreError as MakemoreError
    from makemore.evaluation import evaluate as evaluate
    from makemore.models import MODELS as MODELS
    from makemore.models import build as build
    from makemore.run import Run as Run
    from makemore.run import load as load
    from makemore.training import train as train
    from makemore.vocab import Vocab as Vocab

_HOME = {
    "train": "training",
    "load": "run",
    "Run": "run",
    "read": "cache",
    "Corpus": "corpus",
    "Vocab": "vocab",
    "MODELS": "models",
    "build": "models",
    "evaluate": "evaluation",
    "assess": "assessment",
    "compare": "comparison",
    "MakemoreError": "errors",
}

__all__ = [*_HOME, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'makemore' has no attribute {name!r}")
    return getattr(import_module(f"makemore.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
