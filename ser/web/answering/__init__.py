"""From the body of a request to the answer: `POST /predict`, `POST /` and `POST /reference`."""

from ser.web.answering.answer import answer_one, answer_upload, make_reference
from ser.web.answering.rendering import answer_data, render

__all__ = ["answer_data", "answer_one", "answer_upload", "make_reference", "render"]
