"""What there is one of, by the names of the URLs' parameters."""

from dataclasses import dataclass, field
from typing import Any

from core.models import Project, User

DIGEST = "0" * 64


@dataclass
class Estate:
    """The project, its people, and what the URLs' parameters stand for."""

    project: Project
    elsewhere: Project
    people: dict[str, User]
    values: dict[str, Any] = field(default_factory=dict)

    def value(self, name: str, parameter: str) -> Any:
        """What a URL's parameter stands for; `app:parameter` or `url name:parameter` go before the plain name."""
        app = name.split(":")[0] if ":" in name else name.split("-")[0]
        for key in (f"{name}/{parameter}", f"{app}/{parameter}", parameter):
            if key in self.values:
                return self.values[key]
        raise KeyError(f"the estate has nothing for {parameter!r} of {name}; add it to tests/architecture/estate/")
