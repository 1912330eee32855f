"""The memory of a process and all its descendants, including ffmpeg."""

import threading
import time
from pathlib import Path
from typing import Self

_EVERY_S = 0.01
_STEADY_S, _STEADY_MB = 1, 1


def family(pid: int) -> list[int]:
    """Return a process and all its descendants.

    They are found by their parents: ffmpeg has a process group and a session of its own.
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
    """Return the memory of a process and all its descendants now, in MB (2**20); 0 if it ended.

    The pages of a program's file and libraries count once for all processes that map them.
    """
    own = 0
    seen: dict[int, tuple[bytes, int]] = {}
    shared: dict[Path, int] = {}
    for member in family(pid):
        folder = Path(f"/proc/{member}")
        try:
            parent, command = _parent(folder), (folder / "cmdline").read_bytes()
            program = (folder / "exe").readlink()
            lines = (folder / "status").read_text().splitlines()
        except OSError:  # it has just ended
            continue
        sizes = {name: value.split() for name, _, value in (x.partition(":") for x in lines)}
        anonymous, in_memory, of_files = (
            int(sizes.get(name, "0")[0]) for name in ("RssAnon", "RssShmem", "RssFile")
        )
        seen[member] = command, anonymous
        if seen[member] == seen.get(parent):
            # Between vfork and exec a child uses its parent's memory. A forked copy of the server
            # has the same command line, too, but soon memory of its own, so it counts.
            continue
        own += anonymous + in_memory
        shared[program] = max(shared.get(program, 0), of_files)
    return (own + sum(shared.values())) / 1024


def settled(pid: int) -> float:
    """Return `held` once it is steady: a ready server may still be starting something."""
    before, now = 0.0, held(pid)
    while abs(now - before) > _STEADY_MB:
        time.sleep(_STEADY_S)
        before, now = now, held(pid)
    return now


def _parent(folder: Path) -> int:
    return int((folder / "stat").read_text().rpartition(")")[2].split()[1])


class Weighing:
    """The peak memory of a process and all its descendants while the `with` block runs.

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
