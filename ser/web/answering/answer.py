"""Predict what was uploaded, in a thread of the queue."""

import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

from flask import request

from ser.inference import ChannelsPrediction, Prediction, Reference, read_reference
from ser.inference.predictor import Predictor
from ser.inference.stages import OnStage, timing
from ser.web import current
from ser.web.answering.options import Options
from ser.web.answering.upload import Upload, read_one_file, read_reference_files, read_upload
from ser.web.errors import ApiError, Failure, describe, naming_field
from ser.web.request_log import current_record
from ser.web.settings import REFERENCE_FIELD

T = TypeVar("T")
Result = Prediction | ChannelsPrediction
#: Called with a file, how many seconds of it may be analysed, and when it must be decoded.
Predict = Callable[[bytes, float, float], Result]

_MIN_SECONDS_LEFT = 1.0  # of the limit of a request; less is not worth decoding a file for
# Of several files, none begins after this part of the time for a request: what is done by then
# still has to be scored and sent.
_TIME_FOR_FILES = 0.8


class Answer(NamedTuple):
    """What came of a request.

    Attributes:
        results: one for each file, in their order; where there are several files, one that
            could not be predicted is a `Failure`.
    """

    options: Options
    results: list[Result | Failure]


def answer_upload() -> Answer:
    """Predict all files of the request.

    Raises:
        ApiError, AudioError, DecoderFault: the request, or its only file, cannot be answered.
    """

    def work(predictor: Predictor, on_stage: OnStage, deadline: float) -> Answer:
        upload = read_upload(request, current.settings())
        predict = _predict_with(predictor, upload, on_stage, deadline)
        if len(upload.files) > 1:
            return Answer(upload.options, _each(upload.files, predict, deadline))
        only = predict(upload.files.pop(), current.settings().max_seconds, deadline)
        return Answer(upload.options, [only])

    answer = _in_queue(work)
    seconds = [r.duration for r in answer.results if not isinstance(r, Failure)]
    current_record().audio_s = sum(seconds)
    return answer


def answer_one() -> Result:
    """Predict the file of the page's form; errors as of `answer_upload`."""

    def work(predictor: Predictor, on_stage: OnStage, deadline: float) -> Result:
        upload = read_one_file(request, current.settings())
        predict = _predict_with(predictor, upload, on_stage, deadline)
        return predict(upload.files.pop(), current.settings().max_seconds, deadline)

    answer = _in_queue(work)
    current_record().audio_s = answer.duration
    return answer


def make_reference() -> Reference:
    """Make a reference of the files of the request; errors as of `answer_upload`."""

    def work(predictor: Predictor, on_stage: OnStage, deadline: float) -> Reference:
        files = read_reference_files(request, current.settings())
        return _read_reference(predictor, files, on_stage, deadline)

    made = _in_queue(work)
    current_record().audio_s = made.seconds
    return made


def _predict_with(
    predictor: Predictor, upload: Upload, on_stage: OnStage, deadline: float
) -> Predict:
    """Return what predicts a file of an upload as its options say."""
    reference = None
    if upload.reference:
        reference = _read_reference(predictor, upload.reference, on_stage, deadline)
        upload.reference = None  # it may be as large as an upload
    predict: Callable[..., Result] = predictor.predict
    if upload.options.separate:
        predict = predictor.predict_channels
    ask = partial(predict, reference=reference, cues=upload.cues, on_stage=on_stage)
    return lambda file, max_seconds, until: ask(
        file, max_seconds=max_seconds, timeout_s=_seconds_until(until)
    )


def _each(files: list[bytes], predict: Predict, deadline: float) -> list[Result | Failure]:
    """Predict several files, one after the other; the limits are for all of them together."""
    settings = current.settings()
    seconds_left = settings.max_seconds
    until = deadline - (1 - _TIME_FOR_FILES) * settings.timeout_s
    results: list[Result | Failure] = []
    for _ in range(len(files)):
        try:
            _check_left(seconds_left, until)
            result = predict(files.pop(0), seconds_left, until)
            seconds_left -= result.duration
            results.append(result)
        except Exception as error:
            current.metrics().count_error(error)
            # Not the error: its traceback would keep the file in memory.
            results.append(describe(error))
    return results


def _check_left(seconds: float, until: float) -> None:
    """Refuse a file for which the files before it have left nothing."""
    limit = current.settings().max_seconds
    if seconds < _MIN_SECONDS_LEFT:
        raise ApiError(
            "too_large",
            f"the files before this one hold the {limit:g} s that one request may have; send it "
            "in another request",
        )
    if time.monotonic() > until:
        raise ApiError(
            "timeout",
            "the files before this one took the time of the request; send it in another request",
        )


def _in_queue(work: Callable[[Predictor, OnStage, float], T]) -> T:
    """Return what `work` returns; a thread of the queue calls it.

    It reads the upload itself: one that waits in the queue is not in memory.

    Args:
        work: called with the predictor, what is to be told of stages, and the `time.monotonic`
            until which it may decode.
    """
    predictor, settings, metrics = current.predictor(), current.settings(), current.metrics()
    record, started = current_record(), time.monotonic()

    def on_stage(stage: str, seconds: float) -> None:
        record.stages[stage] = record.stages.get(stage, 0.0) + seconds
        metrics.count_stage(stage, seconds)

    def call() -> T:
        on_stage("queue", time.monotonic() - started)
        return work(predictor, on_stage, record.received_at + settings.timeout_s)

    return current.predictions().run(
        call, received_at=record.received_at, timeout_s=settings.timeout_s
    )


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
