"""Colours and type on paper; the tones are those of `reports.css` in the light."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import reportlab
from reportlab.lib.colors import Color, HexColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

TONES = {
    "machine": "#0f766e",
    "person": "#b4540a",
    "second": "#6146b8",
    "watch": "#64707d",
    "limit": "#b42318",
}
INK, QUIET, GRID, PAPER = HexColor("#1f2937"), HexColor("#55606e"), HexColor("#e3e7ec"), HexColor("#ffffff")
GOOD, WARN, ALERT = HexColor("#17694a"), HexColor("#8a5200"), HexColor("#b42318")
STATES = {"good": GOOD, "watch": WARN, "alert": ALERT}
BODY, BOLD = "CountersignVera", "CountersignVera-Bold"
FAINT = 0.16


def tone(name: str, *, faint: bool = False) -> Color:
    """The ink of a tone; faint for the band of an interval."""
    found = HexColor(TONES.get(name, TONES["watch"]))
    return Color(found.red, found.green, found.blue, alpha=FAINT) if faint else found


@cache
def letters() -> dict[int, int]:
    """Make the fonts known once; they come with the library. Returns the characters they can draw."""
    fonts = Path(reportlab.__file__).parent / "fonts"
    pdfmetrics.registerFont(TTFont(BODY, str(fonts / "Vera.ttf")))
    pdfmetrics.registerFont(TTFont(BOLD, str(fonts / "VeraBd.ttf")))
    pdfmetrics.registerFontFamily(BODY, normal=BODY, bold=BOLD, italic=BODY, boldItalic=BOLD)
    found: dict[int, int] = pdfmetrics.getFont(BODY).face.charToGlyph
    return found


def drawable(text: object) -> str:
    """The text with a mark in place of what the fonts do not hold."""
    known, same = letters(), {"−": "-", "→": ">", "●": "*", "◆": "*", "▲": "!", "○": "o", "\u202f": " ", "\xa0": " "}
    return "".join(each if ord(each) in known else same.get(each, "?") for each in str(text) if each.isprintable())


def width(text: str, size: float) -> float:
    letters()
    return float(pdfmetrics.stringWidth(text, BODY, size))
