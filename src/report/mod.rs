//! What a person looks at: progress, tables, summaries. Goes to standard error; results go to standard output or files.

mod board;
mod chart;
mod console;
mod drawing;
mod html;
mod page;
mod plot;
mod progress;
mod task;

pub use board::Board;
pub use chart::{Chart, Curve, CurveStyle, Ticks};
pub use console::Console;
pub use html::HtmlReport;
pub use page::{Page, print_result};
pub use plot::{Panel, Plot};
pub use progress::{Progress, Status, human_bytes, human_duration, human_seconds};
pub use task::Task;

use page::fact_lines;
pub(crate) use progress::per_day;
