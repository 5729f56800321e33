"""genhash: the digest that HTTP_GET and SSL_GET compare."""

from support.paths import program
from support.web import Web, make_certificate

GOOD = "755f85c2723bb39381c7379a604160d8"  # printf good | md5sum


def test_genhash_prints_the_digest_of_a_page_under_either_name_through_tls_too(lan):
    host = lan.host("director")
    plain = Web(host, "127.0.0.1:80")
    plain.answer("/page", 404, "good")  # keepalived's takes any status
    secure = Web(host, "127.0.0.1:443", folder="/run/secure", tls=make_certificate(host, "web"))
    secure.answer("/page", 200, "good")
    host.run(["ln", "-s", program("mainstayd"), "/run/genhash"])

    assert host.run(["/run/genhash", "-s", "127.0.0.1", "-p", "80", "-u", "/page"]).stdout == GOOD + "\n"
    shown = host.run([program("mainstayd"), "--genhash", "-S", "-I", "-s", "127.0.0.1", "-u", "/page", "-V", "www.example",
                      "-P", "1.1"])
    assert shown.stdout == GOOD + "\n"
    note = secure.wait_asked(1)[0]
    assert note["name"] == "www.example"
    assert note["request"].startswith("GET /page HTTP/1.1\r\n")


def test_genhash_says_why_there_is_no_digest(lan):
    host = lan.host("director")
    refused = host.run([program("mainstayd"), "--genhash", "-s", "127.0.0.1", "-p", "9", "-u", "/"], check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "genhash: 127.0.0.1:9: connection refused\n"
    incomplete = host.run([program("mainstayd"), "-T", "-s", "127.0.0.1"], check=False)
    assert incomplete.returncode == 1
    assert incomplete.stderr.startswith("genhash: -u is missing\nusage: genhash ")


def test_genhash_names_an_argument_that_is_none(lan):
    host = lan.host("director")
    for words, message in (("-s 127.0.0.1.2", "'127.0.0.1.2' is no IP address"),
                           ("-s 127.0.0.1 -u / -p 70000", "the port is 1 to 65535, got '70000'"),
                           ("-s 127.0.0.1 -u / -m red", "the mark is 0 to 4294967295, got 'red'"),
                           ("-s 127.0.0.1 -u / -t 0", "the timeout is 1 to 4294, got '0'"),
                           ("-s 127.0.0.1 -u / -P 3", "the protocol is 1.0, 1.0c, 1.1 or 2, got '3'"),
                           ("-s 127.0.0.1 -u / -q", "-q is no option, or has no value"),
                           ("-s 127.0.0.1 -u / also", "also is not expected")):
        done = host.run([program("mainstayd"), "--genhash", *words.split()], check=False)
        assert (done.returncode, done.stdout) == (1, ""), words
        assert done.stderr.startswith(f"genhash: {message}\nusage: genhash "), words
