#!/usr/bin/env python3
"""The same physics as i-PI: averages of path-integral runs of both programs, with errors.

`ethanol`: an sGDML model of ethanol (200 training points from the folder of reference values that ZUNDEL_REFERENCE names, else
the one that ships with Zundel), 16 beads at 300 K. i-PI is driven by the sgdml package over a unix socket.
`silicon`: the GAP that ships with Zundel, 8 atoms, 16 beads at 100 K, constant volume. i-PI is driven by Zundel's energies, forces and
virials; with `--quip` by QUIP. Before that, `--same N` steps from one seed are driven by both, which must give the same table.

Thermostat (PILE-L, λ = 1, 0.1 ps for the centroid), splitting (OBABO), exact free rings, time step and masses are the same in both
programs, so that the averages must agree without any extrapolation. Random numbers differ.

Set up:

    python3 -m venv .venv
    .venv/bin/pip install ipi sgdml quippy-ase ase numpy
    .venv/bin/python tools/compare/pimd_physics.py --minutes 60 --keep runs

i-PI runs for the given time, Zundel for as many steps as i-PI came to, times `--longer`. Runs found in the folder of `--keep` are
not made again. The kinetic energies are centroid-virial estimates with kT/2 for each of the 3N components of the centroid in
both programs (the centre of mass is free). Errors are from blocking.
"""

import argparse
import csv
import shutil
import tempfile
from pathlib import Path

import common
import ipi_client
from pimd import model_of_ethanol

EV = "{electronvolt}"


class Case:
    """What is simulated, and which columns of the two tables say the same."""

    def __init__(self, name, structure, beads, temperature, timestep, every, wanted, potential, columns):
        import ase.io

        self.name, self.beads, self.temperature, self.timestep, self.every = name, beads, temperature, timestep, every
        self.wanted, self.potential, self.columns = wanted, potential, columns
        self.atoms = ase.io.read(structure)
        self.structure = structure

    def theirs(self, room, seconds=0, steps=10**9, wanted=None, every=None, nice=0, seed=1):
        """i-PI's table, by the names of the columns here."""
        room.mkdir(parents=True, exist_ok=True)
        columns = ["step", "time{femtosecond}", *(theirs for theirs, _, _ in self.columns.values())]
        job = dict(
            atoms=self.atoms, beads=self.beads, timestep=self.timestep, temperature=self.temperature, time=100.0, seed=seed,
            steps=steps, seconds=seconds, columns=columns, every=every or self.every,
        )  # fmt: skip
        ipi_client.drive(job, room, 1, wanted or self.wanted, nice)
        return self.read_theirs(room)

    def read_theirs(self, room):
        table = ipi_client.read_table(room / "out.table")
        times = table["time{femtosecond}"]
        return times, {name: table[theirs] for name, (theirs, _, _) in self.columns.items()}

    def ours(self, program, room, steps, threads):
        room.mkdir(parents=True, exist_ok=True)
        (room / "deck.toml").write_text(f"""version = 1
[system]
structure = "{self.structure}"
{self.potential}
[md]
timestep = "{self.timestep} fs"
length = "{steps} steps"
temperature = "{self.temperature} K"
beads = {self.beads}
seed = 1
[md.thermostat.langevin]
friction = "10 /ps"
splitting = "obabo"
[md.mode_thermostat.pile]
lambda = 1.0
[md.ring_polymer]
propagator = "exact"
[output]
thermo = {{ file = "table.csv", every = "{self.every} steps" }}
""")
        command = [program, "run", "deck.toml", "--overwrite", "--quiet", "--threads", str(threads)]
        common.timed(command, cwd=room)
        return self.read_ours(room)

    def read_ours(self, room):
        with open(room / "table.csv") as file:
            head, *rows = csv.reader(file)
        rows = [[float(x) for x in row] for row in rows if len(row) == len(head)]
        column = lambda name: [row[head.index(name)] for row in rows]
        return column("time (fs)"), {name: column(ours) for name, (_, ours, _) in self.columns.items()}


