"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from cases.classifiers.calibration import best_temperature, expected_calibration_error, probabilities, scope_mark
from cases.classifiers.text_model import TextModel
from tests.letters import examples


@pytest.fixture(scope="module")
def model() -> TextModel:
    return TextModel.fit(*examples(), seed=1)


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
