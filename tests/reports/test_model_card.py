"""The model card: the shipped one, and cards of models that say little of themselves."""

from dataclasses import replace

import jinja2
import pytest

from ser.models.model_file import read_model_file
from ser.reports.model_card import model_card, write_model_card
from ser.reports.rendering import render
from ser.resources import DEFAULT_MODEL


@pytest.fixture(scope="module")
def shipped():
    return read_model_file(DEFAULT_MODEL)


def test_the_shipped_card_is_that_of_the_shipped_file(shipped):
    assert (DEFAULT_MODEL.parent / "README.md").read_text(encoding="utf-8") == model_card(shipped)


def test_a_card_is_written_beside_its_model(tmp_path, shipped):
    model = tmp_path / DEFAULT_MODEL.name
    model.write_bytes(DEFAULT_MODEL.read_bytes())
    card = write_model_card(model)
    assert card == tmp_path / "README.md"
    assert card.read_text(encoding="utf-8") == model_card(shipped)


@pytest.mark.parametrize(
    "text",
    [
        "# My project\n",
        "",
        "\xe9 in Latin-1",
        "# Model card: theirs\n\nThis is the card of `theirs.h5`, version `0123456789ab`.\n",
        f"# Model card: a\n\nThis is the card of `a {DEFAULT_MODEL.name}`, version `01`.\n",
    ],
)
def test_a_card_replaces_no_other_text(tmp_path, shipped, text):
    (tmp_path / "README.md").write_text(text, encoding="latin-1")
    model = tmp_path / DEFAULT_MODEL.name
    model.write_bytes(DEFAULT_MODEL.read_bytes())
    for _ in range(2):
        card = write_model_card(model)
        assert card == tmp_path / f"{DEFAULT_MODEL.stem}.README.md"
        assert card.read_text(encoding="utf-8") == model_card(shipped)
    assert (tmp_path / "README.md").read_text(encoding="latin-1") == text


def test_a_card_replaces_that_of_an_earlier_version(tmp_path, shipped):
    model = tmp_path / DEFAULT_MODEL.name
    model.write_bytes(DEFAULT_MODEL.read_bytes())
    write_model_card(model)
    earlier = model_card(replace(shipped, version="0123456789ab"))
    (tmp_path / "README.md").write_text(earlier, encoding="utf-8")
    assert write_model_card(model) == tmp_path / "README.md"
    assert [path.name for path in tmp_path.glob("*.md")] == ["README.md"]
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == model_card(shipped)


def test_a_model_without_scores(shipped):
    bare = replace(
        shipped.metadata, recipe="", summary="", corpora={}, split="", scores={},
        comparisons={}, versions={}, temperature=1.0,
    )  # fmt: skip
    card = model_card(replace(shipped, metadata=bare))
    assert "| recipe | not known |" in card
    assert "| training data | not known |" in card
    assert "Not measured on held-out speakers." in card
    assert "The probabilities are not calibrated." in card
    assert "in detail" not in card


def test_scores_with_a_leak_alone_are_marked(shipped):
    leaking = {"published": {**shipped.metadata.scores["corpora"], "leaks": True}}
    meta = replace(shipped.metadata, scores=leaking, comparisons={})
    card = model_card(replace(shipped, metadata=meta))
    assert "too optimistic" in card
    assert "in detail" not in card


def test_a_value_that_a_template_lacks_is_an_error():
    with pytest.raises(jinja2.UndefinedError):
        render("report.html.j2", title="no sections")


def test_corpora_that_were_left_out_come_first(shipped):
    actors = shipped.metadata.comparisons["conv1d-actors"]["actors5"]
    corpora = actors | {
        "protocol": "corpora", "accuracy": 0.4, "left_out_calibration": True,
        "certainty_by_split": {
            "emodb": {
                "certain": {"share": 0.2, "accuracy": 0.7},
                "uncertain": {"share": 0.8, "accuracy": 0.3},
            }
        },
    }  # fmt: skip
    scores = {"actors5": actors, "corpora": corpora}
    card = model_card(replace(shipped, metadata=replace(shipped.metadata, scores=scores)))
    assert "On the clips of corpora that were left out **40%** of the answers" in card
    assert "fitted on the answers for corpora that were left out" in card
    assert card.index("### `corpora` in detail") < card.index("### `actors5` in detail")
    assert "| emodb | 20.0% | 70.0% | 30.0% |" in card
