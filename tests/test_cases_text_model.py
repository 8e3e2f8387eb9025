"""The text model by itself: what it learns, what it refuses, what it shows, and what files it will not read."""

from __future__ import annotations

import csv
import hashlib
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cases.classifiers import text_training
from cases.classifiers.calibration import expected_calibration_error
from cases.classifiers.ngrams import MAX_CHARACTERS
from cases.classifiers.text_model import NotEnoughExamples, TextModel, TrainingFailed
from tests.letters import SUBJECTS, examples

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "banking77_dev.csv"


@pytest.fixture(scope="module")
def model() -> TextModel:
    return TextModel.fit(*examples(), seed=1)


def test_it_learns_to_tell_labels_apart(model: TextModel) -> None:
    guesses = model.predict(["a refund, please", "where does my parcel stay", "password reset"])
    assert [guess.label for guess in guesses] == ["refund", "delivery", "password"]
    assert all(0.5 < guess.confidence <= 1 for guess in guesses)


def test_alternatives_are_the_other_labels_likeliest_first(model: TextModel) -> None:
    (guess,) = model.predict(["refund my parcel"])
    others = [label for label, _ in guess.alternatives]
    chances = [chance for _, chance in guess.alternatives]
    assert {guess.label, *others} == set(SUBJECTS)
    assert guess.label not in others
    assert chances == sorted(chances, reverse=True)
    assert 0.9 < guess.confidence + sum(chances) <= 1.00001


def test_batches_and_single_texts_get_the_same_guesses(model: TextModel) -> None:
    texts, _ = examples()
    together = model.predict(texts)
    alone = [model.predict([text])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert (one.label, one.out_of_scope) == (other.label, other.out_of_scope)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-4)
        assert [span[:2] for span in one.evidence] == [span[:2] for span in other.evidence]


def test_evidence_points_at_the_words_that_spoke(model: TextModel) -> None:
    text = "Good morning! As I said on Monday: I want a REFUND, thank you."
    (guess,) = model.predict([text])
    best = guess.evidence[0]
    assert "REFUND" in text[best.start : best.end]
    assert 0 < best.weight <= 1
    assert sum(span.weight for span in guess.evidence) <= 1.01


def test_offsets_are_those_of_the_original_text_even_where_folding_changes_its_length(model: TextModel) -> None:
    text = "İİİ Straße ﬁﬁ ＡＢＣ e\u0301te\u0301 👩‍👩‍👧 — please RefUnd this"
    (guess,) = model.predict([text])
    assert any("RefUnd" in text[span.start : span.end] for span in guess.evidence)


def test_evidence_is_left_out_where_nobody_asks_for_it(model: TextModel) -> None:
    with_it, without = model.predict(["refund me"])[0], model.predict(["refund me"], evidence=False)[0]
    assert with_it.evidence
    assert without == with_it._replace(evidence=[])


@pytest.mark.parametrize("text", ["", "   \n\t", "\x00", "漢字", "\ud800", "🙂" * 50])
def test_a_text_in_which_nothing_is_known_is_out_of_scope_at_confidence_0(model: TextModel, text: str) -> None:
    (guess,) = model.predict([text])
    assert guess.label in SUBJECTS
    assert (guess.confidence, guess.raw, guess.out_of_scope) == (0, 0, True)
    assert guess.evidence == []
    assert guess.alternatives == []


def test_a_text_unlike_all_examples_is_out_of_scope_and_a_plain_one_is_not(model: TextModel) -> None:
    strange, plain = model.predict(["qualified quinces quietly quarrel by xylophone", "please refund order 7"])
    assert strange.out_of_scope
    assert not plain.out_of_scope
    assert strange.raw < plain.raw


def test_no_texts_get_no_guesses(model: TextModel) -> None:
    assert model.predict([]) == []


