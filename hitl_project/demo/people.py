"""Who works at the demonstration shop, with the passwords that ``runstack --demo`` prints. Never used outside a demo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the demo. ``accuracy`` is the share of cases judged rightly when thinking for oneself; ``care`` the
    share of cases on which the person does think, instead of accepting what is shown; ``seconds`` a usual case's time;
    ``languages`` what they can read, where that is not everything."""

    username: str
    name: str
    role: str
    password: str
    accuracy: float = 0.97
    care: float = 0.95
    seconds: float = 45
    languages: tuple[str, ...] = ()

    def reads(self, language: str) -> bool:
        """Whether a case in a language may be given to them; one without a language may."""
        return not language or not self.languages or language in self.languages

    @property
    def email(self) -> str:
        return f"{self.username}@harbourandpine.example"


PEOPLE = (
    Person("rita", "Rita Calloway", "reviewer", "kelp-lantern-41", accuracy=0.97, care=0.96, seconds=48),
    Person(
        "ravi", "Ravi Thornbury", "reviewer", "kelp-lantern-42", accuracy=0.96, care=0.88, seconds=34, languages=("en",)
    ),
    Person(
        "rolf", "Rolf Mayhew", "reviewer", "kelp-lantern-43", accuracy=0.94, care=0.62, seconds=17, languages=("en",)
    ),
    Person("lucia", "Lucía Ferrer", "reviewer", "kelp-lantern-44", care=0.95, seconds=46, languages=("en", "es")),
    Person("edith", "Edith Sørensen", "expert", "driftwood-plum-12", accuracy=0.985, care=0.98, seconds=70),
    Person("sanjay", "Sanjay Loft", "supervisor", "harbour-slate-77", accuracy=0.98, care=0.97, seconds=80),
    Person("sigrid", "Sigrid Vale", "supervisor", "harbour-slate-78", accuracy=0.975, care=0.95, seconds=64),
    Person("agnes", "Agnes Pell", "auditor", "pinecone-ledger-5", accuracy=0.99, care=0.99, seconds=75),
    Person("milan", "Milan Hurst", "manager", "tidewater-chart-9"),
    Person("shop-mailroom", "Mailroom interface", "integration", "conveyor-gull-30"),
    Person("ada", "Ada Keene", "administrator", "anchor-thistle-64"),
)


def of_role(role: str) -> tuple[Person, ...]:
    """Everyone who holds a role."""
    return tuple(person for person in PEOPLE if person.role == role)


def named(username: str) -> Person:
    return next(person for person in PEOPLE if person.username == username)
