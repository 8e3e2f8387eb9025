"""Receipts that the staff hand in, what stands on them, and the reading machine that makes out most of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from hitl_project.demo import letters
from hitl_project.demo.cases import DemoCase, Output, priority, spans
from hitl_project.demo.grammar import chance, line, texts
from hitl_project.demo.papers import Paper

CATEGORIES = {
    "travel": 20, "meals": 20, "office-supplies": 16, "packaging": 12,
    "postage": 10, "fuel": 8, "repairs": 8, "cleaning": 6,
}  # fmt: skip
# What the machine takes for what.
NEIGHBOURS = {
    "travel": ["fuel", "meals"], "meals": ["travel", "cleaning"], "office-supplies": ["packaging", "postage"],
    "packaging": ["office-supplies", "postage"], "postage": ["packaging", "office-supplies"],
    "fuel": ["travel", "repairs"], "repairs": ["cleaning", "office-supplies"], "cleaning": ["repairs", "meals"],
}  # fmt: skip
PAYMENTS = {"card": 40, "contactless": 35, "cash": 20, "voucher": 5}
VAT = 0.2
VAT_FREE = ("postage", "travel")
SKILL = 0.74
WIDTH = 38
LARGE = 150
POLICY = {
    "title": "Expenses policy, section 4",
    "text": "Book by what was bought, not by where. Food for customers' events counts as meals. Above £150 a second "
    "person approves. Fares and stamps carry no VAT.",
    "url": "https://handbook.harbourandpine.example/expenses#4",
}
MODEL = {"model": "receipt-reader", "model_version": "2.4"}


@dataclass(frozen=True, slots=True)
class Bought:
    """What the till printed."""

    output: Output
    lines: tuple[str, ...]
    faded: bool


def receipt(rng: Random, at: datetime) -> DemoCase:
    """One receipt with what the machine read."""
    staff, _, branch = rng.choice(texts("receipts")["staff"]).partition("; ")
    bought = _bought(rng, at)
    said = dict(bought.output) if chance(SKILL, rng) else slip(bought.output, rng)
    text = "\n".join(_misread(bought.lines, bought.output, said))
    return DemoCase(
        case_type="receipt",
        payload=_payload(staff, branch, bought, text=text, rng=rng, at=at),
        true_output=bought.output,
        requester=f"staff-{staff.partition(' ')[0].lower()}",
        priority=priority(rng, pressing=bought.output["total"] > LARGE),
        difficulty="ambiguous" if bought.faded else "plain",
        context=[POLICY, {"title": f"Branch {branch}", "text": f"Cost centre HP-{branch}. Budget owner: Fiona Birch."}],
        proposal=_proposal(bought, said, text, rng),
        papers=_papers(bought, rng),
    )


def _bought(rng: Random, at: datetime) -> Bought:
    category = rng.choices(list(CATEGORIES), weights=list(CATEGORIES.values()))[0]
    variants = texts("receipts")[category]
    merchant, street, town, postcode = rng.choice(variants["shops"]).split("; ")
    items = [_item(each, rng) for each in rng.sample(variants["items"], rng.choice([1, 2, 3, 3, 4]))]
    total = round(sum(item["quantity"] * item["price"] for item in items), 2)
    output: Output = {
        "label": category,
        "merchant": merchant,
        "date": f"{(at - timedelta(days=rng.randrange(1, 12))).date()}",
        "total": total,
        "tax": 0.0 if category in VAT_FREE else round(total - total / (1 + VAT), 2),
        "payment": rng.choices(list(PAYMENTS), weights=list(PAYMENTS.values()))[0],
        "items": items,
        "address": {"street": street, "town": town, "postcode": postcode},
        "flags": ["faded"] if (faded := chance(0.15, rng)) else [],
        "reclaim_vat": category not in VAT_FREE,
    }
    return Bought(output, _printed(output, rng), faded)


def _item(variant: str, rng: Random) -> dict[str, Any]:
    name, price = variant.split("; ")
    return {"name": name, "quantity": rng.choice([1, 1, 1, 2, 3]), "price": float(price)}


def _printed(output: Output, rng: Random) -> tuple[str, ...]:
    """The receipt as the till prints it."""
    place, day = output["address"], date.fromisoformat(output["date"])
    rows = [f"{item['quantity']} x {item['name']}" for item in output["items"]]
    sums = [f"{item['quantity'] * item['price']:.2f}" for item in output["items"]]
    tax = [_row("VAT 20%", f"{output['tax']:.2f}")] if output["tax"] else ["No VAT on this sale"]
    return (
        output["merchant"].upper().center(WIDTH).rstrip(),
        f"{place['street']}, {place['town']} {place['postcode']}".center(WIDTH).rstrip(),
        f"VAT no. GB {rng.randrange(100, 999)} {rng.randrange(1000, 9999)} {rng.randrange(10, 99)}",
        f"{day:%d/%m/%Y}  {rng.randrange(8, 19):02d}:{rng.randrange(60):02d}   till {rng.randrange(1, 6)}",
        "-" * WIDTH,
        *(_row(name, amount) for name, amount in zip(rows, sums, strict=True)),
        "-" * WIDTH,
        _row("TOTAL GBP", f"{output['total']:.2f}"),
        *tax,
        f"Paid by {output['payment']}",
        "Thank you for your visit",
    )


def _row(name: str, amount: str) -> str:
    return f"{name[: WIDTH - 9]:<{WIDTH - 9}}{amount:>9}"


def slip(right: Output, rng: Random) -> Output:
    """Machines go wrong in one field: a digit, the order of day and month, the category, what was paid with."""
    wrong: list[Output] = [
        {"label": rng.choice(NEIGHBOURS[right["label"]])},
        {"label": rng.choice(NEIGHBOURS[right["label"]])},
        {"total": _other_digit(right["total"], rng)},
        {"tax": round(right["total"] * VAT, 2) if right["tax"] else round(right["total"] / 6, 2)},
        {"payment": rng.choice([each for each in PAYMENTS if each != right["payment"]])},
        {"date": _swapped(right["date"])},
        {"merchant": right["merchant"].split()[0]},
    ]
    return {**right, **rng.choice([each for each in wrong if {**right, **each} != right])}


def _other_digit(amount: float, rng: Random) -> float:
    """An amount with one digit read as another that looks like it."""
    alike = {"0": "8", "1": "7", "2": "7", "3": "8", "4": "9", "5": "6", "6": "8", "7": "1", "8": "3", "9": "4"}
    text = f"{amount:.2f}"
    place = rng.choice([place for place, letter in enumerate(text) if letter.isdigit()])
    return float(text[:place] + alike[text[place]] + text[place + 1 :])


def _swapped(day: str) -> str:
    """Day and month the other way round, where that is a date; else the year before."""
    year, month, number = day.split("-")
    return f"{year}-{number}-{month}" if int(number) <= 12 and number != month else f"{int(year) - 1}-{month}-{number}"  # noqa: PLR2004 - months


def _misread(lines: tuple[str, ...], right: Output, said: Output) -> list[str]:
    """What the machine read: its wrong total stands in its own reading, and only the picture tells."""
    return [row.replace(f"{right['total']:.2f}", f"{said['total']:.2f}") if "TOTAL" in row else row for row in lines]


def _payload(staff: str, branch: str, bought: Bought, *, text: str, rng: Random, at: datetime) -> dict[str, Any]:
    slots = {"town": bought.output["address"]["town"], "shop": bought.output["merchant"], "weekday": f"{at:%A}"}
    variants = texts("receipts")
    sender = f"{staff} <{staff.lower().replace(' ', '.')}@harbourandpine.example>"
    copied = letters.COPIED.format(town=branch) if chance(0.2, rng) else ""
    note = line(variants["notes"], slots, rng)
    head = letters.headers(sender, letters.RECEIPTS, line(variants["subjects"], slots, rng), at=at, copied=copied)
    note += f"\n\n{staff.partition(' ')[0]}" + (f"\n\n{letters.asked(at=at)}" if chance(0.4, rng) else "")
    return {
        "mail": {**head, "text": note},
        "text": text,
        "branch": branch,
        "currency": "GBP",
        "lines": [
            {"name": item["name"], "quantity": item["quantity"], "amount": round(item["quantity"] * item["price"], 2)}
            for item in bought.output["items"]
        ],
        "reader": _reader(bought, rng),
    }


def _reader(bought: Bought, rng: Random) -> dict[str, Any]:
    sure = rng.uniform(0.71, 0.84) if bought.faded else rng.uniform(0.9, 0.99)
    return {
        "engine": {"name": "Tesserae", "version": "5.3"},
        "pages": [{"side": "front", "rows": len(bought.lines), "sure": round(sure, 2)}],
    }


def _proposal(bought: Bought, said: Output, text: str, rng: Random) -> dict[str, Any]:
    """The machine's reading: less sure of what it has wrong, and of everything where the paper is faded."""
    wrong = {name for name in said if said[name] != bought.output[name]}
    top = 0.9 if bought.faded else 0.99
    sure = {name: round(rng.uniform(0.36, 0.88) if name in wrong else rng.uniform(top - 0.13, top), 3) for name in said}
    others = NEIGHBOURS[said["label"]]
    rest = 1 - sure["label"]
    return {
        "output": said,
        "confidence": round(min(sure[name] for name in ("label", "total", "date", "merchant", "tax")), 3),
        "rationale": f"“{bought.lines[0].strip()}” is booked as {said['label']}; the sum of the lines was compared with the total.",
        "evidence": _evidence(said, text),
        "alternatives": [
            {"label": each, "confidence": round(rest * share, 3)}
            for each, share in zip(others, (0.6, 0.3), strict=True)
        ],
        "fields": sure,
        **MODEL,
    }


