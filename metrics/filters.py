"""What a report is narrowed to beside its time and case type: a queue, a mode, a version of a model.

Not every sum is kept apart by all of them; a figure whose sums are not is left out (`metrics.report.obeys`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from review.models import Policy, Queue

LONGEST = 200
SEPARATOR = "@"  # between a model and its version, as the versions are named on the page


@dataclass(frozen=True, slots=True)
class Filters:
    queue: Queue | None = None
    mode: str = ""
    version: str = ""  # model@version

    @property
    def model(self) -> tuple[str, str]:
        """Model and version."""
        name, _at, number = self.version.rpartition(SEPARATOR)
        return name, number

    @property
    def chosen(self) -> frozenset[str]:
        """The names of the filters in use."""
        given = {"queue": self.queue, "mode": self.mode, "version": self.version}
        return frozenset(name for name, value in given.items() if value)

    def words(self) -> Iterator[str]:
        """What was chosen, for a line under the title."""
        if self.queue:
            yield _("queue %(name)s") % {"name": self.queue.name}
        if self.mode:
            yield _("mode %(name)s") % {"name": Policy.Mode(self.mode).label}
        if self.version:
            yield _("model %(name)s") % {"name": version_name(*self.model)}


ALL = Filters()


def version_key(model: str, number: str) -> str:
    return f"{model}{SEPARATOR}{number}"


def version_name(model: str, number: str) -> str:
    """As people read it; a prediction that came without a name has none."""
    return f"{model or _('unnamed')} {number}".strip()


def read(query: Mapping[str, str], errors: dict[str, list[str]]) -> Filters:
    """The filters of a query; what is wrong is noted by field."""
    mode, version = query.get("mode") or "", query.get("version") or ""
    if mode and mode not in Policy.Mode.values:
        errors["mode"] = [_("Choose one of %(names)s.") % {"names": ", ".join(Policy.Mode.values)}]
    if version and (SEPARATOR not in version or len(version) > LONGEST or "\0" in version):
        errors["version"] = [_("Write model@version.")]
    queue = _queue(query.get("queue") or "", errors)
    return ALL if errors else Filters(queue, mode, version)


def _queue(key: str, errors: dict[str, list[str]]) -> Queue | None:
    if not key:
        return None
    found = Queue.objects.filter(key=key).first() if "\0" not in key else None
    if found is None:
        errors["queue"] = [_("There is no queue with this key.")]
    return found
