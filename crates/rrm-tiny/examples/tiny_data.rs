//! A kind of data, a split and a seed -> rows for training and evaluating the judge of this domain, or the folder that training starts from.
//!
//! `cargo run --release -p rrm-tiny --example tiny_data -- pairs --split test --steps 6-6 --count 500 --out test-n6.jsonl`
#![expect(clippy::print_stderr, reason = "says what it wrote")]

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use rrm::{
    comparison::{Comparison, Prompt},
    format::Format,
};
use rrm_tiny::{
    folder::{self, DecoderSize},
    formats,
    generate::{ProblemPair, ProblemSource, Split},
    problem::MOST_STEPS,
    trace::{self, JudgeNoise, SolverNoise},
};
use serde_json::{Value, json};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Pairs: prompt, chosen, rejected.
    Pairs(Rows),
    /// Problems with their right answers.
    Problems(Rows),
    /// What a judge writes about pairs: prompt, completion.
    Judge {
        #[command(flatten)]
        rows: Rows,
        /// Share that guesses without thinking.
        #[arg(long, default_value_t = 0.0)]
        guess: f64,
        /// Share that stops early and guesses.
        #[arg(long, default_value_t = 0.0)]
        stop_early: f64,
        /// Share of steps that are worked wrongly.
        #[arg(long, default_value_t = 0.0)]
        slip: f64,
    },
    /// Only the totals where two answers part, and the verdict: prompt, completion.
    Comparisons(Rows),
    /// Problems worked with two answers beside them that have nothing to do with them, and what these say of each step: prompt, completion.
    Readings(Rows),
    /// What a solver writes about problems: prompt, completion.
    Solver {
        #[command(flatten)]
        rows: Rows,
        /// Share of carries that are forgotten.
        #[arg(long, default_value_t = 0.0)]
        forgotten_carry: f64,
        /// Share of steps that are off.
        #[arg(long, default_value_t = 0.0)]
        slip: f64,
    },
    /// Verdicts without thinking: prompt, completion.
    Direct(Rows),
    /// The folder of a model without weights.
    Folder {
        #[arg(long, default_value_t = 128)]
        hidden: usize,
        #[arg(long, default_value_t = 2)]
        layers: usize,
        #[arg(long, default_value_t = 4)]
        heads: usize,
        #[arg(long, default_value_t = 256)]
        inner: usize,
        #[arg(long)]
        out: PathBuf,
    },
}

#[derive(Args)]
struct Rows {
    #[arg(long, value_enum, default_value_t = Name::Train)]
    split: Name,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Fewest and most steps, such as 3-8.
    #[arg(long, default_value = "3-8", value_parser = steps)]
    steps: (usize, usize),
    #[arg(long)]
    count: u64,
    /// Share of wrong answers that forget a carry, where there is one to forget.
    #[arg(long, default_value_t = 0.25)]
    wrong_by_carry: f64,
    /// Swap the labels of this share of the pairs: for leak checks.
    #[arg(long, default_value_t = 0.0)]
    shuffled: f64,
    #[arg(long)]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    Train,
    Validation,
    Test,
}

fn steps(text: &str) -> Result<(usize, usize), String> {
    let expected = || format!("expected two numbers from 1 to {MOST_STEPS}, such as 3-8");
    let (a, b) = text.split_once('-').ok_or_else(expected)?;
    let (a, b): (usize, usize) = a.parse().ok().zip(b.parse().ok()).ok_or_else(expected)?;
    if 1 <= a && a <= b && b <= MOST_STEPS { Ok((a, b)) } else { Err(expected()) }
}

impl Rows {
    fn source(&self) -> ProblemSource {
        let split = match self.split {
            Name::Train => Split::Train,
            Name::Validation => Split::Validation,
            Name::Test => Split::Test,
        };
        ProblemSource { seed: self.seed, split, steps: self.steps }
    }

    fn write(&self, row: impl Fn(&ProblemSource, u64) -> Result<Value>) -> Result<()> {
        let source = self.source();
        create(&self.out, |file| (0..self.count).try_for_each(|index| Ok(writeln!(file, "{}", row(&source, index)?)?)))?;
        eprintln!("{}: {} rows", self.out.display(), self.count);
        Ok(())
    }
}

