"""A process for short clips answers as the first would, and its end is nobody's loss."""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import ser.helper
from ser import spawn
from ser.errors import DecoderUnavailable, Silent, TooShort, UnsupportedMedia
from ser.helper import Helper, Lane
from ser.predictor import STAGES, Prediction, Predictor
from tests import files, load, models, synth
from tests.server import Server
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not Helper.possible(), reason="no memory to share on this system")

SOON_S = 60
TWO = os.cpu_count() not in (None, 1)


def ask(
    lane: Lane,
    data: bytes,
    timeout_s: float = SOON_S,
    observe: Callable[[str, float], None] = lambda *_: None,
) -> Prediction | None:
    return lane.predict(data, max_seconds=60, timeout_s=timeout_s, observe=observe)


@pytest.fixture(scope="module")
def helper(predictor):
    helper = Helper()
    helper.start(predictor)
    assert helper.running
    yield helper
    pid = process(helper).pid
    process(helper).kill()
    assert process(helper).wait(SOON_S) == -signal.SIGKILL, pid


@pytest.fixture
def mortal(predictor, monkeypatch):
    """Return one that may be ended, and is replaced at once."""
    monkeypatch.setattr(ser.helper, "_PAUSE_S", 0)
    helper = Helper()
    helper.start(predictor)
    yield helper
    wait_until(lambda: helper.running)
    process(helper).kill()


def process(helper: Helper) -> subprocess.Popen:
    link = helper.lanes[0].link
    assert link is not None
    return link.process


def has(lane: Lane, data: bytes) -> bool:
    return lane.link is not None and lane.link.memory[: len(data)] == data


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG", "MP3"])
def test_its_answer_is_ours_to_the_bit(helper, predictor, container):
    subtype = {"WAV": "FLOAT", "FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}
    data = synth.wav(synth.voice(2.5, 44_100), 44_100, subtype[container], container)
    stages: list[str] = []
    for lane in helper.lanes:
        answer = ask(lane, data, observe=lambda stage, s: stages.append(stage) if s > 0 else None)
        assert answer == predictor.predict(data)
    assert stages == list(STAGES) * len(helper.lanes)


def test_two_files_at_once_get_each_its_own_answer(helper, predictor):
    clips = [synth.wav(synth.voice(1.5, seed=seed, pitch=90 + 40 * seed)) for seed in range(4)]
    expected = [predictor.predict(clip) for clip in clips]
    assert len({answer.confidence for answer in expected}) == len(clips)

    def ask_all(lane: Lane) -> list[Prediction | None]:
        return [ask(lane, clip) for clip in clips * 5]

    with ThreadPoolExecutor(len(helper.lanes)) as pool:
        for answers in pool.map(ask_all, helper.lanes):
            assert answers == expected * 5


def test_what_is_at_fault_is_told_as_by_us(helper, predictor):
    for data, error in (
        (synth.wav(np.zeros(22_050)), Silent),
        (synth.wav(synth.voice(0.1)), TooShort),
        (b"no audio at all", UnsupportedMedia),
    ):
        with pytest.raises(error) as there:
            ask(helper.lanes[0], data)
        with pytest.raises(error) as here:
            predictor.predict(data)
        assert str(there.value) == str(here.value)


def test_long_large_and_ffmpegs_files_are_left_to_us(helper):
    several_windows = synth.wav(synth.voice(9.0))
    a_minute = synth.wav(synth.voice(60.0, 8_000), 8_000)
    large = synth.wav(synth.voice(13.0, 48_000), 48_000)
    assert len(a_minute) < 2**20 < len(large)
    for data in (several_windows, a_minute, large, files.encoded("m4a")):
        stages: list[str] = []
        assert ask(helper.lanes[0], data, observe=lambda s, _, to=stages: to.append(s)) is None
        assert stages == []  # they are ours


def test_a_fault_in_it_is_told_with_its_place(helper):
    with pytest.raises(RuntimeError, match=r"(?s)process for short clips.*ser/audio.py"):
        helper.lanes[0].predict(
            synth.wav(synth.voice()), max_seconds="no number", timeout_s=9, observe=lambda *_: None
        )


def test_the_signals_that_end_the_app_do_not_end_it(helper, clip, predictor):
    for number in (signal.SIGTERM, signal.SIGINT):
        process(helper).send_signal(number)
    assert ask(helper.lanes[0], clip) == predictor.predict(clip)


def test_ended_between_two_files_it_is_replaced(mortal, clip, predictor):
    first = process(mortal)
    first.kill()
    first.wait()
    assert ask(mortal.lanes[0], clip) is None  # so we do it
    wait_until(lambda: mortal.running)
    assert process(mortal).pid != first.pid
    for lane in mortal.lanes:
        assert ask(lane, clip) == predictor.predict(clip)


def test_where_another_does_not_start_there_is_one_later(mortal, clip, monkeypatch, caplog):
    python = spawn.sys.executable
    monkeypatch.setattr(spawn.sys, "executable", "/bin/false")
    process(mortal).kill()
    process(mortal).wait()
    assert ask(mortal.lanes[0], clip) is None
    wait_until(lambda: "does its part" in caplog.text)
    assert not mortal.running
    monkeypatch.setattr(spawn.sys, "executable", python)
    wait_until(lambda: mortal.running)


def test_a_file_over_which_it_ended_is_not_tried_here(mortal, clip):
    first = process(mortal)
    first.send_signal(signal.SIGSTOP)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(ask, lane, clip) for lane in mortal.lanes]
        wait_until(lambda: all(has(lane, clip) for lane in mortal.lanes))
        first.kill()
        for one in asked:
            # Handed over or just about to be: then it had not been begun, and is ours.
            error = one.exception(SOON_S)
            assert isinstance(error, DecoderUnavailable) or one.result() is None
        assert any(one.exception() for one in asked)


