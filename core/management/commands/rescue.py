import sys
from argparse import ArgumentParser
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from config.embedded import EmbeddedError
from core.denied import ApplicationError
from core.operations.database import database_running
from core.operations.errors import OperatorError
from core.services.invitations import RESET_DAYS
from core.services.second_factor import person_rescue


class Command(BaseCommand):
    help = "Let a person in again whom no admin can help: removes their second factor and prints a new password's link."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="the address with which the person signs in")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            with database_running(settings.HOME, settings.DATABASE_URL), closing(connection):
                user, path, had = person_rescue(email=email)
        except (ApplicationError, OperatorError, EmbeddedError) as error:
            sys.exit(str(error))
        if had:
            self.stdout.write(f"{user.email} has no second factor any more; every session and API token has ended.")
        self.stdout.write(
            f"A new password for {user.email}: open this path at the web server's address; it works once, within "
            f"{RESET_DAYS} days.\n{path}"
        )
