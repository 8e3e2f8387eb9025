"""Files that come with a case: checked, stored under a name nobody can guess, and handed out so that nothing in them runs."""

from __future__ import annotations

import hashlib
import secrets

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse
from django.utils.translation import gettext as _

from cases.access import demand
from cases.audit import journal
from cases.errors import Conflict, Missing, TooLarge
from cases.file_kinds import INLINE, PDF, clean_name, kind_of, refused
from cases.models import Attachment, Case
from cases.models.choices import State

MOST_BYTES = 10 * 1024 * 1024
MOST_FILES = 20


def attach(case: Case, upload: UploadedFile[bytes], *, user: User, origin: str) -> tuple[Attachment, bool]:
    """Keep a file with a case and tell whether it is new; the same bytes again are recognised.

    Raises: Forbidden, Missing, Invalid for a kind that is not taken, TooLarge, Conflict once the case has ended.
    """
    demand(user, "cases.add_attachment", case, see="cases.view_case")
    content = _content(upload)
    kind = kind_of(content, name=upload.name or "")
    digest = hashlib.sha256(content).hexdigest()
    known = Attachment.objects.filter(case=case, sha256=digest).first()
    if known is not None:
        return known, False
    attachment = Attachment(
        case=case,
        name=clean_name(upload.name or "", kind=kind),
        content_type=kind.content_type,
        size=len(content),
        sha256=digest,
    )
    attachment.file.save(secrets.token_hex(16), ContentFile(content), save=False)
    return _keep(attachment, user=user, origin=origin)


def _content(upload: UploadedFile[bytes]) -> bytes:
    if (upload.size or 0) > MOST_BYTES:
        message = _("At most %(limit)d bytes.") % {"limit": MOST_BYTES}
        raise TooLarge(_("The file is too large."), errors={"file": [message]})
    content: bytes = upload.read()
    if not content:
        raise refused(_("The file is empty."))
    return content


def _keep(attachment: Attachment, *, user: User, origin: str) -> tuple[Attachment, bool]:
    """Write the row; a file whose row is not kept is not kept either."""
    try:
        with journal(actor=user, origin=origin) as log:
            _check_room(attachment.case_id)
            kept, made = Attachment.objects.get_or_create(
                case_id=attachment.case_id, sha256=attachment.sha256, defaults=_values(attachment)
            )
            if made:
                told = {"sha256": kept.sha256, "size": kept.size, "content_type": kept.content_type}
                log("attachment.added", case_id=kept.case_id, subject=kept, data=told)
    except BaseException:
        attachment.file.delete(save=False)
        raise
    if not made:
        attachment.file.delete(save=False)
    kept.refresh_from_db()
    return kept, made


def _check_room(case_id: int) -> None:
    state = Case.objects.select_for_update().values_list("state", flat=True).get(pk=case_id)
    if state in (State.CLOSED, State.CANCELLED):
        raise Conflict(_("The case has ended; nothing is added to it any more."))
    if Attachment.objects.filter(case=case_id).count() >= MOST_FILES:
        raise Conflict(_("A case holds at most %(limit)d files.") % {"limit": MOST_FILES})


def _values(attachment: Attachment) -> dict[str, object]:
    return {name: getattr(attachment, name) for name in ("file", "name", "content_type", "size")}


def download(attachment: Attachment) -> FileResponse:
    """The file as an answer. A browser shows images and PDFs in a sandbox and saves everything else; it never guesses.

    Raises: Missing where the file is gone from the storage.
    """
    inline = attachment.content_type in INLINE
    try:
        file = attachment.file.open("rb")
    except OSError as error:
        raise Missing(_("The file is not there any more.")) from error
    answer = FileResponse(
        file, as_attachment=not inline, filename=attachment.name, content_type=attachment.content_type
    )
    answer["X-Content-Type-Options"] = "nosniff"
    sandbox = "" if attachment.content_type == PDF.content_type else "; sandbox"  # browsers show no PDF in a sandbox
    answer["Content-Security-Policy"] = f"default-src 'none'; frame-ancestors 'none'{sandbox}"
    answer["Cache-Control"] = "private, no-store"
    return answer
