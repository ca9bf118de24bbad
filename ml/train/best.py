"""Which state of a run is its best so far, by the score that the recipe chose."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml.recipe import Recipe


@dataclass(slots=True)
class Best:
    """What was measured on the way, as (step, value); `lower` says whether less is better."""

    lower: bool
    measured: list[tuple[int, float]] = field(default_factory=list)

    @classmethod
    def of(cls, recipe: Recipe) -> Best:
        return cls(lower=recipe.best_by != "answers")

    @property
    def step(self) -> int | None:
        """The step of the best value, the earliest of equal ones; None before the first measurement."""
        if not self.measured:
            return None
        return min(self.measured, key=lambda found: (found[1] if self.lower else -found[1], found[0]))[0]

    @property
    def since(self) -> int:
        """How many measurements came after the best one."""
        return sum(step > (self.step or 0) for step, _value in self.measured)

    def add(self, step: int, value: float) -> bool:
        """Note a measurement; whether it is the best so far."""
        self.measured.append((step, value))
        return self.step == step
