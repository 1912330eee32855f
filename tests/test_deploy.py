"""Install as the platforms and as users do, into a clean environment, and run the result."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from scripts.benchmark.memory import Weighing, family
from scripts.benchmark.serving import Serving
from tests import synth
from tests.conftest import ROOT

MAX_PEAK_MB = 512  # Heroku's smallest dyno, Render's smallest instance
MAX_INSTALLED_MB = 700
NEVER = ("tensorflow", "librosa", "scipy", "numba", "scikit_learn", "matplotlib")

DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """Return a virtual environment made of requirements.txt alone."""
    folder = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run(
        [*pip, "--disable-pip-version-check", "-r", ROOT / "requirements.txt"], check=True
    )
    return folder


@pytest.fixture(scope="module")
def installed(clean, tmp_path_factory) -> Path:
    """Return the same environment with the wheel of this checkout in it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("speech_emotion-*.whl")
    pip = [clean / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--disable-pip-version-check", wheel], check=True)
    return clean


def serving(command, clean: Path, *, cwd: Path = ROOT, **environment: str) -> Serving:
    """Run a command line with the environment's Python and none of our variables."""
    # A busy machine must not fail the test.
    settings = {"SER_TIMEOUT_S": "300", **environment}
    path = os.pathsep.join([str(clean / "bin"), os.defpath])
    return Serving(command, cwd=cwd, environment={"PATH": path, "HOME": str(clean), **settings})


def procfile() -> str:
    kind, _, command = (ROOT / "Procfile").read_text().strip().partition(": ")
    assert kind == "web"
    return command


@pytest.mark.slow
def test_the_line_of_the_procfile_in_a_clean_environment(clean, tmp_path):
    voice = synth.voice(3.7, rate=48_000)
    bodies = [synth.wav(voice, 48_000), synth.encoded(voice, 48_000, tmp_path / "a.mp4")]
    with serving(procfile(), clean) as server:
        with Weighing(server.process.pid) as weighing:
            server.ask([*bodies * 20, synth.wav(synth.voice(60.0))] * 3, clients=4)
        processes = family(server.process.pid)
        status = server.stop()
    assert status in (0, -15, 143)  # of the shell, if a shell runs the line
    assert not [pid for pid in processes if Path(f"/proc/{pid}").exists()]
    assert 100 < weighing.peak < MAX_PEAK_MB


@pytest.mark.slow
def test_what_is_installed(clean):
    packages = next(clean.glob("lib/python*/site-packages"))
    found = {path.name.split("-")[0].lower() for path in packages.glob("*.dist-info")}
    assert {"flask", "openvino", "keras"} <= found
    assert not found & set(NEVER)
    size = sum(p.lstat().st_size for p in packages.rglob("*") if p.is_file()) / 2**20
    assert size < MAX_INSTALLED_MB


@pytest.mark.slow
def test_the_image_without_docker(clean, tmp_path, clip):
    """The tree that COPY makes, the ENV, the CMD and the HEALTHCHECK of the last stage."""
    stage = DOCKERFILE.rpartition("\nFROM ")[2]
    for source, target in re.findall(r"^COPY (?!--from)(\S+) (\S+)$", stage, re.MULTILINE):
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / target)
        else:
            shutil.copy(ROOT / source, tmp_path / target)
    settings = dict(part.split("=", 1) for part in shlex.split(
        re.search(r"^ENV (.+)$", stage, re.MULTILINE).group(1)))  # fmt: skip
    command, check = (
        json.loads(re.search(rf"^{word}[^\[]*(\[.+\])$", stage, re.MULTILINE).group(1))
        for word in ("CMD", "HEALTHCHECK")
    )
    assert settings.pop("PATH").startswith("/venv/bin:")
    with serving(command, clean, cwd=tmp_path, **settings) as server:
        server.ask([clip])
        checked = {**os.environ, "PORT": str(server.port)}
        assert subprocess.run(check, env=checked, check=False).returncode == 0
        assert server.stop() == 0
        gone = subprocess.run(check, env=checked, capture_output=True, check=False)
    assert gone.returncode != 0


@pytest.mark.slow
def test_the_wheel_predicts_a_clip_from_another_folder(installed, tmp_path, clip):
    (tmp_path / "clip.wav").write_bytes(clip)
    done = subprocess.run(
        [installed / "bin" / "ser", "predict", "clip.wav", "--format", "json"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    code = """
from pathlib import Path
from ser import EmotionRecognizer, load_model
print(load_model().predict(Path("clip.wav")).emotion, EmotionRecognizer.__name__)
"""
    command = [installed / "bin" / "python", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [answer["emotion"], "EmotionRecognizer"], done.stderr


@pytest.mark.slow
def test_the_wheel_serves_page_and_api_from_another_folder(installed, tmp_path, clip):
    with serving([str(installed / "bin" / "ser"), "serve"], installed, cwd=tmp_path) as server:
        server.ask([clip])
        with urllib.request.urlopen(server.url("/")) as page:
            text = page.read().decode()
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', text):
            with urllib.request.urlopen(server.url(path)) as static:
                assert static.status == 200
        assert text.count("/static/") > 3
        assert server.stop() == 0


@pytest.mark.slow
def test_training_without_its_packages_says_how_to_get_them(installed, tmp_path):
    done = subprocess.run(
        [installed / "bin" / "ser", "train", "svc-180", "--data", ".", "--out", "x.skops"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    words = r"ser train: this needs the package \w+: pip install 'speech-emotion\[train\]'\n"
    assert re.fullmatch(words, done.stderr), done.stderr
    code = "from ser import EmotionRecognizer; EmotionRecognizer('svc-180', data='.').train()"
    command = [installed / "bin" / "python", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ser.errors.UsageError: training needs more packages"), done.stderr
    assert "pip install 'speech-emotion[train]'" in last


def test_the_image_is_small_and_not_root():
    assert len(re.findall(r"^FROM ", DOCKERFILE, re.MULTILINE)) == 2
    assert re.search(r"^USER [1-9]\d*$", DOCKERFILE, re.MULTILINE)
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert allowed[0] == "*"
    for source in re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE):
        assert f"!{source}" in allowed


def test_the_platforms_run_the_same_line():
    start = re.search(r"startCommand: (.+)", (ROOT / "render.yaml").read_text()).group(1)
    assert start == procfile()
    described = json.loads((ROOT / "app.json").read_text())
    assert list(described["formation"]) == ["web"]
    python = (ROOT / ".python-version").read_text().strip()
    assert f"FROM python:{python}-slim" in DOCKERFILE
