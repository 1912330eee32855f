"""Train a recipe on corpora and save the model file that the app serves.

If it is killed, the same command goes on from the last checkpoint. With --from, a trained model
goes on with your clips, a few of each emotion; the labels are the emotions of your clips.
"""

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser.cli import options
from ser.data import hold_out_validation
from ser.data.dataset import Dataset, load_dataset
from ser.data.unknown_speakers import warn_of_split
from ser.errors import UsageError
from ser.filenames import show_path
from ser.models.label_sets import find_label_set
from ser.models.recipes import (
    RECIPES,
    EstimatorRecipe,
    KerasRecipe,
    Recipe,
    as_recipe,
    recipe_features,
)

_TRAINING, _FROM = "a training from scratch", "a training with --from"
_BOTH = ("recipe", "data", "out", "seed", "report", "emotions", "sex", "changes")
# The options that each way to use the command takes.
_TAKES = {_TRAINING: (*_BOTH, "epochs", "balance"), _FROM: (*_BOTH, "start", "even_if_worse")}

if TYPE_CHECKING:
    from ser.metrics import Scores
    from ser.training.train import Trained


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("recipe", nargs="?", metavar="RECIPE", help="what to train; see --list")
    parser.add_argument("--list", action="store_true", help="list the recipes and stop")
    parser.add_argument(
        "--data", nargs="+", type=Path, metavar="DIR", help="folders, or lists of clips"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the .h5 or .skops to write")
    parser.add_argument(
        "--from", dest="start", type=Path, metavar="M.h5", help="go on from this model file"
    )
    parser.add_argument(
        "--even-if-worse",
        action="store_true",
        help="with --from: write the file even if it answers fewer held-out clips rightly",
    )
    parser.add_argument("--epochs", type=int, help="instead of the recipe's number")
    parser.add_argument(
        "--seed", type=int, default=0, help="of weights, batches and the validation split"
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="[reports/NAME of --out]")
    options.add_recipe_changes(parser)
    args = parser.parse_args(arguments)
    if not args.list and not (args.recipe and args.data and args.out):
        parser.error("RECIPE, --data and --out are needed (or --list)")
    if args.epochs is not None and args.epochs < 1:
        parser.error("--epochs must be at least 1")
    way = _FROM if args.start else _TRAINING
    if not args.list and (idle := options.without_effect(parser, args, _TAKES[way])):
        parser.error(f"{idle}: not for {way}")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    if args.list:
        for recipe in RECIPES.values():
            print(f"{recipe.name:24} {recipe.summary}")
        return 0
    if args.start:
        return _fine_tune(args)
    recipe = options.changed_recipe(args.recipe, args)
    options.check_epochs(recipe, args.epochs)
    _check_files(args, recipe)

    from ser.metrics import score
    from ser.reports.plots import plot_curves
    from ser.training.confidences import unfitted
    from ser.training.train import refit, save, train

    features = recipe_features(recipe)
    dataset = load_dataset(args.data, features, progress=options.extraction_progress)
    dataset = dataset.for_recipe(recipe)
    options.note(*dataset.notes)
    rows, validation = _hold_out(recipe, dataset, seed=args.seed)
    if len(validation):
        parts = "the training", "the validation"
        options.note(*warn_of_split(dataset.utterances, parts, data=args.data))
    callbacks = []
    if isinstance(recipe, KerasRecipe):
        callbacks = [options.training_progress(recipe, args.epochs, recipe.name)]
    trained = fitted = train(
        recipe,
        dataset,
        rows,
        validation,
        seed=args.seed,
        epochs=args.epochs,
        callbacks=callbacks,
        checkpoint_folder=(checkpoints := args.out.with_suffix(".checkpoints")),
    )
    if isinstance(recipe, EstimatorRecipe) and len(validation):
        trained = refit(fitted, dataset, seed=args.seed)
    elif len(validation) and (reason := _why_not_fitted(dataset, validation)):
        options.note(f"confidences are not fitted: {reason}")
        trained = fitted = unfitted(fitted)
    split = _split_in_words(fitted, dataset, validation)
    save(trained, args.out, dataset, split=split)
    shutil.rmtree(checkpoints, ignore_errors=True)

    report = _report_folder(args)
    # Without validation rows the report shows the fit to the training rows; `ser evaluate` tests.
    if len(validation):
        scored = fitted.validate(dataset)
    else:
        truth = dataset.label_indices(recipe.labels)[rows]
        scored = truth, fitted.probabilities(dataset.features[rows])
    result = score(*scored, recipe.labels)
    title = f"{recipe.name}, {'validation' if len(validation) else 'training'}"
    _write_report(report, result, title)
    if trained.history:
        plot_curves(trained.history, trained.best_epoch, report / "curves.png", title)
    print(f"{show_path(args.out)}: {split}")
    _print_files(report)
    return 0


def _fine_tune(args: argparse.Namespace) -> int:
    """Fine-tune a model file as the options of `ser train` say; return the exit status."""
    recipe = options.changed_recipe(args.recipe, args)
    if not isinstance(recipe, KerasRecipe):
        raise UsageError(f"recipe {recipe.name!r} is no network: it cannot go on from a model")
    _check_files(args, recipe)

    from ser.metrics import score
    from ser.training.fine_tuning import fine_tune, read_start, save_fine_tuned

    read_start(args.start, recipe)
    dataset = load_dataset(args.data, recipe_features(recipe), progress=options.extraction_progress)
    if args.emotions is None:
        recipe = as_recipe(recipe, label_set=find_label_set(",".join(_emotions(dataset))))
    dataset = dataset.for_recipe(recipe)
    options.note(*dataset.notes)
    progress = options.progress_bar(recipe.name, unit="training")
    tuned = fine_tune(recipe, args.start, dataset, seed=args.seed, progress=progress)
    whose = "speakers" if tuned.by_speaker else "clips of the same speakers"
    found = f"UAR on {whose} held out: before {tuned.before:.1%}, after {tuned.after:.1%}"
    print(found)
    if tuned.why_not_fitted:
        options.note(f"confidences are as those of {args.start}: {tuned.why_not_fitted}")
    if not tuned.by_speaker:
        options.note("the speakers are known to the model: on other people it will be worse")
    if tuned.after < tuned.before and not args.even_if_worse:
        options.note(
            f"{show_path(args.out)} is not written: {args.start} does better on your clips. More "
            "clips help; --even-if-worse writes it anyway"
        )
        return 1
    save_fine_tuned(tuned, args.out, dataset)

    report = _report_folder(args)
    result = score(*tuned.trained.validate(dataset), recipe.labels)
    _write_report(report, result, f"{recipe.name}, {whose} held out", found)
    print(f"{show_path(args.out)}: {', '.join(recipe.labels)}")
    _print_files(report)
    return 0


def _check_files(args: argparse.Namespace, recipe: Recipe) -> None:
    """Check that what the training gives can be written.

    Raises:
        UsageError: the model file has another suffix than its recipe's.
        OSError: a file cannot be written.
    """
    if args.out.suffix != recipe.suffix:
        raise UsageError(f"--out {show_path(args.out)} must end in {recipe.suffix}")
    options.check_writable_file(args.out)
    options.check_writable(_report_folder(args))


def _report_folder(args: argparse.Namespace) -> Path:
    return args.report or Path("reports", args.out.stem)


def _write_report(folder: Path, result: "Scores", title: str, *notes: str) -> None:
    """Write the confusion matrix, and a text with the title, the notes and the scores."""
    from ser.reports.plots import classification_text, plot_confusion

    folder.mkdir(parents=True, exist_ok=True)
    plot_confusion(result, folder / "confusion.png", title)
    text = "\n\n".join([title, *notes, classification_text(result)])
    (folder / "report.txt").write_text(text)


def _print_files(folder: Path) -> None:
    files = sorted(show_path(path.name) for path in folder.iterdir())
    print(f"{show_path(folder)}: {', '.join(files)}")


def _emotions(dataset: Dataset) -> list[str]:
    """Return the emotions of the clips, in the order in which they are met."""
    return list(dict.fromkeys(u.emotion for u in dataset.utterances))


def _hold_out(recipe: Recipe, dataset: Dataset, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return training rows and validation rows.

    A network chooses its epoch on validation rows, and either kind fits its confidences on them.
    There are none if the recipe needs none. An estimator also does without if there are too few
    speakers or clips to fit on, or if all clips of an emotion would be held out.
    """
    everything, nothing = np.arange(len(dataset.utterances)), np.array([], dtype=int)
    if isinstance(recipe, KerasRecipe):
        if recipe.monitor is None:
            return everything, nothing
        return hold_out_validation(dataset.utterances, everything, seed=seed)
    try:
        rows, validation = hold_out_validation(dataset.utterances, everything, seed=seed)
    except UsageError as error:
        reason = str(error)
    else:
        reason = _why_not_fitted(dataset, validation)
        if {dataset.utterances[i].emotion for i in rows} != set(_emotions(dataset)):
            reason = "too few clips of an emotion to hold some out"
    if reason:
        options.note(f"confidences are not fitted: {reason}")
        return everything, nothing
    return rows, validation


def _why_not_fitted(dataset: Dataset, held_out: Sequence[int] | np.ndarray) -> str:
    """Return why confidences cannot be fitted on rows that were held out; empty if they can."""
    from ser.training.confidences import why_not_fitted

    return why_not_fitted([dataset.utterances[i].emotion for i in held_out], _emotions(dataset))


def _split_in_words(fitted: "Trained", dataset: Dataset, validation: np.ndarray) -> str:
    """Return in words what was held out, and for which purpose."""
    network = isinstance(fitted.recipe, KerasRecipe)
    if not len(validation):
        return "trained on every clip" + (", the last epoch kept" if network else "")
    held_out = sorted({dataset.utterances[i].speaker for i in validation} - {""})
    whose = f"of {', '.join(held_out)}" if held_out else "at random"
    clips = f"{len(validation)} clip{'s' * (len(validation) != 1)} {whose}"
    if network:
        return f"epoch {fitted.best_epoch} was chosen on {clips}"
    return f"trained on every clip; confidences fitted on {clips}, which a first fit left out"
