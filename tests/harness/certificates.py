"""Certificates that openssl signs for the suite: an authority, and servers and a client under it."""

import subprocess


class Authority:
    """An authority of the suite's own. One private key serves everybody: what differs is what is signed."""

    def __init__(self, folder, name):
        self.file = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        self._folder = folder
        openssl(
            "req", "-x509", "-days=1", f"-subj=/CN={name}", "-noenc", "-newkey=ec", "-pkeyopt=ec_paramgen_curve:P-256",
            f"-keyout={self.key}", f"-out={self.file}",
        )
        self.key.chmod(0o600)

    def sign_for_this_machine(self, name="local", **options):
        return self.sign(name, "DNS:localhost", "IP:127.0.0.1", **options)

    def sign(self, name, *subjects, days=1):
        """The file of a certificate for those subjects (`DNS:…`, `IP:…`). With no days it has expired at once."""
        request, signed = self._folder / f"{name}.csr", self._folder / f"{name}.pem"
        names = [f"-addext=subjectAltName={','.join(subjects)}"] if subjects else []
        openssl("req", "-new", f"-key={self.key}", f"-subj=/CN={name}", *names, f"-out={request}")
        openssl(
            "x509", "-req", f"-in={request}", f"-CA={self.file}", f"-CAkey={self.key}", "-copy_extensions=copy",
            f"-days={days}", f"-out={signed}",
        )
        return signed


def openssl(command, *options):
    """What openssl prints. `-option=value` is one word here, for openssl two."""
    words = [word for option in options for word in option.split("=", 1)]
    finished = subprocess.run(["openssl", command, *words], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout
