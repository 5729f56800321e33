"""Two directors that read each other's API."""

from .api import certificate, credential

SETTINGS = """
[api]
listen = ["0.0.0.0:9112"]
tls_certificate = "/run/api/api.crt"
tls_key = "/run/api/api.key"
credentials = "/run/api/credentials"
"""


def serve(host, address):
    """Prepares the API of a director for its peer; the token and the certificate that the peer needs."""
    token, line = credential(host, "peer")
    host.write("/run/api/credentials", line, 0o600)
    certificate(host, "-days", "1", "-addext", f"subjectAltName=IP:{address}")
    return token, host.read("/run/api/api.crt")


def follow(host, address, token, ca):
    host.write("/run/api/peer.token", token + "\n", 0o600)
    host.write("/run/api/peer.pem", ca)
    host.write("/etc/mainstay/mainstay.toml", SETTINGS + f'peer = "https://{address}:9112"\npeer_token = "/run/api/peer.token"\n'
               'peer_ca = "/run/api/peer.pem"\n')
