"""The made-up cases as they reach the office: by mail with its head, with files, with the records that other systems keep."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from hitl_project.demo import customers, letters
from hitl_project.demo.cases import DemoCase
from hitl_project.demo.documents import document
from hitl_project.demo.emails import email
from hitl_project.demo.grammar import chance
from hitl_project.demo.papers import Paper
from hitl_project.demo.refunds import explained, refund
from hitl_project.demo.spanish import spanish_mail

SPANISH = 0.06
ROLLS = 4  # how many different photographs there are of each kind of damage
ORDERS = "https://orders.harbourandpine.example/"
CUSTOMERS = "https://customers.harbourandpine.example/"
SCANS = "https://archive.harbourandpine.example/batch/"
SCANNERS = ["scanner-goods-in", "scanner-accounts", "scanner-post-room"]


def support_mail(rng: Random, at: datetime) -> DemoCase:
    """A support e-mail with its head, now and then in Spanish, a fifth of them above an older mail."""
    case = spanish_mail(rng) if chance(SPANISH, rng) else email(rng)
    customer = letters.sender_of(case.requester)
    slots = {**customers.slots(customer, rng), **letters.told_in(case.context)}
    text = case.payload["text"]
    if not case.language and ">" not in text and chance(0.2, rng):
        text += "\n\n" + letters.quoted(slots, at=at, rng=rng)
    copied = letters.COPIED.format(town=customer.town.lower()) if chance(0.12, rng) else ""
    head = letters.headers(letters.address(customer), letters.CARE, case.payload["subject"], at=at, copied=copied)
    more: dict[str, Any] = {"order": slots["order"], "order_lines": letters.basket(slots, rng=rng)}
    more["ticket"] = letters.ticket(at=at, rng=rng)
    dressed = replace(case, context=_sourced(case.context), papers=_enclosed(case, slots, rng))
    return replace(dressed, payload={**head, "text": text, **more})


def _sourced(context: list[dict[str, str]]) -> list[dict[str, str]]:
    """What the other systems know, with the page where each piece was found."""
    pages = (f"{ORDERS}{context[0]['title'].removeprefix('Order ')}", f"{CUSTOMERS}{context[1]['title']}")
    return [{**piece, "url": page} for piece, page in zip(context, pages, strict=True)]


def _enclosed(case: DemoCase, slots: dict[str, str], rng: Random) -> tuple[Paper, ...]:
    """A photograph of what came broken, the confirmation of the order; most mails bring nothing."""
    papers: list[Paper] = []
    if case.true_output["label"] in ("damaged-item", "wrong-item") and chance(0.35, rng):
        papers.append(photo(slots, rng))
    if chance(0.08, rng) or (papers and chance(0.5, rng)):
        papers.append(confirmation(slots, case.requester))
    return tuple(papers)


def photo(slots: dict[str, str], rng: Random) -> Paper:
    """A customer's photograph of what is wrong with a product."""
    name = rng.choice(["IMG_{n}.png", "photo-{n}.png", "damage-{n}.png"]).format(n=rng.randrange(1000, 9999))
    return Paper(name, "photo", (letters.kind_of(slots["product"]), slots["flaw"]), seed=rng.randrange(ROLLS))


def confirmation(slots: dict[str, str], requester: str) -> Paper:
    """The shop's own confirmation of an order."""
    lines = (
        f"Order confirmation {slots['order']}",
        "Harbour & Pine Ltd, 4 Ropewalk, Merrow",
        "",
        f"Customer: {requester}",
        f"1 x {slots['product']:<40}{slots['amount']:>14}",
        f"Delivery by {slots['carrier']}",
        "",
        "Returns are free within 30 days of delivery. Made-to-measure goods are excluded.",
    )
    return Paper(f"confirmation-{slots['order']}.pdf", "page", lines)


def refund_form(rng: Random, at: datetime) -> DemoCase:
    """A refund request as the form on the shop's site mails it, with photographs where something is broken."""
    case = refund(rng)
    payload, customer = case.payload, letters.sender_of(case.requester)
    slots = {**customers.slots(customer, rng), **letters.told_in(case.context)}
    head = letters.headers(letters.address(customer), letters.REFUNDS, f"Refund request for {payload['order']}", at=at)
    text = payload["text"] + ("\n\n" + letters.quoted(slots, at=at, rng=rng) if chance(0.25, rng) else "")
    days = int(payload["days_since_delivery"])
    paid = [
        {"item": payload["item"], "quantity": 1, "paid": payload["paid"]},
        {"item": "delivery", "quantity": 1, "paid": 6.9},
    ]
    more = {"order_lines": paid, "parcel": letters.parcel(slots, at=at, days=days, rng=rng)}
    dressed = replace(case, payload={**head, **payload, "text": text, **more}, papers=_proof(case, slots, rng))
    return replace(dressed, proposal=explained(dressed, rng), context=_sourced(case.context))


def _proof(case: DemoCase, slots: dict[str, str], rng: Random) -> tuple[Paper, ...]:
    broken = "photo" in case.payload["text"] or "picture" in case.payload["text"] or "broken" in case.payload["text"]
    papers = [photo(slots, rng)] if broken and chance(0.8, rng) else []
    return (*papers, confirmation(slots, case.requester)) if chance(0.5, rng) else tuple(papers)


def scan(rng: Random, at: datetime) -> DemoCase:
    """A paper as the scanner mails it: its text, the lines it read as a table, and now and then the page itself."""
    case = document(rng)
    rows, title = case.payload["text"].split("\n"), case.payload["title"]
    head = letters.headers(f"{rng.choice(SCANNERS)}@harbourandpine.example", letters.ARCHIVE, f"Scan: {title}", at=at)
    note = f"{case.payload['pages']} page(s), sent from {case.requester}."
    note += f"\n\n{letters.asked(at=at)}" if chance(0.15, rng) else ""
    read = [
        {"line": number, "read": row[:60], "sure": round(rng.uniform(0.82, 0.99), 2)}
        for number, row in enumerate(rows, 1)
    ]
    payload = {**case.payload, "lines": read, "scan": _scanner(rng), "mail": {**head, "text": note}}
    batch = [{**case.context[0], "url": f"{SCANS}{rng.randrange(10**6, 10**7)}"}]
    return replace(case, payload=payload, context=batch, papers=_page(title, rows, rng))


def _scanner(rng: Random) -> dict[str, Any]:
    skew = round(rng.uniform(-2, 2), 1)
    return {
        "engine": {"name": "Tesserae", "version": "5.3"},
        "languages": ["en"],
        "sheets": [{"side": "front", "dpi": 300, "skew": skew}],
    }


def _page(title: str, rows: list[str], rng: Random) -> tuple[Paper, ...]:
    papers = pages(title, rows, seed=rng.randrange(9))
    return papers if chance(0.12, rng) else papers[:1] if chance(0.2, rng) else ()


def pages(title: str, rows: list[str], *, seed: int) -> tuple[Paper, Paper]:
    """A scanned paper as the scanner sends it, as a PDF and as a picture."""
    lines = (title, "", *rows)
    return Paper("scan.pdf", "page", lines), Paper("page-1.png", "receipt", lines, seed=seed)
