import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from core.operations.archive import verify
from core.operations.errors import OperatorError


class Command(BaseCommand):
    help = "Read a backup and compare every file in it with its sha256."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            manifest = verify(file)
        except OperatorError as error:
            sys.exit(str(error))
        self.stdout.write(f"All {len(manifest.files)} files are as they were written on {manifest.made_at}.")
