"""A table that was set by hand is the one that mainstay programs from the file that `mainstayctl migrate` makes of it."""

import pytest

from support.paths import program
from support.wait import wait_until

# As `ipvsadm-save -n` prints it: by protocol and address.
TABLE = """\
-A -t 10.0.0.1:80 -s wlc -p 300 -M 255.255.255.0
-a -t 10.0.0.1:80 -r 10.9.0.11:8080 -m -w 3
-a -t 10.0.0.1:80 -r 10.9.0.12:80 -g -w 0
-a -t 10.0.0.1:80 -r 10.9.0.13:80 -i -w 1 --tun-type ipip
-a -t 10.0.0.1:80 -r 10.9.0.14:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum
-a -t 10.0.0.1:80 -r 10.9.0.15:80 -i -w 1 --tun-type gre --tun-csum
-A -t 10.0.0.2:80 -s sh -b sh-fallback,sh-port
-a -t 10.0.0.2:80 -r 10.9.0.11:80 -g -w 1
-A -t 10.0.0.3:80 -s mh -b mh-fallback,mh-port
-a -t 10.0.0.3:80 -r 10.9.0.11:80 -g -w 1
-A -t 10.0.0.4:0 -s rr -p 360
-a -t 10.0.0.4:0 -r 10.9.0.11:0 -g -w 1
-A -u 10.0.0.1:53 -s rr -o
-a -u 10.0.0.1:53 -r 10.9.0.11:53 -m -w 1
-A -u 10.0.0.1:5060 -s rr -p 60 --pe sip
-a -u 10.0.0.1:5060 -r 10.9.0.11:5061 -m -w 1
-A --sctp-service 10.0.0.5:80 -s rr
-a --sctp-service 10.0.0.5:80 -r 10.9.0.11:80 -m -w 1
-A -t [2001:db8::1]:80 -s rr -p 100 -M 64
-a -t [2001:db8::1]:80 -r [2001:db8:9::11]:80 -g -w 1
-A -f 5 -s rr
-a -f 5 -r 10.9.0.11:0 -g -w 1
-a -f 5 -r 10.9.0.12:80 -m -w 2
-A -f 6 -6 -s rr -p 360
-a -f 6 -6 -r [2001:db8:9::11]:0 -g -w 1
"""

LDIRECTORD = """\
quiescent=no
checkinterval=1
checktimeout=2
virtual=10.0.0.1:80
\treal=10.9.0.11:8080 gate
\treal=10.9.0.12:8080 masq 5
\treal=10.9.0.13 ipip 0
\tchecktype=on
\tscheduler=wlc
\tpersistent=600
\tnetmask=255.255.255.0
virtual=10.0.0.3:http
\treal=10.9.0.21->10.9.0.23:80 gate 4
\tchecktype=on
virtual=10.0.0.4:1000
\tprotocol=udp
\tops=yes
\treal=10.9.0.11:1000 gate
\tchecktype=on
virtual=10.0.0.5:80
\treal=10.9.0.11:80 gate
\tchecktype=off
\tscheduler=rr
\tfallback=127.0.0.1:8080
virtual=10.0.0.6:80
\treal=127.9.0.1:80 masq
\tchecktype=connect
\tfallback=127.0.0.1
virtual=10.0.0.7:80
\treal=127.9.0.1:80 masq
\tchecktype=connect
\tquiescent=yes
\tfallback=127.0.0.1:81
virtual=7
\treal=10.9.0.11 gate
\treal=10.9.0.12:80 masq
\tchecktype=on
virtual6=[2001:db8::1]:80
\treal6=[2001:db8:9::11]:80 gate
\tpersistent=50
\tnetmask=64
\tchecktype=on
"""
# What ldirectord 1.186 was seen to set of it, while nothing listens on 127.9.0.1.
OF_LDIRECTORD = """\
-A -t 10.0.0.1:80 -s wlc -p 600 -M 255.255.255.0
-a -t 10.0.0.1:80 -r 10.9.0.11:80 -g -w 1
-a -t 10.0.0.1:80 -r 10.9.0.12:8080 -m -w 5
-a -t 10.0.0.1:80 -r 10.9.0.13:80 -i -w 0 --tun-type ipip
-A -t 10.0.0.3:80 -s wrr
-a -t 10.0.0.3:80 -r 10.9.0.21:80 -g -w 4
-a -t 10.0.0.3:80 -r 10.9.0.22:80 -g -w 4
-a -t 10.0.0.3:80 -r 10.9.0.23:80 -g -w 4
-A -t 10.0.0.5:80 -s rr
-a -t 10.0.0.5:80 -r 127.0.0.1:80 -g -w 1
-A -t 10.0.0.6:80 -s wrr
-a -t 10.0.0.6:80 -r 127.0.0.1:80 -g -w 1
-A -t 10.0.0.7:80 -s wrr
-a -t 10.0.0.7:80 -r 127.0.0.1:80 -g -w 1
-a -t 10.0.0.7:80 -r 127.9.0.1:80 -m -w 0
-A -u 10.0.0.4:1000 -s wrr -o
-a -u 10.0.0.4:1000 -r 10.9.0.11:1000 -g -w 1
-A -t [2001:db8::1]:80 -s wrr -p 50 -M 64
-a -t [2001:db8::1]:80 -r [2001:db8:9::11]:80 -g -w 1
-A -f 7 -s wrr
-a -f 7 -r 10.9.0.11:0 -g -w 1
-a -f 7 -r 10.9.0.12:80 -m -w 1
"""


@pytest.fixture
def director(lan):
    host = lan.host("director")
    # In a namespace whose lo was never up the kernel refuses every destination.
    host.run(["ip", "link", "set", "lo", "up"])
    return host


def saved(host):
    return sorted(host.run(["ipvsadm-save", "-n"]).stdout.splitlines())


def migrated(host, program_name, text):
    return host.run([program("mainstayctl"), "migrate", "--from", program_name, "-"], text_in=text, check=False)


def test_the_rules_of_ipvsadm_save_become_a_file_that_gives_the_same_table(director):
    director.run(["ipvsadm", "--restore"], text_in=TABLE)
    before = director.run(["ipvsadm-save", "-n"]).stdout
    assert sorted(before.splitlines()) == sorted(TABLE.splitlines())
    made = migrated(director, "ipvsadm", before)
    assert (made.returncode, made.stderr) == (0, "")
    director.run(["ipvsadm", "--clear"])
    assert saved(director) == []

    daemon = director.mainstayd(made.stdout)

    wait_until(lambda: saved(director) == sorted(before.splitlines()), 30,
               lambda: "\n".join(saved(director)) + daemon.output())


def test_names_of_ports_are_refused(director):
    director.run(["ipvsadm", "--restore"], text_in=TABLE)

    made = migrated(director, "ipvsadm", director.run(["ipvsadm-save"]).stdout)

    assert (made.returncode, made.stdout) == (2, "")
    assert "save the table with `ipvsadm-save -n`" in made.stderr


def test_a_configuration_of_ldirectord_becomes_a_file_that_gives_its_table(director):
    made = migrated(director, "ldirectord", LDIRECTORD)
    assert made.returncode == 1  # checktype=off
    assert "standard input:22: not carried over: checktype=off" in made.stderr

    daemon = director.mainstayd(made.stdout)

    wait_until(lambda: saved(director) == sorted(OF_LDIRECTORD.splitlines()), 30,
               lambda: "\n".join(saved(director)) + daemon.output())
