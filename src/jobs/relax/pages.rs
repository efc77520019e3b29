//! What a person reads of the relaxation of one structure.

use super::record::Brief;
use crate::relax::{End, Outcome, Settings};
use crate::report::Console;
use crate::system::System;
use crate::units::EV_PER_A3_IN_GPA;

/// What is relaxed.
pub(super) fn describe(system: &System, group: Option<&(String, usize)>, console: &Console) {
    let group = group.map_or(String::new(), |g| format!(", space group {}", g.0));
    let atoms = system.atoms.len();
    console.fact("structure", format!("{atoms} atoms{group}"));
    if system.cell.is_bulk() {
        console.fact("cell", cell(system));
    }
}

fn cell(system: &System) -> String {
    let (l, a) = system.cell.lengths_and_angles();
    format!(
        "{:.5}, {:.5}, {:.5} Å; {:.3}°, {:.3}°, {:.3}°; {:.4} Å^3",
        l[0],
        l[1],
        l[2],
        a[0],
        a[1],
        a[2],
        system.cell.volume().unwrap_or(0.0)
    )
}

/// What came of it.
pub(super) fn conclude(
    before: &System,
    after: &System,
    outcome: &Outcome,
    brief: &Brief,
    settings: &Settings,
    console: &Console,
) {
    let m = &outcome.measure;
    let n = after.atoms.len().max(1) as f64;
    console.say("");
    console.fact(
        "end",
        format!(
            "{} after {} steps with {} evaluations",
            outcome.end.word(),
            outcome.steps,
            outcome.calls
        ),
    );
    console.fact(
        "energy",
        format!("{:.9} eV, {:.9} eV/atom", m.energy, m.energy / n),
    );
    if m.enthalpy != m.energy {
        console.fact("enthalpy", format!("{:.9} eV", m.enthalpy));
    }
    console.fact(
        "force",
        format!(
            "{:.3e} eV/Å on atom {} (wanted: below {:.3e})",
            m.fmax, m.worst_atom, settings.fmax
        ),
    );
    if after.cell.is_bulk() {
        let s = m.stress.map(|row| row.map(|x| x * EV_PER_A3_IN_GPA));
        let text = format!(
            "xx {:.5}, yy {:.5}, zz {:.5}, yz {:.5}, xz {:.5}, xy {:.5} GPa",
            s[0][0], s[1][1], s[2][2], s[1][2], s[0][2], s[0][1]
        );
        console.fact("stress", text);
        if let Some(c) = &settings.cell {
            let wanted = match c.tolerance {
                Some(t) => format!("wanted: below {:.3e} GPa", t * EV_PER_A3_IN_GPA),
                None => format!(
                    "virial per atom {:.3e} eV, wanted: below {:.3e}",
                    m.cell_force, settings.fmax
                ),
            };
            let off = m.stress_excess * EV_PER_A3_IN_GPA;
            console.fact("off target", format!("{off:.3e} GPa ({wanted})"));
            console.fact("cell", cell(after));
        }
    }
    if let Some((a, b)) = &brief.groups {
        console.fact("space group", format!("{a} before, {b} now"));
    }
    if let Some((a, b)) = brief.symmetry_change
        && a != b
    {
        console.warn(if b > a {
            "the symmetry rose: the structure has gone to a more symmetric one"
        } else {
            "the symmetry fell: the start was on a ridge, or its symmetry was only apparent"
        });
    }
    if let Some(c) = &outcome.curvature {
        console.fact(
            "curvature",
            format!(
                "lowest {:.4} ± {:.4} eV/Å^2, largest found {:.2}, by {} products with the Hessian",
                c.lowest, c.uncertainty, c.largest, c.products
            ),
        );
    }
    if let (Some(a), Some(b)) = (before.cell.volume(), after.cell.volume())
        && settings.cell.is_some()
        && (b / a - 1.0).abs() > 0.25
        && outcome.converged()
    {
        console.warn(format!(
            "the volume has changed by {:.0} %: is this still the structure that was meant?",
            100.0 * (b / a - 1.0)
        ));
    }
}

/// Why it is no minimum, and what to do.
pub(super) fn failure(outcome: &Outcome, settings: &Settings) -> (String, String) {
    let f = outcome.measure.fmax;
    let (reason, advice) = match outcome.end {
        End::TooManySteps => (
            format!(
                "the relaxation did not converge in {} steps: the longest force is {f:.2e} eV/Å",
                outcome.steps
            ),
            "go on with --resume and a larger `max_steps`, or try another `method`",
        ),
        End::Rounding => (
            format!(
                "the line search is at rounding: the energy falls no further, and the longest force is {f:.2e} eV/Å, above `fmax`"
            ),
            "`fmax` may be below what the model can give (a jump of the energy at its cutoff?): choose a larger one, or `method = \"fire\"`, which looks at forces only",
        ),
        End::SoftCell(ratio) => (
            format!(
                "the cell is soft: its volume went to {ratio:.2} times that of the start, and nothing holds it"
            ),
            "is the pressure right, and is the model meant for this structure? `[relax.cell] change = \"shape\"` keeps the volume",
        ),
        End::Saddle => {
            let lowest = outcome.curvature.as_ref().map_or(0.0, |c| c.lowest);
            (
                format!(
                    "this is a saddle, not a minimum: the forces are small, but the energy falls along one direction (curvature {lowest:.4} eV/Å^2)"
                ),
                if settings.leave_saddles {
                    "it was left several times and found again: look at the structure"
                } else {
                    "`leave_saddles = true` goes on downhill from it"
                },
            )
        }
        End::Failed(_) => ("the relaxation stopped".to_owned(), ""),
        _ => (format!("the relaxation ended: {}", outcome.end.word()), ""),
    };
    (reason, advice.to_owned())
}
