"""Attacks on the playground, and bad input: each refusal is one sentence, and nothing is left behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browser import Server, browser  # noqa: F401

import makemore
from makemore.training import events

pytestmark = pytest.mark.slow

MARKUP = ["<script>ran=1</script>", "<img src=x onerror=ran=1>", "</ol></main><b>bold</b>"]
FEW = {"list": "few", "types": ["lstm"], "time": 300}
SCREEN = os.environ | {"COLUMNS": "1000"}


class Attacked(Server):
    """A playground whose terminal is read."""

    def ask(self, path: str, body: object = None, token: str | None = None, **more: object) -> httpx.Response:
        """Send a request, a POST if it has a body."""
        content = body if isinstance(body, bytes | Iterator) or body is None else json.dumps(body).encode()
        address = f"http://127.0.0.1:{self.port}/{self.token if token is None else token}/{path}"
        method = more.pop("method", "GET" if body is None else "POST")
        return httpx.request(method, address, content=content, timeout=120, **more)

    def train(self) -> int:
        """Start to train an LSTM on a short list, as the run few-lstm, and return the first step seen."""
        lines = "".join(f"{a}{b}{c}\n" for a in "abcdef" for b in "aeiou" for c in "klmnop")
        self.ask("api/lists", lines.encode(), params={"name": "few.txt"})
        assert self.ask("api/train", FEW).json() == {"runs": ["few-lstm"]}
        with httpx.stream("GET", self.address + "api/events", timeout=120) as answer:
            for line in answer.iter_lines():
                found = json.loads(line.removeprefix("data: ")) if line.startswith("data: ") else {}
                if found.get("kind") == "step" and found["step"] > 1:
                    return found["step"]
        raise AssertionError("it did not train")


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    """Return a playground with a small run; nothing is ever printed to its terminal."""
    directory = tmp_path_factory.mktemp("play") / "play"
    lines = ["abc", "abd", "acd", "bcd", "bd"]
    makemore.train(lines=lines, type="bigram", work_dir=directory / "small", progress=False)
    started = Attacked(directory)
    yield started
    started.end()
    assert started.process.stderr.read() == ""


def _until(done) -> None:
    end = time.monotonic() + 120
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)


def _sentence(answer: httpx.Response, status: int = 400) -> str:
    """Return the sentence of a refusal."""
    assert answer.status_code == status, answer.text
    is_json = answer.headers["content-type"] == "application/json"
    sentence = answer.json()["error"] if is_json else answer.text
    assert sentence
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"host": ""}, {"origin": "http://evil.example"}, {"origin": "null"}]
)
def test_other_pages_and_other_names_are_refused(attacked, headers):
    for path, body in (("", None), ("api/state", None), ("static/app.js", None), ("api/stop", {})):
        _sentence(attacked.ask(path, body, headers=headers), 403)
    port = attacked.port
    assert attacked.ask("api/state", headers={"origin": f"http://127.0.0.1:{port}"}).status_code == 200


@pytest.mark.parametrize(
    "token", ["", "x", "%C3%A9", "..", "static", "x" * 5000], ids=lambda token: token[:6]
)
def test_without_the_token_nothing_is_answered(attacked, token):
    for path in ("", "api/state", "static/app.js", "style.css"):
        assert "token" in _sentence(attacked.ask(path, token=token), 403)


def test_an_upload_that_is_too_large_is_refused_and_leaves_no_file(attacked):
    before = attacked.ask("api/state").json()["lists"]
    part = bytes(1 << 20)
    with socket.create_connection(("127.0.0.1", attacked.port)) as asking:  # with its length, which is enough
        head = (
            f"POST /{attacked.token}/api/lists?name=large.txt HTTP/1.1\r\nHost: 127.0.0.1:{attacked.port}\r\n"
        )
        asking.sendall(f"{head}Content-Length: {100 << 20}\r\n\r\n".encode())
        assert asking.recv(1000).startswith(b"HTTP/1.1 413 ")
    with socket.create_connection(("127.0.0.1", attacked.port)) as asking:  # without
        asking.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        try:
            for _ in range(100):
                asking.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            asking.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # the server did not read on
        else:
            assert asking.recv(1000).startswith(b"HTTP/1.1 413 ")
    assert attacked.ask("api/state").json()["lists"] == before
    assert not [*attacked.directory.glob("lists/large*")]


@pytest.mark.parametrize(
    "name",
    [
        "../../x.txt",
        "/etc/x.txt",
        "..",
        "",
        ".",
        "..\\..\\x.txt",
        "a\0b.txt",
        "a.b\0.txt",
        "a.\n.txt",
        "\u202e.txt",
        "x" * 5000 + ".txt",
        "名" * 300 + ".txt",
        "x." + "y" * 300,
        "a/" * 400,
        "con:x.txt",
    ],
    ids=lambda name: repr(name)[:30],
)
def test_an_upload_lands_in_the_folder_of_lists_whatever_its_name(attacked, name):
    folder = attacked.directory / "lists"
    before, beside = {*folder.glob("*")}, {*attacked.directory.iterdir()}
    found = attacked.ask("api/lists", b"ab\ncd\nef\ngh\n", params={"name": name})
    assert found.status_code == 200, found.text
    (path,) = {*folder.glob("*")} - before
    assert path.read_bytes() == b"ab\ncd\nef\ngh\n"
    assert path.name.replace(".", "").replace("-", "").isalnum()
    assert {*attacked.directory.iterdir()} == beside | {folder}


WRONG = [
    ("sample", b""),
    ("sample", b"{"),
    ("sample", b"\xff\xfe"),
    ("sample", b"[" * 100_000),
    ("sample", b'{"run": "small", "n": ' + b"9" * 5000 + b"}"),
    ("sample", []),
    ("sample", "text"),
    ("sample", {}),
    ("sample", {"run": 5}),
    ("sample", {"run": "none"}),
    ("sample", {"run": "../small"}),
    ("sample", b'{"run": "\\ud800"}'),
    ("sample", {"run": "small", "n": "5"}),
    ("sample", {"run": "small", "n": 0}),
    ("sample", {"run": "small", "n": 10**9}),
    ("sample", {"run": "small", "n": True}),
    ("sample", b'{"run": "small", "temperature": NaN}'),
    ("sample", b'{"run": "small", "temperature": 1e999}'),
    ("sample", {"run": "small", "prefix": ["a"]}),
    ("sample", {"run": "small", "prefix": "q"}),
    ("sample", b'{"run": "small", "prefix": "\\ud800"}'),
    ("sample", {"run": "small", "contains": [1]}),
    ("sample", {"run": "small", "label": {"a": 1}}),
    ("sample", {"run": "small", "label": "none"}),
    ("sample", {"run": "small", "length": "long"}),
    ("sample", {"run": "small", "pattern": "("}),
    ("sample", {"run": "small", "pattern": "a" * 100_000}),
    ("sample", {"run": "small", "pattern": "q"}),
    ("sample", {"run": "small", "seed": -1}),
    ("explain", {"run": "small"}),
    ("explain", {"run": "small", "text": ""}),
    ("explain", {"run": "small", "text": "a\nb"}),
    ("explain", {"run": "small", "text": "q"}),
    ("explain", {"run": "small", "text": "a" * 100_000}),
    ("explain", b'{"run": "small", "text": "\\ud800"}'),
    ("explain", {"run": "small", "text": "ab", "top": 0}),
    ("explain", {"run": "small", "text": "ab", "label": 5}),
    ("inspect", {"name": "none"}),
    ("inspect", {"name": ["names"]}),
    ("inspect", {"name": "/etc/passwd"}),
    ("inspect", {"name": "names", "how": {"column": {}}}),
    ("inspect", {"name": "names", "how": {"encoding": "none"}}),
    ("train", {"list": "names"}),
    ("train", {"list": "names", "types": "lstm"}),
    ("train", {"list": "names", "types": [["lstm"]]}),
    ("train", {"list": "names", "types": ["lstm", "lstm"]}),
    ("train", {"list": "names", "types": ["lstm"], "size": [1]}),
    ("train", {"list": "names", "types": ["lstm"], "time": "long"}),
    ("train", {"list": "none", "types": ["lstm"]}),
    ("resume", {"runs": ["none"], "more": 1}),
    ("resume", {}),
]


@pytest.mark.parametrize(("path", "body"), WRONG, ids=lambda value: repr(value)[:60])
def test_a_wrong_request_gets_one_sentence(attacked, path, body):
    _sentence(attacked.ask("api/" + path, body))


def test_addresses_that_are_not_there_and_wrong_methods_get_a_sentence(attacked):
    for path in (
        "api/none",
        "static/none.js",
        "static/../app.py",
        "static/%2e%2e/app.py",
        "static/%00",
        "static/",
    ):
        _sentence(attacked.ask(path), 404)
    for path in ("api/sample", "api/train", "api/lists", "api/stop"):
        _sentence(attacked.ask(path), 405)
    _sentence(attacked.ask("api/state", {}), 405)
    for last in ("--3", "a-²", "x", "-1", "-" + "9" * 50):
        with httpx.stream(
            "GET", attacked.address + "api/events", headers={"last-event-id": last.encode()}
        ) as found:
            assert found.status_code == 200
    for query in ({}, {"run": "none"}):
        _sentence(attacked.ask("api/curve", params=query))


def test_a_list_that_cannot_be_read_is_not_chosen(attacked):
    attacked.ask("api/inspect", {"name": "names"})
    for content in (b"", b"one\n", bytes(range(256)) * 20, b"\x1f\x8bno gzip"):
        name = attacked.ask("api/lists", content, params={"name": "bad.txt"}).json()["name"]
        _sentence(attacked.ask("api/inspect", {"name": name}))
        assert attacked.ask("api/state").json()["chosen"] == "names"


def test_a_request_chooses_neither_the_directory_nor_the_file(attacked, tmp_path):
    more = {"work_dir": str(tmp_path / "elsewhere"), "source": "/etc/passwd", "type": "lstm"}
    (run,) = attacked.ask("api/train", {"list": "names", "types": ["bigram"], **more}).json()["runs"]
    _until(lambda: not attacked.ask("api/state").json()["training"]["running"])
    assert not (tmp_path / "elsewhere").exists()
    assert makemore.load(attacked.directory / run).type == "bigram"


def test_the_server_needs_neither_torch_nor_matplotlib():
    code = "import makemore.play.server, makemore.play.app, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "makemore" in found
    assert not {"torch", "matplotlib", "scipy", "pandas", "cyclopts"} & {*found}


def test_one_training_at_a_time_and_a_killed_server_leaves_a_run_that_resumes(tmp_path):
    server = Attacked(tmp_path / "play")
    try:
        reached = server.train()
        assert "one training at a time" in _sentence(server.ask("api/train", FEW))
        assert "one training at a time" in _sentence(
            server.ask("api/resume", {"runs": ["few-lstm"], "more": 1})
        )
    finally:
        server.process.kill()
        server.process.wait(60)
    _resumes(tmp_path / "play" / "few-lstm", reached)


def test_ctrl_c_saves_what_trains(tmp_path):
    server = Attacked(tmp_path / "play")
    try:
        reached = server.train()
    finally:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(60) == 0
    assert server.process.stderr.read() == ""
    run = makemore.load(tmp_path / "play" / "few-lstm")
    said = re.search(
        rf"^{re.escape(str(run.directory))}: saved at step ([\d,]+)$", server.process.stdout.read(), re.M
    )
    assert int(said[1].replace(",", "")) >= reached
    _resumes(run.directory, reached)


def _resumes(directory: Path, reached: int) -> None:
    """Check that the process that trains in a directory ends, and that training goes on where it ended."""
    heard: list[object] = []

    def goes_on() -> bool:
        try:
            makemore.train(work_dir=directory, resume=True, time=0.1, progress=False, on_event=heard.append)
        except makemore.MakemoreError as error:  # it has not ended yet
            if "another process" not in str(error):
                raise
            return False
        return True

    _until(goes_on)
    assert isinstance(heard[0], events.Started)
    assert heard[0].step >= reached
    assert len(makemore.load(directory).sample(3)) == 3


def play(*words: object) -> str:
    """Return what `makemore play` complains of."""
    command = [sys.executable, "-m", "makemore", "play", "--no-open", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=SCREEN, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("makemore: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_the_command_says_what_it_cannot_open(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in play("-o", tmp_path / "play", "--port", port)
    assert "99999" in play("-o", tmp_path / "play", "--port", 99999)
    assert "none.txt" in play("-o", tmp_path / "play", tmp_path / "none.txt")
    (tmp_path / "file").write_text("ab\n")
    assert "directory" in play("-o", tmp_path / "file")
    damaged = tmp_path / "damaged"
    damaged.mkdir(parents=True)
    (damaged / "config.json").write_text("{")
    assert "damaged" in play("-o", tmp_path / "play", damaged)


def test_a_damaged_run_in_the_directory_is_left_out_and_said(tmp_path):
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "config.json").write_text("{")
    command = [sys.executable, "-m", "makemore", "play", "--no-open", "-o", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=SCREEN) as process:
        try:
            assert process.stdout.readline().startswith("left out: ")
            assert process.stdout.readline().startswith("the playground is at ")
            assert f"open {tmp_path / 'open.html'} in a browser" in play("-o", tmp_path)
        finally:
            process.send_signal(signal.SIGINT)


def test_text_from_lists_never_becomes_markup(browser, tmp_path):  # noqa: F811
    makemore.train(lines=MARKUP * 100, type="ngram", work_dir=tmp_path / "play" / "markup", progress=False)
    own, context = Attacked(tmp_path / "play"), browser.new_context()
    try:
        name = own.ask("api/lists", "\n".join(MARKUP).encode(), params={"name": MARKUP[1]}).json()["name"]
        assert own.ask("api/inspect", {"name": name}).status_code == 200
        page = context.new_page()
        page.goto(own.address + "#make")
        page.locator("#made .keep").first.click()
        page.locator("#made .row > .line").first.click()
        page.locator("#made .explained").wait_for()
        assert {*page.locator(".made .row > .line").all_inner_texts()} & {*MARKUP}
        for room in page.locator("nav a").all():
            room.click()
            assert page.locator("main script, main img, main ol ol, main li b b").count() == 0
        assert page.evaluate("window.ran") is None
    finally:
        context.close()
        own.end()
