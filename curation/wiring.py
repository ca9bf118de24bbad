"""What curation puts into core's registries: its pages, its numbers, its work and its background jobs."""

from curation import jobs  # noqa: F401  importing it registers the kinds of jobs


def wire() -> None:
    """Called once, when Django's models are ready."""
