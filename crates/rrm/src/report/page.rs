//! A report -> Markdown, or one self-contained HTML page with figures and a browser of transcripts.
//!
//! Texts of judges and responses are embedded as data (JSON in a script element that is not run) and are shown only as text. A content security
//! policy allows only the page's own script and style; its nonce is a hash of the whole content, which no text in it can contain.

use minijinja::{AutoEscape, Environment, Value, context, syntax::SyntaxConfig, value::Serde};
use serde::Serialize;

use super::{Entry, FigureError, Report, figure, figures::figures};
use crate::ranking::rating::Score;

const PAGE: &str = include_str!("page.html");
const MARKDOWN: &str = include_str!("page.md");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The reason why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A figure cannot be drawn.
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// A template cannot be filled in.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// The transcripts cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Returns the report as Markdown, without transcripts. `figures` holds the title of each figure and the path of its file, relative to the report.
///
/// # Errors
/// The error of the template.
pub fn markdown(report: &Report, figures: &[(String, String)]) -> Result<String, PageError> {
    let mut environment = environment()?;
    environment.add_template("page.md", MARKDOWN)?;
    Ok(environment
        .get_template("page.md")?
        .render(context! { report => Value::from(Serde(report)), figures => Value::from(Serde(figures)) })?)
}

/// The cases of one run that the page shows.
#[derive(Serialize)]
struct ShownCases<'a> {
    name: &'a str,
    left_out: u64,
    cases: &'a [Entry],
}

/// Returns the report as one HTML file.
///
/// # Errors
/// The error of a figure, the template or the JSON.
pub fn page(report: &Report) -> Result<String, PageError> {
    let figures =
        figures(report).iter().filter_map(|figure| figure::draw(figure).transpose()).collect::<Result<Vec<String>, _>>()?;
    let shown = report.runs.iter().map(|run| ShownCases { name: &run.name, left_out: run.left_out, cases: &run.shown });
    // In a script element, only `<` could begin the end tag or a comment.
    let data = serde_json::to_string(&shown.collect::<Vec<_>>())?.replace('<', "\\u003c");
    let hash = blake3::hash([data.as_str(), &figures.concat(), &serde_json::to_string(report)?].concat().as_bytes());
    let nonce = hash.to_hex().to_string();
    let safe = |text: String| Value::from_safe_string(text);
    let mut environment = environment()?;
    environment.add_template("page.html", PAGE)?;
    Ok(environment.get_template("page.html")?.render(context! {
        report => Value::from(Serde(report)),
        nonce,
        figures => figures.into_iter().map(safe).collect::<Vec<_>>(),
        data => safe(data),
        style => safe(STYLE.to_owned()),
        script => safe(SCRIPT.to_owned()),
    })?)
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    // Lines that hold only a tag leave no line in the output.
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
    environment.add_filter("percent", |share: Option<f64>| number(share.map(|share| share * 100.0), 1));
    environment.add_filter("score", |score: Value| cell(&score, 2));
    environment.add_filter("rate", |rate: Value| cell(&rate.get_attr("share").unwrap_or_default(), 1));
    environment.add_filter("fixed", |value: Option<f64>, places: usize| number(value, places));
    environment.add_filter("part", |part: u64, whole: u64| number((whole > 0).then(|| part as f64 / whole as f64 * 100.0), 1));
    environment.add_filter("probability", |p: f64| if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") });
    environment.add_filter("cell", |text: String| text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " "));
    Ok(environment)
}

fn number(value: Option<f64>, places: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.places$}"))
}

/// Returns a score in percent with its interval.
fn cell(score: &Value, places: usize) -> String {
    let part = |name: &str| score.get_attr(name).ok().and_then(|part| f64::try_from(part).ok());
    let Some(value) = part("value") else { return "–".to_owned() };
    let score = Score { value, low: part("low"), high: part("high") };
    let value = score.value * 100.0;
    match score.low.zip(score.high) {
        Some((low, high)) => format!("{value:.places$} ({:.1} to {:.1})", low * 100.0, high * 100.0),
        None => format!("{value:.places$}"),
    }
}