def _evidence(said: Output, text: str) -> list[dict[str, Any]]:
    day = date.fromisoformat(said["date"])
    rows = text.split("\n")
    first = said["items"][0]["name"]
    wanted = [
        ("payload.text", said["merchant"].upper(), "merchant"),
        ("payload.text", said["address"]["postcode"], "address"),
        ("payload.text", f"{day:%d/%m/%Y}", "date"),
        ("payload.text", first[: WIDTH - 13], "items"),
        ("payload.text", next(row for row in rows if "TOTAL" in row), "total"),
        ("payload.text", next(row for row in rows if row.startswith(("VAT 20%", "No VAT"))), "tax"),
        ("payload.text", f"Paid by {said['payment']}", "payment"),
        ("context.0.text", "Book by what was bought, not by where.", "label"),
    ]
    return spans({"payload.text": text, "context.0.text": POLICY["text"]}, wanted)


def _papers(bought: Bought, rng: Random) -> tuple[Paper, ...]:
    """A picture of the receipt, and now and then the shop's own PDF."""
    number = rng.randrange(1000, 9999)
    picture = Paper(f"receipt-{number}.png", "receipt", bought.lines, seed=rng.randrange(9))
    return (picture, Paper(f"e-receipt-{number}.pdf", "page", bought.lines)) if chance(0.25, rng) else (picture,)
