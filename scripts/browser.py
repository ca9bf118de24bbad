"""A Chromium for the browser tests: the system's, else by apt-get, else playwright's own; else a sentence."""

import os
import shutil
import subprocess
import sys


def works(program: str) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def system_has_one() -> bool:
    found = shutil.which("chromium")
    return found is not None and works(found)


def playwright_has_one() -> bool:
    ask = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    return done.returncode == 0 and works(done.stdout.strip())


def install_by_apt() -> bool:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    sys.stdout.write("Installing Chromium with apt-get\n")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet)
    subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"], env=quiet)
    return system_has_one()


def install_by_playwright() -> bool:
    sys.stdout.write("Installing playwright's Chromium\n")
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"])
    return playwright_has_one()


if __name__ == "__main__":
    if not (system_has_one() or playwright_has_one() or install_by_apt() or install_by_playwright()):
        sys.exit("The browser tests need Chromium and none could be installed; install the package `chromium`.")
