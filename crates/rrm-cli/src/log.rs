//! `RRM_LOG` -> the log of the library and the server on stderr.

use std::{env, io};

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::failure::{Failure, usage};

/// The name of the variable.
pub const VARIABLE: &str = "RRM_LOG";

/// Starts the log as `RRM_LOG` requests: a level (`info`), or levels of parts (`rrm_server=info,rrm=debug`). Without the variable nothing is logged.
///
/// # Errors
/// When the variable has any other value.
pub fn start() -> Result<(), Failure> {
    let Some(asked) = env::var(VARIABLE).ok().filter(|asked| !asked.is_empty()) else { return Ok(()) };
    // A single word would be taken for a part of the program to log entirely, which logs nothing if there is no such part.
    let known = |part: &str| part.contains('=') || part.starts_with("rrm") || part.parse::<LevelFilter>().is_ok();
    if let Some(word) = asked.split(',').map(str::trim).find(|part| !known(part)) {
        let levels = "error, warn, info, debug, trace or off, or levels of parts, such as rrm_server=info,rrm=debug";
        return Err(usage(format!("{VARIABLE}={asked}: `{word}` is no level; expected {levels}")).into());
    }
    let targets: Targets = asked.parse().map_err(|error| {
        usage(format!("{VARIABLE}={asked}: {error}; expected a level, such as info, or rrm_server=info,rrm=debug"))
    })?;
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false).with_filter(targets);
    tracing_subscriber::registry().with(lines).init();
    Ok(())
}
