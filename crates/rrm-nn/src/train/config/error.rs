//! Why a training configuration cannot be used: the file, the key, and what was expected.

/// The reason why a training configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrainConfigError {
    /// The text is not the TOML that a configuration is.
    #[error("{file}: {}", problem.to_string().trim_end())]
    Toml {
        /// The file.
        file: String,
        /// Where and why.
        problem: Box<toml::de::Error>,
    },
    /// A value that cannot be meant.
    #[error("{file}: `{key}` {what}")]
    Value {
        /// The file.
        file: String,
        /// The key, with its section.
        key: String,
        /// What is wrong with it and what is expected.
        what: String,
    },
    /// A `KEY=VALUE` that cannot be put over the file's own.
    #[error("{pair:?}: {what}")]
    Set {
        /// As it was given.
        pair: String,
        /// What is wrong with it.
        what: String,
    },
}
