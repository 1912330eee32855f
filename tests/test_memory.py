"""What a server and its decoders hold is measured whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts._memory import Weighing, family, held

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
        parent.stdin.close()
        assert parent.wait(30) == 0
    assert 100 < weighing.peak < 250
    assert held(parent.pid) == 0


def test_one_program_run_twice_has_its_file_once(parent):
    parent.stdout.readline()
    pages = [int(Path(f"/proc/{p}/statm").read_text().split()[1]) for p in family(parent.pid)]
    assert len(pages) == 2
    assert 100 < held(parent.pid) < sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20 - 3
