//! A completion that was paid for -> a row of an SQLite file, and back, so that nothing is asked for twice.
//!
//! One thread writes, in transactions that hold all completions in waiting; [`Store::put`] returns after the commit has reached the disk. Reads go
//! straight to SQLite from the calling thread, because they take microseconds. Several processes may use the same file.
//!
//! ```
//! # use rrm::{address::*, chat::*, engine::*, store::*};
//! # async fn example(path: &std::path::Path, engine: &dyn Engine, request: Request) -> Result<Completion, Box<dyn std::error::Error>> {
//! let store = Store::open(path)?;
//! let info = engine.info();
//! let key = completion_key(&KeyParts { fingerprint: &info.fingerprint, format_hash: "3f2a", request: &request, vote: 0 });
//! if let Some(completion) = store.get(key)? {
//!     return Ok(completion);
//! }
//! let origin = Origin {
//!     engine: info.name.clone(),
//!     fingerprint: info.fingerprint.clone(),
//!     format_hash: "3f2a".into(),
//!     item: "row-1".into(),
//!     shown: (0, 1),
//!     vote: 0,
//! };
//! let completion = engine.complete(request).await?;
//! Ok(store.put(key, origin, completion).await?)
//! # }
//! ```

mod error;
mod known;
#[cfg(feature = "store")]
mod sqlite;
#[cfg(not(feature = "store"))]
mod without;

#[cfg(feature = "store")]
pub use self::sqlite::{
    EngineStats, Garbage, GcReport, Identities, MergeReport, OtherFingerprints, Store, StoreStats, gc, merge, stats,
};
#[cfg(not(feature = "store"))]
pub use self::without::{Identities, Store};
pub use self::{
    error::StoreError,
    known::{FingerprintMismatch, Identity, KnownIdentity, Origin, now},
};
