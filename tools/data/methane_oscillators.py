#!/usr/bin/env python3
"""What many-body dispersion of molecules does to the pair model of potentials/methane-gap: coupled oscillators in the published boxes.

    python methane_oscillators.py DEPOSIT

DEPOSIT is the folder with the files `mebox-minimal-*.xyz.gz` of Veit et al. (see methane.py). Needs numpy and ase.

Every molecule is an oscillator at its carbon (J. Chem. Phys. 140, 18A508 (2014), without atoms within the molecule) with the polarisability of methane, 2.59 Å^3,
and the frequency that makes C6 that of the pair model, 3/4 ħω α² = C6. Dipoles couple by T g(r), where T is the tensor of two
dipoles and g² = r^6/(r^6 + f^6): to second order the energy is that of the pairs, -C6/(r^6 + f^6), and what is left is of three and more
molecules. Energies per molecule are ħω/2 times the mean over wave vectors k of the sum of √λ - 1, λ the eigenvalues of 1 + α T(k). T(k) is a
sum over a sphere; four radii between 40 and 52 Å tell what that leaves open. A mesh of one vector (k = 0) is the box by itself.
"""
import sys

import numpy as np

import methane

C6, F, ALPHA = 78.0, 3.1, 2.59                          # eV Å^6, Å, Å^3
QUANTUM = 4 * C6 / (3 * ALPHA**2)                       # ħω, eV
RADII = (40.0, 44.0, 48.0, 52.0)
CHOSEN = (("oos-T110", 7), ("oos-T110", 0), ("oos-T188", 11), ("pbe0-pbeotf-mbdint", 0), ("oos-T188", 0))


def coupling(x, cell, radius, mesh):
    """T(k) for the vectors of a mesh, [k, 3n, 3n], and the energy of the pairs (eV per molecule)."""
    n, heights = len(x), 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    span = [range(-m, m + 1) for m in np.ceil(radius / heights).astype(int) + 1]
    index = np.array([(i, j, k) for i in span[0] for j in span[1] for k in span[2]])
    vectors = np.array([(i, j, k) for i in range(mesh) for j in range(mesh) for k in range(mesh)]) / mesh
    phases, images = np.exp(2j * np.pi * (index @ vectors.T)), index @ cell
    tensors = np.zeros((len(vectors), n, n, 3, 3), complex)
    pairs = 0.0
    for i in range(n):
        for j in range(n):
            r = x[j] - x[i] + images
            r2 = (r**2).sum(1)
            near = (r2 < radius**2) & (r2 > 1e-6)
            r, r2 = r[near], r2[near]
            weight = 1 / np.sqrt(r2**3 + F**6)
            t = weight[:, None, None] * (np.eye(3) - 3 * r[:, :, None] * r[:, None, :] / r2[:, None, None])
            tensors[:, i, j] = np.tensordot(phases[near].T, t, axes=(1, 0))
            pairs += (weight**2).sum()
    beyond = 2 * np.pi / 3 * n / abs(np.linalg.det(cell)) / radius**3
    return tensors.transpose(0, 1, 3, 2, 4).reshape(len(vectors), 3 * n, 3 * n), -C6 * (pairs / 2 / n + beyond)


def oscillators(carbons, mesh):
    """Energies (meV per molecule) of coupled oscillators for all radii, and of the pairs."""
    found = []
    for radius in RADII:
        tensors, pairs = coupling(carbons.positions, carbons.cell.array, radius, mesh)
        roots = np.sqrt(np.linalg.eigvalsh(np.eye(tensors.shape[1]) + ALPHA * tensors))
        found.append(1000 * 0.5 * QUANTUM * (roots - 1).sum() / len(carbons) / len(tensors))
    return np.array(found), 1000 * pairs


def main(folder):
    print("box                       Å^3/molecule  published    pairs   oscillators, k = 0       2x2x2       3x3x3   (meV per molecule)")
    for name, k in CHOSEN:
        a = methane.read(folder, methane.SETS[name])[k]
        carbons = a[a.numbers == 6]
        n = len(carbons)
        by_mesh = [oscillators(carbons, mesh) for mesh in (1, 2, 3)]
        columns = "  ".join(f"{e.mean():8.2f}({e.std():.2f})" for e, _ in by_mesh)
        print(f"{name + ':' + str(k):24} {a.get_volume() / n:13.1f} {1000 * a.get_potential_energy() / n:10.2f} {by_mesh[-1][1]:8.2f}      {columns}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
