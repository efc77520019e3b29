#!/usr/bin/env python3
"""Makes the small moment tensor potentials of tests/data/mtp and their values.

    python tools/synthetic_mtp.py tests/data/mtp        # models, structures and values; needs numpy

Coefficients are random numbers from fixed seeds and describe no material; index lists are written out from the contractions
below; values come from tools/mtp_reference.py, which evaluates the formulas in extended precision.
"""

import contextlib
import io
import itertools
import struct
import sys
from pathlib import Path

import numpy as np

import mtp_reference


def monomials(rank):
    return [(rank - m, m - c, c) for m in range(rank + 1) for c in range(m + 1)]


def multiplicity(powers):
    a, b, c = powers
    f = lambda n: int(np.prod(range(1, n + 1)))
    return f(a + b + c) // (f(a) * f(b) * f(c))


class Lists:
    """Index lists of all full contractions of pairs, two chains T·v, and products of scalars."""

    def __init__(self, ranks):
        self.basic, self.place = [], {}
        for mu, highest in enumerate(ranks):
            for rank in range(highest + 1):
                for p in monomials(rank):
                    self.place[mu, p] = len(self.basic)
                    self.basic.append((mu, *p))
        self.times, self.moments, self.scalars = [], len(self.basic), []
        tensors = [(mu, rank) for mu, highest in enumerate(ranks) for rank in range(highest + 1)]
        self.scalars += [self.place[mu, (0, 0, 0)] for mu in range(len(ranks))]
        for (m1, r1), (m2, r2) in itertools.combinations_with_replacement(tensors, 2):
            if r1 == r2:
                target = self.new()
                for p in monomials(r1):
                    self.times.append((self.place[m1, p], self.place[m2, p], multiplicity(p), target))
                self.scalars.append(target)
        if ranks[0] >= 2:
            # w = T v, then v·w and w·w.
            axes = np.eye(3, dtype=int)
            w = [self.new() for _ in range(3)]
            for i in range(3):
                for j in range(3):
                    t = self.place[0, tuple(int(x) for x in axes[i] + axes[j])]
                    v = self.place[0, tuple(int(x) for x in axes[j])]
                    self.times.append((t, v, 1, w[i]))
            for other in ([self.place[0, tuple(int(x) for x in a)] for a in axes], w):
                target = self.new()
                self.times += [(a, b, 1, target) for a, b in zip(other, w)]
                self.scalars.append(target)
        # Triple and fourfold products of scalars.
        first, second = self.scalars[0], self.scalars[len(ranks)]
        for pair in ((first, second), (second, second), (first, self.scalars[-1])):
            target = self.new()
            self.times.append((*pair, 1, target))
            self.scalars.append(target)

    def new(self):
        self.moments += 1
        return self.moments - 1


def listed(rows):
    return "{" + ", ".join("{" + ", ".join(map(str, r)) + "}" for r in rows) + "}"


def numbers(values):
    return "{" + ", ".join(f"{x:.15e}" for x in values) + "}"


def model(rng, kind, labels, size, ranks, lo, cutoff, state=None, prune=0):
    lists = Lists(ranks)
    scalars = lists.scalars[prune:]
    n = len(labels)
    text = f"MTP\nversion = 1.1.0\npotential_name = MTP1m\nscaling = {0.1:.15e}\nspecies_count = {n}\npotential_tag = \n"
    text += f"radial_basis_type = {kind}\n\tmin_dist = {lo:.15e}\n\tmax_dist = {cutoff:.15e}\n"
    text += f"\tradial_basis_size = {size}\n\tradial_funcs_count = {len(ranks)}\n\tradial_coeffs\n"
    for a in labels:
        for b in labels:
            text += f"\t\t{a}-{b}\n"
            for _ in ranks:
                text += f"\t\t\t{numbers(rng.normal(0, 0.5, size))}\n"
    text += f"alpha_moments_count = {lists.moments}\nalpha_index_basic_count = {len(lists.basic)}\n"
    text += f"alpha_index_basic = {listed(lists.basic)}\nalpha_index_times_count = {len(lists.times)}\n"
    text += f"alpha_index_times = {listed(lists.times)}\nalpha_scalar_moments = {len(scalars)}\n"
    text += "alpha_moment_mapping = {" + ", ".join(map(str, scalars)) + "}\n"
    text += f"species_coeffs = {numbers(rng.normal(-4, 1, n))}\n"
    text += f"moment_coeffs = {numbers(rng.normal(0, 0.3, len(scalars)))}\n"
    data = text.encode()
    if state:
        total = n * n * len(ranks) * size + n + len(scalars)
        a = rng.normal(0, 1, (total, total)) + 5 * np.eye(total)
        q = np.linalg.inv(a).T
        energy, site = (1.0, 0.0) if state == "cfg" else (0.0, 1.0)
        head = f"#MVS_v1.1\nenergy_weight {energy:.16e}\nforce_weight {0:.16e}\nstress_weight {0:.16e}\n"
        head += f"site_en_weight {site:.16e}\nweight_scaling 2\n#"
        data += head.encode() + struct.pack(f"<{2 * total**2}d", *a.ravel(), *q.ravel())
        data += ("\n#\n" + "-1 -1\n" * total + "#\n").encode()
    return data


