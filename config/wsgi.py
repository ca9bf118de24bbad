"""The web application. Behind a trusted proxy its headers count; from anybody else they are dropped."""

import ipaddress
import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Any], Iterable[bytes]]
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_FORWARDED")


def trust_proxy(inner: Wsgi, proxies: str) -> Wsgi:
    """REMOTE_ADDR becomes the last address that no trusted proxy has, so that login limits count people, not the proxy.

    `proxies` is TRUSTED_PROXY: addresses or networks with commas between; empty trusts nobody.
    """
    networks = [ipaddress.ip_network(part.strip(), strict=False) for part in proxies.split(",") if part.strip()]

    def trusted(address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in networks)

    def outer(environ: Environ, start_response: Any) -> Iterable[bytes]:
        hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
        if not trusted(environ.get("REMOTE_ADDR", "")):
            for name in FORWARDED:
                environ.pop(name, None)
        elif hops:
            environ["REMOTE_ADDR"] = next((hop for hop in reversed(hops) if not trusted(hop)), hops[0])
        return inner(environ, start_response)

    return outer


application = trust_proxy(get_wsgi_application(), os.environ.get("TRUSTED_PROXY", ""))