def test_one_that_is_stuck_is_replaced(mortal, clip, predictor, monkeypatch):
    monkeypatch.setattr(ser.helper, "_PATIENCE_S", 0)
    first = process(mortal)
    first.send_signal(signal.SIGSTOP)
    with pytest.raises(DecoderUnavailable):
        ask(mortal.lanes[0], clip, timeout_s=0.1)
    wait_until(lambda: mortal.running)
    assert first.poll() == -signal.SIGKILL
    assert ask(mortal.lanes[0], clip) == predictor.predict(clip)


def test_there_is_none_for_a_model_of_another_kind(predictor, clip):
    helper = Helper()
    helper.start(Predictor(predictor.bundle, lambda x: predictor.scorer(x)))
    assert not helper.running
    assert ask(helper.lanes[0], clip) is None


@pytest.mark.parametrize("program", ["/no/such/python", "/bin/false"])
def test_one_that_does_not_start_is_told_and_missed_by_nobody(
    program, predictor, clip, monkeypatch, caplog
):
    monkeypatch.setattr(spawn.sys, "executable", program)
    helper = Helper()
    helper.start(predictor)
    assert not helper.running
    assert "the first does its part" in caplog.text
    assert ask(helper.lanes[0], clip) is None


@pytest.mark.skipif(not TWO, reason="one core, one process")
class TestOverHttp:
    def test_two_answer_for_the_first_and_end_with_it(self, clip, tmp_path):
        path = tmp_path / "model.h5"
        models.write_keras2(path, metadata=models.metadata())
        server = Server(SER_MODEL=str(path)).wait_ready()
        try:
            load.wait_for(server.port, "ser_processes 2.0")
            before = {pid: cpu_s(pid) for pid in server.started(by_name="python")}
            assert len(before) == 2

            def ask_over_http(_: int) -> str:
                request = urllib.request.Request(
                    f"{server.url}/predict", clip, {"Content-Type": "audio/wav"}
                )
                with urllib.request.urlopen(request, timeout=SOON_S) as response:
                    answer = json.load(response)
                del answer["request_id"]
                return json.dumps(answer)

            with ThreadPoolExecutor(8) as pool:
                assert len(set(pool.map(ask_over_http, range(400)))) == 1
            assert all(cpu_s(pid) > spent for pid, spent in before.items())
        finally:
            server.process.kill()
            server.wait()
        wait_until(lambda: not any(lives(pid) for pid in before))

    def test_not_where_one_process_is_wanted(self):
        server = Server(SER_PROCESSES="1").wait_ready()
        try:
            assert server.started(by_name="python") == []
            load.wait_for(server.port, "ser_processes 1.0")
        finally:
            assert server.stop() == 0


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def cpu_s(pid: int) -> float:
    return sum(map(int, _stat(pid)[11:13])) / os.sysconf("SC_CLK_TCK")


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and _stat(pid)[0] != "Z"
