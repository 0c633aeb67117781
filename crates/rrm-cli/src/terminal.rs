//! Result rows -> a view for people: the order, the bracket, the votes; and progress on stderr.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use rrm::{
    dataset::Item,
    engine::TokenSink,
    ranking::strategy::DecidedBy,
    result::{MatchRow, Row, RowResult},
    spending::Spending,
    vote::Decision,
};

use crate::{
    lines::{harmless, note},
    numbers::counted,
};

/// Characters of a response that are shown.
const EXCERPT: usize = 60;

/// The kind of judging: pairs or rankings.
#[derive(Clone, Copy, PartialEq)]
pub enum JudgingKind {
    /// Rows with two responses.
    Judge,
    /// Rows with any number of responses.
    Rank,
}

/// Prints one row to stdout for a person.
pub fn row(item: &Item, row: &Row, kind: JudgingKind) -> io::Result<()> {
    let texts: Vec<&str> = item.responses.iter().map(|r| &*r.text).collect();
    io::stdout().lock().write_all(view(row, kind, &texts).as_bytes())
}

/// Returns the view of one row; `texts` are the responses, if available.
pub fn view(row: &Row, kind: JudgingKind, texts: &[&str]) -> String {
    let Some(result) = &row.result else {
        return format!("{}  no result: {}\n", row.id, row.error.as_deref().unwrap_or("unknown"));
    };
    let mut out = match kind {
        JudgingKind::Judge => judged(row, result, texts),
        JudgingKind::Rank => ranked(row, result, texts),
    };
    for flag in &result.flags {
        let whose = flag.response.map_or_else(|| "the prompt".to_owned(), |i| format!("response [{i}]"));
        if !flag.markup.is_empty() {
            out += &format!("  warning: {whose} holds prompt markup: {}\n", flag.markup.join(" "));
        }
        if !flag.taken_off.is_empty() {
            out += &format!("  note: {whose} was judged without its {}\n", flag.taken_off.join(" "));
        }
    }
    out
}

fn judged(row: &Row, result: &RowResult, texts: &[&str]) -> String {
    let verdict = match result.verdict {
        Some(Decision::A) => "[0] is better",
        Some(Decision::B) => "[1] is better",
        Some(Decision::Tie) => "tie",
        _ => "undecided",
    };
    let votes = result.matches.first().map(votes).unwrap_or_default();
    let winner = result.order.as_ref().and_then(|order| texts.get(*order.first()?)).map(|text| excerpt(text)).unwrap_or_default();
    format!("{}  {verdict}  {votes}  {winner}\n", row.id)
}

fn ranked(row: &Row, result: &RowResult, texts: &[&str]) -> String {
    let usage = result.usage;
    let mut out = format!(
        "{}  {}, {}, {} ({} abstained), {} written\n",
        row.id,
        counted(result.scores.len() as u64, "response"),
        matches(result.matches.len()),
        counted(usage.votes, "vote"),
        usage.abstained,
        counted(usage.completion_tokens, "token")
    );
    for (place, response) in places(result) {
        let score = result.scores.get(response).copied().flatten().map_or_else(
            || "   -".to_owned(),
            |s| match (s.low, s.high) {
                (Some(low), Some(high)) => format!("{:7.2} [{low:.2}, {high:.2}]", s.value),
                _ => format!("{:5.0}", s.value),
            },
        );
        let text = texts.get(response).map(|text| excerpt(text)).unwrap_or_default();
        let place = place.map_or_else(|| "   -".to_owned(), |place| format!("{place:3}."));
        out += &format!("{place}  {:>4}  {score}  {text}\n", format!("[{response}]"));
    }
    if result.order.is_none() {
        out += "  note: there is no order: a match had no verdict, so responses without a rank have no place\n";
    }
    if result.penalised {
        out += "  note: somebody won or lost every match; a weak penalty keeps the ratings finite and their intervals wide\n";
    }
    if result.disconnected {
        out += "  note: the matches leave groups that never met; orders across groups mean nothing\n";
    }
    if let Some(last) = result.matches.last().filter(|m| m.round > 0 || result.matches.len() == 1) {
        out.push('\n');
        for line in bracket(&result.matches, last).0 {
            out += &format!("  {}\n", line.trim_end());
        }
    }
    out
}

fn matches(number: usize) -> String {
    format!("{number} {}", if number == 1 { "match" } else { "matches" })
}

/// Returns the responses, best first, with their places; responses without a place come last.
fn places(result: &RowResult) -> Vec<(Option<usize>, usize)> {
    if let Some(order) = &result.order {
        return order.iter().enumerate().map(|(place, response)| (Some(place + 1), *response)).collect();
    }
    let place = |response: usize| result.ranks.as_ref().and_then(|ranks| ranks.get(response).copied().flatten());
    let mut all: Vec<_> = (0..result.scores.len()).map(|response| (place(response), response)).collect();
    all.sort_by_key(|(place, response)| (place.unwrap_or(usize::MAX), *response));
    all
}

