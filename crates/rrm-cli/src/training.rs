//! Events of a training run -> lines on stderr, and on a terminal a bar below them.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use rrm_nn::train::{
    evaluate::HeldOutEvaluation,
    metrics::{CompletionMetrics, GrpoMetrics, MetricsLine, SftMetrics, StepMetrics},
    progress::{Event, RunStart, StepProgress, Timing},
};

use crate::numbers::{grouped, rounded};

/// Shortest time between two lines without a terminal.
const PAUSE: Duration = Duration::from_secs(5);
/// Number of successive steps without a signal after which a warning is printed.
const IDLE: u64 = 5;

/// The view of a training run on the terminal.
pub struct View {
    bar: Option<ProgressBar>,
    /// The time of the last line.
    written: Option<Instant>,
    /// The number of successive steps without any group with a signal.
    idle: u64,
}

impl View {
    /// Makes a bar if stderr is a terminal, and lines otherwise.
    pub fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:24} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(0).with_style(style)
        });
        View { bar, written: None, idle: 0 }
    }

    /// Shows one event.
    pub fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Opened(opened) => self.opened(opened),
            Event::Evaluates(pairs) => {
                self.line(&format!("judging {} held-out pairs before the first step", grouped(pairs as u64)))
            }
            Event::Step(progress) => self.step(progress),
            Event::Saved(folder) => self.line(&format!("saved {}", folder.display())),
        }
    }

    /// Removes the bar.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn opened(&mut self, opened: &RunStart<'_>) {
        if let Some(bar) = &self.bar {
            bar.set_length(opened.max_steps);
            bar.set_position(opened.step);
        }
        for file in opened.data {
            self.line(&format!("{}: {} rows, {}", file.path, grouped(file.rows as u64), file.left_out()));
            file.notes.iter().for_each(|said| self.line(&format!("note: {}: {said}", file.path)));
        }
        opened.held_out.iter().for_each(|said| self.line(&format!("note: {said}")));
        if !opened.chat_template {
            self.line("the model has no chat template: messages are put as ChatML");
        }
        let (parameters, trained) = (rounded(opened.parameters), rounded(opened.trained));
        let begins = match opened.step {
            0 => format!("{} steps", opened.max_steps),
            step => format!("going on after step {step} of {}", opened.max_steps),
        };
        self.line(&format!("{}: {parameters} parameters, {trained} trained; {begins}", opened.folder.display()));
    }

    fn step(&mut self, progress: &StepProgress<'_>) {
        let line = progress.line;
        if let Some(metrics) = &line.metrics {
            let said = format!("step {}/{}  {}", line.step, progress.max_steps, numbers(metrics, progress.timing));
            let said = format!("{said}  {} left", duration(progress.left));
            match &self.bar {
                Some(bar) => {
                    bar.set_position(line.step);
                    bar.set_message(said);
                }
                None if line.step == progress.max_steps || self.written.is_none_or(|last| last.elapsed() >= PAUSE) => {
                    self.written = Some(Instant::now());
                    self.line(&said);
                }
                None => {}
            }
        }
        self.warn(line);
        if let Some(evaluation) = &line.evaluation {
            self.line(&format!("step {}/{}  held out: {}", line.step, progress.max_steps, judged(evaluation)));
        }
    }

    /// Warns once when successive steps have nothing to learn from.
    fn warn(&mut self, line: &MetricsLine) {
        let Some(StepMetrics::Grpo(metrics)) = &line.metrics else { return };
        self.idle = if metrics.completions.groups_with_signal > 0.0 { 0 } else { self.idle + 1 };
        if self.idle == IDLE {
            let CompletionMetrics { truncated, abstentions, .. } = metrics.completions;
            self.line(&format!(
                "warning: in {IDLE} steps no group's completions differed in reward: nothing is learnt. {:.0}% have no verdict, {:.0}% are \
                 cut by grpo.max_completion_length",
                100.0 * abstentions,
                100.0 * truncated
            ));
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| writeln!(io::stderr(), "{text}").ok()),
            None => writeln!(io::stderr(), "{text}").ok(),
        };
    }
}

fn numbers(metrics: &StepMetrics, timing: &Timing) -> String {
    let update = format!("update {} tokens/s", rounded(timing.update_tokens_per_second as u64));
    match metrics {
        StepMetrics::Sft(SftMetrics { loss, entropy, grad_norm, .. }) => {
            format!("loss {loss:.4}  entropy {entropy:.3}  gradient {grad_norm:.3}  {update}")
        }
        StepMetrics::Grpo(GrpoMetrics { completions, kl, entropy, grad_norm, .. }) => {
            let kl = kl.map_or_else(String::new, |kl| format!("  KL {kl:.4}"));
            let rollout = timing.rollout_tokens_per_second.map_or(0, |rate| rate as u64);
            format!(
                "reward {:+.3}  accuracy {:.3}  first {:.2}  no verdict {:.2}  cut {:.2}{kl}  entropy {entropy:.3}  length {:.1} to {}  \
                 groups with signal {:.2}  gradient {grad_norm:.3}  rollout {} tokens/s  {update}",
                completions.reward,
                completions.accuracy,
                completions.first_verdicts,
                completions.abstentions,
                completions.truncated,
                completions.mean_length,
                completions.max_length,
                completions.groups_with_signal,
                rounded(rollout)
            )
        }
    }
}

fn judged(evaluation: &HeldOutEvaluation) -> String {
    let ways = [("greedy", &evaluation.greedy), ("sampled", &evaluation.sampled)];
    let ways = ways.into_iter().filter_map(|(way, measured)| measured.as_ref().map(|measured| (way, measured)));
    let said = ways.map(|(way, measured)| {
        let score = &measured.accuracy;
        let interval = score.low.zip(score.high).map_or_else(String::new, |(low, high)| format!(" [{low:.3}, {high:.3}]"));
        format!("{way} accuracy {:.3}{interval}, {:.1} tokens", score.value, measured.mean_completion_tokens)
    });
    said.collect::<Vec<_>>().join("; ")
}

/// Formats a duration, such as `2 h 05 min`, `3 min 20 s` or `7 s`.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_readable() {
        let of = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!([7, 200, 7_505].map(of), ["7 s", "3 min 20 s", "2 h 05 min"]);
    }
}
