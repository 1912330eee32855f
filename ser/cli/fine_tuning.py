"""`ser train --from`: go on from a model file."""

import argparse
from pathlib import Path

from ser.cli import options
from ser.data.dataset import Dataset, load_dataset
from ser.errors import UsageError
from ser.filenames import show_path
from ser.models.label_sets import find_label_set
from ser.models.recipes import KerasRecipe, as_recipe, recipe_features


def run(args: argparse.Namespace) -> int:
    """Fine-tune a model file as the options of `ser train` say; return the exit status."""
    recipe = options.changed_recipe(args.recipe, args)
    if not isinstance(recipe, KerasRecipe):
        raise UsageError(f"recipe {recipe.name!r} is no network: it cannot go on from a model")
    if args.out.suffix != recipe.suffix:
        raise UsageError(f"--out {args.out} must end in {recipe.suffix}")

    from ser.metrics import score
    from ser.reports.plots import classification_text, plot_confusion
    from ser.training.fine_tuning import fine_tune, save_fine_tuned

    dataset = load_dataset(args.data, recipe_features(recipe), progress=options.extraction_progress)
    if args.emotions is None:
        recipe = as_recipe(recipe, label_set=find_label_set(",".join(_emotions(dataset))))
    dataset = dataset.for_recipe(recipe)
    for line in dataset.notes:
        options.note(line)
    tuned = fine_tune(
        recipe, args.start, dataset, seed=args.seed, progress=options.step_progress(recipe.name)
    )
    whose = "speakers" if tuned.by_speaker else "clips of the same speakers"
    found = f"UAR on {whose} held out: before {tuned.before:.1%}, after {tuned.after:.1%}"
    print(found)
    if not tuned.by_speaker:
        options.note("the speakers are known to the model: on other people it will be worse")
    if tuned.after < tuned.before and not args.even_if_worse:
        options.note(
            f"{show_path(args.out)} is not written: {args.start} does better on your clips. More "
            "clips help; --even-if-worse writes it anyway"
        )
        return 1
    save_fine_tuned(tuned, args.out, dataset)

    report = args.report or Path("reports", args.out.stem)
    report.mkdir(parents=True, exist_ok=True)
    result = score(*tuned.trained.validate(dataset), recipe.labels)
    title = f"{recipe.name}, {whose} held out"
    plot_confusion(result, report / "confusion.png", title)
    (report / "report.txt").write_text(f"{title}\n\n{found}\n\n{classification_text(result)}")
    print(f"{show_path(args.out)}: {', '.join(recipe.labels)}")
    print(f"{show_path(report)}: confusion.png, report.txt")
    return 0


def _emotions(dataset: Dataset) -> list[str]:
    """Return the emotions of the clips, in the order in which they are met."""
    return list(dict.fromkeys(u.emotion for u in dataset.utterances))
