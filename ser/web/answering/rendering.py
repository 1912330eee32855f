"""Answers in the form that was asked for."""

from typing import Any

from flask import Response, jsonify

from ser.timeline import TIMELINE_FORMS, Table, timeline_of
from ser.timeline.table import csv_text
from ser.web import current
from ser.web.answering.answer import Answer, Result
from ser.web.answering.options import JSON
from ser.web.errors import Failure
from ser.web.request_log import current_record

WARNINGS_HEADER = "X-Warnings"


def render(answer: Answer) -> Response:
    """Return the response."""
    if len(answer.results) > 1:
        return _several(answer)
    (result,) = answer.results
    assert not isinstance(result, Failure)  # noqa: S101 - of one file, it is the response
    if answer.options.form == JSON:
        return jsonify(answer_data(result))
    form = TIMELINE_FORMS[answer.options.form]
    timeline = timeline_of(result)
    response = _text(form.write(timeline), form.media_type)
    if timeline.warnings:
        response.headers[WARNINGS_HEADER] = ", ".join(timeline.warnings)
    return response


def answer_data(result: Result) -> dict[str, Any]:
    """Return the answer for a file as plain data."""
    return result.to_dict() | current.model_and_id()


def _several(answer: Answer) -> Response:
    if answer.options.form == JSON:
        return jsonify(results=[_data(result) for result in answer.results])
    labels = current.loader().model_file.metadata.labels
    table = Table(labels, channels=answer.options.separate, files=True)
    rows = [table.header]
    for number, result in enumerate(answer.results, start=1):
        if isinstance(result, Failure):
            rows.append(table.error_row(file=str(number), error=f"{result.code}: {result.message}"))
        else:
            rows += table.rows(timeline_of(result), file=str(number))
    return _text(csv_text(rows), TIMELINE_FORMS["csv"].media_type)


def _data(result: Result | Failure) -> dict[str, Any]:
    if isinstance(result, Failure):
        return result.to_dict(current_record().request_id)
    return answer_data(result)


def _text(text: str, media_type: str) -> Response:
    return Response(text, content_type=f"{media_type}; charset=utf-8")
