"""The room in which people look inside a model: typing by hand, surprise, and what each type shows."""

import math
import re

import httpx
import pytest
from browser import Server, browser, no_sideways_scroll, page  # noqa: F401

import makemore
from makemore.runs.inside import inside

pytestmark = pytest.mark.slow

STEPS = {"ngram": {}, "lstm": {"max_steps": 5}, "transformer": {"max_steps": 5}}


@pytest.fixture(scope="module")
def server(small, tmp_path_factory):
    """Return a playground with three small runs: ngram, lstm and transformer."""
    directory = tmp_path_factory.mktemp("play") / "play"
    for type, knobs in STEPS.items():
        makemore.train(small, type=type, work_dir=directory / type, device="cpu", progress=False, **knobs)
    started = Server(directory)
    yield started
    started.end()


@pytest.fixture(scope="module")
def runs(server):
    """Return the runs by name."""
    return {name: makemore.load(server.directory / name) for name in STEPS}


def percent(p):
    return "<0.1%" if p < 0.001 else f"{100 * p:.{1 if p < 0.1 else 0}f}%"


def enter(page, server, run):  # noqa: F811
    page.goto(server.address + "#inside")
    page.locator("#room-inside select[data-runs]").select_option(run)
    return page.locator("#inside-text")


def figure(page, title):  # noqa: F811
    return page.locator("#inside-views figure").filter(has_text=title)


def bars(page):  # noqa: F811
    """Return the letters with bars, and the percentages beside them."""
    shown = page.locator("#inside-bars li:visible").all_inner_texts()
    return [tuple(re.split(r"\s*\n\s*", text.strip())) for text in shown]


def expected(run, text):
    found = run.expects(text)
    top = [(character, percent(p)) for character, p in found if character != "\n"][:12]
    return [*top, ("⏎ end", percent(dict(found)["\n"]))]


def test_a_name_is_typed_by_hand_with_bars_that_say_what_the_run_expects(page, server, runs):  # noqa: F811
    from playwright.sync_api import expect

    text, run = enter(page, server, "ngram"), runs["ngram"]
    said = page.locator("#inside-sure")
    said.get_by_text("At the beginning").wait_for()
    assert bars(page) == expected(run, "")
    text.press_sequentially("em")
    said.get_by_text("After “em”").wait_for()
    assert bars(page) == expected(run, "em")
    choice = bars(page)[1][0]
    page.locator("#inside-bars button").nth(1).focus()
    page.keyboard.press("Enter")
    said.get_by_text(f"After “em{choice}”").wait_for()
    assert bars(page) == expected(run, "em" + choice)
    assert text.input_value() == "em" + choice
    assert (
        page.evaluate("[...document.querySelectorAll('#inside-bars button')].indexOf(document.activeElement)")
        == 1
    )
    for _ in range(60):
        if "has ended" in said.inner_text():
            break
        before = said.inner_text()
        page.get_by_role("button", name="Let the model go on").click()
        expect(said).not_to_have_text(before)
    assert "has ended" in said.inner_text()
    assert text.input_value().startswith("em" + choice)
    page.get_by_role("button", name="Start over").click()
    said.get_by_text("At the beginning").wait_for()
    assert text.input_value() == ""
    page.get_by_role("button", name="⏎ end").click()
    said.get_by_text("It has ended").wait_for()


def test_the_surprise_of_a_line_is_its_score_under_every_run(page, server, runs):  # noqa: F811
    text = enter(page, server, "lstm")
    text.fill("emma")
    rows = page.locator("#inside-letters > .box tbody tr")
    rows.filter(has_text="emma⏎").nth(2).wait_for()
    shown = {name: row for name, *row in (row.split("\t") for row in rows.all_inner_texts())}
    assert list(shown) == ["lstm", "ngram", "transformer"]  # the chosen one first
    for name, run in runs.items():
        (nll,) = run.score(["emma"])
        assert shown[name][:2] == [f"{nll / math.log(2):.1f} bits", f"{nll / math.log(2) / 5:.1f} a letter"]
    page.get_by_text("Bits of each letter", exact=True).first.click()
    page.locator("#inside-letters details tbody tr").first.wait_for()
    numbers = page.locator("#inside-letters details tbody tr").all_inner_texts()
    assert [row.split("\t")[1] for row in numbers] == [
        f"{nll / math.log(2):.1f}" for nll in runs["lstm"].letters(["emma"])[0]
    ]
    page.get_by_role("checkbox", name="ngram").uncheck()
    rows.nth(2).wait_for(state="detached")


def test_each_type_shows_what_it_has_inside(page, server, runs):  # noqa: F811
    text = enter(page, server, "transformer")
    text.fill("emma")
    found = inside(runs["transformer"], "emma")
    heads = figure(page, "Attention").locator("svg")
    heads.first.wait_for()
    grids = next(view for view in found.views if view.title == "Attention").grids
    assert heads.count() == len(grids)
    heads.nth(1).focus()
    for key in ("ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    said = figure(page, "Attention").locator(".read").inner_text()
    assert said == f"layer 1, head 2: has read m, looks at e: {percent(grids[1].values[3][1])}"
    figure(page, "Attention").get_by_text("As a table").click()
    first = figure(page, "Attention").locator("tbody").first.locator("tr").nth(2).locator("td")
    first.first.wait_for()
    assert first.all_inner_texts() == ["0%" if p == 0 else percent(p) for p in grids[0].values[2]]
    assert figure(page, "Map").locator("svg text").count() == len(runs["transformer"].vocab)
    assert no_sideways_scroll(page)

    page.locator("#room-inside select[data-runs]").select_option("lstm")
    figure(page, "Forget gate").locator("svg").wait_for()
    page.locator("#room-inside select[data-runs]").select_option("ngram")
    levels = figure(page, "Contexts").locator("tbody tr")
    levels.last.wait_for()
    last = dict(
        zip(
            figure(page, "Contexts").locator("th[scope=col]").all_inner_texts()[3:],
            levels.last.locator("td").all_inner_texts()[2:],
            strict=True,
        )
    )
    assert (
        last.items()
        <= {"⏎" if c == "\n" else c: percent(p) for c, p in runs["ngram"].expects("emma")}.items()
    )

    text.fill("anna-marie"[:4] * 250)  # a line of 1,000 characters
    page.locator("#inside-letters i").nth(600).wait_for()
    assert no_sideways_scroll(page)


def test_bad_input_is_answered_with_a_sentence(browser, server):  # noqa: F811
    page = browser.new_page()  # which may say that an answer has the status 400  # noqa: F811
    enter(page, server, "lstm").fill("emmö")
    page.locator("#said.wrong").get_by_text("'ö'").wait_for()
    assert page.locator("#inside-bars").is_hidden()
    page.close()

    def asked(what, **values):
        answer = httpx.post(f"{server.address}api/{what}", json=values, timeout=60)
        return answer.status_code, answer.json()

    status, found = asked("expects", run="ngram", text="e!")
    assert status == 400
    assert "'!'" in found["error"]
    assert found["error"].count("\n") == 0
    assert asked("expects", run="ngram")[0] == 400
    assert asked("go-on", run="gone", text="e") == (400, {"error": "gone: no such run", "options": []})
    assert asked("inside", run="ngram", text="e", label="girl")[0] == 400
    assert asked("inside", run="ngram", text="e\n")[0] == 400
    status, found = asked("letters", runs=["ngram", "gone"], text="e!")
    assert status == 200
    assert all("error" in each for each in found)
    status, found = asked("letters", runs=["ngram", "lstm"], text="")
    assert status == 200
    assert [len(each["letters"]) for each in found] == [1, 1]
