"""Makes the demo's people: one account each, in the group of their role."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, User

from hitl_project.demo.people import PEOPLE, Person

Hashes = dict[str, "Future[str]"]


def begin_hashing(pool: ThreadPoolExecutor) -> Hashes:
    """Hash the passwords beside other work: it is slow on purpose."""
    return {person.username: pool.submit(make_password, person.password) for person in PEOPLE}


def make_people(hashes: Hashes) -> dict[str, User]:
    """Everyone's account. One that is there already is left as it is, but for its group."""
    return {person.username: _account(person, hashes) for person in PEOPLE}


def _account(person: Person, hashes: Hashes) -> User:
    first, _, last = person.name.partition(" ")
    user, made = User.objects.get_or_create(
        username=person.username,
        defaults={"first_name": first, "last_name": last, "email": person.email, "is_staff": True},
    )
    if made:
        user.password = hashes[person.username].result()
        user.save(update_fields=["password"])
    user.groups.add(Group.objects.get(name=person.role))
    return user
