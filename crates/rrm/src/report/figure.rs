//! Points with intervals -> a figure with axes and units, as SVG. Its colours are placeholders, which the page replaces by those of its theme.

use plotters::{
    coord::Shift,
    prelude::*,
    series::LineSeries,
    style::text_anchor::{HPos, Pos, VPos},
};

/// A figure with percentages on its vertical axis.
pub(super) struct Figure {
    /// Title of the figure.
    pub title: String,
    /// Label of the horizontal axis, with its unit.
    pub x: String,
    /// Label of the vertical axis, with its unit.
    pub y: String,
    /// Names of 0, 1, 2 ... on the horizontal axis; empty if that axis is a number.
    pub names: Vec<String>,
    /// Whether the horizontal axis is logarithmic, doubling from tick to tick.
    pub doubling: bool,
    /// Whether to draw the line on which both values are equal.
    pub diagonal: bool,
    /// Series of points.
    pub series: Vec<Series>,
}

/// The points of one judge.
pub(super) struct Series {
    pub name: String,
    pub points: Vec<FigurePoint>,
    /// Whether a line joins the points.
    pub line: bool,
}

/// One value with its interval, in percent.
#[derive(Clone, Copy)]
pub(super) struct FigurePoint {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
}

/// The error of a figure that could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the figure '{title}' cannot be drawn: {detail}")]
pub struct FigureError {
    title: String,
    detail: String,
}

/// Colours of text, grid and series. The style sheet of the page knows them.
const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(2, 2, 2);
const SERIES: [RGBColor; 8] = [
    RGBColor(0x2f, 0x6f, 0xb5),
    RGBColor(0xc8, 0x5a, 0x11),
    RGBColor(0x2e, 0x85, 0x50),
    RGBColor(0xa0, 0x3c, 0x8f),
    RGBColor(0x8a, 0x6d, 0x00),
    RGBColor(0x1b, 0x8a, 0x93),
    RGBColor(0xb8, 0x32, 0x3f),
    RGBColor(0x66, 0x66, 0x77),
];
const WIDTH: u32 = 720;

/// Draws a figure as SVG; `None` if it has no point, because the plotting library would place ticks on an empty axis without end.
///
/// # Errors
/// The message of the plotting library.
pub(super) fn draw(figure: &Figure) -> Result<Option<String>, FigureError> {
    if figure.series.iter().all(|series| series.points.is_empty()) {
        return Ok(None);
    }
    let mut svg = String::new();
    let rows = figure.names.len().max(1) * figure.series.len().max(1);
    let height = if figure.names.is_empty() { 360 } else { 110 + 15 * rows.max(6) as u32 } + 20 * figure.series.len() as u32;
    let area = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
    let drawn = if figure.names.is_empty() { curves(&area, figure) } else { rows_of(&area, figure) };
    let drawn = drawn.and_then(|()| legend(&area, figure));
    let done = drawn.and_then(|()| area.present().map_err(|error| error.to_string()));
    drop(area);
    done.map_err(|detail| FigureError { title: figure.title.clone(), detail })?;
    // The title is the accessible name of the figure.
    let label = format!("<svg role=\"img\" aria-label=\"{}\" ", escaped(&figure.title));
    Ok(Some(svg.replacen("<svg ", &label, 1)))
}

