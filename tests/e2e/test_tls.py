"""TLS: the server must be who the URI names, and nothing is ever said in plain text instead."""

import contextlib
import fcntl
import os
import pty
import ssl
import termios
import time

import pytest

from certificates import Authority, openssl
from orders import added, an_order
from peers import Listener, Proxy, shut
from servers import Redis, running

COMMANDS = [("count",), tuple(an_order()), ("invalidate",), ("ttl",)]


@pytest.fixture(scope="module")
def stranger(folder):
    return Authority(folder, "stranger")


@pytest.fixture(scope="module")
def tls_server(folder, authority):
    """A Redis with a TLS port and a plain one; a test changes its certificate and more by CONFIG SET."""
    with running(Redis(folder, authority=authority)) as server:
        yield server


@pytest.fixture
def tls_cache(tls_server, authority):
    client = tls_server.client()
    client.flushall()
    before = client.config_get("tls-*")
    yield client
    client.config_set(*[word for pair in before.items() for word in pair])
    client.close()


@pytest.fixture
def tls(ordercache, tls_server, tls_cache, authority):
    """The program, with a URI for the TLS port and the authority in SSL_CERT_FILE."""
    ordercache.environment.update(
        REDIS_SERVICE_URI=f"rediss://127.0.0.1:{tls_server.tls_port}", SSL_CERT_FILE=authority.file,
    )
    return ordercache


def rediss(server, host="127.0.0.1", **options):
    query = "&".join(f"{name}={value}" for name, value in options.items())
    return {"REDIS_SERVICE_URI": f"rediss://{host}:{server.tls_port}?{query}".rstrip("?")}


def show(tls_cache, certificate):
    """The server shows that certificate from now on."""
    tls_cache.config_set("tls-cert-file", str(certificate))


def refusal(run):
    """The one line of an error that has status 4."""
    assert (run.status, run.stdout) == (4, "")
    assert run.stderr.startswith("ordercache: error: ") and run.stderr.count("\n") == 1
    return run.stderr


@pytest.mark.parametrize("command, answer", [
    (("count",), "12000\n"), (tuple(an_order()), "12001\n"), (("invalidate",), "1\n"), (("ttl",), "100\n"),
], ids=str)
def test_every_command_works_over_tls(tls, tls_cache, command, answer):
    tls_cache.set("num_orders:all", 12000, px=99_990)
    run = tls(*command)
    assert (run.status, run.stdout, run.stderr) == (0, answer, "")


def test_a_miss_over_tls_is_counted_and_cached(tls, tls_cache):
    assert tls("count", "--customer", "9999").stdout == "1\n"
    assert tls_cache.get("num_orders:9999") == "1"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_authority_may_be_named_in_the_uri(tls, tls_server, authority, host):
    env = {"SSL_CERT_FILE": None, **rediss(tls_server, host, ssl_ca_certs=authority.file)}
    assert tls("ttl", env=env).status == 1


def test_a_client_certificate_is_shown_where_the_server_wants_one(tls, tls_server, tls_cache, authority):
    tls_cache.config_set("tls-auth-clients", "yes")
    files = {"ssl_certfile": authority.sign("client"), "ssl_keyfile": authority.key}
    assert tls("ttl", env=rediss(tls_server, **files)).status == 1


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_server_without_the_client_certificate_that_it_wants_says_what_to_set(tls, tls_cache, version):
    tls_cache.config_set("tls-auth-clients", "yes", "tls-protocols", version)
    assert "ssl_certfile and ssl_keyfile" in refusal(tls("ttl"))


def test_a_certificate_and_its_key_may_stand_in_one_file(tls, tls_server, tls_cache, authority, folder):
    tls_cache.config_set("tls-auth-clients", "yes")
    both = folder / "both.pem"
    both.write_text(authority.sign("client").read_text() + authority.key.read_text())
    assert tls("ttl", env=rediss(tls_server, ssl_certfile=both)).status == 1


@pytest.mark.parametrize("command", COMMANDS[1:], ids=" ".join)
def test_the_certificate_of_another_host_is_refused(tls, tls_cache, database, authority, command):
    show(tls_cache, authority.sign("other", "DNS:other.example", "IP:127.0.0.9"))
    tls_cache.set("num_orders:all", 12000)
    assert "its certificate is for another host" in refusal(tls(*command))
    assert tls_cache.get("num_orders:all") == "12000"
    assert added(database) == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("subject", ["DNS:127.0.0.1", "DNS:*", "DNS:local*", "DNS:localhost.example"])
def test_a_name_that_looks_like_the_host_is_another_hosts(tls, tls_server, tls_cache, authority, host, subject):
    show(tls_cache, authority.sign("similar", subject))
    assert "for another host" in refusal(tls("ttl", env=rediss(tls_server, host)))


def test_a_common_name_does_not_stand_in_for_a_subject(tls, tls_cache, authority):
    show(tls_cache, authority.sign("127.0.0.1", "DNS:other.example"))
    assert "for another host" in refusal(tls("ttl"))


def test_a_certificate_that_expired_is_refused(tls, tls_cache, authority):
    show(tls_cache, authority.sign_for_this_machine("expired", days=0))
    assert "its certificate is refused: certificate has expired" in refusal(tls("ttl"))


def test_a_certificate_from_an_unknown_authority_is_refused(tls, tls_server, stranger):
    for env in ({"SSL_CERT_FILE": stranger.file}, {"SSL_CERT_FILE": None}, rediss(tls_server, ssl_ca_certs=stranger.file)):
        error = refusal(tls("ttl", env=env))
        assert "unknown authority" in error and "ssl_ca_certs" in error


def test_a_count_is_postgresqls_where_the_certificate_is_refused(tls, tls_cache):
    tls_cache.set("num_orders:all", 1)
    run = tls("count", env={"SSL_CERT_FILE": None})
    assert (run.status, run.stdout) == (0, "12000\n")
    assert run.stderr.startswith("ordercache: warning: ") and "unknown authority" in run.stderr


def test_verification_can_be_given_up_which_is_warned_of(tls, tls_server, tls_cache, stranger):
    tls_cache.set("num_orders:all", 12000)
    run = tls("count", env={"SSL_CERT_FILE": stranger.file, **rediss(tls_server, ssl_cert_reqs="none")})
    assert (run.status, run.stdout) == (0, "12000\n")
    assert run.stderr.startswith("ordercache: warning: REDIS_SERVICE_URI: ") and run.stderr.count("\n") == 1


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("option", ["ssl_ca_certs", "ssl_certfile"])
def test_a_file_that_is_not_there_is_a_bad_configuration(tls, database, tls_server, command, option):
    run = tls(*command, env=rediss(tls_server, **{option: "/nowhere/hush.pem"}))
    assert (run.status, run.stdout) == (2, "")
    assert f"REDIS_SERVICE_URI: cannot use {option}: No such file or directory\n" in run.stderr
    assert added(database) == []


@pytest.fixture
def fifo(tmp_path):
    """A file that no one ever writes: it does not open, as one on a mount that hangs does not."""
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


def waits_for(server, fifo, authority, setting):
    """The environment in which that setting names the FIFO."""
    if setting == "SSL_CERT_DIR":  # OpenSSL looks there for the authority, by the hash of its name
        subject = openssl("x509", f"-in={authority.file}", "-noout", "-subject_hash").strip()
        fifo.rename(fifo.parent / f"{subject}.0")
        return {"SSL_CERT_FILE": "/nowhere", setting: str(fifo.parent)}
    if setting.isupper():
        return {setting: str(fifo)}
    options = {"ssl_certfile": authority.sign("client"), setting: fifo}
    return rediss(server, **options)


SETTINGS = ["ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_file_that_never_opens_outlasts_neither_the_timeout_nor_a_signal(tls, tls_server, fifo, authority, setting):
    env = waits_for(tls_server, fifo, authority, setting)
    run = tls("ttl", "--timeout=0.3", env=env)
    assert "the files for TLS could not be read in time" in refusal(run) and run.seconds < 2
    process = tls.start("ttl", "--timeout=0", env=env | {"REDIS_SERVICE_URI": slow_uri(tls, env)})
    time.sleep(0.2)
    process.terminate()
    assert process.wait(timeout=1) == -15


def slow_uri(tls, env):
    """The URI with a time to connect that no test waits for."""
    uri = env.get("REDIS_SERVICE_URI", tls.environment["REDIS_SERVICE_URI"])
    return uri + ("&" if "?" in uri else "?") + "socket_connect_timeout=60"


def test_a_key_that_wants_a_passphrase_is_refused_and_no_terminal_asked(tls, tls_server, authority, folder):
    locked = folder / "locked.key"
    openssl("ec", f"-in={authority.key}", f"-out={locked}", "-aes256", "-passout=pass:hush")
    env = rediss(tls_server, ssl_certfile=authority.sign("client"), ssl_keyfile=locked)
    controller, terminal = pty.openpty()
    process = tls.start("ttl", env=env, stdin=terminal, preexec_fn=lambda: take_terminal(terminal))
    stdout, stderr = process.communicate(timeout=20)
    os.close(controller)
    os.close(terminal)
    assert (process.returncode, stdout) == (2, "")
    assert "ssl_keyfile has a passphrase" in stderr and "hush" not in stderr


def take_terminal(terminal):
    """Has the process be asked there for what its terminal is asked for."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


class Hearer(Listener):
    """Says nothing, and notes what it is told."""

    heard = b""

    def serve(self, connection):
        while message := connection.recv(65536):
            self.heard += message


def test_a_plain_server_gets_no_plain_text(tls):
    with Hearer() as server:
        run = tls("ttl", env={"REDIS_SERVICE_URI": f"rediss://shop:hush@localhost:{server.port}"})
    assert f"cannot connect to Redis at localhost:{server.port}: " in refusal(run)
    client_hello, length = server.heard[:2], int.from_bytes(server.heard[3:5], "big")
    assert (client_hello, len(server.heard)) == (b"\x16\x03", 5 + length)
    assert b"hush" not in server.heard


class PlainSpeaker(Listener):
    def serve(self, connection):
        connection.recv(65536)
        connection.sendall(b"-ERR unknown command\r\n")


def test_a_server_that_answers_in_plain_text_is_told_from_one_that_speaks_tls(tls):
    with PlainSpeaker() as server:
        run = tls("ttl", env={"REDIS_SERVICE_URI": f"rediss://localhost:{server.port}"})
    assert "it does not speak TLS" in refusal(run)


class Outdated(Listener):
    """Speaks TLS 1.1 at most."""

    def __init__(self, certificate, key):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.minimum_version = ssl.TLSVersion.TLSv1
        self._context.maximum_version = ssl.TLSVersion.TLSv1_1
        self._context.set_ciphers("ALL:@SECLEVEL=0")
        super().__init__()

    def serve(self, connection):
        with contextlib.suppress(OSError):
            self._context.wrap_socket(connection, server_side=True)
        shut(connection)


def test_plain_text_at_a_tls_port_has_tls_suggested(tls, tls_server):
    run = tls("ttl", env={"REDIS_SERVICE_URI": f"redis://127.0.0.1:{tls_server.tls_port}"})
    assert f"lost Redis at 127.0.0.1:{tls_server.tls_port}: " in refusal(run)
    assert run.stderr.endswith("if it wants TLS, begin REDIS_SERVICE_URI with rediss\n")


@pytest.mark.parametrize("option", ["ssl=true", "sslmode=require", "ssl=1", "useSsl=true", "tls=true"])
def test_an_option_for_tls_without_its_scheme_is_refused_and_nothing_sent(tls, option):
    with Hearer() as server:
        run = tls("ttl", env={"REDIS_SERVICE_URI": f"redis://shop:hush@localhost:{server.port}?{option}"})
    assert (run.status, run.stdout, server.connections) == (2, "", 0)
    assert "rediss://" in run.stderr and "hush" not in run.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_before_1_2_is_refused(tls, authority):
    with Outdated(authority.sign_for_this_machine(), authority.key) as server:
        run = tls("ttl", env={"REDIS_SERVICE_URI": f"rediss://localhost:{server.port}"})
    assert "TLS 1.2 or newer" in refusal(run)


def test_tls_1_2_is_spoken(tls, tls_cache):
    tls_cache.config_set("tls-protocols", "TLSv1.2")
    assert tls("ttl").status == 1


class NameHearer(Listener):
    """Notes the name that the client asks for."""

    def __init__(self, certificate, key):
        self.names = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        super().__init__()

    def serve(self, connection):
        with contextlib.suppress(OSError):
            self._context.wrap_socket(connection, server_side=True)
        shut(connection)


@pytest.mark.parametrize("host, name", [("localhost", "localhost"), ("127.0.0.1", None)])
def test_the_servers_name_is_sent_and_an_address_is_not(tls, authority, host, name):
    with NameHearer(authority.sign_for_this_machine(), authority.key) as server:
        tls("ttl", env={"REDIS_SERVICE_URI": f"rediss://{host}:{server.port}"})
    assert server.names == [name]


def test_a_hit_is_two_round_trips_beside_tcps(tls, tls_server, tls_cache):
    tls_cache.set("num_orders:all", 12000)
    with Proxy(tls_server.tls_port, delay=0.05) as proxy:
        run = tls("count", env={"REDIS_SERVICE_URI": f"rediss://localhost:{proxy.port}"})
    assert run.stdout == "12000\n"
    assert (proxy.connections, proxy.round_trips) == (1, 2)


def test_a_server_that_says_nothing_in_the_handshake_is_given_up(tls):
    with Listener() as silent:
        env = {"REDIS_SERVICE_URI": f"rediss://127.0.0.1:{silent.port}"}
        run = tls("ttl", env=env)
        hurried = tls("ttl", "--timeout=0.3", env=env)
    assert "no answer in time" in refusal(run) and 1.9 < run.seconds < 10
    assert "no answer in time" in refusal(hurried) and hurried.seconds < 1.9


def falls_silent(_proxy, client, _server, _message):
    """The message is lost, and so is all that follows."""
    while client.recv(65536):
        pass


def test_a_server_that_says_nothing_after_the_handshake_is_given_up(tls, tls_server):
    with Proxy(tls_server.tls_port, trigger=b"\x17\x03\x03", act=falls_silent) as proxy:
        run = tls("ttl", env={"REDIS_SERVICE_URI": f"rediss://localhost:{proxy.port}"})
    assert proxy.triggered
    assert f"lost Redis at localhost:{proxy.port}: no answer in time" in refusal(run)
    assert run.seconds < 10


def test_a_signal_ends_the_handshake(tls):
    with Listener() as silent:
        process = tls.start("ttl", env={"REDIS_SERVICE_URI": f"rediss://127.0.0.1:{silent.port}"})
        while not silent.connections:
            time.sleep(0.01)
        time.sleep(0.1)
        process.terminate()
        assert process.wait(timeout=20) == -15


def test_credentials_go_over_tls(tls, tls_server, tls_cache):
    tls_cache.acl_setuser("shop", enabled=True, passwords=["+open"], keys=["*"], commands=["+@all"], reset=True)
    uri = f"rediss://shop:open@127.0.0.1:{tls_server.tls_port}/0"
    assert tls("ttl", env={"REDIS_SERVICE_URI": uri}).status == 1
    tls_cache.acl_deluser("shop")
