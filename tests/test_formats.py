"""Real-life lists: small files in many formats and encodings, and what makemore says about each."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import json
import lzma
import os
import shlex
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from makemore.cli.described import describe
from makemore.cli.options import flag_of
from makemore.corpus.cache import read
from makemore.corpus.charsets import encoded_twice
from makemore.corpus.corpus import Corpus
from makemore.corpus.reading import Reading
from makemore.corpus.source import locate
from makemore.errors import MakemoreError
from makemore.files.json_io import flat_from_json
from makemore.metrics.looks import before_training
from makemore.reports import inspection
from makemore.runs.run import Run

NAMES = locate(None).paths[0].read_text("utf-8").split("\n")[:300]
TEXT = "\n".join(NAMES) + "\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # test_inspection.py measures the pace; here it would take most of the time
    monkeypatch.setattr(inspection, "pace_of", lambda *_: 0.01)


def lines(corpus: Corpus) -> list[str]:
    return corpus.lines(range(len(corpus)))


def written(data: bytes | str) -> str:
    Path("list.txt").write_bytes(data if isinstance(data, bytes) else data.encode())
    return "list.txt"


def refusal(data: bytes | str, **options: Any) -> str:
    with pytest.raises(MakemoreError) as error:
        read(written(data), **options)
    message = str(error.value)
    assert message.startswith("list.txt: ")
    assert message.isprintable()
    return message


# files that are not text


def tar() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as file:
        info = tarfile.TarInfo("x.txt")
        info.size = len(TEXT)
        file.addfile(info, io.BytesIO(TEXT.encode()))
    return made.getvalue()


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, "application/vnd.oasis.x" if name == "mimetype" else TEXT[:50])
    return made.getvalue()


NO_TEXT = [
    (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", ["a PDF", "pdftotext"]),
    (b"{\\rtf1\\ansi emma\\par olivia\\par ava}\n", ["RTF"]),
    (zipped("x.txt"), ["a zip archive", "unzip"]),
    (zipped("[Content_Types].xml", "word/document.xml"), ["a Word document"]),
    (zipped("[Content_Types].xml", "xl/workbook.xml"), ["an Excel workbook", "export the column"]),
    (zipped("mimetype"), ["an OpenDocument file"]),
    (tar(), ["a tar archive", "tar xf"]),
    (gzip.compress(tar()), ["a tar archive"]),
    (bz2.compress(tar()), ["a tar archive"]),
    (gzip.compress(gzip.compress(b"emma\n")), ["compressed twice"]),
    (b"SQLite format 3\0" + bytes(100), ["an SQLite database", "sqlite3"]),
    (b"PAR1\x15\x04" + bytes(100), ["a Parquet table"]),
    (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ["a picture"]),
    (b"\xff\xd8\xff\xe0" + bytes(range(256)), ["a picture"]),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), ["an old Word or Excel document"]),
    (b"7z\xbc\xaf\x27\x1c" + bytes(100), ["a 7z archive"]),
    (b"emma\nolivia\nav\0a\n", ["a zero byte at offset 14", "remove the zero bytes"]),
    (TEXT.encode("utf-16"), ["looks like UTF-16", "with encoding utf-16"]),
    (TEXT.encode("utf-32"), ["looks like UTF-32", "with encoding utf-32"]),
    (TEXT.encode("utf-16-le"), ["UTF-16 without a byte order mark", "with encoding utf-16-le"]),
    (TEXT.encode("utf-16-be"), ["UTF-16 without a byte order mark", "with encoding utf-16-be"]),
    ("Москва\nКазань\nТула\n".encode("utf-16-le"), ["with encoding utf-16-le"]),
    (
        gzip.compress(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be")),
        ["looks like UTF-16", "with encoding utf-16"],
    ),
]


@pytest.mark.parametrize(
    ("data", "says"), NO_TEXT, ids=[f"{i} {says[0]}" for i, (_, says) in enumerate(NO_TEXT)]
)
def test_files_that_are_not_text_are_named(data: bytes, says: list[str]) -> None:
    for encoding in ("utf-8", "latin-1"):
        message = refusal(data, encoding=encoding)
        for words in says:
            assert words in message


@pytest.mark.parametrize(
    "start", ["BMW", "PKW", "ID3", "MZ", "Rar", "GIF", "II*", "BZh", "PAR1", "7z", "%PDF", "RIFF"]
)
def test_a_list_may_start_with_the_same_letters(start: str) -> None:
    assert lines(read(written(f"{start}\nemma\nolivia\n"))) == [start, "emma", "olivia"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["-le", "-be"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("mark", [True, False])
def test_utf16_and_utf32_are_read_in_either_byte_order(
    encoding: str, order: str, pack: Callable[..., bytes], mark: bool
) -> None:
    data = (("\ufeff" if mark else "") + TEXT).encode(encoding + order)
    assert lines(read(written(pack(data)), encoding=encoding)) == NAMES


def test_bzip2_is_unpacked() -> None:
    path = written(bz2.compress(TEXT.encode()))
    assert lines(read(path)) == NAMES
    data = bytearray(Path(path).read_bytes())
    assert "cannot be unpacked" in refusal(bytes(data[: len(data) // 2]))
    data[len(data) // 2] ^= 0xFF
    assert "cannot be unpacked" in refusal(bytes(data))


# lines that are not in the encoding


def with_bad_lines() -> bytes:
    every = [f"{name}ë".encode() for name in NAMES]
    every[13], every[200] = "José".encode("latin-1"), b"\x80 \x99"
    return b"\n".join(every) + b"\n"


def test_some_lines_that_are_not_utf8_are_counted_and_can_be_dropped(makemore: Callable[..., Any]) -> None:
    message = refusal(with_bad_lines())
    assert "2 of its 300 lines are not UTF-8 (lines 14, 201)" in message
    assert "with drop_undecodable" in message
    assert "encoding" not in message  # the others are UTF-8
    corpus = read("list.txt", drop_undecodable=True)
    assert lines(corpus) == [f"{name}ë" for i, name in enumerate(NAMES) if i not in (13, 200)]
    reading = corpus.reading
    assert (reading.undecodable, reading.blank, reading.lines) == (2, 0, 300)
    assert "dropped 2 undecodable" in describe(corpus)[0]
    for command in (["-i", "list.txt", "--type", "bigram"], ["inspect", "list.txt"]):
        result = makemore(*command, "--drop-undecodable")
        assert result.status == 0
        assert "2 undecodable" in result.out
    assert Run.load("out").reading.undecodable == 2
    result = makemore("score", "out", "-i", "list.txt", "--drop-undecodable")
    assert (result.status, result.out.count("\n")) == (0, 298)
    assert "dropped 2 lines that are not utf-8" in result.err
    done = makemore("compare", "list.txt", "--types", "bigram,ngram", "--drop-undecodable", "-o", "both")
    assert done.status == 0


def test_inspect_counts_lines_of_the_file_past_dropped_ones(makemore: Callable[..., Any]) -> None:
    written(with_bad_lines() + b"zero\xe2\x80\x8bwidth\n")
    found = json.loads(makemore("inspect", "list.txt", "--drop-undecodable", "--json").out)
    assert [odd["line"] for odd in found["suspicious"]] == [301]
    assert found["undecodable"] == 2


def test_bad_bytes_far_into_a_stream_are_counted(makemore: Callable[..., Any]) -> None:
    data = ("é" * 50 + "\n").encode() * 20_000 + b"\xff\xfe\n" + b"ava\n" * 10
    result = makemore("-i", "-", stdin=data)
    assert result.status == 2
    assert "1 of its 20,011 lines is not UTF-8 (line 20,001)" in result.err


ENCODED = {
    "latin-1": "Café Noël Zoë François naïve Ñandú",
    "cp1252": "Café L’été Noël Zoë “Élodie”",
    "cp1250": "Łódź Kraków Wrocław Poznań Gdańsk Częstochowa",
    "iso8859-2": "Łódź Kraków Wrocław Poznań Gdańsk Częstochowa",
    "mac-roman": "Café Noël Zoë François naïve",
    "cp850": "Café Noël Zoë François naïve",
    "cp1251": "Москва Новосибирск Казань Тула",
    "koi8-r": "Москва Новосибирск Казань Тула",
    "cp1253": "Αθήνα Θεσσαλονίκη Πάτρα Λάρισα",
    "cp1255": "ירושלים חיפה נתניה",
    "cp1256": "القاهرة بغداد الرياض",
    "shift_jis": "さくら 田中たろう 東京タワー ラーメン",
    "euc_jp": "さくら 田中たろう 東京タワー ラーメン",
    "euc_kr": "서울 부산 대구 인천",
    "gb18030": "北京市 上海 广州 深圳市 成都",
    "big5": "臺北市 高雄 臺中 新竹 桃園市",
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_the_encoding_is_guessed_and_shown(encoding: str) -> None:
    words = ENCODED[encoding].split()
    message = refusal("\n".join(words).encode(encoding))
    assert f"with encoding {encoding}," in message
    assert f"reads {words[0]!r}" in message
    assert lines(read("list.txt", encoding=encoding)) == words


def test_few_lines_of_another_encoding_among_ascii_ones() -> None:
    """None of the lines are UTF-8, so the file may be in the other encoding."""
    message = refusal(TEXT.encode() + "zoë\nrené\n".encode("latin-1"))
    assert "2 of its 302 lines are not UTF-8 (lines 301, 302)" in message
    assert "as latin-1 the first reads 'zoë'" in message
    assert "with drop_undecodable" in message


@pytest.mark.parametrize(
    "line", ["Café", "ÉTÉ", "naïve", "Москва", "東京", "À", "«é»", "emma", "Ã", "â€", "Ã©tÃ©é"]
)
def test_text_that_was_encoded_twice(line: str) -> None:
    assert encoded_twice(line) is None
    if not line.isascii():
        twice = line.encode().decode("cp1252", "ignore")
        if len(twice) == len(line.encode()):  # cp1252 has no character for five bytes
            assert encoded_twice(twice) == line


# white space, marks and line ends


def test_spaces_at_the_ends_are_reported_and_can_be_kept(makemore: Callable[..., Any]) -> None:
    path = written(" emma\nolivia \n\n  \nava\n\tmia\n")
    corpus = read(path)
    assert lines(corpus) == ["emma", "olivia", "ava", "mia"]
    assert (corpus.reading.stripped, corpus.reading.blank) == (3, 2)
    assert "3 lines lost white space at their ends; --keep-spaces keeps it" in describe(corpus)
    kept = read(path, keep_spaces=True)
    assert lines(kept) == [" emma", "olivia ", "ava", "\tmia"]
    assert (kept.reading.stripped, kept.reading.blank, kept.reading.keep_spaces) == (0, 2, True)
    for command in (["-i", path, "--type", "ngram"], ["inspect", path]):
        assert makemore(*command, "--keep-spaces").status == 0
    run = Run.load("out")
    assert run.reading.keep_spaces
    assert run.corpus.seen([" emma", "emma"]) == [run.corpus.seen([" emma"])[0], "new"]
    out = makemore("score", "out", " emma", "emma").out.splitlines()
    assert [line.partition("\t")[2] for line in out] == [" emma", "emma"]
    assert float(out[0].split("\t")[0]) < float(out[1].split("\t")[0])
    assert [e.character for e in run.explain(" emma")][:2] == [" ", "e"]


def test_scored_lines_are_stripped_if_training_lines_were(
    makemore: Callable[..., Any], small_run: Path
) -> None:
    out = makemore("score", small_run, " emma", "emma").out.splitlines()
    assert out[0] == out[1]


def test_a_reading_of_an_older_version_still_loads() -> None:
    old = {
        "source": "x",
        "bundled": False,
        "lines": 3,
        "blank": 0,
        "too_long": 0,
        "normalized": False,
        "rare": 0,
    }
    reading = flat_from_json(Reading, old)
    assert (reading.keep_spaces, reading.stripped, reading.undecodable) == (False, 0, 0)


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffemma\nolivia\n\ufeffava\nmia\n",  # concatenated files
        "emma\r\nolivia\rava\nmia",
        "\ufeff\nemma\rolivia\rava\rmia\r",
    ],
)
def test_byte_order_marks_and_line_ends_are_not_part_of_lines(data: str) -> None:
    assert lines(read(written(data))) == ["emma", "olivia", "ava", "mia"]


def test_only_a_newline_or_carriage_return_ends_a_line() -> None:
    every = ["a\u2028b", "c\x85d", "e\x0cf", "g\x0bh", "i\u2029j", "k\x1el"]
    assert lines(read(written("\n".join(every)))) == every


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0), bz2.compress(b"")])
def test_an_empty_file(data: bytes) -> None:
    assert "empty" in refusal(data) or "only blank lines" in refusal(data)


# what a list looks like

WORDS = [f"{a}{b}" for a, b in zip(NAMES[:150], NAMES[150:], strict=True)]
FASTA = "".join(
    f">sp|{i}\n{'MKVLAAGIT' * 3}\n{'WYFPC' * 2}{'ACDE'[i % 4]}{'GHIK'[i // 4 % 4]}\n" for i in range(60)
)

LOOKS = {  # a list, and what makemore must say about it
    "word count": (
        "".join(f"{w} {i * 7 + 3}\n" for i, w in enumerate(WORDS)),
        ["a word followed by a number", "cut -d' ' -f1 < list.txt > lines.txt"],
    ),
    "uniq -c": (
        "".join(f"{i:7} {w}\n" for i, w in enumerate(WORDS)),
        ["as uniq -c writes it", "sed -E 's/^ *[0-9]+ +//' < list.txt"],
    ),
    "entities": (
        "".join(f"{w}&#39;s\n" if i % 5 == 0 else w + "\n" for i, w in enumerate(WORDS)),
        ["20% of the lines", "as HTML writes them", "html.unescape"],
    ),
    "ampersands": ("".join(f"{w} &amp; co\n" for w in WORDS), ["as HTML writes them"]),
    "json array": (
        "[\n" + ",\n".join(f'  "{w}"' for w in WORDS) + "\n]\n",
        ["JSON array", "jq -r '.[]' < list.txt"],
    ),
    "pretty json": (
        json.dumps([{"id": i, "name": w} for i, w in enumerate(WORDS)], indent=2),
        ["one JSON array or object"],
    ),
    "json lines": (
        "".join(json.dumps({"name": w}) + "\n" for w in WORDS),
        ["JSON, an object or array on each line", "--column name"],
    ),
    "fasta": (FASTA, ["FASTA", "awk"]),
    "hunspell": (
        f"{len(WORDS)}\n"
        + "".join(f"{w}/{'SM' if i % 3 else 'D'}\n" if i % 2 else f"{w}\n" for i, w in enumerate(WORDS)),
        ["hunspell", "tail -n +2 < list.txt | cut -d/ -f1 > lines.txt"],
    ),
    "comments": (
        "# from the web\n#\n" + "".join(f"{w}\n" for w in WORDS),
        ["a comment sign", "grep -v '^#' < list.txt", "'# from the web'"],
    ),
    "quotes": ("".join(f'"{w}"\n' for w in WORDS), ["things in quotes", "tr -d"]),
    "quotes and commas": ("".join(f"'{w}',\n" for w in WORDS), ["things in quotes"]),
    "tags": (
        "".join(f"{w}<br>\n" if i % 9 == 0 else w + "\n" for i, w in enumerate(WORDS)),
        ["HTML tags", "sed -E"],
    ),
    "stanzas": (
        "".join(f"{w}\n{w[::-1]}\n{w}!\n\n" for w in WORDS),
        ["150 groups of lines with blank lines between them"],
    ),
    "several a line": (
        "".join(", ".join(WORDS[i : i + 12]) + ",\n" for i in range(0, 100, 11)),
        ["several things", "tr ',' '\\n' < list.txt"],
    ),
    "csv": (
        "name,year\n" + "".join(f"{w},{1900 + i}\n" for i, w in enumerate(WORDS)),
        [
            "a table with commas",
            "--column name; it has name (",
        ],
    ),
    "tsv": ("".join(f"{w}\t{w[::-1]}\n" for w in WORDS), ["a table with tabs", "--column 1"]),
    "html": ("".join(f"<li>{w}</li>\n" for w in WORDS), ["HTML or XML"]),
    "twice encoded": (
        "".join(f"{w}\n" for w in WORDS) + "CafÃ©\nZoÃ«\nLâ€™Ã‰toile\n",
        ["encoded twice", "'CafÃ©'"],
    ),
    "separators": (
        "".join(f"{w}\u2028{w[::-1]}\n" for w in WORDS),
        ["characters that end a line elsewhere", "'\\u2028', '\\n'"],
    ),
    "form feeds": (
        "".join(f"{w}\x0c{w[::-1]}\n" for w in WORDS),
        ["characters that end a line elsewhere", "'\\u000c'"],
    ),
    "controls": ("".join(f"{w}\x1b[0m\n" for w in WORDS), ["control characters", "\\x1b"]),
    "long lines": (
        "".join(f"{w}\n" for w in WORDS) + "so long " * 100 + "\n",
        ["the longest has 799 characters", "--max-length"],
    ),
    "numbered": ("".join(f"{i}. {w}\n" for i, w in enumerate(WORDS)), ["a number or bullet", "sed -E"]),
    "prose": (
        "".join(f"This is what was said of {w} on the first day of all.\n" for w in WORDS),
        ["sentences"],
    ),
}


@pytest.mark.parametrize("name", LOOKS)
def test_a_format_is_named_by_inspect_and_before_training(makemore: Callable[..., Any], name: str) -> None:
    data, says = LOOKS[name]
    path = written(data)
    if name in ("hunspell", "prose"):  # what training prints; of the others, only what it would print
        trained = makemore("-i", path, "--type", "bigram")
        assert (trained.status, trained.err) == (0, "")
        told = trained.out
    else:
        told = "\n".join(
            f"{warned.message}; {warned.advice(flag_of)}" for warned in before_training(read(path))
        )
    inspected = makemore("inspect", path)
    assert (inspected.status, inspected.err) == (0, "")
    for said in (told, inspected.out):
        for words in says:
            assert words in said.replace("\n", " " if name == "json lines" else "\n")


PLAIN = {
    "vietnamese": "Hà Nội\nHải Phòng\nma\nmá\nmà\nmả\nmã\nmạ\nba\nbá\nbà\nbạ\n",
    "pinyin": "mā\nmá\nmǎ\nmà\nma\nběijīng\nshànghǎi\nguǎngzhōu\nyī\nyí\nyǐ\nyì\n",
    "smiles": "C[C@H](N)C(=O)O\nC[C@@H](N)C(=O)O\nCC(=O)O\nc1ccccc1\nC/C=C/C\nC/C=C\\C\n"
    "O=C(O)CC#N\n[Na+].[Cl-]\n",
    "places": "Saint-Étienne\nL'Haÿ-les-Roses\nAix-en-Provence\nSaint-Denis\nNew York, NY\nWashington, D.C.\n"
    "São Paulo\nÉvry\n",
    "japanese": "さくら\n東京タワー\nラーメン\nﾊﾝｶｸ\n桜、梅\n「名前」\nがく\nかく\n",
    "companies": "AT&T\nJohnson & Johnson\nProcter & Gamble Co.\n3M\n7-Eleven\nYahoo!\nC# Corp\n<unknown>\n",
    "hashtags": "#sunset\n#love\n#throwback\n#nofilter\n",
    "chess": "e4 e5\nNf3 Nc6\nBb5 a6\nO-O\n",
    "emails": "a.b@example.org\nc@example.com\nd-e@example.net\n",
    "arabic": "القاهرة\nبغداد\u200fدمشق\nالرياض\n",
    "cobol": "Ärger\nÖl\nÜbung\nstraße\nStrasse\n",
}


def test_many_copies_are_reported_before_training(makemore: Callable[..., Any]) -> None:
    path = written("ja\nnein\nvielleicht\n" * 100)
    for command in (["-i", path, "--type", "bigram"], ["compare", path, "--types", "bigram,ngram"]):
        assert "duplicates: 297 lines (99%) are copies" in makemore(*command).out


def test_the_name_of_several_files_is_not_put_into_a_command() -> None:
    Path("a.txt").write_text("".join(f"{w} 7\n" for w in WORDS))
    Path("b.txt").write_text("".join(f"{w} 8\n" for w in WORDS))
    (warned,) = before_training(read(["a.txt", "b.txt"]))
    assert "cut -d' ' -f1 < FILE > lines.txt" in warned.remedy


@pytest.mark.parametrize("name", PLAIN)
def test_plain_lists_give_no_advice(makemore: Callable[..., Any], name: str) -> None:
    path = written(PLAIN[name])
    found = json.loads(makemore("inspect", path, "--json").out)
    assert (found["format"]["name"], found["format"]["header"], found["marks"]) == ("list", None, [])
    assert found["near_duplicates"]["lines"] == 0
    assert before_training(read(path)) == []


def test_bundled_lists_give_no_advice() -> None:
    from makemore.metrics.looks import look

    for name in ("names", "words", "companies"):
        corpus = read(name)
        assert before_training(corpus) == []
        assert (look(corpus).name, look(corpus).marks, look(corpus).groups) == ("list", (), 0)


def test_near_duplicates_differ_in_case_and_white_space(makemore: Callable[..., Any]) -> None:
    path = written(
        "Acme Inc\nACME  INC\nacme inc\nAcme, Inc.\nCafé Luna\nCafe Luna\nzero\u200bwidth\nzerowidth\n"
    )
    found = json.loads(makemore("inspect", path, "--json").out)["near_duplicates"]
    assert found["examples"] == [["Acme Inc", "ACME  INC", "acme inc"], ["zero\u200bwidth", "zerowidth"]]
    assert "differ from another line only in case or white space" in " ".join(
        makemore("inspect", path).out.split()
    )


# a list on one line


@pytest.mark.parametrize(
    ("between", "called", "command"),
    [
        (", ", "commas", "tr ',' '\\n' < list.txt > lines.txt"),
        (",", "commas", "tr ',' '\\n' < list.txt > lines.txt"),
        (" ", "spaces", "tr -s ' ' '\\n' < list.txt > lines.txt"),
        (";", "semicolons", "tr ';' '\\n' < list.txt > lines.txt"),
        ("\t", "tabs", "tr '\\t' '\\n' < list.txt > lines.txt"),
        ("\u2028", "U+2028", "replace('\\u2028', '\\n')"),
        ("\x85", "U+0085", "replace('\\u0085', '\\n')"),
        ("\x0c", "U+000C", "replace('\\u000c', '\\n')"),
    ],
)
@pytest.mark.parametrize("times", [1, 20])
def test_a_list_on_one_line(between: str, called: str, command: str, times: int) -> None:
    message = refusal(between.join(NAMES * times) + "\n")
    assert f"everything is on one line, separated by {called}; put each thing on its own: " in message
    assert command in message
    if "python3" not in message:
        return
    shell = message.partition("on its own: ")[2]
    assert subprocess.run(shell, shell=True, check=True).returncode == 0
    assert Path("lines.txt").read_text().split() == NAMES * times


@pytest.mark.parametrize("times", [1, 20])
def test_json_on_one_line(times: int) -> None:
    assert "it is JSON on one line" in refusal(json.dumps(NAMES * times))


def test_one_long_line_that_is_not_a_list() -> None:
    assert "max_length" in refusal("a" * 20_000)
    assert "max_length" in refusal("emma\nolivia\n" + "ava, " * 4000)  # not everything
    assert "one line" not in refusal("emma\n" * 20)


def test_advised_commands_do_what_they_say() -> None:
    for name, wanted in (
        ("word count", WORDS),
        ("uniq -c", WORDS),
        ("hunspell", WORDS),
        ("quotes", WORDS),
        ("comments", WORDS),
        ("numbered", WORDS),
    ):
        data, _ = LOOKS[name]
        corpus = read(written(data))
        commands = [warned.remedy.partition(": ")[2].partition(" (")[0] for warned in before_training(corpus)]
        (command,) = (command for command in commands if ">" in command)
        command = command.replace("python3", sys.executable)
        subprocess.run(command, shell=True, check=True)
        assert Path("lines.txt").read_text().split("\n")[:-1] == wanted, name


def test_one_command_does_everything_that_is_advised() -> None:
    """Quotes, a header, entities, and lines that are not UTF-8."""
    rows = [f'"{w} &amp; co"' for w in WORDS]
    data = "\n".join(['"name"', *rows]).encode() + '\n"Zoë"\n'.encode("latin-1")
    Path("quoted.csv").write_bytes(data)
    warned = before_training(read("quoted.csv", drop_undecodable=True))
    assert [w.remedy.endswith("; the command above does that too") for w in warned] == [False, True, True]
    (command,) = (w.remedy.rpartition(": ")[2] for w in warned if ">" in w.remedy)
    assert command.startswith("grep -ax '.*' < quoted.csv | ")
    subprocess.run(
        command.replace("python3", sys.executable),
        shell=True,
        check=True,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )
    assert Path("lines.txt").read_text().split("\n")[:-1] == [f"{w} & co" for w in WORDS]


def test_a_column_is_chosen() -> None:
    for rows, column in (
        ([f"{i};{w};{i * i}" for i, w in enumerate(WORDS)], 2),
        ([f"{w};{w[::-1]};{i}" for i, w in enumerate(WORDS)], 1),
        ([f"{w[0]};{i};{w}" for i, w in enumerate(WORDS)], 3),
    ):
        Path("table").write_text("\n".join(rows))
        (warned,) = before_training(read("table"))
        assert f"for example with column={column}; it has 1 ({rows[0].split(';')[0]!r})" in warned.remedy


@pytest.mark.parametrize("names", ["Vorname,Land", "名,国"])
def test_a_first_line_that_may_name_the_columns_is_advised(names: str) -> None:
    rows = [f"{w},{'Finnland' if len(w) % 2 else 'Peru'}" for w in WORDS]
    first = names.split(",")[0]
    for top, advised in (
        (names, f"column=1, or column={shlex.quote(first)} if the first line has the names of the columns"),
        ("Ada,Peru", "for example with column=1; it has"),
    ):
        Path("table.csv").write_text("\n".join([top, *rows]), "utf-8")
        assert advised in before_training(read("table.csv"))[0].remedy
    Path("table.csv").write_text("\n".join([names, *rows]), "utf-8")
    assert first not in read("table.csv", column=first).lines(range(len(rows)))


def test_the_first_line_of_a_table_with_one_column_is_its_header(makemore: Callable[..., Any]) -> None:
    for mark in ("", '"'):
        Path("dishes.csv").write_text("".join(f"{mark}{w}{mark}\n" for w in ["Dish of the day", *WORDS]))
        said = makemore("inspect", "dishes.csv").out
        assert f"a header: the first line is '{mark}Dish of the day{mark}'" in said
        assert "makemore -i lines.txt --type mixture -o " in said  # not the file that must be repaired
        assert "makemore -i lines.txt --type ngram -o " in said


def test_lines_that_are_not_utf8_far_into_a_file(makemore: Callable[..., Any]) -> None:
    """The lines before them show that the file is UTF-8, even if they are not surveyed again."""
    data = "".join(f"é{i}\n" for i in range(20_000)) + "".join(f"e{i}\n" for i in range(150_000))
    message = refusal(data.encode() + "André\nZoë\n".encode("latin-1"))
    assert "with drop_undecodable" in message
    assert "encoding" not in message


@pytest.mark.parametrize("stdin", [None, "a,b,c,d,e,f"])
def test_an_advised_command_names_the_file_if_there_is_one(
    makemore: Callable[..., Any], stdin: str | None
) -> None:
    Path("my list.txt").write_text("a,b,c,d,e,f\n")
    said = makemore("-i", "my list.txt" if stdin is None else "-", stdin=stdin).err
    assert ("< 'my list.txt' >" if stdin is None else "< FILE >") in said


def test_a_directory_with_a_pipe_called_config_json_is_read(makemore: Callable[..., Any]) -> None:
    Path("lists/sub").mkdir(parents=True)
    Path("lists/a.txt").write_text("".join(f"thing {i}\n" for i in range(50)))
    os.mkfifo("lists/sub/config.json")
    assert makemore("-i", "lists", "--type", "bigram").status == 0
