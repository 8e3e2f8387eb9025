"""The shop's customers: who writes, in which manner, and how often they come back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from hitl_project.demo.grammar import dice, texts

CUSTOMERS = 420
FIRST = 1000  # the first customer's number
STYLES = {"formal": 24, "chatty": 30, "terse": 18, "annoyed": 12, "mobile": 16}
TYPO_RATES = {"formal": 0.004, "chatty": 0.015, "terse": 0.01, "annoyed": 0.02, "mobile": 0.05}


@dataclass(frozen=True, slots=True)
class Customer:
    """One who buys and writes; ``weight`` says how often, ``since`` is a year."""

    number: str
    name: str
    email: str
    town: str
    style: str
    weight: float
    since: int
    orders: int


@cache
def customers() -> tuple[Customer, ...]:
    """The same people every time, so that each has a history."""
    rng = dice(1871)
    return tuple(_customer(FIRST + index, rng) for index in range(CUSTOMERS))


def pick(rng: Random) -> Customer:
    """A customer, the frequent ones more often."""
    people = customers()
    return rng.choices(people, weights=[person.weight for person in people])[0]


def _customer(number: int, rng: Random) -> Customer:
    common = texts("common")
    first, last = rng.choice(common["first_names"]), rng.choice(common["last_names"])
    weight = min(rng.paretovariate(1.4), 12)
    return Customer(
        number=f"customer-{number}",
        name=f"{first} {last}",
        email=f"{first}.{last}{number % 90}@post.example".lower().replace("ö", "o"),
        town=rng.choice(common["towns"]),
        style=rng.choices(list(STYLES), weights=list(STYLES.values()))[0],
        weight=weight,
        since=rng.randrange(2014, 2026),
        orders=1 + int(weight * rng.uniform(1, 4)),
    )


def slots(customer: Customer, rng: Random) -> dict[str, str]:
    """What the texts may name: the customer's own details and things drawn for this one case."""
    common: dict[str, Any] = texts("common")
    amount = rng.uniform(9, 320)
    return {
        **_goods(rng),
        "order": f"HP-{rng.randrange(40000, 99999)}",
        "customer": customer.number.removeprefix("customer-"),
        "email": customer.email,
        "town": customer.town,
        "carrier": rng.choice(common["carriers"]),
        "day": rng.choice(common["days"]),
        "weekday": rng.choice(common["weekdays"]),
        "amount": money(amount, rng),
        "amount2": money(amount * rng.uniform(1.1, 2.5), rng),
    }


def _goods(rng: Random) -> dict[str, str]:
    """Two products, and what can be said about the first one."""
    kinds = texts("products")
    kind = kinds[rng.choice(list(kinds))]
    product = rng.choice(kind["names"])
    others = [name for each in kinds.values() for name in each["names"] if name != product]
    question, question2 = rng.sample(kind["questions"], 2)
    return {
        "product": product,
        "product2": rng.choice(others),
        "part": rng.choice(kind["parts"]),
        "flaw": rng.choice(kind["flaws"]),
        "material": rng.choice(kind["materials"]),
        "question": question,
        "question2": question2,
    }


def money(amount: float, rng: Random) -> str:
    """An amount as people write it."""
    return rng.choice([f"£{amount:.2f}", f"£{amount:.2f}", f"{amount:.2f} pounds", f"£{round(amount)}"])
