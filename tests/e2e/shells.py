"""Interactive shells that complete: what they offer, and what a line becomes when Tab is pressed."""

import pathlib
import re
import subprocess

import pexpect

COMPLETIONS = pathlib.Path(__file__).resolve().parents[2] / "completions"


class InteractiveShell:
    """A shell at a terminal, in which `ordercache` only shows its arguments, each in angle brackets."""

    command = ()
    settings = ()
    insert_all = ""  # The keys that put all that is offered into the line.

    def __init__(self, folder):
        self._terminal = pexpect.spawn(
            self.command[0], list(self.command[1:]), cwd=folder, encoding="utf-8", timeout=60, dimensions=(50, 300),
            env={"TERM": "dumb", "PATH": "/usr/bin:/bin", "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        )
        self._terminal.sendline("PS1='ready> '; " + "; ".join(self.settings))
        self._terminal.sendline("ordercache() { printf '<%s>' \"$@\" '|'; echo; }")
        self._shown("ordercache ready", "\r")

    def offers(self, line):
        """What the shell offers for the last word of the line."""
        words_before = len(line.split(" ")) - 2
        return self._shown(line, f"{self.insert_all}\r")[words_before:]

    def press_tab(self, line):
        """The arguments that the line gives the program after one Tab."""
        return self._shown(line, "\t\r")

    def lists(self, line):
        """What the shell shows below the line, descriptions and all."""
        self._terminal.send(line + "\t\t\x15")
        self._terminal.sendline("ordercache listed")
        self._terminal.expect("<listed><\\|>")
        return self._terminal.before

    def _shown(self, line, keys):
        self._terminal.send(line + keys)
        self._terminal.expect(r"\n((?:<[^>\r\n]*>)*)<\|>")
        return re.findall("<([^>]*)>", self._terminal.match.group(1))

    def end(self):
        self._terminal.close(force=True)


class Bash(InteractiveShell):
    name = "bash"
    command = ("bash", "--norc", "--noprofile", "-i")
    settings = ("bind 'set page-completions off'", "bind 'set completion-query-items 0'",
                f"source '{COMPLETIONS}/ordercache.bash'")
    insert_all = "\x1b*"


class Zsh(InteractiveShell):
    name = "zsh"
    command = ("zsh", "-f", "-i")
    settings = (
        "unsetopt prompt_sp", "LISTMAX=1000", f"fpath=('{COMPLETIONS}' $fpath)",
        "autoload -Uz compinit", "compinit -u -D", "zle -C insert-all complete-word _generic",
        "zstyle ':completion:insert-all:*' completer _all_matches _complete",
        "zstyle ':completion:insert-all:*' insert true", "bindkey '^Xa' insert-all",
    )
    insert_all = "\x18a"


class Fish:
    """A shell that tells what Tab would offer without a terminal."""

    name = "fish"

    def __init__(self, folder):
        self._folder = folder

    def offers(self, line):
        return [row.split("\t")[0] for row in self.lists(line).splitlines()]

    def lists(self, line):
        script = f"source '{COMPLETIONS}/ordercache.fish'; complete -C '{line}'"
        return subprocess.run(
            ["fish", "--no-config", "-c", script], cwd=self._folder, check=True, stdout=subprocess.PIPE, text=True,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self._folder), "LC_ALL": "C.UTF-8"},
        ).stdout

    def end(self):
        pass
