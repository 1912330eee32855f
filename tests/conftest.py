"""What the tests share: the real model, a real server, and a tiny corpus."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.server import ROOT, Server, serving

DATA = ROOT.parent / "shared" / "data"

# Before anything imports Keras: the tests' own process serves as the app does.
os.environ.setdefault("KERAS_BACKEND", "openvino")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The tests do not touch the user's cache.
_cache = tempfile.TemporaryDirectory(prefix="ser-test-cache-")
os.environ["SER_CACHE"] = _cache.name

from tests import synth  # noqa: E402
from tests.browser import (  # noqa: E402, F401
    chromium,
    media,
    page,
    playwright,
    pytest_runtest_setup,
    stern_chromium,
    watch,
)
from tests.exchange import SMALL  # noqa: E402
from tests.make_models import metadata, write_keras2, write_relative  # noqa: E402


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real speech, or skip."""
    if not (DATA / "ravdess").is_dir():
        pytest.skip(f"no real speech at {DATA}")
    return DATA


@pytest.fixture(scope="session")
def predictor():
    """Return the shipped model, loaded as the app loads it."""
    from ser.inference.predictor import Predictor
    from ser.resources import DEFAULT_MODEL

    return Predictor.from_file(DEFAULT_MODEL)


@pytest.fixture(scope="session")
def app():
    """Return the app over the shipped model, ready."""
    from app import create_app

    app = create_app()
    assert app.extensions["model"].wait(300)
    assert app.extensions["model"].error is None
    return app


@pytest.fixture(scope="session")
def relative_model(tmp_path_factory) -> Path:
    """Return a model file whose model takes a reference."""
    return write_relative(tmp_path_factory.mktemp("relative") / "relative.h5")


@pytest.fixture(scope="session")
def relative_app(relative_model):
    """Return the app over a model that takes a reference, ready."""
    from app import create_app

    app = create_app({"SER_MODEL": relative_model})
    assert app.extensions["model"].wait(300)
    assert app.extensions["model"].error is None
    return app


@pytest.fixture(scope="session")
def classic_model(tmp_path_factory) -> Path:
    """Return a model file whose model takes no reference."""
    path = tmp_path_factory.mktemp("classic") / "classic.h5"
    write_keras2(path, metadata=metadata())
    return path


@pytest.fixture(scope="session")
def classic_app(classic_model):
    """Return the app over a model that takes no reference, ready."""
    from app import create_app

    app = create_app({"SER_MODEL": classic_model})
    assert app.extensions["model"].wait(300)
    assert app.extensions["model"].error is None
    return app


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture(scope="session")
def clip() -> bytes:
    """Return a two-second WAV."""
    return synth.wav(synth.voice())


@pytest.fixture(scope="session")
def server():
    """Return a running server of the shipped model."""
    server = Server()
    try:
        yield server.wait_ready()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def port():
    """Return the port of an app in this process that takes small files only."""
    with serving(**SMALL) as port:
        yield port


def training_environment() -> dict[str, str]:
    """Return the environment without the backend of the tests, which cannot train."""
    return {k: v for k, v in os.environ.items() if not k.startswith("KERAS_")}


def run_training(code: str, *arguments: object) -> str:
    """Run Python code, which trains, in a process of its own; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env=training_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def write_corpus(folder: Path, speakers=range(1, 7), emotions=range(1, 9)) -> Path:
    """Write a tiny RAVDESS of synthesised voices: one clip per speaker and emotion."""
    for speaker in speakers:
        (folder / f"Actor_{speaker:02}").mkdir(parents=True)
        for emotion in emotions:
            samples = synth.voice(
                0.6, pitch=90 + 12 * speaker + 25 * emotion, seed=10 * speaker + emotion
            )
            name = f"03-01-{emotion:02}-01-01-01-{speaker:02}.wav"
            (folder / f"Actor_{speaker:02}" / name).write_bytes(synth.wav(samples))
    return folder


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))
