"""What is slow to compute from files, kept on disk under what it was computed from."""

import ast
import functools
import hashlib
import inspect
import json
import os
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

_LIBRARIES = ("librosa", "numpy", "soxr", "soundfile")
# What is computed from files is computed by these.
_MODULES = ("audio/decode.py", "audio/ffmpeg.py", "augmentation/corruptions.py", "features/*.py")


def folder() -> Path:
    """Return where the cache is: ``$SER_CACHE``, or ``speech-emotion`` in the user's cache."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "speech-emotion")
    return Path(os.environ.get("SER_CACHE") or default)


def cached(
    name: str,
    files: Iterable[Path],
    parameters: Any,
    compute: Callable[[], dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Return ``compute()``, or what it gave before for the same files, parameters and code.

    Args:
        name: begins the name of the cache's file.
        files: by their content; their names do not matter, their order does.
        parameters: plain data, by its JSON.
        compute: gives arrays by name.
    """
    digest = hashlib.sha256()
    versions = library_versions()
    code = code_digest(*_MODULES)
    digest.update(json.dumps([code, versions, parameters], sort_keys=True).encode())
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    path = folder() / f"{name}-{digest.hexdigest()[:24]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    arrays = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as partial:
        np.savez(partial, allow_pickle=False, **arrays)
    Path(partial.name).replace(path)
    return arrays


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that features are computed with."""
    return {library: version(library) for library in _LIBRARIES}


@functools.cache
def code_digest(*patterns: str) -> str:
    """Return a digest of modules of the library; comments and layout do not count.

    Args:
        patterns: of file names, from the library's folder.
    """
    digest = hashlib.sha256()
    library = Path(__file__).parents[1]
    found = {pattern: list(library.glob(pattern)) for pattern in patterns}
    if missing := [pattern for pattern, paths in found.items() if not paths]:
        raise ValueError(f"no module of {library} matches {', '.join(missing)}")
    for path in sorted(path for paths in found.values() for path in paths):
        digest.update(ast.dump(ast.parse(path.read_bytes())).encode())
    return digest.hexdigest()


def function_digest(function: Callable[..., Any]) -> str:
    """Return a digest of a function, with the constants and functions of its module it names."""
    module, found = vars(sys.modules[function.__module__]), {}

    def visit(name: str, seen: Callable[..., Any]) -> None:
        tree = ast.parse(textwrap.dedent(inspect.getsource(seen)))
        found[name] = ast.dump(tree)
        for name in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - {*found}:
            value = module.get(name)
            if inspect.isfunction(value) and value.__module__ == function.__module__:
                visit(name, value)
            elif isinstance(value, int | float | str | tuple):
                found[name] = repr(value)

    visit("", function)
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()
