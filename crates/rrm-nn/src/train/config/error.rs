//! Errors of training configurations: the file, the key, and what was expected.

/// The reason why a training configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrainConfigError {
    /// The text is not TOML of a training configuration.
    #[error("{file}: {}", problem.to_string().trim_end())]
    Toml {
        /// The file.
        file: String,
        /// The parser's error with its position.
        problem: Box<toml::de::Error>,
    },
    /// A value is invalid.
    #[error("{file}: `{key}` {what}")]
    Value {
        /// The file.
        file: String,
        /// The key, with its section.
        key: String,
        /// What is wrong with it and what is expected.
        what: String,
    },
    /// A `KEY=VALUE` override is invalid.
    #[error("{pair:?}: {what}")]
    Set {
        /// The override as given.
        pair: String,
        /// What is wrong with it.
        what: String,
    },
}
