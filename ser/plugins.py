"""One way to find the corpora, feature sets and recipes: each is a file in its package."""

import importlib
import pkgutil
from collections.abc import Collection, Mapping
from typing import Any

from ser.errors import UsageError


def collect(package: str, attribute: str, *, skip: Collection[str] = ()) -> dict[str, Any]:
    """Import the modules of `package` and return ``{object.name: object}`` of their `attribute`.

    A module that has several lists them under the plural, `attribute` and an S. A module with
    neither is passed over.

    Args:
        skip: modules that are not imported.
    """
    found: dict[str, Any] = {}
    path = importlib.import_module(package).__path__
    for info in sorted(pkgutil.iter_modules(path), key=lambda info: info.name):
        if info.name in skip:
            continue
        module = importlib.import_module(f"{package}.{info.name}")
        one, family = getattr(module, attribute, None), getattr(module, f"{attribute}S", ())
        for entry in family if one is None else (one, *family):
            if entry.name in found:
                raise ValueError(f"{package}: two entries are named {entry.name!r}")
            found[entry.name] = entry
    return found


def lookup(table: Mapping[str, Any], name: str, kind: str) -> Any:
    """Return ``table[name]``; an unknown name's `UsageError` lists the known ones."""
    try:
        return table[name]
    except KeyError:
        known = ", ".join(sorted(table))
        raise UsageError(f"unknown {kind} {name!r}; known: {known}") from None
