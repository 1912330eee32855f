"""Data flows one way: the contracts of pyproject.toml hold, and a process shows it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

TRAINING = ("data", "training", "evaluation", "augmentation", "models.recipes", "recognizer")
OUR_OWN = (
    "corpora.files.download", "corpora.files.convert", "audio.microphone", "models.label_sets",
    "metrics", "reports.plots", "reports.signals", "reports.html", "reports.corpus_report",
    "reports.recipe_table",
)  # fmt: skip


def test_the_contracts_hold():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout


def test_a_room_holds_no_more_than_can_be_seen_at_a_glance():
    rooms = [path.parent for path in (ROOT / "ser").rglob("__init__.py")]
    assert len(rooms) == 20
    for room in rooms:
        modules = [path.name for path in room.glob("*.py") if path.name != "__init__.py"]
        most = {"ser": 7, "cli": 16}.get(room.name, 14)  # in cli, one for each command
        assert len(modules) <= most, f"{room}: {len(modules)} modules"


def test_the_library_knows_neither_flask_nor_argparse():
    seen = 0
    for path in (ROOT / "ser").rglob("*.py"):
        seen += 1
        words = path.read_text()
        room = path.relative_to(ROOT / "ser").parts[0]
        assert room == "cli" or "argparse" not in words, path
        assert room in ("web", "cli") or "flask" not in words.lower(), path
    assert seen > 50


@pytest.mark.parametrize(
    ("start", "unwanted_too"),
    [
        ("app = create_app()", set()),
        # As `python app.py`: Keras comes and goes with the process that builds the model.
        (
            "from ser.inference.build_process import build_in_process as build\n"
            "app = build_app(Settings()); app.extensions['model'].start(build)",
            {"keras"},
        ),
    ],
    ids=["create_app", "app.py"],
)
def test_serving_imports_neither_tensorflow_nor_training(start, unwanted_too, clip, tmp_path):
    """A process that has answered a request, with TensorFlow installed beside it."""
    (tmp_path / "clip.wav").write_bytes(clip)
    code = f"""
import importlib.util, sys
assert importlib.util.find_spec("tensorflow"), "the test needs it to be there"
from ser.web import build_app, create_app
from ser.web.settings import Settings
{start}
assert app.extensions["model"].wait(60)
with open({str(tmp_path / "clip.wav")!r}, "rb") as f:
    answer = app.test_client().post("/predict", data=f.read(), content_type="audio/wav")
assert answer.status_code == 200, answer.data
print(*sorted(name for name in sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split())
    assert "openvino" in loaded
    unwanted = {"tensorflow", "jax", "torch", "pydub", "librosa", "numba", "sklearn", "scipy"}
    unwanted |= unwanted_too | {"matplotlib", "pandas", "PIL", "requests", "openvino_telemetry"}
    assert not loaded & unwanted
    ours = {name.removeprefix("ser.") for name in loaded if name.startswith("ser.")}
    assert not {name for name in ours if name.startswith(TRAINING)}
    assert not ours & set(OUR_OWN)
