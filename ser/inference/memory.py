"""Serving in little memory: skip optional packages, limit heaps, give free memory back."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType

# Keras and OpenVINO import these where they are installed, for features that serving does not
# use. They take 150 MB and two seconds.
_OPTIONAL = ("sklearn", "pandas", "matplotlib", "PIL", "requests", "openvino_telemetry")
# Keras's OpenVINO backend cannot be imported without SciPy (60 MB). It needs it only for the
# windows of its inverse Fourier transform, so an empty module will do.
_EMPTY = ("scipy", "scipy.signal")
_LARGE = 4 * 2**20  # bytes
_NO_GLIBC = (AttributeError, OSError, TypeError)


@contextmanager
def hide_optional_packages(*more: str) -> Iterator[None]:
    """Make optional packages, and `more`, look as if not installed, unless already loaded.

    None in `sys.modules` turns an import into an ImportError, which Keras and OpenVINO handle.
    """
    hidden = [name for name in (*_OPTIONAL, *_EMPTY, *more) if name not in sys.modules]
    for name in hidden:
        empty = ModuleType(name) if name in _EMPTY else None
        sys.modules[name] = empty  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def limit_heaps() -> None:
    """Let all threads allocate from two glibc heaps; call it before threads start.

    By default each thread gets a heap of its own and keeps what its largest request took.
    Large blocks, such as an upload or minutes of samples, are mapped and so given back at once;
    by default glibc stops doing that after the first one is freed.
    """
    m_trim_threshold, m_mmap_threshold, m_arena_max = -1, -3, -8  # malloc.h
    with suppress(*_NO_GLIBC):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(m_arena_max, 2)
        mallopt(m_mmap_threshold, _LARGE)
        mallopt(m_trim_threshold, 2 * _LARGE)  # the ratio that glibc has by default


def release_free_memory() -> None:
    """Give memory that glibc holds free back to the system; call it after loading a model."""
    with suppress(*_NO_GLIBC):
        ctypes.CDLL(None).malloc_trim(0)
