#!/usr/bin/env python3
"""Zundel beside i-PI: time of path-integral steps, in turns.

`ethanol`: 32 beads of ethanol with an sGDML model of 200 training points (in the folder of reference values that ZUNDEL_REFERENCE
names; else the one of 400 points that ships with Zundel). i-PI asks for forces over a unix socket; the answers come from the
sgdml package with the size of its chunks that is fastest here, found first, in one process and in two, and with the package's
default setting. Zundel runs on two threads.

`bookkeeping`: what a step costs without forces, on one thread: 32 beads of 216 atoms and 64 beads of 1000. i-PI's client answers
zeros at once, or its own force code that does nothing is called without a socket; Zundel has a pair potential whose cutoff no pair comes near, and what it spends on finding that out counts.

Set up:

    python3 -m venv .venv
    .venv/bin/pip install ipi sgdml ase numpy
    .venv/bin/python tools/compare/pimd.py

The time of a step of i-PI is that between the first questions of two steps, so that neither its start nor that of the client counts;
that of Zundel is what a long run takes longer than a short one. Both write a table every 100 steps, and nothing else. Printed are
medians over the turns and the quickest; processor time of i-PI is that of it and its clients together. On a busy machine the
wall clock of all sides is too long, most of all where two processes wait for each other: look at the quickest and at processor time.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import common
import ipi_client

TEMPERATURE, TIMESTEP = 300, 0.5


def model_of_ethanol():
    reference = os.environ.get("ZUNDEL_REFERENCE")
    given = reference and Path(reference) / "sgdml" / "ethanol200" / "model.npz"
    if given and given.exists():
        return given, 200
    return common.ROOT / "potentials" / "ethanol-sgdml" / "ethanol.npz", 400


DECK = """version = 1
[system]
structure = "start.extxyz"
{potential}
[md]
timestep = "{timestep} fs"
length = "{steps} steps"
temperature = "{temperature} K"
beads = {beads}
seed = 1
{extra}
[output]
thermo = {{ file = "table.csv", every = "100 steps" }}
"""


class Ours:
    """Zundel: seconds of wall clock and of processor time for a step."""

    def __init__(self, program, room, atoms, beads, potential, threads, steps, extra=""):
        import ase.io

        self.room, self.program, self.threads, self.steps = Path(room), program, threads, steps
        self.room.mkdir()
        ase.io.write(self.room / "start.extxyz", atoms, format="extxyz", columns=["symbols", "positions"])
        values = dict(potential=potential, beads=beads, timestep=TIMESTEP, temperature=TEMPERATURE, extra=extra)
        self.deck = lambda steps: DECK.format(steps=steps, **values)

    def run(self, steps):
        (self.room / "deck.toml").write_text(self.deck(steps))
        command = [self.program, "run", "deck.toml", "--overwrite", "--quiet", "--threads", str(self.threads)]
        start = time.perf_counter()
        _, _, cpu = common.timed(command, cwd=self.room)
        return time.perf_counter() - start, cpu

    def __call__(self):
        short = max(1, self.steps // 10)
        wall, cpu = self.run(short)
        wall_long, cpu_long = self.run(self.steps)
        return (wall_long - wall) / (self.steps - short), (cpu_long - cpu) / (self.steps - short)


class Theirs:
    """i-PI: the same, and the seconds of force code in a step. The quickest of the steps of a run stands beside the median."""

    def __init__(self, room, atoms, beads, wanted, clients, steps):
        self.room = Path(room)
        self.room.mkdir()
        self.wanted, self.clients, self.steps, self.beads = wanted, clients, steps, beads
        self.job = dict(atoms=atoms, beads=beads, timestep=TIMESTEP, temperature=TEMPERATURE, seed=1, time=1000)
        self.start = None

    def run(self, steps):
        return ipi_client.drive({**self.job, "steps": steps, "every": 100}, self.room, self.clients, self.wanted)

    def __call__(self):
        if self.start is None:
            self.start = self.run(2)["all"]
        found = self.run(self.steps)
        begun = found["steps"]
        each = [b - a for a, b in zip(begun, begun[1:])]
        cpu = (found["all"] - self.start) / (self.steps - 2)
        return statistics.median(each), cpu, min(each), found["forces"] / found["calls"] * self.beads


class Inside:
    """i-PI with its own force code that does nothing, called without a socket: seconds as for Zundel."""

    def __init__(self, room, atoms, beads, steps):
        self.room, self.steps = Path(room), steps
        self.room.mkdir()
        self.job = dict(atoms=atoms, beads=beads, timestep=TIMESTEP, temperature=TEMPERATURE, seed=1, time=1000, inside="dummy")

    def run(self, steps):
        start = time.perf_counter()
        found = ipi_client.drive({**self.job, "steps": steps, "every": 100}, self.room, 0, {})
        return time.perf_counter() - start, found["all"]

    def __call__(self):
        wall, cpu = self.run(2)
        wall_long, cpu_long = self.run(self.steps + 2)
        return (wall_long - wall) / self.steps, (cpu_long - cpu) / self.steps


def ethanol(options, program, room):
    import ase.io

    import sgdml as package

    model, points = model_of_ethanol()
    structure = common.ROOT / "inputs" / "ethanol-relaxed.xyz"
    atoms = ase.io.read(structure)
    atoms.pbc = False
    chunks = [package.package(str(model), str(structure), "numpy", 1, 0, 0.1)["chunk"] for _ in range(3)]
    chunk = sorted(chunks)[1]
    beads, wanted = 32, {"kind": "sgdml", "model": str(model), "chunk": chunk}
    potential = f'[potential.sgdml]\nfile = "{model}"'
    sides = {
        "Zundel, 2 threads": Ours(program, room / "a", atoms, beads, potential, 2, options.steps * 20),
        "Zundel, 1 thread": Ours(program, room / "e", atoms, beads, potential, 1, options.steps * 20),
        f"i-PI, one client, chunks of {chunk}": Theirs(room / "b", atoms, beads, wanted, 1, options.steps),
        f"i-PI, two clients, chunks of {chunk}": Theirs(room / "c", atoms, beads, wanted, 2, options.steps),
        "i-PI, one client, default setting": Theirs(room / "d", atoms, beads, {**wanted, "chunk": None}, 1, options.steps),
    }
    found = common.in_turns(options.turns, *sides.values())
    print(f"32 beads of ethanol, sGDML with {points} training points, {TIMESTEP} fs\n")
    head = ["", "ms a step", "quickest", "processor ms", "steps a second (quickest)", "Zundel is faster", "quickest", "processor"]
    report(options, head, sides, found, lambda wall, quick: [f"{1 / wall:.0f} ({1 / quick:.0f})"])


def report(options, head, sides, found, more):
    rows, first = [], None
    for name, results in zip(sides, found):
        wall, cpu = (common.median([r[k] for r in results]) for k in (0, 1))
        quick = min(r[2] if len(r) > 2 else r[0] for r in results)
        first = first or (wall, quick, cpu)
        ratios = [f"{a / b:.1f}" for a, b in zip((wall, quick, cpu), first)]
        rows.append([name, f"{wall * 1e3:.3f}", f"{quick * 1e3:.3f}", f"{cpu * 1e3:.3f}", *more(wall, quick), *ratios])
    common.table(head, rows)


def bookkeeping(options, program, room):
    from ase import Atoms

    for beads, cells, steps in ((32, 6, options.steps), (64, 10, max(8, options.steps // 4))):
        side = 4.0
        places = [(i * side, j * side, k * side) for i in range(cells) for j in range(cells) for k in range(cells)]
        atoms = Atoms(f"Ar{len(places)}", places, cell=[cells * side] * 3, pbc=True)
        potential = '[potential.lennard_jones]\nepsilon = "0.01 eV"\nsigma = "0.4 Å"\ncutoff = "1 Å"'
        wanted = {"kind": "none", "atoms": len(atoms)}
        name = f"{beads}x{len(atoms)}"
        obabo = '[md.thermostat.langevin]\nsplitting = "obabo"'
        sides = {
            "Zundel, PILE, BAOAB": Ours(program, room / f"a{name}", atoms, beads, potential, 1, steps * 20),
            "Zundel, PILE, OBABO": Ours(program, room / f"b{name}", atoms, beads, potential, 1, steps * 20, obabo),
            "i-PI over a socket, OBABO": Theirs(room / f"c{name}", atoms, beads, wanted, 1, steps),
            "i-PI, forces inside, OBABO": Inside(room / f"d{name}", atoms, beads, steps * 4),
        }
        found = common.in_turns(options.turns, *sides.values())
        print(f"{beads} beads of {len(atoms)} atoms without forces\n")
        unit = 1e6 / (beads * len(atoms))
        head = ["", "ms a step", "quickest", "processor ms", "µs per bead, atom, step (quickest)", "ratio", "quickest", "processor"]
        report(options, head, sides, found, lambda wall, quick: [f"{wall * unit:.3f} ({quick * unit:.3f})"])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", choices=["ethanol", "bookkeeping"], help="only one of the two")
    p.add_argument("--turns", type=int, default=5, help="turns of each side (5)")
    p.add_argument("--steps", type=int, default=40, help="steps of i-PI in a turn (40)")
    p.add_argument("--zundel", help="the zundel program (target/release/zundel)")
    options = p.parse_args()
    program = common.zundel(options.zundel)
    common.machine()
    with tempfile.TemporaryDirectory() as room:
        for name, job in (("ethanol", ethanol), ("bookkeeping", bookkeeping)):
            if options.only in (None, name):
                job(options, program, Path(room))


if __name__ == "__main__":
    main()
