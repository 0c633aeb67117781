//! `RRM_LOG` -> what the library and the server tell while they work, on stderr.

use std::{env, io};

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::failure::{Failure, usage};

/// Names the variable.
pub const VARIABLE: &str = "RRM_LOG";

/// Starts to log what `RRM_LOG` asks for: a level (`info`), or levels of parts (`rrm_server=info,rrm=debug`). Without it nothing is logged.
///
/// # Errors
/// When the variable holds anything else.
pub fn start() -> Result<(), Failure> {
    let Some(asked) = env::var(VARIABLE).ok().filter(|asked| !asked.is_empty()) else { return Ok(()) };
    // A word alone would be taken for a part of the program, of which everything is logged: nothing, where there is no such part.
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
