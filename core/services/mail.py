"""What a delivery to a mail server looks like as a mail."""

import json
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from core.models import Delivery, Webhook

PRODUCT = "Apprentice"


def mail_of(server: Webhook, delivery: Delivery) -> EmailMessage:
    """Plain text, and where to read on.

    Its number is that of the delivery, so that a mail that is sent twice is known again.
    """
    told = json.loads(delivery.body)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(PRODUCT, addr_spec=server.sender)
    message["To"] = told["to"]
    message["Subject"] = told["subject"]
    message["Date"] = format_datetime(delivery.created_at)
    message["Message-ID"] = f"<{delivery.number}@{server.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{told['text']}\n\n{server.site}{told['path']}\n")
    return message
