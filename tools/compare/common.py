"""What the side-by-side scripts share: running in turns, medians, tables."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def zundel(given=None):
    """The program: the one given, or the release build of this clone, built now if it is not there."""
    if given:
        return str(Path(given).resolve())
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    program = target / "release" / "zundel"
    if not program.exists():
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    return str(program)


def tool(name, given=None):
    """A program given, beside this Python, or on the PATH; None when there is none."""
    beside = Path(sys.executable).parent / name
    if given:
        return given
    return str(beside) if beside.exists() else shutil.which(name)


def one_thread():
    """The environment in which nothing uses a second thread."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
    return {**os.environ, **{name: "1" for name in names}}


def timed(command, **options):
    """Runs a command. Returns its standard output and error, and the seconds of processor time it used."""
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, env=one_thread(), **options)
    after = os.times()
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{done.stdout}\n{done.stderr}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return done.stdout, done.stderr, cpu


def in_turns(repeats, *sides):
    """Runs the sides one after the other, `repeats` times, so that a busy spell hits all. A list of results for each."""
    results = [[] for _ in sides]
    for _ in range(repeats):
        for side, found in zip(sides, results):
            found.append(side())
    return results


def median(values):
    return statistics.median(values)


def spread(values):
    """Half the range of the middle half, relative to the median, in per cent."""
    if len(values) < 4:
        return 50.0 * (max(values) - min(values)) / median(values)
    quarters = statistics.quantiles(values, n=4)
    return 50.0 * (quarters[2] - quarters[0]) / median(values)


def table(head, rows):
    """Prints a Markdown table."""
    widths = [max(len(str(row[k])) for row in [head, *rows]) for k in range(len(head))]

    def line(row):
        return "| " + " | ".join(str(c).ljust(w) for c, w in zip(row, widths)) + " |"

    print(line(head))
    print("|" + "|".join("-" * (w + 2) for w in widths) + "|")
    for row in rows:
        print(line(row))
    print(flush=True)


def machine():
    """A line on the machine and how busy it is."""
    model = "unknown processor"
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    load = os.getloadavg()[0]
    print(f"{time.strftime('%Y-%m-%d')}, {model}, {os.cpu_count()} cores, load {load:.1f}")
    if load > 0.5:
        print("The machine is busy: trust the processor time and the ratios, not the wall clock.")
    print(flush=True)
