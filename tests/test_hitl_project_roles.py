"""The roles exist from the start, know their permissions, and stay as the operator left them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from hitl_project import roles
from hitl_project.roles import ROLES


def held(role: str) -> set[str]:
    rows = Group.objects.get(name=role).permissions.select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}" for row in rows}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.django_db
def test_every_role_is_a_group_with_exactly_its_permissions(role: str) -> None:
    assert held(role) == ROLES[role]


@pytest.mark.django_db(transaction=True)
def test_the_groups_survive_a_flush() -> None:
    call_command("flush", interactive=False, verbosity=0)
    assert {role: held(role) for role in ROLES} == ROLES


@pytest.mark.django_db
def test_what_an_operator_changed_stays_changed() -> None:
    group = Group.objects.get(name="reviewer")
    group.permissions.remove(Permission.objects.get(codename="raise_reviewtask"))
    group.permissions.add(Permission.objects.get(codename="view_report"))
    roles.make_groups(apps.get_app_config("cases"))
    assert held("reviewer") == ROLES["reviewer"] - {"review.raise_reviewtask"} | {"metrics.view_report"}


@pytest.mark.django_db
def test_a_permission_new_to_the_product_reaches_the_groups_that_exist() -> None:
    Permission.objects.filter(codename="raise_reviewtask").delete()
    assert "review.raise_reviewtask" not in held("reviewer")
    roles.make_groups(apps.get_app_config("metrics"))
    assert held("reviewer") == ROLES["reviewer"]
    assert "review.raise_reviewtask" not in held("manager")


@pytest.mark.django_db
def test_a_deleted_group_comes_back_whole() -> None:
    Group.objects.get(name="auditor").delete()
    roles.make_groups(apps.get_app_config("review"))
    assert held("auditor") == ROLES["auditor"]


def test_an_administrator_is_no_reviewer() -> None:
    working = {name for name in ROLES["administrator"] if "reviewtask" in name or "queues" in name}
    assert working == set()
    assert "cases.view_case" not in ROLES["administrator"]


def test_nobody_may_change_or_delete_what_happened() -> None:
    kept = ("auditevent", "auditseal", "decision", "prediction")
    verbs = {name.split(".")[1] for names in ROLES.values() for name in names}
    assert not {f"{verb}_{model}" for verb in ("add", "change", "delete") for model in kept} & verbs


@pytest.mark.django_db
def test_every_verb_that_the_code_names_is_a_permission() -> None:
    """A verb with a slip of the pen would be refused to everybody, and no other test might ask for it."""
    rows = Permission.objects.select_related("content_type")
    known = {f"{row.content_type.app_label}.{row.codename}" for row in rows}
    models = "|".join(
        model._meta.model_name or "" for model in apps.get_models() if model._meta.app_label in roles.APPS
    )
    verb = re.compile(rf"[\"']((?:{'|'.join(roles.APPS)})\.[a-z_]+_(?:{models}))[\"']")
    folders = ("cases", "review", "feedback", "metrics", "hitl_project")
    files = [path for folder in folders for path in Path(folder).rglob("*") if path.suffix in {".py", ".html"}]
    named = {(name, str(path)) for path in files for name in verb.findall(path.read_text(encoding="utf-8"))}
    assert len(named) > 50
    assert not {(name, path) for name, path in named if name not in known}
