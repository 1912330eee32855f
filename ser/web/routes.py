"""The addresses of the app."""

import time
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from ser.card import (
    HUMAN_UAR,
    HUMAN_UAR_PROTOCOL,
    HUMAN_UAR_SOURCE,
    LIMITS,
    PUBLISHED,
    USE,
    model_card,
    training_data,
)
from ser.emotions import EMOJI
from ser.helper import Lane
from ser.predictor import Prediction, Predictor
from ser.remarks import WARNINGS
from ser.turns import LeaveCore
from ser.web.metrics import CONTENT_TYPE, Metrics
from ser.web.model import ModelHolder
from ser.web.openapi import describe
from ser.web.problems import Problem, later
from ser.web.record import current_record
from ser.web.settings import Settings
from ser.web.upload import read_upload
from ser.web.workers import Workers

blueprint = Blueprint("web", __name__)


@blueprint.app_context_processor
def _page_facts() -> dict[str, Any]:
    """Give the page what it shows with every answer."""
    settings = _settings()
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
    """Say that the model has answered its warm-up, and that the app is not being stopped."""
    if _workers().closed:
        raise later("shutting_down")
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
        published=[
            {"what": what, "value": value, "protocol": HUMAN_UAR_PROTOCOL, "source": source}
            for what, value, source in PUBLISHED
        ],
        use=USE,
        limits=LIMITS,
    )


@blueprint.get("/model/card")
def card() -> Response:
    """Give the model card: Markdown, under a type that browsers show rather than save."""
    return Response(model_card(_holder().bundle), mimetype="text/plain")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Give the figures of this process to Prometheus."""
    return Response(_metrics().to_text(), content_type=CONTENT_TYPE)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Describe all this to programs."""
    return jsonify(describe(_settings(), _holder().bundle.metadata.labels))


def _settings() -> Settings:
    return current_app.extensions["settings"]


def _holder() -> ModelHolder:
    return current_app.extensions["model"]


def _workers() -> Workers:
    return current_app.extensions["workers"]


def _metrics() -> Metrics:
    return current_app.extensions["metrics"]


def _predictor() -> Predictor:
    holder = _holder()
    if holder.predictor is None:
        raise Problem("not_ready", holder.error or "the model is being loaded")
    return holder.predictor


def _predict() -> dict[str, Any]:
    predictor, settings, metrics, record = _predictor(), _settings(), _metrics(), current_record()
    begun = time.monotonic()

    def observe(stage: str, seconds: float) -> None:
        record.stages[stage] = seconds
        metrics.count_stage(stage, seconds)

    # The upload is read where it is worked on: what waits is not in memory.
    def work(leave_core: LeaveCore, lane: Lane | None) -> Prediction:
        now = time.monotonic()
        observe("queue", now - begun)
        left_s = max(0.1, record.received_at + settings.timeout_s - now)
        upload = [read_upload(request, settings)]
        if lane and (
            there := lane.predict(
                upload[0], max_seconds=settings.max_seconds, timeout_s=left_s, observe=observe
            )
        ):
            return there
        return predictor.predict(
            upload.pop(),  # not to be held here as well
            max_seconds=settings.max_seconds,
            timeout_s=left_s,
            observe=observe,
            leave_core=leave_core,
        )

    answer = _workers().run(work, received_at=record.received_at, timeout_s=settings.timeout_s)
    record.audio_s = answer.duration
    name, version = predictor.bundle.metadata.name, predictor.bundle.version
    return answer.to_dict() | {
        "model": {"name": name, "version": version},
        "request_id": record.request_id,
    }
