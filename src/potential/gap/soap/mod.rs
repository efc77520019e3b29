//! SOAP.
mod parameters;
pub use parameters::SoapParameters;
