"""The report: one self-contained HTML file, whatever the lines are."""

import dataclasses
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import makemore
from makemore.corpus.reading import Reading
from makemore.metrics.advice import Warned
from makemore.metrics.verdict import Verdict
from makemore.models import MODELS, knobs
from makemore.plots import draw, palette
from makemore.plots.entry import Entry
from makemore.reports.assessment import assess
from makemore.reports.compared import Compared, Comparison, Pair
from makemore.reports.page import write_page, write_report
from makemore.reports.portrait import WORDS, samples
from makemore.reports.render import span
from makemore.runs.settings import Settings
from makemore.sampling.options import SampleOptions

NASTY = [
    "<script>alert(1)</script>",
    "a & b",
    '"quoted"',
    "it's",
    "$x$ <b>",
    "&lt;",
    "_under",
    "end -->",
    "日本",
    "e\u0301x\u0323",
]


@pytest.fixture(scope="module")
def entry(small_run):
    run = makemore.load(small_run)
    return Entry("small & <b>", run, assess(run, 100))


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """A bigram of lines that look like HTML."""
    directory = tmp_path_factory.mktemp("nasty")
    path = directory / "lines.txt"
    path.write_text("\n".join(f"{line} {i}" for line in NASTY for i in range(40)), "utf-8")
    run = makemore.train(path, work_dir=directory / "run", type="bigram", device="cpu")
    return Entry("<script>bad</script>", run, assess(run, 100))


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = path.read_text("utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        self.attributes += attrs


def check_self_contained(page: Page) -> None:
    assert "script" not in page.tags
    assert "://" not in page.text
    assert not {"link", "iframe", "object", "embed", "base"} & set(page.tags)
    for name, value in page.attributes:
        if name in ("href", "src", "xlink:href"):
            assert value.startswith(("#", "data:image/png;base64,"))
            assert value.startswith("data:") or value[1:] in page.ids
        assert not name.startswith("on")
    assert all(name in page.ids for name in re.findall(r"url\(#([^)]+)\)", page.text))
    assert "url(" not in page.text.replace("url(#", "")
    assert len(set(page.ids)) == len(page.ids)


def test_the_page_of_a_run_is_self_contained(entry, tmp_path):
    plots = draw.make_plots([entry])
    write_page(tmp_path / "report.html", [entry], plots=plots)
    page = Page(tmp_path / "report.html")
    check_self_contained(page)
    assert plots[1][0].name == "curve"
    assert "embedding" in [plot.name for plot in plots[1]]
    assert page.tags.count("svg") == len(plots[1])
    for plot in plots[1]:
        assert f"<b>{plot.title}</b>" in page.text
    assert "small &amp; &lt;b&gt;" in page.text
    assert page.text.count(palette.INK) == 1  # the variable of the style; plots take the page's colour
    assert "<metadata" not in page.text
    write_page(tmp_path / "again.html", [entry])
    assert (tmp_path / "again.html").read_text("utf-8") == page.text


def test_lines_that_look_like_html_are_shown_as_they_are(nasty, tmp_path):
    write_page(tmp_path / "report.html", [nasty])
    page = Page(tmp_path / "report.html")
    check_self_contained(page)
    assert "&lt;script&gt;bad&lt;/script&gt;" in page.text
    assert page.tags.count("b") == page.text.count("</b>")


def test_no_template_turns_escaping_off():
    templates = Path(makemore.__file__).parent / "reports" / "templates"
    texts = [path.read_text("utf-8") for path in templates.iterdir()]
    assert len(texts) >= 6
    assert not any("safe" in text or "autoescape" in text for text in texts)


@pytest.mark.slow
def test_several_runs_are_compared(entry, nasty, tmp_path):
    third = entry._replace(name="third")
    found = entry[2]
    best = Compared(
        name="third",
        type="mlp",
        runs=("third",),
        parameters=1,
        seconds=1.0,
        nll=found.nll,
        nll_of_runs=(2.0,),
        samples_per_second=1234.0,
        uniqueness=1.0,
        copy_ratio=math.nan,
        interval=(1.0, 3.0),
    )
    pairs = (
        Pair("third", "<i>", 0.5, (0.4, 0.6), tie=False),
        Pair("third", "x", math.nan, (math.nan, math.nan), tie=True),
    )
    comparison = Comparison(found.lines, 9, 0.01, (best,), pairs, {"rnn-1": "<no> memory"})
    write_page(tmp_path / "report.html", [entry, nasty, third], comparison)
    page = Page(tmp_path / "report.html")
    check_self_contained(page)
    assert page.tags.count("details") > 3
    assert "1,234" in page.text
    assert "third is better" in page.text
    assert "cannot be" in page.text
    assert "rnn-1 could not be trained: &lt;no&gt; memory." in page.text


@pytest.mark.slow
def test_the_page_of_runs_on_the_same_lines_names_the_best_and_its_ties(entry, tmp_path):
    other = entry._replace(name="other")
    found = entry.found
    numbers = {
        "type": "mlp",
        "runs": (),
        "parameters": 1,
        "seconds": 1.0,
        "nll_of_runs": (2.0,),
        "copy_ratio": math.nan,
        "samples_per_second": 1.0,
        "uniqueness": 1.0,
        "interval": (1.0, 3.0),
        "tie_with_best": True,
    }
    first = Compared(name=entry.name, nll=dict.fromkeys(found.nll, 2.0), **numbers)
    for tie, says in ((True, "but chance could explain its lead over"), (False, "chance does not explain")):
        second = Compared(
            name="other", nll=dict.fromkeys(found.nll, 1.9), **numbers | {"tie_with_best": True}
        )
        first = dataclasses.replace(first, tie_with_best=tie)
        comparison = Comparison(found.lines, 9, 0.01, (second, first), ())
        write_page(tmp_path / "report.html", [entry, other], comparison)
        text = (tmp_path / "report.html").read_text("utf-8")
        assert '<p class="verdict">other has the lowest test loss, ' in text
        assert says in text
        assert text.count("tied with the best") == tie


def test_tiles_say_whether_counting_is_better(entry, tmp_path):
    ahead, behind = entry.found.nll["test"] + 0.25, entry.found.nll["test"] - 0.5
    bases = dataclasses.replace(entry.found.baselines, bigram={"test": ahead}, ngram={"test": behind})
    found = dataclasses.replace(entry.found, baselines=bases)
    plots = draw.make_plots([entry])
    write_page(tmp_path / "report.html", [entry._replace(found=found)], plots=plots)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "<b>0.250</b><span>better than a bigram</span>" in text
    assert "<b>0.500</b><span>worse than a 6-gram</span>" in text


def test_a_page_has_the_colours_of_the_plots(entry, tmp_path):
    write_page(tmp_path / "report.html", [entry])
    text = (tmp_path / "report.html").read_text("utf-8")
    for colours in (palette.LIGHT, palette.DARK, palette.PRINT):
        assert "".join(f"--{name}: {colour}; " for name, colour in colours.items()) in text
    assert set(re.findall(r"var\(--(\w+)\)", text)) <= palette.LIGHT.keys() == palette.DARK.keys()


@pytest.mark.parametrize(
    ("healthy", "words"),
    [(None, ""), ((None, 2.0), "up to 2"), ((0.9, None), "from 0.9"), ((0.9, 1.1), "0.9 to 1.1")],
)
def test_a_range_is_spelled_in_words(healthy, words):
    assert span(healthy, ".2g") == words


@pytest.mark.slow
def test_the_command_measures_and_writes(small_run, names_run, tmp_path):
    said: list[str] = []
    page = write_report([small_run, names_run], tmp_path / "new" / "r.html", 100, said=said.append)
    check_self_contained(Page(page))
    assert said[-1] == "plotting"
    assert len(list((tmp_path / "new" / "r-plots").glob("*.png"))) > 12


def test_the_page_begins_with_what_matters_most(small, entry, tmp_path):
    """The list's name, the verdict and samples come first, then the share of copies; details are folded."""
    name, run, found = entry

    class Odd(Verdict):
        sentence = "3% of samples are <copies>: little is memorised"  # type: ignore[assignment]

    found = dataclasses.replace(found, memorising=Odd("little", 0.03, None, None, 9))
    write_page(tmp_path / "report.html", [Entry(name, run, found)])
    text = (tmp_path / "report.html").read_text("utf-8")
    places = [
        text.index(f"<h1>{small.name}</h1>"),
        text.index('<p class="verdict">3% of samples are &lt;copies&gt;: little is memorised.'),
        text.index('<p class="samples"'),
        text.index("<span>copies</span>"),
        text.index("<span>test loss</span>"),
        text.index("<b>Learning curve</b>"),
        text.index("<h3>What the samples are like, in numbers</h3>"),
    ]
    assert places == sorted(places)
    assert f"<title>{small.name} " in text
    for word in ("n embd", "n_embd", "max steps", "eval every", "too long<", "_"):
        assert f"<td>{word}" not in text
    assert "<td>embedding channels<td>" in text
    assert text.index("<td>perplexity") > text.index("<details>")


def test_characters_that_hide_or_reorder_others_are_spelled_out(tmp_path):
    path = tmp_path / "a\u202eb.txt"
    path.write_text("\n".join(f"x\u202e{c}\x9b" for c in "abcdefghijklmnopqrstuvw"), "utf-8")
    run = makemore.train(path, work_dir=tmp_path / "run", type="ngram", device="cpu")
    write_page(tmp_path / "report.html", [Entry("na\u202eme", run, assess(run, 100))])
    text = (tmp_path / "report.html").read_text("utf-8")
    for character in "\u202e\x9b":
        assert character not in text
    assert "<h1>a\\u202eb.txt</h1>" in text
    assert "na\\u202eme" in text


def test_a_sample_that_was_cut_does_not_look_whole(entry):
    _, run, _ = entry
    lines = samples(run, 200).lines
    found = list(run.stream(200, SampleOptions(cut=True, seed=1)))[: len(lines)]
    assert not all(s.ended for s in found)
    assert [line.end for line in lines] == ["⏎" if s.ended else "…" for s in found]


def test_every_setting_has_a_name_in_words():
    every = {f.name for kind in (Settings, Reading) for f in dataclasses.fields(kind)}
    every |= {knob.name for type in MODELS for knob in knobs(type)}
    assert every <= WORDS.keys()
    assert not any("_" in word for word in WORDS.values())


def test_no_option_is_broken_by_a_line(entry, tmp_path):
    warned = Warned("a", "a", "use --max-steps or <--teacher>")
    found = dataclasses.replace(entry.found, warnings=(warned,))
    write_page(tmp_path / "report.html", [entry._replace(found=found)])
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "use <code>--max-steps</code> or &lt;<code>--teacher</code>&gt;." in text


def test_the_page_tells_labels_apart(tmp_path):
    lines = [f"{a}{b}{c}" for a in "xyz" for b in "aeiou" for c in "kmnprst"]
    labels = ["<b>" if i % 3 else None if i % 2 else "comma, too" for i in range(len(lines))]
    run = makemore.train(lines=lines, labels=labels, type="ngram", work_dir=tmp_path / "run")
    page = write_report(run.directory, n=100).read_text("utf-8")
    assert "nats per token, given the label: as uncertain" in page
    section = page[page.index("<h3>Labels</h3>") : page.index("which labels are mistaken".capitalize())]
    assert "held-out lines" in section
    assert section.count("<td>&lt;b&gt;") == 1
    assert "<td>(none)<td>" in section
    assert "<th>&lt;b&gt;<th>comma, too" in section
    assert "<b>" not in section
