from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class BackOfficeConfig(AdminConfig):
    """Django's admin with our site in the place of its own."""

    default_site = "hitl_project.admin_site.BackOffice"


class ProjectConfig(AppConfig):
    """Gives the project its management commands and checks."""

    name = "hitl_project"
    verbose_name = _("Countersign")

    def ready(self) -> None:
        from hitl_project.roles import make_groups

        post_migrate.connect(make_groups, dispatch_uid="hitl_project.roles")
