"""Serving in little memory: no package that serving does not need, no heap of every thread."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

# Imported where they are installed, for what serving never does: 150 MB and two seconds.
_OPTIONAL = ("sklearn", "pandas", "matplotlib", "PIL", "requests", "openvino_telemetry")
# Keras's OpenVINO backend cannot be imported without it (60 MB), and uses it for windows of
# its inverse Fourier transform.
_STANDINS = ("scipy", "scipy.signal")
_LARGE = 4 * 2**20  # bytes
_ANOTHER_LIBRARY = (AttributeError, OSError, TypeError)  # of C than glibc


@contextmanager
def lean_imports(*more: str) -> Iterator[None]:
    """Make the packages, and `more`, look as if not installed, unless they are loaded already.

    A None in `sys.modules` makes an import an ImportError, which Keras and OpenVINO take.
    """
    hidden = [name for name in (*_OPTIONAL, *_STANDINS, *more) if name not in sys.modules]
    for name in hidden:
        standin = ModuleType(name) if name in _STANDINS else None
        sys.modules[name] = standin  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def share_heaps() -> None:
    """Let all threads allocate from two heaps, not each from its own, where glibc is there.

    Each would keep what its largest request took. What is large, as an upload or the samples
    of minutes, is kept in no heap: left to itself, glibc would, once it has seen one go. What
    a short clip takes stays, or each request would fetch its pages anew. To be called before
    threads are started.
    """
    m_trim_threshold, m_mmap_threshold, m_arena_max = -1, -3, -8  # malloc.h
    with suppress(*_ANOTHER_LIBRARY):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(m_arena_max, 2)
        mallopt(m_mmap_threshold, _LARGE)
        mallopt(m_trim_threshold, 2 * _LARGE)  # as glibc relates the two


def give_back_free_memory() -> None:
    """Give the system back what has become free between what is in use, where glibc is there.

    To be called after what took more than it keeps, as loading a model does.
    """
    with suppress(*_ANOTHER_LIBRARY):
        ctypes.CDLL(None).malloc_trim(0)
