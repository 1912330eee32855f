"""Modules of ours as processes beside this one, which talk to it through a `Connection`."""

import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TypeVar

from ser.errors import SerError

T = TypeVar("T")


def possible() -> bool:
    """Whether this system lets a process inherit chosen files; Windows does not."""
    return os.name == "posix"


def spawn(module: str, inherited: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start ``python -m module`` with the numbers of the files that it inherits as arguments."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, inherited)],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        pass_fds=inherited,
    )


def outcome(call: Callable[[], T], where: str) -> T | Exception:
    """Return what `call` gives, or its error as one that another process can be sent."""
    try:
        return call()
    except SerError as error:
        return error
    except Exception:  # of any kind, maybe not to be pickled
        return RuntimeError(f"in {where}:\n{traceback.format_exc()}")


def inherited_files() -> list[int]:
    """Return the numbers that `spawn` gave this process, which lives on when asked to end.

    A terminal and some platforms ask every process; ours goes when the first one has gone.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    return [int(file) for file in sys.argv[1:]]
