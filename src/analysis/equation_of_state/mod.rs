//! Equations of state of solids: energy against volume, and their fits.
//!
//! Birch-Murnaghan is a power series of the energy in the Eulerian strain f = ((V0/V)^(2/3) - 1)/2, named after the order at which it ends
//! (Birch, Phys. Rev. 71, 809 (1947)). Vinet: Vinet, Rose, Ferrante, Smith, J. Phys.: Condens. Matter 1, 1941 (1989). Murnaghan: Proc. Natl.
//! Acad. Sci. USA 30, 244 (1944).

mod fit;
#[cfg(test)]
mod tests;

pub use fit::{Fit, Points, fit};

/// The form of an equation of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Birch-Murnaghan, second order: B0' is 4.
    BirchMurnaghan2,
    /// Birch-Murnaghan, third order.
    BirchMurnaghan,
    /// Birch-Murnaghan, fourth order: B0'' is a parameter too.
    BirchMurnaghan4,
    /// Vinet.
    Vinet,
    /// Murnaghan: the bulk modulus is linear in the pressure.
    Murnaghan,
}

impl Form {
    /// All of them.
    pub const ALL: [Form; 5] = [
        Form::BirchMurnaghan2,
        Form::BirchMurnaghan,
        Form::BirchMurnaghan4,
        Form::Vinet,
        Form::Murnaghan,
    ];

    /// How many of the parameters of [`EquationOfState::parameters`] a fit determines: the first so many.
    pub fn free(self) -> usize {
        match self {
            Form::BirchMurnaghan2 => 3,
            Form::BirchMurnaghan | Form::Vinet | Form::Murnaghan => 4,
            Form::BirchMurnaghan4 => 5,
        }
    }

    /// The name in decks and files.
    pub fn word(self) -> &'static str {
        match self {
            Form::BirchMurnaghan2 => "birch_murnaghan_2",
            Form::BirchMurnaghan => "birch_murnaghan",
            Form::BirchMurnaghan4 => "birch_murnaghan_4",
            Form::Vinet => "vinet",
            Form::Murnaghan => "murnaghan",
        }
    }

    /// The name that a person reads.
    pub fn name(self) -> &'static str {
        match self {
            Form::BirchMurnaghan2 => "Birch-Murnaghan, 2nd order",
            Form::BirchMurnaghan => "Birch-Murnaghan, 3rd order",
            Form::BirchMurnaghan4 => "Birch-Murnaghan, 4th order",
            Form::Vinet => "Vinet",
            Form::Murnaghan => "Murnaghan",
        }
    }
}

/// An equation of state: energy (eV), volume (Å^3) and bulk modulus (eV/Å^3) at zero pressure, and its derivatives by pressure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EquationOfState {
    /// The form.
    pub form: Form,
    /// Lowest energy (eV).
    pub energy: f64,
    /// Its volume (Å^3).
    pub volume: f64,
    /// Bulk modulus there (eV/Å^3).
    pub bulk_modulus: f64,
    /// Derivative of the bulk modulus by pressure there.
    pub derivative: f64,
    /// Second derivative of the bulk modulus by pressure there (Å^3/eV). Only the fourth order of Birch and Murnaghan is free to choose it;
    /// [`EquationOfState::new`] fills in what the other forms imply.
    pub second_derivative: f64,
}

impl EquationOfState {
    /// Of energy (eV), volume (Å^3), bulk modulus (eV/Å^3), B0' and B0'' (Å^3/eV). What the form does not leave free is not looked at, but
    /// set to what the form implies.
    pub fn new(form: Form, parameters: [f64; 5]) -> EquationOfState {
        let [energy, volume, bulk_modulus, b1, b2] = parameters;
        let b1 = match form {
            Form::BirchMurnaghan2 => 4.0,
            _ => b1,
        };
        let b2 = match form {
            Form::BirchMurnaghan4 => b2,
            Form::BirchMurnaghan2 | Form::BirchMurnaghan => {
                -((b1 - 4.0) * (b1 - 3.0) + 35.0 / 9.0) / bulk_modulus
            }
            Form::Vinet => (19.0 / 36.0 - 0.5 * b1 - 0.25 * b1 * b1) / bulk_modulus,
            Form::Murnaghan => 0.0,
        };
        EquationOfState {
            form,
            energy,
            volume,
            bulk_modulus,
            derivative: b1,
            second_derivative: b2,
        }
    }

    /// The parameters in the order of [`EquationOfState::new`].
    pub fn parameters(&self) -> [f64; 5] {
        [
            self.energy,
            self.volume,
            self.bulk_modulus,
            self.derivative,
            self.second_derivative,
        ]
    }

    /// The coefficients a and b in P = 3 B0 f (1 + 2 f)^(5/2) (1 + a f + b f^2), of the Birch-Murnaghan forms.
    fn strain_series(&self) -> (f64, f64) {
        let (b0, b1, b2) = (self.bulk_modulus, self.derivative, self.second_derivative);
        match self.form {
            Form::BirchMurnaghan2 => (0.0, 0.0),
            Form::BirchMurnaghan4 => {
                let b = 1.5 * (b0 * b2 + (b1 - 4.0) * (b1 - 3.0) + 35.0 / 9.0);
                (1.5 * (b1 - 4.0), b)
            }
            _ => (1.5 * (b1 - 4.0), 0.0),
        }
    }

