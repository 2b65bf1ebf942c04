"""The games of the playground: nothing leaks, and what they count is what the library counts."""

import json
import math
import random
import re

import httpx
import pytest
from browser import browser, no_sideways_scroll, page, server  # noqa: F401

import makemore
from makemore.metrics.guessing import guessing
from makemore.metrics.intervals import wilson

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ask(server):  # noqa: F811
    """Return a function that asks the server, and returns the status and the answer.

    A move is about the question that was last seen, unless it says another.
    """
    with httpx.Client(base_url=server.address, timeout=60) as client:
        numbers = {}

        def asked(path, **body):
            if path == "api/games/move":
                body = {"question": numbers.get(body["game"], 1)} | body
            answer = client.post(path, content=json.dumps(body)) if body else client.get(path)
            if "question" in (found := answer.json()):
                numbers[found["game"]] = found["question"]
            return answer.status_code, found

        yield asked


@pytest.fixture(scope="module")
def runs(server):  # noqa: F811
    return {name: makemore.load(server.directory / name) for name in ("names-ngram", "names-lstm")}


def played(ask, run, line_of):
    """Play a line through, some letters by guesses and some shown; return the last state."""
    status, state = ask("api/games", kind="letters", run=run)
    assert (status, state["letters"]) == (200, [])
    while not state["over"]:
        hidden = line_of(state)
        if len(state["letters"]) % 3 == 2:
            _, state = ask("api/games/move", game=state["game"], move="show")
            continue
        for character in [*random.Random(0).sample(state["alphabet"], 3), *hidden]:
            before = state
            status, state = ask("api/games/move", game=state["game"], move="guess", character=character)
            assert status == 200
            if len(state["letters"]) > len(before["letters"]):
                break
            wrong = before["wrong"] + [character] * (character not in before["wrong"])
            assert state == before | {
                "wrong": wrong,
                "question": before["question"] + 1,
            }  # a wrong guess shows nothing else
    return state


