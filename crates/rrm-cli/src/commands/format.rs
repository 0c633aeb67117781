//! `rrm format`: lists, shows and checks judge formats, and shows what a judge would be asked.

use std::{path::PathBuf, process::ExitCode};

use clap::Subcommand;
use rrm::{
    chat::Role,
    dataset::{self, ReadOptions},
    format::{Format, FormatFile, SHIPPED},
    ranking::rank,
    run,
    verdict::VerdictPattern,
};

use crate::{
    engines,
    failure::Failure,
    lines::harmless,
    options::{ColumnArgs, word},
    output::{self, note, print},
};

/// Arguments of `rrm format`.
#[derive(clap::Args)]
pub struct FormatCommandArgs {
    #[command(subcommand)]
    command: FormatCommand,
}

#[derive(Subcommand)]
enum FormatCommand {
    /// List the shipped formats.
    List,
    /// Print the file of a format, to copy and edit.
    Show {
        /// A shipped format, or a file.
        format: String,
    },
    /// Check a format: its file, its templates, and that it shows both responses of short, long and other rows.
    Check {
        /// A shipped format, or a file.
        format: String,
    },
    /// Print what a judge would be asked about one row.
    Preview {
        /// A shipped format, or a file.
        format: String,
        /// Rows: JSONL, JSON, CSV, TSV or Parquet, also gzipped; `-` reads from stdin.
        input: PathBuf,
        /// The row's id; the first row if left out.
        id: Option<String>,
        #[command(flatten)]
        columns: ColumnArgs,
    },
}

/// Runs one of the subcommands.
pub fn run(args: FormatCommandArgs) -> Result<ExitCode, Failure> {
    let text = match args.command {
        FormatCommand::List => list()?,
        FormatCommand::Show { format } => match SHIPPED.iter().find(|(name, _)| *name == format) {
            Some((_, text)) => (*text).to_owned(),
            None => {
                engines::format(Some(&format))?;
                std::fs::read_to_string(&format).map_err(Failure::user)?
            }
        },
        FormatCommand::Check { format } => {
            let format = engines::format(Some(&format))?;
            format.shows_all_kinds()?;
            if format.file.compares {
                unnamed(&format).iter().for_each(|sentence| note(sentence));
            }
            checked(&format)
        }
        FormatCommand::Preview { format, input, id, columns } => preview(&engines::format(Some(&format))?, &input, id, &columns)?,
    };
    print(&harmless(&text))?;
    Ok(ExitCode::SUCCESS)
}

fn list() -> Result<String, Failure> {
    let mut out = String::new();
    for (name, text) in SHIPPED {
        let first = text.lines().next().unwrap_or_default().trim_start_matches("# ");
        let file = Format::shipped(name)?.file;
        let thinks = if file.thinking.is_some() { "thinks" } else { "does not think" };
        out += &format!("{name:<12} {first}\n{:<12} verdict {}; {thinks}\n", "", verdict(&file));
    }
    Ok(out)
}

/// Returns the texts that state a verdict: for the first response, for the second, and for a tie if the format has one.
fn verdict(file: &FormatFile) -> String {
    let VerdictPattern { wrap, first, second, tie, .. } = &file.verdict;
    let stated = |labels: &[String]| labels.first().map(|label| format!("`{}`", wrap.replacen("LABEL", label, 1)));
    [&first[..], &second[..], &tie[..]].into_iter().filter_map(stated).collect::<Vec<_>>().join(", ")
}

fn checked(format: &Format) -> String {
    let file = &format.file;
    let shows = if file.compares { "both responses are shown" } else { "not for comparisons (compares = false)" };
    let mut out = format!("format {}: {} messages, {shows}\n", file.name, file.messages.len());
    out += &format!("verdict: {}\n", verdict(file));
    out += match file.thinking {
        Some(_) => "thinking: expected\n",
        None => "thinking: not expected\n",
    };
    out += match file.elicit {
        Some(_) => "thinking budgets (--max-thinking-tokens): possible\n",
        None => "thinking budgets (--max-thinking-tokens): not possible, there is no [elicit] section\n",
    };
    // Two formats of one name are told apart by this in stores and results.
    out += &format!("hash: {}\n", &format.hash[..16]);
    out
}

/// Returns notes on labels that no message names: a judge that is not told them states no verdict that is read.
fn unnamed(format: &Format) -> Vec<String> {
    let file = &format.file;
    let said = |label: &String| {
        let stated = file.verdict.wrap.replacen("LABEL", label, 1);
        let whole = |text: &str| {
            let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            text.match_indices(label.as_str())
                .any(|(at, _)| apart(text[..at].chars().next_back()) && apart(text[at + label.len()..].chars().next()))
        };
        file.messages.iter().any(|message| message.content.contains(&stated) || whole(&message.content))
    };
    let pattern = &file.verdict;
    let sides = [("first", &pattern.first), ("second", &pattern.second), ("tie", &pattern.tie)];
    let unsaid = sides.into_iter().filter(|(_, labels)| !labels.is_empty() && !labels.iter().any(said));
    unsaid
        .map(|(side, labels)| {
            format!(
                "no message names a label of verdict.{side} (such as `{}`); a judge that is not told it will hardly state it",
                labels[0]
            )
        })
        .collect()
}

fn preview(format: &Format, input: &std::path::Path, id: Option<String>, columns: &ColumnArgs) -> Result<String, Failure> {
    let columns = columns.names()?;
    let name = if input.as_os_str() == "-" { "standard input".to_owned() } else { input.display().to_string() };
    let copy = output::spooled(input)?;
    let options = ReadOptions { at_least: 2, columns, name: Some(name.clone()), ..ReadOptions::default() };
    for item in dataset::read(copy.path(), &options)? {
        let item = item?;
        if id.as_ref().is_some_and(|id| *id != item.id) {
            continue;
        }
        let (judged, _) = run::judged(&item, &format.markup);
        let messages = format.messages(&rank::comparison(&judged, 0, 1));
        let messages =
            messages.map_err(|error| Failure::user(anyhow::anyhow!("{name} row {} ({}): {error}", item.row, item.id)))?;
        let shown = messages.iter().map(|message| format!("--- {}\n{}\n", role(message.role), message.content.trim_end()));
        return Ok(format!("row {} ({}): response [0] first, [1] second\n{}", item.row, item.id, shown.collect::<String>()));
    }
    Err(Failure::user(match id {
        Some(id) => anyhow::anyhow!("{name}: no row has the id '{id}'"),
        None => anyhow::anyhow!("{name}: there are no rows"),
    }))
}

fn role(role: Role) -> String {
    word(role)
}
