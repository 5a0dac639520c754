"""What the programs of bench/ share: a lab that ends with them, and one run of a command, timed."""
import contextlib
import os
import subprocess
import sys
import time


@contextlib.contextmanager
def lab(binaries, nodes, purpose="bench"):
    """A lab of its own; gives the words that, with a host and `--`, run a command on a host of it."""
    program = f"{binaries}/podroute-lab"
    name = ["--name", f"{purpose}-{os.getpid()}"]
    subprocess.run([program, "up", *name, "--nodes", str(nodes)], check=True, stdout=subprocess.DEVNULL)
    try:
        yield [program, "exec", *name]
    finally:
        subprocess.run([program, "down", *name], check=True, stdout=subprocess.DEVNULL)


def timed(argv, wanted=0):
    """Seconds of wall clock and peak memory in KiB of a command; one that ends with another code than `wanted` ends the measurement."""
    start = time.monotonic()
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - start
    code = os.waitstatus_to_exitcode(status)
    if code != wanted:
        sys.exit(f"{argv} ended with {code}, not {wanted}: {errors.decode(errors='replace')[-2000:]}")
    return seconds, usage.ru_maxrss
