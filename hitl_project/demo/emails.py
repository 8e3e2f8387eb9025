"""Support e-mails of believable customers, with the wish behind each of them known."""

from __future__ import annotations

from random import Random

from hitl_project.demo import customers
from hitl_project.demo.cases import DemoCase, priority
from hitl_project.demo.customers import Customer
from hitl_project.demo.grammar import chance, line, lines, texts, with_typos

WISHES = {
    "order-status": 24,
    "damaged-item": 13,
    "wrong-item": 8,
    "return-request": 14,
    "billing": 13,
    "change-order": 10,
    "product-question": 12,
    "account": 8,
    "other": 4,
}
DIFFICULTIES = {"easy": 46, "plain": 35, "long": 6, "ambiguous": 13}
# Which wishes people run together, so that two labels look right and one is.
NEIGHBOURS = {
    "order-status": ["wrong-item", "change-order", "billing"],
    "damaged-item": ["return-request", "wrong-item", "billing"],
    "wrong-item": ["return-request", "damaged-item", "order-status"],
    "return-request": ["billing", "wrong-item", "damaged-item"],
    "billing": ["return-request", "account", "change-order"],
    "change-order": ["order-status", "billing", "product-question"],
    "product-question": ["order-status", "return-request", "change-order"],
    "account": ["billing", "order-status", "change-order"],
    "other": ["product-question", "account", "order-status"],
}


def email(rng: Random) -> DemoCase:
    """One support e-mail."""
    wish = rng.choices(list(WISHES), weights=list(WISHES.values()))[0]
    difficulty = rng.choices(list(DIFFICULTIES), weights=list(DIFFICULTIES.values()))[0]
    customer = customers.pick(rng)
    slots = customers.slots(customer, rng)
    threat = chance(0.02, rng)
    subject, text = _message(wish, difficulty, customer.style, slots, rng)
    if threat:
        text += "\n\n" + line(texts("threads")["legal"], slots, rng)
    return DemoCase(
        case_type="support-email",
        payload={"subject": subject, "text": f"{text}\n\n{_signature(customer, rng)}"},
        true_output={"label": wish},
        requester=customer.number,
        priority=priority(rng, pressing=threat or customer.style == "annoyed"),
        difficulty="out_of_scope" if wish == "other" else difficulty,
        context=_context(customer, slots, rng),
    )


def _message(wish: str, difficulty: str, style: str, slots: dict[str, str], rng: Random) -> tuple[str, str]:
    variants = texts("support_email")
    body = _body(wish, difficulty, slots, rng)
    subject = line(variants[_subject_of(wish, difficulty, rng)]["subject"], slots, rng)
    manners = texts("common")
    greeting = line(manners["greetings"][style], slots, rng)
    closing = line(manners["closings"][style], slots, rng)
    gap = "\n" if style in ("terse", "mobile") else "\n\n"
    text = gap.join(part for part in (greeting, body, closing) if part)
    if style == "mobile":
        subject, text = subject.lower(), _as_on_a_phone(text, rng)
    return subject, with_typos(text, customers.TYPO_RATES[style], rng)


def _subject_of(wish: str, difficulty: str, rng: Random) -> str:
    """Subjects mislead now and then: people answer an old mail or write the first thing that comes to mind."""
    misleads = {"easy": 0.03, "plain": 0.12, "long": 0.2, "ambiguous": 0.4}[difficulty]
    return rng.choice(NEIGHBOURS[wish]) if chance(misleads, rng) else wish


def _body(wish: str, difficulty: str, slots: dict[str, str], rng: Random) -> str:
    own, asides = texts("support_email")[wish], texts("common")["asides"]
    if difficulty == "ambiguous":
        return _ambiguous(wish, slots, rng)
    if difficulty == "easy":
        said = lines(own["core"], rng.choice([1, 2]), slots, rng) + lines(own["more"], 1, slots, rng)
        return " ".join(said)
    said = lines(own["core"], 1, slots, rng) + lines(own["more"], rng.choice([0, 1]), slots, rng)
    said += lines(asides, rng.choice([1, 2, 3]), slots, rng)
    rng.shuffle(said)
    return _long(said, slots, rng) if difficulty == "long" else " ".join(said)


def _ambiguous(wish: str, slots: dict[str, str], rng: Random) -> str:
    """Two wishes in one mail; by the guidelines the one named first counts."""
    variants = texts("support_email")
    other = variants[rng.choice(NEIGHBOURS[wish])]
    own = variants[wish]
    said = [line(own["core"], slots, rng), line(other["core"], slots, rng)]
    if chance(0.6, rng):
        said.append(line(own["more"], slots, rng))
    elif chance(0.5, rng):
        said.append(line(other["more"], slots, rng))
    said += lines(texts("common")["asides"], rng.choice([0, 1]), slots, rng)
    return " ".join(said)


def _long(said: list[str], slots: dict[str, str], rng: Random) -> str:
    threads = texts("threads")
    story = " ".join(lines(threads["story"], rng.choice([2, 3]), slots, rng))
    quoted = "\n".join(
        [line(threads["headers"], slots, rng), *lines(threads["quoted"], rng.choice([3, 4]), slots, rng)]
    )
    return f"{story}\n\n{' '.join(said)}\n\n{quoted}"


def _as_on_a_phone(text: str, rng: Random) -> str:
    text = text.lower().replace("'", "")
    return text.replace(". ", " ") if chance(0.5, rng) else text


def _signature(customer: Customer, rng: Random) -> str:
    first = customer.name.split()[0]
    return rng.choice([customer.name, first, first, f"{customer.name}\n{customer.town}"])


def _context(customer: Customer, slots: dict[str, str], rng: Random) -> list[dict[str, str]]:
    status = rng.choice(["packed", "on its way", "delivered", "delivered", "delivered 12 days ago", "awaiting stock"])
    order = f"1 × {slots['product']}, {slots['amount']}. Status: {status}. Carrier: {slots['carrier']}."
    about = f"{customer.name}, {customer.town}. Customer since {customer.since}, {customer.orders} orders."
    return [{"title": f"Order {slots['order']}", "text": order}, {"title": customer.number, "text": about}]
