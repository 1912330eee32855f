"""Measure a recipe under a protocol, or a model file on other data than it was trained on.

The last line of the output is one JSON object with uar, accuracy and n. With --all, every
recipe is measured as it was published and on unseen voices, and the table of them is written.
Run it again to go on where it stopped.
"""

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

from ser.augmentation import CORRUPTIONS
from ser.cli import options
from ser.cli.evaluate_all import evaluate_all
from ser.cli.scores import add_to_model, print_comparison, read_scores
from ser.corpora import CORPORA, scan
from ser.data.dataset import load_dataset, no_utterance
from ser.data.protocols import PATTERNS, PROTOCOLS, find_protocol
from ser.data.unknown_speakers import warn_of_protocol
from ser.filenames import show_path
from ser.models.model_file import read_model_file
from ser.models.recipes import KerasRecipe, recipe_features
from ser.reports.markdown import evaluation_report

_PROTOCOLS = ", ".join([*PROTOCOLS, *PATTERNS])
_ALL, _COMPARISON = "--all", "a comparison"
_RECIPE, _MODEL, _SCORES = "a recipe", "a model file", "the scores of an evaluation"
# The options that each way to use the command takes.
_TAKES = {
    _ALL: ("all", "data", "epochs", "seeds", "jobs", "results", "table", "short_table"),
    _COMPARISON: ("what", "against"),
    _SCORES: ("what", "into"),
    _MODEL: ("what", "data", "report"),
    _RECIPE: (
        "what", "data", "protocol", "epochs", "seed", "seeds", "jobs", "corruptions", "long_audio",
        "report", "into", "tested_before", *options.RECIPE_CHANGES,
    ),
}  # fmt: skip


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    _add_options(parser)
    options.add_recipe_changes(parser)
    args = parser.parse_args(arguments)
    if fault := _fault(args):
        parser.error(fault)
    if idle := options.without_effect(parser, args, _TAKES[_way(args)]):
        parser.error(f"{idle}: not for {_way(args)}")
    return args


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all", nargs="*", metavar="RECIPE", help="the table: all recipes, or these"
    )
    parser.add_argument(
        "what",
        nargs="?",
        metavar="RECIPE|MODEL|SCORES.json",
        help="recipe to train, a model file, or the scores of an earlier --report for --into; "
        "its folder for --against",
    )
    parser.add_argument(
        "--data", nargs="+", type=Path, metavar="DIR", help="folders, lists, or one .npz"
    )
    parser.add_argument("--protocol", help=f"how a recipe is tested: {_PROTOCOLS}", metavar="NAME")
    parser.add_argument(
        "--epochs", type=int, help="instead of the recipe's number; with --all, the most"
    )
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="number of seeds, each a full run")
    parser.add_argument(
        "--jobs",
        type=int,
        default=min(2, os.cpu_count() or 1),
        help="trainings side by side; with 1 the epochs are shown",
    )
    parser.add_argument(
        "--corruptions",
        action="store_true",
        help="test again with corrupted clips: telephone, codecs, noise, room …",
    )
    parser.add_argument(
        "--long-audio",
        action="store_true",
        help="compare windows, hops and joins on recordings joined of validation clips",
    )
    parser.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write plots and scores here, and the result of each split, so that the same command "
        "goes on where it was stopped",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("reports/recipes"),
        metavar="DIR",
        help="of --all: one JSON file a run, which is not run again",
    )
    parser.add_argument(
        "--table", type=Path, default=Path("docs/recipes.md"), metavar="FILE", help="of --all"
    )
    parser.add_argument(
        "--short-table",
        type=Path,
        default=Path("docs/figures.md"),
        metavar="FILE",
        help="of --all: gets the rows with a published figure, between its two marks",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="compare with this --report of another recipe, under the same protocol and data",
    )
    parser.add_argument(
        "--into",
        type=Path,
        metavar="M.h5",
        help="add the figures to this model file, those of another recipe as a comparison, and "
        "write its model card beside it: README.md, or M.README.md if that is another text",
    )
    parser.add_argument(
        "--tested-before",
        type=int,
        default=0,
        metavar="N",
        help="how often this recipe was scored on these test clips before; it is reported",
    )


def _fault(args: argparse.Namespace) -> str | None:
    """Return what is wrong with the arguments, or None."""
    for name, least in {"tested_before": 0, "epochs": 1, "jobs": 1, "seeds": 1}.items():
        if (value := getattr(args, name)) is not None and value < least:
            return f"--{name.replace('_', '-')} must be at least {least}"
    if (args.what is None) == (args.all is None):
        return "a recipe, a model file or --all is needed, and only one of them"
    way = _way(args)
    if way == _SCORES and not args.into:
        return f"{args.what}: give --into MODEL or --against DIR"
    if "data" in _TAKES[way] and not args.data:
        return "--data is needed"
    if way == _RECIPE and not args.protocol:
        return f"a recipe needs --protocol: {_PROTOCOLS}"
    return None


