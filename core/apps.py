from django.apps import AppConfig


class CoreConfig(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core.wiring import wire  # the registries hold models, which exist only now

        wire()
