"""The page on your own data: its commands run, one after another, and print what it shows.

A block of `bash` runs in a folder with the corpora below. A block of `text` right after it holds
lines that the command prints, where "…" stands for anything.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ser.labels import EMOTIONS, VOCABULARY, canonical
from tests import synth
from tests.conftest import ROOT, training_environment, write_corpus

TEXT = (ROOT / "docs" / "own-data.md").read_text(encoding="utf-8")
BLOCKS = re.compile(r"^```bash\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


def write_voices(folder: Path) -> None:
    """Write clips of four speakers, two of each emotion: by speakers, and by emotions."""
    words = {"happy": "fröhlich", "sad": "Traurig", "angry": "wütend"}
    for number, speaker in enumerate(("ada", "ben", "cleo", "dora")):
        for kind, (emotion, word) in enumerate(words.items()):
            for name in ("tea", "bread"):
                pitch = 90 + 8 * number + 90 * kind
                clip = synth.wav(synth.voice(0.6, pitch=pitch, seed=kind + len(name)))
                for path in (
                    folder / "my-clips" / speaker / f"{name}_{emotion}.wav",
                    folder / "by-emotion" / word / f"{speaker}-{name}.wav",
                ):
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(clip)


def write_ravdess(folder: Path) -> None:
    """Write a tiny RAVDESS, and a copy under the names of another project."""
    write_corpus(folder / "ravdess", speakers=(1, 2))
    (folder / "other").mkdir()
    for clip in (folder / "ravdess").rglob("*.wav"):
        emotion = EMOTIONS[int(clip.stem.split("-")[2]) - 1]
        shutil.copy(clip, folder / "other" / f"{clip.stem}_{emotion} (1).wav")


@pytest.fixture
def workplace(tmp_path, monkeypatch) -> Path:
    """Return a folder with the corpora of the page, where the command `ser` is this checkout's."""
    write_voices(tmp_path)
    write_ravdess(tmp_path)
    (tmp_path / "model").mkdir()
    program = tmp_path / "bin" / "ser"
    program.parent.mkdir()
    program.write_text(
        f"#!/bin/sh\nexec '{sys.executable}' -c 'from ser.cli import main; main()' \"$@\"\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_shows(workplace):
    blocks = BLOCKS.findall(TEXT)
    assert len(blocks) == TEXT.count("```bash") >= 4
    for commands, shown in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=workplace,
            env=training_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        printed = re.split(r"[\r\n]+", done.stdout)
        for line in shown.splitlines():
            pattern = ".*".join(map(re.escape, line.split("…")))
            assert any(re.fullmatch(pattern, out) for out in printed), f"{line}\n{done.stdout}"


def test_every_shown_output_follows_a_command():
    assert TEXT.count("```text") == sum(bool(shown) for _, shown in BLOCKS.findall(TEXT))


def test_the_words_of_the_page_are_known():
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w.*) \|$", TEXT.split("\n## Words")[1], re.MULTILINE))
    assert tuple(rows) == VOCABULARY
    for emotion, row in rows.items():
        english, others = (cell.split(", ") for cell in row.split(" | "))
        assert {canonical(word) for word in english} == {emotion}
        assert [canonical(word) for word in others] == [emotion] * 10