/// Draws a figure as a file of its own. Without a theme, its grid is grey.
///
/// # Errors
/// As [`draw`].
pub(super) fn draw_file(figure: &Figure) -> Result<Option<String>, FigureError> {
    Ok(draw(figure)?.map(|svg| svg.replace("#020202", "#D4D8DF")))
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn text(size: i32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws the legend into the rows that [`draw`] adds below the axes.
fn legend(area: &Area<'_>, figure: &Figure) -> Result<(), String> {
    let height = area.dim_in_pixel().1 as i32;
    let left = text(13).pos(Pos::new(HPos::Left, VPos::Center));
    for (number, series) in figure.series.iter().enumerate() {
        let y = height - 8 - 20 * (figure.series.len() - 1 - number) as i32;
        let colour = SERIES[number % SERIES.len()];
        area.draw(&Circle::new((66, y), 5, colour.filled())).map_err(|error| error.to_string())?;
        area.draw_text(&series.name, &left, (78, y)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Draws values over a numeric axis.
fn curves(area: &Area<'_>, figure: &Figure) -> Result<(), String> {
    let failed = |error: DrawingAreaErrorKind<_>| -> String { error.to_string() };
    let place = |x: f64| if figure.doubling { x.max(1e-9).log2() } else { x };
    let all = || figure.series.iter().flat_map(|series| &series.points);
    let (left, right) = all().fold((f64::MAX, f64::MIN), |(l, r), point| (l.min(place(point.x)), r.max(place(point.x))));
    let margin = ((right - left) * 0.06).max(0.25);
    let low = (all().map(|point| point.low).fold(100.0, f64::min) / 10.0).floor() * 10.0;
    let high = ((all().map(|point| point.high).fold(0.0, f64::max) / 10.0).ceil() * 10.0).max(low + 10.0);
    let mut chart = ChartBuilder::on(area)
        .caption(&figure.title, text(17))
        .margin(8)
        .margin_right(18)
        .margin_bottom(8 + 20 * figure.series.len() as u32)
        .x_label_area_size(44)
        .y_label_area_size(58)
        .build_cartesian_2d(left - margin..right + margin, low..high)
        .map_err(failed)?;
    let label = |x: &f64| match figure.doubling {
        true if (x - x.round()).abs() > 1e-6 => String::new(),
        true => format!("{}", x.exp2().round()),
        false => format!("{x:.0}"),
    };
    let marks = if figure.doubling { (right - left).round().max(1.0) as usize + 2 } else { 8 };
    chart
        .configure_mesh()
        .x_desc(&figure.x)
        .y_desc(&figure.y)
        .x_labels(marks)
        .x_label_formatter(&label)
        .y_label_formatter(&|y| format!("{y:.0}"))
        .label_style(text(13))
        .axis_desc_style(text(14))
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(failed)?;
    if figure.diagonal {
        let ends = [low.max(left - margin), high.min(right + margin)].map(|at| (at, at));
        chart.draw_series(LineSeries::new(ends, INK.stroke_width(1))).map_err(failed)?;
    }
    for (number, series) in figure.series.iter().enumerate() {
        let colour = SERIES[number % SERIES.len()];
        if series.line {
            let line = series.points.iter().map(|point| (place(point.x), point.y));
            chart.draw_series(LineSeries::new(line, colour.stroke_width(2))).map_err(failed)?;
        }
        let bars = series.points.iter().map(|p| ErrorBar::new_vertical(place(p.x), p.low, p.y, p.high, colour.filled(), 8));
        chart.draw_series(bars).map_err(failed)?;
    }
    Ok(())
}

/// Draws values beside names, one row each, so that long names fit.
fn rows_of(area: &Area<'_>, figure: &Figure) -> Result<(), String> {
    let failed = |error: DrawingAreaErrorKind<_>| -> String { error.to_string() };
    let count = figure.names.len() as f64;
    let longest = figure.names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut chart = ChartBuilder::on(area)
        .caption(&figure.title, text(17))
        .margin(8)
        .margin_right(18)
        .margin_bottom(8 + 20 * figure.series.len() as u32)
        .x_label_area_size(44)
        .y_label_area_size((24 + 7 * longest.min(32)) as u32)
        .build_cartesian_2d(0.0..100.0, -0.5..count - 0.5)
        .map_err(failed)?;
    chart
        .configure_mesh()
        .x_desc(&figure.y)
        .x_labels(11)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_labels(0)
        .disable_y_mesh()
        .label_style(text(13))
        .axis_desc_style(text(14))
        .axis_style(INK)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(failed)?;
    let right = text(13).pos(Pos::new(HPos::Right, VPos::Center));
    for (row, name) in figure.names.iter().enumerate() {
        let (x, y) = chart.backend_coord(&(0.0, count - 1.0 - row as f64));
        area.draw_text(&clipped(name), &right, (x - 8, y)).map_err(failed)?;
    }
    let step = 0.7 / figure.series.len() as f64;
    for (number, series) in figure.series.iter().enumerate() {
        let colour = SERIES[number % SERIES.len()];
        let up = step * ((figure.series.len() - 1) as f64 / 2.0 - number as f64);
        let bars = series.points.iter().map(|point| {
            let row = count - 1.0 - point.x + up;
            ErrorBar::new_horizontal(row, point.low, point.y, point.high, colour.filled(), 6)
        });
        chart.draw_series(bars).map_err(failed)?;
    }
    Ok(())
}

fn clipped(name: &str) -> String {
    if name.chars().count() <= 32 { name.to_owned() } else { name.chars().take(31).chain(['…']).collect() }
}
