"""The model card: written from what the model file carries, never by hand."""

from ser.bundle import Bundle, Metadata
from ser.corpora import CORPORA

#: What people reach on the clips that the published folds are of: share recognised, 0 to 1.
HUMAN_UAR = 0.67
HUMAN_UAR_PROTOCOL = "actors5"
HUMAN_UAR_SOURCE = "human listeners, as quoted with the published folds of RAVDESS"

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


def model_card(bundle: Bundle) -> str:
    """Return the card of a model file as Markdown."""
    meta = bundle.metadata
    sources = [
        f"- {c.title}: {c.source}, {c.licence}" for c in CORPORA.values() if c.name in meta.corpora
    ]
    versions = ", ".join(f"{k} {v}" for k, v in meta.versions.items())
    lines = [
        f"# Model card: {meta.name}",
        "",
        f"`{bundle.path.name}`, version `{bundle.version}` (of its SHA-256). Written by "
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
        *_score_lines(meta.scores),
        "",
        "## Use",
        "",
        f"{USE} {LIMITS}",
        "",
        "Known limits: the voices are North American English actors who were told which emotion "
        "to play. Spontaneous speech, other languages and children were not trained on; noisy "
        f"rooms and telephone lines at the most in imitation. {_calibration(meta)}",
        "",
        "## Data and licence",
        "",
        *sources,
        "",
        "The model inherits the non-commercial terms of its data. The code is under the MIT "
        "licence.",
        "",
    ]
    return "\n".join(lines)


def _calibration(meta: Metadata) -> str:
    if meta.temperature == 1:
        return "The probabilities are not calibrated."
    return (
        f"The probabilities are calibrated by a temperature of {meta.temperature:g}, fitted on "
        "validation speakers."
    )


def _score_lines(scores: dict[str, dict]) -> list[str]:
    if not scores:
        return ["Not measured on unseen voices."]
    lines = [
        "| protocol | voices of the test also in training | UAR | accuracy | clips |",
        "|---|---|---|---|---|",
    ]
    for name, figures in scores.items():
        leaks = "**yes, so it flatters**" if figures["leaks"] else "no"
        lines.append(
            f"| `{name}` | {leaks} | {figures['uar']:.1%} | {figures['accuracy']:.1%} "
            f"| {figures['n']:,} |"
        )
    honest = [f for f in scores.values() if not f["leaks"]]
    if honest:
        figures = honest[0]
        recall = ", ".join(f"{label} {r:.0%}" for label, r in figures["recall"].items())
        lines += [
            "",
            f"On voices it has never heard it is right in **{figures['accuracy']:.0%}** of the "
            f"clips (chance: {1 / len(figures['recall']):.0%}; {HUMAN_UAR_SOURCE}: "
            f"{HUMAN_UAR:.0%}). These figures are of models trained the same way with the test "
            "speakers left out, not of this file, which has heard them.",
            "",
            f"Recall per emotion: {recall}.",
        ]
        if interval := figures.get("interval"):
            low, high = interval["uar"]
            lines += [
                "",
                f"UAR, 95 % interval by bootstrap over speakers: {low:.1%} to {high:.1%}.",
            ]
        for group in ("sex", "condition"):
            if parts := figures.get(f"uar_by_{group}"):
                named = ", ".join(f"{name} {value:.1%}" for name, value in parts.items())
                lines += ["", f"UAR by {group}: {named}."]
    return lines
