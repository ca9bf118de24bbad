import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.operations.up import Up


class Command(BaseCommand):
    help = "Start everything on this machine and keep it running until Ctrl-C."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        code = Up(settings.HOME).run()
        sys.stdout.flush()
        sys.stderr.flush()
        # Everything is closed by now; tidying up what the migrations of a first start left in memory takes seconds.
        os._exit(code)
