"""What a process holds in memory together with all that it has started, ffmpeg too."""

import threading
import time
from pathlib import Path
from typing import Self

_EVERY_S = 0.01
_STEADY_S, _STEADY_MB = 1, 1


def family(pid: int) -> list[int]:
    """Return a process and all its descendants, by the parent that each process names.

    Not by its group or session: ffmpeg has both of its own.
    """
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            children.setdefault(_parent(folder), []).append(int(folder.name))
        except OSError:  # it has just ended
            continue
    found = [pid]
    for member in found:
        found += children.get(member, [])
    return found


def held(pid: int) -> float:
    """Return what a process and all its descendants hold now, in MB (2**20); 0 once it ended.

    What several of them have of the file of their program and of its libraries counts once,
    as it does to a machine.
    """
    own = 0
    programs: dict[int, bytes] = {}
    shared: dict[Path, int] = {}
    for member in family(pid):
        folder = Path(f"/proc/{member}")
        try:
            parent, programs[member] = _parent(folder), (folder / "cmdline").read_bytes()
            if programs[member] == programs.get(parent):
                continue  # it is about to start its program, and still has its parent's memory
            program = (folder / "exe").readlink()
            lines = (folder / "status").read_text().splitlines()
        except OSError:  # it has just ended
            continue
        sizes = {name: value.split() for name, _, value in (x.partition(":") for x in lines)}
        anonymous, in_memory, of_files = (
            int(sizes.get(name, "0")[0]) for name in ("RssAnon", "RssShmem", "RssFile")
        )
        own += anonymous + in_memory
        shared[program] = max(shared.get(program, 0), of_files)
    return (own + sum(shared.values())) / 1024


def settled(pid: int) -> float:
    """Return `held` once it has stayed: a server may still start something when it is ready."""
    before, now = 0.0, held(pid)
    while abs(now - before) > _STEADY_MB:
        time.sleep(_STEADY_S)
        before, now = now, held(pid)
    return now


def _parent(folder: Path) -> int:
    return int((folder / "stat").read_text().rpartition(")")[2].split()[1])


class Weighing:
    """The most that a process and all its descendants held while the `with` block ran.

    Attributes:
        peak: in MB (2**20).
    """

    def __init__(self, pid: int) -> None:
        self.peak = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, held(self._pid))
            if self._over.wait(_EVERY_S):
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
