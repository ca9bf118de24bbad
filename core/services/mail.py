"""What a delivery to a mail server looks like as a mail."""

import json
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from core.models import Delivery, Webhook

PRODUCT = "Apprentice"


def mail_of(server: Webhook, delivery: Delivery) -> EmailMessage:
    """Plain text, where to read on, and where to say that one wants no more of them.

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
    profile = server.site + reverse("profile")
    message["List-Unsubscribe"] = f"<{profile}>"
    stop = _("Whether you get such mails is up to you: %(profile)s") % {"profile": profile}
    message.set_content(f"{told['text']}\n\n{server.site}{told['path']}\n\n-- \n{stop}\n")
    return message
