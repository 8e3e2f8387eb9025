"""What surrounds a mail: who wrote to whom and when, what was quoted below it, and the ticket that the help desk keeps of it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hitl_project.demo import customers
from hitl_project.demo.customers import Customer
from hitl_project.demo.grammar import chance, lines, texts

CARE = "Harbour & Pine Customer Care <care@harbourandpine.example>"
REFUNDS = "Harbour & Pine Refunds <refunds@harbourandpine.example>"
RECEIPTS = "Harbour & Pine Expenses <receipts@harbourandpine.example>"
ARCHIVE = "Harbour & Pine Archive <archive@harbourandpine.example>"
NUMBER = re.compile(r"\d+(?:\.\d+)?")
PRICE = re.compile(r"£?[\d.,]*\d(?: pounds| £)?")
CARRIER = re.compile(r"(?:Carrier: |Transporte: | by )([A-Z][\w ]+)\.$")
COPIED = "Shop floor <shop-{town}@harbourandpine.example>"


def headers(sender: str, to: str, subject: str, *, at: datetime, copied: str = "") -> dict[str, Any]:
    """The head of a mail that came in at a time."""
    sent = at - timedelta(seconds=40 + len(subject))
    found = {"from": sender, "to": to, "date": sent.replace(microsecond=0).isoformat(), "subject": subject}
    return {**found, "cc": copied} if copied else found


def address(customer: Customer) -> str:
    return f"{customer.name} <{customer.email}>"


def quoted(slots: dict[str, str], *, at: datetime, rng: Random) -> str:
    """An earlier mail of the shop's, as programs quote it below the answer."""
    earlier = at - timedelta(days=rng.randrange(2, 9), hours=rng.randrange(1, 7))
    said = "\n".join(lines(texts("threads")["quoted"], rng.choice([2, 3]), slots, rng))
    opened = f"On {earlier:%A, %d %B %Y at %H:%M}, Harbour & Pine Customer Care wrote:"
    return f"{opened}\n{said}\n> \n> Harbour & Pine Customer Care"


def asked(*, at: datetime) -> str:
    """An earlier mail of the office's own, quoted."""
    opened = f"On {at - timedelta(days=2):%A, %d %B %Y at %H:%M}, Harbour & Pine Accounts wrote:"
    return f"{opened}\n> Please send us the paper itself, we only have the card slip.\n> A picture will do.\n> \n> Accounts"


def ticket(*, at: datetime, rng: Random) -> dict[str, Any]:
    """What the help desk noted when the mail came in."""
    return {
        "number": f"T-{rng.randrange(100_000, 999_999)}",
        "channel": {"kind": "e-mail", "mailbox": "care", "encrypted": chance(0.9, rng)},
        "spam": {
            "score": round(rng.uniform(0, 0.2), 3),
            "checks": {"spf": "pass", "dkim": rng.choice(["pass", "none"])},
        },
        "earlier_tickets": [
            {"number": f"T-{rng.randrange(10_000, 99_999)}", "opened": f"{at - timedelta(days=day):%Y-%m-%d}"}
            for day in sorted(rng.sample(range(9, 300), rng.choice([1, 2])))
        ],
    }


def basket(slots: dict[str, str], *, rng: Random) -> list[dict[str, Any]]:
    """The lines of the order that a mail is about."""
    status = rng.choice(["delivered", "on its way", "packed"])
    prices = {
        slots["product"]: float(NUMBER.findall(slots["amount"].replace(",", "."))[0]),
        slots["product2"]: round(rng.uniform(9, 120), 2),
        rng.choice(["gift wrap", "care kit", "candle set"]): round(rng.uniform(3, 15), 2),
    }
    return [
        {"item": name, "quantity": 1 if place < 1 else rng.choice([1, 1, 2]), "price": price, "status": status}
        for place, (name, price) in enumerate(prices.items())
    ]


def parcel(slots: dict[str, str], *, at: datetime, days: int, rng: Random, there: bool = True) -> dict[str, Any]:
    """The carrier's record of a delivery so many days before ``at``, or of one that is not ``there`` yet."""
    came = at - timedelta(days=days)
    stops = [("handed over by the shop", 2), ("at the depot", 1), ("delivered", 0)][: 3 if there else 2]
    events = [
        {
            "at": f"{came - timedelta(days=before):%Y-%m-%d} {rng.randrange(7, 19):02d}:{rng.randrange(60):02d}",
            "what": what,
        }
        for what, before in stops
    ]
    number = f"{slots['carrier'][:2].upper()}{rng.randrange(10**8, 10**9)}"
    return {"carrier": slots["carrier"], "number": number, "events": events, "signed": there and chance(0.6, rng)}


def kind_of(product: str) -> str:
    """Which kind of thing a product is, such as ``tableware``."""
    return next((kind for kind, each in texts("products").items() if product in each["names"]), "tableware")


def sender_of(requester: str) -> Customer:
    """The customer by their number, such as ``customer-1007``."""
    return customers.customers()[int(requester.removeprefix("customer-")) - customers.FIRST]


def told_in(context: list[dict[str, str]]) -> dict[str, str]:
    """The order, product, price and carrier that the first fragment of a case's context names."""
    text = context[0]["text"]
    product, _, rest = text.removeprefix("1 × ").partition(", ")
    carrier = CARRIER.search(rest)
    told = {"order": context[0]["title"].removeprefix("Order "), "product": product, "amount": PRICE.findall(rest)[0]}
    return {**told, "carrier": carrier[1]} if carrier else told
