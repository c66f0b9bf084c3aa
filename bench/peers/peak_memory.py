"""Runs a script and leaves the process's own peak of resident memory (bytes) and its processor time (s) in the file that is named; see peak-memory.mjs."""

import os
import re
import runpy
import sys

sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    with open("/proc/self/status") as status, open(os.environ["EDGEWATT_BENCH_PEAK"], "w") as peak:
        resident = int(re.search(r"^VmHWM:\s+(\d+) kB$", status.read(), re.M).group(1)) * 1024
        peak.write(f"{resident} {sum(os.times()[:2])}")
