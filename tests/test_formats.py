"""Lists as they are found: small files of many formats and encodings, and what must be said of each."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from makemore.cache import read
from makemore.charsets import encoded_twice
from makemore.corpus import Corpus, describe
from makemore.errors import MakemoreError
from makemore.files import from_json
from makemore.reading import Reading
from makemore.run import Run
from makemore.sources import locate

NAMES = locate(None).paths[0].read_text("utf-8").split("\n")[:300]
TEXT = "\n".join(NAMES) + "\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


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


# what is no text


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


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", ["a PDF", "pdftotext"]),
        (b"{\\rtf1\\ansi emma\\par olivia\\par ava}\n", ["RTF"]),
        (zipped("x.txt"), ["a zip archive", "unzip"]),
        (zipped("[Content_Types].xml", "word/document.xml"), ["a Word document"]),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), ["an Excel workbook", "export the column"]),
        (zipped("mimetype"), ["an OpenDocument file"]),
        (tar(), ["a tar archive", "tar xf"]),
        (gzip.compress(tar()), ["a tar archive"]),
        (bz2.compress(tar()), ["a tar archive"]),
        (gzip.compress(gzip.compress(b"emma\n")), ["packed twice"]),
        (b"SQLite format 3\0" + bytes(100), ["an SQLite database", "sqlite3"]),
        (b"PAR1\x15\x04" + bytes(100), ["a Parquet table"]),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), ["a picture"]),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)), ["a picture"]),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), ["an old Word or Excel document"]),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), ["a 7z archive"]),
        (b"emma\nolivia\nav\0a\n", ["a zero byte at offset 14", "take the zero bytes out"]),
        (TEXT.encode("utf-16"), ["looks like UTF-16", "--encoding utf-16"]),
        (TEXT.encode("utf-32"), ["looks like UTF-32", "--encoding utf-32"]),
        (TEXT.encode("utf-16-le"), ["UTF-16 without a byte order mark", "--encoding utf-16-le"]),
        (TEXT.encode("utf-16-be"), ["UTF-16 without a byte order mark", "--encoding utf-16-be"]),
        ("Москва\nКазань\nТула\n".encode("utf-16-le"), ["--encoding utf-16-le"]),
        (gzip.compress(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be")), ["looks like UTF-16", "--encoding utf-16"]),
    ],
)  # fmt: skip
def test_what_is_no_text_is_named(data: bytes, says: list[str]) -> None:
    for encoding in ("utf-8", "latin-1"):
        message = refusal(data, encoding=encoding)
        for words in says:
            assert words in message


@pytest.mark.parametrize(
    "start", ["BMW", "PKW", "ID3", "MZ", "Rar", "GIF", "II*", "BZh", "PAR1", "7z", "%PDF", "RIFF"]
)
def test_a_list_may_begin_with_such_letters(start: str) -> None:
    assert lines(read(written(f"{start}\nemma\nolivia\n"))) == [start, "emma", "olivia"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["-le", "-be"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("mark", [True, False])
def test_wide_text_is_read_whatever_its_order(
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
    assert "--drop-undecodable" in message
    assert "--encoding" not in message  # the others are UTF-8
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
    assert "2 lines that are not utf-8 were left out" in result.err
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
    assert f"--encoding {encoding}," in message
    assert f"reads {words[0]!r}" in message
    assert lines(read("list.txt", encoding=encoding)) == words


def test_few_lines_of_another_encoding_among_ascii_ones() -> None:
    """None of them is UTF-8, so the file may be of the other encoding as well."""
    message = refusal(TEXT.encode() + "zoë\nrené\n".encode("latin-1"))
    assert "2 of its 302 lines are not UTF-8 (lines 301, 302)" in message
    assert "as latin-1 the first reads 'zoë'" in message
    assert "--drop-undecodable" in message


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


def test_spaces_at_the_ends_are_said_and_can_be_kept(makemore: Callable[..., Any]) -> None:
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


def test_spaces_are_no_part_of_scored_lines_where_training_stripped_them(
    makemore: Callable[..., Any], small_run: Path
) -> None:
    out = makemore("score", small_run, " emma", "emma").out.splitlines()
    assert out[0] == out[1]


def test_an_older_reading_still_loads() -> None:
    old = {
        "source": "x",
        "bundled": False,
        "lines": 3,
        "blank": 0,
        "too_long": 0,
        "normalized": False,
        "rare": 0,
    }
    reading = from_json(Reading, old)
    assert (reading.keep_spaces, reading.stripped, reading.undecodable) == (False, 0, 0)


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffemma\nolivia\n\ufeffava\nmia\n",  # files put one after another
        "emma\r\nolivia\rava\nmia",
        "\ufeff\nemma\rolivia\rava\rmia\r",
    ],
)
def test_marks_and_line_ends_are_no_part_of_lines(data: str) -> None:
    assert lines(read(written(data))) == ["emma", "olivia", "ava", "mia"]


def test_only_a_newline_or_carriage_return_ends_a_line() -> None:
    every = ["a\u2028b", "c\x85d", "e\x0cf", "g\x0bh", "i\u2029j", "k\x1el"]
    assert lines(read(written("\n".join(every)))) == every


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", gzip.compress(b""), bz2.compress(b"")])
def test_an_empty_file(data: bytes) -> None:
    assert "empty" in refusal(data) or "only blank lines" in refusal(data)
