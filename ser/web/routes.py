"""The addresses of the app."""

from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, render_template, request

from ser.card import (
    HUMAN_UAR,
    HUMAN_UAR_PROTOCOL,
    HUMAN_UAR_SOURCE,
    LIMITS,
    USE,
    model_card,
    training_data,
)
from ser.emotions import EMOJI
from ser.predictor import Predictor
from ser.remarks import WARNINGS
from ser.web.model import ModelHolder
from ser.web.problems import Problem
from ser.web.settings import Settings
from ser.web.upload import read_upload

blueprint = Blueprint("web", __name__)


@blueprint.app_context_processor
def _page_facts() -> dict[str, Any]:
    """Give the page what it shows with every answer."""
    settings: Settings = current_app.extensions["settings"]
    return {
        "emoji": EMOJI,
        "warning_words": WARNINGS,
        "max_upload_mb": settings.max_upload_mb,
        "facts": {  # for the page's scripts
            "emoji": EMOJI,
            "warnings": WARNINGS,
            "labels": _holder().bundle.metadata.labels,
            "maxBytes": settings.max_upload_bytes,
            "maxSeconds": settings.max_seconds,
        },
    }


@blueprint.get("/")
def page() -> str:
    """Serve the page."""
    return render_template("index.html")


@blueprint.post("/")
def page_with_answer() -> str:
    """Answer the page's form for a browser without JavaScript."""
    return render_template("index.html", answer=_predict())


@blueprint.post("/predict")
def predict() -> Response:
    """Answer as JSON."""
    return jsonify(_predict())


@blueprint.get("/health")
def health() -> Response:
    """Say that the process lives."""
    return jsonify(status="ok")


@blueprint.get("/ready")
def ready() -> Response:
    """Say that the model has answered its warm-up."""
    _predictor()
    return jsonify(status="ready")


@blueprint.get("/model")
def model() -> Response:
    """Give what the model file says of itself, its scores too."""
    bundle = _holder().bundle
    meta = bundle.metadata
    return jsonify(
        name=meta.name,
        version=bundle.version,
        labels=meta.labels,
        features=meta.features,
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
        use=USE,
        limits=LIMITS,
    )


@blueprint.get("/model/card")
def card() -> Response:
    """Give the model card: Markdown, under a type that browsers show rather than save."""
    return Response(model_card(_holder().bundle), mimetype="text/plain")


def _holder() -> ModelHolder:
    return current_app.extensions["model"]


def _predictor() -> Predictor:
    holder = _holder()
    if holder.predictor is None:
        reason = holder.error or "the model is being loaded"
        raise Problem(503, "not_ready", reason)
    return holder.predictor


def _predict() -> dict[str, Any]:
    predictor = _predictor()
    settings: Settings = current_app.extensions["settings"]
    answer = predictor.predict(
        read_upload(request), max_seconds=settings.max_seconds, timeout_s=settings.timeout_s
    )
    name, version = predictor.bundle.metadata.name, predictor.bundle.version
    return answer.to_dict() | {
        "model": {"name": name, "version": version},
        "request_id": g.request_id,
    }
