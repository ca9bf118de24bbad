import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.embedded import EmbeddedError
from core.operations.backup import backup, default_name
from core.operations.errors import OperatorError


class Command(BaseCommand):
    help = "Write database, models, files and keys into one archive while people work. It holds keys: keep it safe."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="default: HOME/backups/apprentice-DATE-TIME.tar")

    def handle(self, *args: Any, file: Path | None, **options: Any) -> None:
        target = (file or default_name(settings.HOME)).expanduser().resolve()
        try:
            manifest = backup(settings.HOME, settings.DATABASE_URL, target, self.stdout.write)
        except (OperatorError, EmbeddedError) as error:
            sys.exit(str(error))
        size = target.stat().st_size / 1e6
        self.stdout.write(f"{len(manifest.files)} files, {size:.1f} MB: {target}")