def test_a_very_long_text_is_read_up_to_the_limit(model: TextModel) -> None:
    filler = "zzz " * (MAX_CHARACTERS // 4)
    inside, beyond = model.predict(["please refund order 7 " + filler, filler + " please refund order 7"])
    assert inside.label == "refund"
    assert beyond.out_of_scope
    assert all(span.end <= MAX_CHARACTERS for span in inside.evidence + beyond.evidence)


def test_labels_that_are_not_allowed_are_never_guessed(model: TextModel) -> None:
    (free,) = model.predict(["please refund order 7"])
    (masked,) = model.predict(["please refund order 7"], allowed={"delivery", "password", "brand new"})
    assert free.label == "refund"
    assert masked.label in {"delivery", "password"}
    assert [label for label, _ in masked.alternatives] == sorted({"delivery", "password"} - {masked.label})
    assert 0.9 < masked.confidence + masked.alternatives[0][1] <= 1.00001
    assert masked.out_of_scope, "what reads like a label that is gone is like none of those left"


def test_asking_only_for_unknown_labels_is_an_error(model: TextModel) -> None:
    with pytest.raises(ValueError, match="none of the allowed"):
        model.predict(["refund"], allowed={"brand new"})


def test_the_same_examples_and_seed_give_the_same_bytes_in_another_process(model: TextModel) -> None:
    code = (
        "import hashlib; from cases.classifiers.text_model import TextModel; from tests.letters import examples;"
        "print(hashlib.sha256(bytes_of(TextModel.fit(*examples(), seed=1))).hexdigest())"
    )
    code = "import json\n" + code.replace("bytes_of(", "(lambda m: (m.report.pop('seconds'), m.dumps())[1])(")
    mine = TextModel.loads(model.dumps())
    mine.report.pop("seconds")
    command = [sys.executable, "-c", code]
    root = Path(__file__).resolve().parent.parent
    said = subprocess.run(command, cwd=root, env={"PYTHONHASHSEED": "77"}, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == hashlib.sha256(mine.dumps()).hexdigest()


def test_a_model_read_back_guesses_exactly_the_same(model: TextModel) -> None:
    texts, _ = examples()
    again = TextModel.loads(model.dumps())
    assert again.predict(texts) == model.predict(texts)
    assert (again.labels, again.report) == (model.labels, model.report)
    assert again.dumps() == model.dumps()


def test_the_report_says_how_it_did_on_examples_held_out(model: TextModel) -> None:
    assert model.report["examples"] == 90
    assert model.report["labels"] == {"delivery": 30, "password": 30, "refund": 30}
    assert model.report["accuracy"] > 0.9
    assert model.report["calibration_error"] <= model.report["calibration_error_raw"]


@pytest.mark.parametrize(
    ("texts", "labels", "told"),
    [
        ([], [], "0 labelled examples"),
        (["one text"], ["refund"], "1 labelled examples"),
        (["please refund"] * 19, ["refund"] * 10 + ["delivery"] * 9, "at least 20"),
        (["please refund"] * 40, ["refund"] * 40, "at least 2 labels"),
        ([f"text {n}" for n in range(40)], ["refund"] * 39 + ["delivery"], "at least 2 labels"),
        ([""] * 40, ["refund", "delivery"] * 20, "no words"),
    ],
    ids=["none", "one", "too few", "one label", "one label and a single", "empty texts"],
)
def test_too_little_to_learn_from_is_refused(texts: list[str], labels: list[str], told: str) -> None:
    with pytest.raises(NotEnoughExamples, match=told):
        TextModel.fit(texts, labels, seed=1)


def test_texts_and_labels_must_be_equally_many() -> None:
    with pytest.raises(ValueError, match="20 texts but 19 labels"):
        TextModel.fit(["x"] * 20, ["y"] * 19, seed=1)


def test_labels_with_one_or_two_examples_do_not_break_learning() -> None:
    texts, labels = examples(20)
    texts += ["a complaint about noise", "invoice copy wanted", "send the invoice again"]
    labels += ["complaint", "invoice", "invoice"]
    model = TextModel.fit(texts, labels, seed=3)
    assert set(model.labels) == {*SUBJECTS, "complaint", "invoice"}
    assert model.predict(["the invoice again, a copy"])[0].label == "invoice"


def test_two_labels_are_enough() -> None:
    subjects = {label: SUBJECTS[label] for label in ("refund", "delivery")}
    model = TextModel.fit(*examples(20, subjects=subjects), seed=3)
    guesses = model.predict(["please refund order 9", "where is my parcel"])
    assert [guess.label for guess in guesses] == ["refund", "delivery"]


def test_labels_that_have_nothing_to_do_with_the_texts_are_refused() -> None:
    texts, _ = examples(100)
    labels = random.Random(3).choices(["a", "b", "c"], k=len(texts))
    with pytest.raises(TrainingFailed, match="always guessing"):
        TextModel.fit(texts, labels, seed=1)


def test_a_solver_that_stops_at_once_is_made_to_try_harder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_training, "_TOLERANCES", (1e9, 1e-4))
    monkeypatch.setattr(text_training, "_STRENGTH", 20.0)
    assert TextModel.fit(*examples(), seed=1).report["accuracy"] > 0.9


def test_a_model_that_has_not_learnt_its_own_examples_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_training, "_STRENGTH", 1e-9)
    with pytest.raises(TrainingFailed):
        TextModel.fit(*examples(), seed=1)


