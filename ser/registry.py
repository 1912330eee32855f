"""One way to find the corpora, feature sets and recipes: each is a file in its package."""

import importlib
import pkgutil
from collections.abc import Mapping
from typing import Any

from ser.errors import UsageError


def collect(package: str, attribute: str) -> dict[str, Any]:
    """Import the modules of `package` and return ``{object.name: object}`` of their `attribute`.

    A module that has a family of them lists it under the plural, `attribute` and an S; one
    with neither is a helper and is passed over.
    """
    found: dict[str, Any] = {}
    path = importlib.import_module(package).__path__
    for info in sorted(pkgutil.iter_modules(path), key=lambda info: info.name):
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
