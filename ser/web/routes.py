"""The HTTP endpoints."""

from functools import cache
from itertools import count
from typing import Any, NamedTuple

from flask import Blueprint, Response, jsonify, render_template

from ser.corpora.emodb import CORPUS as EXAMPLES_CORPUS
from ser.errors import WARNINGS
from ser.inference.reference import MIN_SECONDS
from ser.labels import CALM_UP_TO, EMOJI, LIVELY_FROM, arousal_valence_of
from ser.reports.model_card import (
    HUMAN_UAR,
    HUMAN_UAR_PROTOCOL,
    HUMAN_UAR_SOURCE,
    LIMITS,
    PUBLISHED,
    USE,
    model_card,
    training_data,
)
from ser.resources import data_folder
from ser.timeline import TIMELINE_FORMS
from ser.web import current
from ser.web.answering import (
    answer_data,
    answer_one,
    answer_upload,
    make_reference,
    render,
)
from ser.web.errors import retry_later
from ser.web.metrics import CONTENT_TYPE
from ser.web.openapi import describe

blueprint = Blueprint("web", __name__)
_SEXES = {"female": "Woman", "male": "Man"}


class Example(NamedTuple):
    """A clip to try: its name on the page, its path in `static`, and what the actor played."""

    title: str
    file: str
    emotion: str


@cache
def examples() -> list[Example]:
    """Return the clips in `static/examples`, in the order of their speakers."""
    static = data_folder("static")
    clips = filter(None, map(EXAMPLES_CORPUS.parse, sorted(static.glob("examples/*.opus"))))
    numbers = {sex: count(1) for sex in _SEXES}
    return [
        Example(
            f"{_SEXES[clip.sex]} {next(numbers[clip.sex])}",
            clip.path.relative_to(static).as_posix(),
            clip.emotion,
        )
        for clip in clips
    ]


@blueprint.app_context_processor
def _page_facts() -> dict[str, Any]:
    """Return what every rendering of the page needs."""
    settings, model_file = current.settings(), current.loader().model_file
    labels = model_file.metadata.labels
    takes_reference = model_file.features.relative
    return {
        "emoji": EMOJI,
        "warning_words": WARNINGS,
        "plane": dict(zip(labels, arousal_valence_of(labels) or [], strict=False)),
        "max_upload_mb": settings.max_upload_mb,
        "takes_reference": takes_reference,
        "timeline_forms": TIMELINE_FORMS,
        "examples": examples(),
        "examples_in_training": EXAMPLES_CORPUS.name in model_file.metadata.corpora,
        "facts": {  # for the page's scripts
            "emoji": EMOJI,
            "warnings": WARNINGS,
            "labels": labels,
            "arousal": {"lively": LIVELY_FROM, "calm": CALM_UP_TO},
            "maxBytes": settings.max_upload_bytes,
            "maxSeconds": settings.max_seconds,
            "version": model_file.version,
            "minReferenceSeconds": MIN_SECONDS if takes_reference else None,
        },
    }


@blueprint.get("/")
def page() -> str:
    """Serve the page."""
    return render_template("index.html")


@blueprint.post("/")
def page_with_answer() -> str:
    """Answer the page's form without JavaScript."""
    return render_template("index.html", answer=answer_data(answer_one()))


@blueprint.post("/predict")
def predict() -> Response:
    """Answer as JSON, or in another form that is asked for."""
    return render(answer_upload())


@blueprint.post("/reference")
def reference() -> Response:
    """Answer with the text of a reference, which the field `reference` of `/predict` takes."""
    made = make_reference()
    answer = {"reference": made.to_text(), "seconds": round(made.seconds, 2)}
    return jsonify(answer | current.model_and_id())


@blueprint.get("/health")
def health() -> Response:
    """Answer while the process is alive."""
    return jsonify(status="ok")


@blueprint.get("/ready")
def ready() -> Response:
    """Answer 200 once the model has answered its warm-up, until the app is told to stop."""
    if current.predictions().closed:
        raise retry_later("shutting_down")
    current.predictor()
    return jsonify(status="ready")


@blueprint.get("/model")
def model() -> Response:
    """Return the metadata and scores of the model file."""
    model_file = current.loader().model_file
    meta = model_file.metadata
    return jsonify(
        name=meta.name,
        version=model_file.version,
        labels=meta.labels,
        labels_assumed=model_file.labels_assumed,
        features=meta.features,
        takes_reference=model_file.features.relative,
        temperature=meta.temperature,
        uncertain_below=meta.uncertain_below,
        recipe=meta.recipe,
        corpora=meta.corpora,
        split=meta.split,
        scores=meta.scores,
        comparisons=meta.comparisons,
        versions=meta.versions,
        licence=meta.licence,
        trained_on=training_data(meta),
        human_uar={
            "value": HUMAN_UAR,
            "protocol": HUMAN_UAR_PROTOCOL,
            "source": HUMAN_UAR_SOURCE,
        },
        published=[
            {"what": what, "value": value, "protocol": HUMAN_UAR_PROTOCOL, "source": source}
            for what, value, source in PUBLISHED
        ],
        use=USE,
        limits=LIMITS,
    )


@blueprint.get("/model/card")
def card() -> Response:
    """Return the model card: Markdown, with a type that browsers show and do not save."""
    return Response(model_card(current.loader().model_file), mimetype="text/plain")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the metrics, of all copies, for Prometheus."""
    return Response(current.metrics().to_text(), content_type=CONTENT_TYPE)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document."""
    model_file = current.loader().model_file
    labels, takes_reference = model_file.metadata.labels, model_file.features.relative
    return jsonify(describe(current.settings(), labels, takes_reference=takes_reference))
