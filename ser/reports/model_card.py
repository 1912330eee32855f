"""The model card: written from the model file, never by hand."""

from collections.abc import Mapping
from pathlib import Path

from ser.corpora import CORPORA
from ser.filenames import show_path
from ser.models.model_file import Metadata, ModelFile, read_model_file
from ser.reports.markdown import evaluation_report
from ser.reports.rendering import percent, render

#: UAR of human listeners on the clips of the published RAVDESS folds, 0 to 1.
HUMAN_UAR = 0.67
HUMAN_UAR_PROTOCOL = "actors5"
HUMAN_UAR_SOURCE = "as quoted with the published folds of RAVDESS"

#: Results that others published on the same folds: what, UAR (0 to 1), source.
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
    """Return the training corpora of a model with their numbers of clips, as text."""
    return ", ".join(
        f"{CORPORA[c].title if c in CORPORA else c} ({n:,} clips)"
        for c, n in metadata.corpora.items()
    )


def write_model_card(model: Path) -> Path:
    """Write the card of a model file beside it; return the card's path.

    It is `README.md`, which people and sites look for. Where that is another text, such as the
    README of a project or the card of another model, it is `STEM.README.md`.
    """
    card = model.with_name("README.md")
    if card.exists() and not _is_card_of(model, card):
        card = model.with_name(f"{model.stem}.README.md")
    card.write_text(model_card(read_model_file(model)), encoding="utf-8")
    return card


def _is_card_of(model: Path, readme: Path) -> bool:
    """Return whether a text is a card of the model file of this name, of whatever version."""
    text = readme.read_text(encoding="utf-8", errors="replace")
    whose = f"\nThis is the card of `{show_path(model.name)}`,"
    return text.startswith("# Model card: ") and whose in text


def model_card(model_file: ModelFile) -> str:
    """Return the card of a model file as Markdown."""
    meta = model_file.metadata
    corpora = [c for c in CORPORA.values() if c.name in meta.corpora]
    honest = [name for name, s in meta.scores.items() if not s["leaks"]]
    # Corpora that were left out say most about people whom the model has not heard.
    strangers = [name for name in honest if meta.scores[name].get("left_out_calibration")]
    detailed = list(dict.fromkeys([*strangers, *honest[:1]]))
    return render(
        "model_card.md.j2",
        meta=meta,
        file_name=show_path(model_file.path.name),
        version=model_file.version,
        parameters=_pairs(meta.features["params"]),
        training_data=training_data(meta),
        versions=_pairs(meta.versions),
        results=_result_rows(meta),
        strangers=bool(strangers),
        held_out=meta.scores[detailed[0]] if detailed else None,
        details={protocol: _details(meta, protocol) for protocol in detailed},
        human_protocol=HUMAN_UAR_PROTOCOL,
        published=[
            *([what, percent(uar), source] for what, uar, source in PUBLISHED),
            ["human listeners, audio only", percent(HUMAN_UAR), HUMAN_UAR_SOURCE],
        ],
        use=USE,
        limits=LIMITS,
        voices=" and ".join(c.speakers for c in corpora) or "not known",
        corpora=corpora,
        non_commercial=any("-NC" in c.licence or "research" in c.licence for c in corpora),
    )


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _result_rows(meta: Metadata) -> list[list[str]]:
    return [
        [
            f"`{protocol}`",
            f"`{scores['recipe']}`",
            "**yes, so the result is too optimistic**" if scores["leaks"] else "no",
            percent(scores["uar"]),
            percent(scores["accuracy"]),
            f"{scores['n']:,}",
        ]
        for by_protocol in (meta.scores, *meta.comparisons.values())
        for protocol, scores in by_protocol.items()
    ]


def _details(meta: Metadata, protocol: str) -> str:
    others = {
        recipe: by_protocol[protocol]
        for recipe, by_protocol in meta.comparisons.items()
        if protocol in by_protocol
    }
    return evaluation_report(meta.scores[protocol], others)
