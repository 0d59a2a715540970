"""What README.md, the manual and the picture show, and a shell of a reader who types it."""

import html
import re
import stat
import subprocess
from xml.etree import ElementTree

import servers
from program import PROGRAM

ROOT = servers.TESTS.parent
README = (ROOT / "README.md").read_text()
MANUAL = ROOT / "man" / "ordercache.1"
PICTURE = ROOT / "man" / "session.svg"


def blocks(language):
    """The README's blocks in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def table(heading):
    """The first cells of the table under that heading of the README, without code quotes."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [row.split("|")[1].strip(" `") for row in section.splitlines() if row.startswith("|")][2:]


def manual_as(form):
    return subprocess.run(["mandoc", "-T", *form.split(), MANUAL], check=True, stdout=subprocess.PIPE, text=True).stdout


def examples(heading):
    """The examples in the manual under that heading, as a reader's copy of them would be."""
    sections = re.split("<h[12] ", manual_as("html -O fragment"))
    [section] = [each for each in sections if f'id="{heading.replace(" ", "_")}"' in each]
    return [html.unescape(re.sub("<[^>]*>", "", pre)) for pre in re.findall("<pre>(.*?)</pre>", section, re.DOTALL)]


def pictured_session():
    texts = ElementTree.parse(PICTURE).iter("{http://www.w3.org/2000/svg}text")
    return "".join(f"{text.text}\n" for text in texts)


def commands_of(session):
    return re.findall(r"^\$ ((?:.*\\\n)*.*)", session, re.MULTILINE)


class Reader:
    """Has the program on the PATH, the variables set, the demo's store and an empty cache; types what is written."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "HOME": str(folder), **environment}
        self.environment["TIMEFORMAT"] = "%3R s"
        (folder / "bin").mkdir()
        (folder / "bin" / "ordercache").symlink_to(PROGRAM)

    def write(self, name, text):
        (self.folder / name).write_text(text)
        return self.folder / name

    def stand_in(self, name, script):
        """Puts a script in a program's place."""
        path = self.folder / "bin" / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def run(self, script, *arguments, shell="sh", folder=None):
        """The script's run; what it tells stands with what it answers, as at a terminal."""
        return subprocess.run(
            [shell, "-c", script, shell, *arguments], cwd=folder or self.folder, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False,
        )

    def play(self, session):
        """The session as it goes in truth: each of its commands, and what that shows."""
        played = [f"$ {command}\n{self.run(command, shell='bash').stdout}" for command in commands_of(session)]
        return as_written("".join(played))


def as_written(session):
    """With PostgreSQL's usual port, as if no second had passed since a count was stored, and each in the same time."""
    session = re.sub(r"db\.example:\d+", "db.example:5432", session)
    session = re.sub(r"^\d+\.\d{3} s$", "0.001 s", session, flags=re.MULTILINE)
    return re.sub(r"(?<= ttl\n)1[01]\d$", "120", session, flags=re.MULTILINE)
