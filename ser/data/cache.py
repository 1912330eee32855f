"""A cache on disk for arrays that are slow to compute from files.

Not `joblib.Memory`: that compares the names of files and the code of one function. An entry here
depends on the content of the files and on the code of every module that computes it.
"""

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
# The modules that compute cached arrays. A change of their code makes the entries invalid.
_MODULES = ("audio/*.py", "augmentation/corruptions.py", "features/*.py")


def cache_folder() -> Path:
    """Return ``$SER_CACHE``, or the folder ``speech-emotion`` in the user's cache."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "speech-emotion")
    return Path(os.environ.get("SER_CACHE") or default)


def cached(
    name: str,
    files: Iterable[Path],
    parameters: Any,
    compute: Callable[[], dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """Return the result of ``compute()``, from the cache if it is there.

    An entry is valid for the same files, parameters, code and versions of libraries.

    Args:
        name: the first part of the entry's file name.
        files: compared by their content and order, not by their names.
        parameters: plain data, compared as JSON.
        compute: returns arrays by name.
    """
    digest = hashlib.sha256()
    versions = library_versions()
    code = code_digest(*_MODULES)
    digest.update(json.dumps([code, versions, parameters], sort_keys=True).encode())
    for path in files:
        digest.update(_content_digest(path))
    path = cache_folder() / f"{name}-{digest.hexdigest()[:24]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    arrays = compute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".partial", delete=False) as partial:
        np.savez(partial, allow_pickle=False, **arrays)
    Path(partial.name).replace(path)
    return arrays


def _content_digest(path: Path) -> bytes:
    """Return the SHA-256 of a file's content, or of the error if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:
        return hashlib.sha256(repr(error).encode(errors="surrogateescape")).digest()


def library_versions() -> dict[str, str]:
    """Return the versions of the libraries that compute features."""
    return {library: version(library) for library in _LIBRARIES}


@functools.cache
def code_digest(*patterns: str) -> str:
    """Return a digest of modules of `ser`, without their comments and layout.

    Args:
        patterns: of file names, relative to the folder of `ser`.

    Raises:
        ValueError: a pattern matches no file.
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
    """Return a digest of a function.

    It covers the constants and the functions of the same module that the function uses.
    """
    module, found = vars(sys.modules[function.__module__]), {}

    def visit(name: str, code: Callable[..., Any]) -> None:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
        found[name] = ast.dump(tree)
        for name in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - {*found}:
            value = module.get(name)
            if inspect.isfunction(value) and value.__module__ == function.__module__:
                visit(name, value)
            elif isinstance(value, int | float | str | tuple):
                found[name] = repr(value)

    visit("", function)
    return hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest()
