"""The size of an app's packages on disk, and compressed."""

import re
import zlib
from collections.abc import Iterable
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

_PIECE = 1 << 20


def closure(requirements: Iterable[str]) -> dict[str, Distribution]:
    """Return the installed packages that are required, directly or indirectly."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        requirement = waiting.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        wanted = [{"extra": extra} for extra in ("", *requirement.extras)]
        if requirement.marker and not any(requirement.marker.evaluate(w) for w in wanted):
            continue
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # it belongs to an extra that is not installed
        waiting += [
            r
            for r in map(Requirement, found[name].requires or ())
            if r.marker is None or any(r.marker.evaluate(w) for w in wanted)
        ]
    return found


def sizes(requirements: Iterable[str]) -> tuple[float, float]:
    """Return the size of all required packages, plain and deflated, in MB (2**20)."""
    files = {
        Path(package.locate_file(file)).resolve()
        for package in closure(requirements).values()
        for file in package.files or ()
    }
    whole = small = 0
    for path in files:
        if not path.is_file() or path.suffix == ".pyc":
            continue
        packer = zlib.compressobj(6)
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                whole += len(piece)
                small += len(packer.compress(piece))
        small += len(packer.flush())
    return whole / 2**20, small / 2**20
