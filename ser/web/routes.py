"""The HTTP endpoints."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, current_app, jsonify, render_template, request

from ser.errors import WARNINGS
from ser.inference.model_loader import ModelLoader
from ser.inference.prediction import Prediction
from ser.inference.predictor import Predictor
from ser.inference.reference import MIN_SECONDS, Reference, read_reference
from ser.inference.stages import OnStage, timing
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
from ser.web.errors import ApiError, naming_field, retry_later
from ser.web.metrics import CONTENT_TYPE, Metrics
from ser.web.openapi import describe
from ser.web.prediction_queue import PredictionQueue
from ser.web.request_log import current_record
from ser.web.settings import REFERENCE_FIELD, Settings
from ser.web.upload import read_reference_files, read_upload

T = TypeVar("T")

blueprint = Blueprint("web", __name__)


@blueprint.app_context_processor
def _page_facts() -> dict[str, Any]:
    """Return what every rendering of the page needs."""
    settings, model_file = _settings(), _loader().model_file
    labels = model_file.metadata.labels
    takes_reference = model_file.features.relative
    return {
        "emoji": EMOJI,
        "warning_words": WARNINGS,
        "plane": dict(zip(labels, arousal_valence_of(labels) or [], strict=False)),
        "max_upload_mb": settings.max_upload_mb,
        "takes_reference": takes_reference,
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
    return render_template("index.html", answer=_predict())


@blueprint.post("/predict")
def predict() -> Response:
    """Answer as JSON."""
    return jsonify(_predict())


@blueprint.post("/reference")
def reference() -> Response:
    """Answer with the text of a reference, which the field `reference` of `/predict` takes."""

    def work(predictor: Predictor, on_stage: OnStage, deadline: float) -> Reference:
        files = read_reference_files(request, _settings())
        return _read_reference(predictor, files, on_stage, deadline)

    made = _in_queue(work)
    current_record().audio_s = made.seconds
    answer = {"reference": made.to_text(), "seconds": round(made.seconds, 2)}
    return jsonify(answer | _model_and_id())


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
    return Response(model_card(_loader().model_file), mimetype="text/plain")


@blueprint.get("/metrics")
def metrics() -> Response:
    """Return the metrics, of all copies, for Prometheus."""
    return Response(_metrics().to_text(), content_type=CONTENT_TYPE)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Return the OpenAPI document."""
    model_file = _loader().model_file
    labels, takes_reference = model_file.metadata.labels, model_file.features.relative
    return jsonify(describe(_settings(), labels, takes_reference=takes_reference))


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
    settings = _settings()

    def work(predictor: Predictor, on_stage: OnStage, deadline: float) -> Prediction:
        upload = read_upload(request, settings)
        made = None
        if upload.reference:
            made = _read_reference(predictor, upload.reference, on_stage, deadline)
            upload.reference = None  # it may be as large as an upload
        return predictor.predict(
            upload.files.pop(),
            reference=made,
            max_seconds=settings.max_seconds,
            timeout_s=_seconds_until(deadline),
            on_stage=on_stage,
        )

    answer = _in_queue(work)
    current_record().audio_s = answer.duration
    return answer.to_dict() | _model_and_id()


def _in_queue(work: Callable[[Predictor, OnStage, float], T]) -> T:
    """Return what `work` returns; a thread of the queue calls it.

    It reads the upload itself: one that waits in the queue is not in memory.

    Args:
        work: called with the predictor, what is to be told of stages, and the `time.monotonic`
            until which it may decode.
    """
    predictor, settings, metrics, record = _predictor(), _settings(), _metrics(), current_record()
    started = time.monotonic()

    def on_stage(stage: str, seconds: float) -> None:
        record.stages[stage] = seconds
        metrics.count_stage(stage, seconds)

    def call() -> T:
        on_stage("queue", time.monotonic() - started)
        return work(predictor, on_stage, record.received_at + settings.timeout_s)

    return _predictions().run(call, received_at=record.received_at, timeout_s=settings.timeout_s)


def _read_reference(
    predictor: Predictor, given: str | list[bytes], on_stage: OnStage, deadline: float
) -> Reference:
    with timing("reference", on_stage), naming_field(REFERENCE_FIELD):
        return read_reference(
            predictor.model_file,
            given,
            timeout_s=_seconds_until(deadline),
            slots=predictor.long_clip_slots,
        )


def _seconds_until(deadline: float) -> float:
    return max(0.1, deadline - time.monotonic())


def _model_and_id() -> dict[str, Any]:
    model_file = _loader().model_file
    return {
        "model": {"name": model_file.metadata.name, "version": model_file.version},
        "request_id": current_record().request_id,
    }
