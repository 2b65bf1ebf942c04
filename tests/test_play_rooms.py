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
from makemore.play.rooms import train
from makemore.play.workshop import Workshop

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