def _way(args: argparse.Namespace) -> str:
    """Return in which of the ways in `_TAKES` the command is used."""
    if args.all is not None:
        return _ALL
    if args.against:
        return _COMPARISON
    by_suffix = {".json": _SCORES, ".h5": _MODEL, ".skops": _MODEL}
    return by_suffix.get(Path(args.what).suffix, _RECIPE)


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse(arguments)
    way, what = _way(args), Path(args.what or "")
    if way == _ALL:
        return evaluate_all(args)
    if way == _COMPARISON:
        print_comparison(what, args.against)
    elif way == _SCORES:
        add_to_model(read_scores(what), args.into)
    else:
        return _evaluate_file(args) if way == _MODEL else _evaluate_recipe(args)
    return 0


def _evaluate_file(args: argparse.Namespace) -> int:
    from ser.evaluation.external import predict_clips, score_external
    from ser.inference.predictor import Predictor

    if args.report:
        options.check_writable(args.report)
    predictor = Predictor.from_file(Path(args.what))
    if any(path.suffix == ".npz" for path in args.data):
        features = predictor.model_file.features
        dataset = load_dataset(args.data, features, progress=options.extraction_progress)
        options.note(*dataset.notes)
        clips, answers = list(dataset.utterances), predictor.probabilities(dataset.features)
    else:
        found = scan(args.data, CORPORA)
        options.note(found.summary())
        if not found.utterances:
            raise no_utterance(args.data, found)
        clips, answers, faults = predict_clips(
            predictor, found.utterances, progress=options.progress_bar("answers")
        )
        options.note(*(f"left out {line}" for line in faults))
    labels = predictor.model_file.metadata.labels
    result = score_external(labels, clips, answers)
    figures = result.summary() | {
        "model": predictor.model_file.metadata.name,
        "data": ", ".join(show_path(path.resolve().name) for path in args.data),
    }
    details = "\n".join(result.lines())
    if args.report:
        from ser.reports.evaluation_folder import write_scores

        title = show_path(Path(args.what).name)
        write_scores(args.report, result.scores, figures, title=title, details=details)
    options.note("if the model was trained on any of these voices, the figure flatters it")
    print(details)
    print(json.dumps(figures))
    return 0


def _evaluate_recipe(args: argparse.Namespace) -> int:
    recipe, changes = options.changed_recipe(args.what, args), options.given_changes(args)
    options.check_epochs(recipe, args.epochs)
    protocol = find_protocol(args.protocol)
    if args.report:
        options.check_writable(args.report)
    if args.into:
        read_model_file(args.into)
        options.check_writable_file(args.into)

    from ser.evaluation.evaluate import evaluate
    from ser.reports.evaluation_folder import write_evaluation

    dataset = load_dataset(args.data, recipe_features(recipe), progress=options.extraction_progress)
    used = dataset.for_recipe(recipe)
    warnings = warn_of_protocol(used.utterances, protocol, recipe=recipe.name, data=args.data)
    options.note(*used.notes, *warnings)
    result = evaluate(
        recipe,
        dataset,
        protocol,
        seeds=range(args.seed, args.seed + args.seeds),
        epochs=args.epochs,
        jobs=args.jobs,
        corrupted=CORRUPTIONS if args.corruptions else (),
        long_audio=args.long_audio,
        folder=args.report and args.report / "splits",
        callbacks=lambda split: (
            [options.training_progress(recipe, args.epochs, split.name)]
            if isinstance(recipe, KerasRecipe)
            else []
        ),
        done=lambda split: options.note(f"{split.split}, seed {split.seed}: done"),
    )
    figures = result.summary() | {
        "on": used.corpus_counts(),
        "tested_before": args.tested_before,
        **({"changes": changes} if changes else {}),
    }
    details = evaluation_report(figures)
    title = ", ".join([recipe.name, protocol.name, *(f"{k}: {v}" for k, v in changes.items())])
    if protocol.leaks:
        title += " (leaks: the test's voices are in the training)"
    if args.report:
        write_evaluation(args.report, result, figures, title=title, details=details)
    if args.into:
        add_to_model(figures, args.into)
    print(title)
    print(details)
    if recipe.published and recipe.published.protocol == protocol.name:
        print(
            f"published: accuracy {recipe.published.accuracy} % ({recipe.published.source}); "
            f"here: {figures['accuracy']:.2%}"
        )
    print(json.dumps(figures))
    return 0
