//! Connections -> requests to the routes: the most connections, their idle time, and their end at shutdown.
//!
//! A connection is idle while none of its requests is being answered. If a new connection exceeds the limit, the idle connection without traffic for
//! the longest time is closed for it; a connection whose request is being answered is never closed for another. So connections that send nothing,
//! however many, keep no client out.

mod open;

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::yield_now,
    time::{interval, sleep},
};

use self::open::{ConnectionGuard, OpenConnections, WatchedStream};
use crate::{AppState, app};

/// The pause after a connection could not be accepted and no idle one could be closed.
const PAUSE: Duration = Duration::from_millis(50);

/// Most bytes that are buffered for a request before it is read: memory depends on the number of connections.
const MOST_BUFFERED: usize = 64 << 10;

/// Serves all routes until `ending` completes, and then until all requests that arrived before are answered.
pub async fn serve(listener: TcpListener, server: Arc<AppState>, ending: impl Future<Output = ()>) {
    let app = app::app(server.clone());
    let (most, idle) = (server.settings.max_connections.max(1), server.settings.idle_timeout);
    let open = Arc::new(OpenConnections::default());
    let (tell, told) = watch::channel(());
    let mut ending = pin!(ending);
    let mut look = interval((idle / 4).max(Duration::from_millis(1)));
    loop {
        let accepted = tokio::select! {
            () = &mut ending => break,
            _ = look.tick() => {
                open.close_idle(idle);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                if open.count() >= most {
                    // If all connections have requests in progress, there is no room for another.
                    let closed = make_room(&open).await;
                    server.metrics.connections_closed.add(1);
                    if !closed {
                        continue;
                    }
                }
                tokio::spawn(connection(stream, app.clone(), open.enter(), idle, told.clone()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            // The usual cause is that no file descriptor is left.
            Err(_) => match make_room(&open).await {
                true => server.metrics.connections_closed.add(1),
                false => sleep(PAUSE).await,
            },
        }
    }
    drop((listener, told));
    tell.send_replace(());
    tell.closed().await;
}

/// Closes the connection that was idle for longest. Its task ends before the next connection is accepted. Returns false if none is idle.
async fn make_room(open: &OpenConnections) -> bool {
    let closed = open.close_oldest();
    yield_now().await;
    closed
}

/// Whether an error of accepting concerns only that one connection.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Answers the requests of one connection, one after the other.
async fn connection(stream: TcpStream, app: Router, place: ConnectionGuard, idle: Duration, mut told: watch::Receiver<()>) {
    // Small answers are sent at once, without waiting for more data.
    stream.set_nodelay(true).ok();
    let app = TowerToHyperService::new(app);
    let calls = place.connection.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let call = calls.call();
        let answer = app.call(request);
        async move {
            let answer = answer.await;
            drop(call);
            answer
        }
    });
    let io = TokioIo::new(WatchedStream { stream, connection: place.connection.clone() });
    let mut http = http1::Builder::new();
    // This is also the longest time for which a connection may be idle between two requests.
    http.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(MOST_BUFFERED);
    let mut served = pin!(http.serve_connection(io, service));
    loop {
        tokio::select! {
            biased;
            () = place.connection.told_to_close() => return,
            Ok(()) = told.changed() => served.as_mut().graceful_shutdown(),
            // An error here is the client's, and was reported to it if possible.
            _ = served.as_mut() => return,
        }
    }
}
