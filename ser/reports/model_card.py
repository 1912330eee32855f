"""The model card: written from what the model file carries, never by hand."""

from ser.corpora import CORPORA
from ser.models.model_file import Metadata, ModelFile
from ser.reports.markdown import percent, report_lines, table

#: What people reach on the clips that the published folds are of: share recognised, 0 to 1.
HUMAN_UAR = 0.67
HUMAN_UAR_PROTOCOL = "actors5"
HUMAN_UAR_SOURCE = "as quoted with the published folds of RAVDESS"

#: Published on the same folds: what, its share recognised, source.
PUBLISHED = (
    ("ResLSTM-SA, 46.8k weights, trained from scratch: mean", 0.623, "arXiv 2606.03359"),
    ("the same: its best run", 0.652, "arXiv 2606.03359"),
    ("wav2vec2-xlsr, 317M weights, fine-tuned (accuracy)", 0.818, "doi 10.3390/app12010327"),
)

#: What the model is for, and what it must not be used for.
USE = "For demonstrations, teaching and research on acted speech."
LIMITS = (
    "Not for decisions about people. Inferring the emotions of people at work or in education "
    "is banned in the EU (AI Act, Article 5(1)(f))."
)


def training_data(metadata: Metadata) -> str:
    """Return the corpora of a model in words, with their numbers of clips."""
    return ", ".join(
        f"{CORPORA[c].title if c in CORPORA else c} ({n:,} clips)"
        for c, n in metadata.corpora.items()
    )


def model_card(model_file: ModelFile) -> str:
    """Return the card of a model file as Markdown."""
    meta = model_file.metadata
    corpora = [c for c in CORPORA.values() if c.name in meta.corpora]
    voices = " and ".join(c.voices for c in corpora) or "not known"
    non_commercial = any("-NC" in c.licence or "research" in c.licence for c in corpora)
    versions = ", ".join(f"{k} {v}" for k, v in meta.versions.items())
    lines = [
        f"# Model card: {meta.name}",
        "",
        f"`{model_file.path.name}`, version `{model_file.version}` (of its SHA-256). Written by "
        "`scripts/evaluate.py --into` from the model file.",
        "",
        "## What it is",
        "",
        f"Recipe `{meta.recipe}`: {meta.summary}. Features `{meta.features['name']}`: "
        + ", ".join(f"{k} {v}" for k, v in meta.features["params"].items())
        + f", at {meta.features['sample_rate']:,} Hz. It tells "
        + ", ".join(meta.labels)
        + ".",
        "",
        f"Trained on {training_data(meta)}; {meta.split}. Made with {versions}.",
        "",
        "## How good it is",
        "",
        *_score_lines(meta),
        "",
        "## Use",
        "",
        f"{USE} {LIMITS}",
        "",
        f"Known limits: the voices are {voices}. Speech unlike theirs was not trained on: "
        "spontaneous where they act, in other languages, of children; noisy rooms and telephone "
        f"lines at the most in imitation. {_calibration(meta)}",
        "",
        "## Data and licence",
        "",
        *(f"- {c.title}: {c.source}, {c.licence}" for c in corpora),
        "",
        f"The model inherits the {'non-commercial ' if non_commercial else ''}terms of its data. "
        "The code is under the MIT licence.",
        "",
    ]
    return "\n".join(lines)


def _calibration(meta: Metadata) -> str:
    if meta.temperature == 1:
        return "The probabilities are not calibrated."
    return (
        f"The probabilities are calibrated by a temperature of {meta.temperature:g}, and an "
        f"answer below {meta.uncertain_below:.0%} carries the warning `uncertain`; both are "
        "fitted on validation speakers."
    )


def _score_lines(meta: Metadata) -> list[str]:
    if not meta.scores:
        return ["Not measured on unseen voices."]
    rows = [
        [
            f"`{name}`",
            f"`{figures['recipe']}`",
            "**yes, so it flatters**" if figures["leaks"] else "no",
            percent(figures["uar"]),
            percent(figures["accuracy"]),
            f"{figures['n']:,}",
        ]
        for scores in (meta.scores, *meta.comparisons.values())
        for name, figures in scores.items()
    ]
    header = ["protocol", "recipe", "voices of the test also in training"]
    lines = table([*header, "UAR", "accuracy", "clips"], rows)
    name = next((name for name, figures in meta.scores.items() if not figures["leaks"]), None)
    if name is None:
        return lines
    figures = meta.scores[name]
    others = {recipe: scores[name] for recipe, scores in meta.comparisons.items() if name in scores}
    return [
        *lines,
        "",
        f"On voices it has never heard it is right in **{figures['accuracy']:.0%}** of the clips "
        f"(chance: {percent(1 / len(figures['recall']))}). All figures are of models trained the "
        "same way with the test clips left out, not of this file, which has heard them.",
        "",
        f"### `{name}` in detail",
        "",
        *report_lines(figures, others),
        "",
        f"### Published on the folds of `{HUMAN_UAR_PROTOCOL}`",
        "",
        *table(
            ["who", "UAR", "source"],
            [
                *([who, percent(value), source] for who, value, source in PUBLISHED),
                ["human listeners, audio only", percent(HUMAN_UAR), HUMAN_UAR_SOURCE],
            ],
        ),
    ]
