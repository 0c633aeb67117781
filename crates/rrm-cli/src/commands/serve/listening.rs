//! A listener and a server -> connections on a separate thread, limited by the file descriptors of the process, until the process is told to stop.

use std::{io, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use anyhow::Context;
use rrm_server::{AppState, connections, settings::connections_for};
use tokio::{net::TcpListener, runtime, sync::oneshot};

use crate::{failure::ensure, output::note, run};

/// File descriptors for everything except clients' connections: the store, the listener, the runtime.
const OTHERS: u64 = 64;

/// The number of connections that are possible.
pub(super) struct Room {
    /// The most connections.
    pub connections: usize,
    /// A note for the user if the system allows fewer connections than needed.
    pub note: Option<String>,
}

/// Determines the number of connections that the file descriptors allow besides `calls` connections to judges: the requested number, or enough for
/// all requests that may wait. Raises the limit of the process if the system allows it.
///
/// # Errors
/// When fewer connections are possible than were requested.
pub(super) fn room(asked: Option<NonZeroUsize>, max_waiting: usize, calls: usize) -> anyhow::Result<Room> {
    let wanted = asked.map_or_else(|| connections_for(max_waiting), NonZeroUsize::get);
    let kept = OTHERS.saturating_add(calls as u64);
    let files = open_files((wanted as u64).saturating_add(kept));
    // A limit that is too small for both is shared equally.
    let possible = files.saturating_sub(kept).max(files / 2).try_into().unwrap_or(usize::MAX);
    if wanted <= possible {
        return Ok(Room { connections: wanted, note: None });
    }
    let limit = format!("the system lets this process open {files} files, of which {possible} may be connections (ulimit -n)");
    ensure!(asked.is_none(), "--max-connections {wanted}: {limit}");
    Ok(Room { connections: possible, note: Some(limit) })
}

/// Returns the number of files that this process may open, raised to `wanted` if that is allowed.
#[cfg(unix)]
fn open_files(wanted: u64) -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(now) = current.filter(|now| *now < wanted) else { return current.unwrap_or(u64::MAX) };
    let raised = maximum.map_or(wanted, |most| most.min(wanted)).max(now);
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        Ok(()) => raised,
        Err(_) => now,
    }
}

/// Without a known limit, only the number of connections counts.
#[cfg(not(unix))]
fn open_files(_wanted: u64) -> u64 {
    u64::MAX
}

/// Serves until the process is told to stop, and up to `drain` longer for groups that are being judged. Connections have a thread of their own, so
/// that they are answered while rankings are computed.
pub(super) async fn serve(listener: TcpListener, server: Arc<AppState>, drain: Duration) -> anyhow::Result<()> {
    let listener = listener.into_std().context("cannot listen on another thread")?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("no runtime for connections")?;
    let (tell, told) = oneshot::channel();
    let (end, mut ended) = oneshot::channel::<io::Result<()>>();
    let served = server.clone();
    let connections = move || {
        let serving = async {
            let ending = async {
                told.await.ok();
            };
            connections::serve(TcpListener::from_std(listener)?, served, ending).await;
            Ok(())
        };
        end.send(runtime.block_on(serving)).ok();
    };
    thread::Builder::new().name("connections".to_owned()).spawn(connections).context("no thread for connections")?;
    let over = "the thread of the connections ended";
    tokio::select! {
        done = &mut ended => return done.context(over)?.context("cannot listen"),
        () = run::stopped() => {}
    }
    server.groups.close();
    tell.send(()).ok();
    tokio::select! {
        done = ended => done.context(over)?.context("cannot listen"),
        () = tokio::time::sleep(drain) => {
            note("--drain passed while groups were being judged; what was answered is in the store");
            Ok(())
        }
    }
}
