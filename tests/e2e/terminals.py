"""A terminal that a test looks at: bash in a tmux of its own, 80 columns by 24 lines."""

import itertools
import subprocess

from servers import wait_until


_numbers = itertools.count()


class Terminal:
    def __init__(self, folder, environment):
        # A socket of its own: the tmux before may be about to end.
        self._tmux = ["tmux", "-f", "/dev/null", "-S", folder / f"terminal-{next(_numbers)}.sock"]
        environment = {**environment, "LC_ALL": "C.UTF-8"}
        self._run("new-session", "-d", "-x", "80", "-y", "24", "bash --norc --noprofile -i", env=environment)
        self.type("PS1='$ ' HISTFILE=; clear")
        self.wait_for("$")

    def type(self, line):
        self._run("send-keys", "-l", line)
        self.press("Enter")

    def press(self, *keys):
        """Keys by tmux's names for them, such as C-c, C-z and Enter; other words are typed."""
        self._run("send-keys", *keys)

    def screen(self, *options):
        """What it shows now, without the empty lines at its end; with `-e`, colours as escapes."""
        return self._run("capture-pane", "-p", *options).stdout.rstrip("\n").expandtabs()  # tmux 3.7 keeps tabs

    def wait_for(self, text):
        """Until the text stands alone on a line."""
        wait_until(lambda: text in self.screen().splitlines(), what=f"{text!r} on the screen")

    def wait_for_part(self, text):
        wait_until(lambda: text in self.screen(), what=f"{text!r} on the screen")

    def status(self):
        """How the last command ended, as the shell sees it."""
        self.type("echo status=$?")
        lines = wait_until(
            lambda: [line for line in self.screen().splitlines() if line.startswith("status=")], what="a status",
        )
        return int(lines[-1].removeprefix("status="))

    def resize(self, columns):
        self._run("resize-window", "-x", str(columns))

    def end(self):
        self._run("kill-server")

    def _run(self, *command, env=None):
        return subprocess.run([*self._tmux, *command], env=env, check=True, stdout=subprocess.PIPE, text=True)
