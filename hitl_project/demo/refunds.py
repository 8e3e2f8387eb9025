"""Refund requests, the rule that settles them, and the shop engine that proposes an answer and is sometimes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from hitl_project.demo import customers
from hitl_project.demo.cases import DemoCase, Output, priority, spans
from hitl_project.demo.grammar import chance, line, texts, with_typos

GROUNDS = {"damaged": 26, "defect": 16, "changed_mind": 24, "used": 14, "made_to_measure": 8, "late": 12}
RETURN_DAYS = 30
GUARANTEE_DAYS = 365
DELIVERY_FEE = 6.90
LARGE = 400


@dataclass(frozen=True, slots=True)
class Request:
    """The facts that the guidelines decide by; ``paid`` in pounds, ``days`` since delivery."""

    ground: str
    paid: float
    days: int


def settle(request: Request) -> Output:
    """The right answer by the guidelines."""
    if request.ground == "made_to_measure":
        return _output("deny", 0, "Made to measure, no fault on our side")
    if request.ground == "late":
        return _output("partial", DELIVERY_FEE, "Late delivery: the delivery fee is returned")
    if request.ground in ("damaged", "defect"):
        return _faulty(request)
    return _taken_back(request)


def _faulty(request: Request) -> Output:
    if request.ground == "damaged":
        return _output("approve", request.paid, "Damaged on arrival")
    if request.days > GUARANTEE_DAYS:
        return _output("deny", 0, "Guarantee over")
    return _output("approve", request.paid, "Fault within the guarantee")


def _taken_back(request: Request) -> Output:
    if request.days > RETURN_DAYS:
        return _output("deny", 0, f"Returned after {RETURN_DAYS} days")
    if request.ground == "used":
        return _output("partial", request.paid / 2, "Returned in time, but used")
    return _output("approve", request.paid, "Unused and returned in time")


def _output(label: str, amount: float, reason: str) -> Output:
    return {"label": label, "amount": round(amount, 2), "reason": reason}


def refund(rng: Random) -> DemoCase:
    """One request with the engine's proposal."""
    customer = customers.pick(rng)
    slots = customers.slots(customer, rng)
    request = _request(rng)
    text = line(texts("refunds")[request.ground], {**slots, "paid": f"£{request.paid:.2f}"}, rng)
    payload = {
        "order": slots["order"],
        "item": slots["product"],
        "paid": request.paid,
        "days_since_delivery": request.days,
        "text": with_typos(text, customers.TYPO_RATES[customer.style], rng),
    }
    return DemoCase(
        case_type="refund-request",
        payload=payload,
        true_output=settle(request),
        requester=customer.number,
        priority=priority(rng, pressing=request.paid > LARGE),
        difficulty="ambiguous" if request.ground in ("used", "defect") else "plain",
        context=_context(customer, request, slots, rng),
        proposal=propose(request, rng),
    )


def _request(rng: Random) -> Request:
    ground = rng.choices(list(GROUNDS), weights=list(GROUNDS.values()))[0]
    paid = round(min(rng.lognormvariate(4.4, 0.9), 950), 2)
    days = rng.randrange(45, 420) if ground == "defect" else rng.randrange(1, 48)
    return Request(ground=ground, paid=paid, days=days)


def propose(request: Request, rng: Random, *, skill: float = 0.82) -> dict[str, Any]:
    """The engine's answer: right with probability ``skill``, else wrong in a believable way."""
    right = settle(request)
    if chance(skill, rng):
        return {"output": right, "confidence": round(rng.uniform(0.62, 0.98), 3), "rationale": _rationale(request)}
    return {
        "output": slip(request.paid, right, rng),
        "confidence": round(rng.uniform(0.41, 0.9), 3),
        "rationale": _rationale(request),
    }


def slip(paid: float, right: Output, rng: Random) -> Output:
    """Engines go wrong where they do not read the text: they pay in full, or refuse everything that is late."""
    if right["label"] == "approve" and chance(0.5, rng):
        return _output("partial", paid / 2, "Condition unclear")
    if right["label"] == "approve":
        return _output("deny", 0, f"Returned after {RETURN_DAYS} days")
    return _output("approve", paid, "Unused and returned in time")


def _rationale(request: Request) -> str:
    return f"Paid £{request.paid:.2f}, delivered {_ago(request.days)}, ground read as “{request.ground.replace('_', ' ')}”."


def _context(
    customer: customers.Customer, request: Request, slots: dict[str, str], rng: Random
) -> list[dict[str, str]]:
    order = f"1 × {slots['product']}, £{request.paid:.2f}, delivered {_ago(request.days)} by {slots['carrier']}."
    earlier = rng.choices([0, 1, 2, 5], weights=[60, 25, 10, 5])[0]
    about = f"{customer.name}. Customer since {customer.since}, {customer.orders} orders, earlier refunds: {earlier}."
    return [{"title": f"Order {slots['order']}", "text": order}, {"title": customer.number, "text": about}]


def _ago(days: int) -> str:
    return "yesterday" if days == 1 else f"{days} days ago"


def explained(case: DemoCase, rng: Random) -> dict[str, Any]:
    """The engine's answer with what it goes by, what else it thought of, and how sure it is of each field."""
    found, texts_ = (
        case.proposal or {},
        {"payload.text": case.payload["text"], "context.0.text": case.context[0]["text"]},
    )
    sure, said = found["confidence"], found["output"]
    paid = f"£{case.payload['paid']:.2f}"
    wanted = [
        ("payload.text", case.payload["text"].partition("\n")[0].partition(". ")[0].rstrip("."), "label"),
        ("context.0.text", paid, "amount"),
        ("context.0.text", f"delivered {_ago(case.payload['days_since_delivery'])}", "reason"),
    ]
    others = [label for label in ("approve", "partial", "deny") if label != said["label"]]
    return {
        **found,
        "evidence": spans(texts_, wanted),
        "alternatives": [
            {"label": label, "confidence": round((1 - sure) * share, 3)}
            for label, share in zip(others, (0.7, 0.3), strict=True)
        ],
        "fields": {
            "label": sure,
            "amount": round(sure * rng.uniform(0.85, 1), 3),
            "reason": round(rng.uniform(0.7, 0.95), 3),
        },
        "model": "refund-engine",
        "model_version": "3",
    }
