"""Files of variables as a shell reads them."""

import subprocess


def variables_of(text):
    """The variables that the text sets."""
    printed = subprocess.run(
        ["env", "-i", "sh", "-c", f"set -a\n{text}\nenv -0"], check=True, stdout=subprocess.PIPE, text=True,
    ).stdout
    pairs = dict(line.split("=", 1) for line in printed.split("\0") if line)
    return {name: value for name, value in pairs.items() if name not in ("PWD", "OLDPWD", "SHLVL", "_", "PATH")}
