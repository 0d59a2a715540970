"""REDIS_PASSWORD_FILE: a password that is renewed beside a program that runs."""

import subprocess

import pytest

from following import install
from orders import added, an_order
from program import ask
from servers import Redis, running


@pytest.fixture
def server(folder):
    with running(Redis(folder)) as server:
        server.client().config_set("requirepass", "first")
        yield server


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "password"
    file.write_text("first\n")
    return file


@pytest.fixture
def ordercache(ordercache, server, file):
    ordercache.environment.update(REDIS_SERVICE_URI=server.uri(":hush@"), REDIS_PASSWORD_FILE=file)
    return ordercache


def renew(server, file, password):
    """As a service does whose tokens expire: the connections that are open are lost some time later."""
    admin = server.client(password=file.read_text().strip())
    admin.config_set("requirepass", password)
    file.write_text(f"{password}\n")
    admin.client_kill_filter(_type="normal", skipme=False)


@pytest.mark.parametrize("text", ["first", "first\n", "first\r\n", "first\nsecond\n"])
def test_its_first_line_is_the_password_instead_of_the_uris(ordercache, file, text):
    file.write_text(text)
    assert ordercache(*an_order()).status == 0
    assert ordercache("count").stderr == ""


def test_a_user_of_the_uri_has_the_password_of_the_file(ordercache, server):
    server.client(password="first").acl_setuser("shop", enabled=True, passwords=["+first"], keys=["*"], commands=["+@all"])
    assert ordercache("ttl", env={"REDIS_SERVICE_URI": server.uri("shop:@")}).status == 1


@pytest.mark.parametrize("command", [("count",), ("ttl",), tuple(an_order()), ("invalidate", "--follow")], ids=" ".join)
@pytest.mark.parametrize("text, reason", [(None, "No such file or directory"), ("", "is empty"), ("\nfirst\n", "is empty")])
def test_one_that_cannot_be_read_at_the_start_is_a_bad_configuration(ordercache, database, file, command, text, reason):
    install(ordercache, database)
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    run = ordercache(*command)
    assert (run.status, run.stdout) == (2, "")
    assert run.stderr.startswith("ordercache: error: REDIS_PASSWORD_FILE: ") and reason in run.stderr
    assert str(file) not in run.stderr and run.stderr.count("\n") == 1
    assert added(database) == []


def test_a_wrong_one_is_told_and_not_shown(ordercache, file):
    file.write_text("wr0ng\n")
    run = ordercache("ttl")
    assert run.status == 4 and "refused AUTH" in run.stderr and "wr0ng" not in run.stderr


def test_a_count_that_is_kept_running_reads_it_at_each_connection(ordercache, server, file):
    process = ordercache.start("count", "--customers-from=-", stdin=subprocess.PIPE)
    for password in ("second", "third"):
        assert ask(process, 9999) == "9999\t1\n"
        renew(server, file, password)
    assert ask(process, 9999) == "9999\t1\n"
    file.rename(file.with_name("away"))
    server.client(password="third").client_kill_filter(_type="normal", skipme=False)
    assert ask(process, 9999) == "9999\t1\n"
    stdout, stderr = process.communicate()
    assert (process.returncode, stdout) == (0, "") and stderr.count("\n") == 1
    assert stderr.startswith("ordercache: warning: REDIS_PASSWORD_FILE: cannot read")


def test_a_follower_outlasts_a_renewal_and_a_file_that_is_away(ordercache, server, file, database):
    install(ordercache, database)
    process = ordercache.start("-v", "invalidate", "--follow")
    assert any("Following what others write" in line for line in process.stderr)
    renew(server, file, "second")
    assert any("Following what others write" in line for line in process.stderr)
    away = file.rename(file.with_name("away"))
    server.client(password="second").client_kill_filter(_type="normal", skipme=False)
    assert any("REDIS_PASSWORD_FILE: cannot read" in line for line in process.stderr)
    away.rename(file)
    assert any("Following what others write" in line for line in process.stderr)
    process.terminate()
    assert process.wait(timeout=20) == -15
