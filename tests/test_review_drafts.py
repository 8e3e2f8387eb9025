"""Drafts: what was typed and not sent comes back to the one who typed it, and to nobody else."""

from __future__ import annotations

import pytest

from cases.erase import erase
from cases.errors import Conflict, Invalid, Missing
from cases.models.choices import State
from review import claims, drafts, handing, holding, notes
from review.decide import Answer, decide
from review.models import Draft, Note, Notice, ReviewTask, Skip
from review.shown import digest_of
from tests.factories import make_case, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def test_a_draft_is_kept_once_per_person_and_shown_to_nobody_else() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    task = make_task(claimed_by=user)
    drafts.keep(task.pk, user=user, case_version=1, fields={"output.label": ["billing"]})
    at = drafts.keep(task.pk, user=user, case_version=1, fields={"output.label": ["other"], "note": ["a\x00\ud800"]})
    draft = drafts.draft_of(task, user)
    assert draft is not None
    assert (draft.fields, draft.saved_at) == ({"output.label": ["other"], "note": ["a?"]}, at)
    assert drafts.draft_of(task, other) is None


def test_a_draft_outlives_the_lease() -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    ReviewTask.objects.update(lease_until="2020-01-01T00:00Z")
    claims.note_expired()
    drafts.keep(task.pk, user=user, case_version=1, fields={"output.label": ["billing"]})
    claims.claim(task.pk, user=user, origin="test")
    assert drafts.draft_of(task, user) is not None


def test_a_draft_goes_with_the_decision() -> None:
    user = make_user("reviewer")
    case = make_case(state=State.IN_REVIEW)
    prediction = make_prediction(case)
    task = make_task(case, claimed_by=user)
    for person in (user, make_user("reviewer")):
        drafts.keep(task.pk, user=person, case_version=1, fields={"output.label": ["billing"]})
    digest = digest_of(task, case, prediction)
    decide(task.pk, user=user, lease_token=1, digest=digest, answer=Answer("approve"), origin="test")
    assert not Draft.objects.exists()
    with pytest.raises(Conflict):
        drafts.keep(task.pk, user=user, case_version=1, fields={})


def test_starting_over_throws_ones_own_draft_away() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    task = make_task()
    for person in (user, other):
        drafts.keep(task.pk, user=person, case_version=1, fields={"note": ["x"]})
    drafts.start_over(task.pk, user=user)
    assert (drafts.draft_of(task, user), drafts.draft_of(task, other) is None) == (None, False)


def test_a_draft_has_bounds_and_belongs_to_a_task_one_could_do() -> None:
    user = make_user("reviewer")
    task = make_task()
    with pytest.raises(Invalid):
        drafts.keep(task.pk, user=user, case_version=1, fields={"note": ["x" * drafts.LONGEST]})
    with pytest.raises(Invalid):
        drafts.keep(task.pk, user=user, case_version=1, fields={f"output.{n}": [""] for n in range(600)})
    elsewhere = make_task(queue=make_queue("elsewhere", groups=("expert",)))
    with pytest.raises(Missing):
        drafts.keep(elsewhere.pk, user=user, case_version=1, fields={})


def test_erasing_a_case_forgets_all_that_people_wrote_about_it() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    case = make_case(state=State.IN_REVIEW, requester="customer-7")
    task = make_task(case, claimed_by=user)
    kept = make_task(claimed_by=user)
    for one in (task, kept):
        notes.write(one.case_id, author=user, text=f"@{other.username} he is ill", origin="test")
        drafts.keep(one.pk, user=user, case_version=1, fields={"note": ["he is ill"]})
        holding.skip(one.pk, user=user, lease_token=1, reason="he is my uncle", origin="test")
    again = claims.claim(task.pk, user=user, origin="test")
    holding.hold(task.pk, user=user, lease_token=again.lease_token, reason="he is ill", origin="test")
    erase("customer-7", actor="test", origin="test")
    assert list(Note.objects.values_list("case_id", flat=True)) == [kept.case_id]
    assert list(Notice.objects.values_list("case_id", flat=True)) == [kept.case_id]
    assert list(Draft.objects.values_list("task_id", flat=True)) == [kept.pk]
    assert list(Skip.objects.values_list("task_id", flat=True)) == [kept.pk]
    task.refresh_from_db()
    assert task.hold_reason == ""
    assert handing.waiting_for(user).count() == 0
