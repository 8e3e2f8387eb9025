"""The text model by itself: what it learns, what it refuses, what it shows, and what files it will not read."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.classifiers import model_file, text_training
from cases.classifiers.calibration import best_temperature, expected_calibration_error, probabilities, scope_mark
from cases.classifiers.ngrams import MAX_CHARACTERS, chunks, units_of
from cases.classifiers.text_model import ModelFileError, NotEnoughExamples, TextModel, TrainingFailed

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "banking77_dev.csv"
SUBJECTS = {
    "refund": ["give me my money back", "please refund order {n}", "I want a refund for the broken lamp {n}"],
    "delivery": ["where is parcel {n}", "the courier has not delivered order {n}", "delivery of my parcel is late"],
    "password": ["I cannot log in, reset my password", "password {n} is not accepted", "locked out of my account"],
}


def examples(per_label: int = 30, *, subjects: dict[str, list[str]] = SUBJECTS) -> tuple[list[str], list[str]]:
    polite = ["", "Hello, ", "Dear team, ", "Hi there! "]
    rows = [
        (polite[n % 4] + sentences[n % len(sentences)].format(n=100 + n), label)
        for label, sentences in subjects.items()
        for n in range(per_label)
    ]
    random.Random(5).shuffle(rows)
    return [text for text, _ in rows], [label for _, label in rows]


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


def test_a_text_of_one_endless_word_is_taken_in_pieces() -> None:
    units = units_of("x" * 1_000)
    assert [unit.end - unit.start for unit in units] == [40] * 25


def test_batches_of_long_texts_are_cut_smaller_and_none_is_lost() -> None:
    texts = ["a" * 30_000] * 50 + ["b"] * 3_000
    runs = [list(run) for run in chunks(texts)]
    assert [text for run in runs for text in run] == texts
    assert max(len(run) for run in runs) == 1_000
    assert len(runs[0]) == 20


@given(st.text(max_size=200))
def test_units_stand_where_they_say(text: str) -> None:
    units = units_of(text)
    assert all(text[unit.start : unit.end] == unit.written for unit in units)
    assert all(one.end <= other.start for one, other in pairwise(units))


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
        "import hashlib; from tests.test_cases_text_model import TextModel, examples;"
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


# ── Calibration ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_perfectly_honest_model_has_hardly_any_calibration_error() -> None:
    draws = np.random.default_rng(1)
    sure = draws.uniform(0.3, 1, 50_000)
    assert expected_calibration_error(sure, draws.uniform(size=50_000) < sure) < 0.01


def test_a_boastful_model_has_the_calibration_error_of_its_boast() -> None:
    assert expected_calibration_error([0.9] * 100, [True] * 60 + [False] * 40) == pytest.approx(0.3, abs=0.2)
    assert expected_calibration_error([0.9] * 100, [True, False] * 50, bins=1) == pytest.approx(0.4)
    assert expected_calibration_error([], []) == 0


def test_the_temperature_of_scores_made_three_times_too_small_is_a_third() -> None:
    draws = np.random.default_rng(2)
    scores = draws.normal(size=(20_000, 5)) * 2
    chances = probabilities(scores)
    truth = (chances.cumsum(axis=1) > draws.uniform(size=(20_000, 1))).argmax(axis=1)
    assert best_temperature(scores / 3, truth) == pytest.approx(1 / 3, rel=0.05)


def test_a_few_examples_that_all_went_well_make_nobody_certain(model: TextModel) -> None:
    guesses = model.predict([text * 5 for text in examples()[0]])
    assert model.report["accuracy"] == 1
    assert max(guess.confidence for guess in guesses) <= 1 - 1 / 92
    right = np.zeros(20, dtype=np.int64)
    scores = np.tile([2.0, 1.0], (20, 1))
    assert probabilities(scores, temperature=best_temperature(scores, right))[0, 0] == pytest.approx(
        1 - 1 / 44, abs=0.01
    )


def test_the_mark_lets_few_within_scope_be_mistaken() -> None:
    within = np.linspace(0, 1, 1_001)
    assert (within < scope_mark(within)).mean() == pytest.approx(0.05, abs=0.002)
    assert scope_mark([0.6, 0.7, 0.8], [0.1, 0.2, 0.3]) == pytest.approx(0.6)
    assert scope_mark([]) == 0


# ── The file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def remade(data: bytes, **parts: bytes | None) -> bytes:
    """A model file with parts replaced, left out or added, under a checksum that is true."""
    start = len(model_file._START) + model_file._DIGEST
    with zipfile.ZipFile(io.BytesIO(data[start:])) as archive:
        content: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    content |= {name.replace("__", "."): part for name, part in parts.items()}
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in content.items():
            if part is not None:
                archive.writestr(name, part)
    return sealed(body.getvalue())


def sealed(content: bytes) -> bytes:
    return model_file._START + hashlib.sha256(content).digest() + content


def header(model: TextModel, **changes: object) -> bytes:
    start = len(model_file._START) + model_file._DIGEST
    with zipfile.ZipFile(io.BytesIO(model.dumps()[start:])) as archive:
        return json.dumps(json.loads(archive.read("model.json")) | changes).encode()


def array(values: object, kind: str = "<f4") -> bytes:
    written = io.BytesIO()
    np.save(written, np.asarray(values, dtype=kind))
    return written.getvalue()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x04\x95pickle", b"{}", b"countersign", b"\x00" * 1_000])
def test_foreign_bytes_are_no_model_file(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="not a model file"):
        TextModel.loads(data)


def test_a_file_of_another_version_says_so(model: TextModel) -> None:
    with pytest.raises(ModelFileError, match="another version"):
        TextModel.loads(model.dumps().replace(b"model 1\n", b"model 2\n", 1))


def test_a_file_cut_short_or_changed_anywhere_is_refused(model: TextModel) -> None:
    data = model.dumps()
    for size in (30, 60, len(data) // 2, len(data) - 1):
        with pytest.raises(ModelFileError, match="damaged or cut short"):
            TextModel.loads(data[:size])
    for at in range(30, len(data), len(data) // 50):
        with pytest.raises(ModelFileError, match="damaged"):
            TextModel.loads(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_hostile_parts_under_a_true_checksum_are_refused(model: TextModel) -> None:
    data, width, labels = model.dumps(), len(model.vocabulary.numbers), len(model.labels)
    pickled = io.BytesIO()
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    huge = array([0.0] * 8).replace(b"(8,)", b"(8888888888888,)").replace(b" " * 13 + b"\n", b"\n", 1)
    cases: list[tuple[dict[str, bytes | None], str]] = [
        ({"model__json": b"[" * 100_000}, "not JSON"),
        ({"model__json": b"not json"}, "not JSON"),
        ({"model__json": b"[]"}, "not an object"),
        ({"model__json": None}, "must hold exactly"),
        ({"evil__pkl": b"x"}, "must hold exactly"),
        ({"idf__npy": b"nothing like it"}, "no array"),
        ({"idf__npy": pickled.getvalue()}, "32-bit numbers"),
        ({"idf__npy": array([0.0] * width, "<f8")}, "32-bit numbers"),
        ({"idf__npy": array([[0.0]])}, "1 dimensions"),
        ({"idf__npy": huge}, "array|size"),
        ({"idf__npy": array([0.0] * width)[:-4]}, "size it claims"),
        ({"idf__npy": array([np.nan] * width)}, "no training yields"),
        ({"idf__npy": array([3e38] * width)}, "no training yields"),
        ({"idf__npy": array([0.0] * (width + 1))}, "fit each other"),
        ({"weights__npy": array(np.zeros((width, labels + 1)))}, "do not fit its weights"),
        ({"bias__npy": array([0.0] * (labels + 1))}, "fit each other"),
        ({"model__json": header(model, labels=["a", "b", 3])}, "labels .* not a list of texts"),
        ({"model__json": header(model, labels=["a", "a", "b"])}, "labels .* repeats"),
        ({"model__json": header(model, features=["x"] * width)}, "features .* repeats"),
        ({"model__json": header(model, features=["x"])}, "do not fit"),
        ({"model__json": header(model, temperature=0)}, "temperature"),
        ({"model__json": header(model, temperature=float("nan"))}, "temperature"),
        ({"model__json": header(model, temperature=True)}, "temperature"),
        ({"model__json": header(model, ceiling=1.7)}, "ceiling"),
        ({"model__json": header(model, scope_mark="high")}, "scope_mark"),
    ]
    for parts, told in cases:
        with pytest.raises(ModelFileError, match=told):
            TextModel.loads(remade(data, **parts))


def test_a_zip_that_lies_or_is_none_is_refused() -> None:
    with pytest.raises(ModelFileError, match="cannot be unpacked"):
        TextModel.loads(sealed(b"no zip at all"))


def test_a_zip_bomb_is_unpacked_no_further_than_the_limit(model: TextModel, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = remade(model.dumps(), idf__npy=b"\x00" * 20_000_000)
    monkeypatch.setattr(model_file, "MAX_BYTES", 2_000_000)
    assert len(bomb) < 2_000_000
    with pytest.raises(ModelFileError, match="larger than"):
        TextModel.loads(bomb)
    with pytest.raises(ModelFileError, match="at most"):
        TextModel.loads(b"x" * 2_000_001)


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
