//! A kind of data, a split and a seed -> rows for training and evaluating a judge of word problems, or the folder that training starts from.
#![expect(clippy::print_stderr, reason = "says what it wrote")]

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use rrm_tiny::{
    folder::DecoderSize,
    generate::Split,
    story::{
        MOST_STEPS,
        draw::{Range, StorySource},
        rows::{Rows, StoryRow},
        thought::Noise,
        vocabulary,
    },
};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Pairs: prompt, chosen, rejected.
    Pairs(Which),
    /// Problems with their right answers.
    Problems(Which),
    /// What a judge writes about pairs: prompt, completion.
    Judge {
        #[command(flatten)]
        which: Which,
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
    /// Problems with two answers whose numbers are as often wrong as right, checked to the end: prompt, completion.
    Check(Which),
    /// Problems and their calculations: prompt, completion.
    Work(Which),
    /// Calculations alone, and what they come to: prompt, completion.
    Facts(Which),
    /// Sentences without sense, and themselves: prompt, completion.
    Quote(Which),
    /// Problems and answers to them: prompt, completion.
    Solver {
        #[command(flatten)]
        which: Which,
        /// Share of answers that are wrong.
        #[arg(long, default_value_t = 0.0)]
        wrong: f64,
    },
    /// Verdicts without thinking: prompt, completion.
    Direct(Which),
    /// The folder of a model without weights.
    Folder {
        #[arg(long, default_value_t = 128)]
        hidden: usize,
        #[arg(long, default_value_t = 3)]
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
struct Which {
    #[arg(long, value_enum, default_value_t = SplitName::Train)]
    split: SplitName,
    #[arg(long, value_enum, default_value_t = RangeName::Known)]
    range: RangeName,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Fewest and most steps, such as 2-4.
    #[arg(long, default_value = "2-4", value_parser = steps)]
    steps: (usize, usize),
    #[arg(long)]
    count: u64,
    /// Swap the labels of this share of the pairs: for leak checks.
    #[arg(long, default_value_t = 0.0)]
    shuffled: f64,
    #[arg(long)]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum SplitName {
    Train,
    Validation,
    Test,
}

#[derive(Clone, Copy, ValueEnum)]
enum RangeName {
    Known,
    HeldOutFamily,
    HeldOutNumbers,
}

fn steps(text: &str) -> Result<(usize, usize), String> {
    let expected = || format!("expected two numbers from 1 to {MOST_STEPS}, such as 2-4");
    let (a, b) = text.split_once('-').ok_or_else(expected)?;
    let (a, b): (usize, usize) = a.parse().ok().zip(b.parse().ok()).ok_or_else(expected)?;
    if 1 <= a && a <= b && b <= MOST_STEPS { Ok((a, b)) } else { Err(expected()) }
}

impl Which {
    fn rows(&self) -> Result<Rows> {
        let split = match self.split {
            SplitName::Train => Split::Train,
            SplitName::Validation => Split::Validation,
            SplitName::Test => Split::Test,
        };
        let range = match self.range {
            RangeName::Known => Range::Known,
            RangeName::HeldOutFamily => Range::HeldOutFamily,
            RangeName::HeldOutNumbers => Range::HeldOutNumbers,
        };
        Ok(Rows::new(StorySource { seed: self.seed, split, range, steps: self.steps })?)
    }

    fn write(&self, kind: StoryRow) -> Result<()> {
        let rows = self.rows()?;
        create(&self.out, |file| (0..self.count).try_for_each(|index| Ok(writeln!(file, "{}", rows.row(kind, index)?)?)))?;
        eprintln!("{}: {} rows", self.out.display(), self.count);
        Ok(())
    }
}

fn main() -> Result<()> {
    match Cli::parse().what {
        What::Pairs(which) => which.write(StoryRow::Pair { shuffled: which.shuffled }),
        What::Problems(which) => which.write(StoryRow::Problem),
        What::Judge { which, guess, stop_early, slip } => which.write(StoryRow::Judge(Noise { guess, stop_early, slip })),
        What::Check(which) => which.write(StoryRow::Check),
        What::Work(which) => which.write(StoryRow::Work),
        What::Facts(which) => which.write(StoryRow::Facts),
        What::Quote(which) => which.write(StoryRow::Quote),
        What::Solver { which, wrong } => which.write(StoryRow::Solver { wrong }),
        What::Direct(which) => which.write(StoryRow::Direct),
        What::Folder { hidden, layers, heads, inner, out } => {
            ensure!(
                heads > 0 && heads % 2 == 0 && hidden % (2 * heads) == 0,
                "heads must be even, and hidden a multiple of 2 x heads"
            );
            fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
            for (name, content) in vocabulary::files(DecoderSize { hidden, layers, heads, inner })? {
                create(&out.join(name), |file| Ok(serde_json::to_writer_pretty(file, &content)?))?;
            }
            eprintln!("{}", out.display());
            Ok(())
        }
    }
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
