import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.operations import preflight
from core.operations.errors import OperatorError
from core.operations.models import Unpacking
from core.operations.prepare import prepare
from core.services.invitations import first_admin_link


class Command(BaseCommand):
    help = "Fetch the models, migrate, collect static files, run first-start steps, and end. `up` does this itself."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        models = Unpacking(settings.HOME, self.stdout.write)
        try:
            preflight.check_home(settings.HOME)
            preflight.check_database(settings.DATABASE_URL)
            models.begin()
            prepare(self.stdout.write, models.wait)
        except OperatorError as error:
            sys.exit(str(error))
        finally:
            models.abandon()
        if link := first_admin_link():
            self.stdout.write(f"First admin, once: open this path at the web server's address: {link}")