def blocked(x):
    """Mean, and its error: the largest of those from ever longer blocks, down to 32 of them."""
    mean, error = x.mean(), 0.0
    while len(x) >= 32:
        error = max(error, x.std(ddof=1) / len(x) ** 0.5)
        x = 0.5 * (x[0 : len(x) // 2 * 2 : 2] + x[1::2])
    return mean, error


def kinetic(symbol):
    return f"kinetic_cv({symbol}){EV}", f"kinetic_energy_{symbol} (eV)", 1.0


def ethanol(program, options):
    model, points = model_of_ethanol()
    columns = {"potential energy (eV)": (f"potential{EV}", "potential_energy (eV)", 1.0)}
    columns |= {f"kinetic energy of {s} (eV)": kinetic(s) for s in ("H", "C", "O")}
    columns["kinetic energy (eV)"] = (f"kinetic_cv{EV}", "kinetic_energy (eV)", 1.0)
    columns["primitive kinetic energy (eV)"] = (f"kinetic_td{EV}", "kinetic_energy_primitive (eV)", 1.0)
    wanted = {"kind": "sgdml", "model": str(model), "chunk": points}
    structure = common.ROOT / "inputs" / "ethanol-relaxed.xyz"
    return Case("ethanol", structure, 16, 300, 0.5, 8, wanted, f'[potential.sgdml]\nfile = "{model}"', columns)


def silicon(program, options):
    model = common.ROOT / "potentials" / "silicon-gap" / "silicon.xml"
    structure = common.ROOT / "inputs" / "silicon.xyz"
    columns = {"potential energy (eV)": (f"potential{EV}", "potential_energy (eV)", 1.0)}
    columns["kinetic energy of Si (eV)"] = kinetic("Si")
    # 1 GPa is 10 kbar.
    columns["pressure (kbar)"] = ("pressure_cv{gigapascal}", "pressure (GPa)", 10.0)
    wanted = {"kind": "zundel", "model": str(model), "program": program, "symbols": ["Si"] * 8, "periodic": True}
    case = Case("silicon", structure, 16, 100, 3.0, 4, wanted, f'[potential.gap]\nfile = "{model}"', columns)
    case.other = {"kind": "quip", "model": str(model), "structure": str(structure)}
    if options.quip:
        case.wanted, case.other = case.other, case.wanted
    return case


def same(case, room, steps):
    """Some steps from one seed, driven by both force codes: the largest differences of the tables."""
    tables = [case.theirs(room / f"same-{w['kind']}", 0, steps, w, 1)[1] for w in (case.wanted, case.other)]
    print(f"{steps} steps of i-PI from one seed, driven by {case.wanted['kind']} and by {case.other['kind']}, differ by at most")
    for name in case.columns:
        print(f"  {name}: {max(abs(a - b) for a, b in zip(*(t[name] for t in tables))):.1e}")
    print(flush=True)


def compare(case, theirs, ours, skip):
    import numpy as np

    rows, found, lengths = [], {}, []
    for k, runs in enumerate((theirs, [ours])):
        starts = [next((i for i, t in enumerate(times) if t >= skip * 1000.0), len(times) - 1) for times, _ in runs]
        lengths.append(sum(times[-1] - times[start] for start, (times, _) in zip(starts, runs)) / 1000.0)
        for name, (_, _, unit) in case.columns.items():
            found[name, k] = blocked(np.concatenate([table[name][start:] for start, (_, table) in zip(starts, runs)]) * unit)
    print(f"{case.name}, {case.beads} beads, {case.temperature} K, {case.timestep} fs: i-PI {lengths[0]:.1f} ps, Zundel {lengths[1]:.1f} ps\n")
    worst = 0.0
    for name in case.columns:
        (a, da), (b, db) = found[name, 0], found[name, 1]
        apart = (b - a) / (da**2 + db**2) ** 0.5
        worst = max(worst, abs(apart))
        scale = abs(b)
        if name.startswith("potential"):
            scale = found[next(n for n in case.columns if n.startswith("kinetic energy ")), 1][0]
            scale = found.get(("kinetic energy (eV)", 1), (scale,))[0]
        share = [f"{100 * d / scale:.2f} %" for d in (da, db)] if "pressure" not in name else ["", ""]
        rows.append([name, f"{a:.5f} ± {da:.5f}", share[0], f"{b:.5f} ± {db:.5f}", share[1], f"{apart:+.1f}"])
    head = ["", "i-PI", "error", "Zundel", "error", "standard errors apart"]
    common.table(head, rows)
    print("Errors in per cent are those of the quantity; of the potential energy, in per cent of the whole kinetic energy.\n")
    return worst


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--case", choices=["ethanol", "silicon"], help="only one of the two")
    p.add_argument("--minutes", type=float, default=30, help="how long i-PI runs for each (30)")
    p.add_argument("--runs", type=int, default=1, help="number of such runs of i-PI, with seeds 1, 2, ... (1)")
    p.add_argument("--longer", type=float, default=1.0, help="length of Zundel's run in lengths of i-PI's (1)")
    p.add_argument("--skip", type=float, default=1.0, help="what is left out at the start, in ps (1)")
    p.add_argument("--same", type=int, default=15, help="steps driven by QUIP and by Zundel first; 0 for none (15)")
    p.add_argument("--quip", action="store_true", help="drive i-PI by QUIP for silicon (some fifty times slower)")
    p.add_argument("--keep", help="folder for the runs; those that are there already are only read")
    p.add_argument("--threads", type=int, default=1, help="threads of Zundel (1)")
    p.add_argument("--nice", type=int, default=0, help="niceness of i-PI and its client (0)")
    p.add_argument("--zundel", help="the zundel program (target/release/zundel)")
    options = p.parse_args()
    program = common.zundel(options.zundel)
    folder = Path(options.keep or tempfile.mkdtemp()).resolve()
    worst = 0.0
    for name, make in (("ethanol", ethanol), ("silicon", silicon)):
        if options.case not in (None, name):
            continue
        case = make(program, options)
        room = folder / name
        if hasattr(case, "other") and options.same and not (room / "ipi-1" / "out.table").exists():
            same(case, room, options.same)
        theirs = []
        for run in range(1, options.runs + 1):
            place = room / f"ipi-{run}"
            made = (place / "out.table").exists()
            theirs.append(
                case.read_theirs(place) if made else case.theirs(place, 60.0 * options.minutes, nice=options.nice, seed=run)
            )
        if (room / "zundel" / "table.csv").exists():
            ours = case.read_ours(room / "zundel")
        else:
            steps = round(sum(times[-1] for times, _ in theirs) / case.timestep * options.longer)
            ours = case.ours(program, room / "zundel", steps, options.threads)
        worst = max(worst, compare(case, theirs, ours, options.skip))
    if not options.keep:
        shutil.rmtree(folder)
    if worst > 4.0:
        raise SystemExit(f"the two disagree by {worst:.1f} standard errors")


if __name__ == "__main__":
    main()
