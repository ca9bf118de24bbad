import sys
from typing import Any

from django.core.management.base import BaseCommand

from core.operations.doctor import examine


class Command(BaseCommand):
    help = "Check this installation part by part and name the cure for each failure; exit code 1 if something fails."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examine()
        for finding in findings:
            mark = "ok  " if finding.ok else "warn" if finding.warning else "FAIL"
            self.stdout.write(f"{mark}  {finding.name}: {finding.text}")
            if finding.cure:
                self.stdout.write(f"      {finding.cure}")
        sys.exit(any(not finding.ok and not finding.warning for finding in findings))
