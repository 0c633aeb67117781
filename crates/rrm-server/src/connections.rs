//! Connections -> requests to the routes: how many there may be, how long one may be idle, and how all of them end.
//!
//! A connection is idle while no request of it is answered. Whoever comes when there are as many as may be takes the place of the one on which
//! nothing moved for longest; one whose request is answered is never closed for another. So connections that send nothing, however many,
//! keep nobody out.

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

/// The wait after a connection could not be accepted and no idle one could be closed.
const PAUSE: Duration = Duration::from_millis(50);

/// What is kept of a request before it is read, at most: memory follows from the number of connections.
const MOST_BUFFERED: usize = 64 << 10;

/// Serves all routes until `ending` is done, and then until every request that came before is answered.
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
                    // Where requests of all of them are answered, there is no room for another.
                    let closed = make_room(&open).await;
                    server.metrics.connections_closed.add(1);
                    if !closed {
                        continue;
                    }
                }
                tokio::spawn(connection(stream, app.clone(), open.enter(), idle, told.clone()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            // Most often there is no file descriptor left.
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

/// Closes the connection that was idle for longest, if there is an idle one; its task ends before the next one is accepted.
async fn make_room(open: &OpenConnections) -> bool {
    let closed = open.close_oldest();
    yield_now().await;
    closed
}

/// Whether only the connection that would have been accepted is broken.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

/// Answers the requests of one connection, one after the other.
async fn connection(stream: TcpStream, app: Router, place: ConnectionGuard, idle: Duration, mut told: watch::Receiver<()>) {
    // Small answers must not wait for more to come.
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
    // This is also the time for which a connection may be idle between two requests.
    http.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(MOST_BUFFERED);
    let mut served = pin!(http.serve_connection(io, service));
    loop {
        tokio::select! {
            biased;
            () = place.connection.told_to_close() => return,
            Ok(()) = told.changed() => served.as_mut().graceful_shutdown(),
            // What breaks a connection is its client's, and was told to it where that was possible.
            _ = served.as_mut() => return,
        }
    }
}