fn main() -> Result<()> {
    match Cli::parse().what {
        What::Pairs(rows) => rows.write(|source, index| {
            let ProblemPair { problem, right, wrong } = source.pair(index, rows.wrong_by_carry);
            let (mut chosen, mut rejected) = (problem.answer(&right), problem.answer(&wrong));
            if source.numbers(index, "shuffled").f64() < rows.shuffled {
                std::mem::swap(&mut chosen, &mut rejected);
            }
            let id = format!("{}-s{}-n{}-{index}", source.split.name(), source.seed, problem.steps.len());
            Ok(json!({"id": id, "prompt": problem.to_string(), "chosen": chosen, "rejected": rejected, "steps": problem.steps.len()}))
        }),
        What::Problems(rows) => rows.write(|source, index| {
            let problem = source.problem(index);
            let id = format!("problem-s{}-n{}-{index}", source.seed, problem.steps.len());
            let answer = problem.answer(&problem.totals());
            Ok(json!({"id": id, "prompt": problem.to_string(), "answer": answer, "steps": problem.steps.len()}))
        }),
        What::Judge { rows, guess, stop_early, slip } => {
            let format = Format::parse("tiny", formats::JUDGE)?;
            let noise = JudgeNoise { guess, stop_early, slip };
            rows.write(|source, index| {
                let pair = source.pair(index, rows.wrong_by_carry);
                let (answers, _) = trace::order(&pair, &mut source.numbers(index, "order"));
                let completion = trace::judge(&pair.problem, answers, noise, &mut source.numbers(index, "trace"));
                Ok(json!({"prompt": prompt(&format, &pair, answers)?, "completion": completion}))
            })
        }
        What::Comparisons(rows) => rows.write(|source, index| {
            let pair = source.pair(index, rows.wrong_by_carry);
            let (answers, _) = trace::order(&pair, &mut source.numbers(index, "order"));
            let (prompt, completion) = trace::comparison(&pair, answers);
            Ok(json!({"prompt": prompt, "completion": completion}))
        }),
        What::Readings(rows) => {
            let format = Format::parse("tiny", formats::JUDGE)?;
            rows.write(|source, index| {
                let problem = source.problem(index);
                let mut random = source.numbers(index, "answers");
                let mut totals = || problem.steps.iter().map(|_| random.below(100) as u8).collect::<Vec<_>>();
                let (right, wrong) = (totals(), totals());
                let completion = trace::reading(&problem, (&right, &wrong));
                let pair = ProblemPair { problem, right, wrong };
                let asked = prompt(&format, &pair, (&pair.right, &pair.wrong))?;
                // It solves, as the S says, and is not asked to judge: traces that judge stop where answers differ.
                let asked = asked.strip_suffix('T').context("a judge's prompt ends with T")?;
                Ok(json!({"prompt": format!("{asked}S"), "completion": completion}))
            })
        }
        What::Direct(rows) => {
            let format = Format::parse("tiny-direct", formats::DIRECT)?;
            rows.write(|source, index| {
                let pair = source.pair(index, rows.wrong_by_carry);
                let (answers, second) = trace::order(&pair, &mut source.numbers(index, "order"));
                Ok(json!({"prompt": prompt(&format, &pair, answers)?, "completion": trace::verdict(second)}))
            })
        }
        What::Solver { rows, forgotten_carry, slip } => {
            let format = Format::parse("tiny-solver", formats::SOLVER)?;
            let noise = SolverNoise { forgotten_carry, slip };
            rows.write(|source, index| {
                let problem = source.problem(index);
                let completion = trace::solver(&problem, noise, &mut source.numbers(index, "solver"));
                let pair = ProblemPair { problem, right: Vec::new(), wrong: Vec::new() };
                Ok(json!({"prompt": prompt(&format, &pair, (&[], &[]))?, "completion": completion}))
            })
        }
        What::Folder { hidden, layers, heads, inner, out } => {
            ensure!(heads > 0 && heads % 2 == 0 && hidden % (2 * heads) == 0, "heads must be even, and hidden a multiple of 2 x heads");
            fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
            for (name, content) in folder::files(DecoderSize { hidden, layers, heads, inner }) {
                create(&out.join(name), |file| Ok(serde_json::to_writer_pretty(file, &content)?))?;
            }
            eprintln!("{}", out.display());
            Ok(())
        }
    }
}

/// What the model reads.
fn prompt(format: &Format, pair: &ProblemPair, (first, second): (&[u8], &[u8])) -> Result<String> {
    let text = |totals: &[u8]| pair.problem.answer(totals).into();
    let prompt = Prompt::text(pair.problem.to_string()).into();
    let comparison = Comparison { prompt, first: text(first), second: text(second), label: None };
    Ok(format.messages(&comparison)?.swap_remove(0).content)
}

/// Writes a file aside and renames it, so that it is whole where it is there.
fn create(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let named = || path.display().to_string();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(named)?;
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".part");
    let mut file = BufWriter::new(File::create(&aside).with_context(named)?);
    write(&mut file)?;
    file.into_inner().context("cannot write")?.sync_all()?;
    fs::rename(&aside, path).with_context(named)
}
