"""Similar decided cases."""

import pytest
from django.contrib.auth.models import User

from cases.erase import erase
from cases.models import Case, CaseType
from cases.models.choices import State
from feedback.fingerprints import similar, take_fingerprints
from feedback.models import Fingerprint
from review.models import Decision, Queue
from tests.factories import make_case, make_case_type, make_decision, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


@pytest.fixture
def supervisor() -> User:
    return make_user("supervisor")


def decided(case_type: CaseType, text: str, *, label: str = "refund", queue: Queue | None = None) -> Decision:
    case = make_case(case_type, state=State.CLOSED, payload={"text": text}, requester="ann")
    return make_decision(case, by=make_user("reviewer"), task=make_task(case, queue=queue), label=label)


def waiting(case_type: CaseType, text: str) -> Case:
    return make_case(case_type, state=State.IN_REVIEW, payload={"text": text})


def test_a_decided_case_is_found_with_its_answer_by_the_next_that_reads_like_it(supervisor: User) -> None:
    case_type = make_case_type()
    known = decided(case_type, "my card was charged twice", label="billing")
    decided(case_type, "the lamp came broken")
    assert take_fingerprints() == 2
    found = similar(case=waiting(case_type, "why did you take my money twice from one card"), user=supervisor)
    assert [(one.case_id, one.label, one.excerpt) for one in found] == [
        (known.case_id, "billing", "my card was charged twice")
    ]


def test_a_case_decided_since_the_last_question_is_found_too(supervisor: User) -> None:
    case_type = make_case_type()
    asked = waiting(case_type, "a broken lamp")
    assert similar(case=asked, user=supervisor) == []
    decided(case_type, "the lamp came broken")
    take_fingerprints()
    assert len(similar(case=asked, user=supervisor)) == 1


def test_what_only_the_policy_decided_is_not_shown_as_an_example(supervisor: User) -> None:
    case_type = make_case_type()
    make_decision(make_case(case_type, state=State.CLOSED, payload={"text": "a broken lamp"}))
    assert take_fingerprints() == 0


def test_nobody_is_shown_a_case_of_a_queue_that_is_not_theirs() -> None:
    case_type = make_case_type()
    decided(case_type, "a broken lamp", queue=make_queue("experts", groups=("expert",)))
    take_fingerprints()
    stranger = make_user("reviewer")
    assert similar(case=waiting(case_type, "a broken lamp"), user=stranger) == []


def test_a_case_that_is_open_again_is_left_out(supervisor: User) -> None:
    case_type = make_case_type()
    known = decided(case_type, "a broken lamp")
    take_fingerprints()
    make_task(known.case, queue=make_queue(), blind=True)
    assert similar(case=waiting(case_type, "a broken lamp"), user=supervisor) == []


def test_the_newest_decision_of_a_case_is_the_one_shown(supervisor: User) -> None:
    case_type = make_case_type()
    first = decided(case_type, "a broken lamp", label="refund")
    take_fingerprints()
    Case.objects.filter(pk=first.case_id).update(version=2)
    first.case.refresh_from_db()
    make_decision(first.case, by=make_user("reviewer"), task=make_task(first.case), label="other")
    assert take_fingerprints() == 1
    assert [one.label for one in similar(case=waiting(case_type, "broken lamp"), user=supervisor)] == ["other"]
    assert Fingerprint.objects.count() == 1


def test_an_erased_case_is_found_no_more(supervisor: User) -> None:
    case_type = make_case_type()
    decided(case_type, "a broken lamp")
    take_fingerprints()
    asked = waiting(case_type, "a broken lamp")
    assert similar(case=asked, user=supervisor)
    erase("ann", actor="test", origin="test")
    assert similar(case=asked, user=supervisor) == []


def test_another_case_type_is_another_index(supervisor: User) -> None:
    decided(make_case_type(), "a broken lamp")
    take_fingerprints()
    assert similar(case=waiting(make_case_type(), "a broken lamp"), user=supervisor) == []


def test_a_question_costs_three_queries(supervisor: User, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]  # pytest-django's fixture
    case_type = make_case_type()
    for number in range(20):
        decided(case_type, f"a broken lamp {number}")
    take_fingerprints()
    asked = waiting(case_type, "a broken lamp")
    supervisor.get_all_permissions()
    with django_assert_max_num_queries(3):
        assert len(similar(case=asked, user=supervisor)) == 5
