#!/usr/bin/env python3
"""Zundel beside QUIP: time of energy, forces and virial of a GAP, one thread each, in turns.

Without arguments, all the rows whose models are at hand: the silicon GAP that ships with Zundel, a model of the size of the
published silicon GAP-18 (made here once, in target/compare), and the models in the folder of reference values that
ZUNDEL_REFERENCE names. `--rows` chooses some of them; any other model file can be given with a structure of its own. QUIP is
called through quippy with its own neighbour list; Zundel through `zundel bench --json`, neighbour search included. Both move
the atoms a little before each call, so that nothing can be kept. Before the clock starts, energies and forces of the two are
compared.

Set up:

    python3 -m venv .venv
    .venv/bin/pip install quippy-ase ase numpy
    .venv/bin/python tools/compare/gap.py
    .venv/bin/python tools/compare/gap.py --rows ch_turbo sic_nb
    .venv/bin/python tools/compare/gap.py other.xml --structure cell.xyz --repeat 1,1,1 2,2,2

Printed are medians over the turns in µs per atom, by the clock and in processor time; ratios above 1 mean that Zundel is
faster. On a busy machine the clock of both sides runs too long: take the ratios, best of all those of processor time.
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
    wall, cpu = [], []
    for _ in range(calls):
        atoms.positions += rng.normal(0, 0.002, atoms.positions.shape)
        start, used = time.perf_counter(), time.process_time()
        quip.calculate(atoms, properties=["energy", "forces", "stress"])
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    print("RESULT " + json.dumps(result | {"wall": wall, "cpu": cpu}))


def quip(model, structure, calls):
    said, _, _ = common.timed([sys.executable, __file__, "--worker", str(model), str(structure), str(calls)])
    return json.loads(said.split("RESULT ", 1)[1])


def zundel(program, model, structure, seconds):
    """µs per atom by the clock and in processor time: of the latter, what a long run uses more than a short one."""

    def bench(seconds):
        command = [program, "bench", str(model), str(structure), "--threads", "1", "--seconds", str(seconds), "--json"]
        said, _, cpu = common.timed(command)
        return json.loads(said), cpu

    short, used = bench(0.01)
    step = short["microseconds_per_atom_step"] * 1e-6 * short["atoms"]
    long, used_long = bench(max(seconds, 30 * step))
    cpu = (used_long - used) / max(long["repeats"] - short["repeats"], 1) / long["atoms"] * 1e6
    return long["microseconds_per_atom_step"], cpu


def agreement(program, model, structure, theirs):
    """Largest differences of energy per atom and of forces, from `zundel eval`."""
    import io

    import ase.io
    import numpy as np

    said, _, _ = common.timed([program, "eval", str(model), str(structure), "--threads", "1"])
    ours = ase.io.read(io.StringIO(said), format="extxyz")
    energy = abs(ours.get_potential_energy() - theirs["energy"]) / len(ours)
    return energy, np.abs(ours.get_forces() - np.array(theirs["forces"])).max()


def given(options):
    """A cell of the user's, repeated: the atoms, one by one."""
    import ase.io

    cell = ase.io.read(options.structure) if options.structure else crystal("Si", 5.43)
    for repeat in options.repeat:
        yield cell * tuple(int(n) for n in repeat.split(","))


def crystal(name, a):
    from ase.build import bulk

    return bulk(name, crystalstructure="zincblende" if name == "SiC" else "diamond", a=a, cubic=True)


def silicon(*repeats):
    return lambda _: [crystal("Si", 5.43) * (n, n, n) for n in repeats]


def carbide(_):
    return [crystal("SiC", 4.36) * (4, 2, 2)]


def frame(model, name):
    """A frame of the reference values beside a model, without its values."""
    import ase.io

    frames = ase.io.read(model.parent / "reference.extxyz", ":")
    atoms = next(f for f in frames if f.info.get("name") == name)
    atoms.calc, atoms.info = None, {}
    return atoms


def methane(model):
    return [frame(model, "methane_box27")]


def hydrocarbon(model):
    """Methane, and 200 molecules of it that fill half of a box."""
    import numpy as np

    box = frame(model, "methane_box16")
    full = box * (2, 2, 4)
    carbon = np.flatnonzero(full.symbols == "C")
    lowest = carbon[np.argsort(full.positions[carbon, 2], kind="stable")[:200]]
    half = full[(lowest[:, None] + np.arange(5)).ravel()]
    half.cell[2] *= 2.0 * np.ptp(half.positions[:, 2]) / full.cell[2, 2]
    return [box * (1, 1, 2), half]


