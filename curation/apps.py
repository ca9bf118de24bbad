from django.apps import AppConfig


class CurationConfig(AppConfig):
    name = "curation"

    def ready(self) -> None:
        from curation.wiring import wire  # the registries hold models, which exist only now

        wire()
