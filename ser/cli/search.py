"""Search the parameters of recipes on validation speakers, and compare the best of each.

The test speakers are held out, the same as in `EmotionRecognizer`. The last line of the output is
one JSON object with the parameters and figures of each recipe.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ser.cli import options
from ser.data import hold_out_test
from ser.data.dataset import load_dataset
from ser.data.parallel import joblib_workers
from ser.data.unknown_speakers import warn_of_split
from ser.filenames import show_path
from ser.models.recipes import RECIPES, recipe_features
from ser.plugins import lookup


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("recipes", nargs="+", metavar="RECIPE", help="see `ser train --list`")
    parser.add_argument(
        "--data", nargs="+", type=Path, required=True, metavar="DIR", help="folders of corpora"
    )
    parser.add_argument("--most", type=int, help="the most combinations to try, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="of split, models and draws")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("reports/grid"),
        metavar="DIR",
        help="for parameters, chart and figures",
    )
    options.add_workers(parser)
    args = parser.parse_args(arguments)
    for name in ("most", "jobs"):
        if (value := getattr(args, name)) is not None and value < 1:
            parser.error(f"--{name} must be at least 1")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    recipes = [lookup(RECIPES, name, "recipe") for name in args.recipes]

    from ser.training.grid_search import check_grid, compare, save_best, search, with_params

    for recipe in recipes:
        check_grid(recipe)
    options.check_writable(args.out)

    from ser.reports.plots import plot_comparison

    found, measured = [], []
    noted: dict[str, None] = {}  # most recipes have the same notes of the same clips
    with joblib_workers(jobs=args.jobs, dask=args.dask):
        for recipe in recipes:
            features = recipe_features(recipe)
            dataset = load_dataset(args.data, features, progress=options.extraction_progress)
            dataset = dataset.for_recipe(recipe)
            parts = "the training", "the validation"
            warnings = warn_of_split(dataset.utterances, parts, data=args.data)
            notes = dict.fromkeys([*dataset.notes, *warnings])
            options.note(*(note for note in notes if note not in noted))
            noted |= notes
            rest, _ = hold_out_test(dataset.utterances, seed=args.seed)
            best = search(recipe, dataset.select(rest), seed=args.seed, most=args.most)
            found.append(best)
            print(f"{show_path(save_best(best, args.out))}: UAR {best.uar:.1%}, {best.params}")
            measured += compare(
                with_params(recipe, best.params), dataset.select(rest), seed=args.seed
            )
    plot_comparison(
        measured, args.out / "comparison.png", "the best of each, on validation speakers"
    )
    options.write_json(args.out / "comparison.json", [asdict(m) for m in measured])
    print(f"{show_path(args.out)}: comparison.png, comparison.json")
    print(json.dumps({best.recipe: asdict(best) for best in found}))
    return 0
