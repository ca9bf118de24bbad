from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves: accounts come from one-time links (core/services/invitations.py)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
