"""Options and progress bars that several commands share."""

import argparse
import errno
import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser.cli.output.progress import note as note  # for the commands that take these options
from ser.errors import UsageError

if TYPE_CHECKING:
    from ser.models.recipes import KerasRecipe

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it when it is imported


def progress_bar(what: str, *, unit: str = "clip") -> Callable[[Any], Any]:
    """Return a function that wraps items in a progress bar on stderr, called `what`."""

    def wrap(items: Any) -> Any:
        from tqdm import tqdm

        return tqdm(items, desc=what, unit=unit)

    return wrap


extraction_progress = progress_bar("features")


def training_progress(recipe: "KerasRecipe", epochs: int | None, name: str) -> Any:
    """Return a Keras callback that draws a progress bar with time left on stderr."""
    from tqdm.keras import TqdmCallback

    class Progress(TqdmCallback):
        """One bar for all members of an ensemble; tqdm's own ends with the first."""

        def on_train_begin(self, *_: Any, **__: Any) -> None:
            pass

        def on_train_end(self, *_: Any, **__: Any) -> None:
            if self.epoch_bar.n >= self.epoch_bar.total:
                super().on_train_end()

    return Progress(epochs=recipe.members * (epochs or recipe.epochs), verbose=0, desc=name)


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Add --jobs and --dask: where the work runs."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=int, default=1, help="processes side by side")
    where.add_argument(
        "--dask", metavar="ADDRESS", help="a Dask scheduler, such as tcp://host:8786"
    )


def add_recipe_changes(parser: argparse.ArgumentParser) -> None:
    """Add the options that `changed_recipe` takes."""
    from ser.augmentation import AUGMENTATIONS
    from ser.models.label_sets import LABEL_SETS, SEXES

    form = parser.add_argument_group("instead of what the recipe says")
    form.add_argument(
        "--emotions",
        metavar="NAMES",
        help=f"the classes: emotions with commas, or a label set: {', '.join(LABEL_SETS)}",
    )
    form.add_argument("--sex", choices=SEXES, help="train and test on these voices alone")
    form.add_argument(
        "--balance",
        action=argparse.BooleanOptionalAction,
        help="give each emotion as many training clips as the rarest has",
    )
    form.add_argument(
        "--augment",
        dest="changes",
        action="append",
        metavar="NAME",
        help="train on each clip once more with an augmented waveform, such as noise+shift: "
        f"{', '.join(AUGMENTATIONS)}; can be given again",
    )


#: The options of `add_recipe_changes`, by their names in the namespace.
RECIPE_CHANGES = ("emotions", "sex", "balance", "changes")


def given_changes(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of `add_recipe_changes` that were given, by name."""
    return {name: value for name in RECIPE_CHANGES if (value := getattr(args, name)) is not None}


def without_effect(
    parser: argparse.ArgumentParser, args: argparse.Namespace, takes: Collection[str]
) -> str:
    """Return the options that were given and that a way to use the command does not take.

    Args:
        takes: the names in the namespace of the options that it takes.
    """
    names = (n for n, v in vars(args).items() if n not in takes and v != parser.get_default(n))
    written = {"changes": "augment", "start": "from"}
    return ", ".join(f"--{written.get(name, name).replace('_', '-')}" for name in names)


def changed_recipe(name: str, args: argparse.Namespace) -> Any:
    """Return a recipe by name, with the changes that the options ask for.

    Raises:
        UsageError: a name is not known, or the change does not fit the recipe.
    """
    from ser.augmentation import find_augmentation
    from ser.models.label_sets import find_label_set
    from ser.models.recipes import RECIPES, as_recipe
    from ser.plugins import lookup

    given = given_changes(args)
    if not given:
        return lookup(RECIPES, name, "recipe")
    if "emotions" in given:
        given["label_set"] = find_label_set(given.pop("emotions"))
    if "changes" in given:
        given["augmentations"] = tuple(dict.fromkeys(given.pop("changes")))
        for change in given["augmentations"]:
            find_augmentation(change)  # a wrong name fails before any clip is read
    # The published figure is not of a changed recipe.
    recipe = as_recipe(name, published=None, **given)
    if recipe.augmentations and getattr(recipe, "augmentation", None):
        raise UsageError(f"recipe {name!r} has an augmentation of its own; leave --augment out")
    return recipe


def check_epochs(recipe: Any, epochs: int | None) -> None:
    """Raise UsageError if a number of epochs is given for a recipe that has none."""
    from ser.models.recipes import KerasRecipe

    if epochs is not None and not isinstance(recipe, KerasRecipe):
        raise UsageError(f"recipe {recipe.name!r} is no network: it has no --epochs")


def check_writable(folder: Path) -> None:
    """Check that files can be written into a folder, before hours of work; create nothing.

    Raises:
        OSError: they cannot, or a part of its path is a file.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(there))
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(there))


def check_writable_file(path: Path) -> None:
    """Check as `check_writable` does that a file can be written.

    Raises:
        OSError: it cannot.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    check_writable(path.parent)


def write_json(path: Path, data: Any) -> None:
    """Write data as indented JSON."""
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
