"""The files below folders: links are followed, and what other programs left there is skipped."""

import os
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

# In lower case. The resource forks of macOS end in the suffix of the clip that they belong to.
_SYSTEM_PREFIX = "._"
_SYSTEM_FILES = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini"})
_SYSTEM_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information"})


class FolderWalk:
    """Walks folders with their subfolders, each real folder once, even if several links lead there.

    Attributes:
        skipped: system files, each with the count 1, and system folders, each with the number of
            files in it.
    """

    def __init__(self) -> None:
        self.skipped: Counter[Path] = Counter()
        self._seen: set[str] = set()

    def files(self, folder: Path) -> Iterator[Path]:
        """Yield the files below a folder, in order; those behind links come last.

        A system file is counted instead, and so is each file of a hidden or system folder.
        `folder` itself may have any name. A link to one of its parents is not followed.
        """
        # Links wait, because a folder is read under its own name where it has one in the tree.
        waiting = deque([folder])
        inside = Path(os.path.realpath(folder))
        while waiting:
            top = waiting.popleft()
            if top == folder or not inside.is_relative_to(os.path.realpath(top)):
                yield from self._real_files(top, waiting)

    def _real_files(self, top: Path, links: deque[Path]) -> Iterator[Path]:
        """Yield the files below `top`; links to folders are added to `links`."""
        if not self._is_new(top):
            return
        for root, dirs, names in os.walk(top):
            folder = Path(root)
            for name in filter(_is_system_folder, dirs):
                self._skip_folder(folder / name)
            own = sorted(name for name in dirs if not _is_system_folder(name))
            linked = [name for name in own if (folder / name).is_symlink()]
            links.extend(folder / name for name in linked)
            # `os.walk` goes on with what remains in its list.
            dirs[:] = [n for n in own if n not in linked and self._is_new(folder / n)]
            for name in sorted(names):
                if _is_system_file(name):
                    self.skipped[folder / name] = 1
                else:
                    yield folder / name

    def _is_new(self, folder: Path) -> bool:
        real = os.path.realpath(folder)
        is_new = real not in self._seen
        self._seen.add(real)
        return is_new

    def _skip_folder(self, folder: Path) -> None:
        if not folder.is_symlink() and (n := sum(len(names) for *_, names in os.walk(folder))):
            self.skipped[folder] = n


def _is_system_folder(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM_FOLDERS


def _is_system_file(name: str) -> bool:
    return name.startswith(_SYSTEM_PREFIX) or name.lower() in _SYSTEM_FILES
