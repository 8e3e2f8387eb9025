"""Draft replies to customers' mails, and the writing machine that gets most of them right."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from hitl_project.demo import customers, letters
from hitl_project.demo.cases import DemoCase, Output, spans
from hitl_project.demo.emails import email
from hitl_project.demo.grammar import chance, line, texts
from hitl_project.demo.papers import Paper

TEMPLATES = {
    "order-status": "delivery-update",
    "damaged-item": "replacement",
    "wrong-item": "replacement",
    "return-request": "return-instructions",
    "billing": "payment-explained",
    "change-order": "order-changed",
    "product-question": "product-advice",
    "account": "account-help",
    "other": "hand-over",
}
NEIGHBOURS = {
    "delivery-update": ["order-changed", "payment-explained"],
    "replacement": ["return-instructions", "delivery-update"],
    "return-instructions": ["replacement", "payment-explained"],
    "payment-explained": ["return-instructions", "account-help"],
    "order-changed": ["delivery-update", "payment-explained"],
    "product-advice": ["return-instructions", "hand-over"],
    "account-help": ["payment-explained", "hand-over"],
    "hand-over": ["product-advice", "account-help"],
}
# The number that the rule of a template gives, and another that the machine likes to give.
DAYS = {
    "delivery-update": ("4", "2"), "replacement": ("365", "730"), "return-instructions": ("30", "14"),
    "payment-explained": ("7", "2"), "order-changed": ("4", "1"), "product-advice": ("30", "60"),
    "account-help": ("24", "48"), "hand-over": ("5", "1"),
}  # fmt: skip
SORRY = frozenset({"delivery-update", "replacement", "payment-explained"})
SKILL = 0.62
SENTENCES = re.compile(r"(?<=[.?!])\s+|\n+")
SHORTEST = 26  # letters; what is shorter is a greeting
HANDBOOK = "https://handbook.harbourandpine.example/replies#"
MODEL = {"model": "draft-writer", "model_version": "1.8"}


def reply(rng: Random, at: datetime) -> DemoCase:
    """A customer's mail with the draft of an answer to it."""
    mail = email(rng)
    customer = letters.sender_of(mail.requester)
    template = TEMPLATES[mail.true_output["label"]]
    slots = _slots(mail, customer, rng)
    right = _output(template, slots, rng, at=at)
    said = right if chance(SKILL, rng) else slip(right, slots, rng, at=at)
    case = replace(
        mail,
        case_type="reply",
        payload=_payload(mail, customer, slots, rng=rng, at=at),
        true_output=right,
        context=_context(mail, template),
        papers=_papers(slots, rng),
    )
    return replace(case, proposal=_proposal(case, said, slots, rng))


def _slots(mail: DemoCase, customer: customers.Customer, rng: Random) -> dict[str, str]:
    return {**customers.slots(customer, rng), **letters.told_in(mail.context), "first": customer.name.split()[0]}


def _output(template: str, slots: dict[str, str], rng: Random, *, at: datetime) -> Output:
    """The answer as customer care would send it."""
    later = at + timedelta(days=7)
    follows = template in ("delivery-update", "hand-over")
    return {
        "label": template,
        "tone": "apologetic" if template in SORRY else "friendly",
        "subject": line(texts("replies")["templates"][template]["subject"], slots, rng),
        "draft": _draft(template, {**slots, "days": DAYS[template][0]}, rng),
        "offers": {"replacement": ["replacement"], "return-instructions": ["free-return"]}.get(template, []),
        "follow_up": follows,
        **({"follow_up_on": f"{later.date()}"} if follows else {}),
    }


def _draft(template: str, facts: dict[str, str], rng: Random) -> str:
    variants = texts("replies")
    body = [line([each], facts, rng) for each in variants["templates"][template]["body"]]
    sorry = [line(variants["sorry"], facts, rng)] if template in SORRY else []
    first = " ".join([line(variants["thanks"], facts, rng), *sorry])
    closing = line(variants["closings"], facts, rng).replace("\\n", "\n")
    return "\n\n".join([line(variants["openings"], facts, rng), first, *body, closing])


def slip(right: Output, slots: dict[str, str], rng: Random, *, at: datetime) -> Output:
    """How the machine goes wrong: another template, another number of days, no word of regret, a gift not ours to give."""
    kind = rng.choices(["template", "days", "sorry", "promise"], weights=[35, 30, 15, 20])[0]
    if kind == "template":
        return _output(rng.choice(NEIGHBOURS[right["label"]]), slots, rng, at=at)
    paragraphs = right["draft"].split("\n\n")
    if kind == "sorry" and right["label"] in SORRY:
        shorter = paragraphs[1].partition(". ")[0] + "."
        return {**right, "tone": "friendly", "draft": "\n\n".join([paragraphs[0], shorter, *paragraphs[2:]])}
    if kind == "promise":
        promised = [*paragraphs[:-1], texts("replies")["promise"][0], paragraphs[-1]]
        return {**right, "draft": "\n\n".join(promised), "offers": [*right["offers"], "voucher"]}
    own, other = DAYS[right["label"]]
    return {**right, "draft": right["draft"].replace(f" {own} ", f" {other} ")}


