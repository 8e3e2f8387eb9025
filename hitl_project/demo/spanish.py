"""Mails from the shop's Spanish page. Those who read Spanish answer them."""

from __future__ import annotations

from random import Random

from hitl_project.demo import customers
from hitl_project.demo.cases import DemoCase, priority
from hitl_project.demo.grammar import chance, line, lines, texts

STATES = ["preparado", "en camino", "entregado", "entregado hace 12 días", "a la espera de existencias"]


def spanish_mail(rng: Random) -> DemoCase:
    """One support e-mail in Spanish."""
    variants = texts("spanish")
    wish = rng.choice(list(variants["wishes"]))
    customer = customers.pick(rng)
    slots = {**customers.slots(customer, rng), "product": rng.choice(variants["products"])}
    slots["amount"] = f"{rng.uniform(9, 320):.2f} £".replace(".", ",")
    body = [line(variants["greetings"], slots, rng), line(variants["wishes"][wish], slots, rng)]
    body += [line(variants["closings"], slots, rng), customer.name]
    if chance(0.3, rng):
        body.append("El lunes, Harbour & Pine escribió:\n" + "\n".join(lines(variants["quoted"], 2, slots, rng)))
    order = f"1 × {slots['product']}, {slots['amount']}. Estado: {rng.choice(STATES)}. Transporte: {slots['carrier']}."
    about = f"{customer.name}, {customer.town}. Cliente desde {customer.since}, {customer.orders} pedidos. Página en español."
    return DemoCase(
        case_type="support-email",
        payload={"subject": line(variants["subjects"][wish], slots, rng), "text": "\n\n".join(body)},
        true_output={"label": wish},
        requester=customer.number,
        priority=priority(rng),
        difficulty="plain",
        context=[{"title": f"Order {slots['order']}", "text": order}, {"title": customer.number, "text": about}],
        metadata={"language": "es"},
    )
