//! Two configurations of one run -> the keys that differ, and whether the run may continue with each change.

use toml::{Table, Value};

use super::TrainConfig;

/// A key whose value differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key with its section, such as `grpo.beta`.
    pub key: String,
    /// The value at the beginning of the run; `None` if the key was absent.
    pub was: Option<String>,
    /// The value now; `None` if the key is absent.
    pub is: Option<String>,
    /// Whether the steps so far would have been the same with the new value.
    pub harmless: bool,
}

/// Keys that do not affect any step.
const HARMLESS: [&str; 5] = ["output", "threads", "checkpoint.save_steps", "checkpoint.save_total_limit", "optimizer.max_steps"];

/// Returns all keys whose values differ, in the order of the sections.
///
/// More steps are harmless only if no earlier step would have been different: if the learning rate does not depend on their number.
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