def shortened(right: Output) -> Output:
    """An answer by somebody in a hurry: its last sentence is missing."""
    paragraphs = right["draft"].split("\n\n")
    return {**right, "draft": "\n\n".join([*paragraphs[:-2], paragraphs[-1]])}


def _payload(
    mail: DemoCase, customer: customers.Customer, slots: dict[str, str], *, rng: Random, at: datetime
) -> dict[str, Any]:
    text, subject = mail.payload["text"], mail.payload["subject"]
    if ">" not in text:
        text += "\n\n" + letters.quoted(slots, at=at, rng=rng)
    there = "delivered" in mail.context[0]["text"]
    copied = letters.COPIED.format(town=customer.town.lower()) if chance(0.15, rng) else ""
    return {
        **letters.headers(letters.address(customer), letters.CARE, f"Re: {subject}", at=at, copied=copied),
        "text": text,
        "wish": mail.true_output["label"],
        "order_lines": letters.basket(slots, rng=rng),
        "parcel": letters.parcel(slots, at=at, days=rng.randrange(1, 9), rng=rng, there=there),
    }


def _context(mail: DemoCase, template: str) -> list[dict[str, str]]:
    rule = texts("replies")["rules"][template][0]
    return [
        {
            **mail.context[0],
            "url": f"https://orders.harbourandpine.example/{mail.context[0]['title'].removeprefix('Order ')}",
        },
        {"title": f"How we answer: {template}", "text": rule, "url": HANDBOOK + template},
        mail.context[1],
    ]


def _proposal(case: DemoCase, said: Output, slots: dict[str, str], rng: Random) -> dict[str, Any]:
    right = case.true_output
    wrong = {name for name in said if said[name] != right.get(name)}
    sure = {name: round(rng.uniform(0.4, 0.86) if name in wrong else rng.uniform(0.8, 0.98), 3) for name in said}
    others = NEIGHBOURS[said["label"]]
    rest = 1 - sure["label"]
    return {
        "output": said,
        "confidence": round(min(sure["label"], sure["draft"]), 3),
        "rationale": f"The mail reads as “{case.payload['wish']}”, which “{said['label']}” answers. "
        "Days and conditions were taken from the rule in the handbook.",
        "evidence": _evidence(case, slots),
        "alternatives": [
            {"label": each, "confidence": round(rest * share, 3)}
            for each, share in zip(others, (0.6, 0.3), strict=True)
        ],
        "fields": sure,
        **MODEL,
    }


def _evidence(case: DemoCase, slots: dict[str, str]) -> list[dict[str, Any]]:
    """The mail's first sentence that says anything, the order's line, and the rule."""
    text, rule = case.payload["text"], case.context[1]["text"]
    said = [each for each in SENTENCES.split(text) if len(each) > SHORTEST] or [text]
    wanted = [
        ("payload.text", said[0][:110], "label"),
        ("payload.subject", slots["order"], "subject"),
        ("context.0.text", slots["product"], "draft"),
        ("context.1.text", rule.partition(". ")[0], "draft"),
    ]
    if case.true_output["offers"]:
        wanted.append(("context.1.text", rule.split(". ")[1].rstrip("."), "offers"))
    return spans(
        {
            "payload.text": text,
            "payload.subject": case.payload["subject"],
            "context.0.text": case.context[0]["text"],
            "context.1.text": rule,
        },
        wanted,
    )


def _papers(slots: dict[str, str], rng: Random) -> tuple[Paper, ...]:
    if not chance(0.3, rng):
        return ()
    lines = (
        f"Return label {slots['order']}",
        "To: Harbour & Pine Returns, 4 Ropewalk, Merrow MR1 1HP",
        "",
        f"From: {slots['email']}, {slots['town']}",
        f"Carrier: {slots['carrier']}",
        "Postage paid",
    )
    photo = Paper(
        f"IMG_{rng.randrange(1000, 9999)}.png",
        "photo",
        (letters.kind_of(slots["product"]), slots["flaw"]),
        seed=rng.randrange(4),
    )
    label = Paper(f"return-label-{slots['order']}.pdf", "page", lines)
    return (photo, label) if chance(0.5, rng) else (label,)