def large(folder):
    """A model of the size of the silicon GAP-18 (n_max 10, l_max 12, 9000 points): the points are descriptors of strained
    and rattled crystals, the weights random. Written once."""
    path = folder / "gap18_size.xml"
    if path.exists():
        return path
    import numpy as np
    from quippy.descriptors import Descriptor

    count, soap = 9000, "soap l_max=12 n_max=10 atom_sigma=0.5 zeta=4 cutoff=5.0 cutoff_transition_width=1.0 central_weight=1.0"
    rng, descriptor, points = np.random.default_rng(1), Descriptor(soap), []
    while sum(map(len, points)) < count:
        atoms = crystal("Si", 5.43) * (2, 2, 2)
        atoms.positions += rng.normal(0, 0.25, atoms.positions.shape)
        atoms.set_cell(atoms.cell[:] * rng.uniform(0.93, 1.07), scale_atoms=True)
        points.append(descriptor.calc(atoms)["data"])
    points = np.vstack(points)[:count]
    folder.mkdir(parents=True, exist_ok=True)
    np.savetxt(folder / "gap18_size.sparseX", points.ravel(), fmt="%.17e")
    weights = "\n".join(
        f'<sparseX i="{i + 1}" alpha="{float(a)!r}" sparseCutoff="1.0"/>' for i, a in enumerate(rng.normal(0, 1, count))
    )
    path.write_text(
        '<BIG><Potential label="BIG" init_args="IP GAP label=BIG"/><GAP_params label="BIG" gap_version="1686220958">'
        '<GAP_data do_core="F"><e0 Z="14" value="-0.8"/></GAP_data><gpSparse label="BIG" n_coordinate="1" fitted="T">'
        f'<gpCoordinates label="BIG1" dimensions="{points.shape[1]}" signal_variance="1.0" signal_mean="0.0" sparsified="T" '
        f'n_permutations="1" covariance_type="2" zeta="4.0" n_sparseX="{count}" sparseX_filename="gap18_size.sparseX">'
        f'<descriptor>{soap}</descriptor><permutation i="1">1</permutation>\n{weights}\n'
        "</gpCoordinates></gpSparse></GAP_params></BIG>\n"
    )
    return path


# Name, file in the folder of reference values (or None), structures.
ROWS = [
    ("silicon-gap", None, silicon(2, 4, 5)),
    ("gap18_size", None, silicon(2, 3)),
    ("si_2b_soap", "si_2b_soap.xml", silicon(2, 4, 5)),
    ("si_lammps_soap", "gap_example.xml", silicon(2, 4, 5)),
    ("ch4_b1b_soap", "ch4_b1b_soap.xml", methane),
    ("ch_turbo", "CH.xml", hydrocarbon),
    ("sic_2b_3b_soap", "sic_2b_3b_soap.xml", carbide),
    ("sic_nb", "GAP.xml", carbide),
]


def chosen(options):
    """Name, model file and structures of the rows to be run."""
    if options.models:
        for model in map(Path, options.models):
            yield model.name, model, given(options)
        return
    reference = os.environ.get("ZUNDEL_REFERENCE")
    for name, file, make in ROWS:
        if options.rows and name not in options.rows:
            continue
        if name == "silicon-gap":
            model = SHIPPED
        elif name == "gap18_size":
            model = large(common.ROOT / "target" / "compare")
        elif reference:
            model = Path(reference) / "gap" / name / file
        else:
            print(f"{name} is left out: its model is looked for in the folder that ZUNDEL_REFERENCE names.")
            continue
        yield name, model, make(model)


def write(atoms, room):
    """Rattles, and writes a file that both sides read: QUIP gets the rounded positions, too."""
    import ase.io
    import numpy as np

    rng = np.random.default_rng(0)
    atoms.positions += rng.normal(0, 0.03 if "H" in atoms.symbols else 0.05, atoms.positions.shape)
    path = Path(room) / f"{len(atoms)}.extxyz"
    ase.io.write(path, atoms, format="extxyz", columns=["symbols", "positions"])
    return path


def main():
    if sys.argv[1:2] == ["--worker"]:
        return quip_worker(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="*", help="GAP files")
    p.add_argument("--rows", nargs="+", choices=[name for name, _, _ in ROWS], help="rows to run (all)")
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
        for name, model, structures in chosen(options):
            for atoms in structures:
                path, count = write(atoms, room), len(atoms)
                theirs, ours = common.in_turns(
                    options.turns,
                    lambda: quip(model, path, options.calls),
                    lambda: zundel(program, model, path, options.seconds),
                )
                energy, force = agreement(program, model, path, theirs[0])
                wall = [common.median(t["wall"]) / count * 1e6 for t in theirs], [w for w, _ in ours]
                cpu = [common.median(t["cpu"]) / count * 1e6 for t in theirs], [c for _, c in ours]
                row = [name, count]
                for q, z in wall, cpu:
                    row += [
                        f"{common.median(q):.0f} ± {common.spread(q):.0f} %",
                        f"{common.median(z):.1f} ± {common.spread(z):.0f} %",
                        f"{common.median(q) / common.median(z):.0f}",
                    ]
                rows.append([*row, f"{energy:.0e}", f"{force:.0e}"])
                print("·", *rows[-1], file=sys.stderr, flush=True)
    times = ["QUIP µs/atom", "Zundel µs/atom", "ratio", "QUIP, processor", "Zundel, processor", "ratio"]
    common.table(["model", "atoms", *times, "ΔE eV/atom", "ΔF eV/Å"], rows)


if __name__ == "__main__":
    main()
