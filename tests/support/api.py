"""The API of a director over TCP with TLS: its files, and clients of it."""

from .paths import program

PORT = 9112
SETTINGS = f"""
[api]
listen = ["0.0.0.0:{PORT}"]
credentials = "/run/api/credentials"
tls_certificate = "/run/api/api.crt"
tls_key = "/run/api/api.key"
operate = true
"""


def credential(host, *arguments):
    """(token, line) of a new credential."""
    made = host.run([program("mainstayctl"), "api", "credential", *arguments])
    return made.stderr.split("shown this once: ")[1].split()[0], made.stdout


def certificate(host, *options):
    """Makes a certificate and its key, which the settings name."""
    host.path("/run/api").mkdir(exist_ok=True)
    host.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=lb1",
              "-keyout", "/run/api/api.key", "-out", "/run/api/api.crt", *(options or ("-days", "2"))])
    host.path("/run/api/api.key").chmod(0o600)


def serve(host, more=""):
    """Lets a daemon that is started afterwards serve the API over TLS. Returns (token to read, token to operate)."""
    certificate(host)
    reader, read_line = credential(host, "reader")
    operator, operate_line = credential(host, "--role", "operate", "operator")
    host.write("/run/api/credentials", read_line + operate_line, 0o600)
    host.write("/etc/mainstay/mainstay.toml", SETTINGS + more)
    return reader, operator
