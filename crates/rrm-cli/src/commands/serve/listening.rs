//! A listener and a server -> connections on a thread of their own, as many as the system has file descriptors for, until the system asks to
//! end.

use std::{io, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use anyhow::Context;
use rrm_server::{AppState, connections, settings::connections_for};
use tokio::{net::TcpListener, runtime, sync::oneshot};

use crate::{failure::ensure, output::note, run};

/// File descriptors for all that is no connection of a client: the store, the listener, the runtime.
const OTHERS: u64 = 64;

/// How many connections there may be.
pub(super) struct Room {
    /// Connections.
    pub connections: usize,
    /// What to tell where the system allows fewer than would be taken.
    pub note: Option<String>,
}

/// Connections that the system has file descriptors for, beside `calls` connections to whoever judges: those that were asked for, or as many as
/// leave room for all requests that may wait. Raises the process's own limit where the system lets it.
///
/// # Errors
/// Where fewer are possible than were asked for.
pub(super) fn room(asked: Option<NonZeroUsize>, max_waiting: usize, calls: usize) -> anyhow::Result<Room> {
    let wanted = asked.map_or_else(|| connections_for(max_waiting), NonZeroUsize::get);
    let kept = OTHERS.saturating_add(calls as u64);
    let files = open_files((wanted as u64).saturating_add(kept));
    // A limit that is too small for both is shared.
    let possible = files.saturating_sub(kept).max(files / 2).try_into().unwrap_or(usize::MAX);
    if wanted <= possible {
        return Ok(Room { connections: wanted, note: None });
    }
    let limit = format!("the system lets this process open {files} files, of which {possible} may be connections (ulimit -n)");
    ensure!(asked.is_none(), "--max-connections {wanted}: {limit}");
    Ok(Room { connections: possible, note: Some(limit) })
}

/// The files that this process may open, raised to `wanted` where that is allowed.
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

/// Where no limit is known, the number of connections is the limit.
#[cfg(not(unix))]
fn open_files(_wanted: u64) -> u64 {
    u64::MAX
}

/// Serves until the system asks to end, and `drain` longer for what is being judged. Connections have a thread of their own, so that they are
/// answered while rankings are computed.
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
