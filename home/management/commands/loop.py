import signal
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.embedded import EmbeddedError
from core.operations.errors import OperatorError
from home.operations.loop import LoopFailed, once_around
from home.operations.stage import inside, outside


class Command(BaseCommand):
    help = (
        "Go once around the loop without a browser, through the same services and workers: import, approve, freeze, "
        "train, evaluate. Works beside a running installation. Fails unless finetuning lowered the held-out loss."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--keep", action="store_true", help="leave the folder of this run when it ends")
        parser.add_argument("--answers", type=int, default=30, help="answers of each model (default 30)")
        parser.add_argument("--inside", action="store_true", help="this folder is the run's own (for the loop itself)")

    def handle(self, *args: Any, **options: Any) -> None:

        def say(text: str) -> None:
            self.stdout.write(text)
            self.stdout.flush()

        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers end in order
        try:
            if not options["inside"]:
                words = ["--answers", str(options["answers"])]
                sys.exit(outside(settings.HOME, words, keep=options["keep"], tell=say))
            with inside(settings.HOME, say) as stage:
                once_around(stage, answers=options["answers"])
        except (OperatorError, EmbeddedError, LoopFailed) as error:
            sys.exit(str(error))
        except KeyboardInterrupt:
            sys.exit("Stopped before the end.")
