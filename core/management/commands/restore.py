import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.embedded import EmbeddedError
from core.operations.errors import OperatorError
from core.operations.restore import restore


class Command(BaseCommand):
    help = "Bring a backup into an empty installation (APPRENTICE_HOME, and DATABASE_URL if set)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            restore(settings.HOME, settings.DATABASE_URL, file, self.stdout.write)
        except (OperatorError, EmbeddedError) as error:
            sys.exit(str(error))
        self.stdout.write(f"Restored into {settings.HOME}. Start it with `make up`.")
