//! The accuracy card as a page for the browser.

use super::Results;
use super::card::{LEARNING_HEADS, error_tables, facts, learning_rows};
use super::pictures::Picture;
use crate::deck::TrainingDeck;
use crate::report::HtmlReport;

/// The report.
pub(super) fn html(deck: &TrainingDeck, results: &Results, pictures: &[Picture]) -> String {
    let name = deck.fit.files.model.file_name().unwrap_or_default();
    let mut page = HtmlReport::new(&format!("Accuracy of {}", name.to_string_lossy()));
    results.warnings.iter().for_each(|w| page.warning(w));
    page.facts(&facts(deck, results));
    page.heading("Errors");
    page.paragraph("Model minus label. MAE is the mean absolute error, RMSE the root of the mean square; the spread of the data is what a model that knows only their mean would miss.");
    for table in error_tables(results) {
        page.subheading(table.title);
        page.table(&table.heads, &table.rows);
    }
    for picture in pictures.iter().filter(|p| p.name != "learning") {
        page.figure(&picture.svg, &picture.caption);
    }
    if !results.learning.is_empty() {
        page.heading("Learning curve");
        page.table(&LEARNING_HEADS, &learning_rows(results));
        for picture in pictures.iter().filter(|p| p.name == "learning") {
            page.figure(&picture.svg, &picture.caption);
        }
    }
    page.heading("Data");
    let files: Vec<Vec<String>> = results
        .data
        .files
        .iter()
        .map(|f| {
            vec![
                f.path.display().to_string(),
                f.frames.to_string(),
                f.hash.clone(),
            ]
        })
        .collect();
    page.table(&["file", "frames", "SHA-256"], &files);
    page.heading("Deck");
    page.paragraph("With all defaults filled in:");
    page.code(deck.resolved().trim_end());
    page.html()
}
