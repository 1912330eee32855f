"""The HTTP endpoints."""

import time
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from ser.errors import WARNINGS
from ser.inference.model_loader import ModelLoader
from ser.inference.prediction import Prediction
from ser.inference.predictor import Predictor
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
from ser.web.errors import ApiError, retry_later
from ser.web.metrics import CONTENT_TYPE, Metrics
from ser.web.openapi import describe
from ser.web.prediction_queue import PredictionQueue
from ser.web.request_log import current_record
from ser.web.settings import Settings
from ser.web.upload import read_upload

blueprint = Blueprint("web", __name__)


@blueprint.app_context_processor
def _page_facts() -> dict[str, Any]:
    """Return what every rendering of the page needs."""
    settings = _settings()
    labels = _loader().model_file.metadata.labels
    return {
        "emoji": EMOJI,
        "warning_words": WARNINGS,
        "plane": dict(zip(labels, arousal_valence_of(labels) or [], strict=False)),
        "max_upload_mb": settings.max_upload_mb,
        "facts": {  # for the page's scripts
            "emoji": EMOJI,
            "warnings": WARNINGS,
            "labels": labels,
            "arousal": {"lively": LIVELY_FROM, "calm": CALM_UP_TO},
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
    """Answer the page's form without JavaScript."""
    return render_template("index.html", answer=_predict())


@blueprint.post("/predict")
def predict() -> Response:
    """Answer as JSON."""
    return jsonify(_predict())


@blueprint.get("/health")
def health() -> Response:
    """Answer while the process is alive."""
    return jsonify(status="ok")


@blueprint.get("/ready")
def ready() -> Response:
    """Answer 200 once the model has answered its warm-up, until the app is told to stop."""
    if _predictions().closed:
        raise retry_later("shutting_down")
    _predictor()
    return jsonify(status="ready")


@blueprint.get("/model")
def model() -> Response:
    """Return the metadata and scores of the model file."""
    model_file = _loader().model_file
    meta = model_file.metadata
    return jsonify(
        name=meta.name,
        version=model_file.version,
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
    return Response(model_card(_loader().model_file), mimetype="text/plain")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the metrics, of all copies, for Prometheus."""
    return Response(_metrics().to_text(), content_type=CONTENT_TYPE)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document."""
    return jsonify(describe(_settings(), _loader().model_file.metadata.labels))


def _settings() -> Settings:
    return current_app.extensions["settings"]


def _loader() -> ModelLoader:
    return current_app.extensions["model"]


def _predictions() -> PredictionQueue:
    return current_app.extensions["predictions"]


def _metrics() -> Metrics:
    return current_app.extensions["metrics"]


def _predictor() -> Predictor:
    loader = _loader()
    if loader.predictor is None:
        raise ApiError("not_ready", loader.error or "the model is loading")
    return loader.predictor


def _predict() -> dict[str, Any]:
    predictor, settings, metrics, record = _predictor(), _settings(), _metrics(), current_record()
    started = time.monotonic()

    def on_stage(stage: str, seconds: float) -> None:
        record.stages[stage] = seconds
        metrics.count_stage(stage, seconds)

    # Read by the worker: an upload that waits in the queue is not in memory.
    def work() -> Prediction:
        now = time.monotonic()
        on_stage("queue", now - started)
        return predictor.predict(
            read_upload(request, settings),
            max_seconds=settings.max_seconds,
            timeout_s=max(0.1, record.received_at + settings.timeout_s - now),
            on_stage=on_stage,
        )

    answer = _predictions().run(work, received_at=record.received_at, timeout_s=settings.timeout_s)
    record.audio_s = answer.duration
    name, version = predictor.model_file.metadata.name, predictor.model_file.version
    return answer.to_dict() | {
        "model": {"name": name, "version": version},
        "request_id": record.request_id,
    }