def structures(rng, labels, symbols):
    """Extended XYZ: a rattled crystal, a cell smaller than the cutoff, a slab, a cluster, a dimer, a lone atom."""
    a = 4.0
    fcc = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    crystal = np.array([f + s for s in itertools.product(range(2), range(2), range(1)) for f in fcc]) * a
    frames = [
        (np.diag([2 * a, 2 * a, a]), "T T T", crystal + rng.normal(0, 0.1, crystal.shape)),
        (np.array([[0, 2, 2], [2, 0, 2], [2.1, 2.2, 0]]), "T T T", np.array([[0.1, 0.2, 0.3]])),
        (np.diag([a, a, 0.0]), "T T F", fcc * a + rng.normal(0, 0.2, fcc.shape)),
        (np.zeros((3, 3)), "F F F", rng.normal(0, 1, (5, 3)) + 2.2 * np.array([[i, i % 2, i // 2] for i in range(5)])),
        (np.zeros((3, 3)), "F F F", np.array([[0, 0, 0], [0.7, 0.9, 0.5]])),
        (np.zeros((3, 3)), "F F F", np.array([[1.0, 2.0, 3.0]])),
    ]
    text = ""
    for cell, periodic, positions in frames:
        text += f"{len(positions)}\n"
        if cell.any():
            text += 'Lattice="' + " ".join(f"{x:.10g}" for x in cell.ravel()) + '" '
        text += f'Properties=species:S:1:pos:R:3:mtp_type:I:1 pbc="{periodic}"\n'
        for i, x in enumerate(positions):
            k = i % len(labels)
            text += f"{symbols[k]} " + " ".join(f"{v:.10f}" for v in x) + f" {labels[k]}\n"
    return text


def main(folder):
    for seed, (name, options, symbols) in enumerate([
        ("two_species_nbh", dict(kind="RBChebyshev", labels=[0, 1], size=4, ranks=[3, 1], lo=1.6, cutoff=4.2, state="nbh"), "B As"),
        ("repulsive_cfg", dict(kind="RBChebyshev_repuls", labels=[0], size=5, ranks=[2, 2], lo=2.1, cutoff=4.5, state="cfg"), "Cu"),
        ("labels_pruned", dict(kind="BChebyshev", labels=[6, 14, -3], size=6, ranks=[4, 2, 0], lo=1.5, cutoff=3.9, prune=2), "C Si Ge"),
    ]):
        rng = np.random.default_rng(seed)
        place = Path(folder) / name
        place.mkdir(parents=True, exist_ok=True)
        path = place / (name + (".almtp" if options.get("state") else ".mtp"))
        path.write_bytes(model(rng, **options))
        bare = place / "structures.extxyz"
        bare.write_text(structures(rng, options["labels"], symbols.split()))
        values = io.StringIO()
        with contextlib.redirect_stdout(values):
            mtp_reference.main(str(path), str(bare))
        bare.unlink()
        (place / "reference.extxyz").write_text(values.getvalue())
        print(name, path.stat().st_size, "bytes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
