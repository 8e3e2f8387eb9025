from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.utils.translation import gettext_lazy as _


class BackOfficeConfig(AdminConfig):
    """Django's admin with our site in the place of its own."""

    default_site = "hitl_project.admin_site.BackOffice"


class ProjectConfig(AppConfig):
    """Gives the project its management commands and checks."""

    name = "hitl_project"
    verbose_name = _("Countersign")
