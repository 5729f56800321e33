"""The lab that the other tests run in is what it claims to be."""

from support.wait import wait_until


def test_every_scheduler_that_a_configuration_may_name_is_loaded(lan):
    director = lan.host("director")

    for scheduler in "rr wrr lc wlc lblc lblcr dh sh sed nq".split():
        director.run(["ipvsadm", "-A", "-t", "10.0.0.1:80", "-s", scheduler])
        assert list(director.ipvs()) == [f"TCP 10.0.0.1:80 {scheduler}"]
        director.run(["ipvsadm", "-C"])


def test_the_ipvs_table_belongs_to_the_host_and_goes_with_it(lan):
    one, two = lan.host("one"), lan.host("two")
    one.run(["ipvsadm", "-A", "-t", "10.0.0.1:80", "-s", "wrr"])
    one.run(["ipvsadm", "-a", "-t", "10.0.0.1:80", "-r", "10.0.1.11:80", "-g", "-w", "3"])

    assert one.ipvs() == {"TCP 10.0.0.1:80 wrr": {"10.0.1.11:80": ("Route", 3)}}
    assert two.ipvs() == {}
    one.kill()
    one.boot()
    wait_until(lambda: one.ipvs() == {}, 5, "an empty table")
