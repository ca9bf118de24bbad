import socket
from pathlib import Path

import pytest

from core.operations.errors import OperatorError
from core.operations.listening import Listen, is_loopback, open_socket, read_listen
from tests.faults.certificates import write_certificate


def refusal(**environment: str) -> str:
    with pytest.raises(OperatorError) as caught:
        read_listen(environment)
    return str(caught.value)


def test_nothing_set_means_loopback() -> None:
    assert read_listen({}) == Listen("127.0.0.1", 8000)
    assert read_listen({}).url == "http://127.0.0.1:8000"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.5.0.1"])
def test_loopback_needs_no_encryption(host: str) -> None:
    assert is_loopback(host)
    assert read_listen({"HOST": host}).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "192.168.1.4"])
def test_beyond_loopback_is_refused_without_encryption_or_proxy(host: str) -> None:
    sentence = refusal(HOST=host)
    assert sentence.startswith(
        f"HOST={host} is reachable from the network without encryption; set TLS_CERT and TLS_KEY"
    )
    assert read_listen({"HOST": host, "TRUSTED_PROXY": "10.0.0.2, 10.1.0.0/16"}).proxy == "10.0.0.2,10.1.0.0/16"


def test_a_pair_of_certificate_and_key_allows_the_network(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    listen = read_listen({"HOST": "0.0.0.0", "TLS_CERT": str(certificate), "TLS_KEY": str(key), "PORT": "443"})
    assert (listen.certificate, listen.key) == (certificate, key)
    assert listen.url == f"https://{socket.gethostname()}:443"


def test_half_a_pair_a_wrong_pair_and_a_missing_file_are_named(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    _, other = write_certificate(tmp_path, "other")
    assert refusal(TLS_CERT=str(certificate)) == "TLS_CERT and TLS_KEY belong together; set both or none."
    assert "are no pair of certificate and key" in refusal(TLS_CERT=str(certificate), TLS_KEY=str(other))
    assert "TLS_KEY=/nowhere cannot be read" in refusal(TLS_CERT=str(certificate), TLS_KEY="/nowhere")
    assert "are no pair" in refusal(TLS_CERT=str(key), TLS_KEY=str(certificate))


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eighty", "٨٠٠٠", "80 "])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    assert refusal(PORT=port) == f"PORT is {port!r}; write a number from 1 to 65535."


def test_a_proxy_that_is_no_address_is_refused() -> None:
    assert "TRUSTED_PROXY contains 'nginx'" in refusal(TRUSTED_PROXY="10.0.0.1,nginx")


def test_an_unknown_host_is_refused() -> None:
    assert "is no address of this machine" in refusal(HOST="no-such-name.invalid")


def test_the_second_to_bind_is_told_another_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OperatorError, match=rf"Port {port} on 127.0.0.1 is taken .* PORT={port + 1} make up"):
            open_socket(Listen("127.0.0.1", port))


def test_an_address_of_another_machine_cannot_be_bound() -> None:
    with pytest.raises(OperatorError, match="is no address of this machine"):
        open_socket(Listen("203.0.113.7", 8000))
