//! A report as one file that needs nothing else: text, tables and pictures in HTML.

use std::fmt::Write;

/// A page for the browser and the printer, built from above to below. All text is escaped; pictures are inside the file.
#[derive(Clone, Debug, PartialEq)]
pub struct HtmlReport {
    title: String,
    body: String,
    contents: Vec<String>,
}

const STYLE: &str = "\
:root{color-scheme:light}\
body{font:16px/1.5 system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;color:#1b1e23;background:#fff;\
max-width:62rem;margin:0 auto;padding:1rem 1.2rem 3rem}\
h1{font-size:1.6rem;line-height:1.2;margin:1rem 0 .4rem}\
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid #d8dce2;padding-bottom:.2rem}\
h3{font-size:1.02rem;margin:1.4rem 0 .4rem}\
p{margin:.5rem 0;max-width:48rem}nav{font-size:.92rem;margin:.6rem 0}nav a{margin-right:1rem}a{color:#005aa0}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.6rem 0}\
dt{color:#5a6270}dd{margin:0;overflow-wrap:anywhere}\
.wide{overflow-x:auto;margin:.6rem 0}table{border-collapse:collapse;font-size:.92rem;font-variant-numeric:tabular-nums}\
th,td{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #e6e9ed;white-space:nowrap}\
th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid #b9c0ca;vertical-align:bottom}\
figure{margin:1rem 0;break-inside:avoid}figure svg{width:100%;height:auto;border:1px solid #e6e9ed}\
figcaption{font-size:.9rem;color:#454c57;max-width:48rem}\
.warning{border-left:4px solid #c84b00;background:#fff4ec;padding:.5rem .9rem;margin:.7rem 0;max-width:46rem}\
pre{background:#f5f6f8;padding:.8rem;overflow-x:auto;font-size:.85rem;line-height:1.35}\
footer{margin-top:3rem;border-top:1px solid #d8dce2;color:#5a6270;font-size:.85rem}\
@media(max-width:36rem){body{padding:.6rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}}\
@media print{body{max-width:none;font-size:11pt}nav{display:none}pre{white-space:pre-wrap}}";

impl HtmlReport {
    /// A page with nothing but its title.
    pub fn new(title: &str) -> HtmlReport {
        HtmlReport {
            title: title.to_owned(),
            body: String::new(),
            contents: Vec::new(),
        }
    }

    /// A heading, which is also named in the contents.
    pub fn heading(&mut self, text: &str) {
        self.contents.push(text.to_owned());
        let n = self.contents.len();
        self.put(format_args!("<h2 id=\"s{n}\">{}</h2>\n", escaped(text)));
    }

    /// A heading below the last one.
    pub fn subheading(&mut self, text: &str) {
        self.put(format_args!("<h3>{}</h3>\n", escaped(text)));
    }

    /// A paragraph.
    pub fn paragraph(&mut self, text: &str) {
        self.put(format_args!("<p>{}</p>\n", escaped(text)));
    }

    /// Something that must not be overlooked.
    pub fn warning(&mut self, text: &str) {
        self.put(format_args!(
            "<p class=\"warning\" role=\"note\"><strong>Warning:</strong> {}</p>\n",
            escaped(text)
        ));
    }

    /// Names with their values.
    pub fn facts<N: AsRef<str>, V: AsRef<str>>(&mut self, facts: &[(N, V)]) {
        self.body.push_str("<dl>\n");
        for (name, value) in facts {
            let (name, value) = (escaped(name.as_ref()), escaped(value.as_ref()));
            self.put(format_args!("<dt>{name}</dt><dd>{value}</dd>\n"));
        }
        self.body.push_str("</dl>\n");
    }

    /// A table: the heads of its columns, with units, and its rows.
    pub fn table<H: AsRef<str>, C: AsRef<str>>(&mut self, heads: &[H], rows: &[Vec<C>]) {
        self.body
            .push_str("<div class=\"wide\"><table>\n<thead><tr>");
        for head in heads {
            self.put(format_args!("<th>{}</th>", escaped(head.as_ref())));
        }
        self.body.push_str("</tr></thead>\n<tbody>\n");
        for row in rows {
            self.body.push_str("<tr>");
            for cell in row {
                self.put(format_args!("<td>{}</td>", escaped(cell.as_ref())));
            }
            self.body.push_str("</tr>\n");
        }
        self.body.push_str("</tbody></table></div>\n");
    }

    /// A picture (the SVG text of [`Chart`](super::Chart) or [`Plot`](super::Plot)) with what it shows.
    pub fn figure(&mut self, svg: &str, caption: &str) {
        self.put(format_args!(
            "<figure>\n{}\n<figcaption>{}</figcaption>\n</figure>\n",
            svg.trim(),
            escaped(caption)
        ));
    }

    /// Text as it is, such as a deck, in type of one width.
    pub fn code(&mut self, text: &str) {
        self.put(format_args!("<pre>{}</pre>\n", escaped(text.trim_end())));
    }

    /// The file.
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut nav = String::new();
        if self.contents.len() > 2 {
            nav.push_str("<nav>");
            for (k, name) in self.contents.iter().enumerate() {
                // Writing to a string does not fail.
                let _ = write!(nav, "<a href=\"#s{}\">{}</a>", k + 1, escaped(name));
            }
            nav.push_str("</nav>\n");
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{nav}{}\
             <footer><p>Made by Zundel {}.</p></footer>\n</body>\n</html>\n",
            self.body,
            env!("CARGO_PKG_VERSION")
        )
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.body.write_fmt(text);
    }
}

/// Text that HTML shows as it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{Chart, Curve};
    use super::*;

    #[test]
    fn a_report_with_everything() {
        let mut report = HtmlReport::new("<script>alert(1)</script> & more");
        report.heading("Peaks");
        report.facts(&[("file", "a\"b'.h5md"), ("length", "5 ps")]);
        report.subheading("of hydrogen");
        report.paragraph("all < good");
        report.warning("short & noisy");
        report.table(&["position (cm⁻¹)", "width"], &[vec!["3600", "<12>"]]);
        report.heading("Figure");
        let curve = Curve::line("a", vec![(0.0, 0.0), (1.0, 1.0)]);
        let chart = Chart {
            curves: vec![curve],
            ..Chart::default()
        };
        report.figure(&chart.svg().unwrap(), "a line");
        report.heading("Deck");
        report.code("[md]\nx = \"<\"\u{1}\n");
        let text = report.html();
        assert!(!text.contains("<script") && !text.contains('\u{1}'));
        for part in [
            "&lt;script&gt;alert(1)",
            "a&quot;b&#39;.h5md",
            "<td>&lt;12&gt;</td>",
            "<svg",
            "<figcaption>a line",
            "href=\"#s3\"",
            env!("CARGO_PKG_VERSION"),
            "short &amp; noisy",
        ] {
            assert!(text.contains(part), "{part}");
        }
        // What is opened is closed, and nothing is fetched from elsewhere.
        for tag in [
            "h2", "h3", "table", "dl", "figure", "pre", "nav", "svg", "tr", "td",
        ] {
            let open = text.matches(&format!("<{tag}")).count();
            assert!(
                open > 0 && text.matches(&format!("</{tag}>")).count() == open,
                "{tag}"
            );
        }
        let outside = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("http") && !outside.contains("src="));
    }
}
