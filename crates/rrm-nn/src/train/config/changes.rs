//! Two configurations of one run -> the keys that differ, and which of them a run may go on with.

use toml::{Table, Value};

use super::TrainConfig;

/// A key whose value differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key with its section, such as `grpo.beta`.
    pub key: String,
    /// What the run began with; `None` where the key was absent.
    pub was: Option<String>,
    /// What it is now.
    pub is: Option<String>,
    /// Whether the steps that were taken are what they would have been.
    pub harmless: bool,
}

/// Keys that change no number of any step.
const HARMLESS: [&str; 5] = ["output", "threads", "checkpoint.save_steps", "checkpoint.save_total_limit", "optimizer.max_steps"];

/// Every key whose value differs, in the order of the sections.
///
/// A run may go on with more steps only where no earlier step would have been another: where the learning rate does not depend on them.
///
/// # Errors
/// When a path is not UTF-8.
pub fn changes(was: &TrainConfig, is: &TrainConfig) -> Result<Vec<Change>, toml::ser::Error> {
    let mut found = Vec::new();
    compare("", &Table::try_from(was)?, &Table::try_from(is)?, &mut found);
    let longer = is.optimizer.max_steps > was.optimizer.max_steps && !is.optimizer.lr_scheduler_type.needs_max_steps();
    for change in &mut found {
        change.harmless = HARMLESS.contains(&change.key.as_str()) && (longer || change.key != "optimizer.max_steps");
    }
    Ok(found)
}

fn compare(section: &str, was: &Table, is: &Table, found: &mut Vec<Change>) {
    let keys = was.keys().chain(is.keys().filter(|key| !was.contains_key(*key)));
    for key in keys {
        let path = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        match (was.get(key), is.get(key)) {
            (Some(Value::Table(was)), Some(Value::Table(is))) => compare(&path, was, is, found),
            (was, is) if was != is => {
                let text = |value: Option<&Value>| value.map(Value::to_string);
                found.push(Change { key: path, was: text(was), is: text(is), harmless: false });
            }
            _ => {}
        }
    }
}
