"""The playground without its server: lists, runs and trainings, and what other programs do to them meanwhile."""

import asyncio
import gzip
import io
import json
import os
import shutil
import sys
import types

import pytest

import makemore
from makemore.play import opened, server, training
from makemore.play.guard import Guard, TooLargeError
from makemore.play.processes import Process
from makemore.play.rooms import lists
from makemore.play.training import Trainer, Training
from makemore.play.workshop import Listed, Workshop

LINES = ["abc", "abd", "acd", "bcd", "bd", "dab", "cab", "bad", "dad", "add", "cad", "ada"]


def train(directory, lines=LINES, **more):
    return makemore.train(lines=lines, type="bigram", work_dir=directory, progress=False, **more)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return the directory of a run, to be copied."""
    return train(tmp_path_factory.mktemp("runs") / "small").directory


@pytest.fixture
def place(tmp_path, trained):
    """Return the directory of a playground with two runs."""
    for name in ("one", "two"):
        shutil.copytree(trained, tmp_path / "play" / name)
    return tmp_path / "play"


# runs


def test_every_type_of_a_race_has_a_run_however_long_the_name_of_the_list(tmp_path):
    types = ["lstm", "lstm-2", "bigram_nn", "ngram"]
    for name in ("x" * 200, "名" * 60, "names", "names" * 8):
        found = Workshop(tmp_path).new_runs(name, types)
        assert [*found.values()] == types
        assert max(map(len, found)) < 70
    (tmp_path / "names-lstm").mkdir()
    assert [*Workshop(tmp_path).new_runs("names", ["lstm", "gru"])] == ["names-lstm-2", "names-gru"]


def test_a_damaged_run_is_listed_with_its_error_and_the_others_work(place):
    workshop = Workshop(place)
    (place / "one" / "summary.json").write_text("{")
    one, two = workshop.state()["runs"]
    assert (one["name"], one["type"], one["ended"]) == ("one", "bigram", False)
    assert str(place / "one" / "summary.json") in one["error"]
    assert (two["error"], two["ended"]) == (None, True)
    assert len(asyncio.run(workshop.opened("one").use(lambda run: run.sample(3)))) == 3
    assert [each["name"] for each in Workshop(place).state()["runs"]] == ["one", "two"]
    (place / "two" / "config.json").unlink()
    assert "config.json" in workshop.state()["runs"][1]["error"]


def test_a_run_that_is_replaced_meanwhile_is_read_again(place):
    async def play():
        run = workshop.opened("one")
        for long in (False, True):
            assert set("".join(await run.use(lambda run: run.sample(20), long))) <= {*"abcd"}
        train(place / "one", ["xyz", "yxz", "zxy", "zyx", "xxz", "yzz"] * 3, overwrite=True)
        assert run.run.vocab.names[1:] == ["x", "y", "z"]
        for long in (False, True):
            assert set("".join(await run.use(lambda run: run.sample(20), long))) <= {*"xyz"}

    workshop = Workshop(place)
    asyncio.run(play())


def test_weights_that_are_replaced_meanwhile_are_read_again(place):
    async def play():
        run = workshop.opened("one")
        before = await run.use(lambda run: run.form)
        assert await run.use(lambda run: run.form) is before
        os.utime(place / "one" / "best.safetensors", ns=(1, 1))
        assert await run.use(lambda run: run.form) is not before

    workshop = Workshop(place)
    asyncio.run(play())


def test_sampling_holds_up_nothing_else(place):
    async def play():
        run, began, over = workshop.opened("one"), asyncio.Event(), opened.threading.Event()
        loop = asyncio.get_running_loop()

        def wait(run):
            loop.call_soon_threadsafe(began.set)
            over.wait()
            return run

        sampling = asyncio.create_task(run.use(wait, long=True))
        await began.wait()
        other = await run.use(lambda run: run)
        over.set()
        assert await sampling is not other

    workshop = Workshop(place)
    asyncio.run(play())


# lists


def test_lists_of_an_earlier_server_are_offered_again(tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "birds.txt").write_text("wren\n")
    (tmp_path / "lists" / ".makemore-1.tmp").write_text("wr")
    found = Workshop(tmp_path).lists
    assert found["birds"].source == str(tmp_path / "lists" / "birds.txt")
    assert not [name for name in found if "makemore" in name]


def test_what_the_command_names_becomes_a_list(tmp_path, monkeypatch):
    workshop = Workshop(tmp_path / "play")
    folder = tmp_path / "birds"
    folder.mkdir()
    (folder / "a.txt").write_text("wren\n")
    (folder / "b.txt").write_text("owl\n")
    workshop.bring(str(folder))
    assert (workshop.chosen, workshop.lists["birds"].source) == ("birds", str(folder))
    workshop.bring("names.txt")
    assert workshop.chosen == "names"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"wren\nowl\n"), "utf-8"))
    workshop.bring("-")
    path = tmp_path / "play" / "lists" / "standard-input.txt"
    assert (workshop.lists[workshop.chosen].source, path.read_text()) == (str(path), "wren\nowl\n")


def test_two_uploads_at_once_have_two_files(tmp_path):
    workshop = Workshop(tmp_path)
    assert workshop.new_file("birds.csv.gz").name == "birds.csv.gz"
    assert workshop.new_file("birds.csv").name == "birds-2.csv"


def test_an_upload_is_limited_by_what_it_unpacks_to(tmp_path, monkeypatch):
    monkeypatch.setattr(lists, "LARGEST", 1 << 21)
    path = tmp_path / "zeros.txt.gz"
    for size, fits in ((1 << 21, True), ((1 << 21) + 1, False)):
        path.write_bytes(gzip.compress(bytes(size)))
        if fits:
            lists.check_unpacked(path)
        else:
            with pytest.raises(TooLargeError):
                lists.check_unpacked(path)
    path.write_bytes(path.read_bytes()[:100])
    lists.check_unpacked(path)  # that it is damaged is said when it is read


def test_the_first_row_of_a_table_can_be_its_header():
    table = Listed("x.csv", columns={"1": "Vorname", "2": "Land"})
    assert table.unnamed
    assert table.spelled({"column": "1", "label": "2"}, True) == {"column": "Vorname", "label": "Land"}
    assert table.spelled({"column": "Vorname", "graphemes": True}, False) == {
        "column": "1",
        "graphemes": True,
    }
    headed = Listed("x.csv", {"column": "Vorname"}, columns=table.columns, header=True)
    assert headed.choices == {"Vorname": "", "Land": ""}
    assert headed.asked == {"column": "Vorname", "header": True}
    named = Listed("x.csv", columns={"name": "Anna", "2": "1990"})
    assert not named.unnamed
    assert named.spelled({"column": "2"}, True) == {"column": "2"}


# training


class Trains:
    """A process that only notes what it is given."""

    def __init__(self):
        self.given = []

    def give(self, do, **job):
        self.given.append((do, job))


class Pool:
    """Processes."""

    def __init__(self):
        self.back = []

    async def take(self, n):
        return [Trains() for _ in range(n)]

    def put_back(self, process):
        self.back.append(process)


def kinds(training, name):
    return [each["kind"] for each in training.events if each["run"] == name]


def test_a_few_runs_train_at_a_time_and_the_others_after_them():
    async def play():
        pool = Pool()
        trainer = Trainer(pool, lambda name, event: None)
        found = await trainer.start({name: {"type": name} for name in "abcd"})
        assert [*found.running] == ["a", "b"]
        assert [each["waits"] for each in found.events] == [False, False, True, True]
        first, second = found.running.values()
        first.hear({"kind": "done"})
        assert [*found.running] == ["b", "c"]
        assert [job["type"] for _, job in first.given] == ["a", "c"]
        first.hear({"kind": "failed", "message": "no", "options": []})
        second.hear({"kind": "gone"})
        assert kinds(found, "b") == ["begun", "failed"]
        assert ([*found.running], pool.back, trainer.busy) == (["d"], [], True)
        first.hear({"kind": "gone"})  # the last one that trained
        assert not trainer.busy

        found = await trainer.start({name: {} for name in "abcd"})
        first, second = found.running.values()
        found.stop()
        assert (first.given[-1], second.given[-1]) == (("stop", {}), ("stop", {}))
        assert kinds(found, "c") == kinds(found, "d") == ["begun", "done"]
        first.hear({"kind": "gone"})
        second.hear({"kind": "done"})
        assert (pool.back, trainer.busy) == ([second], False)

    assert training.AT_ONCE == 2
    asyncio.run(play())


def test_whatever_a_listener_raises_the_training_ends():
    def heard(name, event):
        raise ValueError("a fault")

    async def play():
        trainer = Trainer(Pool(), heard)
        found = await trainer.start({"a": {}})
        (process,) = found.running.values()
        for kind in ("started", "done"):
            with pytest.raises(ValueError, match="a fault"):
                process.hear({"kind": kind})
        assert kinds(found, "a") == ["begun", "started", "done"]
        assert not trainer.busy

    asyncio.run(play())


def test_a_process_is_heard_to_its_end_whatever_a_listener_raises(capsys):
    async def play():
        lines = asyncio.StreamReader(limit=100)
        lines.feed_data(b'{"kind": "a"}\nno JSON\n' + b'"' + b"x" * 200 + b'"\n{"kind": "b"}\n')
        lines.feed_eof()

        async def wait():
            return 3

        process, heard = Process(types.SimpleNamespace(stdout=lines, wait=wait)), []

        def hear(event):
            heard.append(event["kind"])
            raise ValueError("a fault")

        process.hear = hear
        with pytest.raises(ValueError, match="a fault"):  # that of "gone"
            await process._listening
        assert (heard[0], heard[-1]) == ("a", "gone")

    asyncio.run(play())
    assert "a fault" in capsys.readouterr().err


def test_events_resume_in_their_own_training_and_go_on_with_the_next():
    async def play():
        trainer = Trainer(Pool(), lambda name, event: None)
        follower = trainer.follow("")
        waiting = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0)
        first = await trainer.start({"a": {}})
        assert (await waiting)[1] == first.events[0]
        (process,) = first.running.values()
        process.hear({"kind": "step", "step": 1})
        process.hear({"kind": "done"})
        told = [await anext(follower) for _ in range(3)]
        assert [id for id, _ in told] == [f"{first.id}-1", f"{first.id}-2", ""]
        again = trainer.follow(f"{first.id}-1")
        assert (await anext(again))[1]["kind"] == "done"
        second = await trainer.start({"b": {}})
        assert (await anext(follower))[0] == f"{second.id}-0"
        for last in (f"{first.id}-1", "", "-", f"{second.id}-x", f"{second.id}--1"):
            assert (await anext(trainer.follow(last)))[0] == f"{second.id}-0"

    asyncio.run(play())


def test_the_end_says_what_was_saved(tmp_path):
    async def play():
        workshop = Workshop(tmp_path)
        workshop.processes = types.SimpleNamespace(close=lambda: asyncio.sleep(0))
        found = workshop.trainer.training = Training({"a": {}, "b": {}, "c": {}})
        found.waiting, found.running = ["c"], {"a": Trains(), "b": Trains()}
        found.note({"run": "a", "kind": "done", "step": 1234})
        found.note({"run": "b", "kind": "failed", "error": "the disk is full"})
        await workshop.close()
        return workshop.ended

    assert asyncio.run(play()) == [
        f"{tmp_path / 'a'}: saved at step 1,234",
        f"{tmp_path / 'b'}: the disk is full",
    ]


# the server


def test_a_request_without_a_path_is_refused():
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "OPTIONS", "path": "*", "headers": [(b"host", b"localhost:80")]}
    asyncio.run(Guard(None, "token", 80)(scope, None, send))
    assert sent[0]["status"] == 403


def test_the_browser_is_led_by_a_file_that_only_its_user_can_read(tmp_path, monkeypatch):
    way = tmp_path / "open.html"
    way.write_text("old")
    way.chmod(0o644)
    server._write_redirect(way, "http://127.0.0.1:80/secret/")
    assert 'content="0; url=http://127.0.0.1:80/secret/"' in way.read_text()
    assert os.name == "nt" or way.stat().st_mode & 0o777 == 0o600
    told, running = [], types.SimpleNamespace(started=False, should_exit=False)
    monkeypatch.setattr(server.time, "sleep", lambda seconds: setattr(running, "started", True))
    monkeypatch.setattr(server.webbrowser, "open", lambda address: told.append((running.started, address)))
    server._open(running, way)
    assert told == [(True, way.as_uri())]
    assert "secret" not in json.dumps(told)
