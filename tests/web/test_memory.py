"""What a server and its decoders hold is measured whole, and is within what a dyno has."""

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from scripts.benchmark.memory import Weighing, family, held
from scripts.benchmark.serving import Serving
from ser.web.settings import Settings
from tests import synth
from tests.server import ROOT

MAX_MB = 512  # of Heroku's smallest dyno and Render's smallest instance

# A process whose child, in a session of its own as ffmpeg is, takes 100 MB and says so.
CHILD = "import time; taken = b'x' * 100 * 2**20; print(flush=True); time.sleep(60)"
PARENT = f"""
import subprocess, sys
with subprocess.Popen([sys.executable, "-c", {CHILD!r}], start_new_session=True) as child:
    sys.stdin.read()
    child.kill()
"""


@pytest.fixture
def parent():
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process


def test_a_child_in_a_session_of_its_own_counts(parent):
    before = held(parent.pid)
    with Weighing(parent.pid) as weighing:
        parent.stdout.readline()
        assert held(parent.pid) > before + 90
        assert len(family(parent.pid)) == 2
        deadline = time.monotonic() + 30
        while weighing.peak < 100 and time.monotonic() < deadline:
            time.sleep(0.01)  # it weighs in a thread of its own, every so often
        parent.stdin.close()
        assert parent.wait(30) == 0
    assert 100 < weighing.peak < 250
    assert held(parent.pid) == 0


def test_one_program_run_twice_has_its_file_once(parent):
    parent.stdout.readline()
    pages = [int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in family(parent.pid)]
    assert len(pages) == 2
    assert 100 < held(parent.pid) < sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20 - 3


def _uploads_of_ten_minutes(folder: Path) -> list[bytes]:
    """Return an mp4 and a WAV about as large as the server takes."""
    samples = np.tile(synth.voice(60, 20_000), 10)
    mp4 = synth.encoded(samples, 20_000, folder / "clip.mp4")
    free = 24_000_000 - len(mp4)  # a box of nothing, where a video's pictures would be
    return [mp4 + struct.pack(">I4s", free, b"free") + bytes(free - 8), synth.wav(samples, 20_000)]


@pytest.mark.slow
def test_long_uploads_on_every_place_at_work(tmp_path):
    uploads, settings = _uploads_of_ten_minutes(tmp_path), Settings()
    assert all(23_900_000 < len(data) <= settings.max_upload_bytes for data in uploads)
    # A busy machine is no failure.
    environment = {**os.environ, "SER_TIMEOUT_S": "300"}
    with (
        Serving([sys.executable, "app.py"], cwd=ROOT, environment=environment) as server,
        Weighing(server.process.pid) as weighing,
    ):
        for data in uploads:
            server.ask([data] * settings.threads, clients=settings.threads)
    assert 200 < weighing.peak < MAX_MB
