"""i-PI as the other side of a comparison: its input, force clients for it, and what it wrote.

i-PI runs as a program of its own and asks for the forces of one bead at a time over a unix socket. The clients here speak its
published protocol and answer with the sgdml package, with QUIP, or at once with no force at all. Each notes when it was asked, so
that the time of a step is known without the start of i-PI, and how long the force code itself took.

    python ipi_client.py --serve SOCKET JSON

is how this module starts them.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import common

HARTREE = 27.211386245988
BOHR = 0.529177210903
KCAL_MOL = 4184.0 / 6.02214076e23 / 1.602176634e-19
# Standard atomic weights, the same in i-PI and in Zundel's decks.
MASSES = {"Ar": 39.95, "H": 1.008, "C": 12.011, "O": 15.999, "Si": 28.085}


def sgdml_forces(wanted):
    """Energy (Hartree), forces (Hartree/Bohr) and virial (none) of positions in Bohr, by the sgdml package."""
    import numpy as np

    # A script here has the name of the package, and its folder comes first.
    here = Path(__file__).resolve().parent
    sys.path = [p for p in sys.path if Path(p or ".").resolve() != here]
    from sgdml.predict import GDMLPredict

    data = dict(np.load(wanted["model"], allow_pickle=True))
    if wanted["chunk"] is None:
        predictor = GDMLPredict(data)
    else:
        predictor = GDMLPredict(data, max_processes=1)
        predictor._set_chunk_size(wanted["chunk"])
    nothing = np.zeros((3, 3))

    def forces(positions, cell):
        energy, forces = predictor.predict(positions.reshape(1, -1) * BOHR)
        return float(energy[0]) * KCAL_MOL / HARTREE, forces * (KCAL_MOL * BOHR / HARTREE), nothing

    return forces


def quip_forces(wanted):
    """The same of a GAP by QUIP, with the virial."""
    import xml.etree.ElementTree as ET

    import ase.io
    from quippy.potential import Potential

    model = Path(wanted["model"])
    atoms = ase.io.read(wanted["structure"])
    label = next(e.get("label") for e in ET.parse(model).getroot().iter("Potential"))
    # QUIP looks for the sparse points in the working directory.
    os.chdir(model.parent)
    quip = Potential(args_str=f"Potential xml_label={label}", param_filename=model.name)

    def forces(positions, cell):
        atoms.set_cell(cell.T * BOHR)
        atoms.positions[:] = positions * BOHR
        quip.calculate(atoms, properties=["energy", "forces", "stress"])
        found = quip.results
        s = found["stress"]
        stress = [[s[0], s[5], s[4]], [s[5], s[1], s[3]], [s[4], s[3], s[2]]]
        virial = [[-x * atoms.get_volume() / HARTREE for x in row] for row in stress]
        return found["energy"] / HARTREE, found["forces"] * (BOHR / HARTREE), virial

    return forces


def zundel_forces(wanted):
    """The same by Zundel: one `zundel eval` for the whole run, a frame written to it for each call."""
    import numpy as np

    command = [wanted["program"], "eval", wanted["model"], "/dev/stdin", "--threads", "1", "--quiet"]
    program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    symbols = wanted["symbols"]
    columns = 'Properties=species:S:1:pos:R:3'

    def forces(positions, cell):
        places = (positions * BOHR).tolist()
        if wanted["periodic"]:
            lattice = " ".join(map(repr, (cell.T * BOHR).ravel().tolist()))
            head = f'Lattice="{lattice}" {columns} pbc="T T T"'
        else:
            head = f'{columns} pbc="F F F"'
        lines = [str(len(symbols)), head] + [f"{s} {x!r} {y!r} {z!r}" for s, (x, y, z) in zip(symbols, places)]
        program.stdin.write("\n".join(lines) + "\n")
        program.stdin.flush()
        said = [program.stdout.readline() for _ in range(len(symbols) + 2)]
        if not said[-1]:
            raise SystemExit("zundel eval stopped")
        facts = said[1]
        energy = float(facts.split(" energy=", 1)[1].split(None, 1)[0])
        kinds = facts.split("Properties=", 1)[1].split(None, 1)[0].split(":")
        widths = [int(w) for w in kinds[2::3]]
        first = sum(widths[: kinds[::3].index("forces")])
        force = np.array([[float(x) for x in line.split()[first : first + 3]] for line in said[2:]])
        virial = facts.split(' virial="', 1)[1].split('"', 1)[0].split()
        virial = np.array([float(x) for x in virial]).reshape(3, 3)
        return energy / HARTREE, force * (BOHR / HARTREE), virial / HARTREE

    return forces


def no_forces(wanted):
    """An answer without any work, to see what is left."""
    import numpy as np

    nothing, virial = np.zeros((wanted["atoms"], 3)), np.zeros((3, 3))
    return lambda positions, cell: (0.0, nothing, virial)


KINDS = {"sgdml": sgdml_forces, "quip": quip_forces, "zundel": zundel_forces, "none": no_forces}


def serve(address, wanted):
    """Answers i-PI until it closes the connection, then writes when it was asked and for how long it worked."""
    import numpy as np

    forces = KINDS[wanted["kind"]](wanted)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    began = time.monotonic()
    while True:
        try:
            link.connect(address)
            break
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() - began > 60.0:
                raise SystemExit("i-PI did not open its socket")
            time.sleep(0.05)

    def receive(size):
        parts = bytearray()
        while len(parts) < size:
            part = link.recv(size - len(parts))
            if not part:
                raise ConnectionResetError
            parts += part
        return bytes(parts)

    asked, worked, used = [], [], time.process_time()
    state, answer = b"READY", None
    try:
        while True:
            header = receive(12).strip()
            if header == b"STATUS":
                link.sendall(state.ljust(12))
            elif header == b"INIT":
                receive(4)
                receive(struct.unpack("<i", receive(4))[0])
            elif header == b"POSDATA":
                asked.append(time.monotonic())
                cell = np.frombuffer(receive(72)).reshape(3, 3)
                receive(72)
                atoms = struct.unpack("<i", receive(4))[0]
                positions = np.frombuffer(receive(24 * atoms)).reshape(atoms, 3)
                answer = forces(positions, cell)
                worked.append(time.monotonic() - asked[-1])
                state = b"HAVEDATA"
            elif header == b"GETFORCE":
                energy, force, virial = answer
                force = np.ascontiguousarray(force, dtype=float)
                body = struct.pack("<di", energy, force.size // 3) + force.tobytes()
                body += np.ascontiguousarray(virial, dtype=float).tobytes() + struct.pack("<i", 0)
                link.sendall(b"FORCEREADY".ljust(12) + body)
                state = b"READY"
            else:
                break
    except (ConnectionResetError, BrokenPipeError):
        pass
    seconds = time.process_time() - used
    Path(wanted["report"]).write_text(json.dumps({"asked": asked, "worked": worked, "processor": seconds}))


def as_input(run):
    """i-PI's input. `run` has atoms (ASE), beads, timestep (fs), temperature (K), steps, seed; and for output, `columns`
    and `every`; `inside` names a force code of i-PI's own that it calls without a socket. PILE-L with OBABO or `splitting`,
    the centroid damped in `time` (fs); the centre of mass is free."""
    atoms = run["atoms"]
    masses = ", ".join(str(MASSES[s]) for s in atoms.symbols)
    if "inside" in run:
        source = f"  <ffdirect name='forces' pbc='false'> <pes> {run['inside']} </pes> </ffdirect>"
    else:
        source = f"  <ffsocket mode='unix' name='forces' pbc='false'> <address> {run['address']} </address> </ffsocket>"
    columns = ", ".join(run.get("columns", ["step"]))
    return f"""<simulation verbosity='quiet'>
  <output prefix='out'>
    <properties filename='table' stride='{run.get("every", run["steps"])}' flush='100'> [ {columns} ] </properties>
  </output>
  <total_steps>{run["steps"]}</total_steps>
  <total_time>{run.get("seconds", 0)}</total_time>
  <prng><seed>{run["seed"]}</seed></prng>
{source}
  <system>
    <initialize nbeads='{run["beads"]}'>
      <file mode='xyz'> start.xyz </file>
      <masses mode='manual' units='dalton'> [ {masses} ] </masses>
      <velocities mode='thermal' units='kelvin'> {run["temperature"]} </velocities>
    </initialize>
    <forces> <force forcefield='forces'/> </forces>
    <ensemble> <temperature units='kelvin'> {run["temperature"]} </temperature> </ensemble>
    <normal_modes propagator='{run.get("propagator", "exact")}'/>
    <motion mode='dynamics'>
      <fixcom> False </fixcom>
      <dynamics mode='nvt' splitting='{run.get("splitting", "obabo")}'>
        <timestep units='femtosecond'> {run["timestep"]} </timestep>
        <thermostat mode='pile_l'>
          <tau units='femtosecond'> {run["time"]} </tau>
          <pile_lambda> 1.0 </pile_lambda>
        </thermostat>
      </dynamics>
    </motion>
  </system>