def test_a_rare_label_well_told_is_worth_having_though_most_examples_have_the_other() -> None:
    said = np.array([0] * 95 + [1] * 4 + [0], dtype=np.int64)
    truth = np.array([0] * 95 + [1] * 5, dtype=np.int64)
    assert text_training._better_than_guessing(said, truth)
    assert not text_training._better_than_guessing(np.zeros(100, dtype=np.int64), truth)


def test_known_strangers_place_the_mark_between_the_two() -> None:
    texts, labels = examples()
    strangers = ["the weather in May is lovely", "how tall is the tower", "sing me a song", "who won the match"]
    model = TextModel.fit(texts, labels, seed=1, out_of_scope=strangers)
    assert all(guess.out_of_scope for guess in model.predict(strangers))
    assert np.mean([guess.out_of_scope for guess in model.predict(texts)]) < 0.1


def test_words_of_many_scripts_are_learnt() -> None:
    subjects = {
        "退款": ["请退款给我 {n}", "我要退款", "订单{n}退款"],
        "ส่งของ": ["พัสดุอยู่ที่ไหน {n}", "ยังไม่ได้รับพัสดุ", "พัสดุล่าช้า {n}"],
        "पासवर्ड": ["मेरा पासवर्ड {n} काम नहीं करता", "पासवर्ड बदलें", "पासवर्ड भूल गया"],
    }
    model = TextModel.fit(*examples(20, subjects=subjects), seed=1)
    (guess,) = model.predict(["我想退款"])
    assert guess.label == "退款"
    assert "退款" in "我想退款"[guess.evidence[0].start : guess.evidence[0].end]
    assert model.predict(["पासवर्ड"])[0].label == "पासवर्ड"


# ── Real texts ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not DATA.exists(), reason=f"the banking77 texts are not at {DATA}")
def test_on_real_texts_it_is_right_and_as_sure_as_it_is_right() -> None:
    with DATA.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    random.Random(11).shuffle(rows)
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    guesses = (model := TextModel.fit(texts[:4_000], labels[:4_000], seed=11)).predict(texts[4_000:])
    right = [guess.label == label for guess, label in zip(guesses, labels[4_000:], strict=True)]
    error = expected_calibration_error([guess.confidence for guess in guesses], right)
    assert np.mean(right) >= 0.87
    assert error <= 0.03
    assert error * 3 <= expected_calibration_error([guess.raw for guess in guesses], right)
    sure = [ok for guess, ok in zip(guesses, right, strict=True) if guess.confidence >= 0.8]
    assert np.mean(sure) >= np.mean([guess.confidence for guess in guesses if guess.confidence >= 0.8]) - 0.01
    assert sum(bool(guess.evidence) for guess in guesses) >= 0.99 * len(guesses)
    assert len(model.dumps()) < 10_000_000
