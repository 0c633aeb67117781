//! The open connections: their activity, the time of their last traffic, and which one is closed for another.

use std::{
    collections::HashMap,
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::Notify,
    time::Instant,
};

/// All open connections.
#[derive(Default)]
pub(super) struct OpenConnections(Mutex<ConnectionTable>);

/// The open connections by number.
#[derive(Default)]
struct ConnectionTable {
    connections: HashMap<u64, Arc<Connection>>,
    last: u64,
}

/// One connection.
pub(super) struct Connection {
    began: Instant,
    /// Milliseconds from `began` to the last byte received or sent.
    moved: AtomicU64,
    /// The number of requests that are being answered.
    calls: AtomicUsize,
    /// Whether it was asked to close.
    closing: AtomicBool,
    close: Notify,
}

/// A guard that removes its connection from the open ones when it is dropped.
pub(super) struct ConnectionGuard {
    pub(super) connection: Arc<Connection>,
    number: u64,
    open: Arc<OpenConnections>,
}

/// A guard that marks a request as being answered until it is dropped.
pub(super) struct OpenRequest(Arc<Connection>);

impl OpenConnections {
    /// Registers a new connection.
    pub(super) fn enter(self: &Arc<Self>) -> ConnectionGuard {
        let connection = Arc::new(Connection {
            began: Instant::now(),
            moved: AtomicU64::new(0),
            calls: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            close: Notify::new(),
        });
        let mut table = self.lock();
        table.last += 1;
        let number = table.last;
        table.connections.insert(number, connection.clone());
        ConnectionGuard { connection, number, open: self.clone() }
    }

    /// The number of open connections.
    pub(super) fn count(&self) -> usize {
        self.lock().connections.len()
    }

    /// Closes the idle connection without traffic for the longest time. Returns false if none is idle.
    pub(super) fn close_oldest(&self) -> bool {
        let table = self.lock();
        let idle = table.connections.values().filter(|connection| connection.is_idle());
        let oldest = idle.min_by_key(|connection| connection.moved());
        oldest.inspect(|connection| connection.close()).is_some()
    }

    /// Closes the idle connections without traffic for at least `limit`.
    pub(super) fn close_idle(&self, limit: Duration) {
        let now = Instant::now();
        let table = self.lock();
        let idle = table.connections.values().filter(|connection| connection.is_idle());
        idle.filter(|connection| now.duration_since(connection.moved()) >= limit).for_each(|connection| connection.close());
    }

    fn lock(&self) -> MutexGuard<'_, ConnectionTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.open.lock().connections.remove(&self.number);
    }
}

impl Connection {
    /// Marks a request as being answered.
    pub(super) fn call(self: &Arc<Self>) -> OpenRequest {
        self.calls.fetch_add(1, Relaxed);
        OpenRequest(self.clone())
    }

    /// Completes when the connection was asked to close while no request is being answered.
    pub(super) async fn told_to_close(&self) {
        loop {
            self.close.notified().await;
            if self.calls.load(Relaxed) == 0 {
                return;
            }
            // A request arrived at the same moment.
            self.closing.store(false, Relaxed);
        }
    }

    fn is_idle(&self) -> bool {
        self.calls.load(Relaxed) == 0 && !self.closing.load(Relaxed)
    }

    fn close(&self) {
        self.closing.store(true, Relaxed);
        self.close.notify_one();
    }

    fn moved(&self) -> Instant {
        self.began + Duration::from_millis(self.moved.load(Relaxed))
    }

    fn touch(&self) {
        self.moved.store(self.began.elapsed().as_millis() as u64, Relaxed);
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Relaxed);
        self.0.touch();
    }
}

/// A stream that records the time of its traffic.
pub(super) struct WatchedStream {
    pub(super) stream: TcpStream,
    pub(super) connection: Arc<Connection>,
}

impl WatchedStream {
    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(n)) if n > 0) {
            self.connection.touch();
        }
        written
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.connection.touch();
        }
        read
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
