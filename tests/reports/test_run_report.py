"""The report: one file, nothing from outside, everything that the run has found."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tdgnas.cli import app
from tdgnas.pictures import choices_figure, svg
from tdgnas.reports import read_findings, write_report, write_runs
from tdgnas.reports.history import best_by_generation, changes_of, family, find, is_maximised, spread_out
from tdgnas.runs import Config as Settings
from tdgnas.runs import ConfigError, Experiment, Interrupted
from tdgnas.spaces import Decision, load_architecture

Config = Callable[..., Settings]
# Attributes from which a browser loads something, or to which it goes.
LOADING = {
    "src",
    "href",
    "srcset",
    "data",
    "poster",
    "action",
    "background",
    "xlink:href",
    "formaction",
    "cite",
}


class Addresses(HTMLParser):
    """Collects what a page refers to, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value or "" for name, value in attrs if name in LOADING]
        self.ids |= {value or "" for name, value in attrs if name == "id"}
        for name, value in attrs:
            assert not (name == "style" and "url(" in (value or ""))
            assert not name.startswith("on")

    def handle_data(self, data: str) -> None:
        self.text += data


def read(path: Path) -> Addresses:
    parser = Addresses()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def check_offline(path: Path) -> Addresses:
    """Nothing in the page, nor in the pictures inside it, comes from elsewhere."""
    page = read(path)
    assert not {"script", "link", "iframe", "object", "embed", "base"} & set(page.tags)
    styles = re.findall(r"<style>(.*?)</style>", path.read_text(encoding="utf-8"), re.DOTALL)
    assert not any("url(" in style or "@import" in style for style in styles)
    for address in page.found:
        assert address.startswith(("data:image/svg+xml;base64,", "#")), address[:80]
        if address.startswith("#"):
            assert address[1:] in page.ids
        else:
            picture = base64.b64decode(address.partition(",")[2]).decode()
            assert picture.lstrip().startswith("<?xml")
            assert "<script" not in picture
            inside = re.findall(r'(?:href|src)="([^"]*)"', picture) + re.findall(r"url\(([^)]*)\)", picture)
            assert all(each.startswith(("#", "data:")) for each in inside)
    return page


def test_the_report_shows_what_was_predicted_beside_what_was_reached(tmp_path: Path) -> None:
    settings = {"strategy": {"name": "tdga-gp"}, "budget": {"unit": "evaluations", "limit": 15}}
    Experiment("synthetic", settings=settings, folder=tmp_path / "run").run()
    header = (tmp_path / "run" / "history.csv").read_text(encoding="utf-8").partition("\n")[0]
    assert header.endswith("predicted,uncertainty,reached,rank_correlation")
    page = check_offline(write_report(tmp_path / "run", tmp_path / "report.html"))
    assert "its rank among those evaluated was predicted" in page.text


def test_the_report_of_a_finished_run(finished_run: Path, tmp_path: Path) -> None:
    page = check_offline(write_report(finished_run, tmp_path / "report.html"))
    assert page.tags.count("img") >= 9
    for word in (
        "baseline",
        "DARTS, threshold",
        "darts-tdga",
        "Every ancestor that led to the best individual",
        "A pass is one sample",
        "population = 4",
    ):
        assert word in page.text
    assert {
        "result",
        "architecture",
        "search",
        "change",
        "family",
        "size",
        "cost",
        "configuration",
    } <= page.ids


def test_the_report_of_an_unfinished_run_shows_what_there_is(halfway: Path) -> None:
    page = check_offline(write_report(halfway))
    assert "This run is not finished" in page.text
    assert "search" in page.ids
    assert not {"result", "architecture"} & page.ids


def test_a_line_that_a_killed_run_left_half_written_is_left_out(halfway: Path) -> None:
    whole = read_findings(halfway)
    for name in ("events.jsonl", "history.csv"):
        path = halfway / name
        path.write_bytes(path.read_bytes() + path.read_bytes().splitlines()[-1][:20])
    found = read_findings(halfway)
    assert (found.events, found.history) == (whole.events, whole.history)
    (halfway / "events.jsonl").write_text('{"gen": 0, \n')
    result = CliRunner().invoke(app, ["report", str(halfway)])
    assert result.exit_code == 1
    assert "events.jsonl, line 1 is damaged" in result.output


def test_a_run_that_has_only_begun(tmp_path: Path, tiny: Config) -> None:
    Experiment.start(tmp_path / "run", tiny())
    assert "This run is not finished" in check_offline(write_report(tmp_path / "run")).text


def test_what_a_user_wrote_is_shown_as_text(tmp_path: Path, tiny: Config, listener: Any) -> None:
    folder = tmp_path / "<script>alert(1)</script>"
    config = tiny(space={"settings": {"width": 0.03125}}, data={"folder": "<img src=http://example.org>"})
    with pytest.raises(Interrupted):
        Experiment.start(folder, config, listener(1)).execute()
    check_offline(write_report(folder, tmp_path / "report.html"))


