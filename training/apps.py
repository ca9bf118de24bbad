from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "training"

    def ready(self) -> None:
        from training import jobs  # noqa: F401  registers the kinds of job
        from training.wiring import wire  # the registries hold models, which exist only now

        wire()
