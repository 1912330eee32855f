"""A process that answers for short clips: one to a core, and no interpreter's lock between.

Not the first process's either, whose HTTP has it often enough: that process leaves all short
clips to its helpers. They have the model as OpenVINO compiled it for us
(`GraphScorer.export_single`), need no Keras, and their answers are ours to the bit. A file is
handed over in memory that both processes see.
"""

import logging
import mmap
import os
import selectors
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe

from ser.audio import Audio
from ser.errors import DecoderUnavailable
from ser.graph import GraphScorer, imported_single
from ser.lean import give_back_free_memory, share_heaps
from ser.predictor import Observer, Prediction, Predictor
from ser.spawn import inherited_files, outcome, spawn

log = logging.getLogger(__name__)

_LARGEST = 2**20  # bytes of a file that is handed over
_LANES = 2  # while the file of one is worked on, the next is put into the other
_START_S = 60
_PATIENCE_S = 1  # on top of the time that the helper has for a file
_PAUSE_S, _LONGEST_PAUSE_S = 5, 300  # before another is started in place of one that ended


@dataclass(frozen=True)
class _Link:
    """What a lane has of a helper that runs."""

    process: subprocess.Popen[bytes]
    connection: Connection
    answered: selectors.BaseSelector  # `Connection.poll` makes one each time
    memory: mmap.mmap


class Lane:
    """A way to the helper, for one file at a time."""

    def __init__(self, helper: "Helper") -> None:
        self._helper = helper
        self.link: _Link | None = None

    def predict(
        self, data: bytes, *, max_seconds: float, timeout_s: float, observe: Observer
    ) -> Prediction | None:
        """Return the helper's answer; None where this process is to give it.

        That is while no helper runs, and for a file that is not short or needs ffmpeg.

        Raises:
            AudioError, DecoderFault: as `Predictor.predict` does.
            DecoderUnavailable: also where the helper ended over this file.
        """
        link = self.link
        if link is None or len(data) > _LARGEST:
            return None
        link.memory[: len(data)] = data
        try:
            link.connection.send((len(data), max_seconds, timeout_s))
        except OSError:  # it had ended before, over something else
            self._helper.replace(link.process)
            return None
        try:
            if not link.answered.select(timeout_s + _PATIENCE_S):
                raise EOFError
            stages, answer = link.connection.recv()
        except (EOFError, OSError) as error:
            self._helper.replace(link.process)
            raise DecoderUnavailable("the process that worked on this file ended") from error
        for stage, seconds in stages:
            observe(stage, seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Helper:
    """Starts a process for short clips, and another one when that ends.

    It ends by itself when this process does, however that comes.

    Attributes:
        lanes: the ways to it, of which each thread takes its own.
    """

    def __init__(self) -> None:
        """Start nothing yet."""
        self.lanes = tuple(Lane(self) for _ in range(_LANES))
        self._predictor: Predictor | None = None
        self._lock = threading.Lock()
        self._pause_s = _PAUSE_S

    @staticmethod
    def possible() -> bool:
        """Whether this system can share memory so."""
        return hasattr(os, "memfd_create")

    @property
    def running(self) -> bool:
        """Whether it takes files."""
        return self.lanes[0].link is not None

    def start(self, predictor: Predictor) -> None:
        """Start it, and return when it is warm, or has failed, which the log tells.

        Nothing is started for a model that OpenVINO does not run.
        """
        self._predictor = predictor
        if isinstance(predictor.scorer, GraphScorer):
            self._start(predictor, predictor.scorer.export_single())

    def _start(self, predictor: Predictor, graph: bytes) -> None:
        ours, theirs = zip(*(Pipe() for _ in self.lanes), strict=True)
        files = [os.memfd_create("upload") for _ in self.lanes]
        for file in files:
            os.truncate(file, _LARGEST)
        memories = [mmap.mmap(file, _LARGEST) for file in files]
        process = None
        try:
            process = spawn("ser.helper", [*(end.fileno() for end in theirs), *files])
            for end in theirs:  # or its end would not be seen
                end.close()
            ours[0].send((predictor.bundle, graph))
            if not ours[0].poll(_START_S):
                raise EOFError
            ours[0].recv()
        except (EOFError, OSError) as error:
            log.warning("no process for short clips, the first does its part: %r", error)
            if process:
                process.kill()
                process.wait()
            return
        finally:
            for file in files:
                os.close(file)
        with self._lock:
            for lane, connection, memory in zip(self.lanes, ours, memories, strict=True):
                answered = selectors.PollSelector()
                answered.register(connection, selectors.EVENT_READ)
                lane.link = _Link(process, connection, answered, memory)

    def replace(self, ended: subprocess.Popen[bytes]) -> None:
        """Start another process in place of one that has ended or is stuck, after a while."""
        with self._lock:
            link = self.lanes[0].link
            if link is None or link.process is not ended:  # another lane has seen it, too
                return
            for lane in self.lanes:
                lane.link = None
        threading.Thread(
            target=self._restart, args=(ended,), name="restart-helper", daemon=True
        ).start()

    def _restart(self, ended: subprocess.Popen[bytes]) -> None:
        ended.kill()
        log.warning(
            "a process for short clips ended with %s; in %d s there is another",
            ended.wait(),
            self._pause_s,
        )
        while self._predictor is not None and not self.running:
            time.sleep(self._pause_s)
            self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
            self.start(self._predictor)


class _NotHere(Exception):
    """This file is for the first process."""


class _ShortClips(Predictor):
    """Answers for clips of one window."""

    def predict_audio(self, audio: Audio, *, observe: Observer = lambda *_: None) -> Prediction:
        if len(self.bundle.features.windows(len(audio.samples))) > 1:
            raise _NotHere
        return super().predict_audio(audio, observe=observe)


def _answer(
    predictor: Predictor, data: bytes, max_seconds: float, timeout_s: float
) -> tuple[list[tuple[str, float]], Prediction | Exception | None]:
    """Return the seconds of each stage, and the answer, an error, or None as `Lane.predict`."""

    stages: list[tuple[str, float]] = []

    def leave_core() -> None:
        raise _NotHere

    def predict() -> Prediction | None:
        try:
            return predictor.predict(
                data,
                max_seconds=max_seconds,
                timeout_s=timeout_s,
                observe=lambda *stage: stages.append(stage),
                leave_core=leave_core,
            )
        except _NotHere:
            stages.clear()
            return None

    return stages, outcome(predict, "the process for short clips")


def main(inherited: Sequence[int]) -> None:
    """Answer until the first process has ended."""
    share_heaps()
    connections = [Connection(fd) for fd in inherited[:_LANES]]
    memories = [mmap.mmap(fd, _LARGEST) for fd in inherited[_LANES:]]
    try:
        bundle, graph = connections[0].recv()
        predictor = _ShortClips(bundle, imported_single(graph))
        predictor.warm_up()
        del graph
        give_back_free_memory()
        connections[0].send(None)
        asked = selectors.DefaultSelector()
        for lane in zip(connections, memories, strict=True):
            asked.register(lane[0], selectors.EVENT_READ, lane)
        while True:
            for key, _ in asked.select():
                connection, memory = key.data
                n, *limits = connection.recv()
                connection.send(_answer(predictor, memory[:n], *limits))
    except (EOFError, OSError):  # it has ended
        return


if __name__ == "__main__":
    main(inherited_files())