    /// Eulerian strain at a volume.
    fn strain(&self, volume: f64) -> f64 {
        0.5 * ((self.volume / volume).powf(2.0 / 3.0) - 1.0)
    }

    /// Energy (eV) at a volume (Å^3).
    pub fn energy_at(&self, volume: f64) -> f64 {
        let (v0, b0, b1) = (self.volume, self.bulk_modulus, self.derivative);
        match self.form {
            Form::BirchMurnaghan2 | Form::BirchMurnaghan | Form::BirchMurnaghan4 => {
                let f = self.strain(volume);
                let (a, b) = self.strain_series();
                self.energy + 9.0 * v0 * b0 * f * f * (0.5 + f * (a / 3.0 + f * b / 4.0))
            }
            Form::Vinet => {
                let y = (volume / v0).cbrt();
                let c = 1.5 * (b1 - 1.0);
                // 2 B0 V0 / (B0' - 1)^2 times {2 - [5 + 3 B0' (y - 1) - 3 y] exp[-c (y - 1)]}
                let bracket = 5.0 + 3.0 * b1 * (y - 1.0) - 3.0 * y;
                let factor = 2.0 * b0 * v0 / (b1 - 1.0).powi(2);
                self.energy + factor * (2.0 - bracket * (-c * (y - 1.0)).exp())
            }
            Form::Murnaghan => {
                let x = v0 / volume;
                let work = volume / b1 * (x.powf(b1) / (b1 - 1.0) + 1.0) - v0 / (b1 - 1.0);
                self.energy + b0 * work
            }
        }
    }

    /// Pressure (eV/Å^3) at a volume (Å^3).
    pub fn pressure_at(&self, volume: f64) -> f64 {
        let (v0, b0, b1) = (self.volume, self.bulk_modulus, self.derivative);
        match self.form {
            Form::BirchMurnaghan2 | Form::BirchMurnaghan | Form::BirchMurnaghan4 => {
                let f = self.strain(volume);
                let (a, b) = self.strain_series();
                3.0 * b0 * f * (1.0 + 2.0 * f).powf(2.5) * (1.0 + f * (a + f * b))
            }
            Form::Vinet => {
                let y = (volume / v0).cbrt();
                3.0 * b0 * (1.0 - y) / (y * y) * (1.5 * (b1 - 1.0) * (1.0 - y)).exp()
            }
            Form::Murnaghan => b0 / b1 * ((v0 / volume).powf(b1) - 1.0),
        }
    }

    /// Isothermal bulk modulus -V dP/dV (eV/Å^3) at a volume (Å^3).
    pub fn bulk_modulus_at(&self, volume: f64) -> f64 {
        let (v0, b0, b1) = (self.volume, self.bulk_modulus, self.derivative);
        match self.form {
            Form::BirchMurnaghan2 | Form::BirchMurnaghan | Form::BirchMurnaghan4 => {
                let f = self.strain(volume);
                let (a, b) = self.strain_series();
                let root = (1.0 + 2.0 * f).sqrt();
                let slope = root.powi(5) * (1.0 + f * (2.0 * a + 3.0 * f * b))
                    + 5.0 * root.powi(3) * f * (1.0 + f * (a + f * b));
                b0 * (1.0 + 2.0 * f) * slope
            }
            Form::Vinet => {
                let y = (volume / v0).cbrt();
                let c = 1.5 * (b1 - 1.0);
                b0 / (y * y) * (1.0 + (c * y + 1.0) * (1.0 - y)) * (c * (1.0 - y)).exp()
            }
            Form::Murnaghan => b0 * (v0 / volume).powf(b1),
        }
    }

    /// The volume (Å^3) at a pressure (eV/Å^3), on the branch through zero pressure on which the pressure falls as the volume grows, and
    /// between a third and three times the volume at zero pressure; none when it is not there.
    pub fn volume_at(&self, pressure: f64) -> Option<f64> {
        if pressure == 0.0 {
            return Some(self.volume);
        }
        let factor = if pressure > 0.0 { 0.998 } else { 1.002 };
        let (mut near, mut far) = (self.volume, self.volume * factor);
        // Of the pressure with the sign of the one that is looked for.
        let size = |v: f64| self.pressure_at(v) * pressure.signum();
        while size(far) < pressure.abs() {
            let on_branch = size(far) > size(near);
            if !(on_branch && (1.0 / 3.0..3.0).contains(&(far / self.volume))) {
                return None;
            }
            (near, far) = (far, far * factor);
        }
        for _ in 0..60 {
            let middle = 0.5 * (near + far);
            if size(middle) < pressure.abs() {
                near = middle;
            } else {
                far = middle;
            }
        }
        Some(0.5 * (near + far))
    }

    /// Enthalpy E + P V (eV) at a pressure (eV/Å^3), with the volume (Å^3); none where [`EquationOfState::volume_at`] has none.
    pub fn enthalpy_at(&self, pressure: f64) -> Option<(f64, f64)> {
        let volume = self.volume_at(pressure)?;
        Some((self.energy_at(volume) + pressure * volume, volume))
    }
}
