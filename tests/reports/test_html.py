"""HTML pages: the report of a corpus, and the page of all reports."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from ser.corpora import CORPORA, scan
from ser.errors import UsageError
from ser.metrics import score
from ser.reports.corpus_report import write_corpus_report
from ser.reports.html import Section, collect_reports, write_page
from ser.reports.plots import plot_confusion
from tests import synth
from tests.cli.test_scripts import is_png, run


class Page(HTMLParser):
    """The words, images and links of a page; it fails if an element is not closed."""

    VOID = ("meta", "img")

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.words, self.images, self.links, self.open = [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.images += [found["src"]] if tag == "img" else []
        self.links += [found["href"]] if tag == "a" else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())


def test_a_page_escapes_its_values(tmp_path):
    evil = "<script>alert('x')</script>"
    section = Section(heading=evil, text=evil, table=[[evil], [evil]], images=['a".png'])
    write_page(tmp_path / "p.html", evil, [section])
    page = Page(tmp_path / "p.html")
    assert page.words.count(evil) == 6
    assert page.images == ['a".png']


def write_report(folder, **figures):
    folder.mkdir(parents=True)
    scores = score(np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]], ["sad", "happy"])
    plot_confusion(scores, folder / "confusion.png", "title")
    (folder / "report.txt").write_text("text")
    if figures:
        (folder / "scores.json").write_text(json.dumps({"n": 3, "accuracy": 0.5} | figures))


def test_reports_are_collected(tmp_path):
    honest = {"recipe": "a", "protocol": "actors5", "leaks": False, "uar": 0.4}
    write_report(tmp_path / "one", **honest, interval={"uar": [0.3, 0.45]})
    write_report(tmp_path / "deep" / "two", recipe="b", protocol="published", leaks=True, uar=0.9)
    write_report(tmp_path / "three", model="m", data="my-clips", uar=0.25)
    write_report(tmp_path / "training")
    page = Page(collect_reports(tmp_path))
    assert is_png(tmp_path / "recipes.png")
    assert page.images[0] == "recipes.png"
    assert {*page.images[1:], *page.links} == {
        f"{folder}/{name}"
        for folder in ("one", "deep/two", "three", "training")
        for name in ("confusion.png", "report.txt")
    }
    words = " ".join(page.words)
    for expected in ("40.0%", "30.0% to 45.0%", "published", "my-clips", "not known", "training"):
        assert expected in words
    again = Page(collect_reports(tmp_path))  # its own chart does not count as a report
    assert again.images == page.images


def test_no_report(tmp_path):
    with pytest.raises(UsageError, match="no report with plots below"):
        collect_reports(tmp_path)


def test_explore_and_report(tiny_corpus, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "tea_boredom.wav").write_bytes(synth.wav(synth.voice(0.7)))
    (own / "cup_sad.wav").write_bytes(b"nothing of the kind")
    (own / "unlabelled.wav").write_bytes(synth.wav(synth.voice(0.7)))
    out = tmp_path / "reports" / "corpus"
    done = run("explore.py", "--data", tiny_corpus, own, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "unlabelled.wav" in done.stderr
    assert done.stdout.strip() == str(out / "index.html")
    page = Page(out / "index.html")
    assert page.images == ["counts.png", "lengths.png", "loudness.png", "clips.png"]
    assert all(is_png(out / image) for image in page.images)
    words = " ".join(page.words)
    assert "RAVDESS, custom" in words
    assert "49 clips of 6 known speakers" in words
    assert "1 could not be read" in words
    counts = (out / "counts.txt").read_text().splitlines()
    assert counts[0].endswith("| surprise | boredom | all |")
    assert "| ravdess | speech | female | 3 |" in counts[2] + counts[3] + counts[4]
    speakers = counts[counts.index("") + 1 :]
    assert speakers[0].startswith("| speaker | sex | neutral | calm |")
    assert speakers[2] == "| not known | not known | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | 1 |"
    assert speakers[3] == "| ravdess-01 | male | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 0 | 8 |"
    assert len(speakers) == 2 + 1 + 6
    assert len(scan([tiny_corpus], CORPORA).utterances) == 48
    done = run("report.py", tmp_path / "reports")
    assert done.returncode == 0, done.stderr
    assert "corpus/index.html" in Page(tmp_path / "reports" / "index.html").links


def test_speakers_beyond_the_chart_are_counted(tmp_path):
    for speaker in range(1001, 1071):
        (tmp_path / f"{speaker}_DFA_SAD_XX.wav").write_bytes(synth.wav(synth.voice(0.4)))
    write_corpus_report(scan([tmp_path], CORPORA).utterances, tmp_path / "out", title="many")
    counts = (tmp_path / "out" / "counts.txt").read_text()
    assert all(f"| cremad-{n} | not known | 1 | 1 |" in counts for n in range(1001, 1071))


def test_errors_of_explore_and_report(tmp_path):
    done = run("explore.py", "--data", tmp_path, "--out", tmp_path / "out")
    assert (done.returncode, "no utterance of ased, " in done.stderr) == (2, True)
    (tmp_path / "a_sad.wav").touch()
    done = run("explore.py", "--data", tmp_path, "--out", tmp_path / "out")
    assert (done.returncode, "none of the clips can be read" in done.stderr) == (2, True)
    done = run("report.py", tmp_path)
    assert (done.returncode, "no report with plots" in done.stderr) == (2, True)