</simulation>
"""


def start_of(atoms):
    """The atoms as i-PI reads them."""
    # A molecule has no cell; i-PI wants one all the same.
    cell = atoms.cell.cellpar() if atoms.pbc.any() else [100.0] * 3 + [90.0] * 3
    cell = " ".join(repr(float(x)) for x in cell)
    lines = [str(len(atoms)), f"# CELL(abcABC): {cell} positions{{angstrom}} cell{{angstrom}}"]
    lines += [f"{s} {x!r} {y!r} {z!r}" for s, (x, y, z) in zip(atoms.symbols, atoms.positions.tolist())]
    return "\n".join(lines) + "\n"


def drive(run, room, clients, wanted, nice=0):
    """Runs i-PI with so many clients (none for forces inside) in the folder `room`. Returns, for each step, when its first bead was asked for; the seconds of
    force code in all; the seconds of processor time of i-PI and of the clients; and the table of its properties as columns."""
    room = Path(room)
    address = f"zundel{os.getpid()}"
    (room / "input.xml").write_text(as_input({**run, "address": address}))
    (room / "start.xyz").write_text(start_of(run["atoms"]))
    prefix = str(room / "ipi_")
    program = common.tool("i-pi")
    if program is None:
        raise SystemExit("there is no i-pi: pip install ipi")
    environment = common.one_thread()
    if wanted.get("chunk", 1) is None:
        environment = dict(os.environ)
    lower = ["nice", "-n", str(nice)] if nice else []
    started = []

    def start(command, log):
        with open(room / log, "w") as out:
            process = subprocess.Popen([*lower, *command], cwd=room, env=environment, stdout=out, stderr=out)
        started.append(process)
        return process

    before = os.times()
    server = start([program, "-S", prefix, "input.xml"], "ipi.log")
    reports = [room / f"client{k}.json" for k in range(clients)]
    helpers = []
    for k, report in enumerate(reports):
        report.unlink(missing_ok=True)
        said = json.dumps({**wanted, "report": str(report)})
        helpers.append(start([sys.executable, __file__, "--serve", prefix + address, said], f"client{k}.log"))
    try:
        while server.poll() is None and all(h.poll() in (None, 0) for h in helpers):
            time.sleep(0.05)
        if server.poll() == 0:
            for helper in helpers:
                helper.wait(timeout=120)
    finally:
        for process in started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait()
    after = os.times()
    if server.returncode != 0 or not all(r.exists() for r in reports):
        logs = "\n".join(f"{p.name}:\n{p.read_text()[-2000:]}" for p in sorted(room.glob("*.log")))
        raise SystemExit(f"i-PI or its client failed:\n{logs}")
    reports = [json.loads(r.read_text()) for r in reports]
    asked = sorted(t for r in reports for t in r["asked"])
    client_seconds = sum(r["processor"] for r in reports)
    return {
        "steps": asked[:: run["beads"]],
        "forces": sum(sum(r["worked"]) for r in reports),
        "calls": len(asked),
        "clients": client_seconds,
        "all": after.children_user + after.children_system - before.children_user - before.children_system,
        "table": read_table(room / "out.table"),
    }


def read_table(path):
    """The columns of a table of i-PI's, by the names of its heading."""
    names, rows = [], []
    for line in Path(path).read_text().splitlines():
        if line.startswith("#"):
            # "# column   3     --> kinetic_cv(H){electronvolt} : ..."
            if "-->" in line:
                names.append(line.split("-->")[1].split(" : ")[0].strip())
        elif line.strip():
            rows.append([float(x) for x in line.split()])
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(sys.argv[2], json.loads(sys.argv[3]))
