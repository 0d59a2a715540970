"""PostgreSQL as people run it: with a hot standby, and behind PgBouncer."""

import socket
import subprocess

from servers import USER, Postgres, as_postgres, free_port, wait_until


class Standby(Postgres):
    """A hot standby of a primary. It may lag behind by some milliseconds, and have the primary's port at another address."""

    def __init__(self, folder, primary, milliseconds=0, address="127.0.0.1"):
        super().__init__(folder, {"recovery_min_apply_delay": milliseconds, "listen_addresses": address})
        if address != "127.0.0.1":
            self.port = primary.port
        self._primary = primary

    def create(self):
        subprocess.run(
            as_postgres(
                self._bin / "pg_basebackup", f"--pgdata={self._data}", "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
                f"--host={self._primary.folder}", f"--port={self._primary.port}", f"--username={USER}",
            ),
            cwd=self.folder, check=True,
        )
        self.start()

    def catch_up(self):
        """Returns when what the primary has written so far can be read here."""
        (end,), = self._primary.execute("postgres", "SELECT pg_current_wal_lsn()")
        replayed = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
        wait_until(lambda: self.execute("postgres", replayed, end)[0][0], what="the standby's replay")


class PgBouncer:
    """A pool of server connections for each database and role, and else as it comes. Where several
    addresses have servers of the one port, statements go to each in turn."""

    def __init__(self, folder, postgres, size=1, addresses=("127.0.0.1",), mode="transaction"):
        self.port = free_port()
        self._folder = folder
        self._postgres = postgres
        self._size = size
        self._mode = mode
        self._addresses = ",".join(addresses)
        self._log = self._file("log")
        self._process = None

    def _file(self, suffix):
        return self._folder / f"pgbouncer-{self.port}.{suffix}"

    def start(self):
        users, rules, configuration = self._file("users"), self._file("hba"), self._file("ini")
        users.write_text(f'"{USER}" ""\n"stranger" "known"\n"shop" ""\n')
        rules.write_text("host all stranger 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n")
        configuration.write_text(
            "[databases]\n"
            f"* = host={self._addresses} port={self._postgres.port}\n"
            "[pgbouncer]\n"
            "listen_addr = 127.0.0.1\n"
            f"listen_port = {self.port}\n"
            f"unix_socket_dir = {self._folder}\n"
            "auth_type = hba\n"
            f"auth_hba_file = {rules}\n"
            f"auth_file = {users}\n"
            f"pool_mode = {self._mode}\n"
            f"default_pool_size = {self._size}\n"
            "server_round_robin = 1\n"
        )
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                as_postgres("/usr/sbin/pgbouncer", configuration),
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        wait_until(self._listens, what="PgBouncer's start")

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.kill()  # asked to end, Debian 12's may go on for ever
            self._process.wait()

    def _listens(self):
        assert self._process.poll() is None, self._log.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True
