from django.contrib.admin import AdminSite
from django.utils.translation import gettext_lazy as _


class BackOffice(AdminSite):
    """The back office: Django's admin under the product's name."""

    site_title = _("Countersign")
    site_header = _("Countersign")
    index_title = _("Home")
    empty_value_display = "–"
