"""The way round the loop, in steps that each happen once for all browser tests, in their order."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser

from tests.e2e.people import Person
from tests.e2e.stack import Stack

Step = Callable[["Walk"], None]


@dataclass
class Walk:
    """Who walks, what they made (`ids`, by the names of the URLs' parameters), and how far they came."""

    stack: Stack
    browser: Browser
    steps: list[Step]
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, Any] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    stumbled: str = ""

    def arrive(self, who: str, name: str, *, phone: bool = False) -> Person:
        person = Person.arrive(self.browser, self.stack.url, f"{who}@example.org", name, phone=phone)
        self.people[who] = person
        return person

    def __getattr__(self, who: str) -> Person:
        """A person by name: walk.expert."""
        try:
            return self.__dict__["people"][who]
        except KeyError:
            raise AttributeError(f"nobody called {who} came yet") from None

    def root(self, path: str = "") -> str:
        return f"/p/{self.ids['project']}/{path}"

    def to(self, last: Step) -> "Walk":
        """Take every step up to `last` that was not yet taken."""
        for step in self.steps[: self.steps.index(last) + 1]:
            if step.__name__ in self.gone:
                continue
            assert not self.stumbled, f"the walk stumbled before, at “{self.stumbled}”"
            self.stumbled = step.__name__
            step(self)
            self.stumbled = ""
            self.gone.append(step.__name__)
        return self

    def troubles(self) -> list[str]:
        """Script errors, policy violations and dialogs of all pages that anybody saw."""
        return [f"{who}: {line}" for who, person in self.people.items() for line in person.troubles()]
