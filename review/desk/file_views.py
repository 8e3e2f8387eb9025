"""What a case brought along, handed out so that nothing in it runs: files, pictures, pages of PDFs, the input as a text."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cases.access import visible
from cases.errors import Refused
from cases.file_kinds import PDF
from cases.models import Attachment
from review.desk.entry import desk_page, reader
from review.desk.files import PICTURES
from review.desk.pdf_pages import page_of
from review.desk.pictures import HEAD, size_of
from review.desk.screen import read_opened
from review.desk.whole import whole_of

UNSHOWN = 422


@desk_page
@require_GET
def whole_input(request: HttpRequest, *, task_id: int) -> HttpResponseBase:
    """The whole payload and context as plain text, for inputs too long for the page."""
    case = read_opened(reader(request), task_id).case
    text = whole_of(case.payload, case.context).encode("utf-8", "replace")
    return _harmless(HttpResponse(text, content_type="text/plain; charset=utf-8"))


@desk_page
@require_GET
def attachment(request: HttpRequest, *, attachment_id: int) -> HttpResponseBase:
    """A file that came with a case, always as a download: it is hostile input."""
    found = _found(request, attachment_id)
    try:
        file = found.file.open("rb")
    except OSError:
        return _unshown(_gone(), status=404)
    return _harmless(
        FileResponse(file, as_attachment=True, filename=found.name, content_type="application/octet-stream")
    )


@desk_page
@require_GET
def picture(request: HttpRequest, *, attachment_id: int) -> HttpResponseBase:
    """A picture to be shown inside the page: of the kind that its own bytes say, and of a size that a browser can bear."""
    found = _found(request, attachment_id)
    content = _content(found)
    size = size_of(content[:HEAD], content_type=found.content_type) if found.content_type in PICTURES else None
    if size is None or not size.sane:
        return _unshown(_("The picture cannot be shown: it is damaged or too large. It can be downloaded."))
    return _harmless(HttpResponse(content, content_type=found.content_type))


@desk_page
@require_GET
def pdf_page(request: HttpRequest, *, attachment_id: int, number: int) -> HttpResponseBase:
    """A page of a PDF as a picture; ``X-Page-Count`` tells how many there are."""
    found = _found(request, attachment_id)
    if found.content_type != PDF.content_type:
        return _unshown(_("This is no PDF."))
    try:
        page = page_of(_content(found), number)
    except Refused as refusal:
        return _unshown(refusal.message, status=refusal.status)
    answer = HttpResponse(page.png, content_type="image/png")
    answer["X-Page-Count"] = str(page.of)
    return _harmless(answer)


def _found(request: HttpRequest, attachment_id: int) -> Attachment:
    rows = visible(reader(request), Attachment.objects.all(), "cases.view_attachment")
    found = rows.filter(pk=attachment_id).first()
    if found is None:
        raise Http404(_("There is no such file, or it is not yours to see."))
    return found


def _content(found: Attachment) -> bytes:
    """The bytes of a file, of which none is larger than intake lets in."""
    try:
        with found.file.open("rb") as file:
            content: bytes = file.read()
    except OSError as error:
        raise Http404(_gone()) from error
    return content


def _gone() -> str:
    return _("The file is not there any more.")


def _unshown(message: str, *, status: int = UNSHOWN) -> HttpResponseBase:
    return _harmless(HttpResponse(message, status=status, content_type="text/plain; charset=utf-8"))


def _harmless(answer: HttpResponseBase) -> HttpResponseBase:
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    answer["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer
