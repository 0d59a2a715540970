"""A primary, its replica, and the Sentinels that watch them."""

import contextlib
import subprocess

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from peers import Listener
from servers import CACHE, Redis, free_port, wait_until

SERVICE = "shop:primary"


class Sentinel:
    def __init__(self, folder, primary, password=None, authority=None):
        self.port = free_port()
        self._password = password
        secured = [f"requirepass {password}", f"sentinel sentinel-pass {password}"] if password else []
        listens = [f"port {self.port}"]
        if authority:  # it speaks TLS alone, to the servers too
            listens = [
                "port 0", f"tls-port {self.port}", "tls-replication yes", "tls-auth-clients no",
                f"tls-ca-cert-file {authority.file}", f"tls-key-file {authority.key}",
                f"tls-cert-file {authority.sign_for_this_machine()}",
            ]
        self._log = folder / f"sentinel-{self.port}.log"
        self._configuration = folder / f"sentinel-{self.port}.conf"  # which it writes to
        self._configuration.write_text("\n".join([
            *listens, "bind 127.0.0.1", f"dir {folder}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary} 2",
            f"sentinel down-after-milliseconds {SERVICE} 500",
            f"sentinel failover-timeout {SERVICE} 2000", *secured, "",
        ]))

    def start(self):
        program = "valkey-server" if CACHE == "valkey" else "redis-server"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, self._configuration, "--sentinel"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )

    def stop(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def client(self):
        return redis.Redis(port=self.port, password=self._password, decode_responses=True, retry=Retry(NoBackoff(), 0))

    def state(self):
        """What it knows of the primary, or nothing if it does not answer."""
        with contextlib.suppress(redis.RedisError):
            return self.client().execute_command("SENTINEL MASTER", SERVICE)  # redis-py 6.4 fails in sentinel_master
        return {}


class Watched:
    """Three Sentinels, which agree by two."""

    def __init__(self, folder, password=None):
        fast = ["--repl-diskless-sync-delay", "0", "--repl-timeout", "5"]
        self.servers = [Redis(folder, *fast), Redis(folder, *fast)]
        self.sentinels = [Sentinel(folder, self.servers[0].port, password) for _ in range(3)]

    def start(self):
        for server in self.servers:
            server.start()
        self.servers[1].client().replicaof("127.0.0.1", self.servers[0].port)
        for sentinel in self.sentinels:
            sentinel.start()
        wait_until(self.is_ready, what="the Sentinels' agreement")

    def stop(self):
        for server in [*self.sentinels, *self.servers]:
            server.stop()

    def is_ready(self):
        """Every Sentinel knows the others, the primary and a replica that could take over."""
        states = [sentinel.state() for sentinel in self.sentinels]
        replicas = [link_of(server) for server in self.servers if server is not self.primary()]
        return replicas == ["up"] and all(
            (state.get("num-other-sentinels"), state.get("num-slaves"), state.get("port")) == (2, 1, self.primary().port)
            and not state["is_odown"] and not state["is_sdown"] for state in states
        )

    def primary(self):
        """The one that the first Sentinel names."""
        port = self.sentinels[0].state().get("port")
        return next((server for server in self.servers if server.port == port), None)

    def fail_over(self):
        """By an operator's command, with both servers alive. The old primary becomes a replica. The Sentinel gives up what
        takes too long, as on a loaded machine, and is asked again."""
        before, sentinel = self.primary(), self.sentinels[0].client()

        def has_failed_over():
            if self.primary() is before:
                with contextlib.suppress(redis.ResponseError):  # it is under way
                    sentinel.execute_command("SENTINEL", "FAILOVER", SERVICE)
            return self.primary() is not before and self.is_ready()

        wait_until(has_failed_over, what="the failover")

    def kill_primary(self):
        """Returns the server that was killed, once the Sentinels name the other one."""
        before = self.primary()
        before.stop()
        wait_until(lambda: all(s.state().get("port") not in (None, before.port) for s in self.sentinels), what="the failover")
        return before

    def uri(self, sentinels=None, credentials="", after="", scheme="redis"):
        addresses = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in sentinels or self.sentinels)
        return f"{scheme}+sentinel://{credentials}{addresses}/{SERVICE}{after}"


def link_of(server):
    with contextlib.suppress(redis.RedisError):
        return server.client().info("replication").get("master_link_status")


class FakeSentinel(Listener):
    """Names these ports as the primary's, the last one for ever."""

    def __init__(self, *ports):
        self._ports = list(ports)
        self.heard = b""
        super().__init__()

    def serve(self, connection):
        with contextlib.suppress(OSError):
            while message := connection.recv(65536):
                self.heard += message
                port = str(self._ports.pop(0) if len(self._ports) > 1 else self._ports[0])
                connection.sendall(b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%s\r\n" % (len(port), port.encode()))
