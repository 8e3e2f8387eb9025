"""The files that come with made-up cases: photographs, scanned receipts and plain PDF pages, made when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass

SIZE, LEADING, TOP, LEFT = 10, 14, 780, 56
PAGE = "595 842"  # A4 in points


@dataclass(frozen=True, slots=True)
class Paper:
    """A file by its recipe: a ``page`` (PDF) or a ``receipt`` (picture) of these lines, or a ``photo`` of damage.

    A photo's lines are the kind of product and its flaw. ``seed`` varies how a picture turns out.
    """

    name: str
    kind: str
    lines: tuple[str, ...]
    seed: int = 0

    @property
    def content_type(self) -> str:
        return "application/pdf" if self.kind == "page" else "image/png"

    def content(self) -> bytes:
        """The bytes of the file; the same every time."""
        if self.kind == "page":
            return pdf(self.lines)
        from hitl_project.demo import drawing, photographs  # drawing needs numpy, and few ever draw

        if self.kind == "receipt":
            return drawing.receipt(self.lines, seed=self.seed)
        return photographs.damage(self.lines[0], self.lines[1], seed=self.seed)


def pdf(lines: tuple[str, ...]) -> bytes:
    """One page of text as a PDF that every reader opens; the first line is its heading."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE}] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>".encode(),
        _stream(_drawn(lines)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    return _assembled(objects)


def _drawn(lines: tuple[str, ...]) -> bytes:
    heading, *rest = lines or ("",)
    rows = [b"BT /F2 15 Tf %d %d Td (%s) Tj ET" % (LEFT, TOP, _quoted(heading))]
    for number, line in enumerate(rest, start=2):
        rows.append(b"BT /F1 %d Tf %d %d Td (%s) Tj ET" % (SIZE, LEFT, TOP - number * LEADING, _quoted(line)))
    return b"\n".join(rows)


def _quoted(text: str) -> bytes:
    plain = text.encode("cp1252", "replace")
    return plain.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content)


def _assembled(objects: list[bytes]) -> bytes:
    """The objects with the table of their places, which a PDF ends with."""
    body, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, written in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, written)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    return body + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (count, table, count, len(body))
    )
