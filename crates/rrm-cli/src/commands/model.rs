//! `rrm model`: inspects model files, and converts folders of weights to GGUF files.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Subcommand, ValueEnum};
use rrm_nn::{
    gguf_export::{self, MatrixType},
    inspect::{self, ModelReport},
};

use crate::{
    failure::Failure,
    lines::harmless,
    numbers::{grouped, rounded, size},
    output::print,
};

/// What the command takes.
#[derive(clap::Args)]
pub struct ModelCommandArgs {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Subcommand)]
enum ModelCommand {
    /// Say what a model is, what it takes in memory, and whether rrm runs it.
    Inspect {
        /// A Hugging Face folder, or a GGUF file.
        path: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Turn a Hugging Face folder (Llama, Qwen2, Qwen3) into a GGUF file for llama.cpp.
    Convert {
        /// The folder: config.json, safetensors, tokenizer.json.
        folder: PathBuf,
        /// The file to write; a GGUF file that is there already is replaced.
        out: PathBuf,
        /// How matrices are written; norms and biases are f32.
        #[arg(long = "type", value_name = "TYPE", default_value = "f16")]
        matrices: Type,
    },
}

/// Types of matrices.
#[derive(Clone, Copy, ValueEnum)]
enum Type {
    /// Four bytes a weight.
    F32,
    /// Two bytes a weight.
    F16,
    /// 34 bytes for 32 weights.
    #[value(name = "q8_0")]
    Q8_0,
}

/// Runs one of the subcommands.
pub fn run(args: ModelCommandArgs) -> Result<ExitCode, Failure> {
    match args.command {
        ModelCommand::Inspect { path, json } => {
            let mut report = inspect::inspect(&path)?;
            // This build may lack the engine for GGUF files.
            if report.format == "gguf" && report.engine.is_some() && cfg!(not(feature = "gguf")) {
                report.engine = None;
                report.problem = Some("this rrm was built without the feature `gguf`".to_owned());
            }
            let json = json.then(|| serde_json::to_string_pretty(&report)).transpose()?;
            print(&json.map_or_else(|| harmless(&view(&path, &report)), |json| json + "\n"))?;
        }
        ModelCommand::Convert { folder, out, matrices } => {
            let matrices = match matrices {
                Type::F32 => MatrixType::F32,
                Type::F16 => MatrixType::F16,
                Type::Q8_0 => MatrixType::Q8_0,
            };
            let exported = gguf_export::convert(&folder, &out, matrices)?;
            print(&format!("{}: {} tensors, {}\n", out.display(), exported.tensors, size(exported.bytes)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a line for each known property.
fn view(path: &Path, report: &ModelReport) -> String {
    let architecture = report.architecture.as_deref().unwrap_or("of no named architecture");
    let mut out = format!("{}: {architecture}, {}\n", path.display(), report.format);
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            out += &format!("  {name:<14} {value}\n");
        }
    };
    line("parameters", Some(format!("{} ({})", grouped(report.parameters), rounded(report.parameters))));
    line("layers", report.layers.map(grouped));
    let kv_heads = report.kv_heads.filter(|kv_heads| report.heads != Some(*kv_heads));
    let shared = kv_heads.map_or_else(String::new, |kv_heads| format!(", {} of keys and values", grouped(kv_heads)));
    line("heads", report.heads.map(|heads| grouped(heads) + &shared));
    line("width", report.width.map(grouped));
    line("context", report.context.map(|tokens| format!("{} tokens", grouped(tokens))));
    line("vocabulary", report.vocabulary.map(|tokens| format!("{} tokens", grouped(tokens))));
    line("stored as", Some(stored(report)));
    line("on disk", Some(size(report.file_bytes)));
    let memory = report.memory;
    let memory = format!("{} as f32, {} as bf16, {} as int8", size(memory.f32), size(memory.bf16), size(memory.int8));
    line("in memory", Some(memory));
    line("chat template", Some(if report.chat_template { "yes" } else { "no" }.to_owned()));
    line("runs as", report.engine.clone());
    line("does not run", report.problem.clone());
    out
}

/// Returns the stored types, the most frequent first.
fn stored(report: &ModelReport) -> String {
    let mut types: Vec<(&String, &u64)> = report.stored.iter().collect();
    types.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    match types.as_slice() {
        [] => "nothing".to_owned(),
        [(name, _)] => (*name).clone(),
        several => several.iter().map(|(name, count)| format!("{name} ({})", rounded(**count))).collect::<Vec<_>>().join(", "),
    }
}
