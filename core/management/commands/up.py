import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.operations.up import Up


class Command(BaseCommand):
    help = "Start everything on this machine and keep it running until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(Up(settings.HOME).run())
