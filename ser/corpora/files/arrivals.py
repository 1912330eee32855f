"""Audio files below a folder: those that are there, and those that arrive."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ser.corpora.files.scan import AUDIO_SUFFIXES
from ser.corpora.files.walk import FolderWalk
from ser.errors import UsageError
from ser.filenames import show_path

POLL_S = 1.0


def audio_files(folder: Path) -> tuple[list[Path], int]:
    """Return the audio and video files below a folder, sorted, and the number of other files.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"no such folder: {show_path(folder)}")
    walk = FolderWalk()
    files = list(walk.files(folder))
    audio = sorted(path for path in files if path.suffix.lower() in AUDIO_SUFFIXES)
    return audio, len(files) - len(audio) + walk.skipped.total()


def arrivals(
    folder: Path, *, poll_s: float = POLL_S, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Path]:
    """Yield each audio file below a folder once: first those that are there, then new ones.

    A file has arrived when it is not empty, and its size and time did not change from one look at
    the folder to the next. A file that is deleted and comes back is a new one. The iterator has no
    end; while it waits, nothing is kept of the files but their names.

    Args:
        poll_s: time between two looks at the folder, in seconds.

    Raises:
        UsageError: there is no such folder, or no longer.
    """
    before: dict[Path, tuple[int, int]] = {}
    done: set[Path] = set()
    while True:
        now = {path: state for path in audio_files(folder)[0] if (state := _state(path))}
        done &= now.keys()
        for path, state in now.items():
            if path not in done and before.get(path) == state:
                done.add(path)
                yield path
        before = now
        sleep(poll_s)


def _state(path: Path) -> tuple[int, int] | None:
    """Return size and time of a file, None if it is empty or has just gone."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if status.st_size else None
