"""Makes an API token, and the account for it where there is none."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from cases.audit import Journal, journal
from cases.errors import Refused
from cases.tokens import issue_token

ACTOR = "create_token"


class Command(BaseCommand):
    help = "Prints a new API token; it is shown only now. The account is made if needed, without a password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--user", required=True, metavar="NAME")
        parser.add_argument("--role", metavar="ROLE", help="a group that the account is put into, such as integration")
        parser.add_argument(
            "--expires", type=int, metavar="DAYS", help="days until the token ends; without it, it does not"
        )

    def handle(self, *, user: str, role: str | None, expires: int | None, **_options: Any) -> None:
        try:
            with journal(actor=ACTOR, origin="command") as log:
                account = self._account(user, log)
                self._add_role(account, role, log)
                token = issue_token(account, expires_days=expires, actor=ACTOR, origin="command")
        except Refused as refusal:
            texts = [f"{field}: {text}" for field, messages in refusal.errors.items() for text in messages]
            raise CommandError(" ".join([refusal.message, *texts])) from None
        self.stdout.write(token)

    def _account(self, name: str, log: Journal) -> User:
        account = User.objects.filter(username=name).first()
        if account is None:
            account = User(username=name)
            account.set_unusable_password()
            self._check(account)
            account.save()
            log("account.created", subject=account, data={"account": name})
            self.stderr.write(_("The account %(name)s is new.") % {"name": name})
        if not account.is_active:
            raise CommandError(_("The account %(name)s is deactivated.") % {"name": name})
        return account

    def _check(self, account: User) -> None:
        try:
            account.full_clean()
        except ValidationError as error:
            raise CommandError(_("This is no user name: %(why)s") % {"why": " ".join(error.messages)}) from None

    def _add_role(self, account: User, role: str | None, log: Journal) -> None:
        if role is None:
            return
        group = Group.objects.filter(name=role).first()
        if group is None:
            names = ", ".join(Group.objects.order_by("name").values_list("name", flat=True))
            raise CommandError(
                _("There is no role %(role)s; choose one of: %(names)s") % {"role": role, "names": names}
            )
        account.groups.add(group)
        log("account.role_given", subject=account, data={"account": account.username, "role": role})
