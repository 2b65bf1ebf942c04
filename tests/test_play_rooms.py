"""The rooms of the playground as the page asks them, without a browser and without a server."""

import asyncio
import json
import re
import shutil
from importlib.resources import files

import httpx
import pytest
from starlette.requests import Request

import makemore
from makemore.errors import MakemoreError
from makemore.play.app import application
from makemore.play.held_out import held_out, imported
from makemore.play.opened import threading
from makemore.play.real_or_made import RealOrMade
from makemore.play.rooms import games, train
from makemore.play.shannon import Letters
from makemore.play.workshop import Workshop, about
from makemore.runs.run import Run

LINES = ["abc", "abd", "acd", "bcd", "bd", "dab", "cab", "bad", "dad", "add", "cad", "ada"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the directory of a run, to be copied."""
    place = tmp_path_factory.mktemp("runs") / "small"
    return makemore.train(lines=LINES, type="bigram", work_dir=place, progress=False).directory


@pytest.fixture
def place(tmp_path, trained):
    """Return the directory of a playground with two runs."""
    for name in ("one", "two"):
        shutil.copytree(trained, tmp_path / "play" / name)
    return tmp_path / "play"


def ask(workshop, path, **body):
    """Ask as the page does; return the status and the answer."""

    async def asked():
        transport = httpx.ASGITransport(application(workshop, "token", 1234))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1234/token") as client:
            return await (client.post(path, json=body) if body else client.get(path))

    answer = asyncio.run(asked())
    return answer.status_code, answer.json()


def as_imported(directory):
    """Have a run look as the import of a checkpoint leaves it."""
    path = directory / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"steps": 0, "best_step": 0}))
    (directory / "metrics.jsonl").unlink()


# what is kept


def test_runs_of_the_same_name_share_nothing_that_is_kept(tmp_path, trained):
    def opened(path):
        workshop = Workshop(tmp_path / "play")
        workshop.bring(str(path))
        return workshop

    for folder in "AB":
        shutil.copytree(trained, tmp_path / folder / "out")
    kept = [{"text": "abc", "label": "", "seen": "train"}]
    assert ask(opened(tmp_path / "A" / "out"), "api/kept", run="out", keep=kept) == (200, kept)
    assert ask(opened(tmp_path / "B" / "out"), "api/kept?run=out") == (200, [])
    assert ask(opened(tmp_path / "A" / "out"), "api/kept?run=out") == (200, kept)
    other = {"lines": LINES[::-1], "type": "bigram", "progress": False}
    makemore.train(work_dir=tmp_path / "A" / "out", overwrite=True, **other)
    assert ask(opened(tmp_path / "A" / "out"), "api/kept?run=out") == (200, [])
    assert ask(opened(tmp_path / "A" / "out"), "api/kept?run=in")[0] == 400


def test_what_is_kept_moves_with_the_playground(place, tmp_path):
    kept = [{"text": "abc", "label": "", "seen": "train"}]
    ask(Workshop(place), "api/kept", run="one", keep=kept)
    moved = place.rename(tmp_path / "moved")
    assert ask(Workshop(moved), "api/kept?run=one") == (200, kept)
    assert ask(Workshop(moved), "api/kept?run=two") == (200, [])


# training


@pytest.mark.parametrize("size", [float("nan"), float("inf"), 1e9, 0, -1, 1.5])
def test_networks_are_of_a_size_that_the_form_offers(tmp_path, size):
    workshop = Workshop(tmp_path)
    asked = json.dumps({"list": "names", "types": ["lstm"], "size": size})

    async def receive():
        return {"type": "http.request", "body": asked.encode()}

    start = next(route.endpoint for route in train.routes(workshop) if route.path == "/api/train")
    with pytest.raises(MakemoreError, match=f"size must be one of 0.5, 1, 2, not {re.escape(f'{size:g}')}"):
        asyncio.run(start(Request({"type": "http", "method": "POST"}, receive)))
    assert not workshop.trainer.busy
    form = files("makemore.play").joinpath("templates/train.html").read_text("utf-8")
    chosen = re.search(r'<select name="size">(.*?)</select>', form, re.DOTALL)[1]
    assert tuple(map(float, re.findall(r'value="([\d.]+)"', chosen))) == train.SIZES


# games


def test_made_lines_are_asked_about_once(place):
    game = RealOrMade(Workshop(place), "one")
    for _ in range(3):
        asyncio.run(game._sample())
    assert len({line.text for line in game.made}) == len(game.made) > 3


def test_a_game_that_samples_holds_up_nothing_else_and_can_be_given_up(place, monkeypatch):
    began, gone, ended = threading.Event(), asyncio.Event(), threading.Event()

    def endless(run, n, options, stop):
        began.set()
        while not stop():
            ended.wait(0.001)
        ended.set()
        return []

    async def play():
        workshop = Workshop(place)
        bodies = [{"type": "http.request", "body": b'{"kind": "real", "run": "one"}'}]

        async def receive():
            if bodies:
                return bodies.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        begin = games.routes(workshop)[0].endpoint
        beginning = asyncio.create_task(begin(Request({"type": "http", "method": "POST"}, receive)))
        while not began.is_set():
            await asyncio.sleep(0.001)
        assert await workshop.opened("one").use(lambda run: run.vocab)  # is not held up
        assert not beginning.done()
        gone.set()
        with pytest.raises(MakemoreError, match="given up"):
            await beginning
        assert await asyncio.to_thread(ended.wait, 10)  # the search has ended too

    monkeypatch.setattr(Run, "stream", endless)
    asyncio.run(asyncio.wait_for(play(), 20))


def test_an_answer_that_is_given_up_does_not_count(place, monkeypatch):
    async def play():
        game = RealOrMade(Workshop(place), "one")
        await game.begin()
        before, game.made = game.state(), []
        monkeypatch.setattr(game, "_sample", lambda: asyncio.sleep(60))
        moving = asyncio.create_task(game.move("made", None))
        await asyncio.sleep(0)
        moving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await moving
        assert game.state() == before
        assert before["text"]

    asyncio.run(play())


def test_an_imported_model_plays_no_game_with_lines_that_it_was_trained_on(place):
    as_imported(place / "one")
    workshop = Workshop(place)
    for kind in ("letters", "real"):
        status, answer = ask(workshop, "api/games", kind=kind, run="one")
        assert status == 400
        assert answer["error"].startswith(
            "this model was trained elsewhere, on most of the held-out lines too"
        )
    assert {name: about(name, run)["imported"] for name, run in workshop.runs.items()} == {
        "one": True,
        "two": False,
    }
    game = Letters(workshop, "two")
    asyncio.run(game.begin())
    assert [*game.scores] == ["two"]


def test_a_blend_plays(place):
    blend = makemore.blend([place / "one", place / "two"], work_dir=place / "both")
    assert blend.summary().steps == 0
    assert not imported(blend)
    assert {line.text for line in held_out(blend)} == {
        line.text for line in held_out(makemore.load(place / "one"))
    }
