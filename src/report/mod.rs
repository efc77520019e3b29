//! What a person looks at: progress, tables, summaries. Goes to standard error; results go to standard output or files.

mod console;
mod progress;

pub use console::Console;
pub use progress::{Progress, Status, human_duration, human_seconds};
