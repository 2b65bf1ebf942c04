"""The commands `export`, `eject` and `import`: what leaves makemore, and what comes in."""

# No `from __future__ import annotations` here: cyclopts reads the annotations.

from pathlib import Path
from typing import Annotated

from makemore.cli.options import STANDARD_INPUT, option, path
from makemore.cli.terminal import tell, waiting
from makemore.errors import MakemoreError


def export(
    run: Annotated[Path, path("The run directory that training wrote.")],
    *,
    to: Annotated[
        str,
        option(
            "weights: safetensors, config and vocabulary; huggingface: a directory that transformers loads "
            "(transformer and llama); onnx: one step of the model for onnxruntime; page: one HTML file that samples in "
            "a browser, offline; script: one Python file that needs torch and numpy only, and its weights beside it "
            "(.pt)."
        ),
    ],
    output: Annotated[Path, path("The directory to write; for onnx, page and script, the file.", "-o")],
    overwrite: Annotated[bool, option("Replace an export that is already there.")] = False,
) -> int:
    """Write a trained model in a form that runs elsewhere, without its list."""
    with waiting("loading PyTorch ..."):
        from makemore.exports.export import FORMATS
        from makemore.exports.export import export as exported

    with waiting("exporting ..."):
        written = exported(run, to, output, overwrite)
    beside = FORMATS[to].beside
    tell(f"written: {written}" + (f" and {written.with_suffix(beside[0]).name}" if beside else ""))
    return 0


def eject(
    type: Annotated[str, option("The type of model: see makemore models.")],
    *,
    output: Annotated[Path | None, path("The file to write. [default: standard output]", "-o")] = None,
    overwrite: Annotated[
        bool, option("Replace a script that is already there, unless it was changed.")
    ] = False,
) -> int:
    """Print a type of model as one Python file, to change and to train: it needs torch and numpy only."""
    with waiting("loading PyTorch ..."):
        from makemore.exports.script.assemble import eject as ejected
        from makemore.exports.target import check_script, check_target, file

    text = ejected(type)
    if output is None:
        print(text, end="")
        return 0
    check_script(output)
    check_target(output, overwrite, ())
    with file(output) as made:
        made.write_text(text, "utf-8", newline="\n")
    tell(f"written: {output}")
    return 0


def import_(
    checkpoint: Annotated[Path, path("A model.pt that the original makemore.py wrote.")],
    *,
    input_file: Annotated[str, option("The list that it was trained on.", "-i")] = "names",
    work_dir: Annotated[Path, path("Directory for the run that is made.", "-o")] = Path("out"),
    overwrite: Annotated[bool, option("Replace the run in the work directory.")] = False,
) -> int:
    """Make a run of a checkpoint of the original makemore: transformer, mlp, rnn or bigram."""
    if not input_file:
        raise MakemoreError("-i: the name is empty; give a file or a bundled list")
    with waiting("loading PyTorch ..."):
        from makemore.exports.original import import_original

    with waiting("importing, and scoring the list ..."):
        source = "-" if input_file == STANDARD_INPUT else input_file
        run = import_original(checkpoint, source, work_dir, overwrite)
        summary = run.summary()
    assert summary is not None
    losses = ", ".join(f"{split} {nll:.4f}" for split, nll in summary.nll.items())
    tell(f"written: {run.directory}, of type {run.type}, {summary.parameters:,} parameters")
    tell(f"nats per token: {losses}")
    tell(
        "the original held out other lines at random, so it was trained on most of these validation and test lines"
    )
    return 0