def test_several_runs_beside_each_other(
    finished_run: Path, halfway: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    changed = Path(shutil.copytree(finished_run, tmp_path / "other" / "run"))
    text = (changed / "config.toml").read_text()
    (changed / "config.toml").write_text(text.replace("sigma = 0.2 ", "sigma = 0.7 "))
    page = check_offline(write_runs([finished_run, changed, halfway], tmp_path / "all.html"))
    assert "3 runs beside each other" in page.text
    assert "strategy.variation.sigma" in page.text
    assert "0.7" in page.text
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["report", str(finished_run), str(changed)])
    assert result.exit_code == 0, result.output
    assert "report: report.html" in result.output
    check_offline(tmp_path / "report.html")


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no config\.toml"):
        write_report(tmp_path)
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert result.exit_code == 1
    assert "error: " in result.output


def event(number: int, gen: int, fitness: float, parents: list[int], choices: list[int]) -> dict[str, Any]:
    return {
        "id": number,
        "gen": gen,
        "fitness": [fitness],
        "parents": parents,
        "choices": choices,
        "operators": ["mate"],
    }


EVENTS = [
    event(0, 0, 3.0, [], [0, 0]),
    event(1, 0, 2.0, [], [0, 1]),
    event(2, 1, 2.5, [0, 1], [1, 1]),
    event(3, 1, 2.0, [1], [0, 1]),
    event(4, 2, 1.0, [2, 3], [1, 0]),
    event(5, 2, 4.0, [0], [1, 0]),
]


def test_the_best_so_far_by_generation() -> None:
    assert [(gen, each["id"]) for gen, each in best_by_generation(EVENTS, False)] == [(0, 1), (1, 1), (2, 4)]
    assert [each["id"] for _, each in best_by_generation(EVENTS, False, fresh=True)] == [1, 3, 4]
    assert [each["id"] for _, each in best_by_generation(EVENTS, True)] == [0, 0, 5]
    assert [gen for gen, _ in changes_of(best_by_generation(EVENTS, False))] == [0, 2]
    found = find(EVENTS, [1, 0], False)
    assert found is not None
    assert found["id"] == 4
    assert find(EVENTS, [9, 9], False) is None


def test_the_history_tells_whether_the_fitness_is_maximised() -> None:
    history = [{"gen": 0, "best": 2.0}, {"gen": 2, "best": 1.0}]
    assert not is_maximised(EVENTS, history)
    assert is_maximised(EVENTS, [{**record, "best": -record["best"] - 2} for record in history])


def test_the_family_holds_all_ancestors_and_nobody_else() -> None:
    graph = family(EVENTS, 4)
    assert set(graph) == {0, 1, 2, 3, 4}
    assert set(graph.edges) == {(2, 4), (3, 4), (0, 2), (1, 2), (1, 3)}
    assert set(family(EVENTS, 4, limit=3)) == {4, 2, 3}


def test_a_spread_keeps_the_first_and_the_last() -> None:
    assert spread_out(list(range(10)), 4) == [0, 3, 6, 9]
    assert spread_out([1, 2], 4) == [1, 2]


def test_choices_of_several_ways_are_named_in_the_picture() -> None:
    decisions = (Decision("first", ("none", "conv")), Decision("second", ("none", "pool", "skip")))
    leaders = [(n, event(n, n, 1.0, [], [1, 2 if n < 9 else 0])) for n in range(20)]
    picture = svg(choices_figure(leaders, decisions)).decode()
    for word in ("first", "second", "none", "conv", "pool", "skip"):
        assert f"<!-- {word} -->" in picture
    assert picture.count("<!-- pool -->") == 1  # never chosen: in the legend only
    assert picture.count("<!-- skip -->") == 2


def test_a_winner_of_the_initial_population_has_no_tree(finished_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    lines = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    _, architecture = load_architecture(folder / "architecture.json")
    lines[0].update(choices=list(architecture.choices), fitness=[-1.0])
    (folder / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = check_offline(write_report(folder))
    assert "it has no ancestors" in page.text


def test_a_run_of_a_space_that_is_not_known_here_is_reported_without_its_drawing(
    finished_run: Path, tmp_path: Path
) -> None:
    """A report imports nothing: what a folder names in `imports` is not run to read it."""
    folder = Path(shutil.copytree(finished_run, tmp_path / "run"))
    for name in ("config.toml", "architecture.json"):
        text = (folder / name).read_text().replace("vgg-shortcuts", "of-somebody-else")
        (folder / name).write_text(text.replace("imports = []", 'imports = ["no_such_module"]'))
    page = check_offline(write_report(folder))
    assert "a report imports nothing" in page.text
    assert "of-somebody-else on digits" in page.text
    assert "result" in page.ids
    assert "architecture" not in page.ids


def test_what_had_more_effort_leads_however_good_something_looked_before() -> None:
    rows = [(0, 0.9, 1 / 3), (0, 0.8, 1 / 3), (1, 0.5, 1.0), (2, 0.95, 1 / 3), (3, 0.6, 1.0)]
    events = [
        {"gen": gen, "choices": [gen], "fitness": [value], "fidelity": share} for gen, value, share in rows
    ]
    leaders = best_by_generation(events, maximised=True)
    assert [event["fitness"][0] for _, event in leaders] == [0.9, 0.5, 0.5, 0.6]