def test_the_line_stays_on_the_server_and_ranks_are_those_of_explain(ask, runs):
    run = runs["names-lstm"]
    state = played(ask, "names-lstm", lambda state: [state["end"], *state["alphabet"]])
    text = "".join(each["character"] for each in state["letters"])
    assert text.endswith("\n")
    assert run.corpus.seen([text[:-1]]) == ["held-out"]
    assert set(state["letters"][0]["models"]) == {*runs}
    ranks = {name: [each["models"][name] for each in state["letters"]] for name in runs}
    for name, each in runs.items():
        explained = each.explain(text[:-1], top=len(each.vocab))
        order = [[character for character, _ in position.choices] for position in explained]
        assert ranks[name] == [found.index(c) + 1 for found, c in zip(order, text, strict=True)]
        (score,) = (of for of in state["score"]["models"] if of["name"] == name)
        assert score["exact"] == pytest.approx(each.score([text[:-1]])[0] / len(text) / math.log(2))
        assert score.items() >= guessing(ranks[name]).to_json().items()
    you = [each["you"] for each in state["letters"]]
    assert you[2::3] == [None] * (len(you) // 3)
    guessed = guessing([n for n in you if n], [range(1, len(run.vocab) + 1)] * you.count(None))
    assert state["score"]["you"] == guessed.to_json()

    _, before = ask("api/games/move", game=state["game"], move="next")
    assert (before["number"], before["letters"], before["last"]) == (2, [], "")
    _, after = ask("api/games/move", game=state["game"], move="next")  # gives up on a line, which is shown
    assert run.corpus.seen([after["last"]]) == ["held-out"]
    assert ask(f"api/games?game={state['game']}") == (200, after)
    assert after["score"]["you"]["letters"] == len(you)


def test_real_lines_are_held_out_and_made_ones_new(ask, runs):
    _, state = ask("api/games", kind="real", run="names-ngram")
    told = {
        "game",
        "kind",
        "run",
        "question",
        "text",
        "label",
        "answers",
        "right",
        "interval",
        "made",
        "taken",
    }
    assert set(state) == told | {"taken_interval", "streak", "recent"}
    for n in range(30):
        text, before = state["text"], state
        assert state["answers"] == n
        assert [each for each in state["recent"] if each["text"] == text] == []  # nothing is told of it
        status, state = ask("api/games/move", game=state["game"], move="made")
        last = state["recent"][0]
        assert (status, last["text"]) == (200, text)
        assert runs["names-ngram"].corpus.seen([text]) == ["new" if last["made"] else "held-out"]
        assert last["right"] == last["made"]
        assert state["right"] == state["made"] == before["right"] + last["made"]
    assert 0 < state["made"] < 30
    assert state["taken"] == 0
    assert state["interval"] == pytest.approx(wilson(state["right"], 30))
    assert len(state["recent"]) == 10


def test_a_move_that_is_sent_twice_counts_once(ask):
    for kind, move in (("real", "made"), ("letters", "next")):
        _, begun = ask("api/games", kind=kind, run="names-ngram")
        _, moved = ask("api/games/move", game=begun["game"], move=move, question=1)
        assert moved["question"] == 2
        assert ask("api/games/move", game=begun["game"], move=move, question=1) == (200, moved)
        status, answer = ask("api/games/move", game=begun["game"], move=move, question=4)
        assert (status, answer["error"]) == (400, "question 4: the game is at 2")


def test_wrong_input_gets_a_sentence(ask):
    _, letters = ask("api/games", kind="letters", run="names-ngram")
    _, real = ask("api/games", kind="real", run="names-ngram")
    for path, body, sentence in [
        ("api/games", {"kind": "chess", "run": "names-ngram"}, "no such game"),
        ("api/games", {"kind": "real", "run": "none"}, "no such run"),
        ("api/games", {"kind": 1}, "kind must be a string"),
        ("api/games?game=none", {}, "this game is over; start a new one"),
        ("api/games/move", {"game": "none", "move": "show"}, "this game is over"),
        ("api/games/move", {"game": letters["game"], "move": "real"}, "no such move"),
        ("api/games/move", {"game": letters["game"], "move": "guess"}, "character is missing"),
        ("api/games/move", {"game": letters["game"], "move": "guess", "character": "ж"}, "not one of the 26"),
        ("api/games/move", {"game": letters["game"], "move": "guess", "character": "\ud800"}, "not one of"),
        ("api/games/move", {"game": real["game"], "move": "show"}, "no such move"),
    ]:
        status, answer = ask(path, **body)
        assert status == 400
        assert sentence in answer["error"]


def test_games_in_the_browser(page, server):  # noqa: F811
    page.goto(server.address + "#games")
    for number in (1, 2, 3):
        page.get_by_text(f"Round {number}", exact=True).wait_for()
        page.keyboard.press("Q")  # as the list spells it: q
        said = page.locator("#letters-said", has_text=re.compile(r"^(Not|Yes,) q"))
        said.wait_for()
        page.keyboard.press("7")
        page.get_by_text("Nothing in the list has 7.").wait_for()
        page.get_by_role("button", name="Show me").click()
        page.get_by_text("names-ngram at guess").wait_for()
        count = page.locator("#letters-count").inner_text()
        assert int(re.search(r"after (\d+) letters?", count)[1]) >= number
        if number == 1:
            page.reload()  # goes on with the game
            page.get_by_text(count).wait_for()
        page.get_by_role("button", name="Next one").click()
    page.get_by_text("Round 4", exact=True).wait_for()
    models = page.locator("#letters-score th").all_inner_texts()
    assert sorted(models) == ["You", "names-lstm", "names-ngram"]
    assert no_sideways_scroll(page)

    page.get_by_role("button", name="Real or made?").click()
    for number in (1, 2, 3):
        page.get_by_text(f"Round {number}", exact=True).locator("visible=true").wait_for()
        page.keyboard.press("rmR"[number - 1])
    page.get_by_text("Round 4", exact=True).locator("visible=true").wait_for()
    assert page.locator("#real-recent tr").count() == 3
    assert "of 3" in page.locator("#real-tally").inner_text()
    assert no_sideways_scroll(page)
