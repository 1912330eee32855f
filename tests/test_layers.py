"""Data flows one way: a module imports only from those before it."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

ORDER = [
    "errors", "registry", "emotions", "remarks", "corpora", "download", "label_sets", "detect_container",
    "endings", "turns", "limits", "ffmpeg", "convert", "audio", "conditions", "features",
    "augment", "recipes", "cache", "jobs", "extraction", "tables", "extracted", "matrices",
    "dataset", "waveforms", "protocols", "metrics", "calibration", "stock", "estimators",
    "model_file", "figures", "card", "lean", "budget", "graph", "spawn", "runtime", "apart",
    "predictor", "helper", "recorder", "unseen", "long_audio", "checkpoints", "networks",
    "wrapped", "search", "training", "recognizer", "results", "evaluation", "table",
    "table_text", "report", "pages", "exploration", "web",
]  # fmt: skip
TRAINING = {
    "label_sets",
    "download",
    "waveforms",
    "unseen",
    "pages",
    "exploration",
    "recorder",
    "recipes",
    "augment",
    "cache",
    "jobs",
    "extraction",
    "tables",
    "extracted",
    "matrices",
    "dataset",
    "protocols",
    "metrics",
    "checkpoints",
    "networks",
    "wrapped",
    "search",
    "training",
    "recognizer",
    "evaluation",
    "table",
    "table_text",
    "report",
}


def _stage(module: str) -> str:
    return module.split(".")[1]


def test_each_module_imports_only_from_those_before_it():
    seen = 0
    for path in sorted((ROOT / "ser").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if path.name == "__init__.py" and path.parent.name == "ser":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                if name and name.startswith("ser."):
                    seen += 1
                    here, there = _stage(module), _stage(name)
                    assert ORDER.index(there) <= ORDER.index(here), f"{module} imports {name}"
    assert seen > 50


def test_the_library_knows_neither_flask_nor_argparse():
    for path in (ROOT / "ser").rglob("*.py"):
        words = path.read_text()
        assert "argparse" not in words, path
        if "web" not in path.parts:
            assert "flask" not in words.lower(), path


@pytest.mark.parametrize(
    ("start", "unwanted_too"),
    [
        ("app = create_app()", set()),
        # As `python app.py`: Keras comes and goes with the process that builds the model.
        ("app = build_app(Settings()); app.extensions['model'].start(build_apart)", {"keras"}),
    ],
    ids=["create_app", "app.py"],
)
def test_serving_imports_neither_tensorflow_nor_training(start, unwanted_too, clip, tmp_path):
    """A process that has answered a request, with TensorFlow installed beside it."""
    (tmp_path / "clip.wav").write_bytes(clip)
    code = f"""
import importlib.util, sys
assert importlib.util.find_spec("tensorflow"), "the test needs it to be there"
from app import build_app, build_apart, create_app, Settings
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
    assert not loaded & {f"ser.{name}" for name in TRAINING}
