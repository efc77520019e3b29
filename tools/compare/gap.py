#!/usr/bin/env python3
"""Zundel beside QUIP: time of energy, forces and virial of a GAP, one thread each, in turns.

The shipped silicon GAP on rattled diamond cells of 64, 512 and 1000 atoms, and any further model file by argument. QUIP is
called through quippy with its own neighbour list; Zundel through `zundel bench --json`, neighbour search included. Both move
the atoms a little before each call, so that nothing can be kept. Before the clock starts, energies and forces of the two are
compared.

Set up:

    python3 -m venv .venv
    .venv/bin/pip install quippy-ase ase numpy
    .venv/bin/python tools/compare/gap.py
    .venv/bin/python tools/compare/gap.py other.xml --structure cell.xyz --repeat 1,1,1 2,2,2

Printed are medians over the turns in µs per atom; ratios above 1 mean that Zundel is faster. On a busy machine the wall clock of
both sides is too long: take the ratio.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import common

SHIPPED = common.ROOT / "potentials" / "silicon-gap" / "silicon.xml"


def quip_worker(model, structure, calls):
    """Runs in a process of its own: evaluates once, then times some calls. Prints one JSON object."""
    import time
    import xml.etree.ElementTree as ET

    import ase.io
    import numpy as np
    from quippy.potential import Potential

    model, structure = Path(model).resolve(), Path(structure).resolve()
    label = next(e.get("label") for e in ET.parse(model).getroot().iter("Potential"))
    atoms = ase.io.read(structure)
    # QUIP looks for the sparse points in the working directory.
    os.chdir(model.parent)
    quip = Potential(args_str=f"Potential xml_label={label}", param_filename=model.name)
    quip.calculate(atoms, properties=["energy", "forces", "stress"])
    result = {"energy": float(quip.results["energy"]), "forces": np.array(quip.results["forces"]).tolist()}
    rng = np.random.default_rng(1)
    wall = []
    for _ in range(calls):
        atoms.positions += rng.normal(0, 0.002, atoms.positions.shape)
        start = time.perf_counter()
        quip.calculate(atoms, properties=["energy", "forces", "stress"])
        wall.append(time.perf_counter() - start)
    print("RESULT " + json.dumps(result | {"wall": wall}))


def quip(model, structure, calls):
    said, _, _ = common.timed([sys.executable, __file__, "--worker", str(model), str(structure), str(calls)])
    return json.loads(said.split("RESULT ", 1)[1])


def zundel(program, model, structure, seconds):
    command = [program, "bench", str(model), str(structure), "--threads", "1", "--seconds", str(seconds), "--json"]
    return json.loads(common.timed(command)[0])["microseconds_per_atom_step"]


def agreement(program, model, structure, theirs):
    """Largest differences of energy per atom and of forces, from `zundel eval`."""
    import io

    import ase.io
    import numpy as np

    said, _, _ = common.timed([program, "eval", str(model), str(structure), "--threads", "1"])
    ours = ase.io.read(io.StringIO(said), format="extxyz")
    energy = abs(ours.get_potential_energy() - theirs["energy"]) / len(ours)
    return energy, np.abs(ours.get_forces() - np.array(theirs["forces"])).max()


def structures(options, room):
    """Pairs of a number of atoms and a file."""
    import ase.io
    import numpy as np
    from ase.build import bulk

    cell = ase.io.read(options.structure) if options.structure else bulk("Si", a=5.43, cubic=True)
    rng = np.random.default_rng(0)
    for repeat in options.repeat:
        atoms = cell * tuple(int(n) for n in repeat.split(","))
        atoms.positions += rng.normal(0, 0.05, atoms.positions.shape)
        path = Path(room) / f"{len(atoms)}.extxyz"
        ase.io.write(path, atoms, format="extxyz", columns=["symbols", "positions"])
        # QUIP gets the rounded positions of the file, too.
        yield len(atoms), path


def main():
    if sys.argv[1:2] == ["--worker"]:
        return quip_worker(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="*", help="GAP files (the silicon GAP that ships with Zundel)")
    p.add_argument("--structure", help="cell to repeat and rattle (cubic diamond cell of silicon, 8 atoms)")
    p.add_argument("--repeat", nargs="+", default=["2,2,2", "4,4,4", "5,5,5"], metavar="n,n,n", help="repetitions of the cell")
    p.add_argument("--turns", type=int, default=5, help="turns of each side (5)")
    p.add_argument("--calls", type=int, default=2, help="timed calls of QUIP in a turn (2)")
    p.add_argument("--seconds", type=float, default=2.0, help="measuring time of Zundel in a turn (2)")
    p.add_argument("--zundel", help="the zundel program (target/release/zundel)")
    options = p.parse_args()
    try:
        import ase  # noqa: F401
        import quippy  # noqa: F401
    except ImportError as e:
        p.error(f"{e}: pip install quippy-ase ase numpy")
    program = common.zundel(options.zundel)
    common.machine()
    rows = []
    with tempfile.TemporaryDirectory() as room:
        for model in map(Path, options.models or [SHIPPED]):
            for atoms, path in structures(options, room):
                theirs, ours = common.in_turns(
                    options.turns,
                    lambda: quip(model, path, options.calls),
                    lambda: zundel(program, model, path, options.seconds),
                )
                energy, force = agreement(program, model, path, theirs[0])
                q = [common.median(t["wall"]) / atoms * 1e6 for t in theirs]
                rows.append([
                    model.name, atoms,
                    f"{common.median(q):.0f} ± {common.spread(q):.0f} %",
                    f"{common.median(ours):.2f} ± {common.spread(ours):.0f} %",
                    f"{common.median(q) / common.median(ours):.1f}",
                    f"{energy:.0e}", f"{force:.0e}",
                ])
    common.table(["model", "atoms", "QUIP µs/atom", "Zundel µs/atom", "ratio", "ΔE eV/atom", "ΔF eV/Å"], rows)


if __name__ == "__main__":
    main()
