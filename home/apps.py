import gc

from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "home"

    def ready(self) -> None:
        from home.wiring import wire  # the registries hold models, which exist only now

        wire()
        gc.freeze()  # switched off since config/__init__.py
        gc.enable()
