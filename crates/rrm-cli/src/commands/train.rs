//! `rrm train`: a configuration -> a run folder, with progress on stderr.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context;
use rrm::format::SHIPPED;
use rrm_nn::train::{
    TrainRunError,
    config::{TrainConfig, TrainConfigError},
    forecast::{Forecast, forecast},
    run_folder::BestCheckpoint,
    train,
};

use crate::{
    failure::Failure,
    numbers::{grouped, rounded, size},
    output::{note, print},
    training::View,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct TrainArgs {
    /// The run's configuration, in TOML; docs/training.md describes it.
    config: PathBuf,
    /// Put a value over the file's own, such as optimizer.max_steps=100; can be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the whole configuration, with sizes, tokens and memory, and train nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Trains, continuing an existing run if there is one.
pub fn run(args: &TrainArgs) -> Result<ExitCode, Failure> {
    let file = args.config.display().to_string();
    let text = fs::read_to_string(&args.config).with_context(|| file.clone())?;
    let config = TrainConfig::parse(&file, &text, &args.set).map_err(|error| failed(error.into()))?;
    if args.dry_run {
        let forecast = forecast(&config).map_err(failed)?;
        let notes = forecast.data.iter().flat_map(|file| file.notes.iter().map(|said| format!("{}: {said}", file.path)));
        notes.for_each(|said| note(&said));
        print(&format!("{}\n{}", config.to_toml()?, about(&forecast)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut view = View::new();
    let trained = train(&config, &mut |event| view.show(event));
    view.done();
    let trained = trained.map_err(failed)?;
    note(&format!("the last checkpoint is {}", trained.last.display()));
    match trained.best {
        Some(BestCheckpoint { step: 0, accuracy }) => {
            note(&format!(
                "no checkpoint judges held-out pairs better than the model that the run began with, whose accuracy is {accuracy:.3}"
            ));
        }
        Some(BestCheckpoint { step, accuracy }) => {
            note(&format!("step {step} judges held-out pairs best, with an accuracy of {accuracy:.3}"))
        }
        None => {}
    }
    if let Some(merged) = trained.merged {
        note(&format!("the model with its last adapters merged in is {}", merged.display()));
    }
    if let Some(merged) = trained.merged_best {
        note(&format!("the model with its best adapters merged in is {}", merged.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the forecast of a run, as comments below its configuration.
fn about(forecast: &Forecast) -> String {
    let Forecast { parameters, trained, data, rows_a_step, tokens_a_step, steps, memory } = forecast;
    let mut out =
        format!("# parameters      {} ({}), {} of them trained\n", grouped(*parameters), rounded(*parameters), grouped(*trained));
    for file in data {
        out += &format!("# {}: {} rows, {}\n", file.path, grouped(file.rows as u64), file.left_out());
    }
    out += &format!("# a step          {} completions, at most {} tokens\n", grouped(*rows_a_step), grouped(*tokens_a_step));
    let all = tokens_a_step.saturating_mul(*steps);
    out += &format!("# the run         {} steps, at most {} tokens\n", grouped(*steps), rounded(all));
    out += &format!(
        "# memory          about {}: {} for weights and moments, and in turns {} for a pass and {} for rollouts\n",
        size(memory.most()),
        size(memory.weights),
        size(memory.activations),
        size(memory.rollouts)
    );
    out
}

/// Makes the failure of a training error, with a hint.
fn failed(error: TrainRunError) -> Failure {
    let hint = match &error {
        TrainRunError::Config(TrainConfigError::Set { .. }) => "--set takes the keys of the configuration, with their sections",
        TrainRunError::Config(_) => "docs/training.md describes every key; `rrm train CONFIG --dry-run` shows what they come to",
        TrainRunError::NoFormat { .. } => {
            let shipped: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
            return Failure::user(error).with_hint(format!("shipped formats: {}", shipped.join(", ")));
        }
        TrainRunError::Changed { .. } => "take the run's own configuration (config.toml in its folder), or name another `output`",
        TrainRunError::OtherInputs { .. } => "bring them back, or name another folder as `output`",
        TrainRunError::NoRun { .. } => "name another folder as `output`",
        TrainRunError::InUse { .. } => "wait for it, or name another folder as `output`",
        TrainRunError::Diverged { .. } => {
            "lower optimizer.learning_rate or optimizer.max_grad_norm and begin another run from that checkpoint"
        }
        TrainRunError::Damaged { .. } => {
            "remove the newest step-* folder to go on from the one before, or begin again in another folder"
        }
        _ => return Failure::user(error),
    };
    Failure::user(error).with_hint(hint)
}
