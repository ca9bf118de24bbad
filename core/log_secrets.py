"""What no log may hold: the secret of a one-time link."""

import logging
import re

LINK = re.compile(r"(/link/)[^/\s\"']+")


def hide_secrets(text: str) -> str:
    return LINK.sub(r"\1…", text)


class HideSecrets(logging.Filter):
    """For the lines that Django itself writes about a refused or failed request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, str) and "/link/" in (message := record.getMessage()):
            record.msg, record.args = hide_secrets(message), ()
        return True
