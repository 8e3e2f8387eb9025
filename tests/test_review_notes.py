"""Notes beside a case: who may write, who is told, and what stays harmless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cases.errors import Forbidden, Invalid, Missing
from cases.models.choices import State
from review import notes
from review.models import Note, Notice
from tests.callers import Api
from tests.factories import make_case, make_prediction, make_queue, make_task, make_user

pytestmark = pytest.mark.django_db


def test_a_note_tells_those_it_mentions_who_may_see_the_case() -> None:
    author, other, outsider = make_user("reviewer"), make_user("reviewer"), make_user("manager")
    task = make_task(claimed_by=author)
    text = f"Ask @{other.username}. Not @{outsider.username}, nor @nobody-at-all."
    written = notes.write(task.case_id, author=author, text=text, origin="test")
    assert (written.told, written.untold) == ([other.username], [f"{outsider.username}", "nobody-at-all."])
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.case, notice.task, notice.text) == (
        other,
        "mention",
        task.case,
        task,
        written.note.text,
    )


def test_nobody_is_told_of_their_own_note() -> None:
    author = make_user("reviewer")
    task = make_task(claimed_by=author)
    notes.write(task.case_id, author=author, text=f"@{author.username} remember", origin="test")
    assert not Notice.objects.exists()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@rita and @rita again", ["rita"]),
        ("mail rita@example.org", []),
        ("(@rita) @@edith", ["rita"]),
        ("", []),
        ("@", []),
    ],
)
def test_what_counts_as_a_mention(text: str, names: list[str]) -> None:
    assert notes.mentioned(text) == names


@given(some.text())
def test_any_text_has_a_bounded_number_of_mentions_each_in_the_text(text: str) -> None:
    names = notes.mentioned(text)
    assert len(names) == len(set(names)) <= notes.MOST_NAMED
    assert all(f"@{name}" in text for name in names)


def test_who_may_not_see_the_case_may_not_write_and_who_only_sees_it_neither() -> None:
    task = make_task(queue=make_queue("elsewhere", groups=("expert",)))
    with pytest.raises(Missing):
        notes.write(task.case_id, author=make_user("reviewer"), text="hello", origin="test")
    with pytest.raises(Forbidden):
        notes.write(task.case_id, author=make_user("expert"), text="hello", origin="test")
    assert not Note.objects.exists()


def test_an_empty_or_endless_note_is_refused_and_a_hostile_one_kept_as_text() -> None:
    author = make_user("supervisor")
    task = make_task()
    for text in (" \x00\n", "x" * (notes.LONGEST + 1)):
        with pytest.raises(Invalid):
            notes.write(task.case_id, author=author, text=text, origin="test")
    hostile = "<script>alert(1)</script>\x00\ud800 \u202e"
    written = notes.write(task.case_id, author=author, text=hostile, origin="test")
    assert written.note.text == "<script>alert(1)</script>? \u202e"


def test_the_api_lists_and_writes_and_keeps_others_notes_from_a_blind_reader() -> None:
    user, supervisor = make_user("reviewer"), make_user("supervisor")
    case = make_case(state=State.IN_REVIEW)
    make_prediction(case)
    make_task(case, claimed_by=user, blind=True)
    notes.write(case.pk, author=supervisor, text="The machine says refund.", origin="test")
    api = Api(user)
    assert api.post(f"/cases/{case.pk}/notes/", {"text": "mine"}).json()["author"] == user.username
    assert [row["text"] for row in api.get(f"/cases/{case.pk}/notes/").json()["results"]] == ["mine"]
    case.tasks.update(first_answer={"label": "refund"})
    texts = [row["text"] for row in api.get(f"/cases/{case.pk}/notes/").json()["results"]]
    assert texts == ["The machine says refund.", "mine"]
    assert api.post("/cases/987654/notes/", {"text": "x"}).status_code == 404
    assert api.post(f"/cases/{case.pk}/notes/", {"text": ""}).status_code == 422
