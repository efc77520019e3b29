#!/usr/bin/env python3
"""How fast the methane model runs, from 27 to 216 molecules: ns/day and the time per atom and step.

    python3 tools/compare/methane.py [--threads 2] [--turns 3] [--zundel PROGRAM]

NVT at 110 K and the density of the liquid, molecules every 0.5 fs and the terms between them every 2 fs, true masses. The sizes run in
turns; medians over the turns. The program's own clock is read ("speed"): it leaves out loading and the first evaluation.
"""

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

import common

DECK = """version = 1
[system]
structure = "{root}/inputs/methane.xyz"
[system.pack]
molecules = {molecules}
density = "0.42 g/cm^3"
{potential}
[md]
timestep = "2 fs"
length = "{steps} steps"
temperature = "110 K"
substeps = {{ molecule = 4 }}
seed = 1
[md.thermostat.langevin]
friction = "1 /ps"
[output]
trajectory = {{ file = "speed.h5md", every = "1 ps" }}
"""


def potential():
    """The potential's tables of the shipped deck."""
    text = (common.ROOT / "inputs" / "methane-eos.toml").read_text()
    tables = text[text.index("[[potential.terms]]"):text.index("[eos.fluid]")]
    return tables.replace("../potentials", str(common.ROOT / "potentials"))


def speed(program, molecules, steps, threads):
    """Microseconds per atom and step, and ns/day."""
    with tempfile.TemporaryDirectory() as folder:
        text = DECK.format(root=common.ROOT, molecules=molecules, potential=potential(), steps=steps)
        (Path(folder) / "speed.toml").write_text(text)
        done = subprocess.run([program, "run", "speed.toml", "-j", str(threads)], cwd=folder, capture_output=True, text=True)
        said = " ".join((done.stdout + done.stderr).split())
        found = re.search(r"steps, ([\d.]+) (ns|µs) per atom and step, ([\d.]+) ns/day", said)
        if done.returncode != 0 or not found:
            raise SystemExit(said[-2000:])
        return float(found[1]) * (1e-3 if found[2] == "ns" else 1.0), float(found[3])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--turns", type=int, default=3)
    p.add_argument("--sizes", type=int, nargs="*", default=[27, 64, 125, 216])
    p.add_argument("--zundel", help="the zundel program (target/release/zundel)")
    options = p.parse_args()
    program = common.zundel(options.zundel)
    common.machine()
    sides = [lambda n=n: speed(program, n, max(100, 27000 // n), options.threads) for n in options.sizes]
    first = None
    for n, found in zip(options.sizes, common.in_turns(options.turns, *sides)):
        cost, rate = (common.median([f[k] for f in found]) for k in (0, 1))
        first = first or cost
        print(f"{n:5} molecules {5 * n:6} atoms {cost:8.2f} µs per atom and step, {cost / first:5.2f} of the first {rate:8.2f} ns/day")


if __name__ == "__main__":
    main()