/// Returns the bracket below a match as lines of equal width, and the line at which its winner continues.
fn bracket(matches: &[MatchRow], top: &MatchRow) -> (Vec<String>, usize) {
    let side = |response: usize| {
        // A response that played an earlier match went on from there, even without a verdict.
        let met = |m: &&MatchRow| m.round < top.round && m.other(response).is_some();
        let before = matches.iter().filter(met).max_by_key(|m| m.round);
        before.map_or_else(|| (vec![format!("[{response}] ")], 0), |m| bracket(matches, m))
    };
    let (first, second) = top.shown();
    let ((upper, from), (lower, to)) = (side(first), side(second));
    let width = upper.iter().chain(&lower).map(|line| line.chars().count()).max().unwrap_or(0);
    let join = |line: &String, fill: char, end: &str| {
        let pad = width - line.chars().count();
        format!("{line}{}{end}", fill.to_string().repeat(pad))
    };
    let mut lines = Vec::new();
    for (i, line) in upper.iter().enumerate() {
        lines.push(match i.cmp(&from) {
            std::cmp::Ordering::Less => join(line, ' ', "  "),
            std::cmp::Ordering::Equal => join(line, '─', "─┐"),
            std::cmp::Ordering::Greater => join(line, ' ', " │"),
        });
    }
    let middle = lines.len();
    let winner = top.winner.map_or_else(|| "-".to_owned(), |w| w.to_string());
    lines.push(format!("{} ├─ [{winner}] {} ", " ".repeat(width), votes(top)));
    for (i, line) in lower.iter().enumerate() {
        lines.push(match i.cmp(&to) {
            std::cmp::Ordering::Less => join(line, ' ', " │"),
            std::cmp::Ordering::Equal => join(line, '─', "─┘"),
            std::cmp::Ordering::Greater => join(line, ' ', "  "),
        });
    }
    (lines, middle)
}

/// Describes how a match was decided, such as `3:2` from the winner's side, with notes on anything unusual.
pub fn votes(played: &MatchRow) -> String {
    let side = played.winner.unwrap_or(played.shown().0);
    let Some((counts, (one, other))) = played.counts.zip(played.counts_for(side)) else { return "same team".to_owned() };
    let mut text = format!("{one}:{other}");
    if counts.tie > 0 {
        text += &format!(" {} tied", counts.tie);
    }
    if counts.abstain > 0 {
        text += &format!(" {} abstained", counts.abstain);
    }
    if played.decided_by == DecidedBy::Coin {
        text += " by coin";
    }
    text
}

/// Returns the beginning of a text on one line.
pub fn excerpt(text: &str) -> String {
    let line = harmless(&text.split_whitespace().collect::<Vec<_>>().join(" "));
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Returns a sink that prints the judge's text to stderr as it is written.
pub fn sink() -> TokenSink {
    Arc::new(|text: &str| {
        write!(io::stderr(), "{}", harmless(text)).ok();
    })
}

/// A progress bar with rate and remaining time if stderr is a terminal; otherwise occasional lines.
pub struct Progress {
    bar: ProgressBar,
    spending: Arc<Spending>,
    rows: Arc<AtomicU64>,
    /// Lines are printed until this is dropped.
    lines: Mutex<Option<mpsc::Sender<()>>>,
}

/// Time between two lines without a terminal.
const BETWEEN: Duration = Duration::from_secs(30);

/// Prints how many `rows` of `total` are done, repeatedly until the sender is dropped.
fn lines(
    between: Duration,
    (rows, total): (Arc<AtomicU64>, u64),
    spending: Weak<Spending>,
    say: impl Fn(String) + Send + 'static,
) -> mpsc::Sender<()> {
    let (sender, stopped) = mpsc::channel();
    let run = move || {
        while stopped.recv_timeout(between) == Err(mpsc::RecvTimeoutError::Timeout) {
            // A weak reference, so that watching keeps nothing open.
            let Some(spent) = spending.upgrade().map(|spending| spending.spent()) else { return };
            say(format!(
                "{} of {total} rows, {} calls, {} tokens written so far",
                rows.load(Relaxed),
                spent.calls,
                spent.completion_tokens
            ));
        }
    };
    // If no thread can be started, no lines are printed.
    thread::Builder::new().name("rrm-progress".into()).spawn(run).ok();
    sender
}

impl Progress {
    /// Makes a hidden bar, while the number of rows is unknown.
    pub fn hidden(spending: Arc<Spending>) -> Self {
        Progress { bar: ProgressBar::hidden(), spending, rows: Arc::default(), lines: Mutex::default() }
    }

    /// Makes a bar over `rows`. Without a terminal occasional lines are printed instead, and with streamed text nothing.
    pub fn new(rows: u64, spending: Arc<Spending>, streaming: bool) -> Self {
        let hidden = Progress::hidden(spending.clone());
        if streaming {
            return hidden;
        }
        if !io::stderr().is_terminal() {
            let lines = lines(BETWEEN, (hidden.rows.clone(), rows), Arc::downgrade(&spending), |text| note(&text));
            return Progress { lines: Mutex::new(Some(lines)), ..hidden };
        }
        let template = "{bar:24} {pos}/{len} rows  {per_sec}  {elapsed} elapsed, {eta} left  {msg}";
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(rows).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar, ..hidden }
    }

    /// Hides the bar while something is printed.
    pub fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Counts one more row.
    pub fn row(&self) {
        self.rows.fetch_add(1, Relaxed);
        self.bar.inc(1);
        if !self.bar.is_hidden() {
            let spent = self.spending.spent();
            self.bar.set_message(format!("{} calls, {} tokens", spent.calls, spent.completion_tokens));
        }
    }

    /// Removes the bar.
    pub fn done(&self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use rrm::spending::SpendingLimits;

    use super::*;

    #[test]
    fn lines_say_how_far_it_is_until_it_is_done() {
        let (tell, told) = mpsc::channel();
        let rows = Arc::new(AtomicU64::new(3));
        let spending = Arc::new(Spending::new(SpendingLimits::default()));
        let lines = lines(Duration::from_millis(5), (rows, 9), Arc::downgrade(&spending), move |text| _ = tell.send(text));
        assert_eq!(told.recv().unwrap(), "3 of 9 rows, 0 calls, 0 tokens written so far");
        drop(lines);
        // The thread has ended once the channel is closed.
        while told.recv().is_ok() {}
    }
}
