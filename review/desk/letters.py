"""Messages as they travel (RFC 822 and MIME), read without trusting a byte of them."""

from __future__ import annotations

import email
import email.errors
import email.header
import email.message
import re
from dataclasses import dataclass, field

HEADERS = ("From", "To", "Cc", "Reply-To", "Date", "Subject")
TELLING = frozenset({"from", "to", "subject", "date", "received", "return-path", "message-id", "mime-version"})
HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60}):[ \t]?")
LONGEST_HEADER = 2000
MOST_HEADER_LINES = 200
MOST_PARTS = 50
MOST_BOUNDARIES = 20  # the reader's work grows with their nesting


@dataclass(frozen=True, slots=True)
class Letter:
    """A message, taken apart. ``shift`` is where ``text`` begins in the message, or -1 where it was encoded."""

    headers: list[tuple[str, str]]
    text: str = ""
    html: str = ""
    shift: int = -1
    files: list[str] = field(default_factory=list)


def is_letter(text: str) -> bool:
    """Whether a text begins with the headers of a message: two or more that tell, then an empty line."""
    told = 0
    for line in text[: LONGEST_HEADER * 20].splitlines()[:MOST_HEADER_LINES]:
        if not line:
            return told > 1
        found = HEADER.match(line)
        if found is None and not line.startswith((" ", "\t")):
            return False
        told += bool(found and found[1].lower() in TELLING)
    return False


def letter_of(source: str) -> Letter | None:
    """A message from its source, or None where the standard library cannot make sense of it."""
    if source.count("boundary=") > MOST_BOUNDARIES:
        return None
    try:
        return _read(source, email.message_from_string(source))
    except Exception:  # noqa: BLE001 - the parser of hostile mail raises nearly anything; the source is shown instead
        return None


def _read(source: str, message: email.message.Message) -> Letter:
    texts: list[str] = []
    markups: list[str] = []
    files: list[str] = []
    for number, part in enumerate(message.walk()):
        if number >= MOST_PARTS or part.is_multipart():
            continue
        if part.get_content_disposition() == "attachment" or part.get_content_maintype() != "text":
            files.append(f"{_decoded(part.get_filename() or '?')} ({part.get_content_type()})")
        else:
            (markups if part.get_content_subtype() == "html" else texts).append(_text(part))
    text = "\n".join(texts)
    whole = bool(text) and source.endswith(text) and not message.is_multipart()
    return Letter(
        headers=[(name, _decoded(str(value))) for name in HEADERS for value in message.get_all(name, [])[:3]],
        text=text,
        html="\n".join(markups),
        shift=len(source) - len(text) if whole else -1,
        files=files,
    )


def _text(part: email.message.Message) -> str:
    """A part's text in the character set that it names, where there is such a one."""
    if part.get("Content-Transfer-Encoding", "7bit").lower() in ("7bit", "8bit", "binary"):
        return str(part.get_payload())
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset("utf-8"), "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _decoded(value: str) -> str:
    """A header in readable characters, on one line."""
    short = " ".join(value[:LONGEST_HEADER].split())
    try:
        return str(email.header.make_header(email.header.decode_header(short)))
    except (ValueError, LookupError, email.errors.HeaderParseError):
        return short
